//! Draws the random numbers of a batch, block by block of rows.
//!
//! What a row gets in training depends on the seed of the step and on the row's place in the batch
//! alone, not on how the batch is cut into chunks: both tiers, on any number of threads, draw the
//! same. Where log-densities are reported it depends on the row's entries, not on its place.

use crate::calculus::Probe;
use crate::rng::{Stream, generator};
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Rows of a block; a block's numbers come from one generator, row by row.
pub(crate) const BLOCK: usize = 64;

/// The random numbers of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    seed: u64,
}

/// What is drawn for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Probes of a trace.
    Probes = 0,
    /// Latent points.
    Latent = 1,
    /// One number for the whole batch.
    Batch = 2,
}

impl Draws {
    /// The draws of one batch, from the generator of its step.
    pub(crate) fn new(rng: &mut dyn RngCore) -> Self {
        Self { seed: rng.next_u64() }
    }

    /// The draws of the probe of that number, of those that a seed stands for.
    pub(crate) fn of_probe(seed: u64, number: usize) -> Self {
        Self::new(&mut generator(seed, Stream::Probe, number as u64))
    }

    /// A probe of the row with these entries, which depends on them alone and not on where the row
    /// stands: equal rows have equal log-densities in every table.
    pub(crate) fn probe_of_row(self, probe: Probe, row: RowKey, values: &mut [f64]) {
        fill(probe, values.len(), &mut generator(self.seed, Stream::Probe, row.0), values);
    }

    fn generator(self, purpose: Purpose, block: usize) -> ChaCha8Rng {
        generator(self.seed, Stream::Objective, (block as u64) << 2 | purpose as u64)
    }

    /// The generator of the latent points of a block: a density that draws its rows in order gives
    /// for N(0, I) what [`Draws::normal`] does.
    pub(crate) fn latent(self, block: usize) -> ChaCha8Rng {
        self.generator(Purpose::Latent, block)
    }

    /// Standard normal numbers of the rows of a block, `columns` for each, row-major.
    pub(crate) fn normal(self, block: usize, values: &mut [f64]) {
        let mut rng = self.latent(block);
        for value in values {
            *value = StandardNormal.sample(&mut rng);
        }
    }

    /// Probes v with E vvᵀ = I for the rows of a block, `columns` numbers for each, row-major.
    ///
    /// Orthogonal probes are those of [`crate::calculus::hutchinson`]; a single one is a Gaussian
    /// direction of length √d.
    pub(crate) fn probes(self, probe: Probe, block: usize, columns: usize, values: &mut [f64]) {
        fill(probe, columns, &mut self.generator(Purpose::Probes, block), values);
    }

    /// A number of [0, 1) for the whole batch.
    pub(crate) fn uniform(self) -> f64 {
        self.generator(Purpose::Batch, 0).random()
    }
}

/// What a row's probes are drawn by: a hash of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowKey(u64);

impl RowKey {
    /// The key of a row of the prepared space, rounded to single precision, in which both tiers agree.
    pub(crate) fn of(row: impl Iterator<Item = f32>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for entry in row {
            // 0 and −0 are the same number.
            hasher.update(&(entry + 0.0).to_bits().to_le_bytes());
        }
        let mut key = [0; 8];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(key))
    }
}

/// Draws probes of `columns` numbers each.
fn fill(probe: Probe, columns: usize, rng: &mut ChaCha8Rng, values: &mut [f64]) {
    match probe {
        Probe::Rademacher => values.iter_mut().for_each(|value| {
            *value = if rng.random::<bool>() { 1.0 } else { -1.0 };
        }),
        Probe::Gaussian | Probe::Orthogonal => {
            for value in values.iter_mut() {
                *value = StandardNormal.sample(rng);
            }
        }
    }
    if probe == Probe::Orthogonal {
        for row in values.chunks_exact_mut(columns) {
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            for value in row {
                *value *= (columns as f64).sqrt() / length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_seed_purpose_and_block_alone() {
        let draws = Draws::new(&mut generator(1, Stream::Objective, 0));
        let normal = |draws: Draws, block: usize, n: usize| {
            let mut values = vec![0.0; n];
            draws.normal(block, &mut values);
            values
        };
        assert_eq!(normal(draws, 3, 8)[..4], normal(draws, 3, 4));
        assert_ne!(normal(draws, 3, 4), normal(draws, 4, 4));
        let mut signs = [0.0; 128];
        draws.probes(Probe::Rademacher, 3, 2, &mut signs);
        assert!(
            signs.iter().all(|s| (s.abs() - 1.0).abs() < 1e-15)
                && signs.contains(&1.0)
                && signs.contains(&-1.0)
        );
        draws.probes(Probe::Orthogonal, 3, 2, &mut signs);
        assert!(signs.chunks(2).all(|v| (v[0] * v[0] + v[1] * v[1] - 2.0).abs() < 1e-12));
        assert!((0.0..1.0).contains(&draws.uniform()));
    }

    #[test]
    fn probes_of_a_row_follow_from_its_entries_alone() {
        let probe = |seed: u64, row: &[f32]| {
            let mut values = [0.0; 32];
            let key = RowKey::of(row.iter().copied());
            Draws::of_probe(seed, 0).probe_of_row(Probe::Gaussian, key, &mut values);
            values.map(f64::to_bits)
        };
        assert_eq!(probe(1, &[0.5, 0.0]), probe(1, &[0.5, -0.0]));
        assert_ne!(probe(1, &[0.5, 0.0]), probe(1, &[0.5, f32::MIN_POSITIVE]));
        assert_ne!(probe(1, &[0.5, 0.0]), probe(2, &[0.5, 0.0]));
    }
}
