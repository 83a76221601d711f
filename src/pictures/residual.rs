//! Data beside a model, and where they disagree.

use super::{Result, Studio};
use diffeo_plots::{Figure, Points, Residuals, Scene};

/// Fewest and most bins along each side.
const BINS: (usize, usize) = (10, 60);
/// Rows a bin would have if they lay evenly: half of the window is all but empty as a rule.
const EACH: f64 = 6.0;
/// Places along each side of a bin where the density is averaged.
const WITHIN: usize = 5;

impl Studio<'_> {
    /// The histogram of the rows, the model's mass in the same bins, and their difference in standard
    /// errors.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`](super::PictureError) for other than two features or for a conditional density;
    /// [`PictureError::NoData`](super::PictureError) without rows,
    /// [`PictureError::Weighted`](super::PictureError) for rows with weights.
    pub fn residual(&self) -> Result<Scene> {
        let rows = self.judges()?;
        let window = self.window()?;
        let bins = ((rows.len() as f64 / EACH).sqrt() as usize).clamp(BINS.0, BINS.1);
        let shares = self.shares(window, bins)?;
        let points = Points::new(&self.shown(rows.points().to_vec()), 2)?;
        let ([x, y], names) = (window.map(|[low, high]| (low, high)), self.columns());
        let figure = Residuals::new(&points, &shares, [bins; 2], x, y)?
            .labels(&names[0], &names[1])
            .title(&format!("{}: data beside the model", self.name));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The model's mass in each bin, from its density at the middles of parts of it.
    fn shares(&self, window: [[f64; 2]; 2], bins: usize) -> Result<Vec<f64>> {
        let fine = bins * WITHIN;
        let middle =
            |[low, high]: [f64; 2], i: usize| low + (high - low) * (i as f64 + 0.5) / fine as f64;
        let [x, y] = window;
        let places =
            (0..fine).flat_map(|j| (0..fine).flat_map(move |i| [middle(x, i), middle(y, j)]));
        let places = self.rows_at(places.collect())?;
        let log_prob = self.model.log_prob_rows(&places, self.workers)?;
        let part: f64 = window.iter().map(|[low, high]| (high - low) / fine as f64).product();
        let mut shares = vec![0.0; bins * bins];
        for (k, l) in log_prob.iter().enumerate() {
            let (i, j) = (k % fine / WITHIN, k / fine / WITHIN);
            shares[j * bins + i] += l.exp() * part;
        }
        Ok(shares)
    }
}
