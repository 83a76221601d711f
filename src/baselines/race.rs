//! A model and its baselines on the same held-out rows.

use super::{Baseline, Baselines};
use diffeo_flows::metrics::Estimate;
use diffeo_flows::model::Model;
use diffeo_flows::rows::Rows;
use diffeo_flows::{Result, Workers};
use serde::Serialize;

/// Standard errors on either side of a mean that an interval of 95 % spans.
pub(crate) const INTERVAL: f64 = 1.96;

/// How a model does against its baselines on the same rows, in nats.
///
/// # Example
/// ```
/// use diffeo::baselines::{Baselines, Race};
/// use diffeo::flows::fit::{Fit, Parts};
/// use diffeo::flows::{Workers, rows::Rows, train::Quiet};
/// let rows = |shift: f64| {
///     let values = (0..300).map(|i| (f64::from(i) * 0.7 + shift).sin() + f64::from(i % 2 * 4));
///     Rows::new(1, values.collect())
/// };
/// let (train, held_out, workers) = (rows(0.0)?, rows(0.3)?, Workers::new(1)?);
/// let mut fit = Fit::new("nsf-ar")?;
/// fit.config.steps = 5;
/// let parts = Parts { train: &train, valid: None, test: None };
/// let (model, _) = fit.run(parts, None, &workers, &mut Quiet)?;
/// let baselines = Baselines::fit(&model, &train, None, &workers)?;
/// let race = Race::run(&model, &baselines, &held_out, &workers)?;
/// let names: Vec<_> = race.rivals.iter().map(|rival| rival.baseline.name()).collect();
/// assert_eq!(names, ["gaussian", "gmm", "kde"]);
/// # Ok::<(), diffeo::flows::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Race {
    /// Number of rows.
    pub rows: usize,
    /// Mean log-density of the rows under the model.
    pub model: Estimate,
    /// Rows to which the model gives density 0.
    pub model_impossible: usize,
    /// The baselines that took part.
    pub rivals: Vec<Rival>,
    /// Why others did not, a sentence each.
    pub notes: Vec<String>,
}

/// A baseline in a race.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rival {
    /// Which one.
    pub baseline: Baseline,
    /// What it consists of, for people.
    pub detail: Option<String>,
    /// Mean log-density of the rows; −∞ when one of them is impossible.
    pub log_likelihood: Estimate,
    /// Rows to which it gives density 0.
    pub impossible: usize,
    /// How much better the model is; none when a row has density 0 under either, or there are fewer
    /// than two rows.
    pub advantage: Option<Advantage>,
}

/// The mean over rows of log p_model − log p_baseline, nats: positive where the model is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Advantage {
    /// The mean.
    pub mean: f64,
    /// The standard error of the mean of the differences, which are paired: what makes a row hard for
    /// both does not count.
    pub standard_error: f64,
    /// Lower and upper end of an interval of 95 %, from the normal distribution of the mean.
    pub interval: [f64; 2],
}

impl Advantage {
    /// Of log-densities of the same rows, optionally weighted.
    pub fn of(model: &[f64], baseline: &[f64], weights: Option<&[f64]>) -> Option<Self> {
        let differences: Vec<f64> = model.iter().zip(baseline).map(|(a, b)| a - b).collect();
        let Estimate { mean, standard_error } = Estimate::of(&differences, weights);
        let reach = INTERVAL * standard_error;
        (mean.is_finite() && standard_error.is_finite()).then_some(Self {
            mean,
            standard_error,
            interval: [mean - reach, mean + reach],
        })
    }

    /// Whether the model is better beyond doubt (`Some(true)`), worse (`Some(false)`), or neither.
    pub fn is_worth_it(&self) -> Option<bool> {
        match self.interval {
            [low, _] if low > 0.0 => Some(true),
            [_, high] if high < 0.0 => Some(false),
            _ => None,
        }
    }
}

impl Race {
    /// Evaluates model and baselines on the same rows.
    ///
    /// # Errors
    /// When the rows have other columns than the model.
    pub fn run(
        model: &Model,
        baselines: &Baselines,
        held_out: &Rows,
        workers: &Workers,
    ) -> Result<Self> {
        let log_prob = model.log_prob_rows(held_out, workers)?;
        Self::against(model, &log_prob, baselines, held_out, workers)
    }

    /// The same with the model's log-densities at hand.
    ///
    /// # Errors
    /// As [`Race::run`].
    pub fn against(
        model: &Model,
        log_prob: &[f64],
        baselines: &Baselines,
        rows: &Rows,
        workers: &Workers,
    ) -> Result<Self> {
        let prepared = model.prepared_rows(rows)?;
        let (mut rivals, mut notes) = (Vec::new(), baselines.notes().to_vec());
        for baseline in Baseline::ALL {
            let values = match baseline {
                Baseline::Gaussian => model
                    .baseline()
                    .log_prob(rows)
                    .inspect_err(|error| notes.push(format!("no full Gaussian: {error}")))
                    .ok(),
                other => baselines.log_prob_prepared(other, &prepared, workers)?,
            };
            let Some(values) = values else { continue };
            rivals.push(Rival {
                baseline,
                detail: baselines.detail(baseline),
                log_likelihood: Estimate::of(&values, rows.weights()),
                impossible: impossible(&values),
                advantage: Advantage::of(log_prob, &values, rows.weights()),
            });
        }
        Ok(Self {
            rows: rows.len(),
            model: Estimate::of(log_prob, rows.weights()),
            model_impossible: impossible(log_prob),
            rivals,
            notes,
        })
    }

    /// A baseline that took part.
    pub fn rival(&self, baseline: Baseline) -> Option<&Rival> {
        self.rivals.iter().find(|rival| rival.baseline == baseline)
    }
}

fn impossible(log_prob: &[f64]) -> usize {
    log_prob.iter().filter(|l| **l == f64::NEG_INFINITY).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_paired() {
        // Rows are a hundred times harder than models differ.
        let hard: Vec<f64> = (0..100).map(|i| f64::from(i % 10) * 10.0).collect();
        let better: Vec<f64> =
            hard.iter().enumerate().map(|(i, h)| h + 0.1 + 0.01 * (i % 2) as f64).collect();
        let advantage = Advantage::of(&better, &hard, None).unwrap();
        assert!((advantage.mean - 0.105).abs() < 1e-9);
        let error = 0.005 * (100.0f64 / 99.0).sqrt() / 10.0;
        assert!((advantage.standard_error - error).abs() < 1e-9, "{advantage:?}");
        assert!((advantage.interval[1] - 0.105 - 1.96 * error).abs() < 1e-9);
        assert_eq!(advantage.is_worth_it(), Some(true));
        assert_eq!(Advantage::of(&hard, &better, None).unwrap().is_worth_it(), Some(false));
        let alike: Vec<f64> =
            hard.iter().enumerate().map(|(i, h)| h + (i % 2) as f64 - 0.5).collect();
        assert_eq!(Advantage::of(&alike, &hard, None).unwrap().is_worth_it(), None);
    }

    #[test]
    fn what_is_impossible_has_no_finite_advantage() {
        assert_eq!(Advantage::of(&[1.0, 2.0], &[f64::NEG_INFINITY, 1.0], None), None);
        let both = [f64::NEG_INFINITY, 1.0];
        assert_eq!(Advantage::of(&both, &both, None), None);
        assert_eq!(Advantage::of(&[1.0], &[0.0], None), None, "one row has no error");
        assert_eq!(impossible(&both), 1);
    }
}
