//! Kernels of gradients of scalars against the reference tier in double precision.

use super::case::Case;
use super::flows::{SEED, assert_close, fast, reference};
use super::networks::{self, Given};
use super::{FORMS, PATH, config, matching, score};
use crate::calculus::Probe;
use crate::config::{
    BaseConfig, ContinuousTraining, DivergenceConfig, ScoreMatching, ScoreObjective,
};
use crate::densities::StandardNormal;
use crate::density::Density;
use crate::error::Error;
use crate::fast::field::likelihood::LikelihoodLoss;
use crate::fast::field::{self, FieldProgram};
use crate::fast::simd::Level;
use crate::fast::tile::ROWS;
use crate::fields::{FieldConfig, TimeForm};
use crate::nets::Activation;
use crate::ode::{ContinuousFlow, RK4, Solver, TSIT5};
use crate::pairing::Pairing;
use crate::paths::Path;
use crate::rng::{Stream, generator};
use crate::transform::Transform;
use crate::workers::Workers;
use candle_core::DType;

const CURVED: [Activation; 2] = [Activation::Silu, Activation::Tanh];
const ROW_COUNTS: [usize; 5] = [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5];

#[test]
fn velocities_derivatives_and_gradients_match_the_reference() {
    for time in FORMS {
        for activation in CURVED {
            let config = FieldConfig { potential: true, ..config(activation, time) };
            let what = format!("{time:?}, {activation:?}");
            for (d, k, sets) in [(2, 0, 0), (2, 1, 1), (3, 2, 3), (5, 0, 0), (1, 3, 0), (1, 0, 1)] {
                networks::check(&what, &Given::new(d, k, sets), &config);
            }
            for hidden in [vec![5], vec![64, 70], vec![3, 12]] {
                let config = FieldConfig { hidden, ..config.clone() };
                for sets in [0, 2] {
                    networks::check(&what, &Given::new(2, 1, sets), &config);
                }
            }
        }
    }
}

#[test]
fn log_densities_and_samples_are_those_of_the_reference() {
    let solver = Solver::fixed(&RK4, 5);
    for (time, k) in [(FORMS[0], 0), (FORMS[1], 1)] {
        for rows in ROW_COUNTS {
            let case = Case::potential(rows, (2, k), Activation::Silu, time);
            let (expected, context) = (reference(&case, solver), case.batch.context.as_ref());
            let rng = || generator(2, Stream::Sample, 0);
            let z = case.flow().base().sample(rows, context, &mut rng()).unwrap();
            let z = z.to_dtype(DType::F64).unwrap();
            let flow = ContinuousFlow::new(case.field(), solver).unwrap();
            let samples = flow.inverse(&z, context).unwrap().points;
            for level in Level::available() {
                let fast = fast(&case, level, solver, DivergenceConfig::Exact);
                let got = fast.log_prob(&case.batch.points, context).unwrap();
                assert_close("log p", &got, &expected, 1e-5);
                let got = fast.sample(rows, context, &mut rng()).unwrap();
                assert_close("sample", &got, &samples, 1e-5);
            }
        }
    }
}

#[test]
fn estimated_divergences_and_adaptive_steps_are_those_of_the_reference() {
    let (d, solver) = (4, Solver::fixed(&RK4, 4));
    let case = Case::potential(70, (d, 0), Activation::Tanh, TimeForm::Concat);
    let divergence = DivergenceConfig::Hutchinson { probe: Probe::Rademacher, probes: 3 };
    let flow = ContinuousFlow::new(case.field(), solver).unwrap();
    let flow = flow.with_divergence(divergence, SEED).unwrap();
    let mapped = flow.forward(&case.batch.points, None).unwrap();
    let base = StandardNormal::new(d).log_prob(&mapped.points, None).unwrap();
    let estimated = (base + mapped.log_det).unwrap();
    let close = reference(&case, Solver::adaptive(&TSIT5, 1e-10, 1e-10));
    for level in Level::available() {
        let got = fast(&case, level, solver, divergence).log_prob(&case.batch.points, None);
        assert_close("estimate", &got.unwrap(), &estimated, 1e-5);
        let adaptive = Solver::adaptive(&TSIT5, 1e-4, 1e-4);
        let fast = fast(&case, level, adaptive, DivergenceConfig::Auto);
        let got = fast.log_prob(&case.batch.points, None).unwrap();
        assert_close("adaptive", &got, &close, 5e-4);
    }
}

#[test]
fn flow_matching_is_that_of_the_reference() {
    for rows in ROW_COUNTS {
        for (time, k) in [(FORMS[0], 0), (FORMS[1], 1)] {
            let case = Case::potential(rows, (2, k), Activation::Silu, time);
            matching::check(&case, Path::Straight, Pairing::Independent);
        }
    }
    let case = Case::potential(70, (5, 0), Activation::Tanh, FORMS[0]);
    matching::check(&case, Path::VariancePreserving, Pairing::OptimalTransport);
}

#[test]
fn denoising_is_that_of_the_reference() {
    let config = ScoreMatching::default();
    assert_eq!(config.objective, ScoreObjective::Denoising);
    for (time, k) in [(FORMS[0], 0), (FORMS[1], 2)] {
        for rows in ROW_COUNTS {
            for activation in CURVED {
                score::check(&Case::potential(rows, (3, k), activation, time), config);
            }
        }
    }
}

#[test]
fn samplers_walk_as_the_reference_does() {
    for (time, k) in [(FORMS[0], 1), (FORMS[1], 0)] {
        score::check_walks(&Case::potential(ROWS + 7, (2, k), Activation::Tanh, time));
    }
}

#[test]
fn what_needs_third_derivatives_is_refused() {
    let case = Case::potential(3, (2, 0), Activation::Silu, TimeForm::Concat);
    let (flow, workers) = (case.flow(), Workers::new(1).unwrap());
    let program = score::program(&case, Level::best());
    for objective in
        [ScoreObjective::Implicit, ScoreObjective::Sliced, ScoreObjective::SlicedVarianceReduced]
    {
        let config = ScoreMatching { objective, ..ScoreMatching::default() };
        let refused = field::ScoreMatching::new(&program, config, &flow, &workers);
        assert!(matches!(refused, Err(Error::Config { .. })));
        assert!(!program.trains_scores(objective));
    }
    let refused = LikelihoodLoss::new(&program, &ContinuousTraining::default());
    assert!(matches!(refused, Err(Error::Config { .. })));
    assert!(!program.trains_likelihoods());
    let squash = Case::potential(3, (2, 0), Activation::Silu, TimeForm::ConcatSquash);
    let (base, level) = (BaseConfig::default(), Level::best());
    let refused = FieldProgram::new(PATH, (2, 0), &squash.config, &base, &squash.single, level);
    assert_eq!(refused.unwrap_err().part, PATH);
}
