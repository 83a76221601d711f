//! The network of a field over a tile of rows, the fast tier of [`crate::fields::TimeMlp`]: values,
//! and tangents that run along with them.
#![expect(clippy::mut_mut, reason = "a tape is cut from its front, piece by piece")]

use super::bend::{Hidden, bend, keeps_slopes};
use super::squash::Squash;
use super::time::time_columns;
use crate::fast::dense::{Dense, Reach, Store};
use crate::fast::kernel::Pass;
use crate::fast::layout::Layout;
use crate::fast::net::take;
use crate::fast::tile::Column;
use crate::fields::{FieldConfig, TimeForm};
use crate::nets::Activation;

/// A perceptron of points, context and time, in that order: its outputs are the velocity, or their
/// one is a potential whose gradient the velocity is.
#[derive(Debug)]
pub(in crate::fast) struct FieldNet {
    features: usize,
    context: usize,
    time: TimeForm,
    potential: bool,
    pub(super) activation: Activation,
    /// From the first to the last.
    pub(super) layers: Vec<Dense>,
    /// The first layer as far as it meets points.
    pub(super) points: Dense,
    /// Of each layer, where its weights depend on time.
    pub(super) squashes: Vec<Squash>,
}

/// What a pass starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    /// Points, context and time.
    pub(super) input: &'a [Column],
    /// The first layer's tangents, whole sets, as [`FieldNet::first_tangents`] gives them.
    pub(super) tangents: &'a [Column],
}

impl FieldNet {
    /// The network below `path`; none where its parameters are missing or it depends on time in
    /// another form.
    pub(super) fn new(
        layout: &Layout,
        path: &str,
        (features, context): (usize, usize),
        config: &FieldConfig,
    ) -> Option<Self> {
        let dense = |name: &str, inputs: usize, outputs: usize| {
            let weight = layout.place(&format!("{path}.{name}.weight"), inputs * outputs)?;
            let bias = layout.place(&format!("{path}.{name}.bias"), outputs)?;
            Some(Dense { inputs, outputs, weight, bias, reach: Reach::Full })
        };
        let inputs = features + context + config.time.inputs();
        let mut layers = vec![dense("first", inputs, *config.hidden.first()?)?];
        for (i, pair) in config.hidden.windows(2).enumerate() {
            layers.push(dense(&(i + 1).to_string(), pair[0], pair[1])?);
        }
        let width = *config.hidden.last()?;
        layers.push(if config.potential {
            let weight = layout.place(&format!("{path}.last.weight"), width)?;
            // There is no bias, and nobody asks for one.
            Dense { inputs: width, outputs: 1, weight, bias: weight, reach: Reach::Full }
        } else {
            dense("last", width, features)?
        });
        let points = Dense { inputs: features, ..layers[0].clone() };
        let (time, activation) = (config.time, config.activation);
        let squashes = if time == TimeForm::ConcatSquash {
            let inner = (1..config.hidden.len()).map(|i| i.to_string());
            let names = std::iter::once("first".into()).chain(inner).chain(["last".into()]);
            let squash = |(name, dense): (String, &Dense)| {
                Squash::new(layout, &format!("{path}.{name}"), dense.outputs)
            };
            names.zip(&layers).map(squash).collect::<Option<_>>()?
        } else {
            Vec::new()
        };
        let potential = config.potential;
        Some(Self { features, context, time, potential, activation, layers, points, squashes })
    }

    pub(super) fn features(&self) -> usize {
        self.features
    }

    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// Columns of points, context and time.
    pub(super) fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Columns of a set of first tangents.
    pub(super) fn first_width(&self) -> usize {
        self.points.outputs
    }

    /// Whether the velocity is the gradient of the one output.
    pub(super) fn is_potential(&self) -> bool {
        self.potential
    }

    /// Hidden units of all layers.
    pub(super) fn units(&self) -> usize {
        self.layers.iter().skip(1).map(|dense| dense.inputs).sum()
    }

