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
        ("huge", scaled(1e150, 0.0)),
        ("a narrow range far away", scaled(0.01, 1_126_259_462.4)),
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
    let gps = (1_126_259_462.37, 1_126_259_462.44);
    let places = [(-1.0, 1.0), (0.0, 1e9), (1e9, 1e9 + 1.0), (-1e-9, 2e-9), gps, (-4e150, 4e150)];
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

fn images(scene: &Scene) -> Vec<&crate::Picture> {
    let images = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Image { picture, .. } => Some(picture),
        _ => None,
    });
    images.collect()
}

/// A density of the plane around a place, `wide` wide.
fn bump([x, y]: [f64; 2], wide: f64) -> Grid {
    let n = 41;
    let node = |k: usize| -4.0 + 8.0 * k as f64 / (n - 1) as f64;
    let density =
        |k: usize| (-0.5 * (node(k % n).powi(2) + node(k / n).powi(2))).exp() / wide / wide;
    let values: Vec<f64> = (0..n * n).map(density).collect();
    let ends = |middle: f64| (middle - 4.0 * wide, middle + 4.0 * wide);
    Grid::new(&values, [n, n], ends(x), ends(y)).unwrap()
}

/// The same bump has the same colours at any place and of any width that f64 can hold.
#[test]
fn a_density_is_drawn_at_any_place_and_of_any_width() {
    let shades = |grid: Grid| {
        let scene = DensityMap::new(grid.clone()).equal_aspect().width(300.0).scene().unwrap();
        let field =
            crate::VectorGrid::new(&[[1.0, 0.5]; 4], [2, 2], ends(&grid, 0), ends(&grid, 1));
        let behind = crate::FieldMap::new(field.unwrap()).density(grid.clone()).width(300.0);
        let scalar = crate::ScalarMap::new(grid).width(300.0).scene().unwrap();
        let behind = behind.scene().unwrap();
        [&scene, &behind, &scalar].map(|scene| {
            let image = images(scene)[0];
            let at = |u: f64, v: f64| {
                let place = |t: f64, n: u32| (t * f64::from(n)) as u32;
                image.pixel(place(u, image.width()), place(v, image.height())).unwrap()
            };
            [at(0.5, 0.5), at(0.36, 0.5), at(0.002, 0.5), at(0.998, 0.998)]
        })
    };
    let plain = shades(bump([0.0, 0.0], 1.0));
    assert_ne!(plain[0][0], plain[0][1]);
    for (place, wide) in [
        ([1_126_259_462.4, -3.0], 0.01),
        ([1_126_259_462.4, 5e8], 1e-3),
        ([0.0, 0.0], 1e150),
        ([0.0, 0.0], 1e-70),
    ] {
        for (a, b) in shades(bump(place, wide)).iter().flatten().zip(plain.iter().flatten()) {
            // Labels of other widths move the pixel that is looked at by less than one.
            let far = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(far <= 8, "{place:?} {wide}: {a:?}, not {b:?}");
        }
    }
}

fn ends(grid: &Grid, axis: usize) -> (f64, f64) {
    let range = grid.ranges()[axis];
    (range.low, range.high)
}

/// One node with ten times the density of all others holds a hundredth of the mass: without a ceiling
/// the others had a tenth of the colours.
#[test]
fn one_pinch_does_not_set_the_colours() {
    let mut values = vec![1.0; 900];
    let map = |values: &[f64]| {
        DensityMap::new(Grid::new(values, [30, 30], (0.0, 1.0), (0.0, 1.0)).unwrap()).contours(&[])
    };
    let corner = |map: &DensityMap| images(&map.scene().unwrap())[0].pixel(3, 3).unwrap();
    let full = Theme::light().shades().at(1.0).rgb;
    values[465] = 10.0;
    let pinched = map(&values);
    assert_eq!(corner(&pinched), full);
    assert_eq!(polygons(&pinched.scene().unwrap()).len(), 1, "the bar says that there is more");
    assert_eq!(polygons(&pinched.up_to(10.0).scene().unwrap()).len(), 0);
    // A narrow peak that holds more is shown whole.
    values[464..470].fill(10.0);
    let peak = map(&values);
    assert_eq!(polygons(&peak.scene().unwrap()).len(), 0);
    assert_ne!(corner(&peak), full);
}

