//! Laws over the catalogue. Each law collects the failures of all cases before it fails.

/// A case built far from the identity, and the points it is tried at.
mod model;
/// Derivatives and determinants that the library has no part in.
mod numeric;

/// No NaN at edges, far out, or for wild parameters.
mod extremes;
/// Gradients of parameters and points against differences; every parameter gets one.
mod gradients;
/// The inverse undoes the map, and undoes its change of volume.
mod inverse;
/// The log-determinant against two independent Jacobians.
mod log_det;
/// A row's image does not depend on its batch; no rows are no error.
mod rows;
/// Wrong shapes are typed errors.
mod shapes;
/// Where a map starts, and that a seed decides it.
mod start;
/// Which outputs depend on which inputs.
mod structure;
/// Points at and beyond the ends of a support.
mod support;

use crate::catalogue::{Case, catalogue};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a law says of a case that breaks it.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome = Result<(), Failure>;

/// candle's `backward` recurses once for each operation.
const STACK: usize = 256 << 20;

/// Tries a law on every case, each on a deep stack, and fails with the names of all that break it.
fn for_every_case(law: fn(&Case) -> Outcome) {
    for_cases(|_| true, law);
}

/// As [`for_every_case`], for the cases that the law is about.
fn for_cases(about: fn(&Case) -> bool, law: fn(&Case) -> Outcome) {
    let cases: Vec<Case> = catalogue().into_iter().filter(about).collect();
    assert!(!cases.is_empty(), "the law is about no case");
    // candle hands even the smallest product to a pool, which costs ten times the product.
    std::env::set_var("RAYON_NUM_THREADS", "1");
    // Two at a time: the slowest law would otherwise outlast all other tests on one core.
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((i, case)) = at(&cases, next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = try_case(case, law) {
                        found.lock().unwrap().insert(i, failure);
                    }
                }
            });
        }
    });
    let broken: Vec<String> = found.into_inner().unwrap().into_values().collect();
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), cases.len(), broken.join("\n"));
}

fn at(cases: &[Case], i: usize) -> Option<(usize, &Case)> {
    Some((i, cases.get(i)?))
}

fn try_case(case: &Case, law: fn(&Case) -> Outcome) -> Option<String> {
    let owned = case.clone();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || law(&owned)).unwrap();
    let failure = match thread.join() {
        Ok(Ok(())) => return None,
        Ok(Err(failure)) => failure.to_string(),
        Err(_) => "panicked".to_owned(),
    };
    Some(format!("  {}: {failure}", case.name))
}

/// Fails with `what` unless the numbers agree within `tolerance` times max(1, |expected|).
fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) -> Outcome {
    if got.len() != expected.len() {
        return Err(format!("{what}: {} numbers for {}", got.len(), expected.len()).into());
    }
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        let error = (a - b).abs() / b.abs().max(1.0);
        if error.is_nan() || error > tolerance {
            return Err(format!("{what}[{i}]: {a:e} for {b:e}, error {error:.1e}").into());
        }
    }
    Ok(())
}
