//! Looks at the marks of vector fields.

use super::{assert_tidy, polygons};
use crate::draw::scene::Mark;
use crate::{FieldMap, FieldStyle, Figure, Scene, Theme, VectorGrid};

const STYLES: [FieldStyle; 2] = [FieldStyle::Arrows, FieldStyle::Streamlines];

/// A field sampled on the square from −2 to 2.
fn field(n: usize, f: impl Fn(f64, f64) -> [f64; 2]) -> VectorGrid {
    let node = |k: usize| -2.0 + 4.0 * k as f64 / (n - 1) as f64;
    let vectors: Vec<[f64; 2]> = (0..n * n).map(|k| f(node(k % n), node(k / n))).collect();
    VectorGrid::new(&vectors, [n, n], (-2.0, 2.0), (-2.0, 2.0)).unwrap()
}

/// Lines in the colours of the bar: all that are not of the axes.
fn lines(scene: &Scene) -> Vec<&[[f64; 2]]> {
    fn line(mark: &Mark) -> Option<&[[f64; 2]]> {
        match mark {
            Mark::Line { points, pen } if pen.colour != Theme::light().axis => Some(points),
            _ => None,
        }
    }
    scene.marks.iter().filter_map(line).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn a_zero_field_is_empty_but_labelled() {
    for style in STYLES {
        let map = FieldMap::new(field(9, |_, _| [0.0; 2])).style(style).labels("x₁", "x₂");
        assert_tidy("zero", &map);
        let scene = map.scene().unwrap();
        assert!(polygons(&scene).is_empty() && lines(&scene).is_empty());
        let svg = scene.svg().unwrap();
        assert!(svg.contains("x₁") && svg.contains("|v|") && svg.contains("all vectors are zero"));
    }
}

#[test]
fn arrows_point_along_the_vectors_and_do_not_overlap() {
    for (vector, screen) in [([1.0, 0.0], [1.0, 0.0]), ([0.0, 2.0], [0.0, -1.0])] {
        let scene = FieldMap::new(field(5, |_, _| vector)).scene().unwrap();
        let arrows = polygons(&scene);
        assert!((22 * 22..=26 * 26).contains(&arrows.len()), "{}", arrows.len());
        let mut middles = Vec::new();
        for arrow in &arrows {
            let (tip, tails) = (arrow[0], [arrow[3], arrow[4]]);
            let tail = [0, 1].map(|k| f64::midpoint(tails[0][k], tails[1][k]));
            let length = (tip[0] - tail[0]).hypot(tip[1] - tail[1]);
            assert!((0..2).all(|k| close((tip[k] - tail[k]) / length, screen[k])));
            middles.push(([0, 1].map(|k| f64::midpoint(tip[k], tail[k])), length));
        }
        for (i, (a, length)) in middles.iter().enumerate() {
            for (b, _) in &middles[i + 1..] {
                assert!((a[0] - b[0]).hypot(a[1] - b[1]) > *length);
            }
        }
    }
}

#[test]
fn lengths_follow_the_vectors_and_missing_ones_leave_a_hole() {
    let hole = |x: f64, y: f64| match (x > 0.5, y > 0.0) {
        (true, _) => [f64::NAN, 0.0],
        (false, true) => [0.0, 2.0],
        (false, false) => [0.0, 1.0],
    };
    let scene = FieldMap::new(field(81, hole)).scene().unwrap();
    let arrows = polygons(&scene);
    let right = arrows.iter().flat_map(|a| a.iter()).map(|p| p[0]).fold(0.0, f64::max);
    assert!(right < 0.65 * scene.width, "{right}");
    let height = |arrow: &&[[f64; 2]]| arrow[3][1] - arrow[0][1];
    let tallest = arrows.iter().map(height).fold(0.0, f64::max);
    let lowest = arrows.iter().map(height).fold(f64::INFINITY, f64::min);
    assert!(close(tallest, 2.0 * lowest), "{tallest} {lowest}");
    assert!(scene.svg().unwrap().contains("vectors are not finite"));
}

#[test]
fn the_streamlines_of_a_rotation_are_circles_with_a_sense() {
    let map = FieldMap::new(field(41, |x, y| [-y, x])).style(FieldStyle::Streamlines);
    let scene = map.scene().unwrap();
    let axes = scene.marks.iter().find_map(|mark| match mark {
        Mark::Line { points, pen } if pen.colour == Theme::light().axis => Some(points.clone()),
        _ => None,
    });
    // The first axis line runs along the left edge of a square.
    let axes = axes.unwrap();
    let side = axes[1][1] - axes[0][1];
    let middle = [axes[0][0] + side / 2.0, axes[0][1] + side / 2.0];
    let radius = |p: &[f64; 2]| (p[0] - middle[0]).hypot(p[1] - middle[1]);
    let lines = lines(&scene);
    assert!(lines.len() > 20, "{}", lines.len());
    for line in lines.iter().filter(|line| radius(&line[0]) > 5.0) {
        for point in *line {
            assert!((radius(point) / radius(&line[0]) - 1.0).abs() < 0.01);
        }
        // Anticlockwise, y downwards.
        let ([x, y], [a, b]) = (line[0], line[1]);
        assert!((x - middle[0]) * (b - y) - (y - middle[1]) * (a - x) < 0.0);
    }
}
