//! The speed of light: how fast this core multiplies and adds when nothing stands in its way.

use super::simd::{Level, vectorised};
use std::hint::black_box;
use std::time::Duration;

/// Rounds of one measurement.
const ROUNDS: usize = 100_000;
/// Sums that do not wait for each other: enough to hide the latency of an addition.
const SUMS: usize = 12;

/// The most floating-point operations a second of one core at a level: independent fused
/// multiply–adds in registers, two operations for each lane, the best of some measurements.
///
/// `time` runs what it is given and says how long it took: this library reads no clock.
pub fn peak_flops(level: Level, mut time: impl FnMut(&mut dyn FnMut()) -> Duration) -> f64 {
    let mut lanes = 0;
    let shortest =
        (0..20).map(|_| time(&mut || lanes = fused(level, black_box(0.5), ROUNDS))).min();
    let operations = 2 * SUMS * lanes * ROUNDS;
    shortest.map_or(0.0, |shortest| operations as f64 / shortest.as_secs_f64())
}

vectorised! {
    /// Many multiply–adds; gives the number of lanes.
    fn fused<S>(s, factor: f32, rounds: usize) -> usize {
        let factor = s.splat(factor);
        let mut sums = [s.splat(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, factor, factor);
            }
        }
        let total = sums.into_iter().fold(s.splat(0.0), |a, b| s.add(a, b));
        black_box(s.sum(total));
        S::LANES
    }
}
