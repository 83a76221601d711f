//! Lays out every figure with odd data and looks at the marks.

mod field;
mod judged;
mod panels;
mod plane;
mod surface;

use crate::draw::geometry::Rect;
use crate::draw::scene::Mark;
use crate::{
    Corner, DensityCurve, DensityMap, Figure, FlowStages, Grid, PlotError, Points, Samples, Scene,
    Stage, Theme, Training, latent_grid,
};

const LONG: &str =
    "ein überaus langer Name αβγ <&> which cannot possibly fit beside any axis at all";

/// All texts and marks lie on the paper, and texts do not touch each other.
fn assert_tidy(name: &str, figure: &dyn Figure) {
    let scene = figure.scene().unwrap_or_else(|e| panic!("{name}: {e}"));
    let paper = Rect::new(0.0, 0.0, scene.width, scene.height);
    let mut texts: Vec<(String, Rect)> = Vec::new();
    for mark in &scene.marks {
        match mark {
            Mark::Text(label) => texts.push((label.text.clone(), label.bounds())),
            Mark::Line { points, .. }
            | Mark::Polygon { points, .. }
            | Mark::Dots { points, .. } => {
                assert!(points.iter().all(|&p| paper.contains(p)), "{name}: {mark:?}");
            }
            Mark::Box { area, .. } | Mark::Image { area, .. } => {
                assert!(paper.contains([area.right(), area.bottom()]), "{name}: {area:?}");
            }
        }
    }
    for (i, (text, bounds)) in texts.iter().enumerate() {
        let corners = [[bounds.x, bounds.y], [bounds.right(), bounds.bottom()]];
        assert!(corners.iter().all(|&c| paper.contains(c)), "{name}: clipped {text} {bounds:?}");
        for (other, there) in &texts[i + 1..] {
            assert!(!bounds.grown(-1.0).overlaps(there), "{name}: {text} touches {other}");
        }
    }
}

fn polygons(scene: &Scene) -> Vec<&[[f64; 2]]> {
    fn polygon(mark: &Mark) -> Option<&[[f64; 2]]> {
        if let Mark::Polygon { points, .. } = mark { Some(points) } else { None }
    }
    scene.marks.iter().filter_map(polygon).collect()
}

