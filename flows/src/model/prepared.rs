//! Rows as a flow sees them, as plain numbers.

use super::Model;
use crate::error::Result;
use crate::params::to_f64;
use crate::rows::Rows;

/// Rows in the prepared space: supports mapped to the whole line, columns standardised.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedRows {
    /// Context columns first, then features: n×(k + d), row-major.
    pub values: Vec<f64>,
    /// Number of context columns k.
    pub given: usize,
    /// Number of all columns k + d.
    pub width: usize,
    /// ln of the volume change of each row's features, n entries; −∞ outside the supports.
    ///
    /// log p(x | c) in data units is that of the prepared features plus this.
    pub log_det: Vec<f64>,
}

impl Model {
    /// Rows in data units → rows of the prepared space, in the precision of the flow.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the rows have other columns than the model.
    pub fn prepared_rows(&self, rows: &Rows) -> Result<PreparedRows> {
        self.check_rows(rows)?;
        let (all, device) = (0..rows.len(), self.params.device());
        let mapped = self.preparation.forward(&rows.points_tensor(&all, device)?)?;
        let (points, log_det) = (to_f64(&mapped.points)?, to_f64(&mapped.log_det)?);
        let context = rows.context_tensor(&all, device)?;
        let d = rows.features();
        let Some(context) = self.preparation.context(context.as_ref())? else {
            return Ok(PreparedRows { values: points, given: 0, width: d, log_det });
        };
        let (given, context) = (self.spec.given.len(), to_f64(&context)?);
        let pairs = context.chunks_exact(given).zip(points.chunks_exact(d));
        let values = pairs.flat_map(|(c, x)| c.iter().chain(x)).copied().collect();
        Ok(PreparedRows { values, given, width: given + d, log_det })
    }
}
