//! Faults that were put into what a right model claims.

use super::{Fitted, fails, named, toy};
use diffeo::checks::{Certificate, Claims, ModelClaims, Subject};
use diffeo_flows::model::Images;
use diffeo_flows::rows::Rows;
use diffeo_flows::{Result, Workers};
use std::sync::{Arc, Mutex, OnceLock};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The log-determinant of the flow is taken with the other sign.
    SignOfLogDet,
    /// A bin of a spline is wider in the map than in its derivative.
    WideBin,
    /// Latent points of the sampler are this many times as long.
    Temperature(f64),
    /// Latent points of the sampler that are longer than this are drawn anew.
    Truncation(f64),
    /// The first column comes back a hundredth too long.
    LongInverse,
    /// Latent points lie on a line, but for a thousand-millionth.
    Collapsed,
    /// The fast tier gives a twentieth of a nat too much on the right.
    FastLogProb,
    /// One in twenty draws of the fast tier is moved.
    FastDraws,
    /// One in fifty log-densities is no number.
    NoLogProb,
    /// One in fifty latent points is no number.
    NoLatent,
}

impl Fault {
    /// Whether it is one of the fast tier, which double precision has not.
    fn is_fast(self) -> bool {
        matches!(self, Self::FastLogProb | Self::FastDraws)
    }
}

/// Every fiftieth of these is none.
fn spoilt<'v>(values: impl Iterator<Item = &'v mut f64>) {
    values.skip(3).step_by(50).for_each(|value| *value = f64::NAN);
}

/// What a right model claims, but for a fault.
#[derive(Debug)]
struct Faulty<'a> {
    right: Box<dyn Claims + 'a>,
    fault: Fault,
    /// The log-volume of the standardisation, which is right.
    of_standardiser: f64,
    /// The seeds that it was asked to draw by.
    seeds: Arc<Mutex<Vec<u64>>>,
}

/// The bin: in it a coordinate is stretched, and squeezed as much in the next one.
const BIN: (f64, f64) = (0.0, 0.4);
const STRETCH: f64 = 1.05;

/// The map of one coordinate, or its inverse.
fn widened(z: f64, inverse: bool) -> f64 {
    let (left, width) = (BIN.0, BIN.1 - BIN.0);
    let (from, to) = if inverse { (width * STRETCH, width) } else { (width, width * STRETCH) };
    let at = z - left;
    if at <= 0.0 || at >= 2.0 * width {
        z
    } else if at < from {
        left + at * to / from
    } else {
        left + to + (at - from) * (2.0 * width - to) / (2.0 * width - from)
    }
}

fn as_in(rows: &Rows, points: Vec<f64>) -> Result<Rows> {
    let moved = Rows::new(rows.features(), points)?;
    match rows.context() {
        Some((width, values)) => moved.with_context(width, values.to_vec()),
        None => Ok(moved),
    }
}

