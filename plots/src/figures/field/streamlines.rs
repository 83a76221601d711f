//! Finds evenly spaced streamlines.
//!
//! Jobard and Lefer 1997, "Creating evenly-spaced streamlines of arbitrary density": new lines
//! start a fixed distance beside old ones and end where they come too close to any. Lines are
//! followed by arc length with the classical method of Runge and Kutta.

use std::collections::VecDeque;

use super::carried::Carried;
use super::spacing::{Drawn, distance};
use crate::draw::geometry::Rect;

/// Length of a step, in points.
pub(super) const STEP: f64 = 1.5;
/// A line ends where it comes closer to another than this share of the distance of new ones.
pub(super) const CLOSEST: f64 = 0.55;
/// Lines shorter than this many distances are left out.
const SHORTEST: f64 = 2.0;
/// Most steps of one line in either direction.
const STEPS: usize = 4000;

/// A point of a line and the speed there.
pub(super) type Reached = ([f64; 2], f64);

/// Streamlines about `apart` points from each other, in the direction of the field.
pub(super) fn streamlines(field: &Carried<'_>, apart: f64) -> Vec<Vec<Reached>> {
    let mut drawn = Drawn::new(field.view.area, apart);
    let mut lines: Vec<Vec<Reached>> = Vec::new();
    for first in starts(&field.view.area, apart) {
        let mut seeds = VecDeque::from([first]);
        while let Some(seed) = seeds.pop_front() {
            if !field.view.area.contains(seed) || !drawn.is_free(seed, apart) {
                continue;
            }
            let line = both_ways(field, &drawn, seed, apart);
            if line.len() as f64 * STEP < SHORTEST * apart {
                continue;
            }
            seeds.extend(beside(&line, field, apart));
            for (point, _) in &line {
                drawn.add(*point);
            }
            lines.push(line);
        }
    }
    lines
}

/// Places to begin where no line has been, the middle first.
fn starts(area: &Rect, apart: f64) -> Vec<[f64; 2]> {
    let count = |length: f64| (length / apart).ceil().clamp(1.0, 200.0) as usize;
    let (nx, ny) = (count(area.width), count(area.height));
    let place = |k: usize| {
        let (i, j) = ((k % nx) as f64 + 0.5, (k / nx) as f64 + 0.5);
        [area.x + i / nx as f64 * area.width, area.y + j / ny as f64 * area.height]
    };
    let middle = [area.x + area.width / 2.0, area.y + area.height / 2.0];
    let mut all: Vec<_> = (0..nx * ny).map(place).collect();
    all.sort_by(|a, b| distance(*a, middle).total_cmp(&distance(*b, middle)));
    all
}

/// Places on both sides of a line.
fn beside(line: &[Reached], field: &Carried<'_>, apart: f64) -> Vec<[f64; 2]> {
    let mut places = Vec::new();
    for &([x, y], _) in line.iter().step_by(((apart / STEP) as usize).max(1)) {
        let Some(([dx, dy], _)) = field.at([x, y]) else { continue };
        for side in [apart * 1.001, -apart * 1.001] {
            places.push([x - side * dy, y + side * dx]);
        }
    }
    places
}

fn both_ways(field: &Carried<'_>, drawn: &Drawn, seed: [f64; 2], apart: f64) -> Vec<Reached> {
    let Some((_, speed)) = field.at(seed) else { return Vec::new() };
    let mut line = vec![(seed, speed)];
    let closed = follow(field, drawn, &mut line, 1.0, apart);
    line.reverse();
    if !closed {
        follow(field, drawn, &mut line, -1.0, apart);
    }
    line.reverse();
    line
}

/// Lengthens a line at its end until it leaves the frame, meets a line or stops; whether it met
/// itself and is closed.
fn follow(
    field: &Carried<'_>,
    drawn: &Drawn,
    line: &mut Vec<Reached>,
    sign: f64,
    apart: f64,
) -> bool {
    let clear = CLOSEST * apart;
    // The line's own last points are always close.
    let recent = (2.0 * apart / STEP) as usize;
    for _ in 0..STEPS {
        let Some(&(here, _)) = line.last() else { return false };
        let Some(next) = step(field, here, sign * STEP) else { return false };
        if !drawn.is_free(next, clear) {
            return false;
        }
        let older = line.get(..line.len().saturating_sub(recent)).unwrap_or_default();
        let nearest = older.iter().map(|(p, _)| distance(*p, next)).fold(f64::INFINITY, f64::min);
        if (STEP..clear).contains(&nearest) && !returns(field, older, next, clear) {
            return false;
        }
        let speed = field.at(next).map_or(0.0, |(_, speed)| speed);
        line.push((next, speed));
        if nearest < STEP {
            close(line, recent);
            return true;
        }
        if !field.view.area.contains(next) {
            return false;
        }
    }
    false
}

