//! Derives independent, portable random generators from one seed.
//!
//! Each use of randomness has a [`Stream`] of its own, indexed by step, epoch or name, so that the
//! numbers one use draws never depend on how many another has drawn, and a run that is resumed at
//! step *t* draws what an unbroken run would have drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Initial weights, one generator a parameter.
    Initialisation = 1,
    /// Random permutations among the layers of a flow.
    Structure = 2,
    /// Order of the rows, one generator an epoch.
    Shuffle = 3,
    /// Random numbers of an objective, one generator a step.
    Objective = 4,
    /// Samples of a density, one generator a chunk of rows.
    Sample = 5,
    /// Probes of the divergence of a field, one generator a probe.
    Probe = 6,
    /// Starting points of a mixture fit.
    Mixture = 7,
    /// Fresh rows of a toy to judge a model by: never those it was fitted to.
    Evaluation = 8,
    /// Fits of the baselines that a model is measured against.
    Baseline = 9,
    /// Noise that spreads whole numbers over the line, one generator a block of rows.
    Dequantise = 12,
    /// Fresh rows of a toy that others are compared with.
    Comparison = 13,
}

/// The generator of one stream at one index.
///
/// # Example
/// ```
/// use diffeo_flows::rng::{Stream, generator};
/// use rand::RngCore;
/// let draw = |index| generator(7, Stream::Shuffle, index).next_u64();
/// assert_eq!(draw(3), draw(3));
/// assert_ne!(draw(3), draw(4));
/// ```
pub fn generator(seed: u64, stream: Stream, index: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = stream as u8;
    key[16..24].copy_from_slice(&index.to_le_bytes());
    key[24..].copy_from_slice(b"diffeo/1");
    ChaCha8Rng::from_seed(key)
}

/// The generator of one stream for something with a name, such as a parameter.
pub fn named_generator(seed: u64, stream: Stream, name: &str) -> ChaCha8Rng {
    let hash = blake3::hash(name.as_bytes());
    let mut index = [0u8; 8];
    index.copy_from_slice(&hash.as_bytes()[..8]);
    generator(seed, stream, u64::from_le_bytes(index))
}
