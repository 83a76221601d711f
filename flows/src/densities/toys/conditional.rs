//! One coordinate is normal, and the other is normal given it.
//!
//! p(x) = N(a; 0, s²) N(b; m(a), σ(a)²), where a is one coordinate and b the other.

use super::draw;
use super::plane::{PlaneDensity, Point};
use super::toy::ToyInfo;
use rand::RngCore;
use std::f64::consts::TAU;

/// x₁ ~ N(0, 1.2²), x₂ | x₁ ~ N(½ x₁² − 2, 0.4²).
pub(super) const BANANA: ToyInfo = ToyInfo {
    name: "banana",
    summary: "a Gaussian bent along a parabola",
    window: [[-4.9, 4.9], [-3.8, 9.8]],
    build: || {
        Box::new(Conditional {
            first: 0,
            sd: 1.2,
            mean: |a| 0.5 * a * a - 2.0,
            log_sd: |_| libm::log(0.4),
        })
    },
};

/// x₂ ~ N(0, 1.5²), x₁ | x₂ ~ N(0, exp(x₂)): Neal's funnel in two dimensions, with the standard
/// deviation of x₂ halved from his 3 so that a picture can hold it.
///
/// Neal 2003, *Slice Sampling*, section 8.
pub(super) const FUNNEL: ToyInfo = ToyInfo {
    name: "funnel",
    summary: "Neal's funnel: narrow below, wide above",
    window: [[-25.0, 25.0], [-6.0, 6.0]],
    build: || Box::new(Conditional { first: 1, sd: 1.5, mean: |_| 0.0, log_sd: |a| 0.5 * a }),
};

/// x₁ ~ N(0, 1.5²), x₂ | x₁ ~ N(1.5 cos 2x₁, 0.2²).
pub(super) const COSINE: ToyInfo = ToyInfo {
    name: "cosine",
    summary: "a wave that fades to both sides",
    window: [[-6.0, 6.0], [-2.3, 2.3]],
    build: || {
        Box::new(Conditional {
            first: 0,
            sd: 1.5,
            mean: |a| 1.5 * libm::cos(2.0 * a),
            log_sd: |_| libm::log(0.2),
        })
    },
};

#[derive(Debug)]
struct Conditional {
    /// Which coordinate is a.
    first: usize,
    sd: f64,
    mean: fn(f64) -> f64,
    log_sd: fn(f64) -> f64,
}

impl PlaneDensity for Conditional {
    fn log_prob(&self, x: Point) -> f64 {
        let (a, b) = (x[self.first], x[1 - self.first]);
        let log_sd = (self.log_sd)(a);
        let deviation = b - (self.mean)(a);
        // Far down the funnel the scale is 0 as a number, and the middle still the middle.
        let z = if deviation.abs() > 0.0 { deviation * libm::exp(-log_sd) } else { 0.0 };
        let (first, second) = ((a / self.sd).powi(2), z * z);
        -0.5 * (first + second) - log_sd - self.sd.ln() - TAU.ln()
    }

    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        let [e0, e1] = draw::normals(rng);
        let a = self.sd * e0;
        let b = (self.mean)(a) + libm::exp((self.log_sd)(a)) * e1;
        if self.first == 0 { [a, b] } else { [b, a] }
    }
}

#[cfg(test)]
mod tests {
    use crate::densities::Toy;
    use statrs::distribution::{Continuous, Normal};

    #[test]
    fn banana_and_funnel_are_products_of_normals() {
        let [x, y] = [1.3, -0.7];
        let normal = |mean, sd| Normal::new(mean, sd).unwrap();
        let banana = normal(0.0, 1.2).ln_pdf(x) + normal(0.845 - 2.0, 0.4).ln_pdf(y);
        let funnel = normal(0.0, 1.5).ln_pdf(y) + normal(0.0, (-0.35f64).exp()).ln_pdf(x);
        for (name, expected) in [("banana", banana), ("funnel", funnel)] {
            let got = Toy::named(name).unwrap().log_prob_at([x, y]);
            assert!((got - expected).abs() < 1e-12, "{name}: {got} {expected}");
        }
    }

    #[test]
    fn the_funnel_is_a_number_far_down_its_middle() {
        let toy = Toy::named("funnel").unwrap();
        assert!(toy.log_prob_at([0.0, -3000.0]).is_finite());
        assert!(toy.log_prob_at([1e-9, -3000.0]).is_infinite());
    }
}
