//! A conditional density p(y | x), read at three x: `cargo run --release --example conditional`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use diffeo::flows::Workers;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Quiet;
use diffeo::plots::{DensityCurve, Figure};
use rand::Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // y = ±x plus noise that grows with x: one hump on the left, two on the right.
    let mut rng = generator(0, Stream::Sample, 0);
    let mut noise = move |width: f64| width * (rng.random::<f64>() + rng.random::<f64>() - 1.0);
    let x: Vec<f64> = (0..4_000).map(|i| f64::from(i % 1_000) / 250.0).collect();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 2 == 0 { *x } else { -x } + noise(0.3 + 0.2 * x))
        .collect();
    let rows = Rows::new(1, y)?.with_context(1, x)?;

    let mut fit = Fit::new("nsf-ar")?;
    fit.config.steps = 600;
    let workers = Workers::new(2)?;
    let parts = Parts { train: &rows, valid: None, test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;

    let grid: Vec<f64> = (0..400).map(|i| -6.0 + 0.03 * f64::from(i)).collect();
    let mut figure: Option<DensityCurve> = None;
    for x in [0.2, 2.0, 3.8] {
        let at = Rows::new(1, grid.clone())?.with_context(1, vec![x; grid.len()])?;
        let log_prob = model.log_prob_rows(&at, &workers)?;
        let mass: f64 = log_prob.iter().map(|l| 0.03 * l.exp()).sum();
        println!("x = {x}: the density integrates to {mass:.3}");
        let curve: Vec<(f64, f64)> =
            grid.iter().copied().zip(log_prob.iter().map(|l| l.exp())).collect();
        let name = format!("x = {x}");
        figure = Some(match figure {
            None => DensityCurve::new(&name, &curve),
            Some(figure) => figure.curve(&name, &curve),
        });
    }
    std::fs::create_dir_all("target/pictures")?;
    if let Some(figure) = figure {
        figure.title("p(y | x)").label("y").save("target/pictures/conditional.png")?;
    }
    Ok(())
}
