//! Lists every kind of layer that files can name, and the edge cases.

mod case;
mod parts;

pub(crate) use case::Case;
pub(crate) use parts::TAIL_BOUND;

use case::{case, example};
use diffeo_flows::Univariate;
use diffeo_flows::config::LayerConfig;
use diffeo_flows::fields::TimeForm;
use diffeo_flows::transform::{Chain, Inverse};
use diffeo_flows::transforms::Half::{First, Second};
use diffeo_flows::transforms::{ActNorm, Coupling, LuLinear, Permutation, Standardise, Support};
use diffeo_flows::univariates::Shift;
use parts::{
    EACH_SUPPORT, INTERVAL, act_norm_on_rows, affine, boxed, coupling, couplings_both_ways, each,
    every_kind, field, iaf, made, mapped, mixture, narrow, plain, potential, relu, residual,
    spline, standardise_on_rows, support, wide,
};

/// Every transform.
pub(crate) fn catalogue() -> Vec<Case> {
    let special =
        [couplings(), autoregressive(), elementwise(), linear(), fixed(), composed(), continuous()];
    let kinds = LayerConfig::examples().into_iter().map(example);
    special.into_iter().flatten().chain(kinds).collect()
}

fn couplings() -> Vec<Case> {
    vec![
        case("coupling shift 2", (2, 0), |s, n, l| coupling(s, n, l, First, Ok(Shift {})))
            .fixes(0..1),
        case("coupling affine 2", (2, 0), |s, n, l| coupling(s, n, l, First, affine())).fixes(0..1),
        case("coupling affine 3", (3, 0), |s, n, l| coupling(s, n, l, Second, affine()))
            .fixes(1..3),
        case("coupling affine 5|2", (5, 2), |s, n, l| coupling(s, n, l, First, affine()))
            .fixes(0..2),
        case("coupling spline 2|2", (2, 2), |s, n, l| coupling(s, n, l, Second, spline()))
            .fixes(1..2),
        case("coupling spline 3", (3, 0), |s, n, l| coupling(s, n, l, First, spline())).fixes(0..1),
        case("coupling spline 5", (5, 0), |s, n, l| coupling(s, n, l, Second, spline()))
            .fixes(2..5),
        case("coupling shift 3|2", (3, 2), |s, n, l| coupling(s, n, l, Second, Ok(Shift {})))
            .fixes(1..3),
        case("coupling mixture 2", (2, 0), |s, n, l| coupling(s, n, l, First, mixture()))
            .fixes(0..1),
        case("coupling mixture 3|2", (3, 2), |s, n, l| coupling(s, n, l, Second, mixture()))
            .fixes(1..3),
        case("coupling mixture mapped 3", (3, 0), |s, n, l| mapped(s, n, l, First, mixture())),
        case("coupling spline mapped 2", (2, 0), |s, n, l| mapped(s, n, l, First, spline())),
        case("coupling affine mapped 3", (3, 0), |s, n, l| mapped(s, n, l, Second, affine())),
        case("coupling boxed 2", (2, 0), |s, n, l| {
            coupling(s, n, l, First, spline().map(|u| Box::new(u) as Box<dyn Univariate>))
        })
        .fixes(0..1),
        case("coupling relu 3", (3, 0), |s, n, l| {
            boxed(Coupling::new(s, n, First, affine()?, &relu(), l))
        })
        .fixes(0..1),
        case("coupling residual 3|2", (3, 2), |s, n, l| {
            boxed(Coupling::new(s, n, First, affine()?, &residual(), l))
        })
        .fixes(0..1),
    ]
}

fn autoregressive() -> Vec<Case> {
    vec![
        case("made affine 1", (1, 0), |s, n, l| made(s, n, l, affine(), &plain()))
            .triangular()
            .masks(&["first.weight"]),
        case("made spline 1|2", (1, 2), |s, n, l| made(s, n, l, spline(), &plain()))
            .triangular()
            .masks(&["first.weight"]),
        case("made affine 2", (2, 0), |s, n, l| made(s, n, l, affine(), &plain())).triangular(),
        case("made affine 3|2", (3, 2), |s, n, l| made(s, n, l, affine(), &plain())).triangular(),
        case("made spline 3", (3, 0), |s, n, l| made(s, n, l, spline(), &plain())).triangular(),
        case("made mixture 1|2", (1, 2), |s, n, l| made(s, n, l, mixture(), &plain()))
            .triangular()
            .masks(&["first.weight"]),
        case("made mixture 3", (3, 0), |s, n, l| made(s, n, l, mixture(), &plain())).triangular(),
        case("made shift 5", (5, 0), |s, n, l| made(s, n, l, Ok(Shift {}), &wide())).triangular(),
        case("made affine 5|2", (5, 2), |s, n, l| made(s, n, l, affine(), &wide())).triangular(),
        case("made relu 3", (3, 0), |s, n, l| made(s, n, l, affine(), &relu())).triangular(),
        case("made residual 3", (3, 0), |s, n, l| made(s, n, l, affine(), &residual()))
            .triangular(),
        case("made residual spline 2|2", (2, 2), |s, n, l| made(s, n, l, spline(), &residual()))
            .triangular(),
        case("made narrow 5", (5, 0), |s, n, l| made(s, n, l, affine(), &narrow()))
            .triangular()
            .narrow(),
        case("made narrow 5|2", (5, 2), |s, n, l| made(s, n, l, affine(), &narrow()))
            .triangular()
            .narrow(),
        case("inverse autoregressive affine 3", (3, 0), |s, n, l| iaf(s, n, l, affine()))
            .triangular(),
        case("inverse autoregressive mixture 2|2", (2, 2), |s, n, l| iaf(s, n, l, mixture()))
            .triangular(),
        case("inverse autoregressive spline 2|2", (2, 2), |s, n, l| iaf(s, n, l, spline()))
            .triangular(),
    ]
}

