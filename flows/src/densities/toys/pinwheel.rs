//! Five arms that wind faster the longer they get.
//!
//! For arm k, f = (1 + 0.3 e₀, 0.1 e₁) with e ~ N(0, I) is turned by 2πk/5 + exp(‖f‖)/4 and
//! doubled. The turn depends on ‖f‖ alone, so it preserves area and length and can be undone from x:
//! p(x) = (1/5) Σₖ N(fₖ(x)) / 4, with fₖ(x) = x/2 turned back by the angle of arm k.

use super::draw;
use super::plane::{PlaneDensity, Point, log_sum_exp};
use super::toy::ToyInfo;
use rand::RngCore;
use std::f64::consts::TAU;

pub(super) const PINWHEEL: ToyInfo = ToyInfo {
    name: "pinwheel",
    summary: "5 arms wound around the centre",
    window: [[-4.4, 4.4], [-4.4, 4.4]],
    build: || Box::new(Pinwheel),
};

const ARMS: [f64; 5] = [0.0, 1.0, 2.0, 3.0, 4.0];
const RADIAL_SD: f64 = 0.3;
const TANGENTIAL_SD: f64 = 0.1;
const SCALE: f64 = 2.0;

#[derive(Debug)]
struct Pinwheel;

/// How far arm k is turned at the distance r; beyond r = 700, where p is 0, no further.
fn angle(arm: f64, r: f64) -> f64 {
    TAU * arm / 5.0 + 0.25 * libm::exp(r.min(700.0))
}

impl PlaneDensity for Pinwheel {
    fn log_prob(&self, x: Point) -> f64 {
        let f = [x[0] / SCALE, x[1] / SCALE];
        let r = libm::hypot(f[0], f[1]);
        let terms = ARMS.map(|arm| {
            let [f0, f1] = draw::turn(f, -angle(arm, r));
            let (z0, z1) = ((f0 - 1.0) / RADIAL_SD, f1 / TANGENTIAL_SD);
            -0.5 * (z0 * z0 + z1 * z1)
        });
        let volume = 5.0 * SCALE * SCALE * TAU * RADIAL_SD * TANGENTIAL_SD;
        log_sum_exp(terms) - volume.ln()
    }

    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        let arm = ARMS[draw::index(ARMS.len(), rng)];
        let [e0, e1] = draw::normals(rng);
        let f = [1.0 + RADIAL_SD * e0, TANGENTIAL_SD * e1];
        let [x, y] = draw::turn(f, angle(arm, libm::hypot(f[0], f[1])));
        [SCALE * x, SCALE * y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_each_arm_is_equally_dense() {
        let expected = -(20.0 * TAU * 0.03f64).ln();
        for arm in ARMS {
            let [x, y] = draw::turn([2.0, 0.0], TAU * arm / 5.0 + 0.25 * 1f64.exp());
            let got = Pinwheel.log_prob([x, y]);
            assert!((got - expected).abs() < 1e-6, "{arm}: {got} {expected}");
        }
    }
}
