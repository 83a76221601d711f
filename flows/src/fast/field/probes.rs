//! Directions of tangents.

use crate::calculus::Probe;
use crate::draws::Draws;
use crate::fast::tile::Column;

/// The directions e₁, …, e_d in all rows, one set after the other.
pub(super) fn unit_tangents(features: usize, probes: &mut [Column]) {
    probes.fill(Column::ZERO);
    for column in probes.iter_mut().step_by(features + 1) {
        *column = Column::splat(1.0);
    }
}

/// Draws the probes of the rows of a block, as sets of columns; those of a row are orthogonal to
/// each other where `probe` says so.
pub(super) fn fill_probes(
    draws: Draws,
    probe: Probe,
    block: usize,
    (rows, features): (usize, usize),
    columns: &mut [Column],
    drawn: &mut Vec<f64>,
) {
    drawn.resize(rows * columns.len(), 0.0);
    draws.probes(probe, block, features, drawn);
    for (r, row) in drawn.chunks_exact_mut(columns.len()).enumerate() {
        if probe == Probe::Orthogonal {
            orthogonalise(features, row);
        }
        for (column, value) in columns.iter_mut().zip(row) {
            column.0[r] = *value as f32;
        }
    }
}

/// Takes from each vector of length √d what it has in common with those before it, and gives it its
/// length again.
fn orthogonalise(d: usize, vectors: &mut [f64]) {
    for start in (d..vectors.len()).step_by(d) {
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
}
