//! Energies as surfaces.

use super::{Result, Studio, nodes};
use diffeo_flows::rows::Rows;
use diffeo_plots::{Figure, Grid, Scene, Surface};

/// Nodes along each side of a surface.
const NODES: usize = 121;
/// Rows that decide where the surface is cut off.
const JUDGED: usize = 2000;
/// Share of them that lie below.
const BELOW: f64 = 0.99;
/// Room above that, as a share of the height so far.
const ROOM: f64 = 0.25;

impl Studio<'_> {
    /// −log p as a surface over the plane, cut off a little above the data; at a noise level the
    /// energy of a diffusion's network, from its least value.
    ///
    /// # Errors
    /// [`PictureError`](super::PictureError) for other than two features, for a conditional density,
    /// or, at a level, for a network that has no energy.
    pub fn energy(&self, level: Option<f64>) -> Result<Scene> {
        let window = level.map_or_else(|| self.window(), |level| self.noisy_window(level))?;
        let at = |rows: &Rows| -> Result<Vec<f64>> {
            if let Some(level) = level {
                return Ok(self.model.energy_rows(level, rows, self.workers)?);
            }
            let log_prob = self.model.log_prob_rows(rows, self.workers)?;
            Ok(log_prob.iter().map(|l| -l).collect())
        };
        let mut values = at(&self.rows_at(nodes(window, NODES))?)?;
        let judged = match self.data {
            Some(rows) => rows.evenly(JUDGED),
            None => self.rows_at(self.drawn()?.into_iter().take(2 * JUDGED).collect())?,
        };
        let mut of_data = at(&judged)?;
        of_data.sort_by(f64::total_cmp);
        let least = values.iter().chain(&of_data).copied().fold(f64::INFINITY, f64::min);
        let high = of_data[((of_data.len() - 1) as f64 * BELOW).round() as usize];
        let shift = if level.is_some() { least } else { 0.0 };
        for value in &mut values {
            *value -= shift;
        }
        let ceiling = high + ROOM * (high - least) - shift;
        let (label, title) = match level {
            Some(level) => {
                ("energy − least (nats)", format!("{}: energy at σ = {level}", self.name))
            }
            None => ("−log p (nats)", format!("{}: −log p", self.name)),
        };
        let ([x, y], names) = (window.map(|[low, high]| (low, high)), self.columns());
        let figure = Surface::new(Grid::new(&values, [NODES; 2], x, y)?)
            .ceiling(ceiling)
            .floor_contours()
            .value_label(label)
            .labels(&names[0], &names[1])
            .title(&title);
        Ok(figure.theme(self.theme.clone()).scene()?)
    }
}
