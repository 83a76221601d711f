//! Draws figures from made-up numbers: `cargo run --example specimen -- FOLDER`.

use std::f64::consts::PI;
use std::path::{Path, PathBuf};

use diffeo_plots::{
    Corner, DensityCurve, DensityMap, FieldMap, FieldStyle, Figure, FlowStages, Grid, Points,
    Result, Samples, ScalarMap, Stage, Theme, Training, Trajectories, VectorGrid, latent_grid,
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

    fn moon(&mut self, noise: f64) -> [f64; 2] {
        let angle = PI * self.uniform();
        let [x, y] = moon_centre(angle, self.uniform() < 0.5);
        [x + noise * self.normal(), y + noise * self.normal()]
    }
}

fn moon_centre(angle: f64, upper: bool) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    if upper { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
}

/// Density of two moons blurred by normal noise, the arcs taken as 200 points each.
fn moons_density(x: f64, y: f64, noise: f64) -> f64 {
    let at = |k: usize| {
        let [a, b] = moon_centre(PI * (k / 2) as f64 / 199.0, k.is_multiple_of(2));
        (-0.5 * ((x - a).powi(2) + (y - b).powi(2)) / noise.powi(2)).exp()
    };
    (0..400).map(at).sum::<f64>() / 400.0 / (2.0 * PI * noise.powi(2))
}

fn moons(n: usize, noise: f64, seed: u64) -> Result<Points> {
    let mut random = Random(seed);
    let rows: Vec<f64> = (0..n).flat_map(|_| random.moon(noise)).collect();
    Points::new(&rows, 2)
}

fn density(theme: Theme) -> Result<DensityMap> {
    let (nx, ny) = (180, 140);
    let place =
        |k: usize, n: usize, low: f64, high: f64| low + (high - low) * k as f64 / (n - 1) as f64;
    let value =
        |k: usize| moons_density(place(k % nx, nx, -1.6, 2.6), place(k / nx, ny, -1.2, 1.7), 0.15);
    let values: Vec<f64> = (0..nx * ny).map(value).collect();
    let grid = Grid::new(&values, [nx, ny], (-1.6, 2.6), (-1.2, 1.7))?;
    Ok(DensityMap::new(grid).title("two moons").labels("x₁", "x₂").equal_aspect().theme(theme))
}

fn samples(n: usize, theme: Theme) -> Result<Samples> {
    let (data, model) = (moons(n, 0.1, 1)?, moons(n, 0.16, 2)?);
    let figure = Samples::new("data", data).beside("model", model).labels("x₁", "x₂");
    Ok(figure.title("two moons, spline flow").equal_aspect().theme(theme))
}

fn curve(theme: Theme) -> Result<DensityCurve> {
    let mut random = Random(3);
    let data: Vec<f64> = (0..2000)
        .map(|_| {
            if random.uniform() < 0.35 {
                -2.0 + 0.5 * random.normal()
            } else {
                1.0 + random.normal()
            }
        })
        .collect();
    let bell =
        |x: f64, m: f64, s: f64| (-0.5 * ((x - m) / s).powi(2)).exp() / (s * (2.0 * PI).sqrt());
    let truth = |x: f64| 0.35 * bell(x, -2.0, 0.5) + 0.65 * bell(x, 1.0, 1.0);
    let model = |x: f64| 0.33 * bell(x, -1.95, 0.58) + 0.67 * bell(x, 1.0, 1.05);
    let points = |f: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
        (0..300).map(|k| -4.5 + 9.5 * f64::from(k) / 299.0).map(|x| (x, f(x))).collect()
    };
    let figure = DensityCurve::new("model", &points(&model)).reference("truth", &points(&truth));
    Ok(figure.data(&data)?.title("bimodal toy").label("temperature (K)").theme(theme))
}

fn corner(d: usize, theme: Theme) -> Result<Corner> {
    let table = |n: usize, seed: u64, blur: f64| {
        let mut random = Random(seed);
        let mut rows = Vec::new();
        for _ in 0..n {
            let [x, y] = random.moon(0.1 + blur);
            let z = 0.8 * x + 0.4 * random.normal();
            let mut row = vec![x, y, z, 2000.0 * (0.5 * random.normal() + 0.3 * y).exp()];
            while row.len() < d {
                row.push(random.normal() + 0.5 * row[row.len() - 4]);
            }
            rows.extend(row.into_iter().take(d));
        }
        Points::new(&rows, d)
    };
    let known = ["x₁", "x₂", "redshift", "luminosity"];
    let name = |j: usize| known.get(j).map_or(format!("column {j}"), |n| (*n).to_owned());
    let names: Vec<String> = (0..d).map(name).collect();
    let figure = Corner::new(&names, table(4000, 4, 0.0)?)?.model(table(4000, 5, 0.05)?)?;
    Ok(figure.title("galaxies").theme(theme))
}

fn training(theme: Theme) -> Training {
    let mut random = Random(6);
    let mean = |s: f64| 2.1 + 1.2 * (-s / 600.0).exp() + 400.0 * (-s / 8.0).exp();
    let train: Vec<(f64, f64)> =
        (0..5000).map(f64::from).map(|s| (s, mean(s) + 0.12 * random.normal())).collect();
    let held_out: Vec<(f64, f64)> = (0..=50)
        .map(|k| 100.0 * f64::from(k))
        .map(|s| (s, mean(s) + 0.06 + (s / 9000.0).powi(2) + 0.01 * random.normal()))
        .collect();
    let rate: Vec<(f64, f64)> = train
        .iter()
        .map(|&(s, _)| (s, 5e-4 * (1.0 + (PI * s / 5000.0).cos()) * (s / 200.0).min(1.0)))
        .collect();
    let figure = Training::new(&train).held_out(&held_out).learning_rate(&rate);
    figure.title("two moons, spline flow").theme(theme)
}

