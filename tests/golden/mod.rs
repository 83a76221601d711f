//! Compares flows with values that other libraries computed; see `README.md` here.

mod affine_flows;
mod compare;
mod continuous_flows;
mod spline_flows;
mod univariates;

use anyhow::{Context, Result, ensure};
use diffeo_flows::nets::{Activation, NetConfig};
use diffeo_flows::transform::Layer;
use diffeo_flows::{Chain, Transform};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Numbers by row.
type Matrix = Vec<Vec<f64>>;

/// One file: what the peer library is built of, and what it made of some points.
#[derive(Debug, Clone, Deserialize)]
struct Golden {
    description: String,
    versions: BTreeMap<String, String>,
    /// As the peer holds them, under our names; weights of layers are `[outputs, inputs]`.
    weights: BTreeMap<String, Matrix>,
    context: Option<Matrix>,
    /// Of `forward.from` at several noise levels, one after the other.
    scores: Option<Matrix>,
    forward: Pairs,
    inverse: Pairs,
    /// Of `forward.from`, with a standard normal base; maps of the line have none.
    log_prob: Option<Vec<f64>>,
}

/// Points, their images under one direction, and the log-determinant of each row.
#[derive(Debug, Clone, Deserialize)]
struct Pairs {
    from: Matrix,
    to: Matrix,
    log_det: Vec<f64>,
}

impl Golden {
    fn parse(json: &str) -> Result<Self> {
        let golden: Self = serde_json::from_str(json)?;
        ensure!(!golden.description.is_empty() && golden.versions.contains_key("torch"));
        Ok(golden)
    }

    /// Takes a weight out, to map the peer's parametrisation to ours.
    fn take(&mut self, name: &str) -> Result<Matrix> {
        self.weights.remove(name).with_context(|| format!("no weight {name}"))
    }

    fn put(&mut self, name: &str, values: Matrix) {
        self.weights.insert(name.to_owned(), values);
    }

    /// Puts the hidden units of a masked network, which the peers give `degrees` degrees in turn, into
    /// the order of their degrees, as ours stand: the same function.
    fn sort_hidden(&mut self, layer: usize, degrees: usize) {
        let prefix = format!("{layer}.");
        for (name, values) in &mut self.weights {
            let Some(name) = name.strip_prefix(&prefix) else { continue };
            let Some((layer, part)) = name.rsplit_once('.') else { continue };
            let (hidden_inputs, hidden_outputs) =
                (!matches!(layer, "first" | "context"), layer != "last");
            match part {
                "bias" if hidden_outputs => values[0] = sorted(&values[0], degrees),
                "weight" => {
                    if hidden_outputs {
                        *values = sorted(values, degrees);
                    }
                    for row in values.iter_mut().filter(|_| hidden_inputs) {
                        *row = sorted(row, degrees);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Entries of units whose degrees follow each other in turn, in the order of the degrees.
fn sorted<T: Clone>(entries: &[T], degrees: usize) -> Vec<T> {
    let of_degree = |degree| entries.iter().skip(degree).step_by(degrees).cloned();
    (0..degrees).flat_map(of_degree).collect()
}

/// A conditioner of that shape.
fn net(hidden: &[usize], activation: Activation, residual: bool) -> NetConfig {
    NetConfig { hidden: hidden.to_vec(), activation, residual }
}

/// Maps in a chain, named by their place.
fn chain(features: usize, maps: Vec<Box<dyn Transform>>) -> Result<Box<dyn Transform>> {
    let layer = |(i, transform): (usize, _)| Layer { name: i.to_string(), transform };
    Ok(Box::new(Chain::new(features, maps.into_iter().enumerate().map(layer).collect())?))
}

/// The smallest slope, and the smallest share of a bin, of the peers and of ours.
const MIN: f64 = 1e-3;

/// The inverse of softplus, ln(eʸ − 1).
fn inverse_softplus(y: f64) -> f64 {
    y.exp_m1().ln()
}

/// What a raw slope of ours is before the softplus when it is 0: softplus of it is 1 − MIN.
fn slope_offset() -> f64 {
    inverse_softplus(1.0 - MIN)
}

#[test]
fn the_slope_offset_is_that_of_the_identity() {
    assert!((slope_offset().exp().ln_1p() + MIN - 1.0).abs() < 1e-15);
    assert!((inverse_softplus(2.0_f64.exp().ln_1p()) - 2.0).abs() < 1e-12);
}
