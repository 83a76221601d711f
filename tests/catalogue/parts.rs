//! Builds the transforms of the catalogue from small parts.

use super::case::{Built, Size};
use candle_core::{DType, Tensor};
use diffeo_flows::field::VectorField;
use diffeo_flows::fields::{FieldConfig, PotentialField, TimeForm, TimeMlp};
use diffeo_flows::nets::{Activation, LastLayer, NetConfig};
use diffeo_flows::ode::{ContinuousFlow, Solver, TSIT5};
use diffeo_flows::params::Scope;
use diffeo_flows::transform::{Chain, Direction, Layer};
use diffeo_flows::transforms::{
    ActNorm, Coupling, Elementwise, Half, LuLinear, MaskedAutoregressive, Permutation, Standardise,
    Support, SupportMap,
};
use diffeo_flows::univariates::{Affine, LogisticMixture, RationalQuadraticSpline};
use diffeo_flows::{Inverse, Result, Transform, Univariate};

/// The end of every spline of the catalogue, an input that the laws try exactly.
pub(crate) const TAIL_BOUND: f64 = 3.0;
/// Bins of every spline of the catalogue.
const BINS: usize = 4;
/// Steps of every logistic mixture of the catalogue.
const COMPONENTS: usize = 3;
/// Bound of every log-scale of the catalogue.
const LOG_SCALE_BOUND: f64 = 3.0;

pub(super) const INTERVAL: Support = Support::Interval { low: -1.5, high: 2.0 };
pub(super) const EACH_SUPPORT: [Support; 5] = [
    Support::Real,
    Support::Positive,
    Support::PositiveSoftplus,
    INTERVAL,
    Support::Interval { low: 0.1, high: 0.3 },
];

pub(super) fn affine() -> Result<Affine> {
    Affine::new(LOG_SCALE_BOUND)
}

pub(super) fn spline() -> Result<RationalQuadraticSpline> {
    RationalQuadraticSpline::new(BINS, TAIL_BOUND)
}

pub(super) fn mixture() -> Result<LogisticMixture> {
    LogisticMixture::new(COMPONENTS)
}

fn net(hidden: &[usize], activation: Activation, residual: bool) -> NetConfig {
    NetConfig { hidden: hidden.to_vec(), activation, residual }
}

/// Two layers of unequal width; smooth, so that differences are exact to second order.
pub(super) fn plain() -> NetConfig {
    net(&[5, 4], Activation::Tanh, false)
}

/// Enough units for every degree of five features twice.
pub(super) fn wide() -> NetConfig {
    net(&[10, 10], Activation::Silu, false)
}

pub(super) fn relu() -> NetConfig {
    net(&[6, 6], Activation::Relu, false)
}

pub(super) fn residual() -> NetConfig {
    net(&[5, 5, 5], Activation::Silu, true)
}

/// Fewer units than features.
pub(super) fn narrow() -> NetConfig {
    net(&[2, 3], Activation::Tanh, false)
}

pub(super) fn boxed<T: Transform + 'static>(transform: Result<T>) -> Built {
    Ok(Box::new(transform?))
}

pub(super) fn coupling<U: Univariate + 'static>(
    scope: Scope,
    size: Size,
    last: LastLayer,
    half: Half,
    univariate: Result<U>,
) -> Built {
    boxed(Coupling::new(scope, size, half, univariate?, &plain(), last))
}

pub(super) fn made<U: Univariate + 'static>(
    scope: Scope,
    size: Size,
    last: LastLayer,
    univariate: Result<U>,
    net: &NetConfig,
) -> Built {
    boxed(MaskedAutoregressive::new(scope, size, univariate?, net, last))
}

pub(super) fn iaf<U: Univariate + 'static>(
    scope: Scope,
    size: Size,
    last: LastLayer,
    univariate: Result<U>,
) -> Built {
    boxed(MaskedAutoregressive::new(scope, size, univariate?, &plain(), last).map(Inverse))
}

