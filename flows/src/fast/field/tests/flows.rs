//! Log-densities and samples against the reference flow in double precision.

use super::case::Case;
use super::{ACTIVATIONS, ALL_FORMS, tensor};
use crate::calculus::Probe;
use crate::config::{ContinuousTraining, DivergenceConfig, SolverConfig, TrainingDivergence};
use crate::densities::StandardNormal;
use crate::density::Density;
use crate::error::{Error, SolverError};
use crate::fast::field::{ContinuousLikelihood, FieldFlow};
use crate::fast::simd::Level;
use crate::fields::TimeForm;
use crate::nets::Activation;
use crate::objective::Objective;
use crate::ode::{ContinuousFlow, DOPRI5, EULER, RK4, Solver, TSIT5};
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::transform::Transform;
use crate::workers::Workers;
use candle_core::{DType, Tensor};

pub(super) const SEED: u64 = 11;

pub(super) fn fast(
    case: &Case,
    level: Level,
    solver: Solver,
    divergence: DivergenceConfig,
) -> FieldFlow {
    let (program, flow) = (case.program(level), case.flow());
    FieldFlow::new(&program, flow, &case.single, (solver, divergence), SEED).unwrap()
}

pub(super) fn assert_close(what: &str, got: &Tensor, expected: &Tensor, tolerance: f64) {
    let (got, expected) = (to_f64(got).unwrap(), to_f64(expected).unwrap());
    assert_eq!(got.len(), expected.len());
    for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let error = (got - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}, {i}: {got} for {expected}");
    }
}

/// log p by the reference.
pub(super) fn reference(case: &Case, solver: Solver) -> Tensor {
    let flow = ContinuousFlow::new(case.field(), solver).unwrap();
    let mapped = flow.forward(&case.batch.points, case.batch.context.as_ref()).unwrap();
    let base = StandardNormal::new(case.sizes.0).log_prob(&mapped.points, None).unwrap();
    (base + mapped.log_det).unwrap()
}

#[test]
fn log_densities_are_those_of_the_reference_on_the_same_steps() {
    for time in ALL_FORMS {
        for activation in ACTIVATIONS {
            let case = Case::new(70, (2, 1), activation, time);
            for solver in
                [Solver::fixed(&RK4, 5), Solver::fixed(&DOPRI5, 3), Solver::fixed(&EULER, 30)]
            {
                let expected = reference(&case, solver);
                for level in Level::available() {
                    let fast = fast(&case, level, solver, DivergenceConfig::Exact);
                    let got = fast.log_prob(&case.batch.points, case.batch.context.as_ref());
                    assert_close(solver.tableau.name, &got.unwrap(), &expected, 1e-5);
                }
            }
        }
    }
}

#[test]
fn adaptive_steps_keep_the_tolerance() {
    let case = Case::new(197, (3, 0), Activation::Tanh, TimeForm::Concat);
    let expected = reference(&case, Solver::adaptive(&TSIT5, 1e-10, 1e-10));
    for tolerance in [1e-3, 1e-5] {
        for method in [&TSIT5, &DOPRI5] {
            let solver = Solver::adaptive(method, tolerance, tolerance);
            let fast = fast(&case, Level::best(), solver, DivergenceConfig::Auto);
            let got = fast.log_prob(&case.batch.points, None).unwrap();
            assert_close("adaptive", &got, &expected, 5.0 * tolerance);
            assert!(fast.evaluations() > 4 * 7);
        }
    }
}

