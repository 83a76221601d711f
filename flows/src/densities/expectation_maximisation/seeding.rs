//! Cuts rows into clusters: greedy k-means++ and a few steps of Lloyd's iteration.

use rand::{Rng, RngCore};

/// Rows drawn for each centre; the one that leaves the rows nearest to a centre is taken.
const CANDIDATES: usize = 4;
const LLOYD_STEPS: usize = 5;

/// M centres `[M, d]`, and the nearest of them for each row.
pub(super) fn clusters(
    rows: &[f64],
    d: usize,
    components: usize,
    rng: &mut dyn RngCore,
) -> (Vec<f64>, Vec<usize>) {
    let mut centres = seed(rows, d, components, rng);
    for _ in 0..LLOYD_STEPS {
        let nearest = assign(rows, d, &centres);
        move_to_means(rows, d, &nearest, &mut centres);
    }
    let nearest = assign(rows, d, &centres);
    (centres, nearest)
}

/// k-means++: rows are drawn with probability ∝ their squared distance to the nearest centre.
fn seed(rows: &[f64], d: usize, components: usize, rng: &mut dyn RngCore) -> Vec<f64> {
    let n = rows.len() / d;
    let at = |i: usize| &rows[i * d..(i + 1) * d];
    let mut centres = at(rng.random_range(0..n)).to_vec();
    let mut nearest = vec![f64::INFINITY; n];
    approach(rows, &centres, &mut nearest);
    while centres.len() < components * d {
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..CANDIDATES {
            let drawn = draw(&nearest, rng);
            let mut distances = nearest.clone();
            let total = approach(rows, at(drawn), &mut distances);
            if best.as_ref().is_none_or(|(least, ..)| total < *least) {
                best = Some((total, drawn, distances));
            }
        }
        if let Some((_, drawn, distances)) = best {
            centres.extend_from_slice(at(drawn));
            nearest = distances;
        }
    }
    centres
}

/// Lowers squared distances to those from `centre` and returns their sum.
fn approach(rows: &[f64], centre: &[f64], distances: &mut [f64]) -> f64 {
    let mut total = 0.0;
    for (distance, row) in distances.iter_mut().zip(rows.chunks_exact(centre.len())) {
        *distance = distance.min(squared_distance(row, centre));
        total += *distance;
    }
    total
}

/// An index with probability ∝ its distance; any where all are 0 or the sum was rounded.
fn draw(distances: &[f64], rng: &mut dyn RngCore) -> usize {
    let mut rest = rng.random::<f64>() * distances.iter().sum::<f64>();
    let drawn = distances.iter().position(|distance| {
        rest -= distance;
        rest < 0.0
    });
    drawn.unwrap_or_else(|| rng.random_range(0..distances.len()))
}

fn assign(rows: &[f64], d: usize, centres: &[f64]) -> Vec<usize> {
    let nearest = |row: &[f64]| {
        let mut best = (f64::INFINITY, 0);
        for (k, centre) in centres.chunks_exact(d).enumerate() {
            let distance = squared_distance(row, centre);
            if distance < best.0 {
                best = (distance, k);
            }
        }
        best.1
    };
    rows.chunks_exact(d).map(nearest).collect()
}

/// A centre without rows stays where it is.
fn move_to_means(rows: &[f64], d: usize, nearest: &[usize], centres: &mut [f64]) {
    let mut sums = vec![0.0; centres.len()];
    let mut counts = vec![0usize; centres.len() / d];
    for (row, k) in rows.chunks_exact(d).zip(nearest) {
        counts[*k] += 1;
        sums[k * d..(k + 1) * d].iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let parts = centres.chunks_exact_mut(d).zip(sums.chunks_exact(d));
    for ((centre, sum), count) in parts.zip(counts).filter(|(_, count)| *count > 0) {
        centre.iter_mut().zip(sum).for_each(|(c, s)| *c = s / count as f64);
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
