//! Directions of tangents.

use crate::calculus::Probe;
use crate::draws::{Draws, RowKey};
use crate::fast::tile::Column;

/// The directions e₁, …, e_d in all rows, one set after the other.
pub(super) fn unit_tangents(features: usize, probes: &mut [Column]) {
    probes.fill(Column::ZERO);
    for column in probes.iter_mut().step_by(features + 1) {
        *column = Column::splat(1.0);
    }
}

/// Draws one probe for each row of a block, as columns.
pub(super) fn fill_probe(
    draws: Draws,
    probe: Probe,
    (rows, block): (usize, usize),
    columns: &mut [Column],
    drawn: &mut Vec<f64>,
) {
    let d = columns.len();
    drawn.resize(rows * d, 0.0);
    draws.probes(probe, block, d, drawn);
    for (r, row) in drawn.chunks_exact(d).enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column.0[r] = *value as f32;
        }
    }
}

/// Draws the first probes that a seed stands for, sets of d columns, for as many rows of points:
/// those of the reference tier.
pub(super) fn fill_probes(
    seed: u64,
    probe: Probe,
    (points, rows): (&[Column], usize),
    columns: &mut [Column],
    drawn: &mut Vec<f64>,
) {
    let d = points.len();
    let independent = if probe == Probe::Orthogonal { Probe::Gaussian } else { probe };
    drawn.resize(d, 0.0);
    let keys: Vec<RowKey> =
        (0..rows).map(|r| RowKey::of(points.iter().map(|column| column.0[r]))).collect();
    for (number, columns) in columns.chunks_exact_mut(d).enumerate() {
        let draws = Draws::of_probe(seed, number);
        for (r, key) in keys.iter().enumerate() {
            draws.probe_of_row(independent, *key, drawn);
            columns.iter_mut().zip(&*drawn).for_each(|(column, value)| column.0[r] = *value as f32);
        }
    }
    if probe == Probe::Orthogonal {
        for r in 0..rows {
            orthogonalise(d, columns, r);
        }
    }
}

/// Takes from each vector of row r what it has in common with those before it, and makes its
/// length √d.
fn orthogonalise(d: usize, columns: &mut [Column], r: usize) {
    let mut vectors: Vec<f64> = columns.iter().map(|column| f64::from(column.0[r])).collect();
    for start in (0..vectors.len()).step_by(d) {
        let (before, rest) = vectors.split_at_mut(start);
        let vector = &mut rest[..d];
        for other in before.chunks_exact(d) {
            let dot: f64 = other.iter().zip(&*vector).map(|(a, b)| a * b).sum();
            vector.iter_mut().zip(other).for_each(|(v, o)| *v -= dot / d as f64 * o);
        }
        let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        for v in vector {
            *v *= (d as f64).sqrt() / length;
        }
    }
    for (column, value) in columns.iter_mut().zip(vectors) {
        column.0[r] = value as f32;
    }
}
