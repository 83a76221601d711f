//! How far samples of the uniform distribution stray from it.

/// The 99 % point of the standard normal distribution's size.
const NORMAL: f64 = 2.575_829_304;
/// The 99 % point of Kolmogorov's distribution, of √n times the largest distance between an empirical
/// and a continuous distribution function.
const KOLMOGOROV: f64 = 1.627_623_612;
/// What makes the limit good for few values (Stephens 1970, "Use of the Kolmogorov–Smirnov,
/// Cramér–von Mises and related statistics without extensive tables").
const SMALL: [f64; 2] = [0.12, 0.11];

/// Between which heights a bar of a histogram of `bins` lies for 99 % of samples of n values, each bar
/// for itself; 1 is the height of the uniform density.
///
/// By the normal approximation of the binomial count.
pub(crate) fn band_of_counts(n: f64, bins: usize) -> [f64; 2] {
    let share = 1.0 / bins.max(1) as f64;
    let deviation = (share * (1.0 - share) / n.max(1.0)).sqrt() / share;
    [(1.0 - NORMAL * deviation).max(0.0), 1.0 + NORMAL * deviation]
}

/// The distance that 99 % of empirical distribution functions of n values keep to everywhere.
pub(crate) fn band_of_distribution(n: f64) -> f64 {
    let root = n.max(1.0).sqrt();
    KOLMOGOROV / (root + SMALL[0] + SMALL[1] / root)
}

/// The share of sorted values up to x.
pub(crate) fn distribution(sorted: &[f64], x: f64) -> f64 {
    sorted.partition_point(|&v| v <= x) as f64 / sorted.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform numbers (Steele et al. 2014, `SplitMix64`).
    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of 4000 samples, 40 leave a 99 % band; more than 70 or fewer than 15 are 5 deviations away.
    #[test]
    fn about_one_sample_in_a_hundred_leaves_a_band() {
        let mut state = 7;
        for n in [40_usize, 300] {
            let (mut beyond, mut bars) = (0, 0);
            let half = band_of_distribution(n as f64);
            let [low, high] = band_of_counts(n as f64, 5);
            for _ in 0..4000 {
                let mut values: Vec<f64> = (0..n).map(|_| uniform(&mut state)).collect();
                values.sort_by(f64::total_cmp);
                let far = values.iter().enumerate().map(|(k, v)| {
                    let (below, above) = (k as f64 / n as f64, (k + 1) as f64 / n as f64);
                    (v - below).max(above - v)
                });
                beyond += usize::from(far.fold(0.0, f64::max) > half);
                let height = 5.0 * distribution(&values, 0.2);
                bars += usize::from(!(low..=high).contains(&height));
            }
            assert!((15..=70).contains(&beyond), "{n}: {beyond}");
            // Counts are whole numbers, so that the band holds somewhat more or less.
            assert!((10..=80).contains(&bars), "{n}: {bars}");
        }
    }
}
