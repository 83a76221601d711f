//! z = exp(s) x + b

use super::{add_to_all, row_sum};
use crate::config::LayerConfig;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use crate::transforms::ActNormConfig;

/// The fast tier of [`crate::transforms::ActNorm`].
#[derive(Debug)]
pub(super) struct ActNorm {
    features: usize,
    log_scale: usize,
    shift: usize,
    /// Where exp(s) is prepared.
    scale: usize,
}

impl ActNorm {
    fn new(layout: &mut Layout, path: &str, features: usize) -> Option<Self> {
        Some(Self {
            features,
            log_scale: layout.place(&format!("{path}.log_scale"), features)?,
            shift: layout.place(&format!("{path}.shift"), features)?,
            scale: layout.reserve(features),
        })
    }

    fn log_det(&self, theta: &[f32]) -> f32 {
        theta[self.log_scale..self.log_scale + self.features].iter().sum()
    }
}

/// The kernel of [`ActNormConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    layer.of::<ActNormConfig>()?;
    Some(
        placed(ActNorm::new(site.layout, site.path, site.sizes.0))
            .map(|kernel| Box::new(kernel) as _),
    )
}

impl Kernel for ActNorm {
    /// The points before the map.
    fn tape(&self) -> usize {
        self.features
    }

    fn scratch(&self) -> usize {
        0
    }

    fn prepare(&self, theta: &mut [f32]) {
        for i in 0..self.features {
            theta[self.scale + i] = theta[self.log_scale + i].exp();
        }
    }

    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        tape.copy_from_slice(points);
        forward(pass.level, &pass.theta[self.scale..], &pass.theta[self.shift..], points);
        add_to_all(pass.level, self.log_det(pass.theta), log_det);
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { tape, d_log_det, d_points, gradient, .. } = reverse;
        let d_log_det = row_sum(pass.level, d_log_det);
        let scale = &pass.theta[self.scale..];
        let places = (self.log_scale, self.shift);
        backward(pass.level, scale, tape, d_points, d_log_det, gradient, places);
    }

    fn inverse(&self, pass: &Pass, points: &mut [Column], log_det: &mut Column, _: &mut [Column]) {
        inverse(pass.level, &pass.theta[self.scale..], &pass.theta[self.shift..], points);
        add_to_all(pass.level, -self.log_det(pass.theta), log_det);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}

vectorised! {
    fn forward<S>(s, scale: &[f32], shift: &[f32], points: &mut [Column]) {
        for ((point, scale), shift) in points.iter_mut().zip(scale).zip(shift) {
            for v in 0..S::VECTORS {
                let moved = s.mul_add(s.splat(*scale), s.load(point, v), s.splat(*shift));
                s.store(moved, point, v);
            }
        }
    }
}

vectorised! {
    fn inverse<S>(s, scale: &[f32], shift: &[f32], points: &mut [Column]) {
        for ((point, scale), shift) in points.iter_mut().zip(scale).zip(shift) {
            let inverse = s.splat(scale.recip());
            for v in 0..S::VECTORS {
                let centred = s.sub(s.load(point, v), s.splat(*shift));
                s.store(s.mul(centred, inverse), point, v);
            }
        }
    }
}

vectorised! {
    fn backward<S>(
        s,
        scale: &[f32],
        x: &[Column],
        d_points: &mut [Column],
        d_log_det: f32,
        gradient: &mut [f32],
        places: (usize, usize),
    ) {
        for (i, ((d, x), scale)) in d_points.iter_mut().zip(x).zip(scale).enumerate() {
            let (mut d_scale, mut d_shift) = (s.splat(0.0), s.splat(0.0));
            for v in 0..S::VECTORS {
                let d_z = s.load(d, v);
                d_scale = s.mul_add(d_z, s.load(x, v), d_scale);
                d_shift = s.add(d_shift, d_z);
                s.store(s.mul(s.splat(*scale), d_z), d, v);
            }
            gradient[places.0 + i] += scale * s.sum(d_scale) + d_log_det;
            gradient[places.1 + i] += s.sum(d_shift);
        }
    }
}
