//! Pictures of a model's vector field over its density.

use super::{PictureError, Result, Studio, nodes, range};
use diffeo_flows::model::{FieldKind, ModelField};
use diffeo_flows::rows::Rows;
use diffeo_plots::{FieldMap, FieldStyle, Figure, Grid, ScalarMap, Scene, VectorGrid};

/// Nodes along each side of a field.
pub(super) const NODES: usize = 64;
/// The same for arrows, of which half as many stand side by side.
const ARROWS: usize = 44;
/// Nodes along each side of a map of its divergence or curl.
pub(super) const FINE: usize = 160;

impl Studio<'_> {
    /// The field over the density.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density.
    pub fn field(&self, kind: FieldKind, style: FieldStyle) -> Result<Scene> {
        let window = self.window()?;
        let n = if style == FieldStyle::Arrows { ARROWS } else { NODES };
        let rows = Rows::new(2, nodes(window, n))?;
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
        let window = self.window()?;
        let rows = Rows::new(2, nodes(window, FINE))?;
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
        Ok([range(&seen, 2, 0), range(&seen, 2, 1)])
    }

    /// The model's density at n by n nodes of a window.
    pub(super) fn density_grid(&self, window: [[f64; 2]; 2], n: usize) -> Result<Grid> {
        let rows = Rows::new(2, nodes(window, n))?;
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
