//! Draws the numbers that the toys are made of, the same bits on every platform.
//!
//! The standard library leaves the last bit of exp, ln, sin and cos to the platform; `libm` does not.

use super::plane::Point;
use rand::{Rng, RngCore};

/// Two independent standard normal numbers, by the polar method.
///
/// Marsaglia and Bray 1964, *A Convenient Method for Generating Normal Variables*.
pub(super) fn normals(rng: &mut dyn RngCore) -> Point {
    loop {
        let [u, v] = [signed(rng), signed(rng)];
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            let factor = (-2.0 * libm::log(s) / s).sqrt();
            return [u * factor, v * factor];
        }
    }
}

/// A point of an isotropic normal distribution.
pub(super) fn around(centre: Point, sd: f64, rng: &mut dyn RngCore) -> Point {
    let [e0, e1] = normals(rng);
    [centre[0] + sd * e0, centre[1] + sd * e1]
}

/// A number uniform in [0, 1).
pub(super) fn unit(rng: &mut dyn RngCore) -> f64 {
    rng.random()
}

/// A whole number below n.
pub(super) fn index(n: usize, rng: &mut dyn RngCore) -> usize {
    rng.random_range(0..n as u32) as usize
}

/// Turns a point about the origin, counterclockwise.
pub(super) fn turn([x, y]: Point, angle: f64) -> Point {
    let (sin, cos) = libm::sincos(angle);
    [cos * x - sin * y, sin * x + cos * y]
}

/// A number uniform in [−1, 1).
fn signed(rng: &mut dyn RngCore) -> f64 {
    2.0 * unit(rng) - 1.0
}
