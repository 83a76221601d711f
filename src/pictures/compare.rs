//! The scores of two models side by side.

use super::{PictureError, Result, Studio, nodes};
use diffeo_flows::model::{FieldKind, Model, ModelField};
use diffeo_flows::rows::Rows;
use diffeo_flows::score::diagnostics::{Agreement, agreement};
use diffeo_plots::{FieldPanel, FieldPanels, FieldStyle, Figure, Scene, VectorGrid};

/// Nodes along each side: a score through a solver costs a thousand evaluations a node.
const NODES: usize = 64;
/// Rows that the models are compared on.
const JUDGED: usize = 1000;

/// A model and what its panel is called.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its name.
    pub name: &'a str,
}

impl Studio<'_> {
    /// The scores of this model, called `name`, and of another over their densities, their difference,
    /// and how alike they are on the data: this one against the other.
    ///
    /// A score model gives its network's score at its smallest noise level, any other ∇ log p.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] unless both are unconditional models of two columns.
    pub fn compare(
        &self,
        name: &str,
        other: Named<'_>,
        style: FieldStyle,
    ) -> Result<(Scene, Agreement)> {
        let window = self.window()?;
        let beside = Studio { model: other.model, theme: self.theme.clone(), ..*self };
        if !beside.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let judged = match self.data {
            Some(rows) => rows.evenly(JUDGED),
            None => self.rows_at(self.drawn()?.into_iter().take(2 * JUDGED).collect())?,
        };
        let alike = agreement(&self.plain_score(&judged)?, &beside.plain_score(&judged)?, 2)?;
        let panel = |studio: &Studio<'_>, name: &str| -> Result<FieldPanel> {
            let values = studio.plain_score(&studio.rows_at(nodes(window, NODES))?)?;
            let vectors: Vec<[f64; 2]> = values.chunks_exact(2).map(|v| [v[0], v[1]]).collect();
            let [x, y] = window.map(|[low, high]| (low, high));
            let field = VectorGrid::new(&vectors, [NODES; 2], x, y)?;
            Ok(FieldPanel::new(name, field).density(studio.density_grid(window, NODES)?))
        };
        let (names, panels) =
            (self.columns(), vec![panel(self, name)?, panel(&beside, other.name)?]);
        let figure = FieldPanels::new(panels)
            .style(style)
            .difference("difference", "|Δ score|")
            .value_label("|score|")
            .labels(&names[0], &names[1])
            .title(&format!("{}: scores of two models", self.name));
        Ok((figure.theme(self.theme.clone()).scene()?, alike))
    }

    /// The score that is read off a model at once.
    fn plain_score(&self, rows: &Rows) -> Result<Vec<f64>> {
        let kind = match self.model.noise_levels() {
            Ok(levels) => FieldKind::NoisyScore { level: levels.smallest },
            Err(_) => FieldKind::Score,
        };
        Ok(ModelField::new(self.model, kind)?.at(rows, self.workers)?)
    }
}
