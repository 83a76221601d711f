//! Kernels of fields against the reference tier in double precision.

mod case;
mod flows;
mod likelihood;
mod matching;
mod networks;
mod potentials;
mod score;

use crate::fast::against_reference::{params, randomise};
use crate::field::VectorField;
use crate::fields::{FieldConfig, TimeForm};
use crate::nets::{Activation, LastLayer};
use crate::params::Params;
use candle_core::{Device, Tensor};

const PATH: &str = "flow.0.continuous";
const FORMS: [TimeForm; 2] = [TimeForm::Concat, TimeForm::Fourier { frequencies: 3 }];
/// And the one whose weights depend on time.
const ALL_FORMS: [TimeForm; 3] = [TimeForm::ConcatSquash, FORMS[0], FORMS[1]];
const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Tanh];

fn config(activation: Activation, time: TimeForm) -> FieldConfig {
    FieldConfig { hidden: vec![9, 7, 8], activation, time, potential: false }
}

/// A reference field with random parameters that single precision holds exactly.
fn field(sizes: (usize, usize), config: &FieldConfig) -> (Params, Box<dyn VectorField>) {
    let mut params = params();
    let field = config.build(params.scope(PATH), sizes, LastLayer::Scaled).unwrap();
    randomise(&params, 3, 0.5);
    (params, field)
}

fn tensor(values: &[f64], columns: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / columns.max(1), columns), &Device::Cpu).unwrap()
}
