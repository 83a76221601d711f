//! z = H₁ … H_R x with reflections Hᵢ = I − cᵢ vᵢ vᵢᵀ and cᵢ = 2 / |vᵢ|².

use crate::config::LayerConfig;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use crate::transforms::{LEAST_SQUARE, RotationConfig};

/// The fast tier of [`crate::transforms::Rotation`].
#[derive(Debug)]
pub(super) struct Rotation {
    features: usize,
    reflections: usize,
    vectors: usize,
    /// Where the cᵢ are prepared.
    factors: usize,
}

impl Rotation {
    fn new(layout: &mut Layout, path: &str, features: usize, reflections: usize) -> Option<Self> {
        let vectors = layout.place(&format!("{path}.vectors"), reflections * features)?;
        Some(Self { features, reflections, vectors, factors: layout.reserve(reflections) })
    }

    /// v and c of a reflection.
    fn reflection<'a>(&self, theta: &'a [f32], i: usize) -> (&'a [f32], f32) {
        let start = self.vectors + i * self.features;
        (&theta[start..start + self.features], theta[self.factors + i])
    }
}

/// The kernel of [`RotationConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    let RotationConfig { reflections } = *layer.of()?;
    let kernel = Rotation::new(site.layout, site.path, site.sizes.0, reflections);
    Some(placed(kernel).map(|kernel| Box::new(kernel) as _))
}

impl Kernel for Rotation {
    /// The images, from which backward finds its way back: a reflection undoes itself.
    fn tape(&self) -> usize {
        self.features
    }

    /// The parts of points and of gradients along a vector.
    fn scratch(&self) -> usize {
        2
    }

    fn prepare(&self, theta: &mut [f32]) {
        for i in 0..self.reflections {
            let (v, _) = self.reflection(theta, i);
            let square: f64 = v.iter().map(|v| f64::from(*v).powi(2)).sum();
            theta[self.factors + i] = (2.0 / square.max(LEAST_SQUARE)) as f32;
        }
    }

    fn forward(&self, pass: &Pass, points: &mut [Column], _: &mut Column, tape: &mut [Column]) {
        for i in 0..self.reflections {
            let (v, factor) = self.reflection(pass.theta, i);
            reflect(pass.level, v, factor, points);
        }
        tape.copy_from_slice(points);
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { tape, scratch, d_points, gradient, .. } = reverse;
        for i in (0..self.reflections).rev() {
            let (v, factor) = self.reflection(pass.theta, i);
            let start = self.vectors + i * self.features;
            let gradient = &mut gradient[start..start + self.features];
            backward(pass.level, v, factor, tape, d_points, scratch, gradient);
        }
    }

    fn inverse(&self, pass: &Pass, points: &mut [Column], _: &mut Column, _: &mut [Column]) {
        for i in (0..self.reflections).rev() {
            let (v, factor) = self.reflection(pass.theta, i);
            reflect(pass.level, v, factor, points);
        }
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}

vectorised! {
    /// x ← x − c (x·v) v
    fn reflect<S>(s, vector: &[f32], factor: f32, points: &mut [Column]) {
        for v in 0..S::VECTORS {
            let mut along = s.splat(0.0);
            for (point, v_j) in points.iter().zip(vector) {
                along = s.mul_add(s.load(point, v), s.splat(*v_j), along);
            }
            let along = s.mul(along, s.splat(factor));
            for (point, v_j) in points.iter_mut().zip(vector) {
                let moved = s.neg_mul_add(along, s.splat(*v_j), s.load(point, v));
                s.store(moved, point, v);
            }
        }
    }
}

vectorised! {
    /// With s = x·v = −z·v and t = z̄·v: x = z + c s v, x̄ = z̄ − c t v, and
    /// v̄ = Σ over rows of −c (s z̄ + t x) + c² s t v, the last by c.
    fn backward<S>(
        s,
        vector: &[f32],
        factor: f32,
        points: &mut [Column],
        d_points: &mut [Column],
        scratch: &mut [Column],
        gradient: &mut [f32],
    ) {
        let [along, d_along, ..] = scratch else { return };
        let mut both = s.splat(0.0);
        for v in 0..S::VECTORS {
            let (mut z_v, mut t) = (s.splat(0.0), s.splat(0.0));
            for ((z, d), v_j) in points.iter().zip(d_points.iter()).zip(vector) {
                z_v = s.mul_add(s.load(z, v), s.splat(*v_j), z_v);
                t = s.mul_add(s.load(d, v), s.splat(*v_j), t);
            }
            let part = s.sub(s.splat(0.0), z_v);
            both = s.mul_add(part, t, both);
            s.store(part, along, v);
            s.store(t, d_along, v);
        }
        let by_factor = factor * factor * s.sum(both);
        let columns = points.iter_mut().zip(d_points.iter_mut());
        for (((z, d), v_j), to) in columns.zip(vector).zip(gradient) {
            let (mut sum, step) = (s.splat(0.0), s.splat(factor * v_j));
            for v in 0..S::VECTORS {
                let (part, t, d_z) = (s.load(along, v), s.load(d_along, v), s.load(d, v));
                let x = s.mul_add(part, step, s.load(z, v));
                sum = s.mul_add(part, d_z, s.mul_add(t, x, sum));
                s.store(x, z, v);
                s.store(s.neg_mul_add(t, step, d_z), d, v);
            }
            *to += by_factor * v_j - factor * s.sum(sum);
        }
    }
}
