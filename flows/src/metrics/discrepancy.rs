//! The maximum mean discrepancy between two samples.

use super::distance;
use crate::error::{Error, Result};
use crate::score::median_squared_distance;
use crate::workers::Workers;
use rand::RngCore;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Rows of the kernel matrix that one thread takes at a time.
const CHUNK: usize = 16;

/// The discrepancy of two samples, and whether chance explains it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanDiscrepancy {
    /// The U-statistic of MMD²: of mean 0 where both are of one distribution, so possibly negative.
    pub squared: f64,
    /// The length ℓ of the kernel.
    pub length: f64,
    /// Share of permutations, counting the sample itself, whose statistic is no smaller.
    pub p_value: f64,
}

/// MMD² = E k(x, x′) + E k(y, y′) − 2 E k(x, y) with k(x, y) = exp(−‖x − y‖²/(2ℓ²)), ℓ the median
/// distance of all rows, and a permutation test of MMD = 0: rows row-major `[n, d]`, as many of either.
///
/// Gretton et al. 2012, *A Kernel Two-Sample Test*, eq. 3. Columns are measured in one unit:
/// standardise them if theirs differ. Cost n² (d + permutations); nothing depends on the number of
/// threads.
///
/// # Example
/// ```
/// use diffeo_flows::{Workers, metrics::maximum_mean_discrepancy, rng::{Stream, generator}};
/// let x: Vec<f64> = (0..100).map(|i| f64::from(i % 50)).collect();
/// let far: Vec<f64> = x.iter().map(|x| x + 30.0).collect();
/// let rng = &mut generator(0, Stream::Evaluation, 0);
/// let test = maximum_mean_discrepancy(&x, &far, 1, 200, &Workers::new(1)?, rng)?;
/// assert!(test.p_value < 0.01);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] for fewer than two rows, or numbers of rows that differ; [`Error::Config`] where
/// most rows are the same.
pub fn maximum_mean_discrepancy(
    x: &[f64],
    y: &[f64],
    features: usize,
    permutations: usize,
    workers: &Workers,
    rng: &mut dyn RngCore,
) -> Result<MeanDiscrepancy> {
    let n = x.len() / features.max(1);
    if n < 2 || x.len() != y.len() || n * features != x.len() {
        let problem = format!("{} and {} numbers in rows of {features}", x.len(), y.len());
        return Err(Error::data("mean discrepancy", problem, "give as many whole rows of each"));
    }
    let rows = [x, y].concat();
    let squared_length = median_squared_distance(&rows, features);
    if !(squared_length.is_finite() && squared_length > 0.0) {
        let remedy = "give rows of which most differ";
        return Err(Error::config("length of the kernel", format!("{squared_length}"), remedy));
    }
    let signs = signs(n, permutations, rng);
    let width = permutations + 1;
    let parts = workers.map_chunks(2 * n, CHUNK, |range| {
        let mut sums = vec![0.0; width + 1];
        for i in range {
            add_row(i, (&rows, features), squared_length, &signs, &mut sums);
        }
        Ok(sums)
    })?;
    let mut sums = vec![0.0; width + 1];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    // Over pairs i < j: A with equal signs, B with others; Σ s s′ k = A − B and Σ k = A + B.
    let (total, count) = (sums[width], n as f64);
    let statistic = |difference: f64| {
        let (same, other) = (f64::midpoint(total, difference), f64::midpoint(total, -difference));
        2.0 * same / (count * (count - 1.0)) - 2.0 * other / (count * count)
    };
    let squared = statistic(sums[0]);
    let larger = sums[1..width].iter().filter(|sum| **sum >= sums[0]).count();
    let p_value = (1 + larger) as f64 / width as f64;
    Ok(MeanDiscrepancy { squared, length: squared_length.sqrt(), p_value })
}

/// Which sample each row counts to, ±1: as they are, then permuted, `[2n, permutations + 1]`.
fn signs(n: usize, permutations: usize, rng: &mut dyn RngCore) -> Vec<f64> {
    let width = permutations + 1;
    let mut order: Vec<f64> = (0..2 * n).map(|i| if i < n { 1.0 } else { -1.0 }).collect();
    let mut signs = vec![0.0; 2 * n * width];
    for k in 0..width {
        for (i, sign) in order.iter().enumerate() {
            signs[i * width + k] = *sign;
        }
        order.shuffle(rng);
    }
    signs
}

/// Adds sᵢ Σ_{j>i} k_ij sⱼ of every permutation, and Σ_{j>i} k_ij at the end.
fn add_row(
    i: usize,
    (rows, d): (&[f64], usize),
    squared_length: f64,
    signs: &[f64],
    sums: &mut [f64],
) {
    let width = sums.len() - 1;
    let point = |k: usize| &rows[k * d..(k + 1) * d];
    let mut along = vec![0.0; width];
    for j in i + 1..rows.len() / d {
        let k = (-distance(point(i), point(j)).powi(2) / (2.0 * squared_length)).exp();
        sums[width] += k;
        let other = &signs[j * width..(j + 1) * width];
        along.iter_mut().zip(other).for_each(|(a, s)| *a += k * s);
    }
    let own = &signs[i * width..(i + 1) * width];
    for ((sum, a), s) in sums.iter_mut().zip(&along).zip(own) {
        *sum += a * s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, generator};
    use rand::Rng;
    use rand_distr::StandardNormal;

    fn draw(n: usize, mean: f64, rng: &mut impl Rng) -> Vec<f64> {
        (0..n).map(|_| mean + rng.sample::<f64, _>(StandardNormal)).collect()
    }

    /// Of normals N(0, 1) and N(m, 1): MMD² = 2 ℓ/√(ℓ² + 2) (1 − exp(−m²/(2(ℓ² + 2)))).
    #[test]
    fn it_is_that_of_the_formula_for_normals() {
        let rng = &mut generator(0, Stream::Evaluation, 0);
        let (x, y) = (draw(1500, 0.0, rng), draw(1500, 1.0, rng));
        let found =
            maximum_mean_discrepancy(&x, &y, 1, 20, &Workers::new(2).unwrap(), rng).unwrap();
        let wide = found.length.powi(2) + 2.0;
        let expected = 2.0 * found.length / wide.sqrt() * (1.0 - (-0.5 / wide).exp());
        assert!((found.squared / expected - 1.0).abs() < 0.1, "{found:?} {expected}");
    }

    /// Under the null a tenth of the p-values lies below 0.1, whatever the threads.
    #[test]
    fn p_values_are_uniform_under_the_null() {
        let rng = &mut generator(1, Stream::Evaluation, 0);
        let mut below = 0;
        for seed in 0..200 {
            let (x, y) = (draw(40, 0.0, rng), draw(40, 0.0, rng));
            let on = |threads: usize| {
                let rng = &mut generator(seed, Stream::Evaluation, 0);
                maximum_mean_discrepancy(&x, &y, 1, 199, &Workers::new(threads).unwrap(), rng)
                    .unwrap()
            };
            below += usize::from(on(1).p_value < 0.1);
            if seed == 0 {
                assert_eq!(on(1), on(2));
            }
        }
        assert!((8..36).contains(&below), "{below}");
    }
}
