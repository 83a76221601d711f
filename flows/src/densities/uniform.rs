//! The uniform distribution on a box.

use super::placement::Placement;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use rand::{Rng, RngCore};

/// The uniform distribution on the half-open box Π [lowᵢ, highᵢ).
///
/// log p(x) = −Σ ln(highᵢ − lowᵢ) inside and −∞ outside, for NaN as well. The ends are compared in
/// the dtype of x, and samples that rounding moves to the upper end are put at the lower one, so a
/// sample has a density above 0 in its own dtype. The gradient is zero everywhere, so none is
/// passed to x. A context is ignored.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::Density;
/// use diffeo_flows::densities::UniformBox;
/// let density = UniformBox::new(vec![0.0, -1.0], vec![1.0, 1.0])?;
/// let x = Tensor::new(&[[0.0, 0.0], [1.0, 0.0]], &Device::Cpu)?;
/// assert_eq!(density.log_prob(&x, None)?.to_vec1::<f64>()?, [-(2f64.ln()), f64::NEG_INFINITY]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct UniformBox {
    low: Vec<f64>,
    high: Vec<f64>,
    placement: Placement,
}

impl UniformBox {
    /// The distribution between a lower and an upper end for each feature.
    ///
    /// # Errors
    /// [`Error::Config`] unless there are as many lower as upper ends and each interval has a
    /// finite positive width.
    pub fn new(low: Vec<f64>, high: Vec<f64>) -> Result<Self> {
        if low.len() != high.len() {
            return Err(Error::config(
                "high",
                format!("has {} entries where `low` has {}", high.len(), low.len()),
                "give both ends for each feature",
            ));
        }
        for (i, (low, high)) in low.iter().zip(&high).enumerate() {
            if !(low < high && (high - low).is_finite()) {
                return Err(Error::config(
                    format!("interval of feature {i}"),
                    format!("from {low} to {high} is empty or infinite"),
                    "give a lower and a higher finite end",
                ));
            }
        }
        Ok(Self { low, high, placement: Placement::default() })
    }

    /// The same, with samples of `dtype` on `device` instead of `f64` on the CPU.
    #[must_use]
    pub fn on(self, dtype: DType, device: &Device) -> Self {
        Self { placement: Placement::new(dtype, device), ..self }
    }

    /// Lower and upper ends `[1, d]`, placed beside `x`.
    fn ends(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let beside = Placement::of(x);
        let shape = (1, self.low.len());
        Ok((beside.tensor(self.low.clone(), shape)?, beside.tensor(self.high.clone(), shape)?))
    }
}

impl Density for UniformBox {
    fn features(&self) -> usize {
        self.low.len()
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("UniformBox::log_prob", x, self.low.len())?;
        let (low, high) = self.ends(x)?;
        let inside = (x.broadcast_ge(&low)? * x.broadcast_lt(&high)?)?;
        let inside = inside.min(1)?;
        let log_volume: f64 =
            self.low.iter().zip(&self.high).map(|(low, high)| (high - low).ln()).sum();
        let zeros = Tensor::zeros(x.dim(0)?, x.dtype(), x.device())?;
        let outside = zeros.affine(1.0, f64::NEG_INFINITY)?;
        Ok(inside.where_cond(&zeros.affine(1.0, -log_volume)?, &outside)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let mut values = Vec::with_capacity(n * self.low.len());
        for _ in 0..n {
            for (low, high) in self.low.iter().zip(&self.high) {
                values.push(low + (high - low) * rng.random::<f64>());
            }
        }
        let x = self.placement.tensor(values, (n, self.low.len()))?;
        let (low, high) = self.ends(&x)?;
        Ok(x.broadcast_lt(&high)?.where_cond(&x, &low.broadcast_as(x.shape())?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::{self, grid_1d, grid_2d};
    use super::*;

    fn square() -> UniformBox {
        UniformBox::new(vec![-1.0, 0.0], vec![2.0, 0.5]).unwrap()
    }

    #[test]
    fn is_half_open_and_never_nan() {
        let inside = -(1.5f64.ln()) + 1e-15;
        let outside = f64::NEG_INFINITY;
        let points = [
            ([-1.0, 0.0], inside),
            ([2.0, 0.1], outside),
            ([0.0, 0.5], outside),
            ([0.0, -1e-300], outside),
            ([f64::NAN, 0.1], outside),
            ([0.0, f64::INFINITY], outside),
        ];
        for (x, expected) in points {
            let got = checks::log_prob(&square(), &x)[0];
            assert!(got <= expected && got >= expected - 1e-14, "{x:?} {got}");
        }
    }

    #[test]
    fn integrates_to_one() {
        // Midpoints of cells that the edges do not cut: exact.
        let interval = UniformBox::new(vec![-1.0], vec![1.5]).unwrap();
        checks::integral_is_one(&interval, &grid_1d(-2.0, 2.0, 400), 1e-12);
        checks::integral_is_one(&square(), &grid_2d([-3.0, 3.0], 120), 1e-12);
    }

    #[test]
    fn samples_stay_inside_in_their_own_dtype() {
        // One f32 step wide at the upper end: rounding would reach it half of the time.
        let narrow = UniformBox::new(vec![1.0], vec![1.0 + f64::from(f32::EPSILON)]).unwrap();
        let narrow = narrow.on(DType::F32, &Device::Cpu);
        let x = narrow.sample(1000, None, &mut checks::rng()).unwrap();
        let log_prob = narrow.log_prob(&x, None).unwrap().to_vec1::<f32>().unwrap();
        assert!(log_prob.iter().all(|l| l.is_finite()));
        checks::entropy_is(&square(), 1.5f64.ln());
    }

    #[test]
    fn samples_fill_the_box_evenly() {
        let x = square().sample(100_000, None, &mut checks::rng()).unwrap();
        let mean = x.mean(0).unwrap().to_vec1::<f64>().unwrap();
        // Standard errors of the means: widths / sqrt(12 · 100 000) = 0.0027 and 0.00046.
        assert!((mean[0] - 0.5).abs() < 0.011 && (mean[1] - 0.25).abs() < 0.0019, "{mean:?}");
    }

    #[test]
    fn refuses_bad_boxes() {
        for (low, high) in
            [(vec![0.0], vec![0.0]), (vec![0.0], vec![f64::INFINITY]), (vec![0.0], vec![])]
        {
            assert!(matches!(UniformBox::new(low, high), Err(Error::Config { .. })));
        }
    }

    #[test]
    fn keeps_the_house_rules() {
        checks::house_rules(&square());
    }
}
