//! Integrals over a line and a plane by boxes that are halved where they matter.

use diffeo_flows::Result;

/// Gauss–Legendre rule of five points on [−1, 1], exact to degree nine.
const NODES: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// An integral and an estimate of its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cubature {
    pub(super) value: f64,
    /// Σ of what halving last changed, of all boxes: far above the error itself.
    pub(super) error: f64,
    pub(super) evaluations: usize,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) error: f64,
    pub(super) evaluations: usize,
}

/// A box with the integral over it, and the part of the last change that counts for it.
#[derive(Debug, Clone)]
struct Cell {
    low: Vec<f64>,
    width: Vec<f64>,
    value: f64,
    error: f64,
}

/// ∫ f over (−1, 1)ᵈ, d at most 2; f is asked for many points at once, row-major `[n · d]`.
///
/// It starts from boxes that hold few of the `seen` points each, so that no narrow peak is missed,
/// and halves along every axis those whose last halving changed most.
pub(super) fn integrate(
    f: impl Fn(&[f64]) -> Result<Vec<f64>>,
    d: usize,
    seen: &[f64],
    budget: Budget,
) -> Result<Cubature> {
    let mut cells = start(d, seen);
    let mut evaluations = evaluate(&f, &mut cells)?;
    for cell in &mut cells {
        cell.error = f64::INFINITY;
    }
    loop {
        let error: f64 = cells.iter().map(|c| c.error).sum();
        let value: f64 = cells.iter().map(|c| c.value).sum();
        if error <= budget.error || evaluations >= budget.evaluations || value.is_nan() {
            return Ok(Cubature { value, error, evaluations });
        }
        let share = 0.5 * budget.error / cells.len() as f64;
        let (refined, kept): (Vec<Cell>, Vec<Cell>) =
            cells.into_iter().partition(|cell| cell.error > share);
        let mut parts: Vec<Cell> = refined.iter().flat_map(halves).collect();
        evaluations += evaluate(&f, &mut parts)?;
        let of_one = 1 << d;
        for (cell, parts) in refined.iter().zip(parts.chunks_mut(of_one)) {
            let change = (parts.iter().map(|p| p.value).sum::<f64>() - cell.value).abs();
            for part in parts {
                part.error = change / of_one as f64;
            }
        }
        cells = kept;
        cells.extend(parts);
    }
}

/// Boxes with a fiftieth of the points each, at most, and none wider than an eighth.
fn start(d: usize, seen: &[f64]) -> Vec<Cell> {
    let whole = Cell { low: vec![-1.0; d], width: vec![2.0; d], value: 0.0, error: 0.0 };
    let most = seen.len() / d / 50;
    let mut waiting = vec![(whole, seen.chunks_exact(d).collect::<Vec<_>>())];
    let mut cells = Vec::new();
    while let Some((cell, points)) = waiting.pop() {
        let fine = cell.width[0] <= 0.25 && (points.len() <= most || cell.width[0] < 1e-6);
        if fine {
            cells.push(cell);
            continue;
        }
        for part in halves(&cell) {
            let inside = |x: &&[f64]| {
                x.iter().zip(&part.low).zip(&part.width).all(|((x, l), w)| l <= x && *x < l + w)
            };
            let own = points.iter().copied().filter(inside).collect();
            waiting.push((part, own));
        }
    }
    cells
}

/// The 2ᵈ parts of a box.
fn halves(cell: &Cell) -> Vec<Cell> {
    let d = cell.low.len();
    let part = |corner: usize| {
        let width: Vec<f64> = cell.width.iter().map(|w| w / 2.0).collect();
        let low = (0..d).map(|k| cell.low[k] + width[k] * ((corner >> k) & 1) as f64).collect();
        Cell { low, width, value: 0.0, error: 0.0 }
    };
    (0..1 << d).map(part).collect()
}

/// Sets the integrals of boxes by the product rule; gives the number of evaluations.
fn evaluate(f: &impl Fn(&[f64]) -> Result<Vec<f64>>, cells: &mut [Cell]) -> Result<usize> {
    let Some(d) = cells.first().map(|cell| cell.low.len()) else { return Ok(0) };
    let each = NODES.len().pow(d as u32);
    let node = |k: usize, axis: usize| NODES[k / NODES.len().pow(axis as u32) % NODES.len()];
    let mut points = Vec::with_capacity(cells.len() * each * d);
    for cell in cells.iter() {
        for k in 0..each {
            let along =
                |axis: usize| cell.low[axis] + cell.width[axis] * (node(k, axis).0 + 1.0) / 2.0;
            points.extend((0..d).map(along));
        }
    }
    let values = f(&points)?;
    for (cell, values) in cells.iter_mut().zip(values.chunks_exact(each)) {
        let weight = |k: usize| (0..d).map(|a| cell.width[a] * node(k, a).1 / 2.0).product::<f64>();
        cell.value = values.iter().enumerate().map(|(k, value)| weight(k) * value).sum();
    }
    Ok(values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Budget = Budget { error: 1e-7, evaluations: 2_000_000 };

    #[test]
    fn polynomials_and_kinks_are_integrated() {
        // ∫ x⁸ (1 + y) = 2/9 · 2, and ∫ |x − 0.3| = (1.3² + 0.7²)/2.
        let smooth =
            |p: &[f64]| Ok(p.chunks_exact(2).map(|p| p[0].powi(8) * (1.0 + p[1])).collect());
        let found = integrate(smooth, 2, &[], FINE).unwrap();
        assert!((found.value - 4.0 / 9.0).abs() < 1e-12, "{found:?}");
        let kink = |p: &[f64]| Ok(p.iter().map(|x| (x - 0.3).abs()).collect());
        let found = integrate(kink, 1, &[], FINE).unwrap();
        assert!((found.value - 1.09).abs() <= found.error && found.error <= 1e-7, "{found:?}");
    }

    /// A peak so narrow that an even grid would not see it.
    #[test]
    fn peaks_with_points_in_them_are_found() {
        let (centre, width) = ([0.123_4, -0.567_8], 1e-4);
        let peak = |p: &[f64]| {
            let at = |p: &[f64]| {
                let r: f64 = p.iter().zip(&centre).map(|(x, c)| ((x - c) / width).powi(2)).sum();
                (-r / 2.0).exp() / (std::f64::consts::TAU * width * width)
            };
            Ok(p.chunks_exact(2).map(at).collect())
        };
        let seen: Vec<f64> = (0..200)
            .flat_map(|i| [centre[0] + width * f64::from(i % 14 - 7) / 4.0, centre[1]])
            .collect();
        let found = integrate(peak, 2, &seen, Budget { error: 1e-4, ..FINE }).unwrap();
        assert!((found.value - 1.0).abs() < 1e-4, "{found:?}");
    }
}
