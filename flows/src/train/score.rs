//! How good weights are by the losses of held-out rows.

use crate::metrics::Estimate;

/// The losses of held-out rows in brief.
///
/// Weights that leave fewer rows without a finite loss are better; among such that leave equally many,
/// those with the lower mean over the other rows. That is the order of the means with ∞ as a number
/// larger than all sums of finite ones: a row that no weights can explain takes no part in the choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    /// Rows without a finite loss.
    pub(super) unjudged: usize,
    /// The mean over the others; NaN where there are none.
    pub(super) loss: Estimate,
}

impl Score {
    /// Of these losses, of rows with these weights.
    pub(super) fn of(losses: &[f64], weights: Option<&[f64]>) -> Self {
        let unjudged = unjudged(losses, weights).count();
        Self { unjudged, loss: mean(losses, weights, |i| losses[i].is_finite()) }
    }

    pub(super) fn is_usable(self) -> bool {
        self.loss.mean.is_finite()
    }

    /// Whether these weights are to be kept rather than those of another count and mean.
    pub(super) fn beats(self, unjudged: usize, loss: f64) -> bool {
        self.is_usable()
            && (self.unjudged < unjudged || self.unjudged == unjudged && self.loss.mean < loss)
    }
}

/// Rows that count and have no finite loss.
pub(super) fn unjudged<'a>(
    losses: &'a [f64],
    weights: Option<&'a [f64]>,
) -> impl Iterator<Item = usize> + 'a {
    let counts = move |i: &usize| weights.is_none_or(|w| w[*i] > 0.0);
    (0..losses.len()).filter(counts).filter(|i| !losses[*i].is_finite())
}

/// Mean of a − b over the rows that have both.
pub(super) fn paired(a: &[f64], b: &[f64], weights: Option<&[f64]>) -> Estimate {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    mean(&differences, weights, |i| a[i].is_finite() && b[i].is_finite())
}

fn mean(values: &[f64], weights: Option<&[f64]>, counts: impl Fn(usize) -> bool) -> Estimate {
    let rows: Vec<usize> = (0..values.len()).filter(|i| counts(*i)).collect();
    if rows.len() == values.len() {
        return Estimate::of(values, weights);
    }
    let pick = |from: &[f64]| rows.iter().map(|i| from[*i]).collect::<Vec<f64>>();
    Estimate::of(&pick(values), weights.map(pick).as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_loss_take_no_part_but_count_first() {
        let of = |losses: &[f64]| Score::of(losses, None);
        let (good, better) = (of(&[1.0, f64::INFINITY, 3.0]), of(&[0.5, f64::NAN, 3.0]));
        assert_eq!((good.unjudged, good.loss.mean), (1, 2.0));
        assert!(better.beats(good.unjudged, good.loss.mean));
        assert!(!good.beats(better.unjudged, better.loss.mean));
        let whole = of(&[90.0, 90.0, 90.0]);
        assert!(whole.beats(better.unjudged, better.loss.mean), "∞ is worse than any number");
        assert!(!of(&[f64::NAN; 3]).beats(3, f64::INFINITY), "nothing is known of those weights");
        let weighted = Score::of(&[1.0, f64::NAN, 3.0], Some(&[1.0, 0.0, 3.0]));
        assert_eq!((weighted.unjudged, weighted.loss.mean), (0, 2.5));
    }
}
