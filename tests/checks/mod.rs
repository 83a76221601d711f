//! The certificate: models that are right pass every check, and each planted fault fails the one
//! that is there for it.

/// Rows that do not go with the model, or with each other.
mod evidence;
/// Faults that were put into what a right model claims.
mod faults;
/// Models of every kind that are right.
mod right;

use diffeo::checks::{Certificate, Check, Evidence, Subject};
use diffeo_flows::Workers;
use diffeo_flows::densities::Toy;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::Model;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;

/// A model, the rows that it was fitted to, and others of the same law.
struct Fitted {
    model: Model,
    train: Rows,
    held_out: Rows,
}

impl Fitted {
    /// Of a recipe that the settings were changed of; the last third of the rows is held out.
    fn of(flow: &str, rows: &Rows, set: impl Fn(&mut Fit)) -> Self {
        let mut fit = Fit::new(flow).unwrap();
        fit.config.steps = 600;
        fit.config.evaluate_every = 200;
        set(&mut fit);
        let (n, cut) = (rows.len(), rows.len() * 2 / 3);
        let part = |range: std::ops::Range<usize>| rows.take(&range.collect::<Vec<_>>());
        let (train, held_out) = (part(0..cut), part(cut..n));
        let parts = Parts { train: &train, valid: None, test: Some(&held_out) };
        let model = fit.run(parts, None, &Workers::new(2).unwrap(), &mut Quiet).unwrap().0;
        Self { model, train, held_out }
    }

    fn moons(flow: &str) -> Self {
        Self::of(flow, &toy("two-moons", 6000), |_| ())
    }

    /// All that is known.
    fn evidence(&self) -> Evidence<'_> {
        let recorded = self.model.spec().training.as_ref().and_then(|t| t.test_log_likelihood);
        Evidence { train: Some(&self.train), held_out: Some(&self.held_out), recorded }
    }

    fn certificate(&self, threads: usize) -> Certificate {
        self.certificate_by(threads, 7)
    }

    /// With draws of another seed.
    fn certificate_by(&self, threads: usize, seed: u64) -> Certificate {
        let workers = Workers::new(threads).unwrap();
        let subject = Subject::new(&self.model, self.evidence(), seed, &workers).unwrap();
        Certificate::of(&subject).unwrap()
    }
}

fn toy(name: &str, n: usize) -> Rows {
    let points = Toy::named(name).unwrap().sample_points(n, &mut generator(1, Stream::Sample, 9));
    Rows::new(2, points.concat()).unwrap()
}

/// The check of that name.
fn named<'c>(certificate: &'c Certificate, name: &str) -> &'c Check {
    let found = certificate.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", certificate.skipped))
}

/// These checks fail, and so does the certificate.
fn fails(certificate: &Certificate, names: &[&str]) {
    assert!(!certificate.passed);
    for name in names {
        let check = named(certificate, name);
        assert!(!check.passed, "{check:?}");
    }
}
