//! Fits the baselines of a model.

use super::Baselines;
use crate::seen::TrainingRows;
use diffeo_flows::densities::KernelDensity;
use diffeo_flows::densities::expectation_maximisation::{Criterion, Mixture, fit_by};
use diffeo_flows::model::{Model, PreparedRows};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Error, Result, Workers};

/// The most components of the mixture.
const MOST_COMPONENTS: usize = 32;
/// The most rows that the mixture is fitted to.
const MIXTURE_ROWS: usize = 20_000;

impl Baselines {
    /// Fits a Gaussian mixture, of as many components, up to 32, as the Bayesian information criterion
    /// prefers, and a kernel estimate to the training rows of a model; judges both on the test rows.
    ///
    /// The mixture takes at most 20,000 rows, the kernel estimate
    /// [`KernelDensity::MOST_KERNELS`], drawn by the seed of the model. A baseline that cannot be
    /// fitted is left out, and [`Baselines::notes`] says why.
    ///
    /// # Errors
    /// When the rows have other columns than the model.
    pub fn fit(
        model: &Model,
        train: &Rows,
        test: Option<&Rows>,
        workers: &Workers,
    ) -> Result<Self> {
        let rows = model.prepared_rows(train)?;
        let seed = model.spec().seed;
        let mut notes = Vec::new();
        let mut known = |name: &str, error: &Error| {
            let text = error.to_string();
            // Errors of data begin with what has none of it.
            let why = text.strip_prefix(name).and_then(|t| t.strip_prefix(": ")).unwrap_or(&text);
            notes.push(format!("no {name}: {why}"));
        };
        let mixture = match mixture(&rows, train.weights(), seed, workers) {
            Ok(mixture) => Some(mixture),
            Err(error) => {
                known("Gaussian mixture", &error);
                None
            }
        };
        let mut rng = generator(seed, Stream::Baseline, 1);
        let (values, weights) = (&rows.values, train.weights());
        let kernels =
            KernelDensity::fit(values, rows.width, rows.given, weights, &mut rng, workers);
        let kernels = kernels.inspect_err(|error| known("kernel estimate", error)).ok();
        let training = Some(TrainingRows::of(&model.spec().columns, train));
        let mut baselines = Self { mixture, kernels, training, test: Vec::new(), notes };
        if let Some(test) = test {
            baselines.judge(model, test, workers)?;
        }
        Ok(baselines)
    }
}

fn mixture(
    rows: &PreparedRows,
    weights: Option<&[f64]>,
    seed: u64,
    workers: &Workers,
) -> Result<Mixture> {
    if weights.is_some() {
        let problem = "the rows have weights, which expectation maximisation has no use for";
        return Err(Error::data("Gaussian mixture", problem, "compare with the other baselines"));
    }
    let mut rng = generator(seed, Stream::Baseline, 0);
    let n = rows.log_det.len();
    let mut chosen: Vec<usize> = (0..n).collect();
    if n > MIXTURE_ROWS {
        chosen = rand::seq::index::sample(&mut rng, n, MIXTURE_ROWS).into_vec();
        chosen.sort_unstable();
    }
    let width = rows.width;
    let seen: Vec<f64> =
        chosen.into_iter().flat_map(|i| &rows.values[i * width..][..width]).copied().collect();
    workers.run(|| fit_by(&seen, width, MOST_COMPONENTS, Criterion::Bayesian, &mut rng))
}
