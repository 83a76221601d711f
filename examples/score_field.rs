//! Learns the score of eight Gaussians and compares it with the exact one:
//! `cargo run --release --example score_field`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use diffeo::flows::Workers;
use diffeo::flows::densities::Toy;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::model::{FieldKind, ModelField};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use diffeo::flows::score::{Sampler, SamplerKind};
use diffeo::flows::train::Quiet;
use diffeo::plots::{FieldPanel, FieldPanels, FieldStyle, Figure, VectorGrid};

const SIZE: usize = 81;
const REACH: f64 = 3.5;
/// Noise levels of the panels, in standard deviations of the columns.
const LEVELS: [f64; 4] = [0.05, 0.2, 0.5, 1.5];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (toy, workers) = (Toy::named("eight-gaussians")?, Workers::new(2)?);
    let draw = |n, stream| toy.sample_points(n, &mut generator(0, stream, 0)).concat();
    let train = Rows::new(2, draw(10_000, Stream::Sample))?;

    let mut fit = Fit::new("score")?;
    fit.config.steps = 4_000;
    let parts = Parts { train: &train, valid: None, test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;

    for noise in [0.1, 0.3, 1.0] {
        let error = model.fisher_to_toy(&toy, noise, 2_000, 1, &workers)?.fisher.relative;
        let percent = 100.0 * error.mean;
        println!("noise {noise}: {percent:.1} % of the exact score's square is missed");
    }

    // The same samples by a stochastic walk and by the deterministic flow.
    let walk = Sampler { steps: 100, ..Sampler::new(SamplerKind::EulerMaruyama) };
    let walked = model.sample_rows_by(&walk, (0, 5_000), None, 0, &workers)?;
    let flowed = model.sample_rows(5_000, None, 0, &workers)?;
    for (name, rows) in [("walk", &walked), ("flow", &flowed)] {
        let radius = rows.chunks_exact(2).map(|x| x[0].hypot(x[1])).sum::<f64>() / 5_000.0;
        println!("{name}: mean distance from the origin {radius:.3}, of the data 2.010");
    }

    let node = |k: usize| REACH * (2.0 * k as f64 / (SIZE - 1) as f64 - 1.0);
    let nodes = (0..SIZE * SIZE).flat_map(|k| [node(k % SIZE), node(k / SIZE)]).collect();
    let (nodes, range) = (Rows::new(2, nodes)?, (-REACH, REACH));
    let panel = |level: f64| -> Result<FieldPanel, Box<dyn std::error::Error>> {
        let score = ModelField::new(&model, FieldKind::NoisyScore { level })?;
        let arrows: Vec<[f64; 2]> = pairs(&score.at(&nodes, &workers)?);
        let grid = VectorGrid::new(&arrows, [SIZE, SIZE], range, range)?;
        Ok(FieldPanel::new(&format!("σ = {level}"), grid))
    };
    let panels = LEVELS.into_iter().map(panel).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all("target/pictures")?;
    FieldPanels::new(panels)
        .style(FieldStyle::Streamlines)
        .own_scales()
        .value_label("|score|")
        .labels("x1", "x2")
        .title("scores of eight Gaussians with noise")
        .save("target/pictures/score_field.png")?;
    Ok(())
}

fn pairs(values: &[f64]) -> Vec<[f64; 2]> {
    values.chunks_exact(2).map(|v| [v[0], v[1]]).collect()
}