#[test]
fn every_probe_gives_an_estimate() {
    let (rows, d, k) = (30, 4, 3);
    let case = Case::new(rows, (d, 0), Activation::Silu, TimeForm::Concat);
    let solver = Solver::fixed(&RK4, 4);
    for probe in [Probe::Rademacher, Probe::Gaussian, Probe::Orthogonal] {
        let divergence = DivergenceConfig::Hutchinson { probe, probes: k };
        let fast = fast(&case, Level::best(), solver, divergence);
        let each = fast.log_prob_each(&case.batch.points, None).unwrap();
        assert_eq!(each.dims(), [rows, k]);
        let mean = fast.log_prob(&case.batch.points, None).unwrap();
        let flow = ContinuousFlow::new(case.field(), solver).unwrap();
        let flow = flow.with_divergence(divergence, SEED).unwrap();
        let (z, log_dets) = flow.log_det_each(&case.batch.points, None, k, 0).unwrap();
        let base = StandardNormal::new(d).log_prob(&z, None).unwrap();
        for (j, log_det) in log_dets.iter().enumerate() {
            let got = each.narrow(1, j, 1).unwrap().squeeze(1).unwrap();
            assert_close("one probe", &got, &(&base + log_det).unwrap(), 1e-5);
        }
        let log_det = flow.forward(&case.batch.points, None).unwrap().log_det;
        assert_close("mean", &mean, &(base + log_det).unwrap(), 1e-5);
    }
    let exact = fast(&case, Level::best(), solver, DivergenceConfig::Exact);
    let each = exact.log_prob_each(&case.batch.points, None).unwrap();
    assert_close("exact", &each.squeeze(1).unwrap(), &reference(&case, solver), 1e-5);
    // As many orthogonal probes as dimensions are exact.
    let divergence = DivergenceConfig::Hutchinson { probe: Probe::Orthogonal, probes: 9 };
    let fast = fast(&case, Level::best(), solver, divergence);
    let got = fast.log_prob(&case.batch.points, None).unwrap();
    assert_close("orthogonal", &got, &reference(&case, solver), 1e-5);
}

#[test]
fn samples_are_those_of_the_reference() {
    let case = Case::new(70, (2, 1), Activation::Silu, TimeForm::Concat);
    let context = case.batch.context.as_ref();
    let rng = || generator(2, Stream::Sample, 0);
    let z = case.flow().base().sample(70, context, &mut rng()).unwrap();
    let z = z.to_dtype(DType::F64).unwrap();
    for solver in [Solver::fixed(&EULER, 100), Solver::fixed(&TSIT5, 4)] {
        let flow = ContinuousFlow::new(case.field(), solver).unwrap();
        let expected = flow.inverse(&z, context).unwrap().points;
        for level in Level::available() {
            let fast = fast(&case, level, solver, DivergenceConfig::Auto);
            let got = fast.sample(70, context, &mut rng()).unwrap();
            assert_close("sample", &got, &expected, 1e-5);
        }
    }
}

#[test]
fn losses_of_rows_are_those_that_are_reported() {
    let case = Case::new(300, (2, 0), Activation::Tanh, TimeForm::Concat);
    let (program, flow, workers) =
        (case.program(Level::best()), case.flow(), Workers::new(2).unwrap());
    let solver = Solver::fixed(&RK4, 5);
    let training = ContinuousTraining {
        solver: SolverConfig::default(),
        divergence: TrainingDivergence::Exact,
        kinetic: 0.0,
        jacobian: 0.0,
    };
    let reported = (solver, DivergenceConfig::Exact);
    let objective = ContinuousLikelihood::new(&program, training, reported, 0, &flow, &workers);
    let mut rng = generator(1, Stream::Objective, 0);
    let losses = objective.unwrap().row_losses(&case.single, &case.batch, &mut rng).unwrap();
    let expected = (reference(&case, solver) + case.batch.log_det.as_ref().unwrap()).unwrap();
    assert_close("losses", &tensor(&losses, 1), &expected.neg().unwrap(), 1e-5);
}

/// Rows near the origin, and one so far out that single precision cannot meet an absolute tolerance.
fn with_a_stiff_row(case: &Case, stiff: usize) -> Tensor {
    let mut values = to_f64(&case.batch.points).unwrap();
    values[2 * stiff] = 1e6;
    tensor(&values, 2)
}

