//! Looks at the marks of figures with several panels on common axes.

use super::{LONG, assert_tidy, polygons, values};
use crate::draw::scene::{Mark, Scene};
use crate::{
    FieldPanel, FieldPanels, FieldStyle, Figure, FlowStages, Grid, PlotError, Points, ScalarMap,
    Stage, Theme, VectorGrid,
};

const STYLES: [FieldStyle; 2] = [FieldStyle::Arrows, FieldStyle::Streamlines];
const PLACES: [(f64, f64); 4] = [(-3.0, 3.0), (0.0, 1e9), (1e9, 1e9 + 1.0), (0.0, 100.0)];

/// A constant field over the unit square or wider.
fn constant(vector: [f64; 2], right: f64) -> VectorGrid {
    VectorGrid::new(&[vector; 25], [5, 5], (0.0, right), (0.0, 1.0)).unwrap()
}

/// Corners of all panels: x of the left axis, y of its top, side lengths.
fn areas(scene: &Scene) -> Vec<[f64; 4]> {
    let axis = |mark: &Mark| match mark {
        Mark::Line { points, pen } if pen.colour == Theme::light().axis => Some(points.clone()),
        _ => None,
    };
    let lines: Vec<_> = scene.marks.iter().filter_map(axis).collect();
    let joined = |pair: &[Vec<[f64; 2]>]| {
        let (left, bottom) = (&pair[0], &pair[1]);
        let tall = left[1][1] - left[0][1];
        (distance(left[1], bottom[0]) < 1e-9 && tall > 10.0)
            .then(|| [left[0][0], left[0][1], bottom[1][0] - bottom[0][0], tall])
    };
    lines.windows(2).filter_map(joined).collect()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn occurrences(scene: &Scene, wanted: &str) -> usize {
    let is_it = |mark: &&Mark| matches!(mark, Mark::Text(label) if label.text == wanted);
    scene.marks.iter().filter(is_it).count()
}

#[test]
fn panels_of_odd_values() {
    for (name, values) in values() {
        let pairs: Vec<[f64; 2]> = values.windows(2).map(|w| [w[0], w[1]]).collect();
        let side = (pairs.len() as f64).sqrt() as usize;
        let points = Points::new(&values, 2).unwrap();
        for x in PLACES {
            let size = [side, side];
            let Ok(field) = VectorGrid::new(&pairs[..side * side], size, x, (-3.0, 3.0)) else {
                continue;
            };
            let grid = Grid::new(&values[..side * side], size, x, (-3.0, 3.0)).unwrap();
            let panel = |title: &str| FieldPanel::new(title, field.clone()).points(points.clone());
            let stage = |title: &str| Stage::new(title).samples(points.clone());
            for style in STYLES {
                let panels = [LONG, "", "σ"].map(panel).to_vec();
                let figure = FieldPanels::new(panels).style(style).labels("x₁", "").title(LONG);
                assert_tidy(name, &figure.clone().value_label(LONG));
                assert_tidy(name, &figure.own_scales().columns(2).labels(LONG, LONG));
            }
            let two = ["", "β"].map(|title| panel(title).density(grid.clone())).to_vec();
            assert_tidy(name, &FieldPanels::new(two).difference(LONG, LONG).value_label("∂"));
            let stages = [LONG, "σ = 3", ""].map(|title| stage(title).density(grid.clone()));
            let strip = FlowStages::new(stages.to_vec()).labels(LONG, "‖x‖");
            assert_tidy(name, &strip.clone().common_axes());
            assert_tidy(name, &strip.axes(x, (-3.0, 3.0)).columns(2).title(LONG));
        }
    }
}

#[test]
fn panels_share_axes_names_and_size() {
    let stage = |k: u32| {
        let far = f64::from(k);
        Stage::new(&format!("t = {k}")).samples(Points::new(&[0.0, 0.0, far, 1.0], 2).unwrap())
    };
    let strip = FlowStages::new((0..5).map(stage).collect()).columns(3).labels("x₁", "x₂");
    let scene = strip.common_axes().scene().unwrap();
    let areas = areas(&scene);
    assert_eq!(areas.len(), 5);
    for area in &areas {
        assert!((area[2] - areas[0][2]).abs() < 1e-9 && (area[3] - areas[0][3]).abs() < 1e-9);
    }
    assert!((areas[0][1] - areas[2][1]).abs() < 1e-9 && (areas[0][0] - areas[3][0]).abs() < 1e-9);
    // Three panels with none below them, two with none before them.
    assert_eq!((occurrences(&scene, "x₁"), occurrences(&scene, "x₂")), (3, 2));
    // The same point lies at the same place of every panel.
    let dot =
        |mark: &Mark| if let Mark::Dots { points, .. } = mark { Some(points[0]) } else { None };
    let dots: Vec<_> = scene.marks.iter().filter_map(dot).collect();
    for (dot, area) in dots.iter().zip(&areas) {
        for k in 0..2 {
            assert!((dot[k] - area[k] - dots[0][k] + areas[0][k]).abs() < 1e-9);
        }
    }
}

#[test]
fn given_axes_hold_and_are_checked() {
    let stage = || Stage::new("").samples(Points::new(&[0.5, 0.5, 9.0, 9.0], 2).unwrap());
    let strip = FlowStages::new(vec![stage()]);
    let scene = strip.clone().axes((0.0, 1.0), (0.0, 1.0)).scene().unwrap();
    let drawn = scene.marks.iter().find_map(|mark| match mark {
        Mark::Dots { points, .. } => Some(points.len()),
        _ => None,
    });
    assert_eq!(drawn, Some(1));
    let error = strip.axes((1.0, 1.0), (0.0, 1.0)).scene();
    assert!(matches!(error, Err(PlotError::Range { what: "x", .. })));
    let flat = Stage::new("").samples(Points::new(&[1.0], 1).unwrap());
    assert!(matches!(FlowStages::new(vec![flat]).scene(), Err(PlotError::Size { .. })));
}

#[test]
fn one_scale_makes_arrows_comparable_and_own_scales_do_not() {
    let longest = |scene: &Scene| {
        let length = |arrow: &&[[f64; 2]]| {
            arrow.iter().map(|p| p[0]).fold(0.0, f64::max)
                - arrow.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min)
        };
        let half = scene.width / 2.0;
        let side = |left: bool| {
            let arrows = polygons(scene);
            let on_it = arrows.iter().filter(|a| (a[0][0] < half) == left).map(length);
            on_it.fold(0.0, f64::max)
        };
        [side(true), side(false)]
    };
    let panels = || {
        vec![
            FieldPanel::new("a", constant([1.0, 0.0], 1.0)),
            FieldPanel::new("b", constant([0.5, 0.0], 1.0)),
        ]
    };
    let [left, right] = longest(&FieldPanels::new(panels()).scene().unwrap());
    assert!((left - 2.0 * right).abs() < 0.02 * left, "{left} {right}");
    let [left, right] = longest(&FieldPanels::new(panels()).own_scales().scene().unwrap());
    assert!((left - right).abs() < 0.02 * left, "{left} {right}");
    // Four panels with a bar each stand in two rows.
    let four = FieldPanels::new([panels(), panels()].concat());
    let height = |figure: FieldPanels| figure.scene().unwrap().height;
    assert!(height(four.clone().own_scales()) > 2.0 * height(four));
}

