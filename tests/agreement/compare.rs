//! Values agree when |a − b| ≤ 1e-5 · max(1, |b|), gradients when they differ by at most 1e-4 of the
//! largest entry of their parameter, with the reference tier in both precisions.
//!
//! A spline can be so steep that the rounding of its knots to single precision alone moves results
//! by more, whichever tier computes them; so do many layers, and inputs whose sums cancel. There the
//! rule is that the fast tier is no further from double precision than three times the reference
//! tier in single precision, and those tolerances. For inputs far out, points moved by a rounding
//! error show as well what single precision can do.
//!
//! Gradients jump where a point meets a knot of a spline or a hidden unit the kink of its
//! activation; rounding decides on which side a row within 1e-7 of one falls. So single rows may
//! disagree, one of each 64, as long as the batch agrees when they have no weight.

use std::ops::Range;

/// Share of a value.
const VALUES: f64 = 1e-5;
/// Share of the largest entry of a gradient.
const GRADIENTS: f64 = 1e-4;
/// How much further than the reference tier the fast one may be from double precision.
const FACTOR: f64 = 3.0;
/// The same for inputs far out, whose error is that of a single rounding, which every layer
/// amplifies: two such errors of the same size on average differ by that much now and then.
const FAR_FACTOR: f64 = 10.0;
/// Share of the largest gradient of all parameters below which one is not looked at in itself.
const NOUGHT: f64 = 1e-3;
/// Rows of which one may stand at a kink.
const ROWS_OF_ONE_KINK: usize = 64;

/// What is wrong, if anything.
pub(super) type Verdict = Result<(), String>;

/// What a result was on the fast tier, and on the reference tier in single and double precision.
pub(super) struct Compared<'a> {
    pub(super) fast: &'a [f64],
    pub(super) slow: &'a [f64],
    pub(super) exact: &'a [f64],
}

/// Largest |a − b| / max(1, |b|); values that are not finite must be so on both sides.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let one = |(a, b): (&f64, &f64)| match (a.is_finite(), b.is_finite()) {
        (true, true) => (a - b).abs() / b.abs().max(1.0),
        (false, false) if a.is_nan() == b.is_nan() => 0.0,
        _ => f64::INFINITY,
    };
    a.iter().zip(b).map(one).fold(0.0, f64::max)
}

/// Largest |a − b| as a share of the largest |b|.
fn share(a: &[f64], b: &[f64], floor: f64) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(floor, |largest, b| largest.max(b.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max)
}

impl Compared<'_> {
    fn check(
        &self,
        apart: impl Fn(&[f64], &[f64]) -> f64,
        tolerance: f64,
        factor: Option<f64>,
    ) -> Verdict {
        let (of_fast, of_slow) = (apart(self.fast, self.exact), apart(self.slow, self.exact));
        let between = apart(self.fast, self.slow);
        let strict = of_fast <= tolerance && between <= tolerance;
        if strict || factor.is_some_and(|factor| of_fast <= tolerance + factor * of_slow) {
            return Ok(());
        }
        Err(format!(
            "{of_fast:e} from double precision, the reference {of_slow:e}, {between:e} apart"
        ))
    }

    pub(super) fn values(&self, steep: bool) -> Verdict {
        self.check(distance, VALUES, steep.then_some(FACTOR))
    }

    pub(super) fn far_values(&self) -> Verdict {
        self.check(distance, VALUES, Some(FAR_FACTOR))
    }

    /// One parameter's gradient; entries far below `largest`, that of all parameters, are 0 but for
    /// rounding.
    pub(super) fn gradient(&self, largest: f64, steep: bool) -> Verdict {
        if !self.fast.iter().all(|g| g.is_finite()) {
            return Err(format!("{:?}", self.fast));
        }
        let floor = f64::MIN_POSITIVE.max(NOUGHT * largest);
        self.check(|a, b| share(a, b, floor), GRADIENTS, steep.then_some(FACTOR))
    }
}

pub(super) fn assert_agrees(what: &str, verdict: Verdict) {
    if let Err(problem) = verdict {
        panic!("{what}: {problem}");
    }
}

/// Asserts that a batch agrees, or that it does so without few rows, which are looked for in ever
/// smaller parts; `check` compares a part, with rows of the weight 0.
pub(super) fn assert_nearly_all_agree(
    what: &str,
    rows: usize,
    whole: Verdict,
    check: impl Fn(Range<usize>, &[usize]) -> Verdict,
) {
    let Err(problem) = whole else { return };
    let allowed = rows / ROWS_OF_ONE_KINK;
    assert!(allowed > 0, "{what}: {problem}");
    let mut found = Vec::new();
    let mut parts = vec![0..rows / 2, rows / 2..rows];
    while let Some(part) = parts.pop() {
        if check(part.clone(), &[]).is_ok() {
            continue;
        }
        if part.len() == 1 {
            found.push(part.start);
        } else {
            let middle = part.start + part.len() / 2;
            parts.extend([part.start..middle, middle..part.end]);
        }
        assert!(found.len() <= allowed, "{what}: {problem}, also in rows {found:?} alone");
    }
    assert!(!found.is_empty(), "{what}: {problem}, in no row alone");
    assert_agrees(&format!("{what} without rows {found:?}"), check(0..rows, &found));
}

#[test]
fn comparisons_can_fail() {
    let fails = |fast: f64, slow: f64, steep: bool| {
        let compared = Compared { fast: &[2.0, fast], slow: &[2.0, slow], exact: &[2.0, 1.0] };
        compared.values(steep).is_err()
    };
    assert!(!fails(1.000_009, 1.0, false) && fails(1.000_011, 1.0, false));
    assert!(fails(1.0, 1.000_011, false), "both references count");
    assert!(!fails(1.000_3, 1.000_1, true) && fails(1.000_32, 1.000_1, true));
    assert!(fails(f64::NAN, 1.0, true) && fails(f64::INFINITY, 1.0, true));
    let fails = |fast: f64, largest: f64| {
        let compared = Compared { fast: &[0.0, fast], slow: &[0.0, 1.0], exact: &[0.0, 1.0] };
        compared.gradient(largest, false).is_err()
    };
    assert!(!fails(1.000_09, 1.0) && fails(1.000_11, 1.0) && !fails(1.000_11, 1e4));
    assert!(fails(f64::NAN, 1.0));
}

#[test]
fn few_rows_alone_may_disagree() {
    let fails = |rows: usize, wrong: &[usize], other_fault: bool| {
        let check = |part: Range<usize>, without: &[usize]| {
            let is_wrong = |row: &&usize| part.contains(*row) && !without.contains(*row);
            match wrong.iter().find(is_wrong) {
                Some(row) => Err(row.to_string()),
                None if other_fault && part.len() == rows => Err("all of them".to_owned()),
                None => Ok(()),
            }
        };
        let asserts = || assert_nearly_all_agree("", rows, check(0..rows, &[]), check);
        std::panic::catch_unwind(asserts).is_err()
    };
    assert!(!fails(197, &[], false) && !fails(197, &[0, 100, 196], false));
    assert!(fails(197, &[0, 1, 100, 196], false));
    assert!(!fails(64, &[5], false) && fails(63, &[5], false) && fails(1, &[0], false));
    assert!(fails(197, &[], true) && fails(197, &[7], true), "a fault of the batch as a whole");
}
