//! Finds the pixels under a thick polyline, each of them once.
//!
//! A translucent line painted piece by piece would be darker at every joint.

/// Pixels of one row, from the first to the last.
pub(crate) type Span = (i32, i32, i32);

/// The spans `(row, first, last)` of a polyline with round joints and straight ends, in pixels.
pub(crate) fn spans(line: &[[f64; 2]], width: f64) -> Vec<Span> {
    let radius = width / 2.0;
    let last = line.len().saturating_sub(2);
    let mut all = Vec::new();
    for (i, pair) in line.windows(2).enumerate() {
        piece([pair[0], pair[1]], [i > 0, i < last], radius, &mut all);
    }
    all.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (row, from, to) in all {
        match merged.last_mut() {
            Some(before) if before.0 == row && from <= before.2 + 1 => before.2 = before.2.max(to),
            _ => merged.push((row, from, to)),
        }
    }
    merged
}

/// Adds the rows of one straight piece, with a disc at each end that is `round`.
fn piece([a, b]: [[f64; 2]; 2], round: [bool; 2], radius: f64, all: &mut Vec<Span>) {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx.hypot(dy).max(1e-9);
    let (nx, ny) = (-dy / length * radius, dx / length * radius);
    let corners = [
        [a[0] + nx, a[1] + ny],
        [b[0] + nx, b[1] + ny],
        [b[0] - nx, b[1] - ny],
        [a[0] - nx, a[1] - ny],
    ];
    let (top, bottom) = (a[1].min(b[1]) - radius, a[1].max(b[1]) + radius);
    for row in top.floor() as i32..=bottom.ceil() as i32 {
        let y = f64::from(row) + 0.5;
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut meet = |x: f64| (from, to) = (from.min(x), to.max(x));
        for k in 0..4 {
            let ([x0, y0], [x1, y1]) = (corners[k], corners[(k + 1) % 4]);
            if (y0 <= y) != (y1 <= y) {
                meet(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
            }
        }
        for (end, _) in [a, b].into_iter().zip(round).filter(|(_, round)| *round) {
            let half = radius * radius - (y - end[1]).powi(2);
            if half > 0.0 {
                meet(end[0] - half.sqrt());
                meet(end[0] + half.sqrt());
            }
        }
        // A pixel is covered where its middle is.
        let (first, last) = ((from - 0.5).ceil(), (to - 0.5).floor());
        if first <= last {
            all.push((row, first as i32, last as i32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_line_covers_its_area_once() {
        let line = [[10.0, 10.0], [40.0, 50.0], [90.0, 50.0]];
        let spans = spans(&line, 6.0);
        let covered: i32 = spans.iter().map(|(_, from, to)| to - from + 1).sum();
        assert!((f64::from(covered) / (100.0 * 6.0) - 1.0).abs() < 0.03, "{covered}");
        assert!(spans.windows(2).all(|w| w[0].0 < w[1].0 || w[0].2 < w[1].1));
    }
}
