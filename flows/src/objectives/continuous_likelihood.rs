//! Maximum likelihood of a continuous flow, through the solver.

use super::MaximumLikelihood;
use super::rows::{share, sum, total_weight};
use crate::config::ContinuousTraining;
use crate::draws::{BLOCK, Draws};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::flow::Flow;
use crate::objective::{Batch, Gradients, Objective, Offender, flat_gradients};
use crate::ode::{Checkpoints, Solver, State, Stepping, System, replay_with_checkpoints, solve};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::{Tensor, Var};
use rand::RngCore;

/// The mean over rows of −log p(x) + λ ∫|v|² dt + μ ∫‖∂v/∂x‖²_F dt, in nats.
///
/// The gradient is that of the discretised solution. Held-out rows are judged by −log p(x) alone,
/// with the flow's own solver and divergence.
///
/// Grathwohl et al. 2019, *FFJORD*; Finlay et al. 2020, *How to Train Your Neural ODE*.
#[derive(Debug, Clone, Copy)]
pub struct ContinuousLikelihood<'a> {
    flow: &'a Flow,
    field: &'a dyn VectorField,
    training: &'a ContinuousTraining,
    workers: &'a Workers,
}

impl<'a> ContinuousLikelihood<'a> {
    /// The loss of the flow of a single field, computed by these workers.
    ///
    /// # Errors
    /// [`Error::Config`] when the flow has other layers, or for settings that cannot be used.
    pub fn new(
        flow: &'a Flow,
        training: &'a ContinuousTraining,
        workers: &'a Workers,
    ) -> Result<Self> {
        training.check()?;
        Ok(Self { flow, field: single_field(flow)?, training, workers })
    }

    /// The loss of a chunk times `scale`, and its gradient.
    fn chunk(
        &self,
        params: &Params,
        batch: &Batch,
        probes: Option<Tensor>,
        scale: f64,
    ) -> Result<(f64, Gradients)> {
        let context = batch.context.as_ref();
        let system = Penalised { field: self.field, context, probes, training: self.training };
        let solved = system.solve(&batch.points, &self.training.solver.solver()?)?;
        let [z, log_det, penalty] = solved.solution.state.parts() else {
            return Err(Error::shape("ContinuousLikelihood", "three parts", &[]));
        };
        let z = Var::from_tensor(&z.copy()?)?;
        let weights = match &batch.weights {
            Some(weights) => weights.affine(scale, 0.0)?,
            None => log_det.ones_like()?.affine(scale, 0.0)?,
        };
        let base = self.flow.base().log_prob(&z, context)?;
        let store = (&base * &weights)?.sum_all()?.backward()?;
        let mut log_prob = ((base.detach() + log_det)? - penalty)?;
        if let Some(spent) = &batch.log_det {
            log_prob = (log_prob + spent)?;
        }
        let loss = to_f64(&(log_prob * &weights)?.sum_all()?)?[0];
        let d_z = store.get(&z).map_or_else(|| z.zeros_like(), |d| Ok(d.detach()))?;
        let cotangent = State::new(vec![d_z, weights.clone(), weights.neg()?]);
        let mut gradients = flat_gradients(&store, params)?;
        let pulled = solved.pull_back(&system, &cotangent, params)?;
        gradients.iter_mut().zip(&pulled.params).for_each(|(sum, part)| *sum += part);
        Ok((loss, gradients))
    }

    /// The probes of all rows of a batch, `[n, d]`.
    fn probes(&self, batch: &Batch, rng: &mut dyn RngCore) -> Result<Option<Tensor>> {
        let (n, d) = batch.points.dims2()?;
        let Some(probe) = self.training.divergence.probe(d) else { return Ok(None) };
        let draws = Draws::new(rng);
        let mut values = vec![0.0; n * d];
        for (block, values) in values.chunks_mut(BLOCK * d).enumerate() {
            draws.probes(probe, block, d, values);
        }
        let points = &batch.points;
        Ok(Some(Tensor::from_vec(values, (n, d), points.device())?.to_dtype(points.dtype())?))
    }
}

/// The field of a flow that is nothing but the flow of a field.
pub(crate) fn single_field(flow: &Flow) -> Result<&dyn VectorField> {
    flow.field().ok_or_else(|| {
        Error::config(
            "objective",
            "it trains a vector field, and the flow is not that of a single one",
            "give the flow one continuous layer, or train it by maximum likelihood",
        )
    })
}

