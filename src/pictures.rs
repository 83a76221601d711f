//! Draws models: makes the arrays that pictures need, and hands them to [`diffeo_plots`].

mod calibration;
mod circles;
mod compare;
mod curl;
mod energy;
mod fields;
mod film;
mod flow;
mod grid_lines;
mod layers;
mod levels;
mod noisy;
mod numbers;
mod preview;
mod residual;
mod reverse;
mod scores;
mod volume;

pub use compare::Named;
pub use preview::Moment;

use diffeo_flows::densities::Toy;
use diffeo_flows::model::Model;
use diffeo_flows::rows::Rows;
use diffeo_flows::{Density, Workers};
use diffeo_plots::{
    Corner, DensityCurve, DensityMap, Figure, Grid, Points, Samples, Scene, Theme, Training,
};

/// Points along each side of a density map.
const GRID: usize = 256;
/// Points along each side of a density behind something else.
const BACKDROP: usize = 128;
/// Points of a density curve.
const CURVE: usize = 512;
/// Rows drawn of data and of a model.
const DRAWN: usize = 10_000;
/// Share of the rows left outside a picture at each end of an axis.
const OUTSIDE: f64 = 0.001;
/// Room around the rows, as a share of their range.
const MARGIN: f64 = 0.08;
/// A column that varies by less than this share of its size hardly varies: some forty steps of an f64.
const FINEST: f64 = 1e-14;
/// How far below its peak the logarithm of a density is drawn, in nats.
const DEPTH: f64 = 12.0;
/// Shares of the mass in the highest-density regions of a curve.
const REGIONS: [f64; 3] = [0.5, 0.8, 0.95];
/// A seed of its own, so that a picture does not repeat the rows of `sample`.
const PICTURE_SEED: u64 = 0x7069_6374;

/// Why a picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The model could not be evaluated.
    #[error(transparent)]
    Flow(#[from] diffeo_flows::Error),
    /// The figure could not be drawn.
    #[error(transparent)]
    Plot(#[from] diffeo_plots::PlotError),
    /// A conditional density without contexts to draw it at.
    #[error("a conditional density is drawn at the contexts of data: give data")]
    NoContext,
    /// A model that says nothing of its training.
    #[error("this model has no training history")]
    NoHistory,
    /// A picture of the plane of other than two features, or of a conditional density.
    #[error("this kind of picture is drawn for unconditional models of two columns")]
    NoPlane,
    /// A picture of rows under a model without rows.
    #[error("this kind of picture judges a model by rows: give data")]
    NoData,
    /// A picture that counts rows, of rows that have weights.
    #[error(
        "this kind of picture counts each row once, and the model is of rows with weights: `evaluate` \
         judges it with them"
    )]
    Weighted,
    /// The logarithm of a density that is only seen through samples.
    #[error("the logarithm is drawn of unconditional densities of one or two columns")]
    NoLogarithm,
    /// The layers of a continuous flow.
    #[error("a continuous flow has no layers: draw its way through time, `plot flow`")]
    NoLayers,
}

impl From<candle_core::Error> for PictureError {
    fn from(error: candle_core::Error) -> Self {
        Self::Flow(error.into())
    }
}

type Result<T> = std::result::Result<T, PictureError>;

/// What pictures of a model are made with.
#[derive(Debug)]
pub struct Studio<'a> {
    /// The model.
    pub model: &'a Model,
    /// Rows of data beside it, if any.
    pub data: Option<&'a Rows>,
    /// What the data are called.
    pub name: &'a str,
    /// Who computes.
    pub workers: &'a Workers,
    /// How it looks.
    pub theme: Theme,
}