impl Claims for Faulty<'_> {
    fn log_prob(&self, rows: &Rows) -> Result<Vec<f64>> {
        if !matches!(self.fault, Fault::SignOfLogDet | Fault::WideBin) {
            let mut log_prob = self.right.log_prob(rows)?;
            let first = rows.points().iter().step_by(rows.features());
            match self.fault {
                Fault::FastLogProb => log_prob
                    .iter_mut()
                    .zip(first)
                    .for_each(|(p, x)| *p += if *x > 1.0 { 0.05 } else { 0.0 }),
                Fault::NoLogProb => spoilt(log_prob.iter_mut()),
                _ => (),
            }
            return Ok(log_prob);
        }
        let images = self.to_latent(rows)?;
        let base = self.right.base_log_prob(&as_in(rows, images.points)?)?;
        Ok(base.iter().zip(&images.log_det).map(|(base, log_det)| base + log_det).collect())
    }

    fn sample(&self, n: usize, context: Option<&[f64]>, seed: u64) -> Result<Vec<f64>> {
        self.seeds.lock().unwrap().push(seed);
        let d = 2;
        if self.fault.is_fast() {
            let mut points = self.right.sample(n, context, seed)?;
            if self.fault == Fault::FastDraws {
                points.iter_mut().step_by(20 * d).for_each(|x| *x += 0.02);
            }
            return Ok(points);
        }
        let (Fault::Temperature(_) | Fault::Truncation(_)) = self.fault else {
            let drawn = Rows::new(d, self.right.sample(n, context, seed)?)?;
            let latent = self.right.to_latent(&drawn)?.points;
            return Ok(self.to_data(&Rows::new(d, latent)?)?.points);
        };
        let drawn = Rows::new(d, self.right.sample(2 * n, None, seed)?)?;
        let latent = self.right.to_latent(&drawn)?.points;
        let kept: Vec<f64> = match self.fault {
            Fault::Temperature(factor) => latent.iter().take(n * d).map(|z| factor * z).collect(),
            Fault::Truncation(most) => latent
                .chunks_exact(d)
                .filter(|z| z.iter().map(|z| z * z).sum::<f64>() <= most * most)
                .take(n)
                .flatten()
                .copied()
                .collect(),
            _ => unreachable!(),
        };
        assert_eq!(kept.len(), n * d);
        Ok(self.right.to_data(&Rows::new(d, kept)?)?.points)
    }

    fn to_latent(&self, rows: &Rows) -> Result<Images> {
        let mut images = self.right.to_latent(rows)?;
        match self.fault {
            Fault::SignOfLogDet => images
                .log_det
                .iter_mut()
                .for_each(|log_det| *log_det = 2.0 * self.of_standardiser - *log_det),
            Fault::WideBin => {
                let first = images.points.iter_mut().step_by(rows.features());
                first.for_each(|z| *z = widened(*z, false));
            }
            Fault::Collapsed => {
                images.points.chunks_exact_mut(2).for_each(|z| z[1] = z[0] + 1e-9 * z[1]);
            }
            Fault::NoLatent => spoilt(images.points.iter_mut()),
            _ => (),
        }
        Ok(images)
    }

    fn to_data(&self, latent: &Rows) -> Result<Images> {
        if self.fault != Fault::WideBin {
            let mut images = self.right.to_data(latent)?;
            if self.fault == Fault::LongInverse {
                images.points.iter_mut().step_by(latent.features()).for_each(|x| *x *= 1.01);
            }
            return Ok(images);
        }
        let mut points = latent.points().to_vec();
        let first = points.iter_mut().step_by(latent.features());
        first.for_each(|z| *z = widened(*z, true));
        self.right.to_data(&as_in(latent, points)?)
    }

    fn base_log_prob(&self, latent: &Rows) -> Result<Vec<f64>> {
        self.right.base_log_prob(latent)
    }

    fn score(&self, rows: &Rows) -> Result<Vec<f64>> {
        self.right.score(rows)
    }

    fn in_double(&self) -> Result<Box<dyn Claims + '_>> {
        let Self { fault, of_standardiser, .. } = *self;
        let right = self.right.in_double()?;
        if fault.is_fast() {
            return Ok(right);
        }
        Ok(Box::new(Faulty { right, fault, of_standardiser, seeds: Arc::default() }))
    }
}

/// Splines over a normal base, and over a mixture.
fn splines() -> &'static [Fitted; 2] {
    static SPLINES: OnceLock<[Fitted; 2]> = OnceLock::new();
    SPLINES.get_or_init(|| ["nsf", "nsf-gmm"].map(Fitted::moons))
}

/// The certificate of a right model with a fault.
fn with_fault(fitted: &Fitted, fault: Fault) -> Certificate {
    let workers = Workers::new(2).unwrap();
    let claims = faulty(fitted, fault, &workers);
    let subject =
        Subject::claiming(Box::new(claims), &fitted.model, fitted.evidence(), (7, &workers))
            .unwrap();
    Certificate::of(&subject).unwrap()
}

fn faulty<'a>(fitted: &'a Fitted, fault: Fault, workers: &'a Workers) -> Faulty<'a> {
    let model = &fitted.model;
    let scale: f64 = model
        .params()
        .get("standardise.scale")
        .map(|scale| diffeo_flows::params::to_f64(scale.var()).unwrap())
        .unwrap()
        .iter()
        .map(|s| s.ln())
        .sum();
    let right = Box::new(ModelClaims { model, workers });
    Faulty { right, fault, of_standardiser: -scale, seeds: Arc::default() }
}

/// Without a fault the wrapped claims are those of the model, which pass.
#[test]
fn no_fault_is_none() {
    for fitted in splines() {
        let certificate = with_fault(fitted, Fault::Temperature(1.0));
        let failed: Vec<_> = certificate.failed().collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }
}

#[test]
fn a_log_determinant_of_the_other_sign_is_seen() {
    fails(&with_fault(&splines()[0], Fault::SignOfLogDet), &["log-det", "integral", "fingerprint"]);
    fails(&with_fault(&splines()[1], Fault::SignOfLogDet), &["log-det"]);
}

