//! Products with triangular matrices.

use super::dense::{Dense, Reach};

/// The product y = b + Wᵀ x with an upper triangular W `[d, d]`, whose entries below the diagonal
/// must be 0: output j sees the inputs 0 … j. Its reverse is the product W y.
pub(super) fn upper_triangular(d: usize, weight: usize, bias: usize) -> Dense {
    let reach = Reach::Staircase { seen: (1..=d).collect(), seen_from: (0..d).collect() };
    Dense { inputs: d, outputs: d, weight, bias, reach }
}

/// Copies what stands strictly above the diagonals of `[d, d]` matrices; the rest becomes 0.
pub(super) fn copy_strictly_upper(from: &[f32], to: &mut [f32], d: usize) {
    for (i, (from, to)) in from.chunks_exact(d).zip(to.chunks_exact_mut(d)).enumerate() {
        let first = i % d + 1;
        to[..first].fill(0.0);
        to[first..].copy_from_slice(&from[first..]);
    }
}
