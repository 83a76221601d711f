//! Makes long and noisy curves fit to be drawn.

/// Least number of points worth smoothing.
const NOISY: usize = 100;

/// The same curve with at most four points for each point of width: the first, the extremes and
/// the last. Points must come in the order of x, in points of the scene.
pub(crate) fn thinned(curve: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let column = |p: &[f64; 2]| (2.0 * p[0]).floor() as i64;
    let mut thin = Vec::new();
    for run in curve.chunk_by(|a, b| column(a) == column(b)) {
        if run.len() <= 4 {
            thin.extend_from_slice(run);
            continue;
        }
        let height = |i: &usize| run[*i][1];
        let by_height = |a: &usize, b: &usize| height(a).total_cmp(&height(b));
        let lowest = (0..run.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..run.len()).max_by(by_height).unwrap_or(0);
        let mut picked = [0, lowest, highest, run.len() - 1];
        picked.sort_unstable();
        thin.extend(picked.iter().map(|&i| run[i]));
    }
    thin
}

/// A running mean over a twenty-fifth of the curve, less near its steep beginning; nothing for short
/// curves.
pub(crate) fn smoothed(curve: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    if curve.len() < NOISY {
        return None;
    }
    let full = curve.len() / 50;
    let mut sums = vec![0.0];
    for point in curve {
        sums.push(sums.last().copied().unwrap_or(0.0) + point[1]);
    }
    let mean = |i: usize| {
        let reach = full.min(i / 5);
        let (from, to) = (i - reach, (i + reach + 1).min(curve.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    Some(curve.iter().enumerate().map(|(i, point)| [point[0], mean(i)]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_extremes() {
        let curve: Vec<[f64; 2]> =
            (0..10_000).map(|i| [f64::from(i) / 100.0, f64::from(i * 7919 % 1000)]).collect();
        let thin = thinned(&curve);
        assert!(thin.len() <= 800, "{}", thin.len());
        assert!(thin.contains(&curve[0]) && thin.contains(&curve[9999]));
        assert!(thin.iter().any(|p| p[1] > 998.5) && thin.iter().any(|p| p[1] < 0.5));
    }

    #[test]
    fn smoothing_keeps_straight_lines() {
        let line: Vec<[f64; 2]> = (0..500).map(|i| [f64::from(i), 3.0 * f64::from(i)]).collect();
        let smooth = smoothed(&line).unwrap();
        for (a, b) in line.iter().zip(smooth).take(490) {
            assert!((a[1] - b[1]).abs() < 1e-9);
        }
        assert!(smoothed(&line[..50]).is_none());
    }
}