/// Joins the last point to the older one it has come back to.
fn close(line: &mut Vec<Reached>, recent: usize) {
    let Some(&(end, _)) = line.last() else { return };
    let older = line.get(..line.len().saturating_sub(recent + 1)).unwrap_or_default();
    let nearest = older.iter().min_by(|a, b| distance(a.0, end).total_cmp(&distance(b.0, end)));
    line.extend(nearest.copied());
}

/// Whether all close points of the line's own past lie ahead or behind, as where a loop closes.
fn returns(field: &Carried<'_>, older: &[Reached], here: [f64; 2], clear: f64) -> bool {
    let Some(([dx, dy], _)) = field.at(here) else { return false };
    let aside = |p: [f64; 2]| ((p[0] - here[0]) * dy - (p[1] - here[1]) * dx).abs();
    let mut close = older.iter().filter(|(p, _)| distance(*p, here) < clear);
    close.all(|(p, _)| aside(*p) < 0.5 * distance(*p, here) + 0.1 * STEP)
}

/// One step of Runge and Kutta along the unit field; nothing where that vanishes or turns back.
fn step(field: &Carried<'_>, [x, y]: [f64; 2], h: f64) -> Option<[f64; 2]> {
    let slope = |[a, b]: [f64; 2], by: f64| field.at([x + by * a, y + by * b]).map(|(d, _)| d);
    let a = slope([0.0; 2], 0.0)?;
    let b = slope(a, h / 2.0)?;
    let c = slope(b, h / 2.0)?;
    let d = slope(c, h)?;
    let turns = |p: [f64; 2], q: [f64; 2]| p[0] * q[0] + p[1] * q[1] < 0.0;
    if turns(a, b) || turns(a, c) || turns(a, d) {
        return None;
    }
    let mean = |k: usize| (a[k] + 2.0 * b[k] + 2.0 * c[k] + d[k]) / 6.0;
    Some([x + h * mean(0), y + h * mean(1)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{Axis, Panel};
    use crate::stats::Interval;
    use crate::{Theme, VectorGrid};

    /// Streamlines 12 points apart of a field on the square from −2 to 2, 400 points wide.
    fn lines(f: impl Fn(f64, f64) -> [f64; 2]) -> Vec<Vec<Reached>> {
        let node = |k: usize| -2.0 + 4.0 * k as f64 / 40.0;
        let vectors: Vec<[f64; 2]> = (0..41 * 41).map(|k| f(node(k % 41), node(k / 41))).collect();
        let field = VectorGrid::new(&vectors, [41, 41], (-2.0, 2.0), (-2.0, 2.0)).unwrap();
        let (theme, range) = (Theme::light(), Interval { low: -2.0, high: 2.0 });
        let panel = Panel::new(&theme, Axis::new(range, ""), Axis::new(range, ""));
        let view = panel.view(Rect::new(0.0, 0.0, 400.0, 400.0));
        let scale = field.robust_length().0;
        streamlines(&Carried { field: &field, view: &view, scale }, 12.0)
    }

    #[test]
    fn lines_keep_their_distance() {
        for turn in [0.0, 0.3, 1.0] {
            let lines = lines(|x, y| [(1.5 * y).sin() - turn * x, (1.5 * x).cos() - turn * y]);
            assert!(lines.len() > 15, "{}", lines.len());
            for (i, a) in lines.iter().enumerate() {
                for (p, _) in a {
                    let others = lines[i + 1..].iter().flatten();
                    let nearest = others.map(|(q, _)| distance(*p, *q)).fold(1e9, f64::min);
                    assert!(nearest >= CLOSEST * 12.0 - 1e-9, "{nearest}");
                }
            }
        }
    }

    #[test]
    fn closed_lines_go_round_once() {
        for line in lines(|x, y| [-y, x]) {
            let (first, last) = (line[0].0, line[line.len() - 1].0);
            let radius = distance(first, [200.0, 200.0]);
            if radius < 190.0 {
                let length: f64 = line.windows(2).map(|w| distance(w[0].0, w[1].0)).sum();
                let around = std::f64::consts::TAU * radius;
                assert!(distance(first, last) < 2.0 * STEP, "{first:?} {last:?}");
                assert!((length - around).abs() < 0.02 * around + 2.0 * STEP, "{length} {around}");
            }
        }
    }

    #[test]
    fn a_sink_ends_lines_and_a_zero_field_has_none() {
        assert!(lines(|_, _| [0.0; 2]).is_empty());
        let lines = lines(|x, y| [-x, -y]);
        assert!(lines.iter().all(|line| line.len() < 400));
        let ends = lines.iter().map(|line| distance(line[line.len() - 1].0, [200.0; 2]));
        assert!(ends.fold(f64::INFINITY, f64::min) < 2.0 * STEP);
    }
}