#[test]
fn the_difference_is_one_more_panel_of_two_fields() {
    let panel = |vector, right| FieldPanel::new("a", constant(vector, right));
    let two = vec![panel([3.0, 0.0], 1.0), panel([0.0, 4.0], 2.0)];
    let figure = FieldPanels::new(two).difference("‖a − b‖", "length");
    let scene = figure.scene().unwrap();
    assert_eq!((areas(&scene).len(), occurrences(&scene, "length")), (3, 1));
    assert_tidy("difference", &figure);
    // Everywhere 5 on the half where both are known, at the top of its bar; paper beside it.
    let heat = scene.marks.iter().find_map(|mark| match mark {
        Mark::Image { picture, .. } if picture.width() > 100 => Some(picture.clone()),
        _ => None,
    });
    let heat = heat.unwrap();
    let top = Theme::light().colour_map.at(1.0).rgb;
    assert_eq!(heat.pixel(heat.width() / 4, 9), Some(top));
    assert_eq!(heat.pixel(3 * heat.width() / 4, 9), Some([255; 3]));
    for panels in [vec![], vec![panel([1.0; 2], 1.0); 3]] {
        let error = FieldPanels::new(panels).difference("", "").scene();
        assert!(matches!(error, Err(PlotError::Size { .. })));
    }
    assert!(matches!(FieldPanels::new(vec![]).scene(), Err(PlotError::Empty { .. })));
}

#[test]
fn a_curl_that_is_rounding_is_neutral_under_a_given_limit() {
    let values: Vec<f64> = (0..100).map(|k| 1e-16 * f64::from(k % 7 - 3)).collect();
    let grid = Grid::new(&values, [10, 10], (0.0, 1.0), (0.0, 1.0)).unwrap();
    let map = ScalarMap::new(grid).value_label("curl").limit(1.0);
    assert_tidy("curl", &map);
    let scene = map.scene().unwrap();
    assert_eq!(occurrences(&scene, "curl"), 1);
    let image = scene.marks.iter().find_map(|mark| match mark {
        Mark::Image { picture, .. } => Some(picture.clone()),
        _ => None,
    });
    let neutral = Theme::light().signed().at(0.5).rgb;
    assert!(image.unwrap().pixels().chunks_exact(3).all(|rgb| rgb == neutral));
}
