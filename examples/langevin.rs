//! Samples a density known up to a constant: `cargo run --release --example langevin`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::{Device, Tensor};
use diffeo::flows::densities::StandardNormal;
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::score::diagnostics::{
    DiscrepancyOptions, SteinFamily, kernel_stein_discrepancy, stein_identity, stein_summary,
};
use diffeo::flows::score::{
    FromLogProb, Langevin, SteinDescent, StepRule, Target, metropolis_adjusted_langevin,
    stein_variational,
};
use diffeo::flows::{Density, Result, Workers};
use diffeo::plots::{FieldMap, Figure, Grid, Points, VectorGrid};

const SIZE: usize = 121;
const REACH: f64 = 3.2;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    // A tilted ring: log p = −(‖x‖² − 4)² / 4 + x₁ / 2 + constant.
    let ring = FromLogProb::new(2, |x: &Tensor| {
        let tilt = x.narrow(1, 0, 1)?.squeeze(1)?.affine(0.5, 0.0)?;
        Ok((tilt - x.sqr()?.sum(1)?.affine(1.0, -4.0)?.sqr()?.affine(0.25, 0.0)?)?)
    });
    let rng = &mut generator(0, Stream::Sample, 0);
    let start = StandardNormal::new(2).sample(1000, None, rng)?;
    let chains = metropolis_adjusted_langevin(&ring, &start, Langevin::new(0.08, 1500), rng)?;
    if let Some(rate) = chains.acceptance {
        println!("MALA: {:.3} ± {:.4} of the proposals taken", rate.mean, rate.standard_error);
    }
    report("MALA", &ring, &chains.last)?;
    // Particles repel each other: more regular than a sample, so that no test refuses them.
    let config = SteinDescent { steps: 500, rule: StepRule::AdaGrad(0.1) };
    let particles = stein_variational(&ring, &start.narrow(0, 0, 300)?, config)?;
    report("SVGD", &ring, &particles)?;

    let node = |k: usize| REACH * (2.0 * k as f64 / (SIZE - 1) as f64 - 1.0);
    let nodes = (0..SIZE * SIZE).flat_map(|k| [node(k % SIZE), node(k / SIZE)]).collect();
    let nodes = Tensor::from_vec(nodes, (SIZE * SIZE, 2), &Device::Cpu)?;
    let (log_prob, score) = ring.log_prob_and_score(&nodes)?;
    let (size, range) = ([SIZE, SIZE], (-REACH, REACH));
    let density = Grid::from_log_density(&log_prob.to_vec1::<f64>()?, size, range, range)?;
    // Scores far from the ring are a hundred times those on it: shortened, all can be seen.
    let length = score.sqr()?.sum_keepdim(1)?.affine(1.0, 1.0)?.sqrt()?;
    let arrows = score.broadcast_div(&length)?.to_vec2::<f64>()?;
    let arrows: Vec<[f64; 2]> = arrows.iter().map(|s| [s[0], s[1]]).collect();
    let field = FieldMap::new(VectorGrid::new(&arrows, size, range, range)?)
        .density_contours(density)
        .points(Points::new(&entries(&chains.last)?, 2)?)
        .title("a tilted ring: its score and Langevin samples")
        .value_label("|s| / √(1 + |s|²)")
        .labels("x₁", "x₂");
    std::fs::create_dir_all("target/pictures")?;
    field.save("target/pictures/langevin.png")?;
    Ok(())
}

fn report(name: &str, target: &dyn Target, x: &Tensor) -> Result<()> {
    let (points, score) = (entries(x)?, entries(&target.score(x)?)?);
    let rng = &mut generator(0, Stream::Evaluation, 0);
    let all = stein_summary(&stein_identity(&points, &score, 2, SteinFamily::default(), rng)?);
    let (options, workers) = (DiscrepancyOptions::default(), Workers::new(2)?);
    let test = kernel_stein_discrepancy(&points, &score, 2, options, &workers, rng)?;
    println!("{name}: {} Stein tests, {:.3} beyond 2", all.tests, all.share_beyond_two);
    println!("  largest |z| {:.2}, corrected p-value {:.3}", all.largest, all.p_value);
    println!("  kernel Stein discrepancy² {:.4}, p-value {:.3}", test.squared, test.p_value);
    Ok(())
}

fn entries(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}
