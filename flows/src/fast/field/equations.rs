//! The differential equations of a field.

use super::columns::add_dot;
use super::march::Equation;
use super::net::Start;
use super::program::FieldProgram;
use crate::fast::kernel::Pass;
use crate::fast::tile::Column;

/// x′ = v(t, x).
#[derive(Debug)]
pub(super) struct Path<'a> {
    pub(super) program: &'a FieldProgram,
    pub(super) pass: Pass<'a>,
    /// With the context in place.
    pub(super) input: &'a mut [Column],
    pub(super) tape: &'a mut [Column],
    /// Room for the parameters at one time.
    pub(super) theta: &'a mut [f32],
}

impl Equation for Path<'_> {
    fn slope(&mut self, t: f64, state: &[Column], slope: &mut [Column]) {
        let net = self.program.net();
        self.input[..state.len()].copy_from_slice(state);
        net.set_time(t, self.input);
        let pass = net.at_time(&self.pass, t, self.theta);
        let start = Start { input: self.input, tangents: &[] };
        net.forward(&pass, start, self.tape, (slope, &mut []), false);
        self.program.at_rate(t, slope);
    }
}

/// x′ = v(t, x), ℓ′ = div v(t, x), and its estimates by each probe where the state has room.
#[derive(Debug)]
pub(super) struct Volume<'a> {
    pub(super) program: &'a FieldProgram,
    pub(super) pass: Pass<'a>,
    pub(super) input: &'a mut [Column],
    pub(super) tape: &'a mut [Column],
    pub(super) probes: &'a [Column],
    pub(super) first: &'a mut [Column],
    /// Room for the parameters at one time.
    pub(super) theta: &'a mut [f32],
    pub(super) derivatives: &'a mut [Column],
    /// What each tangent counts for.
    pub(super) share: f32,
}

impl Equation for Volume<'_> {
    fn slope(&mut self, t: f64, state: &[Column], slope: &mut [Column]) {
        let net = self.program.net();
        let d = net.features();
        self.input[..d].copy_from_slice(&state[..d]);
        net.set_time(t, self.input);
        let pass = net.at_time(&self.pass, t, self.theta);
        if net.is_squashed() {
            net.first_tangents(&pass, self.probes, self.first);
        }
        let start = Start { input: self.input, tangents: self.first };
        let (velocity, rest) = slope.split_at_mut(d);
        let to = (velocity, &mut *self.derivatives);
        net.forward(&pass, start, self.tape, to, false);
        rest.fill(Column::ZERO);
        let Some((mean, each)) = rest.split_first_mut() else { return };
        add_dot(self.pass.level, self.share, self.probes, self.derivatives, mean);
        let sets = self.probes.chunks_exact(d).zip(self.derivatives.chunks_exact(d));
        for (to, (probe, along)) in each.iter_mut().zip(sets) {
            add_dot(self.pass.level, 1.0, probe, along, to);
        }
        self.program.at_rate(t, slope);
    }
}
