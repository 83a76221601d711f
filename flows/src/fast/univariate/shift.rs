//! y = x + b.

use super::Univariate;
use crate::config::UnivariateConfig;
use crate::fast::kernel::Built;
use crate::fast::simd::{Level, vectorised};
use crate::fast::tile::Column;
use crate::univariates;

/// The fast tier of [`crate::univariates::Shift`].
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct Shift;

/// The kernel of [`univariates::Shift`].
pub(super) fn kernel(map: &UnivariateConfig) -> Option<Built<dyn Univariate>> {
    map.of::<univariates::Shift>()?;
    Some(Ok(Box::new(Shift)))
}

impl Univariate for Shift {
    fn params_per_feature(&self) -> usize {
        1
    }

    fn forward(&self, level: Level, params: &[Column], points: &mut [Column], _: &mut Column) {
        add(level, params, points, 1.0);
    }

    fn inverse(&self, level: Level, params: &[Column], points: &mut [Column], _: &mut Column) {
        add(level, params, points, -1.0);
    }

    fn backward(
        &self,
        _: Level,
        params: &mut [Column],
        _: &[Column],
        _: &Column,
        d_points: &mut [Column],
    ) {
        params.copy_from_slice(d_points);
    }
}

vectorised! {
    /// points += sign · shifts
    fn add<S>(s, shifts: &[Column], points: &mut [Column], sign: f32) {
        for (shift, point) in shifts.iter().zip(points) {
            for v in 0..S::VECTORS {
                let moved = s.mul_add(s.splat(sign), s.load(shift, v), s.load(point, v));
                s.store(moved, point, v);
            }
        }
    }
}
