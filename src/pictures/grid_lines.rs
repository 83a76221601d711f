//! Lines of a grid carried through a map, with points as dense as the map needs them.

use super::Result;
use super::circles::Line;

/// Farthest neighbours of an image, as a share of the size of the whole: a longer chord would cut across
/// what lies between, and a map without folds would look folded.
const FARTHEST: f64 = 0.008;
/// Most times that the way between two points is halved.
const HALVINGS: usize = 11;
/// Most points of all lines.
const MOST: usize = 60_000;

/// The images of lines at each stage of a map, stage by stage, where `carry` gives the images of points at
/// all stages. Between neighbours whose images are far apart at any stage more points are carried.
pub(super) fn carried(
    lines: &[Line],
    carry: impl Fn(&[[f64; 2]]) -> Result<Vec<Line>>,
) -> Result<Vec<Vec<Line>>> {
    let mut lines = lines.to_vec();
    let mut images = split(carry(&lines.concat())?, &lines);
    let sizes: Vec<f64> = images.iter().map(|stage| size(stage)).collect();
    for _ in 0..HALVINGS {
        let far = |line: usize, k: usize| {
            images.iter().zip(&sizes).any(|(stage, size)| {
                let [[a, b], [c, d]] = [stage[line][k], stage[line][k + 1]];
                (c - a).hypot(d - b) > FARTHEST * size
            })
        };
        let gaps: Vec<Vec<usize>> = (0..lines.len())
            .map(|i| (0..lines[i].len().saturating_sub(1)).filter(|k| far(i, *k)).collect())
            .collect();
        let new: usize = gaps.iter().map(Vec::len).sum();
        if new == 0 || new + lines.iter().map(Vec::len).sum::<usize>() > MOST {
            break;
        }
        let middle =
            |line: &Line, k: usize| [0, 1].map(|j| f64::midpoint(line[k][j], line[k + 1][j]));
        let middles: Vec<Line> = lines
            .iter()
            .zip(&gaps)
            .map(|(line, gaps)| gaps.iter().map(|k| middle(line, *k)).collect())
            .collect();
        let of_middles = split(carry(&middles.concat())?, &middles);
        for (stage, more) in images.iter_mut().zip(&of_middles) {
            for ((line, more), gaps) in stage.iter_mut().zip(more).zip(&gaps) {
                insert(line, more, gaps);
            }
        }
        for ((line, more), gaps) in lines.iter_mut().zip(&middles).zip(&gaps) {
            insert(line, more, gaps);
        }
    }
    Ok(images)
}

/// The points of each stage as lines as long as these.
fn split(stages: Vec<Line>, like: &[Line]) -> Vec<Vec<Line>> {
    let one = |points: Line| {
        let mut points = points.into_iter();
        like.iter().map(|line| points.by_ref().take(line.len()).collect()).collect()
    };
    stages.into_iter().map(one).collect()
}

/// Puts a point behind each of the places in a line.
fn insert(line: &mut Line, points: &[[f64; 2]], places: &[usize]) {
    let mut more = places.iter().zip(points).peekable();
    let mut longer = Vec::with_capacity(line.len() + points.len());
    for (k, point) in line.iter().enumerate() {
        longer.push(*point);
        if let Some((_, new)) = more.next_if(|(place, _)| **place == k) {
            longer.push(*new);
        }
    }
    *line = longer;
}

/// The longer side of a box around nearly all points.
fn size(lines: &[Line]) -> f64 {
    let side = |j: usize| {
        let mut values: Vec<f64> =
            lines.iter().flatten().map(|p| p[j]).filter(|v| v.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
            values.get(place).copied().unwrap_or(0.0)
        };
        at(0.99) - at(0.01)
    };
    side(0).max(side(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step 200 times as steep as the rest: 21 points miss it, all of them on its two sides.
    #[test]
    fn points_are_dense_where_a_map_is_steep() {
        let step = |x: f64| x + 3.0 * (200.0 * (x - 0.03)).tanh();
        let line: Line = (0..21).map(|k| [f64::from(k) / 10.0 - 1.0, 0.5]).collect();
        let carry = |points: &[[f64; 2]]| {
            let image = points.iter().map(|[x, y]| [*y, step(*x)]).collect();
            Ok(vec![points.to_vec(), image])
        };
        let stages = carried(&[line.clone(), line[..2].to_vec()], carry).unwrap();
        let (start, image) = (&stages[0][0], &stages[1][0]);
        assert_eq!(start.len(), image.len());
        assert!((40..2000).contains(&image.len()), "{}", image.len());
        for (from, to) in start.iter().zip(image) {
            assert!((to[1] - step(from[0])).abs() < 1e-12 && (to[0] - from[1]).abs() < 1e-12);
        }
        assert!(start.is_sorted_by(|a, b| a[0] < b[0]));
        let longest = image.windows(2).map(|w| w[1][1] - w[0][1]).fold(0.0, f64::max);
        assert!(longest < 0.1, "{longest}");
        assert_eq!((start[0], start[start.len() - 1]), (line[0], line[20]));
    }
}
