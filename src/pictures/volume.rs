//! How a flow stretches the plane on its way from data to latent space.

use super::{PictureError, Result, Studio, nodes};
use diffeo_flows::model::Images;
use diffeo_flows::rows::Rows;
use diffeo_plots::{Figure, Grid, ScalarMap, Scene};

/// Nodes along each side of a map, and of one that a solver finds: of values, and of derivatives,
/// which take four solutions a node in double precision.
const FINE: usize = 256;
const SOLVED: (usize, usize) = (96, 48);

impl Studio<'_> {
    /// log|det ∂z/∂x| of the map from data x, in their units, to latent points z, with contours of the
    /// density.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density.
    pub fn log_det(&self) -> Result<Scene> {
        let (window, n) = (self.window()?, self.fineness(SOLVED.0));
        let rows = self.rows_at(nodes(window, n))?;
        let Images { points, log_det } = self.model.to_latent(&rows, self.workers)?;
        // The same pass gives the density behind: log p(x) = log p(z) + log|det ∂z/∂x|.
        let log_base = self.model.base_log_prob(&Rows::new(2, points)?, self.workers)?;
        let log_prob: Vec<f64> = log_base.iter().zip(&log_det).map(|(a, b)| a + b).collect();
        let [x, y] = window.map(|[low, high]| (low, high));
        let figure = ScalarMap::new(Grid::new(&log_det, [n; 2], x, y)?)
            .density(Grid::from_log_density(&log_prob, [n; 2], x, y)?)
            .value_label("log |det ∂z/∂x| (nats)");
        self.stretched(figure, "volume change, data to latent")
    }

    /// log₁₀ of the smallest singular value of ∂z/∂x, with each column measured by its standard
    /// deviation, and contours of the density: where it is low, a direction of the data is all but
    /// lost in the latent point, and the way back magnifies rounding.
    ///
    /// # Errors
    /// As [`Studio::log_det`].
    pub fn singular(&self) -> Result<Scene> {
        let (window, n) = (self.window()?, self.fineness(SOLVED.1));
        let rows = self.rows_at(nodes(window, n))?;
        let jacobians = self.model.latent_jacobians(&rows, self.workers)?;
        let deviations = self.model.baseline().standard_deviations()?;
        let smallest = |j: &[f64]| {
            let scaled = [0, 1, 2, 3].map(|k| j[k] * deviations[k % 2]);
            smallest_singular_value(scaled).log10()
        };
        let values: Vec<f64> = jacobians.chunks_exact(4).map(smallest).collect();
        let [x, y] = window.map(|[low, high]| (low, high));
        let figure = ScalarMap::new(Grid::new(&values, [n; 2], x, y)?)
            .unsigned()
            .density(self.density_grid(window, n.max(SOLVED.0))?)
            .value_label("log₁₀ smallest singular value");
        self.stretched(figure, "smallest stretch, data to latent")
    }

    fn stretched(&self, figure: ScalarMap, what: &str) -> Result<Scene> {
        let names = self.columns();
        let title = format!("{}: {what}", self.name);
        let figure = figure.labels(&names[0], &names[1]).title(&title);
        figure.theme(self.theme.clone()).scene().map_err(PictureError::from)
    }

    fn fineness(&self, solved: usize) -> usize {
        if self.model.flow().field().is_some() { solved } else { FINE }
    }
}

/// σ₂ = |det J| / σ₁ with σ₁² = (‖J‖² + √(‖J‖⁴ − 4 det² J)) / 2, of a row-major 2 × 2 matrix: no
/// difference of nearly equal numbers, however small it is.
fn smallest_singular_value([a, b, c, d]: [f64; 4]) -> f64 {
    let (norm, det) = (a * a + b * b + c * c + d * d, (a * d - b * c).abs());
    let root = ((norm - 2.0 * det).max(0.0) * (norm + 2.0 * det)).sqrt();
    let largest = (0.5 * (norm + root)).sqrt();
    if largest > 0.0 { det / largest } else { largest }
}

#[test]
fn singular_values_of_known_matrices() {
    let (sin, cos) = 0.7_f64.sin_cos();
    for (big, small) in [(3.0, 0.5), (1.0, 1.0), (2.0, 1e-9), (0.0, 0.0)] {
        // Stretched along turned axes, then turned again.
        let (a, b) = ([cos * big, -sin * small], [sin * big, cos * small]);
        let turned = [a[0] * cos - a[1] * sin, a[0] * sin + a[1] * cos];
        let other = [b[0] * cos - b[1] * sin, b[0] * sin + b[1] * cos];
        let value = smallest_singular_value([turned[0], turned[1], other[0], other[1]]);
        assert!((value - small).abs() < 1e-15 + 1e-12 * small, "{value} {small}");
    }
    assert!(smallest_singular_value([f64::NAN, 0.0, 0.0, 1.0]).is_nan());
}