pub(super) fn each<U: Univariate + 'static>(
    scope: Scope,
    size: Size,
    last: LastLayer,
    univariate: Result<U>,
) -> Built {
    boxed(Elementwise::new(scope, size, univariate?, last))
}

/// A coupling whose fixed half is mapped too.
pub(super) fn mapped<U: Univariate + 'static>(
    mut scope: Scope,
    size: Size,
    last: LastLayer,
    half: Half,
    univariate: Result<U>,
) -> Built {
    let coupling = Coupling::new(scope.here(), size, half, univariate?, &plain(), last)?;
    boxed(coupling.with_fixed_half_mapped(scope, last))
}

pub(super) fn support(supports: &[Support]) -> Built {
    boxed(SupportMap::new(supports.to_vec()))
}

/// Rows with another offset and spread in each column.
fn rows(scope: &Scope, features: usize) -> Result<Tensor> {
    let row = |i: usize| (0..features).map(move |j| (i * (j + 1)) as f64 * 0.3 - j as f64);
    let values: Vec<f64> = (0..4).flat_map(row).collect();
    Ok(Tensor::from_vec(values, (4, features), scope.device())?.to_dtype(scope.dtype())?)
}

pub(super) fn act_norm_on_rows(scope: Scope, features: usize) -> Built {
    let rows = rows(&scope, features)?;
    let map = ActNorm::new(scope, features)?;
    map.initialise(&rows, None, Direction::Forward)?;
    boxed(Ok(map))
}

pub(super) fn standardise_on_rows(scope: Scope, features: usize) -> Built {
    let rows = rows(&scope, features)?.to_dtype(DType::F64)?;
    let map = Standardise::new(scope, features)?;
    map.initialise(&rows, None, Direction::Forward)?;
    boxed(Ok(map))
}

fn chain(features: usize, maps: Vec<Box<dyn Transform>>) -> Result<Chain> {
    let layer = |(i, transform)| Layer { name: format!("{i}"), transform };
    Chain::new(features, maps.into_iter().enumerate().map(layer).collect())
}

/// A network with time, in steps so small that their error is that of rounding.
fn solved<F: VectorField + 'static>(field: Result<F>) -> Built {
    boxed(ContinuousFlow::new(field?, Solver::fixed(&TSIT5, 48)))
}

fn with_time(time: TimeForm) -> FieldConfig {
    FieldConfig { hidden: vec![6, 5], activation: Activation::Tanh, time, potential: false }
}

pub(super) fn field(s: Scope, (d, k): Size, l: LastLayer, time: TimeForm) -> Built {
    solved(TimeMlp::new(s, d, k, &with_time(time), l))
}

pub(super) fn potential(s: Scope, (d, k): Size, l: LastLayer, time: TimeForm) -> Built {
    solved(PotentialField::new(s, d, k, &with_time(time), l))
}

pub(super) fn couplings_both_ways(mut s: Scope, n: Size, l: LastLayer) -> Built {
    let first = coupling(s.sub("0"), n, l, Half::First, affine())?;
    let second = coupling(s.sub("1"), n, l, Half::Second, spline())?;
    boxed(chain(n.0, vec![first, second]))
}

/// Standardise, act norm, coupling, permutation, LU, autoregressive, elementwise.
pub(super) fn every_kind(mut s: Scope, n: Size, l: LastLayer) -> Result<Chain> {
    let maps = vec![
        standardise_on_rows(s.sub("0"), n.0)?,
        act_norm_on_rows(s.sub("1"), n.0)?,
        coupling(s.sub("2"), n, l, Half::First, spline())?,
        boxed(Permutation::random(s.sub("3"), n.0))?,
        boxed(LuLinear::new(s.sub("4"), n.0, l))?,
        made(s.sub("5"), n, l, affine(), &plain())?,
        each(s.sub("6"), n, l, spline())?,
    ];
    chain(n.0, maps)
}
