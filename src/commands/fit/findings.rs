//! What a fit has to say of its own training, in plain words.

use diffeo::flows::metrics::Estimate;
use diffeo::flows::model::{ModelSpec, RowCounts, TrainingSummary};
use diffeo::flows::train::Stop;
use serde::Serialize;

/// Standard errors within which a difference says nothing.
const CLEAR: f64 = 2.0;

/// How training went.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The step that the weights are from.
    best_step: usize,
    /// Why training ended.
    stop: Option<Stop>,
    /// Whether the weights are better on held-out rows than those at the start; null without such rows.
    improved_on_start: Option<bool>,
    diverged: bool,
    /// Steps whose rows had no weight.
    skipped: usize,
    /// Rows whose log-density is not a finite number.
    unjudged: RowCounts,
    /// By how much the model is above the full Gaussian on test rows, nats a row.
    over_gaussian: Option<Estimate>,
    #[serde(skip)]
    steps: usize,
    #[serde(skip)]
    start: String,
    #[serde(skip)]
    rows: RowCounts,
    #[serde(skip)]
    rise: f64,
}

impl Findings {
    /// Of a trained model.
    pub fn of(spec: &ModelSpec, training: &TrainingSummary) -> Self {
        let losses = || training.history.iter().filter_map(|e| e.valid_loss.or(e.loss));
        let lowest = losses().filter(|l| l.is_finite()).fold(f64::INFINITY, f64::min);
        Self {
            best_step: training.best_step,
            stop: training.stop,
            improved_on_start: training.improved_on_start(),
            diverged: training.diverged(spec.columns.len()),
            skipped: training.skipped,
            unjudged: training.unjudged,
            over_gaussian: training.test_over_gaussian,
            steps: training.steps,
            start: start(spec),
            rows: spec.data.rows,
            rise: losses().next_back().map_or(f64::NAN, |last| last - lowest),
        }
    }

    /// Lines for people; none where there is nothing to say.
    pub fn text(&self) -> Vec<String> {
        let said = [self.of_divergence(), self.of_start(), self.of_gaussian(), self.of_skipped()];
        let rows = &self.rows;
        let unjudged = [
            (self.unjudged.train, rows.train, "training"),
            (self.unjudged.valid, rows.valid, "validation"),
            (self.unjudged.test, rows.test, "test"),
        ];
        let of_rows = unjudged.iter().filter(|(count, ..)| *count > 0).map(|(count, of, part)| {
            format!("{count} of {of} {part} rows have density 0, or none that can be computed")
        });
        said.into_iter()
            .flatten()
            .chain(of_rows)
            .map(|line| format!("note                  {line}"))
            .collect()
    }

    fn of_divergence(&self) -> Option<String> {
        if !self.diverged {
            return None;
        }
        let how = match self.stop {
            Some(Stop::Diverged) => "the loss was not finite, also after a restart".to_owned(),
            _ => format!("at its end the loss was {:.3e} nats above the lowest", self.rise),
        };
        let best = self.best_step;
        let kept = match self.improved_on_start {
            None => "nothing was held out to choose better weights by".to_owned(),
            Some(_) => format!("the weights are those of step {best}, the best on held-out rows"),
        };
        Some(format!("training diverged: {how}; {kept}; lower --lr, or look for far outliers"))
    }

    fn of_start(&self) -> Option<String> {
        (self.improved_on_start == Some(false) && self.steps > 0)
            .then(|| format!("training did not improve on its start: the model is {}", self.start))
    }

    fn of_gaussian(&self) -> Option<String> {
        let Estimate { mean, standard_error } = self.over_gaussian?;
        if mean >= 0.0 {
            return None;
        }
        let by = format!("{:.4} ± {standard_error:.4} nats a row", -mean);
        Some(if -mean > CLEAR * standard_error {
            format!(
                "worse than a full Gaussian on the test rows, by {by}: take more rows, a simpler --flow, or \
                 the Gaussian"
            )
        } else {
            format!("no better than a full Gaussian on the test rows: below it by {by}")
        })
    }

    fn of_skipped(&self) -> Option<String> {
        let (skipped, steps) = (self.skipped, self.steps);
        (skipped > 0)
            .then(|| format!("{skipped} of {steps} steps had rows without weight only: skipped"))
    }
}

/// What a flow is before it is trained, as an identity over its base.
fn start(spec: &ModelSpec) -> String {
    spec.flow.base.start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        Findings {
            best_step: 0,
            stop: Some(Stop::Completed),
            improved_on_start: Some(false),
            diverged: false,
            skipped: 0,
            unjudged: RowCounts::default(),
            over_gaussian: None,
            steps: 500,
            start: "the initial mixture of 3 components".to_owned(),
            rows: RowCounts { train: 80, valid: 10, test: 10 },
            rise: 0.0,
        }
    }

    #[test]
    fn a_good_training_needs_no_words() {
        let good = Findings {
            best_step: 400,
            improved_on_start: Some(true),
            over_gaussian: Some(Estimate { mean: 0.1, standard_error: 1.0 }),
            ..findings()
        };
        assert_eq!(good.text(), Vec::<String>::new());
        assert_eq!(Findings { improved_on_start: None, ..good }.text(), Vec::<String>::new());
    }

    #[test]
    fn what_went_wrong_is_said() {
        let said = |f: Findings| f.text().join("\n");
        assert!(said(findings()).contains(
            "training did not improve on its start: the model is the initial mixture of 3 components"
        ));
        let below = |mean, standard_error| Findings {
            over_gaussian: Some(Estimate { mean, standard_error }),
            ..findings()
        };
        assert!(
            said(below(-0.25, 0.05))
                .contains("worse than a full Gaussian on the test rows, by 0.2500 ± 0.0500")
        );
        assert!(said(below(-0.25, 0.2)).contains("no better than a full Gaussian"));
        let diverged = Findings { diverged: true, rise: 1e18, best_step: 40, ..findings() };
        let text = said(diverged);
        assert!(
            text.contains("1.000e18 nats above the lowest") && text.contains("step 40"),
            "{text}"
        );
        let broken = Findings { diverged: true, stop: Some(Stop::Diverged), ..findings() };
        assert!(said(broken).contains("not finite, also after a restart"));
        let unjudged = RowCounts { train: 0, valid: 0, test: 2 };
        assert!(
            said(Findings { unjudged, ..findings() }).contains("2 of 10 test rows have density 0")
        );
        assert!(said(Findings { skipped: 7, ..findings() }).contains("7 of 500 steps"));
    }
}
