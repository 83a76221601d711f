//! Whether all that is looked at is a number.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;

pub(super) const NAME: &str = "finite";

/// How many latent points, log-densities and scores are not finite; tests of chance would leave them
/// out, or be led astray by them.
///
/// A held-out row of log-density −∞ is none of them: the model says that it cannot be, which is what
/// calibration and the mean log-density judge. How many there are is told.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let unknown = |values: &[f64]| values.iter().filter(|v| !v.is_finite()).count();
    let latent = unknown(&subject.claims.to_latent(&subject.draws)?.points);
    let score = unknown(&subject.score);
    let mut log_prob = unknown(&subject.claims.log_prob(&subject.draws)?);
    if let Some(train) = subject.train()? {
        log_prob += unknown(&train.log_prob);
    }
    let mut impossible = 0;
    if let Some(held_out) = subject.held_out()? {
        let is_impossible = |p: &&f64| p.is_infinite() && p.is_sign_negative();
        impossible = held_out.log_prob.iter().filter(is_impossible).count();
        log_prob += unknown(&held_out.log_prob) - impossible;
    }
    let told = match impossible {
        0 => String::new(),
        n => format!("; {n} held-out rows have log p = −∞, which the model says cannot be"),
    };
    let detail = format!(
        "numbers that are not finite: {log_prob} of log p, {latent} of latent points of draws, {score} \
         of ∇ log p{told}"
    );
    Ok(Outcome::Checked(Check::at_most(NAME, (log_prob + latent + score) as f64, 0.0, &detail)))
}
