//! Looks at the marks of surfaces.

use super::{LONG, assert_tidy, polygons, values};
use crate::draw::scene::{Mark, Scene};
use crate::{Figure, Grid, PlotError, Surface, Theme};

const PLACES: [(f64, f64); 4] = [(-3.0, 3.0), (0.0, 1e9), (1e9, 1e9 + 1.0), (0.0, 0.01)];
const VIEWS: [(f64, f64); 7] = [
    (-60.0, 32.0),
    (0.0, 5.0),
    (90.0, 90.0),
    (135.0, -20.0),
    (200.0, 60.0),
    (-400.0, 20.0),
    (f64::NAN, f64::INFINITY),
];

/// A function on the square from −1 to 1.
fn surface(n: usize, f: impl Fn(f64, f64) -> f64) -> Surface {
    let node = |k: usize| -1.0 + 2.0 * k as f64 / (n - 1) as f64;
    let values: Vec<f64> = (0..n * n).map(|k| f(node(k % n), node(k / n))).collect();
    Surface::new(Grid::new(&values, [n, n], (-1.0, 1.0), (-1.0, 1.0)).unwrap())
}

fn texts(scene: &Scene) -> Vec<&str> {
    fn text(mark: &Mark) -> Option<&str> {
        if let Mark::Text(label) = mark { Some(label.text.as_str()) } else { None }
    }
    scene.marks.iter().filter_map(text).collect()
}

#[test]
fn surfaces_of_odd_values_from_all_sides() {
    for (name, values) in values() {
        let side = (values.len() as f64).sqrt().max(2.0) as usize;
        let Some(square) = values.get(..side * side) else { continue };
        for x in PLACES {
            let grid = Grid::new(square, [side, side], x, (-3.0, 3.0)).unwrap();
            let plain = Surface::new(grid);
            assert_tidy(name, &plain);
            let named = plain.clone().labels(LONG, "‖x‖").value_label(LONG).title(LONG);
            for (azimuth, elevation) in VIEWS {
                let figure = named.clone().view(azimuth, elevation);
                assert_tidy(name, &figure.clone().floor_contours().width(360.0));
                assert_tidy(name, &figure.labels("x₁", "σ").value_label("∂"));
            }
        }
    }
}

#[test]
fn nothing_is_drawn_above_the_ceiling_or_beside_a_hole() {
    let bowl = |x: f64, y: f64| 100.0 * (x * x + y * y);
    let full = polygons(&surface(41, bowl).scene().unwrap()).len();
    let cut = surface(41, bowl).ceiling(5.0).scene().unwrap();
    // The disc of radius √0.05 holds 4 % of the square.
    assert!(polygons(&cut).len() < full / 3, "{} of {full}", polygons(&cut).len());
    assert!(texts(&cut).contains(&"5") && !texts(&cut).contains(&"100"));
    let hole = |x: f64, y: f64| if x > 0.0 { f64::NAN } else { bowl(x, y) };
    let half = surface(41, hole).scene().unwrap();
    assert!((3 * full / 10..6 * full / 10).contains(&polygons(&half).len()));
    assert!(texts(&half).iter().any(|text| text.contains("values are not finite")));
    let plane = surface(21, |x, _| x);
    let ignored = plane.clone().ceiling(f64::NAN).scene().unwrap();
    assert_eq!(polygons(&ignored).len(), polygons(&plane.scene().unwrap()).len());
    for ceiling in [-1.0, -7.0] {
        let error = plane.clone().ceiling(ceiling).scene();
        assert!(matches!(error, Err(PlotError::Range { .. })), "{ceiling}");
    }
    assert!(matches!(plane.width(90.0).scene(), Err(PlotError::Canvas { .. })));
}

#[test]
fn the_near_side_hides_the_far_one() {
    // From x = −1 a high step at −1 < x < 0 hides the low half behind it.
    let step = |x: f64, _: f64| if x < 0.0 { 1.0 } else { 0.0 };
    let [high, low] = [1.0, 0.0].map(|t| Theme::light().colour_map.at(t).rgb);
    let seen = |azimuth: f64, rgb: [u8; 3]| {
        let picture = surface(41, step).view(azimuth, 5.0).picture().unwrap();
        // As bright as the light on a level cell makes it, or a little less.
        let close = |p: &[u8]| {
            (0..3).all(|k| {
                let (v, top) = (f64::from(p[k]), f64::from(rgb[k]));
                v <= top + 2.0 && v >= 0.8 * top - 2.0
            })
        };
        let (width, height) = (picture.width(), picture.height());
        let pixels =
            (0..height).flat_map(|row| (0..width * 4 / 5).map(move |column| (column, row)));
        pixels.filter(|&(c, r)| picture.pixel(c, r).is_some_and(|p| close(&p))).count()
    };
    let (front, back) = (seen(180.0, low), seen(0.0, low));
    assert!(seen(180.0, high) > 1000 && seen(0.0, high) > 1000);
    assert!(back > 3000 && front < back / 10, "{front} {back}");
}

#[test]
fn floor_contours_are_drawn_where_asked_for() {
    let lines = |surface: Surface| {
        let scene = surface.scene().unwrap();
        let long = |mark: &&Mark| matches!(mark, Mark::Line { points, .. } if points.len() > 20);
        scene.marks.iter().filter(long).count()
    };
    let cone = || surface(61, f64::hypot);
    assert_eq!(lines(cone()), 0);
    assert!(lines(cone().floor_contours()) >= 8);
}
