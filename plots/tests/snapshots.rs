//! Compares small figures of every kind with pictures in `tests/snapshots`.
//!
//! `DIFFEO_SNAPSHOTS=write cargo test --release -p diffeo-plots --test snapshots` draws them anew; look at
//! what changed before it is committed.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

use diffeo_plots::{
    Calibration, Corner, DensityCurve, DensityMap, Distance, FieldMap, FieldPanel, FieldPanels,
    FieldStyle, Figure, FlowStages, Grid, Picture, Points, Residuals, Samples, ScalarMap, Scene,
    Scores, Stage, Surface, Theme, Training, Trajectories, VectorGrid, latent_grid,
};

/// Grey levels that the channels of all but 0.5 % of the pixels may be off, and all on average: other
/// processors round sines and roots otherwise, which moves an edge by a hundredth of a pixel.
const HIGH: f64 = 4.0;
const MEAN: f64 = 0.25;
const WIDTH: f64 = 260.0;

fn theme(theme: Theme, width: f64) -> Theme {
    let mut theme = theme;
    (theme.pixel_ratio, theme.width) = (1, Some(width));
    theme
}

fn light() -> Theme {
    theme(Theme::light(), WIDTH)
}

/// Numbers that fill [0, 1) evenly, and normal ones made of them.
fn uniform(k: usize) -> f64 {
    (0.5 + 0.618_033_988_75 * k as f64).fract()
}

fn normal(k: usize) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(k)).ln()).sqrt();
    radius * (std::f64::consts::TAU * (0.754_877_666 * k as f64).fract()).cos()
}

fn plane(n: usize) -> Points {
    let rows: Vec<f64> =
        (0..n).flat_map(|k| [normal(k), normal(k).powi(2) + normal(k + n)]).collect();
    Points::new(&rows, 2).unwrap()
}

fn grid(f: impl Fn(f64, f64) -> f64) -> Grid {
    let node = |k: usize| -3.0 + 6.0 * k as f64 / 40.0;
    let values: Vec<f64> = (0..41 * 41).map(|k| f(node(k % 41), node(k / 41))).collect();
    Grid::new(&values, [41, 41], (-3.0, 3.0), (-3.0, 3.0)).unwrap()
}

fn banana() -> Grid {
    grid(|x, y| (-0.5 * (x * x + (y - 0.5 * x * x + 1.0).powi(2) / 0.3)).exp())
}

fn turning(rate: f64) -> VectorGrid {
    let node = |k: usize| -3.0 + 6.0 * k as f64 / 20.0;
    let at = |k: usize| [-node(k / 21), rate * node(k % 21)];
    let vectors: Vec<[f64; 2]> = (0..21 * 21).map(at).collect();
    VectorGrid::new(&vectors, [21, 21], (-3.0, 3.0), (-3.0, 3.0)).unwrap()
}

fn bell() -> Vec<(f64, f64)> {
    (-40..=40).map(|k| f64::from(k) / 10.0).map(|x| (x, (-0.5 * x * x).exp() / 2.5066)).collect()
}

fn curve() -> DensityCurve {
    let values: Vec<f64> = (0..200).map(normal).collect();
    let curve = DensityCurve::new("model", &bell()).data(&values).unwrap();
    curve.regions(&[0.5, 0.8, 0.95]).label("x").theme(light())
}

fn maps() -> Vec<(&'static str, Scene)> {
    let density = DensityMap::new(banana()).title("density").labels("x₁", "x₂").equal_aspect();
    let signed = ScalarMap::new(grid(|x, y| x * y.cos())).density(banana()).value_label("div v");
    let unsigned = ScalarMap::new(grid(f64::hypot)).unsigned().value_label("σ");
    let surface = Surface::new(grid(|x, y| x * x + y * y)).floor_contours().value_label("E");
    let field = FieldMap::new(turning(1.0)).density(banana()).value_label("|v|");
    let panels = vec![FieldPanel::new("a", turning(1.0)), FieldPanel::new("b", turning(0.5))];
    let panels =
        FieldPanels::new(panels).difference("a − b", "|Δ|").theme(theme(Theme::light(), 400.0));
    vec![
        ("density", density.clone().theme(light()).scene().unwrap()),
        (
            "density-log-dark",
            density.logarithmic(12.0).theme(theme(Theme::dark(), WIDTH)).scene().unwrap(),
        ),
        ("scalar", signed.clone().theme(light()).scene().unwrap()),
        ("scalar-dark", signed.theme(theme(Theme::dark(), WIDTH)).scene().unwrap()),
        ("scalar-unsigned", unsigned.theme(light()).scene().unwrap()),
        ("surface", surface.theme(light()).scene().unwrap()),
        ("field", field.clone().theme(light()).scene().unwrap()),
        ("streamlines", field.style(FieldStyle::Streamlines).theme(light()).scene().unwrap()),
        ("field-panels", panels.scene().unwrap()),
    ]
}

