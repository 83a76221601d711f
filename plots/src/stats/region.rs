//! Finds the highest-density regions of the line.

/// The density level whose superlevel set holds the share `mass` of the area under a curve of points
/// `(x, density)` in increasing x; nothing for a curve without area.
///
/// Hyndman 1996, "Computing and graphing highest density regions". Each piece between two points
/// counts with its middle height.
pub(crate) fn level(curve: &[(f64, f64)], mass: f64) -> Option<f64> {
    let piece = |w: &[(f64, f64)]| {
        let (width, height) = (w[1].0 - w[0].0, f64::midpoint(w[0].1, w[1].1));
        (height, width * height)
    };
    let mut pieces: Vec<(f64, f64)> =
        curve.windows(2).map(piece).filter(|(h, area)| *h > 0.0 && area.is_finite()).collect();
    pieces.sort_by(|a, b| b.0.total_cmp(&a.0));
    let wanted = mass * pieces.iter().map(|(_, area)| area).sum::<f64>();
    let mut sum = 0.0;
    let reached = pieces.iter().find(|(_, area)| {
        sum += area;
        sum >= wanted
    });
    reached.map(|(height, _)| *height)
}

/// The pieces of the curve at or above a level, with its crossings as first and last points.
pub(crate) fn above(curve: &[(f64, f64)], level: f64) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut open: Vec<[f64; 2]> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for &(x, p) in curve {
        let crossing = before.filter(|(_, q)| (*q >= level) != (p >= level)).map(|(x0, q)| {
            let t = (level - q) / (p - q);
            [x0 + t * (x - x0), level]
        });
        open.extend(crossing);
        if p >= level {
            open.push([x, p]);
        } else if !open.is_empty() {
            pieces.push(std::mem::take(&mut open));
        }
        before = Some((x, p));
    }
    if !open.is_empty() {
        pieces.push(open);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of a normal distribution lies within 0.6745 deviations, 95 % within 1.96.
    #[test]
    fn regions_of_one_and_of_two_peaks() {
        let normal = |x: f64| (-0.5 * x * x).exp();
        let x = (0..=4000).map(|k| -10.0 + f64::from(k) * 0.005);
        let one: Vec<(f64, f64)> = x.clone().map(|x| (x, normal(x))).collect();
        let two: Vec<(f64, f64)> = x.map(|x| (x, normal(x - 5.0) + normal(x + 5.0))).collect();
        for (mass, half) in [(0.5, 0.6745), (0.95, 1.96)] {
            let pieces = above(&one, level(&one, mass).unwrap());
            assert_eq!(pieces.len(), 1);
            let (first, last) = (pieces[0][0][0], pieces[0][pieces[0].len() - 1][0]);
            assert!((first + half).abs() < 0.01 && (last - half).abs() < 0.01, "{first} {last}");
            let pieces = above(&two, level(&two, mass).unwrap());
            assert_eq!(pieces.len(), 2);
            assert!((pieces[1][0][0] - 5.0 + half).abs() < 0.01);
        }
        assert_eq!(level(&[(0.0, 0.0), (1.0, 0.0)], 0.5), None);
        assert_eq!(level(&[], 0.5), None);
    }
}
