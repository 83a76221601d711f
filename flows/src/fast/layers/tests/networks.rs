//! Layers with networks, plain and masked.

use super::curved::Curved;
use super::inverse_autoregressive::InverseAutoregressive;
use super::*;
use crate::fast::net::Net;
use crate::fast::univariate::Univariate;
use crate::nets::{Activation, NetConfig};
use crate::transform::Inverse;
use crate::transforms::{CouplingConfig, FixedHalf, Half};
use crate::univariates::{self, UnivariateConfig};

const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Tanh];
const BOUND: f64 = 3.0;
/// Scale of the parameters of networks: hidden units stay of order 1.
const SCALE: f64 = 0.15;

fn affine() -> UnivariateConfig {
    univariates::Affine::new(BOUND).unwrap().into()
}

fn shift() -> UnivariateConfig {
    univariates::Shift {}.into()
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

/// A map whose log-slope depends on x, which is in no list.
fn check_curved(sizes: (usize, usize), net: &NetConfig) {
    let mut params = params();
    let scope = params.scope(PATH);
    let map = transforms::MaskedAutoregressive::new(scope, sizes, Curved, net, LastLayer::Zero);
    check_given(sizes.1, SCALE, &params, &Inverse(map.unwrap()), |layout| {
        let net = Net::made(layout, PATH, sizes, Curved.params_per_feature(), net).unwrap();
        Box::new(InverseAutoregressive::new(sizes.0, Box::new(Curved), net))
    });
}

#[test]
fn inverse_autoregressive_agrees_with_the_reference() {
    let layer = |univariate, net| transforms::InverseAutoregressiveConfig { univariate, net };
    for d in SIZES {
        for context in [0, 2] {
            for net in nets(&[&[64, 64], &[16, 32], &[7], &[10, 10, 10]]) {
                check_kind(layer(affine(), net), (d, context), SCALE);
            }
        }
        for net in nets(&[&[16, 32], &[10, 10]]) {
            check_kind(layer(shift(), net.clone()), (d, 2), SCALE);
            check_curved((d, 2), &net);
        }
    }
}

#[test]
fn masked_autoregressive_agrees_with_the_reference() {
    for d in [1, 3, 7, 43] {
        for context in [0, 2] {
            for net in nets(&[&[7], &[10, 10], &[33, 20], &[64, 64], &[9, 9, 9]]) {
                let univariate = affine();
                let layer = transforms::MaskedAutoregressiveConfig { univariate, net };
                check_kind(layer, (d, context), SCALE);
            }
        }
    }
}

#[test]
fn couplings_agree_with_the_reference() {
    for d in [2, 3, 7, 43] {
        for context in [0, 2] {
            for net in nets(&[&[7], &[33, 20], &[10, 10, 10]]) {
                for conditioned_on in [Half::First, Half::Second] {
                    for fixed_half in [FixedHalf::Unchanged, FixedHalf::Mapped] {
                        let (univariate, net) = (affine(), net.clone());
                        let layer = CouplingConfig { conditioned_on, fixed_half, univariate, net };
                        check_kind(layer, (d, context), SCALE);
                    }
                }
            }
        }
    }
}

#[test]
fn elementwise_maps_agree_with_the_reference() {
    for univariate in [affine(), shift()] {
        for d in SIZES {
            for context in [0, 2] {
                let univariate = univariate.clone();
                check_kind(transforms::ElementwiseConfig { univariate }, (d, context), 0.5);
            }
        }
    }
}
