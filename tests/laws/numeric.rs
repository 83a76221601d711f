//! Differentiates and takes determinants without the library.

use super::model::{Direction, Model, flat};
use candle_core::{Tensor, Var};
use diffeo_flows::Result;

/// The step of differences: rounding costs 1e-16 / 2e-5 = 5e-12, the fourth-order rule below
/// (2e-5)⁴ = 2e-19 times a fifth derivative.
pub(super) const STEP: f64 = 2e-5;
/// Weights of f(x + kh) in f′(x) ≈ Σ wₖ f(x + kh) / h, exact to fourth order.
pub(super) const STENCIL: [(f64, f64); 4] =
    [(-2.0, 1.0 / 12.0), (-1.0, -2.0 / 3.0), (1.0, 2.0 / 3.0), (2.0, -1.0 / 12.0)];

/// A d × d matrix, row-major: entry (i, j) is ∂ output i / ∂ input j.
pub(super) type Jacobian = Vec<f64>;

/// The Jacobian of every row, by differences.
pub(super) fn difference_jacobians(
    model: &Model,
    direction: Direction,
    points: &Tensor,
    context: Option<&Tensor>,
) -> Result<Vec<Jacobian>> {
    let (n, d) = points.dims2()?;
    let base = flat(points)?;
    let mut jacobians = vec![vec![0.0; d * d]; n];
    for j in 0..d {
        for (steps, weight) in STENCIL {
            let mut moved = base.clone();
            moved.iter_mut().skip(j).step_by(d).for_each(|x| *x += steps * STEP);
            let moved = model.tensor(moved, d)?;
            let image = flat(&model.run(direction, &moved, context)?.points)?;
            for (r, jacobian) in jacobians.iter_mut().enumerate() {
                for i in 0..d {
                    jacobian[i * d + j] += weight / STEP * image[r * d + i];
                }
            }
        }
    }
    Ok(jacobians)
}

/// The Jacobian of every row, by reverse differentiation of one output at a time.
pub(super) fn autodiff_jacobians(
    model: &Model,
    direction: Direction,
    points: &Tensor,
    context: Option<&Tensor>,
) -> Result<Vec<Jacobian>> {
    let (n, d) = points.dims2()?;
    let x = Var::from_tensor(points)?;
    let image = model.run(direction, &x, context)?.points;
    let mut jacobians = vec![vec![0.0; d * d]; n];
    for i in 0..d {
        // Rows are independent of each other, so the sum over rows separates.
        let gradients = image.narrow(1, i, 1)?.sum_all()?.backward()?;
        let gradient = gradients.get(&x).map_or(Ok(vec![0.0; n * d]), flat)?;
        for (r, jacobian) in jacobians.iter_mut().enumerate() {
            jacobian[i * d..(i + 1) * d].copy_from_slice(&gradient[r * d..(r + 1) * d]);
        }
    }
    Ok(jacobians)
}

/// ln |det A| by elimination with partial pivoting.
pub(super) fn log_abs_det(matrix: &[f64], d: usize) -> f64 {
    let mut a: Vec<Vec<f64>> = matrix.chunks(d).map(<[f64]>::to_vec).collect();
    let mut log_det = 0.0;
    for k in 0..d {
        let pivot = (k..d).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap_or(k);
        a.swap(k, pivot);
        log_det += a[k][k].abs().ln();
        let (top, below) = a.split_at_mut(k + 1);
        for row in below {
            let factor = row[k] / top[k][k];
            row.iter_mut().zip(&top[k]).for_each(|(x, y)| *x -= factor * y);
        }
    }
    log_det
}

#[test]
fn determinants_by_hand() {
    // A zero pivot, and a determinant of −2·3 + 4·5 = 14.
    assert!((log_abs_det(&[0.0, 2.0, 3.0, 7.0], 2) - 6f64.ln()).abs() < 1e-15);
    assert!((log_abs_det(&[-2.0, 4.0, -5.0, 3.0], 2) - 14f64.ln()).abs() < 1e-15);
}
