//! Saves figures and looks at the files.

use std::fs;

use diffeo_plots::{DensityMap, Figure, Grid, PlotError, Points, Samples, Theme, Training};

fn training() -> Training {
    Training::new(&[(0.0, 3.0), (10.0, 2.0), (20.0, 1.5)])
        .held_out(&[(0.0, 3.2), (20.0, 1.8)])
        .width(240.0)
}

fn density() -> Result<DensityMap, PlotError> {
    let node = |k: usize| -3.0 + 6.0 * k as f64 / 60.0;
    let log_density: Vec<f32> =
        (0..61 * 61).map(|k| -0.5 * (node(k % 61).powi(2) + node(k / 61).powi(2)) as f32).collect();
    let grid = Grid::from_log_density(&log_density, [61, 61], (-3.0, 3.0), (-3.0, 3.0))?;
    Ok(DensityMap::new(grid).labels("x₁", "x₂").equal_aspect().width(240.0))
}

#[test]
fn a_png_has_two_pixels_a_point() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("density.png");
    density().unwrap().save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (width, height) = density().unwrap().scene().unwrap().size();
    assert_eq!((f64::from(number(16)), f64::from(number(20))), (2.0 * width, 2.0 * height));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
}

#[test]
fn an_svg_is_small_and_names_its_size() {
    let svg = density().unwrap().scene().unwrap().svg().unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.len() < 2_000_000);
    let (width, height) = density().unwrap().scene().unwrap().size();
    assert!(svg.contains(&format!("width=\"{width}\" height=\"{height}\"")));
    assert_eq!(svg.matches("<svg").count(), 1);
    assert_eq!(svg.matches("data:image/png;base64,").count(), 2);
}

#[test]
fn many_dots_stay_below_two_megabytes() {
    let rows: Vec<f64> = (0..200_000).map(|k| (f64::from(k) * 0.618_033_988_7).fract()).collect();
    let points = Points::new(&rows[..100_000], 2).unwrap();
    let figure = Samples::new("data", points.clone()).beside("model", points);
    assert!(figure.scene().unwrap().svg().unwrap().len() < 2_000_000);
    let shaded = Samples::new("data", Points::new(&rows, 2).unwrap());
    assert!(shaded.scene().unwrap().svg().unwrap().contains("<image"));
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    for figure in [&training() as &dyn Figure, &density().unwrap()] {
        let scenes = [figure.scene().unwrap(), figure.scene().unwrap()];
        let [a, b] = scenes.map(|s| (s.svg().unwrap(), s.picture().unwrap().png().unwrap()));
        assert!(a == b);
    }
}

#[test]
fn the_middle_of_a_gaussian_is_bright_and_the_paper_is_paper() {
    for (theme, paper) in [(Theme::light(), [255; 3]), (Theme::dark(), [0x14, 0x17, 0x1C])] {
        let picture = density().unwrap().theme(theme).picture().unwrap();
        assert_eq!(picture.pixel(0, 0), Some(paper));
        assert_eq!(picture.pixel(picture.width() - 1, picture.height() - 1), Some(paper));
        let yellow = |p: &&[u8]| p[0] > 240 && p[1] > 220 && p[2] < 60;
        assert!(picture.pixels().chunks_exact(3).filter(yellow).count() > 100);
        assert_eq!(picture.pixel(picture.width(), 0), None);
    }
}

#[test]
fn errors_name_the_path_and_the_formats() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["figure.pdf", "figure", "figure.png.bak"] {
        let error = training().save(folder.path().join(name)).unwrap_err();
        assert!(matches!(error, PlotError::Extension { .. }));
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(".png or .svg"), "{text}");
    }
    let error = training().save(folder.path().join("missing/figure.png")).unwrap_err();
    assert!(matches!(error, PlotError::Io { .. }) && error.to_string().contains("missing"));
    fs::create_dir(folder.path().join("taken.svg")).unwrap();
    assert!(matches!(training().save(folder.path().join("taken.svg")), Err(PlotError::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
}

#[test]
fn saving_replaces_and_ignores_the_case_of_the_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Figur ä.PNG");
    fs::write(&path, "old").unwrap();
    training().save(&path).unwrap();
    assert!(fs::read(&path).unwrap().len() > 1000);
}
