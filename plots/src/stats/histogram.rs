//! Counts values in bins of one and two dimensions.

use super::grid::Grid;
use super::interval::Interval;
use super::quantile;

/// Heights of equal bins, normalised to unit area over everything counted.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    pub(crate) range: Interval,
    pub(crate) heights: Vec<f64>,
}

impl Histogram {
    /// Counts `values`; those outside the range still count in the normalisation.
    pub(crate) fn new(values: impl Iterator<Item = f64>, range: Interval, bins: usize) -> Self {
        let bins = bins.max(1);
        let mut counts = vec![0.0_f64; bins];
        let mut total = 0.0_f64;
        for value in values {
            total += 1.0;
            if let Some(count) = bin(&range, value, bins).and_then(|i| counts.get_mut(i)) {
                *count += 1.0;
            }
        }
        let unit = total.max(1.0) * range.span() / bins as f64;
        Self { range, heights: counts.into_iter().map(|c| c / unit).collect() }
    }

    pub(crate) fn highest(&self) -> f64 {
        self.heights.iter().copied().fold(0.0, f64::max)
    }

    /// The outline, from the floor at the left to the floor at the right.
    pub(crate) fn outline(&self) -> Vec<[f64; 2]> {
        let edge = |i: usize| self.range.at(i as f64 / self.heights.len() as f64);
        let steps = self.heights.iter().enumerate();
        let mut points = vec![[self.range.low, 0.0]];
        points.extend(steps.flat_map(|(i, &height)| [[edge(i), height], [edge(i + 1), height]]));
        points.push([self.range.high, 0.0]);
        points
    }
}

fn bin(range: &Interval, value: f64, bins: usize) -> Option<usize> {
    range.contains(value).then(|| ((range.fraction(value) * bins as f64) as usize).min(bins - 1))
}

/// A number of bins for `values` over `range`: by the rule of Freedman and Diaconis (1981), or more
/// of them, by the root of the number of values, where several modes make that rule too coarse.
pub(crate) fn bins(values: impl Iterator<Item = f64>, range: &Interval) -> usize {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let quartiles = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    let width = 2.0 * quartiles / (sorted.len() as f64).cbrt();
    let least = 0.7 * (sorted.len() as f64).sqrt();
    let number = if width > 0.0 { (range.span() / width).max(least) } else { least };
    number.ceil().clamp(8.0, 80.0) as usize
}

/// A smoothed two-dimensional histogram whose nodes are the centres of `bins`² cells.
///
/// `blur` is the standard deviation of the Gaussian smoothing, in cells.
pub(crate) fn plane(
    points: impl Iterator<Item = [f64; 2]>,
    [x, y]: [Interval; 2],
    bins: usize,
    blur: f64,
) -> Option<Grid> {
    let mut counts = vec![0.0_f64; bins * bins];
    for [a, b] in points {
        if let (Some(i), Some(j)) = (bin(&x, a, bins), bin(&y, b, bins))
            && let Some(count) = counts.get_mut(j * bins + i)
        {
            *count += 1.0;
        }
    }
    if blur > 0.0 {
        counts = blurred(&counts, bins, blur);
    }
    let half = 0.5 / bins as f64;
    let ends = |r: Interval| (r.at(half), r.at(1.0 - half));
    Grid::new(&counts, [bins, bins], ends(x), ends(y)).ok()
}

/// Convolves rows and columns with a Gaussian; at the edge it is renormalised.
fn blurred(counts: &[f64], bins: usize, sigma: f64) -> Vec<f64> {
    let reach = (3.0 * sigma).ceil() as usize;
    let weight = |k: usize| (-0.5 * (k as f64 / sigma).powi(2)).exp();
    let pass = |from: &[f64], stride: usize, step: usize| {
        let mut to = vec![0.0; from.len()];
        for line in 0..bins {
            for i in 0..bins {
                let (mut sum, mut weights) = (0.0, 0.0);
                for k in i.saturating_sub(reach)..(i + reach + 1).min(bins) {
                    let w = weight(k.abs_diff(i));
                    sum += w * from[line * stride + k * step];
                    weights += w;
                }
                to[line * stride + i * step] = sum / weights;
            }
        }
        to
    };
    pass(&pass(counts, bins, 1), 1, bins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_integrate_to_the_share_inside() {
        let range = Interval { low: 0.0, high: 2.0 };
        let values = [0.1, 0.2, 1.9, 2.0, 7.0];
        let histogram = Histogram::new(values.into_iter(), range, 4);
        let area: f64 = histogram.heights.iter().map(|h| h * 0.5).sum();
        assert!((area - 0.8).abs() < 1e-12);
        assert_eq!(histogram.outline().len(), 10);
    }

    #[test]
    fn blur_keeps_a_constant_and_spreads_a_peak() {
        assert!(blurred(&[3.0; 49], 7, 1.2).iter().all(|v| (v - 3.0).abs() < 1e-12));
        let mut peak = vec![0.0; 49];
        peak[24] = 1.0;
        let smooth = blurred(&peak, 7, 1.0);
        assert!(smooth[24] < 0.2 && smooth[23] > 0.05 && (smooth[23] - smooth[17]).abs() < 1e-12);
    }
}
