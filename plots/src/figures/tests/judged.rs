//! Lays out figures that judge models, and odd names, with odd data.

use super::{LONG, assert_tidy, values};
use crate::draw::scene::Mark;
use crate::{
    Calibration, Corner, DensityCurve, DensityMap, Figure, FlowStages, Grid, PlotError, Points,
    Residuals, Samples, ScalarMap, Scene, Scores, Stage, Theme, Training, latent_grid,
};

/// Names as tables have them, down to letters that the embedded font does not have.
const NAMES: [&str; 6] = ["", " ", "ä", "β₁ ≤ ∂", "漢字の列", LONG];

fn texts(scene: &Scene) -> Vec<&str> {
    fn text(mark: &Mark) -> Option<&str> {
        if let Mark::Text(label) = mark { Some(label.text.as_str()) } else { None }
    }
    scene.marks.iter().filter_map(text).collect()
}

/// All NaN, one point, constants, gaps, far away, 1e9 wide: either drawn tidily or refused as empty.
fn tidy_or_empty(name: &str, figure: &dyn Figure) {
    match figure.scene() {
        Ok(_) => assert_tidy(name, figure),
        Err(error) => assert!(matches!(error, PlotError::Empty { .. }), "{name}: {error}"),
    }
}

fn odd_values() -> Vec<(&'static str, Vec<f64>)> {
    let mut odd = values();
    odd.push(("no number", vec![f64::NAN; 40]));
    odd.push(("infinite", vec![f64::INFINITY; 40]));
    odd.push(("thin", (0..40).map(|k| 1e9 + 1e-3 * f64::from(k)).collect()));
    odd.push(("wide", (0..40).map(|k| if k == 7 { 1e9 } else { 1e-6 * f64::from(k) }).collect()));
    odd
}

#[test]
fn judged_models_of_odd_values() {
    for (what, values) in odd_values() {
        let shares: Vec<f64> = values.iter().map(|v| v.abs().fract()).collect();
        for name in ["", NAMES[4], LONG] {
            if let Ok(figure) = Calibration::new(&shares) {
                tidy_or_empty(what, &figure.clone().title(name));
                let columns = (0..9).try_fold(figure, |f, _| f.column(name, &shares));
                tidy_or_empty(what, &columns.unwrap().samples(10));
            }
            let scores = Scores::new(name, &values).model("β", &values).model(name, &shares);
            tidy_or_empty(what, &scores.title(name));
            if let Ok(data) = Points::new(&values[..values.len() / 2 * 2], 2) {
                for x in [(-1.0, 1.0), (0.0, 1e9), (1e9, 1e9 + 1.0)] {
                    let figure = Residuals::new(&data, &[0.2; 12], [3, 4], x, (-3.0, 3.0));
                    tidy_or_empty(what, &figure.unwrap().labels(name, name).title(name));
                }
            }
        }
    }
}

#[test]
fn new_looks_of_odd_values_and_names() {
    for (what, values) in odd_values() {
        let curve: Vec<(f64, f64)> =
            values.iter().enumerate().map(|(i, &v)| (i as f64, v)).collect();
        let side = (values.len() as f64).sqrt() as usize;
        let grid = Grid::new(&values[..side * side], [side.max(2); 2], (0.0, 1e9), (-3.0, 3.0));
        for name in ["", NAMES[4], LONG] {
            let density = DensityCurve::new(name, &curve).regions(&[0.5, 0.95, 7.0]).label(name);
            tidy_or_empty(what, &density.clone().logarithmic(12.0));
            if let Ok(density) = density.data(&values) {
                tidy_or_empty(what, &density.clone().title(name));
                tidy_or_empty(what, &density.logarithmic(12.0).title(name));
            }
            tidy_or_empty(what, &Training::new(&curve).learning_rate(&curve).evaluations(&curve));
            if let Ok(grid) = &grid {
                let map = DensityMap::new(grid.clone()).logarithmic(12.0).labels(name, name);
                tidy_or_empty(what, &map.title(name));
                let map = ScalarMap::new(grid.clone()).unsigned().density(grid.clone());
                tidy_or_empty(what, &map.value_label(name).labels(name, name));
            }
            let points = values.windows(2).map(|w| ([w[0], w[1]], w[0])).collect();
            let stage = Stage::new(name).lines(latent_grid(3.0, 5, 9)).coloured(points);
            tidy_or_empty(what, &FlowStages::new(vec![stage; 3]).remark(name).title(name));
        }
    }
}

#[test]
fn odd_names_are_painted_in_every_theme() {
    let points = Points::new(&[0.0, 1.0, 2.0, 0.5], 2).unwrap();
    for name in NAMES {
        for theme in [Theme::light(), Theme::dark(), Theme::light().millimetres_wide(85.0)] {
            let figure = Samples::new(name, points.clone()).labels(name, name).title(name);
            assert_tidy(name, &figure.clone().theme(theme.clone()));
            assert!(figure.theme(theme).picture().unwrap().width() > 300);
        }
    }
}