fn samples() -> Vec<(&'static str, Scene)> {
    let two = Samples::new("data", plane(300)).beside("model", plane(200)).labels("x₁", "x₂");
    let three: Vec<f64> = (0..300).flat_map(|k| [normal(k), uniform(k), normal(k + 7)]).collect();
    let three = Points::new(&three, 3).unwrap();
    let corner = Corner::new(&["mass", "λ", "漢"], three.clone()).unwrap().model(three).unwrap();
    let points = plane(300);
    let bins = vec![1.0 / 144.0; 144];
    let residuals = Residuals::new(&points, &bins, [12, 12], (-3.0, 3.0), (-2.0, 5.0)).unwrap();
    let ranks: Vec<f64> = (0..400).map(|k| uniform(k).powf(1.15)).collect();
    let calibration = Calibration::new(&ranks).unwrap().column("x₁", &ranks).unwrap();
    vec![
        ("curve", curve().title("curve").scene().unwrap()),
        ("curve-log", curve().logarithmic(8.0).scene().unwrap()),
        ("samples", two.theme(theme(Theme::light(), 320.0)).scene().unwrap()),
        ("corner", corner.theme(theme(Theme::light(), 320.0)).scene().unwrap()),
        ("residuals", residuals.theme(theme(Theme::light(), 460.0)).scene().unwrap()),
        ("calibration", calibration.theme(theme(Theme::light(), 520.0)).scene().unwrap()),
    ]
}

fn runs() -> Vec<(&'static str, Scene)> {
    let losses: Vec<(f64, f64)> =
        (0..200).map(|k| (k as f64, 2.0 + (-(k as f64) / 30.0).exp() + 0.05 * normal(k))).collect();
    let training = Training::new(&losses).held_out(&[(0.0, 3.1), (100.0, 2.2), (199.0, 2.1)]);
    let training = training.learning_rate(&[(0.0, 1e-3), (199.0, 0.0)]);
    let bent = |line: &Vec<[f64; 2]>| line.iter().map(|&[x, y]| [x, y + 0.3 * x * x]).collect();
    let lines = latent_grid(3.0, 7, 30);
    let image = lines.iter().map(bent).collect();
    let coloured = (0..200).map(|k| ([normal(k), normal(k + 200)], uniform(k))).collect();
    let stages =
        vec![Stage::new("latent").lines(lines).coloured(coloured), Stage::new("data").lines(image)];
    let path = |k: usize| {
        (0..30).map(move |s| {
            let (angle, radius) = (k as f64 + 0.1 * f64::from(s), 2.0 - 0.05 * f64::from(s));
            [radius * angle.cos(), radius * angle.sin()]
        })
    };
    let paths = Trajectories::new((0..12).map(|k| path(k).collect()).collect());
    let rows = |shift: f64, size: f64| {
        (0..100).map(|k| shift + normal(k) + size * normal(k + 100)).collect::<Vec<_>>()
    };
    let scores = Scores::new("spline", &rows(-1.2, 0.0)).model("affine", &rows(-1.5, 0.5));
    vec![
        (
            "training",
            training.evaluations(&[(0.0, 20.0), (199.0, 62.0)]).theme(light()).scene().unwrap(),
        ),
        ("flow", FlowStages::new(stages).theme(theme(Theme::light(), 320.0)).scene().unwrap()),
        ("trajectories", paths.theme(light()).scene().unwrap()),
        (
            "scores",
            scores
                .model("β flow", &rows(-1.9, 1.0))
                .theme(theme(Theme::light(), 420.0))
                .scene()
                .unwrap(),
        ),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// What is wrong with a picture, in words.
fn difference(picture: &Picture, path: &Path) -> Option<String> {
    let Ok(bytes) = fs::read(path) else { return Some("there is no snapshot".into()) };
    match Picture::from_png(&bytes).and_then(|before| before.distance(picture, 1)) {
        Ok(Distance { mean, high }) => {
            (high > HIGH || mean > MEAN).then(|| format!("off by {high}, {mean:.3} on average"))
        }
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn figures_look_as_they_did() {
    let rewrite = std::env::var("DIFFEO_SNAPSHOTS").is_ok_and(|value| value == "write");
    let mut wrong = Vec::new();
    let all: Vec<_> = [maps(), samples(), runs()].into_iter().flatten().collect();
    for (name, scene) in &all {
        let (path, picture) = (folder().join(format!("{name}.png")), scene.picture().unwrap());
        if rewrite {
            scene.save(&path).unwrap();
        } else if let Some(what) = difference(&picture, &path) {
            let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
            scene.save(&actual).unwrap();
            wrong.push(format!("{name}: {what}; see {}", actual.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), all.len(), "a snapshot of no figure is left");
    let size: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(size < 400_000, "the snapshots have {size} bytes");
}

#[test]
fn a_moved_line_is_a_difference() {
    let scene = curve().scene().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curve.png");
    scene.save(&path).unwrap();
    assert_eq!(difference(&scene.picture().unwrap(), &path), None);
    let moved: Vec<_> = bell().into_iter().map(|(x, p)| (x + 0.1, p)).collect();
    let values: Vec<f64> = (0..200).map(normal).collect();
    let moved = DensityCurve::new("model", &moved).data(&values).unwrap();
    let moved = moved.regions(&[0.5, 0.8, 0.95]).label("x").theme(light());
    assert!(difference(&moved.picture().unwrap(), &path).is_some());
}
