//! The map of a model between data units and latent points.

use super::{CHUNK_ROWS, Model};
use crate::error::Result;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::transform::{Mapped, Transform};
use crate::workers::Workers;
use candle_core::Tensor;

/// Points on the other side of a model's map, and the log-volume change on the way there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Images {
    /// The points, row-major `[n · d]`.
    pub points: Vec<f64>,
    /// log|det| of the map just applied at each row, `[n]`.
    pub log_det: Vec<f64>,
}

impl Images {
    fn joined(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.points.extend(part.points);
            all.log_det.extend(part.log_det);
        }
        all
    }
}

impl Model {
    /// Latent points z = f(x | c) and log|det ∂z/∂x|, data → latent, of rows in data units, by tensor
    /// operations in the model's own precision.
    ///
    /// log p(x | c) = log p_base(z) + log|det ∂z/∂x|; the log-volume of supports and standardisation is
    /// part of it.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the rows have other columns than the model.
    ///
    /// # Example
    /// ```
    /// use diffeo_flows::fit::{Fit, Parts};
    /// use diffeo_flows::{Workers, rows::Rows, train::Quiet};
    /// let rows = Rows::new(1, (0..200).map(|i| f64::from(i % 17)).collect())?;
    /// let mut fit = Fit::new("nsf-ar")?;
    /// fit.config.steps = 2;
    /// let (parts, workers) = (Parts { train: &rows, valid: None, test: None }, Workers::new(1)?);
    /// let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;
    /// let latent = model.to_latent(&rows, &workers)?;
    /// let back = model.to_data(&Rows::new(1, latent.points)?, &workers)?;
    /// assert!(back.points.iter().zip(rows.points()).all(|(a, b)| (a - b).abs() < 1e-3));
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    pub fn to_latent(&self, rows: &Rows, workers: &Workers) -> Result<Images> {
        self.carry(rows, workers, |model, points, context| {
            let prepared = model.preparation.forward(points)?;
            let mapped = model.flow.transform().forward(&prepared.points, context)?;
            let log_det = (mapped.log_det.to_dtype(prepared.log_det.dtype())? + prepared.log_det)?;
            Ok(Mapped { points: mapped.points, log_det })
        })
    }

    /// Points x = f⁻¹(z | c) in data units and log|det ∂x/∂z|, latent → data, of latent points.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the rows have other columns than the model.
    pub fn to_data(&self, latent: &Rows, workers: &Workers) -> Result<Images> {
        self.carry(latent, workers, |model, points, context| {
            let points = points.to_dtype(model.params.dtype())?;
            let mapped = model.flow.transform().inverse(&points, context)?;
            let data = model.preparation.inverse(&mapped.points)?;
            let log_det = (mapped.log_det.to_dtype(data.log_det.dtype())? + data.log_det)?;
            Ok(Mapped { points: data.points, log_det })
        })
    }

    /// log p_base(z | c) of latent points, nats.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the rows have other columns than the model.
    pub fn base_log_prob(&self, latent: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let images = self.carry(latent, workers, |model, points, context| {
            let points = points.to_dtype(model.params.dtype())?;
            let log_det = model.flow.base().log_prob(&points, context)?;
            Ok(Mapped { points, log_det })
        })?;
        Ok(images.log_det)
    }

    /// What `map` makes of the rows, chunk by chunk, given their context as the flow sees it.
    fn carry(
        &self,
        rows: &Rows,
        workers: &Workers,
        map: impl Fn(&Self, &Tensor, Option<&Tensor>) -> Result<Mapped> + Sync,
    ) -> Result<Images> {
        self.check_rows(rows)?;
        let model = self.frozen()?;
        let parts = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let device = model.params.device();
            let points = rows.points_tensor(&range, device)?;
            let context =
                model.preparation.context(rows.context_tensor(&range, device)?.as_ref())?;
            let mapped = map(&model, &points, context.as_ref())?;
            Ok(Images { points: to_f64(&mapped.points)?, log_det: to_f64(&mapped.log_det)? })
        })?;
        Ok(Images::joined(parts))
    }
}
