//! Chooses among models by rows that none of them was trained on.

use diffeo_flows::metrics::Estimate;
use serde::{Deserialize, Serialize};

/// A model that may be chosen.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Its name.
    pub name: &'a str,
    /// Number of its parameters.
    pub parameters: usize,
    /// Log-density of each held-out row, nats.
    pub log_prob: &'a [f64],
}

/// Which model is chosen, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The position of the one chosen.
    pub chosen: usize,
    /// The position of the one with the highest mean log-density.
    pub best: usize,
    /// How far each is behind the best: the mean of paired differences, nats a row.
    pub behind: Vec<Estimate>,
    /// Why, in a sentence.
    pub reason: String,
}

/// The model with the fewest parameters among those that are within one standard error of the best.
///
/// The error is that of the mean of paired differences, so that rows which are hard for all models do
/// not blur it. Models with infinite means are never chosen; none is when all have.
///
/// The rule of one standard error is that of Breiman, Friedman, Olshen and Stone 1984, *Classification
/// and Regression Trees*.
///
/// # Example
/// ```
/// use diffeo::selection::{Scored, choose};
/// let large = Scored { name: "large", parameters: 900, log_prob: &[1.0, 2.0, 3.0, 4.0] };
/// let small = Scored { name: "small", parameters: 9, log_prob: &[1.1, 1.8, 3.1, 3.9] };
/// assert_eq!(choose(&[large, small], None).map(|choice| choice.chosen), Some(1));
/// ```
pub fn choose(models: &[Scored<'_>], weights: Option<&[f64]>) -> Option<Choice> {
    let mean = |m: &Scored<'_>| Estimate::of(m.log_prob, weights).mean;
    let usable = |i: &usize| mean(&models[*i]).is_finite();
    let best = (0..models.len())
        .filter(usable)
        .max_by(|a, b| mean(&models[*a]).total_cmp(&mean(&models[*b])).then(b.cmp(a)))?;
    let behind: Vec<Estimate> = models
        .iter()
        .map(|model| {
            let pairs = models[best].log_prob.iter().zip(model.log_prob);
            Estimate::of(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>(), weights)
        })
        .collect();
    // One row has no error: then nothing but the mean counts.
    let is_close = |i: &usize| {
        *i == best
            || behind[*i].standard_error.is_finite() && behind[*i].mean <= behind[*i].standard_error
    };
    let chosen = (0..models.len())
        .filter(usable)
        .filter(is_close)
        .min_by_key(|i| (models[*i].parameters, *i != best))?;
    let (name, best_name) = (models[chosen].name, models[best].name);
    let reason = if chosen == best {
        format!("{name} has the highest mean log-density of the validation rows")
    } else {
        let Estimate { mean, standard_error } = behind[chosen];
        format!(
            "{name} has fewer parameters than {best_name}, the best, and is behind it by \
             {mean:.4} ± {standard_error:.4} nats a validation row, no more than one standard error"
        )
    };
    Some(Choice { chosen, best, behind, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(parameters: usize, log_prob: &[f64]) -> Scored<'_> {
        Scored { name: "model", parameters, log_prob }
    }

    #[test]
    fn the_simplest_within_one_standard_error_is_chosen() {
        let best: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
        let shifted = |by: f64, noise: f64| -> Vec<f64> {
            best.iter()
                .enumerate()
                .map(|(i, v)| v - by + noise * (i % 2 * 2) as f64 - noise)
                .collect()
        };
        // The standard error of a difference that alternates by ± 1 is 0.1.
        let (close, far) = (shifted(0.09, 1.0), shifted(0.12, 1.0));
        let chosen = |models: &[Scored<'_>]| choose(models, None).unwrap();
        let choice = chosen(&[scored(50, &best), scored(9, &close)]);
        assert_eq!((choice.chosen, choice.best), (1, 0), "{choice:?}");
        assert!((choice.behind[1].mean - 0.09).abs() < 1e-9 && choice.reason.contains("0.0900"));
        assert_eq!(chosen(&[scored(50, &best), scored(9, &far)]).chosen, 0);
        assert_eq!(chosen(&[scored(50, &best), scored(90, &close)]).chosen, 0);
        // Paired: a constant lag is certain, however much rows differ.
        let lag = shifted(0.001, 0.0);
        assert_eq!(chosen(&[scored(9, &lag), scored(50, &best)]).chosen, 1);
    }

    #[test]
    fn what_is_impossible_is_never_chosen() {
        let (never, fine) = ([f64::NEG_INFINITY, 9.0], [0.0, 0.1]);
        let choice = choose(&[scored(1, &never), scored(9, &fine)], None).unwrap();
        assert_eq!(choice.chosen, 1);
        assert_eq!(choose(&[scored(1, &never)], None), None);
        assert_eq!(choose(&[], None), None);
        let single = choose(&[scored(1, &fine[..1]), scored(9, &fine[1..])], None).unwrap();
        assert_eq!(single.chosen, 1, "one row has no error");
    }
}
