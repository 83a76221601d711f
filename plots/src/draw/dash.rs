//! Cuts a polyline into dashes.

/// The dashes of `line`, `dash` long with gaps of `gap`, in the unit of the points.
pub(crate) fn dashes(line: &[[f64; 2]], dash: f64, gap: f64) -> Vec<Vec<[f64; 2]>> {
    let mut pieces = Vec::new();
    let Some(&first) = line.first() else { return pieces };
    if !(dash > 0.0 && gap > 0.0) {
        return vec![line.to_vec()];
    }
    let (mut drawing, mut left) = (true, dash);
    let mut piece = vec![first];
    for pair in line.windows(2) {
        let [[x0, y0], [x1, y1]] = [pair[0], pair[1]];
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done >= left {
            done += left;
            let at = [x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length];
            if drawing {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - done;
        if drawing {
            piece.push([x1, y1]);
        }
    }
    if drawing && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_their_share_of_the_line_around_a_corner() {
        let line = [[0.0, 0.0], [5.0, 0.0], [5.0, 5.0]];
        let pieces = dashes(&line, 2.0, 1.0);
        assert_eq!(pieces[0], [[0.0, 0.0], [2.0, 0.0]]);
        assert_eq!(pieces[1], [[3.0, 0.0], [5.0, 0.0]]);
        let drawn: f64 = pieces
            .iter()
            .flat_map(|p| p.windows(2))
            .map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]))
            .sum();
        assert!((drawn - 7.0).abs() < 1e-9, "{drawn}");
    }

    #[test]
    fn a_line_without_length_has_no_dashes() {
        assert!(dashes(&[], 1.0, 1.0).is_empty());
        assert_eq!(dashes(&[[0.0, 0.0], [1.0, 0.0]], 0.0, 1.0).len(), 1);
    }
}
