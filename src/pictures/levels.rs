//! The score of a diffusion at several noise levels.

use super::fields::NODES;
use super::{BACKDROP, Result, Studio, nodes};
use diffeo_flows::model::{FieldKind, ModelField};
use diffeo_plots::{FieldPanel, FieldPanels, FieldStyle, Figure, Grid, Scene, VectorGrid};

impl Studio<'_> {
    /// Scores at several noise levels, a panel with axes and a scale of its own for each, over the
    /// density with that much noise.
    ///
    /// # Errors
    /// [`PictureError`](super::PictureError) for other than two features, for a conditional density,
    /// or for levels that the model does not have.
    pub fn levels(&self, levels: &[f64], style: FieldStyle) -> Result<Scene> {
        let windows = levels.iter().map(|level| self.noisy_window(*level));
        let windows: Vec<_> = windows.collect::<Result<_>>()?;
        let fields = levels.iter().zip(&windows).map(|(level, w)| self.score_grid(*w, *level));
        let fields: Vec<VectorGrid> = fields.collect::<Result<_>>()?;
        let behind = self.behind(&windows, levels)?;
        let panels = levels.iter().zip(fields).zip(behind).map(|((level, field), density)| {
            let panel = FieldPanel::new(&format!("σ = {level}"), field);
            match density {
                Some(density) => panel.density(density),
                None => panel,
            }
        });
        let names = self.columns();
        let figure = FieldPanels::new(panels.collect())
            .own_scales()
            .own_axes()
            .style(style)
            .value_label("|score|")
            .labels(&names[0], &names[1])
            .title(&format!("{}: score at several noise levels", self.name));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    fn score_grid(&self, window: [[f64; 2]; 2], level: f64) -> Result<VectorGrid> {
        let rows = self.rows_at(nodes(window, NODES))?;
        let field = ModelField::new(self.model, FieldKind::NoisyScore { level })?;
        let values = field.at(&rows, self.workers)?;
        let vectors: Vec<[f64; 2]> = values.chunks_exact(2).map(|v| [v[0], v[1]]).collect();
        let [x, y] = window.map(|[low, high]| (low, high));
        Ok(VectorGrid::new(&vectors, [NODES; 2], x, y)?)
    }

    /// The density that a field is of: with the noise of its level, for a noisy score, where columns
    /// have a unit of noise.
    pub(super) fn density_of(&self, kind: FieldKind, window: [[f64; 2]; 2]) -> Result<Grid> {
        match kind {
            FieldKind::NoisyScore { level } => match self.behind(&[window], &[level])?.remove(0) {
                Some(density) => Ok(density),
                None => self.density_grid(window, BACKDROP),
            },
            _ => self.density_grid(window, BACKDROP),
        }
    }

    /// p_σ at each level, each in its window; none where a column has no unit of noise.
    pub(super) fn behind(
        &self,
        windows: &[[[f64; 2]; 2]],
        levels: &[f64],
    ) -> Result<Vec<Option<Grid>>> {
        if self.model.noise_units().is_err() {
            return Ok(vec![None; levels.len()]);
        }
        let density = self.noisy_density()?;
        let at = |(level, window): (&f64, &_)| density.at(*level, *window, BACKDROP).map(Some);
        levels.iter().zip(windows).map(at).collect()
    }
}
