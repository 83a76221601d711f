//! The components' terms where the features of a row fit into registers: calls of products of so
//! few numbers would take longer than the products.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;

/// The most features.
pub(super) const MOST: usize = 8;

/// Calls a function generic over the number of features with the number at hand.
macro_rules! sized {
    ($features:expr, $function:ident::<$S:ident, _>($($arg:expr),*)) => {
        match $features {
            1 => $function::<$S, 1>($($arg),*),
            2 => $function::<$S, 2>($($arg),*),
            3 => $function::<$S, 3>($($arg),*),
            4 => $function::<$S, 4>($($arg),*),
            5 => $function::<$S, 5>($($arg),*),
            6 => $function::<$S, 6>($($arg),*),
            7 => $function::<$S, 7>($($arg),*),
            _ => $function::<$S, 8>($($arg),*),
        }
    };
}

vectorised! {
    /// The weighted log-densities of all components.
    pub(super) fn log_terms<S>(
        s,
        blocks: &[f32],
        means: &[f32],
        x: &[Column],
        terms: &mut [Column],
    ) {
        sized!(x.len(), log_terms_of::<S, _>(s, blocks, means, x, terms));
    }
}

#[inline(always)]
fn log_terms_of<S: Simd, const D: usize>(
    s: S,
    blocks: &[f32],
    means: &[f32],
    x: &[Column],
    terms: &mut [Column],
) {
    let x: [&Column; D] = std::array::from_fn(|i| &x[i]);
    let blocks = blocks.chunks_exact(D * (D + 1) + 1);
    for ((block, mean), term) in blocks.zip(means.chunks_exact(D)).zip(terms) {
        let constant = s.splat(block[D * (D + 1)]);
        for v in 0..S::VECTORS {
            let (_, u) = whitened(s, block, mean, x, v);
            let squares = u.iter().fold(s.splat(0.0), |sum, u| s.mul_add(*u, *u, sum));
            s.store(s.mul_add(s.splat(-0.5), squares, constant), term, v);
        }
    }
}

/// x − μ and (x − μ) P of a component.
#[inline(always)]
fn whitened<S: Simd, const D: usize>(
    s: S,
    block: &[f32],
    mean: &[f32],
    x: [&Column; D],
    v: usize,
) -> ([S::F; D], [S::F; D]) {
    let centred: [S::F; D] = std::array::from_fn(|i| s.sub(s.load(x[i], v), s.splat(mean[i])));
    let mut u = [s.splat(0.0); D];
    for i in 0..D {
        for j in i..D {
            u[j] = s.mul_add(s.splat(block[i * D + j]), centred[i], u[j]);
        }
    }
    (centred, u)
}

vectorised! {
    /// Adds the gradients of the points and of what is prepared.
    pub(super) fn gradients<S>(
        s,
        blocks: &[f32],
        means: &[f32],
        x: &[Column],
        terms: &[Column],
        share: &Column,
        d_points: &mut [Column],
        gradient: &mut [f32],
    ) {
        sized!(
            x.len(),
            gradients_of::<S, _>(s, blocks, means, x, (terms, share), d_points, gradient)
        );
    }
}

#[inline(always)]
fn gradients_of<S: Simd, const D: usize>(
    s: S,
    blocks: &[f32],
    means: &[f32],
    x: &[Column],
    (terms, share): (&[Column], &Column),
    d_points: &mut [Column],
    gradient: &mut [f32],
) {
    let x: [&Column; D] = std::array::from_fn(|i| &x[i]);
    let blocks = blocks.chunks_exact(D * (D + 1) + 1).zip(means.chunks_exact(D)).zip(terms);
    for (((block, mean), term), gradient) in blocks.zip(gradient.chunks_exact_mut(D * (D + 1) + 1))
    {
        let zero = s.splat(0.0);
        // `d_shift` is the gradient of −μ P.
        let (mut d_whitening, mut d_shift, mut d_constant) = ([[zero; D]; D], [zero; D], zero);
        for v in 0..S::VECTORS {
            let (centred, u) = whitened(s, block, mean, x, v);
            let weight = s.mul(s.load(term, v), s.load(share, v));
            d_constant = s.add(d_constant, weight);
            let weight = s.sub(zero, weight);
            let d_u: [S::F; D] = std::array::from_fn(|j| s.mul(weight, u[j]));
            for i in 0..D {
                d_shift[i] = s.add(d_shift[i], d_u[i]);
                let mut d_x = s.load(&d_points[i], v);
                for j in i..D {
                    d_whitening[i][j] = s.mul_add(centred[i], d_u[j], d_whitening[i][j]);
                    d_x = s.mul_add(s.splat(block[i * D + j]), d_u[j], d_x);
                }
                s.store(d_x, &mut d_points[i], v);
            }
        }
        for i in 0..D {
            for j in i..D {
                gradient[i * D + j] += s.sum(d_whitening[i][j]);
            }
            gradient[D * D + i] += s.sum(d_shift[i]);
        }
        gradient[D * (D + 1)] += s.sum(d_constant);
    }
}
