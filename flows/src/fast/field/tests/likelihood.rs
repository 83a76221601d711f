//! Losses and gradients of training, on the same steps and probes as a graph in double precision.

use super::case::Case;
use super::{ACTIVATIONS, PATH};
use crate::calculus::Probe;
use crate::config::{BaseConfig, ContinuousTraining, Method, SolverConfig, TrainingDivergence};
use crate::densities::GaussianMixtureConfig;
use crate::fast::field::likelihood::LikelihoodLoss;
use crate::fast::field::program::FieldProgram;
use crate::fast::simd::Level;
use crate::fast::table::Table;
use crate::fast::tile::ROWS;
use crate::fast::training::Gradients;
use crate::fields::TimeForm;
use crate::nets::Activation;
use crate::params::Params;
use crate::rng::{Stream, generator};

fn training(method: Method, steps: Option<usize>, exact: bool) -> ContinuousTraining {
    let divergence = if exact {
        TrainingDivergence::Exact
    } else {
        TrainingDivergence::Hutchinson { probe: Probe::Gaussian }
    };
    let solver = SolverConfig { method, steps, absolute: 1e-3, relative: 1e-3 };
    ContinuousTraining { solver, divergence, kinetic: 0.3, jacobian: 0.2 }
}

#[test]
fn losses_and_gradients_match_the_graph_of_the_same_steps() {
    let case = Case::new(70, (2, 0), Activation::Tanh, TimeForm::Concat);
    for (method, steps) in
        [(Method::Rk4, Some(3)), (Method::Dopri5, Some(2)), (Method::Midpoint, Some(4))]
    {
        for exact in [false, true] {
            case.check(&format!("{method:?}, {exact}"), &training(method, steps, exact));
        }
    }
}

#[test]
fn adaptive_steps_are_replayed() {
    let case = Case::new(70, (3, 1), Activation::Silu, TimeForm::Fourier { frequencies: 2 });
    for method in [Method::Dopri5, Method::Bosh3] {
        case.check(&format!("{method:?}"), &training(method, None, false));
    }
}

#[test]
fn bases_are_trained_along() {
    let form = (Activation::Tanh, TimeForm::Concat);
    let base = GaussianMixtureConfig { components: 3 }.into();
    let case = Case::with_base(70, (2, 0), form, base);
    case.check("mixture", &training(Method::Rk4, Some(3), false));
}

#[test]
fn what_has_no_kernel_is_named() {
    let case = Case::new(1, (2, 0), Activation::Tanh, TimeForm::Concat);
    let new = |path: &str, params: &Params| {
        let base = BaseConfig::default();
        FieldProgram::new(path, (2, 0), &case.config, &base, params, Level::best()).map(|_| ())
    };
    assert!(new(PATH, &case.single).is_ok());
    assert_eq!(new("elsewhere", &case.single).unwrap_err().part, "elsewhere");
    assert_eq!(new(PATH, &case.params).unwrap_err().part, "parameters");
}

#[test]
fn weights_that_depend_on_time_are_trained() {
    for activation in ACTIVATIONS {
        let case = Case::new(70, (2, 1), activation, TimeForm::ConcatSquash);
        for exact in [false, true] {
            let training = training(Method::Dopri5, Some(2), exact);
            case.check(&format!("{activation:?}, {exact}"), &training);
        }
        case.check(&format!("{activation:?}"), &training(Method::Rk4, Some(3), false));
    }
}

#[test]
fn every_number_of_rows_will_do() {
    for rows in [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5] {
        let case = Case::new(rows, (2, 1), Activation::Silu, TimeForm::Concat);
        case.check(&format!("{rows} rows"), &training(Method::Heun, Some(2), false));
    }
}

#[test]
fn without_penalties_the_loss_is_the_likelihood() {
    let case = Case::new(5, (4, 0), Activation::Tanh, TimeForm::Concat);
    let plain = training(Method::Rk4, Some(3), true);
    case.check("plain", &ContinuousTraining { kinetic: 0.0, jacobian: 0.0, ..plain });
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = Case::new(1100, (2, 0), Activation::Tanh, TimeForm::Concat);
    let program = case.program(Level::best());
    let run = |threads: usize| {
        let loss = LikelihoodLoss::new(&program, &training(Method::Heun, Some(2), false)).unwrap();
        let table = Table::new(&case.batch, (2, 0)).unwrap();
        let theta = program.theta(&case.single).unwrap();
        let mut rng = generator(4, Stream::Objective, 7);
        Gradients::new(loss, table, theta, threads).run_all(&mut rng).unwrap()
    };
    let (loss, gradient) = run(1);
    for threads in [2, 7] {
        let (other, others) = run(threads);
        assert_eq!(loss.to_bits(), other.to_bits());
        assert!(gradient.iter().zip(&others).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
