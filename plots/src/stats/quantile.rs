//! Finds quantiles.

/// The quantile `q` of sorted values by linear interpolation; 0 if there are none.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64;
    let below = place as usize;
    let value = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0);
    value(below) + (place - below as f64) * (value(below + 1) - value(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let sorted = [0.0, 1.0, 2.0, 10.0];
        for (q, value) in [(0.0, 0.0), (0.5, 1.5), (1.0, 10.0), (0.25, 0.75)] {
            assert!((quantile(&sorted, q) - value).abs() < 1e-12);
        }
        assert!(quantile(&[], 0.5).abs() < 1e-12);
    }
}
