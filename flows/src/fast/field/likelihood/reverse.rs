//! Steps of a solution taken again with tangents, and pulled back.
//!
//! With g = ∂L/∂y⁺, the gradient of slope i is h bᵢ g + h Σ_{j>i} aⱼᵢ qⱼ, where qⱼ is the gradient of
//! the point of stage j, and ∂L/∂y = g + Σ qⱼ: Hager 2000, *Runge-Kutta methods in optimal control
//! and the transformed adjoint system*.

use super::LikelihoodLoss;
use super::work::{Stages, Work};
use crate::fast::activation::add;
use crate::fast::field::backward::Gradients;
use crate::fast::field::columns::{
    add_dot, add_times, add_weighted, combine, set_times, set_weighted,
};
use crate::fast::field::march::{scaled, stages_of_state};
use crate::fast::field::net::Start;
use crate::fast::kernel::Pass;
use crate::fast::tile::Column;
use crate::ode::Step;
use std::ops::Range;

impl LikelihoodLoss {
    /// Log-determinants and penalties of the path, and all gradients, from those of its end.
    pub(super) fn reverse(&self, pass: &Pass, work: &mut Work, gradient: &mut [f32]) {
        let d = work.state.len();
        for s in (0..work.room.steps.len()).rev() {
            let step = work.room.steps[s];
            work.state.copy_from_slice(&work.starts[s * d..(s + 1) * d]);
            for stage in 0..stages_of_state(self.solver.tableau) {
                self.stage(pass, step, stage, work);
            }
            for stage in (0..stages_of_state(self.solver.tableau)).rev() {
                self.stage_back(pass, step, stage, work, gradient);
            }
            for d_point in work.stages.d_points.chunks_exact(d) {
                add(pass.level, d_point, &mut work.d_points);
            }
        }
        if !self.program.net().is_squashed() {
            self.program.net().first_weights(pass, &work.probes, &work.d_first, gradient);
        }
    }

    /// h bᵢ
    fn quadrature(&self, step: Step, stage: usize) -> f64 {
        step.length * self.solver.tableau.b[stage]
    }

    fn time(&self, step: Step, stage: usize) -> f64 {
        step.time + self.solver.tableau.c[stage] * step.length
    }

    /// The columns of a stage among those of all; no tangents where the quadrature needs none.
    fn place(&self, stage: usize, work: &Work) -> Place {
        let (d, net) = (work.state.len(), self.program.net());
        let counts = self.solver.tableau.b[stage].abs() > 0.0;
        let directions = work.probes.len();
        let tape = net.tape(directions / d, true);
        let theta = net.at_time_room(self.program.length());
        Place {
            points: stage * d..(stage + 1) * d,
            inputs: stage * net.inputs()..(stage + 1) * net.inputs(),
            tape: stage * tape..(stage + 1) * tape,
            theta: stage * theta..(stage + 1) * theta,
            first: 0..if counts { work.first.len() } else { 0 },
            derivatives: stage * directions..(stage + usize::from(counts)) * directions,
        }
    }

    /// Evaluates a stage and adds its part of the integrals.
    fn stage(&self, pass: &Pass, step: Step, stage: usize, work: &mut Work) {
        let place = self.place(stage, work);
        let (tableau, d) = (self.solver.tableau, work.state.len());
        let Work { state, stages, probes, first, log_det, penalty, .. } = work;
        let Stages { inputs, tapes, velocities, derivatives, theta, .. } = stages;
        let input = &mut inputs[place.inputs];
        let (coefficients, count) = scaled(step.length, tableau.a[stage]);
        combine(pass.level, state, &coefficients[..count], velocities, d, &mut input[..d]);
        let (net, time) = (self.program.net(), self.time(step, stage));
        net.set_time(time, input);
        let at_time = net.at_time(pass, time, &mut theta[place.theta]);
        if net.is_squashed() {
            net.first_tangents(&at_time, probes, first);
        }
        let start = Start { input, tangents: &first[place.first] };
        let (velocity, along) =
            (&mut velocities[place.points], &mut derivatives[place.derivatives]);
        net.forward(&at_time, start, &mut tapes[place.tape], (velocity, along), true);
        let weight = self.quadrature(step, stage);
        add_dot(pass.level, weight as f32, probes, along, log_det);
        if self.kinetic > 0.0 {
            let weight = (self.kinetic * weight) as f32;
            add_dot(pass.level, weight, velocity, velocity, penalty);
        }
        if self.jacobian > 0.0 {
            add_dot(pass.level, (self.jacobian * weight) as f32, along, along, penalty);
        }
    }

