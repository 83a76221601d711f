//! Looks at the marks of signed functions, trajectories and stages.

use super::{LONG, assert_tidy, polygons, values};
use crate::draw::scene::Mark;
use crate::{
    Colour, FieldMap, FieldStyle, Figure, FlowStages, Grid, PlotError, Points, ScalarMap, Stage,
    Theme, Trajectories, VectorGrid, latent_grid,
};

const STYLES: [FieldStyle; 2] = [FieldStyle::Arrows, FieldStyle::Streamlines];
const PLACES: [(f64, f64); 5] =
    [(-1.0, 1.0), (0.0, 1e9), (1e9, 1e9 + 1.0), (-1e-9, 2e-9), (0.0, 25.0)];

#[test]
fn maps_and_paths_of_odd_values() {
    for (name, values) in values() {
        let pairs: Vec<[f64; 2]> = values.windows(2).map(|w| [w[0], w[1]]).collect();
        let side = (pairs.len() as f64).sqrt() as usize;
        for x in PLACES {
            if let Ok(field) = VectorGrid::new(&pairs[..side * side], [side, side], x, (-3.0, 3.0))
            {
                for style in STYLES {
                    let map = FieldMap::new(field.clone()).style(style).title(LONG).width(300.0);
                    assert_tidy(name, &map.labels(LONG, "β").value_label(LONG));
                }
            }
            if let Ok(grid) = Grid::new(&values[..side * side], [side, side], x, (-3.0, 3.0)) {
                let map = ScalarMap::new(grid.clone()).density(grid).labels(LONG, "β");
                assert_tidy(name, &map.value_label(LONG).title(LONG).width(300.0));
            }
        }
        let paths = vec![pairs.clone(), vec![], pairs[..1].to_vec()];
        let figure = Trajectories::new(paths).ends(LONG, LONG).title(LONG).labels(LONG, LONG);
        assert_tidy(name, &figure);
    }
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let unit = (0.0, 1.0);
    assert!(matches!(
        VectorGrid::new(&[[1.0; 2]], [1, 1], unit, unit),
        Err(PlotError::Size { .. })
    ));
    let empty = |paths| matches!(Trajectories::new(paths).scene(), Err(PlotError::Empty { .. }));
    assert!(empty(vec![]) && empty(vec![vec![], vec![]]) && empty(vec![vec![[f64::NAN; 2]; 3]]));
    for (first, last) in [(0.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        let figure = Trajectories::new(vec![vec![[0.0; 2], [1.0; 2]]]).times(first, last);
        assert!(matches!(figure.scene(), Err(PlotError::Range { .. })));
    }
    let line = Points::new(&[1.0], 1).unwrap();
    let field = VectorGrid::new(&[[1.0; 2]; 4], [2, 2], unit, unit).unwrap();
    let map = FieldMap::new(field).points(line);
    assert!(matches!(map.scene(), Err(PlotError::Size { .. })));
}

#[test]
fn colours_of_signed_values_are_neutral_at_zero_and_symmetric() {
    let wave = |shift: f64| {
        let values: Vec<f64> = (0..400).map(|k| f64::from(k % 20) - shift).collect();
        Grid::new(&values, [20, 20], (0.0, 1.0), (0.0, 1.0)).unwrap()
    };
    let pixel = |grid: Grid, column: f64| {
        let scene = ScalarMap::new(grid).scene().unwrap();
        let image = scene.marks.iter().find_map(|mark| match mark {
            Mark::Image { picture, .. } => Some(picture.clone()),
            _ => None,
        });
        let image = image.unwrap();
        image.pixel((column * f64::from(image.width())) as u32, 3).unwrap()
    };
    // From −4 to 15: zero does not lie in the middle.
    let neutral = Theme::light().signed().at(0.5);
    let near = |rgb: [u8; 3], to: Colour| rgb.iter().zip(to.rgb).all(|(a, b)| a.abs_diff(b) < 5);
    assert!(near(pixel(wave(4.0), 4.0 / 19.0), neutral));
    assert!(near(pixel(wave(4.0), 0.999), Theme::light().signed().at(1.0)));
    assert!(near(pixel(wave(4.0), 0.0), Theme::light().signed().at(0.5 - 2.0 / 15.0)));
}

#[test]
fn rare_huge_values_lie_beyond_a_pointed_end() {
    let mut values = vec![-1.0; 400];
    values[7] = 1e9;
    let grid = Grid::new(&values, [20, 20], (0.0, 1.0), (0.0, 1.0)).unwrap();
    let map = ScalarMap::new(grid);
    assert_eq!(polygons(&map.scene().unwrap()).len(), 1);
    assert_eq!(polygons(&map.clone().limit(0.5).scene().unwrap()).len(), 2);
    assert_eq!(polygons(&map.limit(1e9).scene().unwrap()).len(), 0);
}

#[test]
fn trajectories_mark_both_ends_and_say_what_they_leave_out() {
    let path = |k: usize| vec![[0.0, k as f64], [1.0, k as f64 + 0.5], [2.0, k as f64]];
    let figure = Trajectories::new((0..1200).map(path).collect()).ends("latent", "data");
    assert_tidy("many", &figure);
    let svg = figure.scene().unwrap().svg().unwrap();
    assert!(svg.contains("400 of 1200 paths") && svg.contains("latent") && svg.contains("data"));
    let scene = Trajectories::new((0..3).map(path).collect()).scene().unwrap();
    let starts = scene.marks.iter().rev().find_map(|mark| match mark {
        Mark::Dots { points, .. } => Some(points.len()),
        _ => None,
    });
    // A diamond and its halo for each end, one more in the legend.
    assert_eq!((starts, polygons(&scene).len()), (Some(3), 7));
}

#[test]
fn six_stages_stand_in_two_rows_of_three() {
    let stage = |k: usize| Stage::new(&format!("t = {k}")).lines(latent_grid(2.0, 3, 9));
    let figure = FlowStages::new((0..6).map(stage).collect()).common_axes();
    assert_tidy("six", &figure);
    let (width, height) = figure.scene().unwrap().size();
    assert!((0.6..0.8).contains(&(height / width)), "{width} {height}");
}
