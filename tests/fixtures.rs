//! Models of earlier versions load and say what they said.
//!
//! The files under `tests/fixtures` are kept for good; `make.sh` beside them says how they were made.

use diffeo::data::DataSource;
use diffeo::flows::model::Model;
use diffeo::flows::{Engine, Workers, rows::Rows};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn values(file: &str, columns: &[String]) -> Vec<f64> {
    let source = DataSource::parse(&folder().join(file).display().to_string()).unwrap();
    source.read(Some(columns)).unwrap().into_values()
}

fn says_what_it_said(model: &str, points: &str) {
    let path = folder().join(format!("{model}.safetensors"));
    let workers = Workers::new(1).unwrap();
    let said = values(&format!("{model}.csv"), &["log_prob".to_owned()]);
    for engine in [Engine::Reference, Engine::Auto] {
        let model = Model::load(&path, &candle_core::Device::Cpu).unwrap().with_engine(engine);
        let spec = model.spec();
        let columns: Vec<String> = spec.columns.iter().map(|c| c.name.clone()).collect();
        let mut rows = Rows::new(columns.len(), values(points, &columns)).unwrap();
        if !spec.given.is_empty() {
            rows = rows.with_context(spec.given.len(), values(points, &spec.given)).unwrap();
        }
        let log_prob = model.log_prob_rows(&rows, &workers).unwrap();
        assert_eq!(log_prob.len(), said.len());
        for (now, then) in log_prob.iter().zip(&said) {
            // The contract between tiers, and room for another processor's exponentials.
            let close = (now - then).abs() <= 3e-5 * then.abs().max(1.0);
            assert!(
                close || now.to_bits() == then.to_bits(),
                "{}: {now}, it was {then}",
                path.display()
            );
        }
        assert!(spec.training.as_ref().is_some_and(|t| !t.history.is_empty()));
        assert_eq!(
            model
                .sample_rows(3, rows.context().map(|(k, c)| &c[..3 * k]), 0, &workers)
                .unwrap()
                .len(),
            3 * columns.len()
        );
    }
}

#[test]
fn every_model_that_is_kept_says_what_it_said() {
    let mut seen = 0;
    for file in std::fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if let Some(model) = name.strip_suffix(".safetensors") {
            let points = if model.ends_with("support") { "positive.csv" } else { "points.csv" };
            says_what_it_said(model, points);
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} models found");
}
