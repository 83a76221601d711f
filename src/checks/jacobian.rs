//! The Jacobian of the map to latent points by differences: a route that knows no log-determinant.

use super::{Claims, Subject};
use diffeo_flows::Result;
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::Support;
use nalgebra::DMatrix;

/// Half lengths of central differences, in standard deviations of the column: rounding costs
/// 10⁻¹⁶/h, the curvature h². A kink between the two points spoils one length, hardly two.
pub(super) const STEPS: [f64; 3] = [1e-6, 1e-7, 1e-5];
/// Of continuous flows, solved to 10⁻⁹.
pub(super) const SOLVED_STEPS: [f64; 3] = [1e-4, 3e-5, 3e-4];
/// The largest part of the way to the end of a support.
const PART: f64 = 1e-3;
/// Least length of a difference in spacings of the numbers at hand: a column far from 0 has few of them
/// in a standard deviation. What was moved is then exact, and so is the difference of latent points.
const SPACINGS: f64 = 4.0;

impl Subject<'_> {
    /// Lengths of differences, the usual one first.
    pub(super) fn steps(&self) -> [f64; 3] {
        if self.is_solved() { SOLVED_STEPS } else { STEPS }
    }

    /// Rows whose Jacobian is affordable.
    pub(super) fn few(&self) -> usize {
        (self.sizes.differences / self.samples.features()).clamp(8, self.sizes.differences / 2)
    }

    /// ∂z/∂x of each row with x in standard deviations of its columns, `d × d`.
    pub(super) fn jacobians(
        &self,
        exact: &dyn Claims,
        rows: &Rows,
        step: f64,
    ) -> Result<Vec<DMatrix<f64>>> {
        self.jacobians_of(|moved| Ok(exact.to_latent(moved)?.points), rows, step)
    }

    /// The same of any map of rows to as many numbers.
    pub(super) fn jacobians_of(
        &self,
        map: impl Fn(&Rows) -> Result<Vec<f64>>,
        rows: &Rows,
        step: f64,
    ) -> Result<Vec<DMatrix<f64>>> {
        let d = rows.features();
        let supports = self.model.spec().columns.iter().map(|c| c.support);
        let columns: Vec<(Support, f64)> = supports
            .zip(&self.deviations)
            .map(|(support, s)| (support, s.max(f64::MIN_POSITIVE)))
            .collect();
        let mut points = Vec::with_capacity(2 * d * rows.points().len());
        let mut context = Vec::new();
        let mut widths = Vec::with_capacity(rows.points().len());
        for (i, x) in rows.points().chunks_exact(d).enumerate() {
            for (j, &(support, deviation)) in columns.iter().enumerate() {
                let spacing = x[j].abs().next_up() - x[j].abs();
                let length = (step * deviation)
                    .max(SPACINGS * spacing)
                    .min(PART * to_the_end(support, x[j]));
                let (above, below) = (x[j] + length, x[j] - length);
                for moved in [above, below] {
                    points.extend_from_slice(x);
                    let end = points.len();
                    points[end - d + j] = moved;
                    if let Some((k, values)) = rows.context() {
                        context.extend_from_slice(&values[i * k..(i + 1) * k]);
                    }
                }
                // What was added and taken after rounding.
                widths.push((above - below) / deviation);
            }
        }
        let mut moved = Rows::new(d, points)?;
        if let Some((k, _)) = rows.context() {
            moved = moved.with_context(k, context)?;
        }
        let latent = map(&moved)?;
        let matrix = |i: usize| {
            DMatrix::from_fn(d, d, |a, j| {
                let pair = (i * d + j) * 2 * d;
                (latent[pair + a] - latent[pair + d + a]) / widths[i * d + j]
            })
        };
        Ok((0..rows.len()).map(matrix).collect())
    }
}

/// How far a value is from the nearest end of its support.
fn to_the_end(support: Support, x: f64) -> f64 {
    match support {
        Support::Real => f64::INFINITY,
        Support::Positive | Support::PositiveSoftplus => x,
        Support::Interval { low, high } => (x - low).min(high - x),
    }
}
