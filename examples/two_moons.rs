//! Fits two moons and draws the density: `cargo run --release --example two_moons`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use diffeo::flows::Workers;
use diffeo::flows::densities::Toy;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::metrics::kl_divergence;
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Quiet;
use diffeo::pictures::Studio;
use diffeo::plots::Theme;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two streams of one seed: rows to fit, and fresh rows to judge.
    let toy = Toy::named("two-moons")?;
    let draw = |n, stream| toy.sample_points(n, &mut generator(0, stream, 0));
    let train = Rows::new(2, draw(5_000, Stream::Sample).concat())?;
    let fresh = draw(10_000, Stream::Evaluation);

    let mut fit = Fit::new("nsf-gmm")?;
    fit.config.steps = 500;
    let workers = Workers::new(2)?;
    let parts = Parts { train: &train, valid: None, test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;

    let log_q = model.log_prob_rows(&Rows::new(2, fresh.concat())?, &workers)?;
    let log_p: Vec<f64> = fresh.iter().map(|x| toy.log_prob_at(*x)).collect();
    let kl = kl_divergence(&log_p, &log_q);
    println!("KL(truth ‖ model) = {:.4} ± {:.4} nats", kl.mean, kl.standard_error);

    let studio = Studio {
        model: &model,
        data: Some(&train),
        name: "two moons",
        workers: &workers,
        theme: Theme::light(),
    };
    std::fs::create_dir_all("target/pictures")?;
    studio.density()?.save("target/pictures/two_moons.png")?;
    Ok(())
}
