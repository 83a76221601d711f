//! Continuous flows against torchdiffeq and zuko.

use super::compare::{F32, Tolerance, check_flow_to, check_scores};
use super::{Golden, Matrix};
use anyhow::Result;
use candle_core::DType;
use diffeo_flows::fields::{FieldConfig, TimeForm, TimeMlp};
use diffeo_flows::nets::{Activation, LastLayer};
use diffeo_flows::ode::{ContinuousFlow, Solver, TSIT5};
use diffeo_flows::score::{NoiseLevels, ProbabilityFlow};
use diffeo_flows::{Params, Transform, VectorField};

/// Solutions of other methods at 1e-12, whose errors add up along the way.
const SOLVED: Tolerance = Tolerance { points: 1e-8, log_det: 1e-8 };
/// Frequencies of zuko's embedding of time: kπ, as ours.
const FREQUENCIES: usize = 2;

/// The flow of a small network, solved as closely as its dtype allows.
fn flow(p: &mut Params, context: usize, time: TimeForm) -> Result<Box<dyn Transform>> {
    let field = TimeMlp::new(p.scope("field"), 3, context, &config(time), LastLayer::Zero)?;
    Ok(Box::new(ContinuousFlow::new(field, solver(p))?))
}

fn config(time: TimeForm) -> FieldConfig {
    FieldConfig { hidden: vec![8, 7], activation: Activation::Tanh, time, potential: false }
}

fn solver(p: &Params) -> Solver {
    let tolerance = if p.dtype() == DType::F64 { 1e-12 } else { 1e-6 };
    Solver::adaptive(&TSIT5, tolerance, tolerance)
}

fn check(golden: &Golden, context: usize, time: TimeForm) -> Result<()> {
    assert!(golden.forward.from.len() == 12 && golden.inverse.from.len() == 12);
    check_flow_to(golden, [SOLVED, F32], |p| flow(p, context, time))
}

/// zuko's inputs are all cosines, all sines, then points and context; ours points and context, then
/// a sine and a cosine of each frequency.
fn time_last(golden: &mut Golden) -> Result<()> {
    let theirs = golden.take("field.first.weight")?;
    let ours = |row: &Vec<f64>| {
        let (cosines, rest) = row.split_at(FREQUENCIES);
        let (sines, inputs) = rest.split_at(FREQUENCIES);
        let times = sines.iter().zip(cosines).flat_map(|(sine, cosine)| [*sine, *cosine]);
        inputs.iter().copied().chain(times).collect()
    };
    let ours: Matrix = theirs.iter().map(ours).collect();
    golden.put("field.first.weight", ours);
    Ok(())
}

#[test]
fn continuous_flows_agree_with_torchdiffeq() -> Result<()> {
    check(&Golden::parse(include_str!("torchdiffeq_field.json"))?, 0, TimeForm::Concat)
}

#[test]
fn conditional_continuous_flows_agree_with_torchdiffeq() -> Result<()> {
    check(&Golden::parse(include_str!("torchdiffeq_field_context.json"))?, 2, TimeForm::Concat)
}

#[test]
fn continuous_flows_agree_with_zuko() -> Result<()> {
    let fourier = TimeForm::Fourier { frequencies: FREQUENCIES };
    for (json, context) in
        [(include_str!("zuko_cnf.json"), 0), (include_str!("zuko_cnf_context.json"), 2)]
    {
        let mut golden = Golden::parse(json)?;
        time_last(&mut golden)?;
        check(&golden, context, fourier)?;
    }
    Ok(())
}

/// The same probability flow, which torchdiffeq solves in the coordinates of the data with noise, for the
/// noise level in place of time.
#[test]
fn diffusions_agree_with_torchdiffeq() -> Result<()> {
    let golden = Golden::parse(include_str!("torchdiffeq_diffusion.json"))?;
    let levels = NoiseLevels { smallest: 0.02, largest: 5.0 };
    let field = |p: &mut Params| -> Result<Box<dyn VectorField>> {
        let config = config(TimeForm::Concat);
        let network = TimeMlp::new(p.scope("field"), 3, 0, &config, LastLayer::Zero)?;
        Ok(Box::new(ProbabilityFlow::new(network, levels)?))
    };
    check_scores(&golden, &[0.02, 0.3, 5.0], field)?;
    check_flow_to(&golden, [SOLVED, F32], |p| {
        let solver = solver(p);
        Ok(Box::new(ContinuousFlow::new(field(p)?, solver)?))
    })
}