impl Studio<'_> {
    /// The density: a curve in one dimension, a map in two, all pairs above; for a conditional
    /// density, that of the data's own contexts, seen through samples.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn density(&self) -> Result<Scene> {
        match (self.model.features(), self.model.spec().given.is_empty()) {
            (1, true) => self.curve(),
            (2, true) => self.map(),
            _ => self.corner(),
        }
    }

    /// The logarithm of the density, down to 12 nats below its peak.
    ///
    /// # Errors
    /// [`PictureError::NoLogarithm`] for other than one or two features or for a conditional density.
    pub fn log_density(&self) -> Result<Scene> {
        match (self.model.features(), self.model.spec().given.is_empty()) {
            (1, true) => Ok(self.curve_figure()?.logarithmic(DEPTH).scene()?),
            (2, true) => Ok(self.map_figure()?.logarithmic(DEPTH).scene()?),
            _ => Err(PictureError::NoLogarithm),
        }
    }

    /// Data beside samples of the model.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn samples(&self) -> Result<Scene> {
        let d = self.model.features();
        if d == 1 {
            return self.density();
        }
        if d > 2 {
            return self.corner();
        }
        let (samples, names) = (Points::new(&self.drawn()?, d)?, self.columns());
        let figure = match self.data {
            Some(rows) => Samples::new("data", self.some_of(rows)?).beside("model", samples),
            None => Samples::new("model", samples),
        };
        let period = |column: usize| self.period(column).map(|[low, high]| (low, high));
        Ok(figure
            .axes(period(0), period(1))
            .title(self.name)
            .labels(&names[0], &names[1])
            .theme(self.theme.clone())
            .scene()?)
    }

    /// The rows to judge the model by, each as good as another.
    fn judges(&self) -> Result<&Rows> {
        let rows = self.data.ok_or(PictureError::NoData)?;
        let is_weighted = rows.weights().is_some() || self.model.spec().data.weight.is_some();
        if is_weighted { Err(PictureError::Weighted) } else { Ok(rows) }
    }

    /// Whether there is a latent plane to draw.
    pub fn has_plane(&self) -> bool {
        self.model.features() == 2 && self.model.spec().given.is_empty()
    }

    /// Losses against steps.
    ///
    /// # Errors
    /// [`PictureError::NoHistory`] for a model that was never trained.
    pub fn training(&self) -> Result<Scene> {
        let Some(training) = &self.model.spec().training else {
            return Err(PictureError::NoHistory);
        };
        let at = |value: fn(&diffeo_flows::train::Evaluation) -> Option<f64>| -> Vec<(f64, f64)> {
            training.history.iter().filter_map(|e| Some((e.step as f64, value(e)?))).collect()
        };
        // A loss that is no log-density has no place on an axis of nats.
        let is_likelihood = self.model.spec().objective.is_likelihood();
        let loss = if is_likelihood { at(|e| e.loss) } else { Vec::new() };
        let figure = Training::new(&loss)
            .held_out(&at(|e| e.valid_loss))
            .best_step(training.best_step as f64)
            .learning_rate(&at(|e| Some(e.learning_rate)))
            .loss_label("negative log-likelihood (nats)")
            .title(self.name)
            .theme(self.theme.clone());
        Ok(figure.scene()?)
    }

    fn columns(&self) -> Vec<String> {
        self.model.spec().columns.iter().map(|c| c.name.clone()).collect()
    }

    /// Some of these rows as they are shown.
    fn some_of(&self, rows: &Rows) -> Result<Points> {
        let shown = self.shown(rows.evenly(DRAWN).points().to_vec());
        Ok(Points::new(&shown, self.model.features())?)
    }

    /// Samples of the model as they are shown, given the data's contexts where there are any.
    fn drawn(&self) -> Result<Vec<f64>> {
        let rows = self.data.map(|rows| rows.evenly(DRAWN));
        let n = rows.as_ref().map_or(DRAWN, Rows::len);
        let context = rows.as_ref().and_then(|rows| rows.context()).map(|(_, values)| values);
        if !self.model.spec().given.is_empty() && context.is_none() {
            return Err(PictureError::NoContext);
        }
        Ok(self.shown(self.model.sample_rows(n, context, PICTURE_SEED, self.workers)?))
    }

    /// The rows that decide the range of the axes, as they are shown.
    fn seen(&self) -> Result<Vec<f64>> {
        match self.data {
            Some(rows) => Ok(self.shown(rows.points().to_vec())),
            None => self.drawn(),
        }
    }

    fn curve(&self) -> Result<Scene> {
        Ok(self.curve_figure()?.scene()?)
    }

    fn curve_figure(&self) -> Result<DensityCurve> {
        let [low, high] = self.axis(&self.seen()?, 1, 0);
        let x: Vec<f64> =
            (0..CURVE).map(|i| low + (high - low) * i as f64 / (CURVE - 1) as f64).collect();
        let log_prob = self.model.log_prob_rows(&self.rows_at(x.clone())?, self.workers)?;
        let points: Vec<(f64, f64)> = x.into_iter().zip(log_prob.iter().map(|l| l.exp())).collect();
        let mut figure = DensityCurve::new("model", &points);
        if let Some(rows) = self.data {
            figure = figure.data(&self.shown(rows.points().to_vec()))?;
        }
        let figure = figure.regions(&REGIONS).title(self.name).label(&self.columns()[0]);
        Ok(figure.theme(self.theme.clone()))
    }

    fn map(&self) -> Result<Scene> {
        Ok(self.map_figure()?.scene()?)
    }

    fn map_figure(&self) -> Result<DensityMap> {
        let (window, names) = (self.window()?, self.columns());
        let (grid, theme) = (self.density_grid(window, GRID)?, self.theme.clone());
        Ok(density_map(grid, window, self.name, [&names[0], &names[1]], theme))
    }

    fn corner(&self) -> Result<Scene> {
        let d = self.model.features();
        let samples = Points::new(&self.drawn()?, d)?;
        let mut figure = match self.data {
            Some(rows) => Corner::new(&self.columns(), self.some_of(rows)?)?.model(samples)?,
            None => Corner::new(&self.columns(), samples)?,
        };
        for column in 0..d {
            if let Some([low, high]) = self.period(column) {
                figure = figure.axis(column, low, high);
            }
        }
        Ok(figure.title(self.name).theme(self.theme.clone()).scene()?)
    }
}

