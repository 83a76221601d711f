//! y = eᵃ sinh x + b in both tiers, entry by entry: a map whose log-slope depends on x.

use crate::error::Result;
use crate::fast::simd::Level;
use crate::fast::tile::{Column, ROWS};
use crate::fast::univariate::Univariate;
use crate::transform::Mapped;
use crate::univariate;
use candle_core::Tensor;

/// Parameters (b, a).
#[derive(Debug, Clone, Copy)]
pub(super) struct Curved;

/// Shift and log-scale.
fn parts(params: &Tensor) -> Result<(Tensor, Tensor)> {
    let part = |k: usize| params.narrow(2, k, 1)?.squeeze(2);
    Ok((part(0)?, part(1)?))
}

/// a + ln cosh x, summed.
fn log_slope(x: &Tensor, log_scale: &Tensor) -> Result<Tensor> {
    let cosh = ((x.exp()? + x.neg()?.exp()?)? * 0.5)?;
    Ok((cosh.log()? + log_scale)?.sum(1)?)
}

impl univariate::Univariate for Curved {
    fn params_per_feature(&self) -> usize {
        2
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        let (shift, log_scale) = parts(params)?;
        let sinh = ((x.exp()? - x.neg()?.exp()?)? * 0.5)?;
        let points = ((sinh * log_scale.exp()?)? + shift)?;
        Ok(Mapped { points, log_det: log_slope(x, &log_scale)? })
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        let (shift, log_scale) = parts(params)?;
        let sinh = ((y - shift)? * log_scale.neg()?.exp()?)?;
        let points = (&sinh + (sinh.sqr()? + 1.0)?.sqrt()?)?.log()?;
        Ok(Mapped { log_det: log_slope(&points, &log_scale)?.neg()?, points })
    }
}

impl Univariate for Curved {
    fn params_per_feature(&self) -> usize {
        2
    }

    fn forward(&self, _: Level, params: &[Column], points: &mut [Column], log_det: &mut Column) {
        for (params, point) in params.chunks_exact(2).zip(points) {
            for r in 0..ROWS {
                let (x, a) = (point.0[r], params[1].0[r]);
                log_det.0[r] += a + x.cosh().ln();
                point.0[r] = a.exp() * x.sinh() + params[0].0[r];
            }
        }
    }

    fn inverse(&self, _: Level, params: &[Column], points: &mut [Column], log_det: &mut Column) {
        for (params, point) in params.chunks_exact(2).zip(points) {
            for r in 0..ROWS {
                let a = params[1].0[r];
                let x = ((point.0[r] - params[0].0[r]) * (-a).exp()).asinh();
                log_det.0[r] -= a + x.cosh().ln();
                point.0[r] = x;
            }
        }
    }

    fn backward(
        &self,
        _: Level,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        for ((params, x), d) in params.chunks_exact_mut(2).zip(x).zip(d_points) {
            for r in 0..ROWS {
                let (x, scale, d_log) = (x.0[r], params[1].0[r].exp(), d_log_det.0[r]);
                let d_y = d.0[r];
                d.0[r] = d_y * scale * x.cosh() + d_log * x.tanh();
                params[0].0[r] = d_y;
                params[1].0[r] = d_y * scale * x.sinh() + d_log;
            }
        }
    }
}
