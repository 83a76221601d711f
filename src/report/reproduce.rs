//! How to make and use the model again, in a report.

use super::Report;
use maud::{Markup, html};

pub(super) fn section(report: &Report<'_>) -> Markup {
    let spec = report.model.spec();
    html! {
        section {
            h2 { "Make it again" }
            pre { code { (report.command) } }
            dl {
                dt { "Version" } dd { "diffeo " (env!("CARGO_PKG_VERSION")) }
                dt { "Seed" } dd { (spec.seed) }
                dt { "Data" } dd { (spec.data.source) ", BLAKE3 " code { (spec.data.hash) } }
            }
            p { "The same command on the same data gives the same model, bit for bit, on the same kind of "
                "processor, whatever the number of threads." }
            details { summary { "All settings (config.toml)" } pre { code { (report.config) } } }
        }
        section {
            h2 { "Use it" }
            pre { code { (shell(report.model_path)) } }
            p { "From Rust, with the library:" }
            pre { code { (rust(report)) } }
        }
    }
}

fn shell(path: &str) -> String {
    let path = shlex::try_quote(path).map_or_else(|_| path.to_owned(), Into::into);
    format!(
        "diffeo log-prob {path} new.csv -o log_prob.csv\n\
         diffeo sample {path} -n 10000 -o samples.csv\n\
         diffeo evaluate {path} new.csv\n\
         diffeo check {path} new.csv"
    )
}

fn rust(report: &Report<'_>) -> String {
    let (d, k) = (report.model.spec().columns.len(), report.model.spec().given.len());
    let (rows, given) = match k {
        0 => ("let rows = Rows::new(D, values)?; // row-major, data units", "None"),
        _ => ("let rows = Rows::new(D, values)?.with_context(K, context)?;", "Some(&context)"),
    };
    let rows = rows.replace('D', &d.to_string()).replace('K', &k.to_string());
    format!(
        "use candle_core::Device;\n\
         use diffeo::flows::{{Workers, model::Model, rows::Rows}};\n\
         \n\
         let model = Model::load({:?}, &Device::Cpu)?;\n\
         let workers = Workers::new(2)?;\n\
         {rows}\n\
         let log_prob: Vec<f64> = model.log_prob_rows(&rows, &workers)?; // nats\n\
         let samples: Vec<f64> = model.sample_rows(1000, {given}, 7, &workers)?;",
        report.model_path
    )
}
