//! `diffeo toy`: samples of a toy density, with the truth if asked for.

use crate::args::{Common, ToyArgs};
use crate::input::toy_table;
use anyhow::Result;
use diffeo::data::Precision;
use diffeo::flows::densities::Toy;
use diffeo::flows::rng::Stream;
use serde_json::json;

pub fn run(common: &Common, args: &ToyArgs) -> Result<()> {
    let toy = Toy::named(&args.name)?;
    let target = super::target(common, &args.output)?;
    let table = toy_table(&toy, args.n, common.seed(), Stream::Sample)?;
    let mut columns = table.columns().to_vec();
    if args.log_prob {
        columns.push("log_prob".to_owned());
    }
    let mut sink = target.create(&columns, Precision::Double)?;
    for row in table.iter_rows() {
        let mut row = row.to_vec();
        if args.log_prob {
            row.push(toy.log_prob_at([row[0], row[1]]));
        }
        sink.write_rows(&row)?;
    }
    sink.finish()?;
    let seed = common.seed();
    common.voice().note(&format!("{} rows of {}, seed {seed}", args.n, args.name));
    super::written(common, &args.output, json!({"rows": args.n, "toy": args.name, "seed": seed}))?;
    Ok(())
}
