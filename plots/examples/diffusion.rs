//! Draws figures of diffusion and energy models from made-up numbers:
//! `cargo run --release --example diffusion -- FOLDER`.

use std::f64::consts::PI;
use std::path::PathBuf;
use std::time::Duration;

use diffeo_plots::{
    Animation, FieldPanel, FieldPanels, FieldStyle, Figure, FlowStages, Grid, Points, Result,
    ScalarMap, Stage, Surface, Theme, VectorGrid,
};

/// A small generator of uniform and normal numbers (Steele et al. 2014, `SplitMix64`).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (2.0 * PI * self.uniform()).cos()
    }
}

/// Standard deviation of each of eight Gaussians on a ring of radius 2.
const NARROW: f64 = 0.18;
/// Noise of the first and the last stage.
const NOISE: (f64, f64) = (3.0, 0.02);
const AXES: (f64, f64) = (-4.0, 4.0);

fn centre(k: u32) -> [f64; 2] {
    let (sin, cos) = (0.25 * PI * f64::from(k)).sin_cos();
    [2.0 * cos, 2.0 * sin]
}

/// Density and score of eight Gaussians after noise of standard deviation `sigma`.
fn noisy([x, y]: [f64; 2], sigma: f64) -> (f64, [f64; 2]) {
    let variance = NARROW.powi(2) + sigma.powi(2);
    let (mut density, mut sum) = (1e-300, [0.0; 2]);
    for [a, b] in (0..8).map(centre) {
        let (dx, dy) = (a - x, b - y);
        let weight = (-0.5 * (dx * dx + dy * dy) / variance).exp();
        density += weight;
        sum = [sum[0] + weight * dx, sum[1] + weight * dy];
    }
    (density / (16.0 * PI * variance), sum.map(|s| s / density / variance))
}

fn place(k: usize, n: usize) -> [f64; 2] {
    [k % n, k / n].map(|i| AXES.0 + (AXES.1 - AXES.0) * i as f64 / (n - 1) as f64)
}

fn density(sigma: f64) -> Result<Grid> {
    let values: Vec<f64> = (0..121 * 121).map(|k| noisy(place(k, 121), sigma).0).collect();
    Grid::new(&values, [121, 121], AXES, AXES)
}

fn score(sigma: f64, error: f64) -> Result<VectorGrid> {
    let at = |k: usize| {
        let ([x, y], (_, [a, b])) = (place(k, 81), noisy(place(k, 81), sigma));
        [a + error * (1.7 * y).sin(), b + error * (1.3 * x * y).cos()]
    };
    VectorGrid::new(&(0..81 * 81).map(at).collect::<Vec<_>>(), [81, 81], AXES, AXES)
}

/// Samples at time `t` from 0 (noise) to 1 (data).
fn samples(n: u32, t: f64) -> Result<(f64, Points)> {
    let mut random = Random(3);
    let sigma = NOISE.0 * (NOISE.1 / NOISE.0).powf(t);
    let mut rows = Vec::new();
    for k in 0..n {
        let drawn = centre(k % 8).map(|c| c + NARROW * random.normal());
        rows.extend(drawn.map(|c| c + sigma * random.normal()));
    }
    Ok((sigma, Points::new(&rows, 2)?))
}

fn strip(panels: u32, theme: Theme) -> Result<FlowStages> {
    let stage = |k: u32| {
        let (sigma, points) = samples(2000, f64::from(k) / f64::from(panels - 1))?;
        Ok(Stage::new(&format!("σ = {sigma:.2}")).density(density(sigma)?).samples(points))
    };
    let stages = (0..panels).map(stage).collect::<Result<_>>()?;
    let figure = FlowStages::new(stages).axes(AXES, AXES).labels("x₁", "x₂");
    Ok(figure.title("from noise to eight Gaussians").theme(theme))
}