/// Panels as (left, right) and (top, bottom) of their axis lines, in the order they were drawn.
#[expect(clippy::float_cmp, reason = "the two lines of an axis share a corner")]
fn gaps(scene: &Scene) -> [Vec<i64>; 2] {
    let areas = scene.marks.windows(2).filter_map(|pair| match pair {
        [Mark::Line { points: a, .. }, Mark::Line { points: b, .. }]
            if a.len() == 2 && b.len() == 2 && a[1] == b[0] && a[0][1] < a[1][1] =>
        {
            Some(Rect::new(a[0][0], a[0][1], b[1][0] - a[0][0], a[1][1] - a[0][1]))
        }
        _ => None,
    });
    let areas: Vec<Rect> = areas.collect();
    let hundredths = |v: f64| (100.0 * v).round() as i64;
    let between = |edges: &dyn Fn(&Rect) -> (f64, f64)| {
        let mut ends: Vec<(i64, i64)> = areas
            .iter()
            .map(|area| (hundredths(edges(area).0), hundredths(edges(area).1)))
            .collect();
        ends.sort_unstable();
        ends.dedup();
        ends.windows(2).map(|pair| pair[1].0 - pair[0].1).collect()
    };
    [between(&|r| (r.x, r.right())), between(&|r| (r.y, r.bottom()))]
}

#[test]
fn panels_of_a_corner_are_equally_far_apart() {
    let wave = |k: usize, j: usize| (k as f64 * (0.7 + j as f64)).sin() * 100.0_f64.powf(j as f64);
    let rows: Vec<f64> = (0..300).flat_map(|k| (0..4).map(move |j| wave(k, j))).collect();
    let points = Points::new(&rows, 4).unwrap();
    let figure = Corner::new(&["a", "b", "c", "d"], points).unwrap();
    for gaps in gaps(&figure.scene().unwrap()) {
        assert_eq!(gaps.len(), 3);
        let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
        assert!(most - least <= 2, "{gaps:?}");
    }
}

/// Each swatch of the legend is the colour of an area that is painted over nothing but paper and grid.
#[test]
fn the_legend_of_a_curve_shows_the_colours_that_are_drawn() {
    let curve: Vec<(f64, f64)> = (-40..=40)
        .map(|k| f64::from(k) / 10.0)
        .map(|x| (x, (-0.5 * x * x).exp() / 2.5066))
        .collect();
    let values: Vec<f64> = (0..500).map(|k| 3.0 * (f64::from(k) * 0.7).sin()).collect();
    let figure = DensityCurve::new("model", &curve).data(&values).unwrap().regions(&[0.5, 0.95]);
    let scene = figure.scene().unwrap();
    let swatches = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Box { fill, .. } => Some(*fill),
        _ => None,
    });
    let areas = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Polygon { fill, .. } => Some(*fill),
        _ => None,
    });
    let (mut swatches, mut areas): (Vec<_>, Vec<_>) = (swatches.collect(), areas.collect());
    let by_colour = |colour: &crate::Colour| (colour.rgb, colour.alpha.to_bits());
    swatches.sort_by_key(by_colour);
    areas.sort_by_key(by_colour);
    assert_eq!(swatches, areas);
    assert!(areas.iter().all(|fill| fill.alpha >= 1.0));
    // Without regions the histogram is filled, and the legend shows that.
    let plain = DensityCurve::new("model", &curve).data(&values).unwrap().scene().unwrap();
    assert_eq!(polygons(&plain).len(), 1);
}

/// A density three times as wide is nine times as thin: behind it stood a grey square.
#[test]
fn on_common_axes_the_same_grey_is_the_same_density() {
    let stage = |wide: f64| Stage::new("").density(bump([0.0, 0.0], wide));
    let stages = FlowStages::new(vec![stage(1.0), stage(3.0)]);
    let middles = |figure: FlowStages| {
        let scene = figure.scene().unwrap();
        let of = |image: &&crate::Picture| image.pixel(image.width() / 2, image.height() / 2);
        images(&scene).iter().map(|image| of(image).unwrap()[0]).collect::<Vec<_>>()
    };
    let common = middles(stages.clone().axes((-4.0, 4.0), (-4.0, 4.0)));
    assert!(common[0] + 25 < common[1] && common[1] > 235, "{common:?}");
    let own = middles(stages);
    assert!(own[0].abs_diff(own[1]) <= 1, "{own:?}");
}
