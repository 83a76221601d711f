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

/// y′ = y (1 + sin t − y): a logistic equation with a rhythm, of Bernoulli's kind.
#[expect(clippy::unnecessary_wraps, reason = "a system may fail")]
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