/// x′ = v, ℓ′ = div v, r′ = λ |v|² + μ ‖∂v/∂x‖²_F.
#[derive(Debug)]
struct Penalised<'a> {
    field: &'a dyn VectorField,
    context: Option<&'a Tensor>,
    probes: Option<Tensor>,
    training: &'a ContinuousTraining,
}

impl Penalised<'_> {
    /// The solution from points `[n, d]`; adaptive steps are those that the points need.
    fn solve(&self, points: &Tensor, solver: &Solver) -> Result<Checkpoints> {
        let zero = Tensor::zeros(points.dim(0)?, points.dtype(), points.device())?;
        let start = State::new(vec![points.detach(), zero.clone(), zero]);
        let steps = match solver.stepping {
            Stepping::Fixed { .. } => solver.fixed_steps((0.0, 1.0)),
            Stepping::Adaptive(_) => {
                let velocity = |t: f64, state: &State| -> Result<State> {
                    let velocity = self.field.velocity(t, state.tensor()?, self.context)?;
                    Ok(velocity.detach().into())
                };
                solve(&velocity, &points.detach().into(), (0.0, 1.0), solver)?.steps
            }
        };
        replay_with_checkpoints(self, &start, solver.tableau, &steps)
    }

    /// v, div v and ‖∂v/∂x‖²_F, the latter two perhaps as estimates.
    fn moments(&self, t: f64, x: &Tensor) -> Result<[Tensor; 3]> {
        if let Some(probes) = &self.probes {
            let (velocity, jvp) = self.field.velocity_and_jvp(t, x, probes, self.context)?;
            return Ok([velocity, (&jvp * probes)?.sum(1)?, jvp.sqr()?.sum(1)?]);
        }
        if self.training.jacobian == 0.0 {
            let (v, divergence) = self.field.velocity_and_divergence(t, x, self.context)?;
            let zero = divergence.zeros_like()?;
            return Ok([v, divergence, zero]);
        }
        let unit = Tensor::eye(self.field.features(), x.dtype(), x.device())?;
        let mut all: Option<[Tensor; 3]> = None;
        for i in 0..self.field.features() {
            let u = unit.narrow(0, i, 1)?.broadcast_as(x.shape())?.contiguous()?;
            let (velocity, jvp) = self.field.velocity_and_jvp(t, x, &u, self.context)?;
            let (own, square) = (jvp.narrow(1, i, 1)?.squeeze(1)?, jvp.sqr()?.sum(1)?);
            all = Some(match all {
                None => [velocity, own, square],
                Some([_, trace, squares]) => [velocity, (trace + own)?, (squares + square)?],
            });
        }
        all.ok_or_else(|| Error::shape("ContinuousLikelihood", "at least one feature", &[]))
    }
}

impl System for Penalised<'_> {
    fn slope(&self, t: f64, state: &State) -> Result<State> {
        let [velocity, divergence, square] = self.moments(t, &state.parts()[0])?;
        let kinetic = velocity.sqr()?.sum(1)?.affine(self.training.kinetic, 0.0)?;
        let penalty = (kinetic + square.affine(self.training.jacobian, 0.0)?)?;
        Ok(State::new(vec![velocity, divergence, penalty]))
    }
}

impl Objective for ContinuousLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        let scale = -share(total_weight(batch)?);
        let probes = self.probes(batch, rng)?;
        sum(self.workers, batch.rows()?, params, |rows| {
            let (start, len) = (rows.start, rows.len());
            let probes = probes.as_ref().map(|p| p.narrow(0, start, len)?.contiguous());
            match self.chunk(params, &batch.narrow(start, len)?, probes.transpose()?, scale) {
                // A field that no solver follows has no finite loss, which is for the trainer.
                Err(Error::Solver { .. }) => Ok((f64::NAN, vec![0.0; params.count()])),
                other => other,
            }
        })
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        MaximumLikelihood::new(self.flow, self.workers).row_losses(params, batch, rng)
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        MaximumLikelihood::new(self.flow, self.workers).offender(batch)
    }
}

#[cfg(test)]
mod tests;