/// Samples on their way from noise to data, 60 frames of about 480 × 480 pixels.
fn film(theme: &Theme) -> Result<Animation> {
    let frame = |k: u32| {
        let (sigma, points) = samples(2000, f64::from(k) / 59.0)?;
        let stage = Stage::new(&format!("σ = {sigma:.2}")).samples(points);
        let figure = FlowStages::new(vec![stage]).axes(AXES, AXES).labels("x₁", "x₂");
        figure.width(480.0).theme(theme.clone()).scene()
    };
    let frames = (0..60).map(frame).collect::<Result<_>>()?;
    Ok(Animation::new(frames).hold(Duration::from_secs(2)))
}

fn levels(theme: Theme) -> Result<FieldPanels> {
    let panel = |sigma: f64| {
        let panel = FieldPanel::new(&format!("σ = {sigma}"), score(sigma, 0.0)?);
        Ok(panel.density(density(sigma)?))
    };
    let panels = [0.2, 0.5, 1.0, 2.0].into_iter().map(panel).collect::<Result<_>>()?;
    let figure = FieldPanels::new(panels).value_label("‖score‖").labels("x₁", "x₂");
    Ok(figure.title("score of eight noisy Gaussians").theme(theme))
}

fn comparison(theme: Theme) -> Result<FieldPanels> {
    let panel = |name: &str, error: f64| {
        Ok(FieldPanel::new(name, score(0.5, error)?).density(density(0.5)?))
    };
    let panels = vec![panel("exact", 0.0)?, panel("model", 0.6)?];
    let figure = FieldPanels::new(panels).value_label("‖score‖").labels("x₁", "x₂");
    let figure = figure.difference("difference", "‖Δ score‖");
    Ok(figure.title("score at σ = 0.5").theme(theme))
}

fn curl(theme: Theme) -> Result<ScalarMap> {
    let value = |k: usize| {
        let [x, y] = place(k, 121);
        // ∂₁v₂ − ∂₂v₁ of the error of the model.
        -0.6 * (1.3 * y * (1.3 * x * y).sin() + 1.7 * (1.7 * y).cos())
    };
    let values: Vec<f64> = (0..121 * 121).map(value).collect();
    let grid = Grid::new(&values, [121, 121], AXES, AXES)?;
    let figure = ScalarMap::new(grid).density(density(0.5)?).value_label("curl");
    Ok(figure.title("curl of the model").labels("x₁", "x₂").theme(theme))
}

/// The energy of a tilted double well.
fn surface(theme: Theme) -> Result<Surface> {
    let energy = |k: usize| {
        let [x, y] = place(k, 101).map(|v| 0.5 * v);
        2.0 * (x * x - 1.0).powi(2) + y * y + 0.4 * x
    };
    let values: Vec<f64> = (0..101 * 101).map(energy).collect();
    let grid = Grid::new(&values, [101, 101], (-2.0, 2.0), (-2.0, 2.0))?;
    let figure = Surface::new(grid).ceiling(5.0).value_label("energy").labels("x₁", "x₂");
    Ok(figure.title("a tilted double well").theme(theme))
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    for (theme, suffix) in [(Theme::light(), ""), (Theme::dark(), "_dark")] {
        film(&theme)?.save(folder.join(format!("film{suffix}.gif")), |_, _| ())?;
        for kind in ["png", "svg"] {
            let path = |name: &str| folder.join(format!("{name}{suffix}.{kind}"));
            let theme = || theme.clone();
            strip(4, theme())?.save(path("strip"))?;
            strip(6, theme())?.save(path("strip_wrapped"))?;
            levels(theme())?.save(path("levels"))?;
            levels(theme())?.own_scales().save(path("levels_own"))?;
            levels(theme())?.style(FieldStyle::Streamlines).save(path("levels_lines"))?;
            comparison(theme())?.save(path("comparison"))?;
            surface(theme())?.save(path("surface"))?;
            surface(theme())?.floor_contours().view(-50.0, 38.0).save(path("surface_floor"))?;
            curl(theme())?.save(path("curl"))?;
        }
    }
    Ok(())
}
