//! Monotone maps of the line over columns, the fast tier of [`crate::univariates`]: one file each, and
//! one line in a list.

mod affine;
mod bernstein;
mod shift;
mod spline;

use super::kernel::{Built, first_of};
use super::simd::Level;
use super::tile::Column;
use crate::config::UnivariateConfig;
use std::fmt::Debug;

/// The kernel of a map; none where the settings are of another kind.
type Find = fn(&UnivariateConfig) -> Option<Built<dyn Univariate>>;

const KERNELS: [Find; 4] = [affine::kernel, bernstein::kernel, shift::kernel, spline::kernel];

/// The kernel of a map.
pub(super) fn kernel(map: &UnivariateConfig) -> Built<dyn Univariate> {
    first_of(map.name(), KERNELS.iter().map(|find| find(map)))
}

/// A monotone map of m columns of points, each with p columns of parameters, feature by feature.
pub(super) trait Univariate: Debug + Send + Sync {
    /// p
    fn params_per_feature(&self) -> usize;

    /// Maps points in place and adds the log-slopes.
    fn forward(&self, level: Level, params: &[Column], points: &mut [Column], log_det: &mut Column);

    /// Undoes it with the same parameters; the log-slopes are those of the inverse.
    fn inverse(&self, level: Level, params: &[Column], points: &mut [Column], log_det: &mut Column);

    /// From the points x before the map and the gradients of their images and log-slopes: turns
    /// `d_points` into the gradients of x, and overwrites the parameters with theirs.
    fn backward(
        &self,
        level: Level,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    );
}
