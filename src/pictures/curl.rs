//! The curl of a model's field.

use super::fields::{FINE, symbol};
use super::{PICTURE_SEED, Result, Studio, nodes};
use diffeo_flows::metrics::Estimate;
use diffeo_flows::model::{FieldKind, ModelField};
use diffeo_flows::score::diagnostics::antisymmetric_share;
use diffeo_plots::{Figure, Grid, ScalarMap, Scene};

/// Rows that the share of the curl is an average over.
const JUDGED: usize = 1000;
/// A curl below this share of the Jacobian's size is rounding, and fills no range of colours: the
/// differences it is made of are good to about six digits.
const ROUNDING: f64 = 1e-4;

impl Studio<'_> {
    /// The curl of the field, with contours of the density, and the antisymmetric share of its
    /// Jacobian over the data, with the noise of its level: see [`antisymmetric_share`].
    ///
    /// # Errors
    /// As [`Studio::field`].
    pub fn curl(&self, kind: FieldKind) -> Result<(Scene, Estimate)> {
        let window = self.window_of(kind)?;
        let field = ModelField::new(self.model, kind)?;
        let judged = self.rows_at(self.judged(kind)?)?;
        let share = antisymmetric_share(&field.standard_jacobians(&judged, self.workers)?, 2)?;
        let rows = self.rows_at(nodes(window, FINE))?;
        let jacobians = field.jacobians(&rows, self.workers)?;
        let [x, y] = window.map(|[low, high]| (low, high));
        let names = self.columns();
        let figure = ScalarMap::new(Grid::new(&curls(&jacobians), [FINE; 2], x, y)?)
            .density(self.density_of(kind, window)?)
            .value_label(&format!("curl {}", symbol(kind)))
            .labels(&names[0], &names[1])
            .title(&self.titled(kind, "curl of the "));
        // Colours end at the largest curl where there are data: elsewhere a network may say anything.
        let least = ROUNDING * typical(&jacobians);
        let limit = largest(&curls(&field.jacobians(&judged, self.workers)?)).max(least);
        Ok((figure.limit(limit).theme(self.theme.clone()).scene()?, share))
    }

    /// Points of the data, or of the model, with the noise of a level.
    fn judged(&self, kind: FieldKind) -> Result<Vec<f64>> {
        let points = match self.data {
            Some(rows) => rows.evenly(JUDGED).points().to_vec(),
            None => self.drawn()?.into_iter().take(2 * JUDGED).collect(),
        };
        if let (FieldKind::NoisyScore { level }, true) = (kind, self.model.noise_units().is_ok()) {
            return Ok(self.model.with_noise(&points, level, PICTURE_SEED)?);
        }
        Ok(points)
    }
}

/// ∂v₂/∂x₁ − ∂v₁/∂x₂ of each of these Jacobians.
fn curls(jacobians: &[f64]) -> Vec<f64> {
    jacobians.chunks_exact(4).map(|j| j[2] - j[1]).collect()
}

/// The median of their Frobenius norms.
fn typical(jacobians: &[f64]) -> f64 {
    let norm = |j: &[f64]| j.iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut norms: Vec<f64> =
        jacobians.chunks_exact(4).map(norm).filter(|v| v.is_finite()).collect();
    norms.sort_by(f64::total_cmp);
    norms.get(norms.len() / 2).copied().unwrap_or(0.0)
}

/// The largest size among all but a hundredth of the values, which leaves out knots of splines.
fn largest(values: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() * 99 / 100).copied().unwrap_or(0.0)
}
