//! Score matching and samplers against the reference in double precision.

use super::case::Case;
use super::{ACTIVATIONS, FORMS, tensor};
use crate::config::{
    ContinuousTraining, DivergenceConfig, Matching, ScoreMatching as Config, ScoreObjective,
};
use crate::fast::against_reference::assert_gradient;
use crate::fast::field::{
    ContinuousLikelihood, FieldFlow, FieldProgram, FlowMatching, ScoreMatching,
};
use crate::fast::simd::Level;
use crate::fast::tile::ROWS;
use crate::fields::TimeForm;
use crate::nets::Activation;
use crate::objective::Objective;
use crate::objectives;
use crate::ode::Solver;
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::score::{
    LevelSampling, NoiseLevels, ProbabilityFlow, Sampler, SamplerKind, Schedule, walk,
};
use crate::workers::Workers;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const LEVELS: NoiseLevels = NoiseLevels { smallest: 0.05, largest: 5.0 };

fn rng() -> ChaCha8Rng {
    generator(4, Stream::Objective, 7)
}

pub(super) fn program(case: &Case, level: Level) -> Arc<FieldProgram> {
    Arc::new(Arc::into_inner(case.program(level)).unwrap().over(LEVELS))
}

pub(super) fn check(case: &Case, config: Config) {
    let workers = Workers::new(1).unwrap();
    let field = ProbabilityFlow::new(case.field(), LEVELS).unwrap();
    let reference = objectives::ScoreMatching::new(&field, config, &workers).unwrap();
    let trained = ProbabilityFlow::new(&case.field as &dyn crate::VectorField, LEVELS).unwrap();
    let (expected, expected_gradient) = objectives::ScoreMatching::new(&trained, config, &workers)
        .unwrap()
        .loss_and_gradients(&case.params, &case.batch, &mut rng())
        .unwrap();
    let losses = reference.row_losses(&case.params, &case.batch, &mut rng()).unwrap();
    let flow = case.flow();
    for level in Level::available() {
        let program = program(case, level);
        let objective = ScoreMatching::new(&program, config, &flow, &workers).unwrap();
        let (loss, gradient) =
            objective.loss_and_gradients(&case.single, &case.batch, &mut rng()).unwrap();
        let rows = losses.len();
        let what = format!("{:?}, {rows} rows, {}", config.objective, level.name());
        let allowed = 1e-5 * expected.abs().max(1.0);
        assert!((loss - expected).abs() < allowed, "{what}: {loss} {expected}");
        let gradient: Vec<f32> = gradient.iter().map(|g| *g as f32).collect();
        assert_gradient(&what, &case.params, &gradient, &expected_gradient, 1e-4);
        let each = objective.row_losses(&case.single, &case.batch, &mut rng()).unwrap();
        for (r, (got, expected)) in each.iter().zip(&losses).enumerate() {
            let allowed = 1e-5 * expected.abs().max(1.0);
            assert!((got - expected).abs() < allowed, "{what} {r}: {got} {expected}");
        }
    }
}

#[test]
fn score_matching_matches_the_reference() {
    for objective in ScoreObjective::ALL {
        for (time, context) in [(FORMS[0], 0), (FORMS[1], 1)] {
            for rows in [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5] {
                let case = Case::new(rows, (2, context), Activation::Silu, time);
                check(&case, Config { objective, ..Config::default() });
            }
        }
        for (activation, sampling) in
            ACTIVATIONS.into_iter().zip([LevelSampling::Even, LevelSampling::Importance].repeat(2))
        {
            let case = Case::new(70, (5, 0), activation, FORMS[0]);
            let schedule = Schedule::SubVariancePreserving;
            check(
                &case,
                Config { objective, schedule, sampling, antithetic: true, ..Config::default() },
            );
        }
    }
    let squashed = Case::new(70, (3, 1), Activation::Silu, TimeForm::ConcatSquash);
    check(&squashed, Config::default());
    let (program, flow) = (program(&squashed, Level::best()), squashed.flow());
    let (implicit, workers) = (ScoreObjective::Implicit, Workers::new(1).unwrap());
    let config = Config { objective: implicit, ..Config::default() };
    assert!(ScoreMatching::new(&program, config, &flow, &workers).is_err());
}

/// Both tiers draw the same noise, so points differ by rounding alone.
pub(super) fn check_walks(case: &Case) {
    let field = ProbabilityFlow::new(case.field(), LEVELS).unwrap();
    let (latent, context) = (&case.batch.points, case.batch.context.as_ref());
    for kind in SamplerKind::ALL {
        let sampler = Sampler { steps: 12, corrections: 2, ..Sampler::new(kind) };
        let mut kept = Vec::new();
        let expected = walk(&field, &sampler, latent, context, &mut rng(), |step, _, x| {
            kept.extend(if step == 5 { to_f64(x)? } else { Vec::new() });
            Ok(())
        });
        let expected = to_f64(&expected.unwrap()).unwrap();
        for level in Level::available() {
            let program = program(case, level);
            let how = (Solver::default(), DivergenceConfig::Exact);
            let flow = FieldFlow::new(&program, case.flow(), &case.single, how, 0).unwrap();
            let mut seen = Vec::new();
            let got = flow.walk(&sampler, latent, context, &mut rng(), |_, step, x| {
                seen.extend(x.iter().map(|x| f64::from(*x)).filter(|_| step == 5));
                Ok(())
            });
            let got = to_f64(&got.unwrap()).unwrap();
            assert_eq!(seen.len(), kept.len());
            for (got, expected) in got.iter().zip(&expected).chain(seen.iter().zip(&kept)) {
                // Errors of rounding grow along the walk.
                let allowed = 1e-4 * expected.abs().max(1.0);
                assert!((got - expected).abs() < allowed, "{kind:?}: {got} for {expected}");
            }
        }
    }
}

#[test]
fn samplers_walk_as_the_reference_does() {
    for (time, context) in [(FORMS[0], 1), (FORMS[1], 0), (TimeForm::ConcatSquash, 0)] {
        check_walks(&Case::new(ROWS + 7, (2, context), Activation::Tanh, time));
    }
    let plain = Case::new(3, (2, 0), Activation::Tanh, FORMS[0]);
    let how = (Solver::default(), DivergenceConfig::Exact);
    let program = plain.program(Level::best());
    let flow = FieldFlow::new(&program, plain.flow(), &plain.single, how, 0).unwrap();
    let sampler = Sampler::new(SamplerKind::Heun);
    let latent = tensor(&[0.0, 0.0], 2);
    assert!(flow.walk(&sampler, &latent, None, &mut rng(), |_, _, _| Ok(())).is_err());
}

/// Kernels that know nothing of a diffusion's rate train none.
#[test]
fn other_objectives_refuse_diffusions() {
    let case = Case::new(3, (2, 0), Activation::Tanh, FORMS[0]);
    let (program, flow) = (program(&case, Level::best()), case.flow());
    let workers = Workers::new(1).unwrap();
    assert!(FlowMatching::new(&program, Matching::default(), &flow, &workers).is_err());
    let (training, how) =
        (ContinuousTraining::default(), (Solver::default(), DivergenceConfig::Exact));
    let loss = ContinuousLikelihood::new(&program, training, how, 0, &flow, &workers).unwrap();
    assert!(loss.loss_and_gradients(&case.single, &case.batch, &mut rng()).is_err());
    assert!(loss.row_losses(&case.single, &case.batch, &mut rng()).is_ok());
}
