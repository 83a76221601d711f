//! Log-densities of rows that a model was not fitted to, kept with it to judge new rows by.

use super::Model;
use crate::error::Result;
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::workers::Workers;
use serde::{Deserialize, Serialize};

/// Which rows were held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldOut {
    /// Rows that had no part in the fit.
    Test,
    /// Rows that chose the weights: their log-densities are a little too high.
    Valid,
}

/// Log-densities of held-out rows, nats, in data units, in ascending order: those of rows of a table,
/// [`Model::log_prob_to_rank`].
///
/// A new row from the same distribution is equally likely to fall between any two of them, which is
/// what conformal p-values rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Which rows they are of.
    pub held_out: HeldOut,
    /// The log-densities, ascending.
    pub log_prob: Vec<f64>,
}

impl Calibration {
    /// The most log-densities that are kept.
    pub const MOST: usize = 10_000;

    /// Of these log-densities, at most [`Calibration::MOST`], chosen at random.
    pub fn new(held_out: HeldOut, log_prob: &[f64], seed: u64) -> Self {
        let kept = match kept(log_prob.len(), seed) {
            Some(chosen) => chosen.into_iter().map(|i| log_prob[i]).collect(),
            None => log_prob.to_vec(),
        };
        Self::ascending(held_out, kept)
    }

    /// Of points that a model was not fitted to, with their log-densities, which serve where no column
    /// is of whole numbers or categories.
    pub(crate) fn of_points(
        (model, held_out): (&Model, HeldOut),
        (points, log_prob): (&Rows, &[f64]),
        workers: &Workers,
    ) -> Result<Self> {
        let seed = model.spec().seed;
        if !model.has_discrete_columns() {
            return Ok(Self::new(held_out, log_prob, seed));
        }
        let mut rows = match kept(points.len(), seed) {
            Some(chosen) => points.take(&chosen),
            None => points.clone(),
        };
        model.decode(rows.points_mut());
        Ok(Self::ascending(held_out, model.log_prob_to_rank(&rows, workers)?))
    }

    fn ascending(held_out: HeldOut, mut log_prob: Vec<f64>) -> Self {
        log_prob.sort_by(f64::total_cmp);
        Self { held_out, log_prob }
    }
}

/// The rows that are kept, where it is not all of them.
fn kept(rows: usize, seed: u64) -> Option<Vec<usize>> {
    let mut rng = generator(seed, Stream::Evaluation, 3);
    let most = Calibration::MOST;
    (rows > most).then(|| rand::seq::index::sample(&mut rng, rows, most).into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_an_even_choice_in_order() {
        let all: Vec<f64> = (0..30_000).map(|i| f64::from(i * 7919 % 30_000)).collect();
        let kept = Calibration::new(HeldOut::Test, &all, 4);
        assert_eq!(kept.log_prob.len(), Calibration::MOST);
        assert!(kept.log_prob.windows(2).all(|pair| pair[0] < pair[1]), "each at most once");
        // The median's standard error is 30,000 / 2 / √10,000 · √(2/3) = 122.
        assert!((kept.log_prob[5000] - 15_000.0).abs() < 600.0, "{}", kept.log_prob[5000]);
        assert_eq!(kept, Calibration::new(HeldOut::Test, &all, 4));
        let few = Calibration::new(HeldOut::Valid, &[2.0, f64::NEG_INFINITY, 1.0], 0);
        assert_eq!(few.log_prob, [f64::NEG_INFINITY, 1.0, 2.0]);
    }
}
