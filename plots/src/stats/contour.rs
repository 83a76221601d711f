//! Follows the level lines of a grid by marching squares.
//!
//! Every edge between two nodes on different sides of the level carries one crossing, placed by
//! linear interpolation; every cell joins two (or, at a saddle, twice two) of its crossings. The
//! value in the middle of a saddle decides which. Following the joins gives whole lines.

use super::grid::Grid;

/// An edge of the lattice: even numbers run along x from node `n / 2`, odd ones along y.
type Edge = usize;

/// The level lines as points in data units; a closed line ends where it begins.
pub(crate) fn contour(grid: &Grid, level: f64) -> Vec<Vec<[f64; 2]>> {
    let joins = joins(grid, level);
    let mut seen = vec![false; joins.len()];
    let degree = |e: Edge| joins[e].iter().flatten().count();
    let mut lines = Vec::new();
    // Lines that end at the border first: they have to be followed from one of their ends.
    let ends = (0..joins.len()).filter(|&e| degree(e) == 1);
    for start in ends.chain((0..joins.len()).filter(|&e| degree(e) == 2)) {
        if !seen[start] {
            let edges = follow(&joins, start, &mut seen);
            lines.push(edges.into_iter().map(|e| crossing(grid, level, e)).collect());
        }
    }
    lines
}

fn follow(joins: &[[Option<Edge>; 2]], start: Edge, seen: &mut [bool]) -> Vec<Edge> {
    let mut line = vec![start];
    let mut here = start;
    seen[start] = true;
    while let Some(next) = joins[here].iter().flatten().copied().find(|&e| !seen[e]) {
        seen[next] = true;
        line.push(next);
        here = next;
    }
    if line.len() > 2 && joins[here].contains(&Some(start)) {
        line.push(start);
    }
    line
}

/// For every edge, the edges its crossing is joined with.
fn joins(grid: &Grid, level: f64) -> Vec<[Option<Edge>; 2]> {
    let [nx, ny] = grid.size();
    let mut joins = vec![[None; 2]; 2 * nx * ny];
    let mut join = |a: Edge, b: Edge| {
        for (from, to) in [(a, b), (b, a)] {
            if let Some(free) = joins[from].iter_mut().find(|slot| slot.is_none()) {
                *free = Some(to);
            }
        }
    };
    for j in 0..ny - 1 {
        for i in 0..nx - 1 {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            let values = corners.map(|(i, j)| grid.node(i, j));
            let node = j * nx + i;
            // Edge k runs from corner k to the next corner.
            let edges = [2 * node, 2 * (node + 1) + 1, 2 * (node + nx), 2 * node + 1];
            let above = values.map(|v| v >= level);
            let crossed: Vec<usize> = (0..4).filter(|&k| above[k] != above[(k + 1) % 4]).collect();
            match *crossed.as_slice() {
                [a, b] => join(edges[a], edges[b]),
                [_, _, _, _] => {
                    let middle_above = values.iter().sum::<f64>() / 4.0 >= level;
                    // Cut off the corners that differ from the middle.
                    let first = usize::from(above[0] == middle_above);
                    for k in [first, first + 2] {
                        join(edges[(k + 3) % 4], edges[k]);
                    }
                }
                _ => {}
            }
        }
    }
    joins
}

/// Where the level is met on an edge.
fn crossing(grid: &Grid, level: f64, edge: Edge) -> [f64; 2] {
    let nx = grid.size()[0];
    let (i, j) = (edge / 2 % nx, edge / 2 / nx);
    let (di, dj) = if edge.is_multiple_of(2) { (1, 0) } else { (0, 1) };
    let (from, to) = (grid.node(i, j), grid.node(i + di, j + dj));
    let t = ((level - from) / (to - from)).clamp(0.0, 1.0);
    grid.place(i as f64 + t * di as f64, j as f64 + t * dj as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(n: usize, f: impl Fn(f64, f64) -> f64) -> Grid {
        let node = |k: usize| -2.0 + 4.0 * k as f64 / (n - 1) as f64;
        let values: Vec<f64> = (0..n * n).map(|k| f(node(k % n), node(k / n))).collect();
        Grid::new(&values, [n, n], (-2.0, 2.0), (-2.0, 2.0)).unwrap()
    }

    #[test]
    fn the_level_line_of_a_cone_is_one_closed_circle() {
        let grid = sampled(41, |x, y| 3.0 - x.hypot(y));
        let lines = contour(&grid, 1.7);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        assert!(lines[0].len() > 60);
        for [x, y] in &lines[0] {
            assert!((x.hypot(*y) - 1.3).abs() < 0.01, "{x} {y}");
        }
    }

    #[test]
    fn a_line_that_leaves_the_grid_stays_open() {
        let lines = contour(&sampled(21, |x, _| x), 0.33);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), 21);
        assert!(lines[0].iter().all(|p| (p[0] - 0.33).abs() < 1e-12));
    }

    #[test]
    fn a_saddle_gives_two_lines_that_do_not_cross() {
        let lines = contour(&sampled(20, |x, y| x * y), 0.0);
        assert_eq!(lines.len(), 2);
        assert!(contour(&sampled(5, |_, _| 1.0), 1.0).is_empty());
    }
}
