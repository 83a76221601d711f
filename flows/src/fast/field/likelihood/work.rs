//! The columns that training works in.

use super::LikelihoodLoss;
use crate::fast::field::march::{Room, stages_of_state};
use crate::fast::tile::Column;

/// The columns of a tile on its way there and back.
#[derive(Debug)]
pub(in crate::fast::field) struct Work {
    /// x(1), and before that the points on the way.
    pub(super) state: Vec<Column>,
    pub(super) context: Vec<Column>,
    pub(in crate::fast::field) room: Room,
    /// The points at the start of each step.
    pub(super) starts: Vec<Column>,
    /// What the first pass needs: inputs, and a tape without tangents.
    pub(super) input: Vec<Column>,
    pub(super) tape: Vec<Column>,
    pub(super) theta: Vec<f32>,
    /// What the stages of a step leave: inputs, tapes, velocities and derivatives of each.
    pub(super) stages: Stages,
    /// The directions of the tangents, and their first layer.
    pub(super) probes: Vec<Column>,
    pub(super) first: Vec<Column>,
    /// Its gradient, over all stages.
    pub(super) d_first: Vec<Column>,
    /// wᵢ / Σ w, 0 in lanes without a row.
    pub(super) shares: Column,
    pub(super) log_det: Column,
    pub(super) penalty: Column,
    /// The gradient of the loss with respect to the points.
    pub(super) d_points: Vec<Column>,
    pub(super) base: Vec<Column>,
    pub(super) drawn: Vec<f64>,
}

/// Columns of the stages of one step, one set after the other.
#[derive(Debug)]
pub(super) struct Stages {
    pub(super) inputs: Vec<Column>,
    pub(super) tapes: Vec<Column>,
    pub(super) velocities: Vec<Column>,
    pub(super) derivatives: Vec<Column>,
    /// Gradients of the points of the stages.
    pub(super) d_points: Vec<Column>,
    /// Of the velocity and the derivatives of one stage.
    pub(super) d_velocity: Vec<Column>,
    pub(super) d_derivatives: Vec<Column>,
    pub(super) scratch: Vec<Column>,
    /// The parameters at the times of the stages, where they depend on it, and the gradients of
    /// those of one stage.
    pub(super) theta: Vec<f32>,
    pub(super) d_theta: Vec<f32>,
}

impl Work {
    /// Room for one thread.
    pub(super) fn new(loss: &LikelihoodLoss) -> Self {
        let (net, sets, d) = (loss.program.net(), loss.sets(), loss.program.features());
        let stages = stages_of_state(loss.solver.tableau);
        let columns = |count: usize| vec![Column::ZERO; count];
        let at_time = net.at_time_room(loss.program.length());
        Self {
            state: columns(d),
            context: columns(net.context()),
            room: Room::default(),
            starts: Vec::new(),
            input: columns(net.inputs()),
            tape: columns(net.tape(0, false)),
            theta: vec![0.0; at_time],
            stages: Stages {
                inputs: columns(stages * net.inputs()),
                tapes: columns(stages * net.tape(sets, true)),
                velocities: columns(stages * d),
                derivatives: columns(stages * sets * d),
                d_points: columns(stages * d),
                d_velocity: columns(d),
                d_derivatives: columns(sets * d),
                scratch: columns(net.scratch(sets)),
                theta: vec![0.0; stages * at_time],
                d_theta: vec![0.0; at_time],
            },
            probes: columns(sets * d),
            first: columns(sets * net.first_width()),
            d_first: columns(sets * net.first_width()),
            shares: Column::ZERO,
            log_det: Column::ZERO,
            penalty: Column::ZERO,
            d_points: columns(d),
            base: columns(loss.program.base().tape()),
            drawn: Vec::new(),
        }
    }
}
