//! Small dense triangular matrices, row-major, in `f64`.

/// The lower factor C of Σ = C Cᵀ; nothing when Σ `[d, d]` is not positive definite.
pub(super) fn cholesky(matrix: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut lower = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i * d + k] * lower[j * d + k]).sum();
            let rest = matrix[i * d + j] - known;
            if i > j {
                lower[i * d + j] = rest / lower[j * d + j];
            } else if rest > 0.0 && rest.is_finite() {
                lower[i * d + i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(lower)
}

/// (L⁻¹)ᵀ of a lower triangle, column after column by forward substitution.
pub(super) fn inverse_transposed(lower: &[f64], d: usize) -> Vec<f64> {
    let mut result = vec![0.0; d * d];
    for column in 0..d {
        for i in column..d {
            let unit = if i == column { 1.0 } else { 0.0 };
            let known: f64 = (column..i).map(|j| lower[i * d + j] * result[column * d + j]).sum();
            result[column * d + i] = (unit - known) / lower[i * d + i];
        }
    }
    result
}

/// y with y U = e for an upper triangle U, in place of e.
pub(super) fn solve_upper(upper: &[f64], e: &mut [f64]) {
    let d = e.len();
    for j in 0..d {
        let known: f64 = (0..j).map(|i| e[i] * upper[i * d + j]).sum();
        e[j] = (e[j] - known) / upper[j * d + j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOWER: [f64; 9] = [2.0, 0.0, 0.0, -1.0, 0.5, 0.0, 3.0, 4.0, 1.5];

    fn product(a: &[f64], b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let entry = |i: usize, j: usize| (0..3).map(|k| a[i * 3 + k] * b(k, j)).sum();
        (0..9).map(|e| entry(e / 3, e % 3)).collect()
    }

    fn close(a: &[f64], b: &[f64]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13), "{a:?} {b:?}");
    }

    #[test]
    fn cholesky_recovers_the_factor_and_refuses_the_rest() {
        let matrix = product(&LOWER, |k, j| LOWER[j * 3 + k]);
        close(&cholesky(&matrix, 3).unwrap(), &LOWER);
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(cholesky(&[f64::NAN], 1).is_none());
    }

    #[test]
    fn inverse_and_solution_undo_the_product() {
        let upper = inverse_transposed(&LOWER, 3);
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        close(&product(&LOWER, |k, j| upper[j * 3 + k]), &identity);
        let mut e = [0.3, -1.0, 2.0];
        let expected: Vec<f64> =
            (0..3).map(|i| (0..3).map(|j| LOWER[i * 3 + j] * e[j]).sum()).collect();
        // U = (L⁻¹)ᵀ, so y = e U⁻¹ = e Lᵀ, whose entries are those of L e.
        solve_upper(&upper, &mut e);
        close(&e, &expected);
    }
}
