//! The models of the gallery.

use diffeo::flows::Workers;
use diffeo::flows::config::{NetworkKind, ScoreSettings, recipe};
use diffeo::flows::densities::Toy;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::model::{Column, Model};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Quiet;
use diffeo::flows::transforms::Support;
use rand::Rng;
use rand_distr::StandardNormal;

/// Rows that a model is fitted to, a tenth of them to choose its step by; of the leaves fewer.
const ROWS: usize = 20_000;
const LEAVES: usize = 8_000;
/// Rows that it is shown beside and judged by, drawn anew: none of them had a part in its making.
const UNSEEN: usize = 20_000;

/// What a model is of, and what fitted it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    /// Splines, layer by layer, from a standard normal.
    Spirals,
    /// The velocity of flow matching.
    Velocities,
    /// Scores at all noise levels.
    Scores,
    /// A score that is the gradient of an energy.
    Energy,
    /// Four columns that depend on each other.
    Table,
    /// One column.
    Line,
    /// The default flow.
    Moons,
}

impl Subject {
    /// The title of its pictures.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Spirals | Self::Velocities => "two spirals",
            Self::Scores => "eight Gaussians",
            Self::Energy | Self::Moons => "two moons",
            Self::Table => "leaves",
            Self::Line => "three peaks",
        }
    }

    /// Rows of what it is of.
    fn rows(self, n: usize, stream: Stream) -> Result<Rows, Box<dyn std::error::Error>> {
        match self {
            Self::Spirals | Self::Velocities => toy("two-spirals", n, stream),
            Self::Scores => toy("eight-gaussians", n, stream),
            Self::Energy | Self::Moons => toy("two-moons", n, stream),
            Self::Table => leaves(n, stream),
            Self::Line => peaks(n, stream),
        }
    }

    /// The fitted model, and rows that it has not seen.
    pub(crate) fn fit(
        self,
        workers: &Workers,
    ) -> Result<(Model, Rows), Box<dyn std::error::Error>> {
        let (flow, steps) = match self {
            Self::Spirals => ("nsf", 6_000),
            Self::Velocities => ("flow-matching", 20_000),
            Self::Scores => ("score", 12_000),
            Self::Energy => ("score", 6_000),
            Self::Table | Self::Moons => ("nsf-gmm", 3_000),
            Self::Line => ("nsf-gmm", 1_000),
        };
        let rows = self.rows(if let Self::Table = self { LEAVES } else { ROWS }, Stream::Sample)?;
        let mut fit = Fit::new(flow)?;
        if let Self::Energy = self {
            let network = Some(NetworkKind::Conservative);
            let settings = ScoreSettings { network, ..ScoreSettings::default() };
            fit.recipe = recipe(flow)?.with_score(&settings)?;
        }
        fit.config.steps = steps;
        fit.columns = columns(&self.names());
        let (held, train): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|i| i % 10 == 0);
        let (valid, train) = (rows.take(&held), rows.take(&train));
        let parts = Parts { train: &train, valid: Some(&valid), test: None };
        let model = fit.run(parts, None, workers, &mut Quiet)?.0;
        Ok((model, self.rows(UNSEEN, Stream::Evaluation)?))
    }

    fn names(self) -> Vec<&'static str> {
        match self {
            Self::Table => vec!["length", "width", "mass", "age"],
            Self::Line => vec!["x"],
            _ => vec!["x₁", "x₂"],
        }
    }
}

fn columns(names: &[&str]) -> Vec<Column> {
    names.iter().map(|n| Column::new(*n, Support::Real)).collect()
}

fn toy(name: &str, n: usize, stream: Stream) -> Result<Rows, Box<dyn std::error::Error>> {
    let points = Toy::named(name)?.sample_points(n, &mut generator(0, stream, 0));
    Ok(Rows::new(2, points.concat())?)
}

/// Made-up leaves of two kinds.
fn leaves(n: usize, stream: Stream) -> Result<Rows, Box<dyn std::error::Error>> {
    let mut rng = generator(0, stream, 0);
    let mut values = Vec::new();
    for _ in 0..n {
        let mut normal = || -> f64 { rng.sample(StandardNormal) };
        let (size, shape, rest) = (normal(), normal(), normal());
        let is_broad = normal() > 0.3;
        let length = 6.0 + if is_broad { 1.0 } else { 3.5 } + 1.1 * size;
        let width = if is_broad { 0.8 * length } else { 0.25 * length } + 0.35 * shape;
        values.extend([
            length,
            width,
            0.1 * length * width.abs() + 0.3 * rest,
            (0.5 * size + 0.4 * normal()).exp(),
        ]);
    }
    Ok(Rows::new(4, values)?)
}

fn peaks(n: usize, stream: Stream) -> Result<Rows, Box<dyn std::error::Error>> {
    let mut rng = generator(0, stream, 0);
    let mut value = || {
        let (z, which): (f64, u32) = (rng.sample(StandardNormal), rng.random_range(0..10));
        match which {
            0..=4 => -1.0 + 0.5 * z,
            5..=7 => 1.5 + 0.3 * z,
            _ => 3.0 + 0.15 * z,
        }
    };
    Ok(Rows::new(1, (0..n).map(|_| value()).collect())?)
}