/// Of a twentieth of its width.
#[test]
fn a_wide_bin_is_seen() {
    for fitted in splines() {
        let certificate = with_fault(fitted, Fault::WideBin);
        fails(&certificate, &["log-det"]);
        assert!(named(&certificate, "round-trip").passed, "the map itself is invertible");
    }
}

#[test]
fn a_tempered_sampler_is_seen() {
    for fitted in splines() {
        fails(&with_fault(fitted, Fault::Temperature(0.95)), &["samples-match-density"]);
        fails(&with_fault(fitted, Fault::Temperature(1.05)), &["samples-match-density"]);
    }
}

/// At two and a half and at three deviations: 4 % and 1 % of the draws of a normal base.
#[test]
fn a_truncated_base_is_seen() {
    for most in [2.5, 3.0] {
        fails(&with_fault(&splines()[0], Fault::Truncation(most)), &["samples-match-density"]);
    }
    // Standardised moons hardly reach two.
    fails(&with_fault(&splines()[1], Fault::Truncation(1.6)), &["samples-match-density"]);
}

#[test]
fn an_inverse_that_is_a_hundredth_off_is_seen() {
    fails(&with_fault(&splines()[0], Fault::LongInverse), &["round-trip"]);
}

#[test]
fn a_map_onto_a_line_is_seen() {
    fails(&with_fault(&splines()[0], Fault::Collapsed), &["smallest-singular-value"]);
}

/// Each of the two checks of the tiers sees what it is there for, and only that.
#[test]
fn a_tier_that_is_off_is_seen() {
    let log_prob = with_fault(&splines()[0], Fault::FastLogProb);
    fails(&log_prob, &["tiers"]);
    assert!(named(&log_prob, "tiers-sampling").passed);
    let draws = with_fault(&splines()[0], Fault::FastDraws);
    fails(&draws, &["tiers-sampling"]);
    assert!(named(&draws, "tiers").passed);
}

#[test]
fn what_is_no_number_is_seen() {
    let certificate = with_fault(&splines()[0], Fault::NoLogProb);
    fails(&certificate, &["finite", "tiers", "calibration-coverage", "overfitting"]);
    for fitted in splines() {
        let certificate = with_fault(fitted, Fault::NoLatent);
        fails(&certificate, &["finite", "samples-match-density", "round-trip"]);
    }
}

/// The draws are others for each model and each seed, and the same for the same two.
#[test]
fn models_do_not_share_their_luck() {
    let seeds = |fitted: &Fitted, seed: u64, threads: usize| {
        let workers = Workers::new(threads).unwrap();
        let claims = faulty(fitted, Fault::Temperature(1.0), &workers);
        let seeds = Arc::clone(&claims.seeds);
        let evidence = fitted.evidence();
        let claims = Box::new(claims);
        let subject = Subject::claiming(claims, &fitted.model, evidence, (seed, &workers)).unwrap();
        drop(subject);
        let asked = seeds.lock().unwrap().clone();
        assert_eq!(asked.len(), 1);
        asked
    };
    let [one, other] = splines();
    assert_eq!(seeds(one, 7, 1), seeds(one, 7, 2));
    assert_ne!(seeds(one, 7, 1), seeds(other, 7, 1));
    assert_ne!(seeds(one, 7, 1), seeds(one, 8, 1));
    assert_eq!(one.certificate(2).seed, 7);
}

/// Changes one parameter of a model that was trained.
fn changed(name: &str, by: impl Fn(f64) -> f64) -> Certificate {
    let fitted = Fitted::of("nsf-gmm", &toy("two-moons", 3000), |fit| fit.config.steps = 100);
    assert!(fitted.certificate(2).passed);
    let param = fitted.model.params().get(name).unwrap();
    let values = diffeo_flows::params::to_f64(param.var()).unwrap();
    let values: Vec<f64> = values.into_iter().map(by).collect();
    diffeo_flows::params::write(param.var(), &values).unwrap();
    fitted.certificate(2)
}

#[test]
fn a_wrong_standardiser_is_seen() {
    let moved = changed("standardise.mean", |mean| mean + 0.01);
    fails(&moved, &["fingerprint", "recorded"]);
    let scaled = changed("standardise.scale", |scale| 1.01 * scale);
    fails(&scaled, &["fingerprint", "recorded"]);
    // One that is far off shows in the data, too.
    let far = changed("standardise.mean", |mean| mean + 1.0);
    fails(&far, &["fingerprint", "calibration-pit", "classifier-two-sample"]);
}

#[test]
fn weights_that_changed_after_training_are_seen() {
    fails(&changed("base.means", |w| w + 1e-3), &["fingerprint"]);
}