fn elementwise() -> Vec<Case> {
    vec![
        case("elementwise affine 1", (1, 0), |s, n, l| each(s, n, l, affine())).triangular(),
        case("elementwise affine 3|2", (3, 2), |s, n, l| each(s, n, l, affine()))
            .triangular()
            .narrow(),
        case("elementwise spline 2", (2, 0), |s, n, l| each(s, n, l, spline()))
            .triangular()
            .narrow(),
        case("elementwise spline 1|2", (1, 2), |s, n, l| each(s, n, l, spline())).triangular(),
        case("elementwise mixture 2", (2, 0), |s, n, l| each(s, n, l, mixture()))
            .triangular()
            .narrow(),
        case("elementwise mixture 1|2", (1, 2), |s, n, l| each(s, n, l, mixture())).triangular(),
        case("elementwise shift 5", (5, 0), |s, n, l| each(s, n, l, Ok(Shift {})))
            .triangular()
            .narrow(),
    ]
}

fn linear() -> Vec<Case> {
    vec![
        case("lu 1", (1, 0), |s, (d, _), l| boxed(LuLinear::new(s, d, l)))
            .free_scale()
            .masks(&["lower", "upper"]),
        case("lu 2", (2, 0), |s, (d, _), l| boxed(LuLinear::new(s, d, l))).free_scale(),
        case("lu 5", (5, 0), |s, (d, _), l| boxed(LuLinear::new(s, d, l))).free_scale(),
        case("act norm 3", (3, 0), |s, (d, _), _| boxed(ActNorm::new(s, d)))
            .free_scale()
            .unseeded(),
        case("act norm 1 initialised", (1, 0), |s, (d, _), _| act_norm_on_rows(s, d))
            .free_scale()
            .unseeded()
            .moves_at_start(),
        case("act norm 3 initialised", (3, 0), |s, (d, _), _| act_norm_on_rows(s, d))
            .free_scale()
            .unseeded()
            .moves_at_start(),
    ]
}

fn fixed() -> Vec<Case> {
    vec![
        case("reverse 1", (1, 0), |s, (d, _), _| boxed(Permutation::reverse(s, d))).unseeded(),
        case("reverse 3", (3, 0), |s, (d, _), _| boxed(Permutation::reverse(s, d)))
            .unseeded()
            .moves_at_start(),
        case("permutation 5", (5, 0), |s, (d, _), _| boxed(Permutation::random(s, d)))
            .moves_at_start(),
        case("standardise 3", (3, 0), |s, (d, _), _| boxed(Standardise::new(s, d))).unseeded(),
        case("standardise 3 fitted", (3, 0), |s, (d, _), _| standardise_on_rows(s, d))
            .unseeded()
            .moves_at_start(),
        case("support real", (1, 0), |_, _, _| support(&[Support::Real])).unseeded(),
        case("support positive", (1, 0), |_, _, _| support(&[Support::Positive]))
            .unseeded()
            .moves_at_start()
            .bounded(),
        case("support softplus", (1, 0), |_, _, _| support(&[Support::PositiveSoftplus]))
            .unseeded()
            .moves_at_start()
            .bounded(),
        case("support interval", (1, 0), |_, _, _| support(&[INTERVAL]))
            .unseeded()
            .moves_at_start()
            .bounded(),
        case("support of each kind", (5, 0), |_, _, _| support(&EACH_SUPPORT))
            .unseeded()
            .moves_at_start()
            .bounded(),
    ]
}

fn continuous() -> Vec<Case> {
    vec![
        case("continuous 1", (1, 0), |s, n, l| field(s, n, l, TimeForm::Concat)).free_scale(),
        case("continuous 2|2", (2, 2), |s, n, l| field(s, n, l, TimeForm::ConcatSquash))
            .free_scale(),
        case("continuous 3", (3, 0), |s, n, l| {
            field(s, n, l, TimeForm::Fourier { frequencies: 2 })
        })
        .free_scale(),
        case("potential 1|1", (1, 1), |s, n, l| potential(s, n, l, TimeForm::Concat)).free_scale(),
        case("potential 3", (3, 0), |s, n, l| potential(s, n, l, TimeForm::ConcatSquash))
            .free_scale(),
    ]
}

fn composed() -> Vec<Case> {
    vec![
        case("empty chain 2", (2, 0), |_, (d, _), _| boxed(Chain::new(d, Vec::new()))).unseeded(),
        case("chain of couplings 2", (2, 0), couplings_both_ways),
        case("chain of couplings 3|2", (3, 2), couplings_both_ways),
        case("chain of every kind 3|2", (3, 2), |s, n, l| boxed(every_kind(s, n, l)))
            .moves_at_start()
            .free_scale(),
        case("inverse of a chain 3|2", (3, 2), |s, n, l| boxed(every_kind(s, n, l).map(Inverse)))
            .moves_at_start()
            .free_scale(),
    ]
}
