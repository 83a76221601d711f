//! The test functions of Stein's identity.

use super::rows::squared_length;
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;

/// How many test functions of each kind, on data standardised to mean 0 and variance 1: u.
///
/// The constant 1 and the coordinates uⱼ are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteinFamily {
    /// Most products uⱼ uₖ, j ≤ k, drawn at random where there are more; 64 by default.
    pub products: usize,
    /// Ridges tanh(w·u + b), w of length 1.5 in a random direction and b standard normal; 16 by
    /// default.
    pub ridges: usize,
    /// Bumps exp(−‖u − c‖² / (2ℓ²)), c a random row and ln ℓ uniform between those of
    /// √d/10 and √d; 32 by default.
    pub bumps: usize,
}

impl Default for SteinFamily {
    fn default() -> Self {
        Self { products: 64, ridges: 16, bumps: 32 }
    }
}

/// Slope of ridges.
const STEEPNESS: f64 = 1.5;
/// Width of the narrowest bump, in √d: of the size of one of a dozen clusters.
const NARROWEST: f64 = 0.1;

/// A test function of standardised points.
#[derive(Debug, Clone)]
pub(super) enum TestFunction {
    One,
    Coordinate(usize),
    Product(usize, usize),
    Ridge { number: usize, weights: Vec<f64>, bias: f64 },
    Bump { number: usize, centre: Vec<f64>, width: f64 },
}

impl SteinFamily {
    /// The functions, drawn for standardised rows `[n, d]`.
    pub(super) fn draw(self, rows: &[f64], d: usize, rng: &mut dyn RngCore) -> Vec<TestFunction> {
        let mut functions = vec![TestFunction::One];
        functions.extend((0..d).map(TestFunction::Coordinate));
        let pairs: Vec<_> = (0..d).flat_map(|k| (0..=k).map(move |j| (j, k))).collect();
        let chosen = rand::seq::index::sample(rng, pairs.len(), self.products.min(pairs.len()));
        let mut chosen = chosen.into_vec();
        chosen.sort_unstable();
        functions.extend(chosen.into_iter().map(|i| TestFunction::Product(pairs[i].0, pairs[i].1)));
        for number in 0..self.ridges {
            let mut weights: Vec<f64> = (0..d).map(|_| rng.sample(StandardNormal)).collect();
            let scale = STEEPNESS / squared_length(&weights).sqrt();
            for weight in &mut weights {
                *weight *= scale;
            }
            let bias = rng.sample(StandardNormal);
            functions.push(TestFunction::Ridge { number, weights, bias });
        }
        for number in 0..self.bumps {
            let row = rng.random_range(0..rows.len() / d);
            let centre = rows[row * d..(row + 1) * d].to_vec();
            let width = NARROWEST.powf(rng.random()) * (d as f64).sqrt();
            functions.push(TestFunction::Bump { number, centre, width });
        }
        functions
    }
}

impl TestFunction {
    pub(super) fn name(&self) -> String {
        match self {
            Self::One => "1".to_owned(),
            Self::Coordinate(j) => format!("u{}", j + 1),
            Self::Product(j, k) => format!("u{} u{}", j + 1, k + 1),
            Self::Ridge { number, .. } => format!("ridge {}", number + 1),
            Self::Bump { number, .. } => format!("bump {}", number + 1),
        }
    }

    /// φ(u), and ∂φ/∂u into `gradient`.
    pub(super) fn evaluate(&self, u: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        match self {
            Self::One => 1.0,
            Self::Coordinate(j) => {
                gradient[*j] = 1.0;
                u[*j]
            }
            Self::Product(j, k) => {
                gradient[*j] += u[*k];
                gradient[*k] += u[*j];
                u[*j] * u[*k]
            }
            Self::Ridge { weights, bias, .. } => {
                let along: f64 = weights.iter().zip(u).map(|(w, u)| w * u).sum();
                let value = (along + bias).tanh();
                let slope = 1.0 - value * value;
                gradient.iter_mut().zip(weights).for_each(|(g, w)| *g = slope * w);
                value
            }
            Self::Bump { centre, width, .. } => {
                let squared: f64 = u.iter().zip(centre).map(|(u, c)| (u - c).powi(2)).sum();
                let value = (-0.5 * squared / (width * width)).exp();
                let pull = gradient.iter_mut().zip(u).zip(centre);
                pull.for_each(|((g, u), c)| *g = -value * (u - c) / (width * width));
                value
            }
        }
    }
}
