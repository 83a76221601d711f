//! Log-likelihoods from the library, from rows to a file and back:
//! `cargo run --release --example library_log_prob`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::Device;
use diffeo::flows::Workers;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::metrics::Estimate;
use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Quiet;
use diffeo::plots::{DensityCurve, Figure};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One column with two humps, in any units: here minutes.
    let minutes: Vec<f64> = (0..800)
        .map(|i| f64::from(i) * 0.618_034 % 1.0)
        .map(|u| if u < 0.4 { 55.0 + 10.0 * u } else { 70.0 + 30.0 * (u - 0.4) })
        .collect();
    let rows = Rows::new(1, minutes.clone())?;
    let workers = Workers::new(2)?;

    let mut fit = Fit::new("nsf-ar")?;
    fit.config.steps = 300;
    let parts = Parts { train: &rows, valid: None, test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;

    // One self-describing file; loading it gives the same density, bit for bit.
    std::fs::create_dir_all("target/pictures")?;
    model.save("target/pictures/minutes.safetensors")?;
    let model = Model::load("target/pictures/minutes.safetensors", &Device::Cpu)?;
    let log_prob = model.log_prob_rows(&rows, &workers)?;
    let mean = Estimate::of(&log_prob, None);
    println!("mean log-likelihood {:.3} ± {:.3} nats", mean.mean, mean.standard_error);
    let drawn = model.sample_rows(5, None, 7, &workers)?;
    println!("five samples {drawn:.1?}");

    let x: Vec<f64> = (0..400).map(|i| 50.0 + 0.1 * f64::from(i)).collect();
    let density = model.log_prob_rows(&Rows::new(1, x.clone())?, &workers)?;
    let curve: Vec<(f64, f64)> = x.into_iter().zip(density.iter().map(|l| l.exp())).collect();
    DensityCurve::new("model", &curve)
        .data(&minutes)?
        .label("minutes")
        .save("target/pictures/library_log_prob.png")?;
    Ok(())
}