fn flow(stages: usize, theme: Theme) -> FlowStages {
    // Two shears and a squeeze: invertible for every t.
    let bend = |[x, y]: [f64; 2], t: f64| {
        let u = x + 0.5 * t * (1.1 * y).sin();
        let v = y * (1.0 - 0.3 * t) + t * (0.6 * (1.2 * u).sin() + 0.1 * u * u);
        [u, v]
    };
    let mut random = Random(7);
    let latent: Vec<[f64; 2]> = (0..3000).map(|_| [random.normal(), random.normal()]).collect();
    let grid = latent_grid(3.0, 13, 150);
    let stage = |k: usize| {
        let t = k as f64 / (stages - 1) as f64;
        let name = match k {
            0 => "latent".to_owned(),
            k if k + 1 == stages => "data".to_owned(),
            _ => format!("t = {t:.2}"),
        };
        let lines = grid.iter().map(|l| l.iter().map(|&p| bend(p, t)).collect()).collect();
        Stage::new(&name).lines(lines).points(latent.iter().map(|&p| bend(p, t)).collect())
    };
    FlowStages::new((0..stages).map(stage).collect())
        .title("a latent grid in data space")
        .theme(theme)
}

/// The mean of eight directions, weighted by how close their centres on a ring are.
fn pull([x, y]: [f64; 2], width: f64) -> [f64; 2] {
    let (mut sum, mut weights) = ([0.0; 2], 1e-300);
    for k in 0..8 {
        let (sin, cos) = (0.25 * PI * f64::from(k)).sin_cos();
        let (dx, dy) = (2.0 * cos - x, 2.0 * sin - y);
        let weight = (-0.5 * (dx * dx + dy * dy) / (width * width)).exp();
        sum = [sum[0] + weight * dx, sum[1] + weight * dy];
        weights += weight;
    }
    sum.map(|s| s / weights / (width * width))
}

fn place(k: usize) -> [f64; 2] {
    [k % 81, k / 81].map(|i| -3.5 + 7.0 * i as f64 / 80.0)
}

fn field(style: FieldStyle, theme: Theme) -> Result<FieldMap> {
    let vectors: Vec<[f64; 2]> = (0..81 * 81).map(|k| pull(place(k), 0.6)).collect();
    let field = VectorGrid::new(&vectors, [81, 81], (-3.5, 3.5), (-3.5, 3.5))?;
    let figure = FieldMap::new(field).style(style).labels("x₁", "x₂").value_label("|score|");
    Ok(figure.title("score of eight Gaussians").theme(theme))
}

fn divergence(theme: Theme) -> Result<ScalarMap> {
    let slope = |k: usize| {
        let ([x, y], h) = (place(k), 1e-3);
        let dx = pull([x + h, y], 0.6)[0] - pull([x - h, y], 0.6)[0];
        let dy = pull([x, y + h], 0.6)[1] - pull([x, y - h], 0.6)[1];
        (dx + dy) / (2.0 * h)
    };
    let values: Vec<f64> = (0..81 * 81).map(slope).collect();
    let grid = Grid::new(&values, [81, 81], (-3.5, 3.5), (-3.5, 3.5))?;
    let figure = ScalarMap::new(grid).labels("x₁", "x₂").value_label("div v");
    Ok(figure.title("divergence of the score").theme(theme))
}

fn trajectories(theme: Theme) -> Trajectories {
    let mut random = Random(8);
    let path = |_| {
        let mut path = vec![[random.normal(), random.normal()]];
        for step in 0..100 {
            let ([x, y], t) = (path[step], 1.0 - step as f64 / 100.0);
            let [dx, dy] = pull([x, y], 0.3 + 0.9 * t);
            path.push([x + 0.04 * (dx - 0.6 * t * y), y + 0.04 * (dy + 0.6 * t * x)]);
        }
        path
    };
    let figure = Trajectories::new((0..120).map(path).collect()).times(1.0, 0.0);
    let figure = figure.ends("latent (t = 1)", "data (t = 0)").labels("x₁", "x₂");
    figure.title("a flow to eight Gaussians").theme(theme)
}

fn draw_all(folder: &Path, theme: &Theme, suffix: &str) -> Result<()> {
    let path =
        |name: &str, kind: &str| -> PathBuf { folder.join(format!("{name}{suffix}.{kind}")) };
    let theme = || theme.clone();
    for kind in ["png", "svg"] {
        density(theme())?.save(path("density", kind))?;
        samples(2000, theme())?.save(path("samples", kind))?;
        samples(50_000, theme())?.save(path("samples_many", kind))?;
        samples(200_000, theme())?.save(path("samples_shaded", kind))?;
        curve(theme())?.save(path("density_1d", kind))?;
        corner(4, theme())?.save(path("corner", kind))?;
        corner(43, theme())?.save(path("corner_many", kind))?;
        training(theme()).save(path("training", kind))?;
        flow(2, theme()).save(path("flow", kind))?;
        field(FieldStyle::Arrows, theme())?.save(path("field", kind))?;
        field(FieldStyle::Streamlines, theme())?.save(path("streamlines", kind))?;
        divergence(theme())?.save(path("divergence", kind))?;
        trajectories(theme()).save(path("trajectories", kind))?;
        flow(4, theme()).common_axes().save(path("flow_strip", kind))?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    draw_all(&folder, &Theme::light(), "")?;
    draw_all(&folder, &Theme::dark(), "_dark")
}
