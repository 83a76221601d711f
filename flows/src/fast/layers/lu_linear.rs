//! z = L U x + b
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use super::{add_to_all, row_sum};
use crate::config::LayerConfig;
use crate::fast::dense::{Dense, Store};
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;
use crate::fast::triangular::{copy_strictly_upper, upper_triangular};
use crate::transforms::LuLinearConfig;

/// The fast tier of [`crate::transforms::LuLinear`].
///
/// Lᵀ and U are both upper triangular: L y is a product and U x the reverse of one.
#[derive(Debug)]
pub(super) struct LuLinear {
    features: usize,
    lower: usize,
    upper: usize,
    log_diagonal: usize,
    /// y ↦ L y + b, its weights Lᵀ prepared.
    by_lower: Dense,
    /// y ↦ Uᵀ y, its weights U prepared; its bias is never added.
    by_upper: Dense,
}

impl LuLinear {
    fn new(layout: &mut Layout, path: &str, features: usize) -> Option<Self> {
        let d = features;
        let shift = layout.place(&format!("{path}.shift"), d)?;
        Some(Self {
            features,
            lower: layout.place(&format!("{path}.lower"), d * d)?,
            upper: layout.place(&format!("{path}.upper"), d * d)?,
            log_diagonal: layout.place(&format!("{path}.log_diagonal"), d)?,
            by_lower: upper_triangular(d, layout.reserve(d * d), shift),
            by_upper: upper_triangular(d, layout.reserve(d * d), shift),
        })
    }

    fn log_det(&self, theta: &[f32]) -> f32 {
        theta[self.log_diagonal..self.log_diagonal + self.features].iter().sum()
    }
}

/// The kernel of [`LuLinearConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    layer.of::<LuLinearConfig>()?;
    Some(
        placed(LuLinear::new(site.layout, site.path, site.sizes.0))
            .map(|kernel| Box::new(kernel) as _),
    )
}

impl Kernel for LuLinear {
    /// x and U x
    fn tape(&self) -> usize {
        2 * self.features
    }

    fn scratch(&self) -> usize {
        self.features
    }

    fn prepare(&self, theta: &mut [f32]) {
        let d = self.features;
        let (parameters, upper) = theta.split_at_mut(self.by_upper.weight);
        copy_strictly_upper(&parameters[self.upper..][..d * d], &mut upper[..d * d], d);
        for i in 0..d {
            upper[i * d + i] = parameters[self.log_diagonal + i].exp();
        }
        let (parameters, transposed_lower) = theta.split_at_mut(self.by_lower.weight);
        for i in 0..d {
            for j in 0..i {
                transposed_lower[j * d + i] = parameters[self.lower + i * d + j];
                transposed_lower[i * d + j] = 0.0;
            }
            transposed_lower[i * d + i] = 1.0;
        }
    }

    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let Pass { level, theta, .. } = *pass;
        let (x, ux) = tape.split_at_mut(self.features);
        x.copy_from_slice(points);
        self.by_upper.backward_inputs(level, theta, x, x, ux, Store::Replace);
        let all = 0..self.features;
        self.by_lower.forward(level, theta, ux, points, all, (Store::Replace, true));
        add_to_all(level, self.log_det(theta), log_det);
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Pass { level, theta, .. } = *pass;
        let Reverse { tape, scratch, d_log_det, d_points, gradient } = reverse;
        let (x, ux) = tape.split_at(self.features);
        let d_ux = &mut scratch[..self.features];
        self.by_lower.backward_weights(level, ux, d_points, gradient, true);
        self.by_lower.backward_inputs(level, theta, ux, d_points, d_ux, Store::Replace);
        self.by_upper.backward_weights(level, d_ux, x, gradient, false);
        let all = 0..self.features;
        self.by_upper.forward(level, theta, d_ux, d_points, all, (Store::Replace, false));
        let d_log_det = row_sum(level, d_log_det);
        for d in &mut gradient[self.log_diagonal..self.log_diagonal + self.features] {
            *d += d_log_det;
        }
    }

    fn inverse(&self, pass: &Pass, points: &mut [Column], log_det: &mut Column, _: &mut [Column]) {
        let Pass { level, theta, .. } = *pass;
        let (shift, upper) = (&theta[self.by_lower.bias..], &theta[self.by_upper.weight..]);
        substitute(level, &theta[self.lower..], upper, shift, points);
        add_to_all(level, -self.log_det(theta), log_det);
    }

    fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        let d = self.features;
        let (parameters, d_upper) = gradient.split_at_mut(self.by_upper.weight);
        copy_strictly_upper(&d_upper[..d * d], &mut parameters[self.upper..][..d * d], d);
        for i in 0..d {
            let scale = theta[self.by_upper.weight + i * d + i];
            parameters[self.log_diagonal + i] += scale * d_upper[i * d + i];
        }
        let (parameters, d_transposed_lower) = gradient.split_at_mut(self.by_lower.weight);
        for i in 0..d {
            let d_lower = &mut parameters[self.lower + i * d..][..d];
            for (j, d_lower) in d_lower.iter_mut().enumerate() {
                *d_lower = if j < i { d_transposed_lower[j * d + i] } else { 0.0 };
            }
        }
    }
}

vectorised! {
    /// Solves L U x + b = z, the points, for x in place.
    fn substitute<S>(s, lower: &[f32], upper: &[f32], shift: &[f32], points: &mut [Column]) {
        let d = points.len();
        for i in 0..d {
            let (known, rest) = points.split_at_mut(i);
            solve(s, &lower[i * d..], known, &mut rest[0], (shift[i], 1.0));
        }
        for i in (0..d).rev() {
            let (rest, known) = points.split_at_mut(i + 1);
            let scale = upper[i * d + i].recip();
            solve(s, &upper[i * d + i + 1..], known, &mut rest[i], (0.0, scale));
        }
    }
}

/// y ← scale (y − shift − Σ wⱼ kⱼ) over the known columns k.
#[inline(always)]
fn solve<S: Simd>(
    s: S,
    weights: &[f32],
    known: &[Column],
    y: &mut Column,
    (shift, scale): (f32, f32),
) {
    for v in 0..S::VECTORS {
        let start = s.sub(s.load(y, v), s.splat(shift));
        let rest = known.iter().zip(weights).fold(start, |rest, (known, weight)| {
            s.neg_mul_add(s.splat(*weight), s.load(known, v), rest)
        });
        s.store(s.mul(rest, s.splat(scale)), y, v);
    }
}