    /// Gradients of a stage, from those of the stages after it.
    fn stage_back(
        &self,
        pass: &Pass,
        step: Step,
        stage: usize,
        work: &mut Work,
        gradient: &mut [f32],
    ) {
        let place = self.place(stage, work);
        self.stage_cotangents(pass, step, stage, &place, work);
        let Work { stages, first, d_first, probes, .. } = work;
        let Stages { inputs, tapes, d_points, d_velocity, d_derivatives, scratch, .. } = stages;
        let (net, start) = (
            self.program.net(),
            Start { input: &inputs[place.inputs], tangents: &first[place.first.clone()] },
        );
        let (points, tangents) = (&mut d_points[place.points], &mut d_first[place.first]);
        let cotangents = (&**d_velocity, &d_derivatives[..place.derivatives.len()]);
        let tape = &mut tapes[place.tape];
        if !net.is_squashed() {
            let mut to = Gradients { points, tangents, theta: gradient };
            net.backward(pass, start, tape, scratch, cotangents, &mut to);
            return;
        }
        let (theta, d_theta) = (&stages.theta[place.theta], &mut stages.d_theta);
        d_theta.fill(0.0);
        tangents.fill(Column::ZERO);
        let at_time = Pass { theta, ..*pass };
        let mut to = Gradients { points, tangents, theta: d_theta };
        net.backward(&at_time, start, tape, scratch, cotangents, &mut to);
        net.first_weights(&at_time, probes, tangents, d_theta);
        net.pull_back_time(pass, self.time(step, stage), theta, d_theta, gradient);
    }

    /// The gradients of the velocity and the derivatives of a stage.
    fn stage_cotangents(
        &self,
        pass: &Pass,
        step: Step,
        stage: usize,
        place: &Place,
        work: &mut Work,
    ) {
        let (level, d, tableau) = (pass.level, work.state.len(), self.solver.tableau);
        let weight = self.quadrature(step, stage);
        let Work { stages, probes, shares, d_points, .. } = work;
        let velocity = &stages.velocities[place.points.clone()];
        let along = &stages.derivatives[place.derivatives.clone()];
        let d_velocity = &mut stages.d_velocity;
        set_times(level, weight as f32, d_points, d_velocity);
        let later = stages.d_points.chunks_exact(d).enumerate().skip(stage + 1);
        for (j, d_point) in later {
            let factor = step.length * tableau.a[j][stage];
            if factor.abs() > 0.0 {
                add_times(level, factor as f32, d_point, d_velocity);
            }
        }
        if self.kinetic > 0.0 {
            let factor = (2.0 * self.kinetic * weight) as f32;
            add_weighted(level, factor, shares, velocity, d_velocity);
        }
        let d_along = &mut stages.d_derivatives[..along.len()];
        set_weighted(level, -weight as f32, shares, probes, d_along);
        if self.jacobian > 0.0 {
            let factor = (2.0 * self.jacobian * weight) as f32;
            add_weighted(level, factor, shares, along, d_along);
        }
    }
}

/// Where the columns of a stage stand.
struct Place {
    points: Range<usize>,
    inputs: Range<usize>,
    tape: Range<usize>,
    theta: Range<usize>,
    first: Range<usize>,
    derivatives: Range<usize>,
}
