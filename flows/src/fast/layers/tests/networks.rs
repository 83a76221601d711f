//! Layers with networks, plain and masked.

use super::curved::Curved;
use super::*;
use crate::fast::net::Net;
use crate::fast::univariate::{Affine, Shift, Univariate};
use crate::nets::{Activation, NetConfig};
use crate::transform::Inverse;
use crate::transforms::{FixedHalf, Half};
use crate::{univariate, univariates};

const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Tanh];
const BOUND: f64 = 3.0;
/// Scale of the parameters of networks: hidden units stay of order 1.
const SCALE: f64 = 0.15;

/// A map in both tiers.
type Pair = (Box<dyn univariate::Univariate>, Box<dyn Univariate>);

fn affine() -> Pair {
    (Box::new(univariates::Affine::new(BOUND).unwrap()), Box::new(Affine::new(BOUND)))
}

fn shift() -> Pair {
    (Box::new(univariates::Shift), Box::new(Shift))
}

fn curved() -> Pair {
    (Box::new(Curved), Box::new(Curved))
}

/// Networks of every activation; those of equal widths also with residual blocks.
fn nets(hidden: &[&[usize]]) -> Vec<NetConfig> {
    let mut nets = Vec::new();
    for hidden in hidden {
        for activation in ACTIVATIONS {
            for residual in [false, true] {
                let config = NetConfig { hidden: hidden.to_vec(), activation, residual };
                if config.check().is_ok() {
                    nets.push(config);
                }
            }
        }
    }
    nets
}

fn made(
    layout: &Layout,
    sizes: (usize, usize),
    univariate: &dyn Univariate,
    net: &NetConfig,
) -> Net {
    Net::made(layout, PATH, sizes, univariate.params_per_feature(), net).unwrap()
}

fn check_inverse_autoregressive(univariate: fn() -> Pair, sizes: (usize, usize), net: &NetConfig) {
    let mut params = params();
    let scope = params.scope(PATH);
    let layer =
        transforms::MaskedAutoregressive::new(scope, sizes, univariate().0, net, LastLayer::Zero);
    check_given(sizes.1, SCALE, &params, &Inverse(layer.unwrap()), |layout| {
        let map = univariate().1;
        let net = made(layout, sizes, &*map, net);
        Box::new(InverseAutoregressive::new(sizes.0, map, net))
    });
}

#[test]
fn inverse_autoregressive_agrees_with_the_reference() {
    for d in SIZES {
        for context in [0, 2] {
            for net in nets(&[&[64, 64], &[16, 32], &[7], &[10, 10, 10]]) {
                check_inverse_autoregressive(affine, (d, context), &net);
            }
        }
        for net in nets(&[&[16, 32], &[10, 10]]) {
            check_inverse_autoregressive(shift, (d, 2), &net);
            check_inverse_autoregressive(curved, (d, 2), &net);
        }
    }
}

#[test]
fn masked_autoregressive_agrees_with_the_reference() {
    for d in [1, 3, 7, 43] {
        for context in [0, 2] {
            for net in nets(&[&[7], &[10, 10], &[33, 20], &[64, 64], &[9, 9, 9]]) {
                let (slow, _) = affine();
                let mut params = params();
                let scope = params.scope(PATH);
                let sizes = (d, context);
                let start = LastLayer::Zero;
                let layer =
                    transforms::MaskedAutoregressive::new(scope, sizes, slow, &net, start).unwrap();
                check_given(context, SCALE, &params, &layer, |layout| {
                    let (_, map) = affine();
                    let net = made(layout, sizes, &*map, &net);
                    Box::new(MaskedAutoregressive::new(d, map, net))
                });
            }
        }
    }
}

/// A coupling of the halves, with parameters of its own for the fixed one where it is mapped.
fn check_coupling(d: usize, context: usize, half: Half, fixed_half: FixedHalf, net: &NetConfig) {
    let (slow, _) = affine();
    let (mut params, sizes) = (params(), (d, context));
    let start = LastLayer::Zero;
    let scope = params.scope(PATH);
    let layer = transforms::Coupling::new(scope, sizes, half, slow, net, start).unwrap();
    let layer = match fixed_half {
        FixedHalf::Unchanged => layer,
        FixedHalf::Mapped => layer.with_fixed_half_mapped(params.scope(PATH), start).unwrap(),
    };
    check_given(context, SCALE, &params, &layer, |layout| {
        let (first, first_is_fixed) = (d / 2, half == Half::First);
        let fixed = if first_is_fixed { first } else { d - first };
        let (_, map) = affine();
        let outputs = (d - fixed) * map.params_per_feature();
        let net = Net::mlp(layout, PATH, (fixed, context), outputs, net).unwrap();
        let own = layout.place(&format!("{PATH}.own"), fixed * map.params_per_feature());
        assert_eq!(own.is_some(), fixed_half == FixedHalf::Mapped);
        Box::new(Coupling::new((first, d), first_is_fixed, map, net, own))
    });
}

#[test]
fn couplings_agree_with_the_reference() {
    for d in [2, 3, 7, 43] {
        for context in [0, 2] {
            for net in nets(&[&[7], &[33, 20], &[10, 10, 10]]) {
                for half in [Half::First, Half::Second] {
                    for fixed_half in [FixedHalf::Unchanged, FixedHalf::Mapped] {
                        check_coupling(d, context, half, fixed_half, &net);
                    }
                }
            }
        }
    }
}

#[test]
fn elementwise_maps_agree_with_the_reference() {
    for univariate in [affine, shift] {
        for d in SIZES {
            for context in [0, 2] {
                let (slow, _) = univariate();
                let mut params = params();
                let (scope, sizes) = (params.scope(PATH), (d, context));
                let layer =
                    transforms::Elementwise::new(scope, sizes, slow, LastLayer::Zero).unwrap();
                check_given(context, 0.5, &params, &layer, |layout| {
                    let (_, map) = univariate();
                    Box::new(Elementwise::new(layout, PATH, sizes, map).unwrap())
                });
            }
        }
    }
}