/// The true density of a toy.
///
/// # Errors
/// [`PictureError`].
pub fn toy(toy: &Toy, theme: Theme) -> Result<Scene> {
    Ok(toy_figure(toy, theme)?.scene()?)
}

/// The logarithm of the true density of a toy, down to 12 nats below its peak.
///
/// # Errors
/// [`PictureError`].
pub fn toy_log_density(toy: &Toy, theme: Theme) -> Result<Scene> {
    Ok(toy_figure(toy, theme)?.logarithmic(DEPTH).scene()?)
}

fn toy_figure(toy: &Toy, theme: Theme) -> Result<DensityMap> {
    let window = toy.window();
    let log_prob: Vec<f64> =
        nodes(window, GRID).chunks_exact(2).map(|x| toy.log_prob_at([x[0], x[1]])).collect();
    let [x, y] = window.map(|[low, high]| (low, high));
    let grid = Grid::from_log_density(&log_prob, [GRID; 2], x, y)?;
    Ok(density_map(grid, window, toy.info().name, ["x1", "x2"], theme))
}

/// What a source of data is called in a title: a file without its folder and extension, a key of an
/// archive with it.
pub fn title_of(source: &str) -> String {
    let (path, key) = match source.rsplit_once(".npz:") {
        Some((path, key)) => (path, Some(key)),
        None => (source, None),
    };
    let stem = std::path::Path::new(path).file_stem().map(|stem| stem.to_string_lossy());
    let name = stem.map_or_else(|| source.to_owned(), std::borrow::Cow::into_owned);
    key.map_or(name.clone(), |key| format!("{name}: {key}"))
}

fn density_map(
    grid: Grid,
    [x, y]: [[f64; 2]; 2],
    title: &str,
    labels: [&str; 2],
    theme: Theme,
) -> DensityMap {
    let mut figure = DensityMap::new(grid).title(title).labels(labels[0], labels[1]).theme(theme);
    let ratio = (x[1] - x[0]) / (y[1] - y[0]);
    if (0.4..2.5).contains(&ratio) {
        figure = figure.equal_aspect();
    }
    figure
}

/// Range of a column: all but the outermost rows, with some room.
fn range(rows: &[f64], width: usize, column: usize) -> [f64; 2] {
    let mut values: Vec<f64> = rows.iter().skip(column).step_by(width).copied().collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(OUTSIDE), at(1.0 - OUTSIDE));
    let size = low.abs().max(high.abs());
    let room = if high - low > FINEST * size {
        (high - low) * MARGIN
    } else {
        // A column that hardly varies still gets an axis.
        (1e-3 * size).max(1e-9)
    };
    [low - room, high + room]
}

/// The nodes of a square grid of n by n, x running fastest.
fn nodes([x, y]: [[f64; 2]; 2], n: usize) -> Vec<f64> {
    let at = |[low, high]: [f64; 2], i: usize| low + (high - low) * i as f64 / (n - 1) as f64;
    (0..n).flat_map(|j| (0..n).flat_map(move |i| [at(x, i), at(y, j)])).collect()
}

#[test]
fn titles_name_files_without_folders() {
    for (source, title) in [
        ("two-moons", "two-moons"),
        ("data/old_faithful.npy", "old_faithful"),
        ("/a.b/x.npz:rows", "x: rows"),
        ("-", "-"),
        ("", ""),
    ] {
        assert_eq!(title_of(source), title);
    }
}