/// Values at very different places and scales, one of them constant.
fn values() -> Vec<(&'static str, Vec<f64>)> {
    let wave: Vec<f64> =
        (0..400).map(|k| (f64::from(k) * 0.7).sin() + 0.01 * f64::from(k)).collect();
    let scaled = |a: f64, b: f64| wave.iter().map(|v| a * v + b).collect::<Vec<_>>();
    let mut broken = wave.clone();
    (broken[3], broken[8], broken[9]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
    let mut outlier = wave.clone();
    outlier[7] = 1e12;
    vec![
        ("one", vec![2.5; 2]),
        ("constant", vec![-7.0; 40]),
        ("zero", vec![0.0; 6]),
        ("billions", scaled(1e9, 0.0)),
        ("tiny", scaled(1e-9, 0.0)),
        ("far away", scaled(1.0, 1e9)),
        ("huge", scaled(1e98, 0.0)),
        ("subnormal", scaled(1e-310, 0.0)),
        ("broken", broken),
        ("outlier", outlier),
        ("plain", wave),
    ]
}

#[test]
fn two_columns_of_odd_values() {
    for (name, values) in values() {
        let points = Points::new(&values, 2).unwrap();
        for label in ["", "x", LONG] {
            let figure = Samples::new("data", points.clone()).beside(label, points.clone());
            assert_tidy(name, &figure.clone().labels(label, label).title(label));
            assert_tidy(name, &figure.equal_aspect().labels(label, label));
            let corner = Corner::new(&[label, "y"], points.clone()).unwrap().title(label);
            assert_tidy(name, &corner.model(points.clone()).unwrap());
        }
    }
}

#[test]
fn curves_of_odd_values() {
    for (name, values) in values() {
        let curve: Vec<(f64, f64)> =
            values.iter().enumerate().map(|(i, &v)| (i as f64, v)).collect();
        let turned: Vec<(f64, f64)> = curve.iter().map(|&(i, v)| (v, i)).collect();
        for label in ["", LONG] {
            let training = Training::new(&curve).held_out(&curve).learning_rate(&curve);
            assert_tidy(name, &training.title(label).loss_label(label).best_step(f64::NAN));
            let density = DensityCurve::new(label, &turned).data(&values).unwrap();
            assert_tidy(name, &density.title(label).label(label));
        }
    }
}

#[test]
fn grids_and_flows_of_odd_values() {
    let places = [(-1.0, 1.0), (0.0, 1e9), (1e9, 1e9 + 1.0), (-1e-9, 2e-9), (0.0, 25.0)];
    for (name, values) in values() {
        let side = 2.max((values.len() as f64).sqrt() as usize);
        let Some(square) = values.get(..side * side) else { continue };
        for x in places {
            let grid = Grid::new(square, [side, side], x, (-3.0, 3.0)).unwrap();
            let map =
                DensityMap::new(grid).labels(LONG, "β").value_label(LONG).title(LONG).width(300.0);
            assert_tidy(name, &map.clone());
            assert_tidy(name, &map.equal_aspect());
        }
        let line: Vec<[f64; 2]> = values.windows(2).map(|w| [w[0], w[1]]).collect();
        let stage = Stage::new(LONG).lines(vec![line.clone(), vec![], line[..1].to_vec()]);
        let grid = Stage::new("").lines(latent_grid(3.0, 5, 20)).points(line);
        assert_tidy(name, &FlowStages::new(vec![stage.clone()]));
        assert_tidy(name, &FlowStages::new(vec![stage, grid.clone(), grid]).common_axes());
    }
}

#[test]
fn nothing_to_draw_is_an_error() {
    let empty = |figure: &dyn Figure| matches!(figure.scene(), Err(PlotError::Empty { .. }));
    assert!(empty(&Training::new(&[])));
    assert!(empty(&Training::new(&[(f64::NAN, 1.0), (1.0, f64::INFINITY)])));
    assert!(empty(&DensityCurve::new("model", &[])));
    assert!(empty(&FlowStages::new(vec![])));
    assert!(empty(&FlowStages::new(vec![Stage::new("latent").points(vec![[f64::NAN; 2]])])));
    assert!(matches!(Points::new::<f64>(&[], 2), Err(PlotError::Empty { .. })));
    assert!(matches!(Points::new(&[f32::NAN; 4], 2), Err(PlotError::Empty { .. })));
}

#[test]
fn sizes_must_agree() {
    let points = |d: usize| Points::new(&vec![1.0; 3 * d], d).unwrap();
    let wrong = |error: Option<PlotError>| matches!(error, Some(PlotError::Size { .. }));
    assert!(wrong(Points::new(&[1.0; 5], 2).err()));
    assert!(wrong(Points::new(&[1.0; 5], 0).err()));
    assert!(wrong(Corner::new(&["a"], points(2)).err()));
    assert!(wrong(Corner::new(&["a"], points(1)).unwrap().model(points(2)).err()));
    assert!(wrong(Samples::new("data", points(1)).scene().err()));
    assert!(wrong(Samples::new("data", points(3)).columns(0, 3).scene().err()));
    let grid = Grid::new(&[1.0; 4], [2, 2], (0.0, 1.0), (0.0, 1.0)).unwrap();
    assert!(wrong(DensityMap::new(grid).points(points(1)).scene().err()));
}

#[test]
fn paper_and_theme_have_limits() {
    let figure = Training::new(&[(0.0, 1.0), (1.0, 2.0)]);
    for width in [f64::NAN, f64::INFINITY, -3.0, 0.0, 30.0, 1e6] {
        assert!(matches!(figure.clone().width(width).scene(), Err(PlotError::Canvas { .. })));
    }
    for size in [f64::NAN, -1.0, 0.0, 1e9] {
        let (mut titles, mut lines) = (Theme::light(), Theme::light());
        (titles.title_size, lines.line_width) = (size, size);
        assert!(figure.clone().title("t").theme(titles).scene().is_err());
        assert!(matches!(figure.clone().theme(lines).scene(), Err(PlotError::Theme { .. })));
    }
    let mut flat = Theme::light();
    flat.pixel_ratio = 0;
    let scene = figure.theme(flat).scene().unwrap();
    assert_eq!(scene.picture().unwrap().width(), scene.size().0 as u32);
}

#[test]
fn only_the_first_eight_columns_are_drawn_and_said() {
    let names: Vec<String> = (0..43).map(|j| format!("c{j}")).collect();
    let rows: Vec<f32> = (0..430).map(|k| (k * 31 % 97) as f32).collect();
    let figure = Corner::new(&names, Points::new(&rows, 43).unwrap()).unwrap();
    assert_tidy("corner", &figure);
    let svg = figure.scene().unwrap().svg().unwrap();
    assert!(svg.contains("first 8 of 43 columns") && svg.contains("c7") && !svg.contains("c8"));
}