/// Of 64 columns those eight are drawn where data and model differ.
#[test]
fn the_columns_that_differ_are_chosen_from_many() {
    let names: Vec<String> = (0..64).map(|j| format!("c{j}")).collect();
    let rows: Vec<f64> = (0..64 * 50).map(|k| f64::from(k * 31 % 97)).collect();
    let differs = |j: usize| j % 8 == 3;
    let moved = rows.iter().enumerate().map(|(k, v)| if differs(k % 64) { v + 40.0 } else { *v });
    let moved: Vec<f64> = moved.collect();
    let [data, model] = [&rows, &moved].map(|rows| Points::new(rows, 64).unwrap());
    let figure = Corner::new(&names, data).unwrap().model(model).unwrap();
    assert_tidy("corner", &figure);
    let scene = figure.scene().unwrap();
    let texts = texts(&scene);
    for (j, name) in names.iter().enumerate() {
        assert_eq!(texts.contains(&name.as_str()), differs(j), "{name}");
    }
    assert!(texts.iter().any(|t| t.contains("the 8 of 64 columns that differ most")));
}

#[test]
fn scores_are_sorted_paired_and_of_the_same_rows() {
    // Noise that all share: paired differences have no spread, the means a large one.
    let noise: Vec<f64> = (0..100).map(|k| 5.0 * f64::from(k * k).sin()).collect();
    let shifted = |by: f64| noise.iter().map(|v| v + by).collect::<Vec<f64>>();
    let mut broken = shifted(3.0);
    broken[7] = f64::NEG_INFINITY;
    let figure = Scores::new("worst", &shifted(-1.0)).model("best", &shifted(0.5));
    let scene = figure.clone().model("broken", &broken).scene().unwrap();
    let texts = texts(&scene);
    let at = |text: &str| texts.iter().position(|t| *t == text).unwrap();
    assert!(at("best") < at("worst") && at("worst") < at("broken"), "{texts:?}");
    assert!(texts.iter().any(|t| t.starts_with("−1.50") && t.contains("± 0.00")), "{texts:?}");
    let error = figure.model("short", &noise[..99]).scene();
    assert!(matches!(error, Err(PlotError::Size { expected: 100, got: 99, .. })));
    let nothing = Scores::new("a", &[f64::NAN; 3]).scene();
    assert!(matches!(nothing, Err(PlotError::Empty { .. })));
}

/// The name of the bar was cut, and the rows had the swatch of a line.
#[test]
fn names_in_judging_figures_are_whole() {
    let rows: Vec<f64> = (0..200).map(|k| (0.618_034 * f64::from(k)).fract()).collect();
    let data = Points::new(&rows, 2).unwrap();
    let figure = Residuals::new(&data, &[0.25; 4], [2, 2], (0.0, 1.0), (0.0, 1.0)).unwrap();
    for width in [520.0, 720.0] {
        let scene = figure.clone().width(width).labels("x₁", "x₂").scene().unwrap();
        let texts = texts(&scene);
        assert!(texts.contains(&"residual (σ)"), "{texts:?}");
        assert!(!texts.iter().any(|t| t.ends_with('…')), "{texts:?}");
        // Each panel of the lowest row has the name of its own axis.
        assert_eq!(texts.iter().filter(|t| **t == "x₁").count(), 3, "{texts:?}");
        assert_eq!(texts.iter().filter(|t| **t == "x₂").count(), 1, "{texts:?}");
    }
    let scene = Calibration::new(&rows).unwrap().column("x₁", &rows).unwrap().scene().unwrap();
    let texts = texts(&scene);
    assert!(!texts.contains(&"200 rows") && texts.iter().any(|t| t.starts_with("200 rows; ")));
}

/// Nine rows where four are expected are 2.5 standard errors too many.
#[test]
fn residuals_are_those_of_pearson() {
    let rows: Vec<f64> = (0..16).flat_map(|k| [if k < 9 { 0.1 } else { 0.9 }, 0.5]).collect();
    let data = Points::new(&rows, 2).unwrap();
    let unit = (0.0, 1.0);
    let figure = Residuals::new(&data, &[0.25, 0.75], [2, 1], unit, unit).unwrap();
    let scene = figure.scene().unwrap();
    let images = scene.marks.iter().filter_map(|mark| match mark {
        Mark::Image { picture, .. } if picture.width() > 100 => Some(picture),
        _ => None,
    });
    let images: Vec<_> = images.collect();
    let theme = Theme::light();
    let colour = |value: f64| theme.signed().at(0.5 + 0.1 * value).rgb;
    assert_eq!(images[2].pixel(3, 3), Some(colour(2.5)));
    // Seven where twelve are expected.
    assert_eq!(images[2].pixel(images[2].width() - 3, 3), Some(colour(-5.0 / 12.0_f64.sqrt())));
    assert!(texts(&scene).iter().any(|t| t.contains("over 1 bin with 5")));
    let wrong = Residuals::new(&data, &[1.0; 3], [2, 1], unit, unit);
    assert!(matches!(wrong, Err(PlotError::Size { expected: 2, got: 3, .. })));
    let empty = Residuals::new(&data, &[0.0, f64::NAN], [2, 1], unit, unit);
    assert!(matches!(empty, Err(PlotError::Empty { .. })));
}

#[test]
fn evaluations_stand_in_a_panel_of_their_own() {
    let curve = [(0.0, 3.0), (100.0, 2.0)];
    let without = Training::new(&curve).scene().unwrap();
    let figure = Training::new(&curve).evaluations(&[(0.0, 20.0), (100.0, 74.0)]);
    let with = figure.scene().unwrap();
    assert!(with.height > 1.2 * without.height);
    assert!(texts(&with).contains(&"evaluations") && !texts(&without).contains(&"evaluations"));
    let both = figure.learning_rate(&curve).scene().unwrap();
    assert!(both.height > with.height && texts(&both).contains(&"learning rate"));
}
