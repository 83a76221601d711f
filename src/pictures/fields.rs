//! Pictures of a model's vector field over its density.

use super::{PictureError, Result, Studio, nodes};
use diffeo_flows::model::{FieldKind, ModelField};
use diffeo_plots::{FieldMap, FieldStyle, Figure, Grid, ScalarMap, Scene, VectorGrid};

/// Nodes along each side of a field.
pub(super) const NODES: usize = 64;
/// The same for arrows, of which half as many stand side by side.
const ARROWS: usize = 44;
/// Nodes along each side of a map of its divergence or curl.
pub(super) const FINE: usize = 160;

/// How many standard deviations of noise a window holds.
const NOISE: f64 = 3.0;

impl Studio<'_> {
    /// The field over the density.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density.
    pub fn field(&self, kind: FieldKind, style: FieldStyle) -> Result<Scene> {
        let window = self.window_of(kind)?;
        let n = if style == FieldStyle::Arrows { ARROWS } else { NODES };
        let rows = self.rows_at(nodes(window, n))?;
        let values = ModelField::new(self.model, kind)?.at(&rows, self.workers)?;
        let vectors: Vec<[f64; 2]> = values.chunks_exact(2).map(|v| [v[0], v[1]]).collect();
        let [x, y] = window.map(|[low, high]| (low, high));
        let names = self.columns();
        let figure = FieldMap::new(VectorGrid::new(&vectors, [n; 2], x, y)?)
            .style(style)
            .density(self.density_of(kind, window)?)
            .value_label(&format!("|{}|", symbol(kind)))
            .labels(&names[0], &names[1])
            .title(&self.titled(kind, ""));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The divergence of the field, with contours of the density.
    ///
    /// # Errors
    /// As [`Studio::field`].
    pub fn divergence(&self, kind: FieldKind) -> Result<Scene> {
        let window = self.window_of(kind)?;
        let rows = self.rows_at(nodes(window, FINE))?;
        let values = ModelField::new(self.model, kind)?.divergence(&rows, self.workers)?;
        let [x, y] = window.map(|[low, high]| (low, high));
        let names = self.columns();
        let figure = ScalarMap::new(Grid::new(&values, [FINE; 2], x, y)?)
            .density(self.density_of(kind, window)?)
            .value_label(&format!("div {}", symbol(kind)))
            .labels(&names[0], &names[1])
            .title(&self.titled(kind, "divergence of the "));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The part of the plane that pictures show.
    pub(super) fn window(&self) -> Result<[[f64; 2]; 2]> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let seen = self.seen()?;
        Ok([self.axis(&seen, 2, 0), self.axis(&seen, 2, 1)])
    }

    /// The part of the plane where a field is shown: of noisy data as much as noise makes them wider.
    pub(super) fn window_of(&self, kind: FieldKind) -> Result<[[f64; 2]; 2]> {
        match kind {
            FieldKind::NoisyScore { level } => self.noisy_window(level),
            _ => self.window(),
        }
    }

    /// The window of the data, as many times wider as noise of a level makes nearly all of them.
    pub(super) fn noisy_window(&self, level: f64) -> Result<[[f64; 2]; 2]> {
        let window = self.window()?;
        let Ok(units) = self.model.noise_units() else { return Ok(window) };
        let wider = |k: usize| {
            let half = 0.5 * (window[k][1] - window[k][0]);
            (NOISE * level * units[k] / half).hypot(1.0)
        };
        // The same on both axes, so that panels of several levels keep one shape.
        let times = wider(0).max(wider(1));
        Ok(window.map(|[low, high]| {
            let (middle, half) = (f64::midpoint(low, high), 0.5 * times * (high - low));
            [middle - half, middle + half]
        }))
    }

    /// The model's density at n by n nodes of a window.
    pub(super) fn density_grid(&self, window: [[f64; 2]; 2], n: usize) -> Result<Grid> {
        let rows = self.rows_at(nodes(window, n))?;
        let log_prob = self.model.log_prob_rows(&rows, self.workers)?;
        let [x, y] = window.map(|[low, high]| (low, high));
        Ok(Grid::from_log_density(&log_prob, [n; 2], x, y)?)
    }

    pub(super) fn titled(&self, kind: FieldKind, what: &str) -> String {
        match kind {
            FieldKind::Score => format!("{}: {what}score", self.name),
            FieldKind::NoisyScore { level } => {
                format!("{}: {what}score at σ = {level}", self.name)
            }
            FieldKind::Velocity { time } => {
                format!("{}: {what}velocity at t = {time}", self.name)
            }
        }
    }
}

pub(super) fn symbol(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Score | FieldKind::NoisyScore { .. } => "score",
        FieldKind::Velocity { .. } => "v",
    }
}
