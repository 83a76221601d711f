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

    /// The fitted model and its rows.
    pub(crate) fn fit(
        self,
        workers: &Workers,
    ) -> Result<(Model, Rows), Box<dyn std::error::Error>> {
        let (flow, steps, rows) = match self {
            Self::Spirals => ("nsf", 6_000, toy("two-spirals")?),
            Self::Velocities => ("flow-matching", 20_000, toy("two-spirals")?),
            Self::Scores => ("score", 12_000, toy("eight-gaussians")?),
            Self::Energy => ("score", 6_000, toy("two-moons")?),
            Self::Table => ("nsf-gmm", 3_000, leaves()?),
            Self::Line => ("nsf-ar", 1_000, peaks()?),
            Self::Moons => ("nsf-gmm", 3_000, toy("two-moons")?),
        };
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
        Ok((fit.run(parts, None, workers, &mut Quiet)?.0, train))
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

fn toy(name: &str) -> Result<Rows, Box<dyn std::error::Error>> {
    let points = Toy::named(name)?.sample_points(20_000, &mut generator(0, Stream::Sample, 0));
    Ok(Rows::new(2, points.concat())?)
}

/// Made-up leaves of two kinds.
fn leaves() -> Result<Rows, Box<dyn std::error::Error>> {
    let mut rng = generator(0, Stream::Sample, 0);
    let mut values = Vec::new();
    for _ in 0..8_000 {
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

fn peaks() -> Result<Rows, Box<dyn std::error::Error>> {
    let mut rng = generator(0, Stream::Sample, 0);
    let mut value = || {
        let (z, which): (f64, u32) = (rng.sample(StandardNormal), rng.random_range(0..10));
        match which {
            0..=4 => -1.0 + 0.5 * z,
            5..=7 => 1.5 + 0.3 * z,
            _ => 3.0 + 0.15 * z,
        }
    };
    Ok(Rows::new(1, (0..20_000).map(|_| value()).collect())?)
}
