//! How to make and use the model again, in a report.

use super::Report;
use diffeo_flows::model::ModelSpec;
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
            pre { code { (shell(report.model_path, report.model.spec())) } }
            p { "From Rust, with the library:" }
            pre { code { (rust(report.model_path, report.model.spec())) } }
        }
    }
}

fn shell(path: &str, spec: &ModelSpec) -> String {
    let rows = if spec.given.is_empty() { "-n 10000" } else { "--given contexts.csv" };
    let path = shlex::try_quote(path).map_or_else(|_| path.to_owned(), Into::into);
    format!(
        "diffeo log-prob {path} new.csv -o log_prob.csv\n\
         diffeo sample {path} {rows} -o samples.csv\n\
         diffeo evaluate {path} new.csv\n\
         diffeo check {path} new.csv"
    )
}

/// Code that compiles with `values`, the rows, and `context`, both row-major, of type `Vec<f64>`.
fn rust(path: &str, spec: &ModelSpec) -> String {
    let (d, k) = (spec.columns.len(), spec.given.len());
    let is_real = spec.columns.iter().all(|column| column.kind.is_real());
    let units = if is_real { "data units" } else { "labels by their index, from 0" };
    let (context, sample) = match k {
        0 => (String::new(), "1000, None"),
        _ => (format!(".with_context({k}, context.clone())?"), "rows.len(), Some(&context)"),
    };
    let log_prob = if is_real {
        "let log_prob: Vec<f64> = model.log_prob_rows(&rows, &workers)?; // nats"
    } else {
        "let log_prob: Vec<f64> = model.log_prob_of_table(&rows, Model::DRAWS, 0, &workers)?.values; // nats"
    };
    let decode = if is_real {
        ""
    } else {
        "\nmodel.decode(&mut samples); // whole numbers, labels by their index, angles of the period"
    };
    let mutable = if is_real { "" } else { "mut " };
    format!(
        "use candle_core::Device;\n\
         use diffeo::flows::{{Workers, model::Model, rows::Rows}};\n\
         \n\
         let model = Model::load({path:?}, &Device::Cpu)?;\n\
         let workers = Workers::new(2)?;\n\
         let rows = Rows::new({d}, values)?{context}; // row-major, {units}\n\
         {log_prob}\n\
         let {mutable}samples: Vec<f64> = model.sample_rows({sample}, 7, &workers)?;{decode}"
    )
}
