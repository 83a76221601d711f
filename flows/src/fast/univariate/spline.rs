//! Monotone rational-quadratic splines with linear tails.

/// The fast tier of [`crate::univariates::RationalQuadraticSpline`].
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct RationalQuadraticSpline {
    bins: usize,
    tail_bound: f32,
}
