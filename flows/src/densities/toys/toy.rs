//! Serves a density of the plane as a [`Density`] of tensors.

use super::catalogue::{ALL, nearest};
use super::plane::{PlaneDensity, Point};
use crate::densities::placement::Placement;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use rand::RngCore;
use rayon::prelude::*;

/// Rows that one thread takes at a time.
const CHUNK: usize = 512;

/// What there is to know about a toy before it is built.
#[derive(Debug)]
#[non_exhaustive]
pub struct ToyInfo {
    /// The name that [`Toy::named`] takes.
    pub name: &'static str,
    /// What it looks like, in a line.
    pub summary: &'static str,
    pub(super) window: [[f64; 2]; 2],
    pub(super) build: fn() -> Box<dyn PlaneDensity>,
}

/// A density on the plane whose log-density and sampler are exact.
///
/// Log-densities are calculated in `f64` on the CPU, row by row, whatever the dtype and device of x,
/// which the result shares; no gradient passes. They are −∞ at infinity and NaN at NaN. Samples are
/// `f64` on the CPU unless placed by [`Toy::on`]; the same seed gives the same bits on every
/// platform. A context is ignored.
///
/// # Example
/// ```
/// use diffeo_flows::Density;
/// use diffeo_flows::densities::Toy;
/// use diffeo_flows::rng::{Stream, generator};
/// let toy = Toy::named("checkerboard")?;
/// assert!((toy.log_prob_at([1.0, 1.0]) + 32f64.ln()).abs() < 1e-12);
/// let x = toy.sample(1000, None, &mut generator(0, Stream::Sample, 0))?;
/// assert_eq!(x.dims(), [1000, 2]);
/// assert!(Toy::named("two-moon").unwrap_err().to_string().contains("`two-moons`"));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Toy {
    info: &'static ToyInfo,
    density: Box<dyn PlaneDensity>,
    placement: Placement,
}

impl Toy {
    /// The toy of that name.
    ///
    /// # Errors
    /// [`Error::Config`] with all names, and the nearest one, when there is none.
    pub fn named(name: &str) -> Result<Self> {
        match ALL.iter().find(|info| info.name == name) {
            Some(info) => Ok(Self::from(info)),
            None => Err(Error::config(
                "toy",
                format!("there is no `{name}`"),
                format!(
                    "did you mean `{}`? There are {}",
                    nearest(name),
                    ALL.iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
                ),
            )),
        }
    }

    /// All toys, the most used first.
    pub fn all() -> &'static [ToyInfo] {
        &ALL
    }

    /// The same, with samples of `dtype` on `device` instead of `f64` on the CPU.
    #[must_use]
    pub fn on(self, dtype: DType, device: &Device) -> Self {
        Self { placement: Placement::new(dtype, device), ..self }
    }

    /// Name and summary.
    pub fn info(&self) -> &'static ToyInfo {
        self.info
    }

    /// A plot range that holds all but about 1e-4 of the mass: `[[x₁ low, high], [x₂ low, high]]`.
    pub fn window(&self) -> [[f64; 2]; 2] {
        self.info.window
    }

    /// log p of one point, nats.
    pub fn log_prob_at(&self, x: [f64; 2]) -> f64 {
        if x.iter().any(|x| x.is_nan()) {
            f64::NAN
        } else if x.iter().any(|x| x.is_infinite()) {
            f64::NEG_INFINITY
        } else {
            self.density.log_prob(x)
        }
    }

    /// Draws n points.
    pub fn sample_points(&self, n: usize, rng: &mut dyn RngCore) -> Vec<[f64; 2]> {
        (0..n).map(|_| self.density.sample(rng)).collect()
    }
}

impl From<&'static ToyInfo> for Toy {
    fn from(info: &'static ToyInfo) -> Self {
        Self { info, density: (info.build)(), placement: Placement::default() }
    }
}

impl Density for Toy {
    fn features(&self) -> usize {
        2
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Toy::log_prob", x, 2)?;
        let points = to_f64(x)?;
        let row = |point: &[f64]| -> f64 {
            let point: Point = [point[0], point[1]];
            self.log_prob_at(point)
        };
        let values: Vec<f64> = points.par_chunks(2).with_min_len(CHUNK).map(row).collect();
        Placement::of(x).tensor(values, x.dim(0)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        self.placement.tensor(self.sample_points(n, rng).concat(), (n, 2))
    }
}
