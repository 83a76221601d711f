//! From a table in a file to a density and its log-likelihood on held-out rows:
//! `cargo run --release --example table_to_density [FILE.csv]`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use diffeo::data::{DataSource, split};
use diffeo::flows::Workers;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::metrics::Estimate;
use diffeo::flows::model::Column;
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Quiet;
use diffeo::flows::transforms::Support;
use diffeo::pictures::Studio;
use diffeo::plots::Theme;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "examples/data/faithful.csv".to_owned());
    let table = DataSource::parse(&file)?.read(None)?;
    table.require_varying(table.columns())?;
    let names = table.columns().to_vec();
    let rows = Rows::new(table.width(), table.into_values())?;

    // A fifth of the rows chooses the weights, a fifth judges them.
    let parts = split(rows.len(), 0.2, 0.2, 0)?;
    let [train, valid, test] = [&parts.train, &parts.valid, &parts.test].map(|i| rows.take(i));
    let mut fit = Fit::new("nsf-gmm")?;
    fit.config.steps = 400;
    fit.columns = names.into_iter().map(|name| Column::new(name, Support::Real)).collect();
    let workers = Workers::new(2)?;
    let parts = Parts { train: &train, valid: Some(&valid), test: Some(&test) };
    let (model, outcome) = fit.run(parts, None, &workers, &mut Quiet)?;

    let flow = Estimate::of(&model.log_prob_rows(&test, &workers)?, None);
    let gaussian = Estimate::of(&model.baseline().log_prob(&test)?, None);
    println!("weights of step {} of {}", outcome.step, outcome.state.step());
    println!("flow      {:.3} ± {:.3} nats a row", flow.mean, flow.standard_error);
    println!("Gaussian  {:.3} ± {:.3}", gaussian.mean, gaussian.standard_error);

    let studio = Studio {
        model: &model,
        data: Some(&rows),
        name: &file,
        workers: &workers,
        theme: Theme::light(),
    };
    std::fs::create_dir_all("target/pictures")?;
    studio.density()?.save("target/pictures/table_to_density.png")?;
    Ok(())
}
