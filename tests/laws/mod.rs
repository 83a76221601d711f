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
    let broken: Vec<String> = cases.iter().filter_map(|case| try_case(case, law)).collect();
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), cases.len(), broken.join("\n"));
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
