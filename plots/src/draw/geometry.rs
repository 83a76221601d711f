//! Measures rectangles and cuts lines at their edges, in points with y downwards.

/// A rectangle by its upper left corner and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub(crate) fn contains(&self, [x, y]: [f64; 2]) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }

    /// This rectangle grown by `by` on every side.
    pub(crate) fn grown(&self, by: f64) -> Self {
        Self::new(self.x - by, self.y - by, self.width + 2.0 * by, self.height + 2.0 * by)
    }

    /// The smallest rectangle around both.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (right, bottom) = (self.right().max(other.right()), self.bottom().max(other.bottom()));
        Self::new(x, y, right - x, bottom - y)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The part of the segment inside, as parameters from 0 (at `a`) to 1 (at `b`).
    ///
    /// Liang and Barsky 1984, "A new concept and method for line clipping".
    fn inside(&self, a: [f64; 2], b: [f64; 2]) -> Option<(f64, f64)> {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (p, q) in [
            (-dx, a[0] - self.x),
            (dx, self.right() - a[0]),
            (-dy, a[1] - self.y),
            (dy, self.bottom() - a[1]),
        ] {
            if p.abs() < f64::MIN_POSITIVE {
                if q < 0.0 {
                    return None;
                }
            } else if p < 0.0 {
                enter = enter.max(q / p);
            } else {
                leave = leave.min(q / p);
            }
        }
        (enter <= leave).then_some((enter, leave))
    }

    /// The pieces of a polyline inside; a point that is not finite breaks the line.
    pub(crate) fn clip(&self, line: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
        let mut joined = false;
        for pair in line.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let finite = a.iter().chain(&b).all(|v| v.is_finite());
            let Some((enter, leave)) = (if finite { self.inside(a, b) } else { None }) else {
                joined = false;
                continue;
            };
            let at = |t: f64| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
            match pieces.last_mut() {
                Some(piece) if joined && enter <= 0.0 => piece.push(at(leave)),
                _ => pieces.push(vec![at(enter), at(leave)]),
            }
            joined = leave >= 1.0;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Rect = Rect::new(0.0, 0.0, 1.0, 1.0);

    #[test]
    fn a_line_through_the_rectangle_is_cut_at_both_edges() {
        assert_eq!(UNIT.clip(&[[-1.0, 0.5], [3.0, 0.5]]), [vec![[0.0, 0.5], [1.0, 0.5]]]);
    }

    #[test]
    fn a_line_that_leaves_and_returns_becomes_two() {
        let pieces = UNIT.clip(&[[0.2, 0.5], [0.2, 2.0], [0.8, 2.0], [0.8, 0.5]]);
        assert_eq!(pieces, [vec![[0.2, 0.5], [0.2, 1.0]], vec![[0.8, 1.0], [0.8, 0.5]]]);
    }

    #[test]
    fn what_is_not_finite_breaks_the_line() {
        let pieces = UNIT.clip(&[[0.1, 0.1], [f64::NAN, 0.2], [0.3, 0.3], [0.4, 0.4]]);
        assert_eq!(pieces, [vec![[0.3, 0.3], [0.4, 0.4]]]);
        assert!(UNIT.clip(&[[5.0, 5.0], [6.0, 5.0]]).is_empty());
    }
}
