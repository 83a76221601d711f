//! Whether the network of a score model and its probability flow agree.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::model::ModelField;
use diffeo_flows::score::diagnostics::agreement;

pub(super) const NAME: &str = "score-agreement";
/// A quarter of the squared score: off by half its length. At the smallest level the error of a
/// network is divided by that level, and few training rows look there: networks whose densities are
/// 0.003 and 0.08 nats off measured 0.07 and 0.2, one that was stopped early 5.
const MOST: f64 = 0.25;
/// How far the network's score at the smallest level is from ∇ log p through the solver.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let Some(kind) = subject.network() else {
        let why = "its score is the gradient of its log-density".to_owned();
        return Ok(Outcome::Skipped { name: NAME, why });
    };
    let samples = &subject.samples;
    let of_network = ModelField::new(subject.model, kind)?.at(samples, subject.workers)?;
    let alike = agreement(&of_network, &subject.score, samples.features())?;
    let detail = format!(
        "relative squared difference of the network's score at the smallest level from ∇ log p on {} \
         samples, ± {:.3}, cosine {:.3}",
        samples.len(),
        alike.relative.standard_error,
        alike.cosine.mean
    );
    Ok(Outcome::Checked(Check::at_most(NAME, alike.relative.mean, MOST, &detail)))
}
