//! Densities of the plane with noise, from one look at the density without.

use super::{Result, Studio, nodes};
use diffeo_plots::Grid;
use std::f64::consts::TAU;

/// Nodes along each side of the density that noise is added to.
const SOURCE: usize = 128;
/// Least width of a kernel in cells of that grid: narrower ones would fall between its nodes.
const LEAST_WIDTH: f64 = 0.6;

/// A density at the nodes of a window that holds nearly all of it.
#[derive(Debug)]
pub(super) struct NoisyDensity {
    window: [[f64; 2]; 2],
    /// p of each node times the area of its cell.
    mass: Vec<f64>,
    /// What a noise level of 1 is along each column.
    units: [f64; 2],
    /// The noise that is in the density already.
    smallest: f64,
}

impl Studio<'_> {
    /// The density of a diffusion, to add noise to.
    ///
    /// # Errors
    /// [`PictureError`](super::PictureError) for a model with no noise, or for columns without a
    /// unit of it.
    pub(super) fn noisy_density(&self) -> Result<NoisyDensity> {
        let (window, units) = (self.window()?, self.model.noise_units()?);
        let rows = self.rows_at(nodes(window, SOURCE))?;
        let log_prob = self.model.log_prob_rows(&rows, self.workers)?;
        let area: f64 = window.map(spacing).iter().product();
        let mass = log_prob.iter().map(|l| l.exp() * area).collect();
        let smallest = self.model.noise_levels()?.smallest;
        Ok(NoisyDensity { window, mass, units: [units[0], units[1]], smallest })
    }
}

impl NoisyDensity {
    /// p_σ at n by n nodes of a window: the density convolved with a normal one, along x and then
    /// along y.
    pub(super) fn at(&self, level: f64, window: [[f64; 2]; 2], n: usize) -> Result<Grid> {
        let more = (level * level - self.smallest * self.smallest).max(0.0).sqrt();
        let kernels: Vec<Vec<f64>> = (0..2)
            .map(|k| {
                let width = (more * self.units[k]).max(LEAST_WIDTH * spacing(self.window[k]));
                kernel(self.window[k], window[k], n, width)
            })
            .collect();
        let mut along = vec![0.0; SOURCE * n];
        for (row, out) in self.mass.chunks_exact(SOURCE).zip(along.chunks_exact_mut(n)) {
            for (weights, out) in kernels[0].chunks_exact(SOURCE).zip(out) {
                *out = weights.iter().zip(row).map(|(w, p)| w * p).sum();
            }
        }
        let mut values = vec![0.0; n * n];
        for (weights, out) in kernels[1].chunks_exact(SOURCE).zip(values.chunks_exact_mut(n)) {
            for (weight, row) in weights.iter().zip(along.chunks_exact(n)) {
                out.iter_mut().zip(row).for_each(|(out, p)| *out += weight * p);
            }
        }
        let [x, y] = window.map(|[low, high]| (low, high));
        Ok(Grid::new(&values, [n; 2], x, y)?)
    }
}

fn spacing([low, high]: [f64; 2]) -> f64 {
    (high - low) / (SOURCE - 1) as f64
}

/// The normal density of this width between n targets and all sources, `[n, SOURCE]`.
fn kernel(from: [f64; 2], to: [f64; 2], n: usize, width: f64) -> Vec<f64> {
    let at =
        |[low, high]: [f64; 2], i: usize, n: usize| low + (high - low) * i as f64 / (n - 1) as f64;
    let value = |i: usize, k: usize| {
        let away = (at(to, i, n) - at(from, k, SOURCE)) / width;
        (-0.5 * away * away).exp() / (TAU.sqrt() * width)
    };
    (0..n).flat_map(|i| (0..SOURCE).map(move |k| value(i, k))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A normal density of variance 0.04 with noise of level 0.3 has variance 0.13.
    #[test]
    fn noise_adds_variances() {
        let window = [[-2.0, 2.0], [-2.0, 2.0]];
        let normal =
            |x: &[f64], v: f64| (-(x[0] * x[0] + x[1] * x[1]) / (2.0 * v)).exp() / (TAU * v);
        let area = spacing(window[0]).powi(2);
        let mass = nodes(window, SOURCE).chunks_exact(2).map(|x| normal(x, 0.04) * area).collect();
        let density = NoisyDensity { window, mass, units: [1.0, 2.0], smallest: 0.0 };
        let to = [[-0.5, 0.7], [-1.0, 0.4]];
        let grid = density.at(0.3, to, 3).unwrap();
        // 1 σ along x and 2 σ along y: variances 0.13 and 0.4.
        let expected = |x: &[f64]| {
            let (a, b) = (x[0] * x[0] / 0.13, x[1] * x[1] / 0.4);
            (-0.5 * (a + b)).exp() / (TAU * (0.13f64 * 0.4).sqrt())
        };
        let places = nodes(to, 3);
        let whole: Vec<f64> = places.chunks_exact(2).map(expected).collect();
        let same = Grid::new(&whole, [3; 2], (-0.5, 0.7), (-1.0, 0.4)).unwrap();
        for mass in [0.1, 0.3, 0.5, 0.7, 0.9] {
            let (got, expected) = (grid.mass_level(mass).unwrap(), same.mass_level(mass).unwrap());
            assert!((got - expected).abs() < 1e-6, "{got}, not {expected}");
        }
    }
}