#[test]
fn a_row_that_cannot_be_solved_fails_alone() {
    let case = Case::new(70, (2, 0), Activation::Silu, TimeForm::Concat);
    let mut solver = Solver::adaptive(&TSIT5, 1e-4, 0.0);
    if let crate::ode::Stepping::Adaptive(tolerance) = &mut solver.stepping {
        tolerance.max_steps = 200;
    }
    let flow = fast(&case, Level::best(), solver, DivergenceConfig::Exact);
    let whole = to_f64(&flow.log_prob(&case.batch.points, None).unwrap()).unwrap();
    assert!(whole.iter().all(|value| value.is_finite()));
    for stiff in [0, 63, 66] {
        let x = with_a_stiff_row(&case, stiff);
        let values = to_f64(&flow.log_prob(&x, None).unwrap()).unwrap();
        for (row, (got, alone)) in values.iter().zip(&whole).enumerate() {
            if row == stiff {
                assert!(got.is_nan(), "row {row}: {got}");
            } else {
                assert!((got - alone).abs() < 1e-2, "row {row}: {got}, without it {alone}");
            }
        }
    }
}

/// Rows that are solved together share their steps: a row alone differs within the tolerance.
#[test]
fn a_row_alone_is_the_row_of_a_table_within_the_tolerance() {
    let case = Case::new(70, (2, 0), Activation::Tanh, TimeForm::Concat);
    for tolerance in [1e-3, 1e-5] {
        let solver = Solver::adaptive(&TSIT5, tolerance, tolerance);
        let flow = fast(&case, Level::best(), solver, DivergenceConfig::Exact);
        let table = flow.log_prob(&case.batch.points, None).unwrap();
        for row in [0, 40, 69] {
            let point = case.batch.points.narrow(0, row, 1).unwrap();
            let alone = flow.log_prob(&point, None).unwrap();
            let there = table.narrow(0, row, 1).unwrap();
            assert_close("alone", &alone, &there, 10.0 * tolerance);
        }
    }
}

/// Probes follow from the row: with equal steps its value is the same to the bit wherever it stands.
#[test]
fn an_estimated_log_density_does_not_depend_on_the_place_of_the_row() {
    let case = Case::new(150, (4, 0), Activation::Silu, TimeForm::Concat);
    for probe in [Probe::Rademacher, Probe::Gaussian, Probe::Orthogonal] {
        let divergence = DivergenceConfig::Hutchinson { probe, probes: 2 };
        let flow = fast(&case, Level::best(), Solver::fixed(&RK4, 4), divergence);
        let table = to_f64(&flow.log_prob(&case.batch.points, None).unwrap()).unwrap();
        for row in [1, 70, 149] {
            let point = case.batch.points.narrow(0, row, 1).unwrap().contiguous().unwrap();
            let alone = to_f64(&flow.log_prob(&point, None).unwrap()).unwrap();
            assert_eq!(alone[0].to_bits(), table[row].to_bits(), "row {row}");
        }
    }
}

#[test]
fn what_cannot_be_solved_is_not_a_number() {
    let case = Case::new(3, (2, 0), Activation::Tanh, TimeForm::Concat);
    let bad = tensor(&[0.1, f64::NAN, 0.3, 0.4], 2);
    for solver in [Solver::fixed(&RK4, 5), Solver::default()] {
        let fast = fast(&case, Level::best(), solver, DivergenceConfig::Exact);
        let values = to_f64(&fast.log_prob(&bad, None).unwrap()).unwrap();
        assert!(values[0].is_nan() && values[1].is_finite(), "{values:?}");
    }
    let mut few = Solver::adaptive(&TSIT5, 1e-9, 0.0);
    if let crate::ode::Stepping::Adaptive(tolerance) = &mut few.stepping {
        tolerance.max_steps = 2;
    }
    let fast = fast(&case, Level::best(), few, DivergenceConfig::Exact);
    let values = to_f64(&fast.log_prob(&case.batch.points, None).unwrap()).unwrap();
    assert!(values.iter().all(|value| value.is_nan()), "{values:?}");
    // A sample without the rows that are hard to draw would be one of another density.
    let error = fast.sample(3, None, &mut generator(1, Stream::Sample, 0)).unwrap_err();
    assert!(matches!(error, Error::Solver { problem: SolverError::TooManySteps { .. }, .. }));
    let sketch = DivergenceConfig::HutchPlusPlus { probes: 3 };
    let (program, solver) = (case.program(Level::best()), Solver::default());
    let flow = FieldFlow::new(&program, case.flow(), &case.single, (solver, sketch), SEED);
    assert!(matches!(flow.unwrap_err(), Error::Config { .. }));
}
