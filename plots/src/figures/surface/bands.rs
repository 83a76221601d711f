//! Cuts cells of a surface at heights.

/// Bands of even colour from the lowest to the highest value.
const BANDS: f64 = 36.0;
/// Most bands of one cell.
const MOST: f64 = 40.0;

/// A corner of a cell in data units.
pub(super) type Corner = [f64; 3];
/// Corners in order, and whether a line is drawn from each to the next.
pub(super) type Outline = Vec<(Corner, bool)>;

/// The part of an outline at or below a height; `lined` tells whether a line follows the cut.
///
/// Sutherland and Hodgman 1974, "Reentrant polygon clipping".
pub(super) fn below(outline: &[(Corner, bool)], height: f64, lined: bool) -> Outline {
    let mut kept = Vec::with_capacity(outline.len() + 1);
    for (k, &(from, line)) in outline.iter().enumerate() {
        let (to, _) = outline[(k + 1) % outline.len()];
        let (starts, ends) = (from[2] <= height, to[2] <= height);
        if starts {
            kept.push((from, line));
        }
        if starts != ends {
            let t = ((height - from[2]) / (to[2] - from[2])).clamp(0.0, 1.0);
            let at = [0, 1, 2].map(|k| from[k] + t * (to[k] - from[k]));
            // Leaving, the outline goes on along the cut; entering, along the old edge.
            kept.push((at, if starts { lined } else { line }));
        }
    }
    kept
}

/// The part at or above a height.
fn above(outline: &[(Corner, bool)], height: f64) -> Outline {
    let flipped = |outline: &[(Corner, bool)]| -> Outline {
        outline.iter().map(|&([x, y, z], line)| ([x, y, -z], line)).collect()
    };
    flipped(&below(&flipped(outline), -height, false))
}

/// The outline in pieces so low that each can have one colour, where all values span `all`.
pub(super) fn bands(outline: &[(Corner, bool)], all: f64) -> Vec<Outline> {
    let heights = outline.iter().map(|(corner, _)| corner[2]);
    let low = heights.clone().fold(f64::INFINITY, f64::min);
    let high = heights.fold(f64::NEG_INFINITY, f64::max);
    let count = ((high - low) / all * BANDS).ceil().clamp(1.0, MOST);
    let at = |k: f64| low + k / count * (high - low);
    let piece = |k: usize| {
        let k = k as f64;
        // The ends are those of the outline itself, not to lose corners to rounding.
        let bottom = if k > 0.0 { above(outline, at(k)) } else { outline.to_vec() };
        if k + 1.0 < count { below(&bottom, at(k + 1.0), false) } else { bottom }
    };
    (0..count as usize).map(piece).filter(|piece| piece.len() > 2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope() -> Outline {
        let corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [1.0, 1.0, 2.0], [0.0, 1.0, 0.0]];
        corners.map(|corner| (corner, false)).to_vec()
    }

    #[test]
    fn a_cell_is_cut_where_it_meets_the_ceiling() {
        let cut = below(&slope(), 1.0, true);
        let places: Vec<Corner> = cut.iter().map(|(c, _)| *c).collect();
        assert_eq!(places, [[0.0, 0.0, 0.0], [0.5, 0.0, 1.0], [0.5, 1.0, 1.0], [0.0, 1.0, 0.0]]);
        let lines: Vec<bool> = cut.iter().map(|(_, line)| *line).collect();
        assert_eq!(lines, [false, true, false, false]);
        assert_eq!((below(&slope(), 3.0, true).len(), below(&slope(), -1.0, true).len()), (4, 0));
    }

    #[test]
    fn bands_cover_the_cell_and_are_low() {
        let pieces = bands(&slope(), 9.0);
        assert_eq!(pieces.len(), 8);
        for (k, piece) in pieces.iter().enumerate() {
            let ends = [0.25, 0.25].map(|height| height * k as f64);
            for (corner, _) in piece {
                assert!((ends[0]..=ends[1] + 0.25).contains(&corner[2]), "{corner:?}");
            }
        }
        assert_eq!(bands(&slope(), 1e9).len(), 1);
    }
}
