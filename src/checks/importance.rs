//! The integral of a density in many dimensions, by draws of a proposal whose density is known.

use super::base::Base;
use super::{Claims, Subject};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Error, Result};
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use statrs::function::gamma::ln_gamma;

/// Degrees of freedom of the proposal: its tails outlast those of any flow over a normal base.
const FREEDOM: f64 = 5.0;
/// Widths of its kernels, in units of the latent space, half of the draws each.
const WIDTHS: [f64; 2] = [0.5, 1.0];

/// A mixture of Student-t densities around draws of the model, x = xⱼ + Jⱼ⁻¹ h t, each shaped by the
/// Jacobian Jⱼ at its centre of the map to standard normal points: through the flow, then through the
/// distribution functions of its base. Where the map is nearly linear the density is nearly matched.
#[derive(Debug)]
pub(super) struct Proposal {
    features: usize,
    centres: Vec<f64>,
    /// Jⱼ in data units, its inverse, and ln|det Jⱼ|.
    shapes: Vec<(DMatrix<f64>, DMatrix<f64>, f64)>,
}

impl Proposal {
    /// Around at most so many of the rows, draws of the model.
    pub(super) fn around(
        subject: &Subject<'_>,
        exact: &dyn Claims,
        rows: &Rows,
        most: usize,
    ) -> Result<Self> {
        let (rows, d) = (rows.evenly(most), rows.features());
        let base = Base::of(subject.model)?;
        let to_normal = |moved: &Rows| {
            let latent = exact.to_latent(moved)?.points;
            match &base {
                Some(base) => base.normal_scores_by(&latent, d, subject.workers),
                None => Ok(latent),
            }
        };
        let jacobians = subject.jacobians_of(to_normal, &rows, subject.steps()[0])?;
        let (mut centres, mut shapes) = (Vec::new(), Vec::new());
        for (x, mut jacobian) in rows.points().chunks_exact(d).zip(jacobians) {
            for (mut column, s) in jacobian.column_iter_mut().zip(&subject.deviations) {
                column /= *s;
            }
            let log_det = jacobian.clone().lu().determinant().abs().ln();
            let Some(inverse) = jacobian.clone().try_inverse() else { continue };
            if log_det.is_finite() && inverse.iter().all(|v| v.is_finite()) {
                centres.extend_from_slice(x);
                shapes.push((jacobian, inverse, log_det));
            }
        }
        if shapes.is_empty() {
            let problem = "no Jacobian at a draw can be inverted";
            return Err(Error::data("importance sampling", problem, "train anew"));
        }
        Ok(Self { features: d, centres, shapes })
    }

    /// n draws, row-major.
    pub(super) fn sample(&self, n: usize, seed: u64, index: u64) -> Result<Vec<f64>> {
        let mut rng = generator(seed, Stream::Evaluation, index);
        let chi = ChiSquared::new(FREEDOM)
            .map_err(|e| Error::config("proposal", e.to_string(), "give positive degrees"))?;
        let d = self.features;
        let mut points = Vec::with_capacity(n * d);
        for i in 0..n {
            let j = rng.random_range(0..self.shapes.len());
            let scale = WIDTHS[i % WIDTHS.len()] * (FREEDOM / chi.sample(&mut rng)).sqrt();
            let t = DVector::from_fn(d, |_, _| scale * rng.sample::<f64, _>(StandardNormal));
            let moved = &self.shapes[j].1 * t;
            points.extend(self.centres[j * d..(j + 1) * d].iter().zip(&moved).map(|(c, t)| c + t));
        }
        Ok(points)
    }

    /// ln q(x) of one point.
    pub(super) fn log_prob(&self, x: &[f64]) -> f64 {
        let d = self.features;
        let degrees = FREEDOM + d as f64;
        let constant = ln_gamma(degrees / 2.0)
            - ln_gamma(FREEDOM / 2.0)
            - d as f64 / 2.0 * (FREEDOM * std::f64::consts::PI).ln();
        let mut terms = Vec::with_capacity(WIDTHS.len() * self.shapes.len());
        let mut moved = DVector::zeros(d);
        for (centre, (jacobian, _, log_det)) in self.centres.chunks_exact(d).zip(&self.shapes) {
            let from = DVector::from_fn(d, |k, _| x[k] - centre[k]);
            moved.gemv(1.0, jacobian, &from, 0.0);
            let squared = moved.norm_squared();
            for width in WIDTHS {
                let tail = (squared / (width * width * FREEDOM)).ln_1p();
                terms.push(log_det - d as f64 * width.ln() - degrees / 2.0 * tail);
            }
        }
        let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = terms.iter().map(|t| (t - largest).exp()).sum();
        constant + largest + (sum / terms.len() as f64).ln()
    }
}
