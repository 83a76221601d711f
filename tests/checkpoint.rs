//! A run that is broken off anywhere, saved, loaded and resumed ends with the bits of an unbroken
//! one; a saved model is the model.

use candle_core::Device;
use diffeo_flows::fit::{Fit, FitObserver, Parts};
use diffeo_flows::model::{Model, Precision};
use diffeo_flows::params::to_f64;
use diffeo_flows::rows::Rows;
use diffeo_flows::train::{Observer, Outcome, Quiet, Stop, TrainState};
use diffeo_flows::{Result, Workers};
use std::ops::ControlFlow;
use std::path::PathBuf;
use tempfile::TempDir;

const STEPS: usize = 60;
const EVALUATE_EVERY: usize = 8;

/// Breaks off after a step and keeps checkpoints as the program does.
struct Breaks {
    after: usize,
    file: PathBuf,
}

impl Observer for Breaks {
    fn stepped(&mut self, step: usize, _loss: f64) -> ControlFlow<()> {
        if step == self.after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl FitObserver for Breaks {
    fn checkpoint(&mut self, model: &Model, state: &TrainState) -> Result<()> {
        model.save_checkpoint(state, &self.file)
    }
}

/// Rows of two features, and where asked for with a context and weights.
pub(crate) fn rows(n: usize, conditional: bool) -> Rows {
    let at = |i: usize, f: f64| (f * i as f64).sin();
    let rows =
        Rows::new(2, (0..n).flat_map(|i| [at(i, 1.3), 40.0 + at(i, 0.7)]).collect()).unwrap();
    if !conditional {
        return rows;
    }
    let rows = rows.with_context(1, (0..n).map(|i| at(i, 1.2)).collect()).unwrap();
    rows.with_weights((0..n).map(|i| (i % 4) as f64 / 2.0).collect()).unwrap()
}

pub(crate) fn fit(flow: &str, dtype: Precision) -> Fit {
    let mut fit = Fit::new(flow).unwrap();
    fit.recipe.layers = 2;
    fit.dtype = dtype;
    fit.seed = 3;
    fit.config.steps = STEPS;
    fit.config.batch_size = 50;
    fit.config.evaluate_every = EVALUATE_EVERY;
    fit.config.warmup_steps = 10;
    fit.config.weight_decay = 0.01;
    fit
}

/// All parameters and buffers, as bits.
pub(crate) fn bits(model: &Model) -> Vec<(String, Vec<u64>)> {
    let of = |v: Vec<f64>| v.into_iter().map(f64::to_bits).collect();
    let values = |p: &diffeo_flows::params::Param| of(to_f64(p.var().as_tensor()).unwrap());
    model.params().iter().map(|p| (p.name().to_owned(), values(p))).collect()
}

/// Fits in pieces that end after the given steps, through files.
fn in_pieces(fit: &Fit, parts: Parts, breaks: &[usize], workers: &Workers) -> (Model, Outcome) {
    let folder = TempDir::new().unwrap();
    let mut resume = None;
    for &after in breaks {
        let file = folder.path().join("checkpoint.safetensors");
        let mut observer = Breaks { after, file: file.clone() };
        let (model, outcome) = fit.run(parts, resume.take(), workers, &mut observer).unwrap();
        assert_eq!(outcome.stop, Stop::Interrupted);
        let evaluated = if after == STEPS { STEPS } else { after - after % EVALUATE_EVERY };
        assert_eq!(outcome.state.step(), evaluated);
        if !file.exists() {
            model.save_checkpoint(&outcome.state, &file).unwrap();
        }
        resume = Some(Model::load_checkpoint(&file, &Device::Cpu).unwrap());
        assert_eq!(resume.as_ref().unwrap().1, outcome.state, "broken off after {after}");
    }
    fit.run(parts, resume, workers, &mut Quiet).unwrap()
}

fn resumes_to_the_same_bits(flow: &str, dtype: Precision, conditional: bool) {
    resumes(&fit(flow, dtype), conditional);
}

/// Fails unless a fit of [`STEPS`] steps that is broken off here and there ends as an unbroken one.
pub(crate) fn resumes(fit: &Fit, conditional: bool) {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let (train, valid) = (rows(230, conditional), rows(40, conditional));
    let parts = Parts { train: &train, valid: Some(&valid), test: None };
    let (flow, workers) = (&fit.name, Workers::new(2).unwrap());
    let (whole, expected) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
    assert_eq!((expected.stop, expected.state.step()), (Stop::Completed, STEPS));
    assert_eq!(expected.state.history().len(), 1 + STEPS.div_ceil(EVALUATE_EVERY));
    assert!(expected.state.best().is_some());
    for breaks in [&[1][..], &[17], &[16, 33, 59], &[60]] {
        let (pieces, outcome) = in_pieces(fit, parts, breaks, &workers);
        assert_eq!(outcome.state, expected.state, "{flow} broken off after {breaks:?}");
        assert!(bits(&pieces) == bits(&whole), "{flow} broken off after {breaks:?}");
        assert_eq!(pieces.spec(), whole.spec());
    }
}

#[test]
fn a_spline_flow_resumes_to_the_same_bits() {
    resumes_to_the_same_bits("nsf", Precision::F32, false);
}

#[test]
fn a_spline_flow_in_double_precision_resumes_to_the_same_bits() {
    resumes_to_the_same_bits("nsf", Precision::F64, false);
}

#[test]
fn a_flow_that_starts_from_data_resumes_to_the_same_bits() {
    resumes_to_the_same_bits("glow", Precision::F32, false);
}

#[test]
fn a_conditional_weighted_flow_resumes_to_the_same_bits() {
    resumes_to_the_same_bits("nsf-ar", Precision::F32, true);
}

#[test]
fn a_saved_model_is_the_model() {
    let folder = TempDir::new().unwrap();
    let workers = Workers::new(2).unwrap();
    for (flow, dtype, conditional) in
        [("glow", Precision::F32, false), ("nsf-ar", Precision::F64, true)]
    {
        let rows = rows(150, conditional);
        let parts = Parts { train: &rows, valid: None, test: None };
        let (model, _) = fit(flow, dtype).run(parts, None, &workers, &mut Quiet).unwrap();
        let file = folder.path().join("model.safetensors");
        model.save(&file).unwrap();
        let loaded = Model::load(&file, &Device::Cpu).unwrap();
        assert_eq!(loaded.spec(), model.spec());
        assert!(bits(&loaded) == bits(&model));
        let of = |m: &Model| -> Vec<u64> {
            m.log_prob_rows(&rows, &workers).unwrap().into_iter().map(f64::to_bits).collect()
        };
        assert_eq!(of(&loaded), of(&model), "{flow}");
        assert!(Model::load(folder.path(), &Device::Cpu).is_ok(), "the folder will do");
        let context = rows.context().map(|(_, c)| c);
        let drawn = |m: &Model| m.sample_rows(150, context, 5, &workers).unwrap();
        assert_eq!(drawn(&loaded), drawn(&model), "{flow}");
    }
}

#[test]
fn a_checkpoint_of_another_fit_is_refused() {
    let rows = rows(100, false);
    let parts = Parts { train: &rows, valid: None, test: None };
    let workers = Workers::new(1).unwrap();
    let first = fit("nsf", Precision::F32);
    let mut other = first.clone();
    other.config.learning_rate = 1e-4;
    let folder = TempDir::new().unwrap();
    let mut observer = Breaks { after: 3, file: folder.path().join("checkpoint.safetensors") };
    let (model, outcome) = first.run(parts, None, &workers, &mut observer).unwrap();
    let error = other.run(parts, Some((model, outcome.state)), &workers, &mut Quiet).unwrap_err();
    assert!(error.to_string().contains("another training settings"), "{error}");
}