    /// Columns of the widest layer.
    pub(super) fn widest(&self) -> usize {
        self.layers.iter().map(|dense| dense.outputs).max().unwrap_or_default()
    }

    /// Columns that a pass with that many tangents needs, `kept` for a backward one.
    pub(super) fn tape(&self, tangents: usize, kept: bool) -> usize {
        if self.potential {
            return self.gradient_tape(tangents, kept);
        }
        let copies = if kept && keeps_slopes(self.activation) { 2 } else { 1 };
        copies * (1 + tangents) * self.units()
    }

    /// Columns that backward needs beside the tape.
    pub(super) fn scratch(&self, tangents: usize) -> usize {
        2 * (1 + tangents) * self.widest()
    }

    /// Writes the time, the same for all rows, into its columns of `input`.
    pub(super) fn set_time(&self, t: f64, input: &mut [Column]) {
        let values = self.time.values(t);
        let columns = &mut input[self.features + self.context..];
        for (column, value) in columns.iter_mut().zip(values) {
            *column = Column::splat(value as f32);
        }
    }

    /// Writes times, one for each row.
    pub(super) fn set_times(&self, times: &[f64], input: &mut [Column]) {
        time_columns(self.time, times, &mut input[self.features + self.context..]);
    }

    /// Wᵀ ε of the first layer for each set of tangents ε: the same at all points and times.
    pub(super) fn first_tangents(&self, pass: &Pass, probes: &[Column], to: &mut [Column]) {
        let dense = &self.points;
        for (probe, to) in probes.chunks(dense.inputs).zip(to.chunks_mut(dense.outputs)) {
            let how = (Store::Replace, false);
            dense.forward(pass.level, pass.theta, probe, to, 0..dense.outputs, how);
        }
    }

    /// v, and the derivatives of v along each tangent; `kept` leaves in `tape` what
    /// [`FieldNet::backward`] needs, of a potential without tangents.
    pub(super) fn forward(
        &self,
        pass: &Pass,
        start: Start,
        mut tape: &mut [Column],
        (velocity, derivatives): (&mut [Column], &mut [Column]),
        kept: bool,
    ) {
        if self.potential && kept {
            return self.gradient_kept(pass, start.input, tape, velocity);
        }
        if self.potential {
            return self.gradient(pass, start, tape, (velocity, derivatives));
        }
        let Some((last, inner)) = self.layers.split_last() else { return };
        let sets = start.tangents.len() / self.first_width();
        let mut below: Option<Hidden> = None;
        for dense in inner {
            let mut layer = self.cut(&mut tape, dense.outputs, sets, kept);
            match &below {
                None => {
                    product(pass, dense, start.input, layer.values, true);
                    layer.tangents.copy_from_slice(start.tangents);
                }
                Some(below) => {
                    product(pass, dense, below.values, layer.values, true);
                    product(pass, dense, below.tangents, layer.tangents, false);
                }
            }
            bend(pass.level, self.activation, &mut layer);
            below = Some(layer);
        }
        let Some(top) = below else { return };
        product(pass, last, top.values, velocity, true);
        product(pass, last, top.tangents, derivatives, false);
    }

    /// The columns of a hidden layer, from the front of the tape.
    pub(super) fn cut<'a>(
        &self,
        tape: &mut &'a mut [Column],
        width: usize,
        sets: usize,
        kept: bool,
    ) -> Hidden<'a> {
        let kept = if kept && keeps_slopes(self.activation) { width } else { 0 };
        Hidden {
            values: take(tape, width),
            tangents: take(tape, sets * width),
            slopes: take(tape, kept),
            bends: take(tape, sets * kept),
        }
    }
}

/// One product for each set of columns.
pub(super) fn product(pass: &Pass, dense: &Dense, x: &[Column], y: &mut [Column], biased: bool) {
    for (x, y) in x.chunks_exact(dense.inputs).zip(y.chunks_exact_mut(dense.outputs)) {
        let how = (Store::Replace, biased);
        dense.forward(pass.level, pass.theta, x, y, 0..dense.outputs, how);
    }
}
