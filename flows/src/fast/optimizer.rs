//! AdamW, clipping and averaging in one pass over the flat vectors.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use super::simd::{Level, Simd, vectorised};
use super::tile::Column;
use crate::train::Update;

/// The flat vectors that training moves beside the weights.
#[derive(Debug, Clone, Default)]
pub(super) struct Vectors {
    pub(super) average: Vec<f32>,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    /// 1 where a weight decays, 0 elsewhere.
    pub(super) decayed: Vec<f32>,
}

/// The numbers of one step, the same for every entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors {
    clip: f32,
    /// 1 − β₁ and 1 − β₂, which single precision would lose.
    first: f32,
    second: f32,
    rate: f32,
    second_scale: f32,
    epsilon: f32,
    decay: f32,
    average: f32,
}

impl Factors {
    /// Of the step number `step`, from 1, with a gradient of this norm.
    pub(super) fn new(update: &Update, step: usize, norm: f64) -> Self {
        let config = update.config;
        let (beta1, beta2) = config.betas;
        let t = step as f64;
        Self {
            clip: (config.clip_norm / norm).min(1.0) as f32,
            first: (1.0 - beta1) as f32,
            second: (1.0 - beta2) as f32,
            rate: (update.learning_rate / (1.0 - beta1.powf(t))) as f32,
            second_scale: (1.0 / (1.0 - beta2.powf(t))) as f32,
            epsilon: (config.epsilon as f32).max(f32::MIN_POSITIVE),
            decay: (update.learning_rate * config.weight_decay) as f32,
            average: (1.0 - update.average_decay.unwrap_or(1.0)) as f32,
        }
    }
}

/// The square of a gradient's norm.
pub(super) fn square_norm(level: Level, gradient: &[f32]) -> f64 {
    // Blocks of a fixed size, so that single precision suffices within each.
    let square_norm = |block: &[f32]| {
        let sum = f64::from(square_sum(level, block));
        // Squares overflow long before the gradient does.
        if sum.is_finite() { sum } else { block.iter().map(|g| f64::from(*g).powi(2)).sum() }
    };
    gradient.chunks(1024).map(square_norm).sum()
}

vectorised! {
    fn square_sum<S>(s, values: &[f32]) -> f32 {
        let chunks = values.chunks_exact(S::LANES);
        let rest: f32 = chunks.remainder().iter().map(|v| v * v).sum();
        let sum = chunks.fold(s.splat(0.0), |sum, chunk| {
            let v = s.load_slice(chunk);
            s.mul_add(v, v, sum)
        });
        s.sum(sum) + rest
    }
}

vectorised! {
    /// sum += part
    pub(super) fn accumulate<S>(s, part: &[f32], sum: &mut [f32]) {
        let (mut parts, mut sums) = (part.chunks_exact(S::LANES), sum.chunks_exact_mut(S::LANES));
        for (part, sum) in parts.by_ref().zip(sums.by_ref()) {
            s.store_slice(s.add(s.load_slice(sum), s.load_slice(part)), sum);
        }
        for (part, sum) in parts.remainder().iter().zip(sums.into_remainder()) {
            *sum += part;
        }
    }
}

/// Moves all vectors by one step.
///
/// Kingma and Ba 2015, *Adam*, algorithm 1; Loshchilov and Hutter 2019, *Decoupled Weight Decay*,
/// algorithm 2.
pub(super) fn step(
    level: Level,
    weights: &mut [f32],
    vectors: &mut Vectors,
    gradient: &[f32],
    factors: Factors,
) {
    let Vectors { average, first, second, decayed } = vectors;
    adam(level, weights, first, second, gradient, decayed, factors);
    if factors.average > 0.0 {
        follow(level, weights, average, factors.average);
    }
}

vectorised! {
    fn adam<S>(
        s,
        weights: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradient: &[f32],
        decayed: &[f32],
        factors: Factors,
    ) {
        let lanes = S::LANES;
        let whole = gradient.len() / lanes * lanes;
        for at in (0..whole).step_by(lanes) {
            let end = at + lanes;
            let (w, m, v) = moved(s, factors, [
                s.load_slice(&weights[at..end]),
                s.load_slice(&first[at..end]),
                s.load_slice(&second[at..end]),
                s.load_slice(&gradient[at..end]),
                s.load_slice(&decayed[at..end]),
            ]);
            s.store_slice(w, &mut weights[at..end]);
            s.store_slice(m, &mut first[at..end]);
            s.store_slice(v, &mut second[at..end]);
        }
        let mut lane = Column::ZERO;
        for at in whole..gradient.len() {
            let all = [weights[at], first[at], second[at], gradient[at], decayed[at]];
            let (w, m, v) = moved(s, factors, all.map(|value| s.splat(value)));
            for (value, to) in [(w, &mut *weights), (m, &mut *first), (v, &mut *second)] {
                s.store(value, &mut lane, 0);
                to[at] = lane.0[0];
            }
        }
    }
}

/// Weights and moments after a step, from weights, moments, gradient and who decays.
#[inline(always)]
fn moved<S: Simd>(s: S, f: Factors, [w, m, v, g, decays]: [S::F; 5]) -> (S::F, S::F, S::F) {
    let g = s.mul(g, s.splat(f.clip));
    let m = s.mul_add(s.splat(f.first), s.sub(g, m), m);
    let v = s.mul_add(s.splat(f.second), s.sub(s.mul(g, g), v), v);
    let root = s.sqrt(s.mul(v, s.splat(f.second_scale)));
    let step = s.div(s.mul(m, s.splat(f.rate)), s.add(root, s.splat(f.epsilon)));
    let kept = s.neg_mul_add(s.mul(decays, s.splat(f.decay)), w, w);
    (s.sub(kept, step), m, v)
}

vectorised! {
    /// average += share (weights − average)
    fn follow<S>(s, weights: &[f32], average: &mut [f32], share: f32) {
        let (mut from, mut to) = (weights.chunks_exact(S::LANES), average.chunks_exact_mut(S::LANES));
        for (w, a) in from.by_ref().zip(to.by_ref()) {
            let old = s.load_slice(a);
            s.store_slice(s.mul_add(s.splat(share), s.sub(s.load_slice(w), old), old), a);
        }
        for (w, a) in from.remainder().iter().zip(to.into_remainder()) {
            *a += share * (w - *a);
        }
    }
}
