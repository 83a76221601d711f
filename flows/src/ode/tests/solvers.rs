//! Orders, counts, tolerances and errors.

use crate::error::{Error, Result, SolverError};
use crate::ode::{
    BOSH3, DOPRI5, EULER, ErrorNorm, HEUN, MIDPOINT, RK4, Solver, State, Step, Stepping, TSIT5,
    Tableau, Tolerance, replay, solve, solve_at,
};
use crate::params::to_f64;
use candle_core::{Device, Tensor};

/// Of the measured order.
const ORDER_TOLERANCE: f64 = 0.15;

fn start(values: &[f64]) -> State {
    Tensor::from_slice(values, (values.len(), 1), &Device::Cpu).unwrap().into()
}

fn values(state: &State) -> Vec<f64> {
    to_f64(state.tensor().unwrap()).unwrap()
}

/// y′ = y cos t, with y = y₀ exp(sin t)
fn cosine(t: f64, y: &State) -> Result<State> {
    Ok(State::from((y.tensor()? * t.cos())?))
}

fn logistic(_t: f64, y: &State) -> Result<State> {
    let y = y.tensor()?;
    Ok(State::from((y * y.affine(-1.0, 1.0)?)?))
}

/// 1 / (1 + (1/y₀ − 1) e⁻ᵗ)
fn logistic_solution(y0: f64, t: f64) -> f64 {
    1.0 / (1.0 + (1.0 / y0 - 1.0) * (-t).exp())
}

fn error_of(tableau: &'static Tableau, steps: usize) -> f64 {
    let solver = Solver::fixed(tableau, steps);
    let end = solve(&cosine, &start(&[0.7]), (0.0, 3.0), &solver).unwrap().state;
    (values(&end)[0] - 0.7 * 3f64.sin().exp()).abs()
}

#[test]
fn errors_shrink_with_the_order_of_each_tableau() {
    for (tableau, steps) in [
        (&EULER, 2000),
        (&MIDPOINT, 400),
        (&HEUN, 400),
        (&RK4, 60),
        (&BOSH3, 120),
        (&DOPRI5, 30),
        (&TSIT5, 30),
    ] {
        let slope = (error_of(tableau, steps) / error_of(tableau, 2 * steps)).log2();
        println!("{}: order {slope:.3}", tableau.name);
        assert!((slope - tableau.order as f64).abs() < ORDER_TOLERANCE, "{} {slope}", tableau.name);
    }
}

#[test]
fn error_estimates_shrink_with_one_order_more() {
    for tableau in [&MIDPOINT, &HEUN, &BOSH3, &DOPRI5, &TSIT5] {
        let estimate = |h: f64| {
            let y = start(&[0.3]);
            let mut error = 0.0;
            let mut slopes: Vec<f64> = Vec::new();
            for (i, row) in tableau.a.iter().enumerate() {
                let sum: f64 = row.iter().zip(&slopes).map(|(a, k)| a * k).sum();
                let point = start(&[values(&y)[0] + h * sum]);
                slopes.push(values(&cosine(0.2 + tableau.c[i] * h, &point).unwrap())[0]);
            }
            for (e, k) in tableau.b_error.unwrap().iter().zip(&slopes) {
                error += h * e * k;
            }
            error.abs()
        };
        let slope = (estimate(0.04) / estimate(0.02)).log2();
        println!("{}: estimate {slope:.3}", tableau.name);
        let expected = (tableau.error_order + 1) as f64;
        assert!((slope - expected).abs() < ORDER_TOLERANCE, "{} {slope}", tableau.name);
    }
}

#[test]
fn adaptive_solutions_meet_their_tolerance_both_ways() {
    for tableau in [&HEUN, &BOSH3, &DOPRI5, &TSIT5] {
        let solver = Solver::adaptive(tableau, 1e-7, 1e-7);
        let there = solve(&logistic, &start(&[0.1, 0.6]), (0.0, 4.0), &solver).unwrap();
        for (got, y0) in values(&there.state).iter().zip([0.1, 0.6]) {
            let error = (got - logistic_solution(y0, 4.0)).abs();
            assert!(error < 2e-6, "{} {error:e}", tableau.name);
        }
        let back = solve(&logistic, &there.state, (4.0, 0.0), &solver).unwrap();
        assert!((values(&back.state)[0] - 0.1).abs() < 1e-5, "{}", tableau.name);
        assert!(back.steps[0].length < 0.0);
    }
}

/// The solution with its evaluations counted from outside.
fn counted(solver: &Solver) -> (crate::ode::Solution, usize) {
    let calls = std::cell::Cell::new(0);
    let system = |t: f64, y: &State| {
        calls.set(calls.get() + 1);
        cosine(t, y)
    };
    let solution = solve(&system, &start(&[0.7]), (0.0, 6.0), solver).unwrap();
    (solution, calls.get())
}

