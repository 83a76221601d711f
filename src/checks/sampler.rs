//! Whether the sampler draws from the density that is reported.

use super::base::Base;
use super::{CHANCE, Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::metrics::kolmogorov_smirnov;
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, Normal};

pub(super) const NAME: &str = "samples-match-density";
/// Beyond it lies one number in 80: what a base cut off at any width of use leaves out.
const FAR: f64 = 2.5;

/// The latent points of draws, taken through the base's own distribution functions, are standard
/// normal: whether their squares, their lengths, their tails and each coordinate are could be chance.
///
/// The sampler goes latent → data; here the draws go back by the map the density uses, so that what
/// sampler and density do not share shows: another base, temperature, truncation, inverse.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let d = subject.draws.features();
    let latent = subject.claims.to_latent(&subject.draws)?.points;
    if latent.iter().any(|z| !z.is_finite()) {
        let why = "a latent point of a draw is not finite";
        return Ok(Outcome::Checked(Check::impossible(NAME, why)));
    }
    let Some(base) = Base::of(subject.model)? else {
        let why = "nothing is known of the distribution functions of its base";
        return Ok(Outcome::Skipped { name: NAME, why: why.to_owned() });
    };
    let scores = base.normal_scores_by(&latent, d, subject.workers)?;
    let tests = tests(&scores, d);
    let (name, least) = least(&tests);
    // Bonferroni's correction; of what is no number none.
    let p_value = (least * tests.len() as f64).clamp(0.0, 1.0);
    let squares = scores.iter().map(|y| y * y).sum::<f64>() / scores.len() as f64;
    let detail = format!(
        "least p-value of {} tests that latent points of {} draws are of the base, that of {name}; \
         their mean square is {squares:.4}",
        tests.len(),
        subject.draws.len()
    );
    Ok(Outcome::Checked(Check::at_least(NAME, p_value, CHANCE, &detail)))
}

/// The test with the least p-value; one without any comes before all others.
fn least(tests: &[(String, f64)]) -> (&str, f64) {
    let rank = |p: f64| if p.is_nan() { f64::NEG_INFINITY } else { p };
    let least = tests.iter().min_by(|a, b| rank(a.1).total_cmp(&rank(b.1)));
    least.map_or(("none", f64::NAN), |(name, p)| (name, *p))
}

/// Names and p-values.
fn tests(scores: &[f64], d: usize) -> Vec<(String, f64)> {
    let (normal, all) = (Normal::standard(), scores.len() as f64);
    let lengths: Vec<f64> = scores.chunks_exact(d).map(|y| y.iter().map(|y| y * y).sum()).collect();
    let mut tests = Vec::with_capacity(d + 4);
    if let Ok(chi) = ChiSquared::new(all) {
        tests.push(("the mean square".to_owned(), two_sided(&chi, lengths.iter().sum())));
    }
    if let Ok(chi) = ChiSquared::new(d as f64) {
        tests.push(("lengths".to_owned(), kolmogorov_smirnov(&lengths, |r| chi.cdf(r)).p_value));
        let edge = chi.inverse_cdf(0.99);
        let beyond = lengths.iter().filter(|r| **r > edge).count();
        tests.push(("the longest hundredth".to_owned(), counted(beyond, lengths.len(), 0.01)));
    }
    let beyond = scores.iter().filter(|y| y.abs() > FAR).count();
    tests.push(("the tails".to_owned(), counted(beyond, scores.len(), 2.0 * normal.sf(FAR))));
    for k in 0..d {
        let column: Vec<f64> = scores.iter().skip(k).step_by(d).copied().collect();
        let test = kolmogorov_smirnov(&column, |y| normal.cdf(y));
        tests.push((format!("coordinate {}", k + 1), test.p_value));
    }
    tests
}

/// How likely so many of n are, or fewer or more.
fn counted(found: usize, n: usize, share: f64) -> f64 {
    let Ok(law) = Binomial::new(share, n as u64) else { return f64::NAN };
    let below = law.cdf(found as u64);
    let above = if found == 0 { 1.0 } else { law.sf(found as u64 - 1) };
    (2.0 * below.min(above)).min(1.0)
}

fn two_sided(law: &impl ContinuousCDF<f64, f64>, value: f64) -> f64 {
    (2.0 * law.cdf(value).min(law.sf(value))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_least() {
        for nan in [f64::NAN, -f64::NAN] {
            let tests = [("a", 0.5), ("b", nan), ("c", 0.0)].map(|(name, p)| (name.to_owned(), p));
            let (name, p) = least(&tests);
            assert!(name == "b" && p.is_nan());
        }
        let mut scores = vec![0.1; 40];
        scores[7] = f64::NAN;
        assert!(least(&tests(&scores, 2)).1.is_nan());
    }
}
