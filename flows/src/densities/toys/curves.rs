//! Curves drawn as many small Gaussians: equal mixtures along them, so exact in every sense.

use super::gaussians::Gaussians;
use super::plane::{PlaneDensity, Point};
use super::toy::ToyInfo;
use std::f64::consts::{PI, TAU};

/// 2 × 600 of standard deviation 0.1 at ±(−t cos t, t sin t) / 3, t = 3π √u.
pub(super) const TWO_SPIRALS: ToyInfo = ToyInfo {
    name: "two-spirals",
    summary: "2 spirals wound into each other",
    window: [[-3.7, 3.7], [-3.7, 3.7]],
    build: || {
        along(600, 0.1, |u| {
            let t = 3.0 * PI * u.sqrt();
            let (sin, cos) = libm::sincos(t);
            let (x, y) = (-t * cos / 3.0, t * sin / 3.0);
            [[x, y], [-x, -y]]
        })
    },
};

/// 600 of standard deviation 0.1 at (t cos t, t sin t) / 4, t = 1.5 π (1 + 2u).
pub(super) const SWISS_ROLL: ToyInfo = ToyInfo {
    name: "swiss-roll",
    summary: "a spiral that thins out",
    window: [[-2.8, 3.6], [-3.2, 4.0]],
    build: || {
        along(600, 0.1, |u| {
            let t = 1.5 * PI * (1.0 + 2.0 * u);
            let (sin, cos) = libm::sincos(t);
            [[t * cos / 4.0, t * sin / 4.0]]
        })
    },
};

/// 2 × 300 of standard deviation 0.2 at (2 cos t − 1, 2 sin t − ½) and its mirror image in the
/// origin, t = πu: twice the half circles of scikit-learn's `make_moons` with noise 0.1, centred.
pub(super) const MOONS: ToyInfo = ToyInfo {
    name: "moons",
    summary: "2 half circles that reach into each other",
    window: [[-3.9, 3.9], [-2.4, 2.4]],
    build: || {
        along(300, 0.2, |u| {
            let (sin, cos) = libm::sincos(PI * u);
            let (x, y) = (2.0 * cos - 1.0, 2.0 * sin - 0.5);
            [[x, y], [-x, -y]]
        })
    },
};

/// 400 of standard deviation 0.12 at 1.5 (sin t, ±(cos t − 1)), t = 3π (u − ½), sign that of t.
pub(super) const S_CURVE: ToyInfo = ToyInfo {
    name: "s-curve",
    summary: "2 three-quarter circles joined to an S",
    window: [[-2.1, 2.1], [-3.6, 3.6]],
    build: || {
        along(400, 0.12, |u| {
            let t = 3.0 * PI * (u - 0.5);
            let (sin, cos) = libm::sincos(t);
            [[1.5 * sin, 1.5 * t.signum() * (cos - 1.0)]]
        })
    },
};

/// 600 of standard deviation 0.1 at 3 (cos t, sin t cos t) / (1 + sin² t), t = 2πu: Bernoulli's.
pub(super) const LEMNISCATE: ToyInfo = ToyInfo {
    name: "lemniscate",
    summary: "a figure of eight lying on its side",
    window: [[-3.5, 3.5], [-1.6, 1.6]],
    build: || {
        along(600, 0.1, |u| {
            let (sin, cos) = libm::sincos(TAU * u);
            let scale = 3.0 / (1.0 + sin * sin);
            [[scale * cos, scale * sin * cos]]
        })
    },
};

/// Gaussians at the points of a curve, or of N curves, at u = (i + ½) / n.
fn along<const N: usize>(n: u32, sd: f64, curve: fn(f64) -> [Point; N]) -> Box<dyn PlaneDensity> {
    let points = (0..n).flat_map(|i| curve((f64::from(i) + 0.5) / f64::from(n)));
    Box::new(Gaussians::new(points.collect(), sd))
}