#[test]
fn evaluations_are_counted_exactly() {
    for (tableau, each) in [(&EULER, 1), (&HEUN, 2), (&RK4, 4), (&BOSH3, 3), (&TSIT5, 6)] {
        let (solution, calls) = counted(&Solver::fixed(tableau, 9));
        assert_eq!((solution.evaluations, calls), (9 * each, 9 * each), "{}", tableau.name);
        assert_eq!((solution.steps.len(), solution.rejected), (9, 0));
    }
    let tolerance = Tolerance { first_step: Some(3.0), ..Tolerance::new(1e-6, 1e-6) };
    for tableau in [&HEUN, &BOSH3, &DOPRI5, &TSIT5] {
        for tolerance in [tolerance, Tolerance { first_step: None, ..tolerance }] {
            let solver = Solver { tableau, stepping: Stepping::Adaptive(tolerance) };
            let (solution, calls) = counted(&solver);
            let (taken, tried) = (solution.steps.len(), solution.steps.len() + solution.rejected);
            let firsts = if tableau.first_same_as_last { 1 } else { taken };
            let choice = usize::from(tolerance.first_step.is_none());
            let expected = tried * (tableau.stages() - 1) + firsts + choice;
            assert_eq!((solution.evaluations, calls), (expected, expected), "{}", tableau.name);
            assert!(tolerance.first_step.is_none() || solution.rejected > 0);
        }
    }
}

#[test]
fn the_largest_row_is_not_hidden_by_the_others() {
    let mut rows = vec![0.0; 400];
    rows[7] = 0.7;
    let worst = |norm: ErrorNorm| {
        let stepping = Stepping::Adaptive(Tolerance { norm, ..Tolerance::new(1e-6, 0.0) });
        let solver = Solver { tableau: &TSIT5, stepping };
        let end = solve(&cosine, &start(&rows), (0.0, 3.0), &solver).unwrap();
        ((values(&end.state)[7] - 0.7 * 3f64.sin().exp()).abs(), end.steps.len())
    };
    let (rms, row) = (worst(ErrorNorm::Rms), worst(ErrorNorm::LargestRow));
    assert!(row.0 < 5e-6 && row.0 < rms.0 && row.1 > rms.1, "{rms:?} {row:?}");
}

#[test]
fn trajectories_and_replays_follow_the_solution() {
    let solver = Solver::adaptive(&DOPRI5, 1e-9, 1e-9);
    let times = [0.0, 0.5, 2.0, 1.0];
    let trajectory = solve_at(&cosine, &start(&[0.7]), &times, &solver).unwrap();
    for (state, t) in trajectory.states.iter().zip(times) {
        assert!((values(state)[0] - 0.7 * t.sin().exp()).abs() < 1e-7);
    }
    assert!(trajectory.accepted > 3 && trajectory.evaluations > 6 * trajectory.accepted);
    let solution = solve(&cosine, &start(&[0.7]), (0.0, 2.0), &solver).unwrap();
    let again = replay(&cosine, &start(&[0.7]), &DOPRI5, &solution.steps).unwrap();
    assert!((values(&again.state)[0] - values(&solution.state)[0]).abs() < 1e-13);
    let Step { time, length } = solution.steps[solution.steps.len() - 1];
    assert!((time + length - 2.0).abs() < 1e-14);
    let nowhere = solve(&cosine, &start(&[0.7]), (1.0, 1.0), &solver).unwrap();
    assert!(nowhere.evaluations == 0 && values(&nowhere.state) == [0.7]);
}

fn problem(result: Result<crate::ode::Solution>) -> (f64, SolverError) {
    match result {
        Err(Error::Solver { time, problem, .. }) => (time, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_solved_is_a_typed_error() {
    let blow_up = |_: f64, y: &State| Ok(State::from(y.tensor()?.sqr()?));
    let adaptive = Solver::adaptive(&TSIT5, 1e-6, 1e-6);
    let (time, error) = problem(solve(&blow_up, &start(&[1.0]), (0.0, 2.0), &adaptive));
    assert!(error == SolverError::StepUnderflow && (time - 1.0).abs() < 1e-3, "{time} {error}");
    let fixed = solve(&blow_up, &start(&[1.0]), (0.0, 40.0), &Solver::fixed(&EULER, 40));
    assert_eq!(problem(fixed).1, SolverError::NonFinite);
    let nan = solve(&cosine, &start(&[f64::NAN]), (0.0, 1.0), &adaptive);
    assert_eq!(problem(nan).1, SolverError::NonFinite);
    let tolerance = Tolerance { max_steps: 2, ..Tolerance::new(1e-9, 1e-9) };
    let few = Solver { tableau: &TSIT5, stepping: Stepping::Adaptive(tolerance) };
    let result = solve(&cosine, &start(&[0.7]), (0.0, 9.0), &few);
    assert_eq!(problem(result).1, SolverError::TooManySteps { allowed: 2 });
    for solver in [
        Solver::fixed(&RK4, 0),
        Solver::adaptive(&RK4, 1e-5, 1e-5),
        Solver::adaptive(&TSIT5, 0.0, 0.0),
        Solver::adaptive(&TSIT5, f64::NAN, 1e-5),
    ] {
        assert!(matches!(solver.check(), Err(Error::Config { .. })), "{solver:?}");
    }
    let short = |_: f64, y: &State| Ok(State::from(y.tensor()?.narrow(0, 0, 1)?));
    let result = solve(&short, &start(&[1.0, 2.0]), (0.0, 1.0), &Solver::fixed(&EULER, 1));
    assert!(matches!(result, Err(Error::Shape { .. })));
}
