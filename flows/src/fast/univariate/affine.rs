//! y = exp(s) x + b with s = a / (1 + |a| / L).

use super::Univariate;
use crate::config::UnivariateConfig;
use crate::fast::kernel::Built;
use crate::fast::math::exp;
use crate::fast::simd::{Level, vectorised};
use crate::fast::tile::Column;
use crate::univariates;

/// The largest log-scale whose exponential the kernel forms.
const LARGEST_LOG_SCALE: f64 = 80.0;

/// The fast tier of [`crate::univariates::Affine`]: parameters (b, a) of each feature.
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct Affine {
    inverse_bound: f32,
}

impl Affine {
    pub(in crate::fast) fn new(log_scale_bound: f64) -> Self {
        Self { inverse_bound: log_scale_bound.recip() as f32 }
    }
}

/// The kernel of [`univariates::Affine`].
pub(super) fn kernel(map: &UnivariateConfig) -> Option<Built<dyn Univariate>> {
    let bound = map.of::<univariates::Affine>()?.log_scale_bound();
    Some(if bound > LARGEST_LOG_SCALE {
        Err(format!("kernels form no exponential of {bound}"))
    } else {
        Ok(Box::new(Affine::new(bound)))
    })
}

impl Univariate for Affine {
    fn params_per_feature(&self) -> usize {
        2
    }

    fn forward(
        &self,
        level: Level,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        forward(level, self.inverse_bound, params, points, log_det);
    }

    fn inverse(
        &self,
        level: Level,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        inverse(level, self.inverse_bound, params, points, log_det);
    }

    fn backward(
        &self,
        level: Level,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        backward(level, self.inverse_bound, params, x, d_log_det, d_points);
    }
}

vectorised! {
    fn forward<S>(s, inverse_bound: f32, params: &[Column], points: &mut [Column], log_det: &mut Column) {
        let (one, inverse_bound) = (s.splat(1.0), s.splat(inverse_bound));
        for v in 0..S::VECTORS {
            let mut total = s.load(log_det, v);
            for (params, x) in params.chunks_exact(2).zip(points.iter_mut()) {
                let raw = s.load(&params[1], v);
                let log_scale = s.div(raw, s.mul_add(s.abs(raw), inverse_bound, one));
                let y = s.mul_add(exp(s, log_scale), s.load(x, v), s.load(&params[0], v));
                s.store(y, x, v);
                total = s.add(total, log_scale);
            }
            s.store(total, log_det, v);
        }
    }
}

vectorised! {
    fn inverse<S>(s, inverse_bound: f32, params: &[Column], points: &mut [Column], log_det: &mut Column) {
        let (one, zero, inverse_bound) = (s.splat(1.0), s.splat(0.0), s.splat(inverse_bound));
        for v in 0..S::VECTORS {
            let mut total = s.load(log_det, v);
            for (params, y) in params.chunks_exact(2).zip(points.iter_mut()) {
                let raw = s.load(&params[1], v);
                let log_scale = s.div(raw, s.mul_add(s.abs(raw), inverse_bound, one));
                let centred = s.sub(s.load(y, v), s.load(&params[0], v));
                s.store(s.mul(centred, exp(s, s.sub(zero, log_scale))), y, v);
                total = s.sub(total, log_scale);
            }
            s.store(total, log_det, v);
        }
    }
}

vectorised! {
    fn backward<S>(
        s,
        inverse_bound: f32,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        let (one, inverse_bound) = (s.splat(1.0), s.splat(inverse_bound));
        for ((params, x), d) in params.chunks_exact_mut(2).zip(x).zip(d_points) {
            for v in 0..S::VECTORS {
                let (raw, d_y) = (s.load(&params[1], v), s.load(d, v));
                let bent = s.div(one, s.mul_add(s.abs(raw), inverse_bound, one));
                let d_x = s.mul(d_y, exp(s, s.mul(raw, bent)));
                // ds/da = 1 / (1 + |a| / L)²
                let d_log_scale = s.mul_add(d_x, s.load(x, v), s.load(d_log_det, v));
                s.store(s.mul(d_log_scale, s.mul(bent, bent)), &mut params[1], v);
                s.store(d_y, &mut params[0], v);
                s.store(d_x, d, v);
            }
        }
    }
}
