//! Gradients of solutions against each other and against central differences.

use crate::fields::{FieldConfig, TimeForm, TimeMlp};
use crate::nets::{Activation, LastLayer};
use crate::ode::{
    ContinuousFlow, Pulled, RK4, Solver, State, TSIT5, adjoint, replay, solve,
    solve_with_checkpoints,
};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor, Var};

const SPAN: (f64, f64) = (0.0, 1.0);

fn flow(solver: Solver) -> (Params, ContinuousFlow<TimeMlp>) {
    let mut params = Params::new(DType::F64, &Device::Cpu, 9);
    let config = FieldConfig {
        hidden: vec![6, 5],
        activation: Activation::Tanh,
        time: TimeForm::ConcatSquash,
        potential: false,
    };
    let field = TimeMlp::new(params.scope("f"), 2, 0, &config, LastLayer::Scaled).unwrap();
    (params, ContinuousFlow::new(field, solver).unwrap())
}

fn tensor(values: &[f64], shape: impl Into<candle_core::Shape>) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn start() -> State {
    State::new(vec![tensor(&[0.3, -1.0, 1.4, 0.2, -0.5, 0.9], (3, 2)), tensor(&[0.0; 3], 3)])
}

/// The cotangent of a loss Σ w·y(1), which is its own gradient.
fn weights() -> State {
    let points = tensor(&[1.0, -0.5, 0.3, 2.0, -1.2, 0.7], (3, 2));
    State::new(vec![points, tensor(&[0.8, -1.5, 0.6], 3)])
}

fn loss(state: &State) -> f64 {
    to_f64(&state.dot(&weights()).unwrap()).unwrap()[0]
}

/// Distance of two vectors as a share of the second.
fn distance(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut got.iter().zip(expected).map(|(g, e)| g - e)) / norm(&mut expected.iter().copied())
}

fn flat(state: &State) -> Vec<f64> {
    state.values().unwrap().concat()
}

/// Central differences of the loss over the same steps, with respect to parameters and start.
fn differences(solver: &Solver) -> (Vec<f64>, Vec<f64>) {
    let (params, flow) = flow(*solver);
    let steps = solve(&flow.system(None), &start(), SPAN, solver).unwrap().steps;
    let at = |from: &State| {
        loss(&replay(&flow.system(None), from, solver.tableau, &steps).unwrap().state)
    };
    let h = 1e-5;
    let theta = params.read_flat().unwrap();
    let moved = |i: usize, by: f64| {
        let mut moved = theta.clone();
        moved[i] += by;
        params.write_flat(&moved).unwrap();
        at(&start())
    };
    let by_params =
        (0..theta.len()).map(|i| (moved(i, h) - moved(i, -h)) / (2.0 * h)).collect::<Vec<_>>();
    params.write_flat(&theta).unwrap();
    let from = |i: usize, by: f64| {
        let mut values = start().values().unwrap();
        let points = values[0].len();
        if i < points {
            values[0][i] += by;
        } else {
            values[1][i - points] += by;
        }
        at(&State::new(vec![tensor(&values[0], (3, 2)), tensor(&values[1], 3)]))
    };
    let by_start = (0..9).map(|i| (from(i, h) - from(i, -h)) / (2.0 * h)).collect();
    (by_params, by_start)
}

fn by_checkpoints(solver: &Solver) -> Pulled {
    let (params, flow) = flow(*solver);
    let system = flow.system(None);
    let checkpoints = solve_with_checkpoints(&system, &start(), SPAN, solver).unwrap();
    checkpoints.pull_back(&system, &weights(), &params).unwrap()
}

fn by_adjoint(solver: &Solver) -> Pulled {
    let (params, flow) = flow(*solver);
    let system = flow.system(None);
    let end = solve(&system, &start(), SPAN, solver).unwrap().state;
    adjoint(&system, &end, &weights(), SPAN, solver, &params).unwrap()
}

#[test]
fn checkpoints_match_central_differences_of_the_same_steps() {
    for solver in [Solver::fixed(&RK4, 4), Solver::adaptive(&TSIT5, 1e-5, 1e-5)] {
        let (by_params, by_start) = differences(&solver);
        let pulled = by_checkpoints(&solver);
        let errors =
            [distance(&pulled.params, &by_params), distance(&flat(&pulled.state), &by_start)];
        println!("{} checkpoints against differences {errors:?}", solver.tableau.name);
        assert!(errors.iter().all(|e| *e < 1e-8), "{errors:?}");
    }
}

#[test]
fn checkpoints_match_the_graph_of_all_steps() {
    let solver = Solver::adaptive(&TSIT5, 1e-6, 1e-6);
    let (whole, state) = Workers::new(1).unwrap().run(|| {
        let (params, flow) = flow(solver);
        let start = start();
        let points = Var::from_tensor(&start.parts()[0]).unwrap();
        let tracked = State::new(vec![points.as_tensor().clone(), start.parts()[1].clone()]);
        let end = solve(&flow.system(None), &tracked, SPAN, &solver).unwrap().state;
        let store = end.dot(&weights()).unwrap().backward().unwrap();
        let gradient = |var: &Var| to_f64(store.get(var).unwrap()).unwrap();
        let whole: Vec<f64> = params.trainable().flat_map(|p| gradient(p.var())).collect();
        (whole, gradient(&points))
    });
    let pulled = by_checkpoints(&solver);
    assert!(distance(&pulled.params, &whole) < 1e-13);
    assert!(distance(&flat(&pulled.state)[..6], &state) < 1e-13);
}

#[test]
fn checkpoints_hold_no_graph() {
    let solver = Solver::adaptive(&TSIT5, 1e-8, 1e-8);
    let (params, flow) = flow(solver);
    let system = flow.system(None);
    let tracked = std::cell::Cell::new(0);
    let spy = |t: f64, y: &State| {
        tracked.set(tracked.get() + usize::from(y.parts()[0].track_op()));
        crate::ode::System::slope(&system, t, y)
    };
    let checkpoints = solve_with_checkpoints(&spy, &start(), SPAN, &solver).unwrap();
    assert!(!checkpoints.solution.state.parts()[0].track_op());
    // The second stage of a step hangs on no graph, unless the first slope drags one along.
    let free = checkpoints.solution.evaluations - tracked.get();
    assert!(free >= checkpoints.solution.steps.len(), "{free}");
    let stages = TSIT5.stages() - 1;
    let pulled = checkpoints.pull_back(&system, &weights(), &params).unwrap();
    assert_eq!(pulled.evaluations, checkpoints.solution.steps.len() * stages);
}

#[test]
fn the_adjoint_approaches_the_gradient_with_the_tolerance() {
    let exact = by_checkpoints(&Solver::adaptive(&TSIT5, 1e-11, 1e-11));
    for tolerance in [1e-4, 1e-6, 1e-8] {
        let solver = Solver::adaptive(&TSIT5, tolerance, tolerance);
        let (a, c) = (by_adjoint(&solver), by_checkpoints(&solver));
        let errors = [&a, &c].map(|pulled| {
            let state = distance(&flat(&pulled.state), &flat(&exact.state));
            distance(&pulled.params, &exact.params).max(state)
        });
        println!("tolerance {tolerance:e}: adjoint, checkpoints {errors:?}");
        assert!(errors.iter().all(|e| *e < 20.0 * tolerance), "{tolerance} {errors:?}");
    }
}
