//! Where particles end, and by which field.

use super::*;
use crate::score::{FromScore, GaussianScore};

fn rows(values: &[f64], d: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / d, d), &Device::Cpu).unwrap()
}

fn descent(steps: usize, rule: StepRule) -> SteinDescent {
    SteinDescent { steps, rule }
}

/// A spiral of points around the origin, none like another.
fn spiral(n: u32, radius: f64) -> Vec<f64> {
    let point = |k: u32| {
        let (sin, cos) = (2.4 * f64::from(k)).sin_cos();
        let r = radius * (f64::from(k) / f64::from(n)).sqrt();
        [r * cos, r * sin]
    };
    (0..n).flat_map(point).collect()
}

#[test]
fn particles_between_two_modes_cover_both() {
    let narrow = [0.25, 0.0, 0.0, 0.25];
    let target =
        GaussianScore::mixture(&[1.0, 1.0], &[-2.0, 0.0, 2.0, 1.0], &[narrow, narrow].concat());
    let target = target.unwrap();
    let config = descent(600, StepRule::AdaGrad(0.3));
    let x = stein_variational(&target, &rows(&spiral(100, 0.5), 2), config).unwrap();
    let x = to_f64(&x).unwrap();
    for (sign, mean) in [(-1.0, [-2.0, 0.0]), (1.0, [2.0, 1.0])] {
        let side: Vec<&[f64]> = x.chunks(2).filter(|x| x[0] * sign > 0.0).collect();
        assert!((30..=70).contains(&side.len()), "{}", side.len());
        for i in 0..2 {
            let centre = side.iter().map(|x| x[i]).sum::<f64>() / side.len() as f64;
            // Half a standard deviation of a component.
            assert!((centre - mean[i]).abs() < 0.25, "{centre} {mean:?}");
            let spread = side.iter().map(|x| (x[i] - centre).powi(2)).sum::<f64>();
            let spread = spread / side.len() as f64;
            assert!((0.1..0.4).contains(&spread), "variance {spread}, not 0.25");
        }
    }
}

/// The fixed point has Stein's identity for the functions of the kernel: mean and covariance nearly.
#[test]
fn particles_take_the_moments_of_a_gaussian() {
    let target = GaussianScore::normal(&[1.0, -0.5], &[1.0, 0.6, 0.6, 0.8]).unwrap();
    for rule in [StepRule::AdaGrad(0.5), StepRule::Fixed(0.5)] {
        let x = stein_variational(&target, &rows(&spiral(150, 1.0), 2), descent(800, rule));
        let x = to_f64(&x.unwrap()).unwrap();
        let mean = |f: &dyn Fn(&[f64]) -> f64| x.chunks(2).map(f).sum::<f64>() / 150.0;
        assert!((mean(&|x| x[0]) - 1.0).abs() < 0.02 && (mean(&|x| x[1]) + 0.5).abs() < 0.02);
        for (i, j, expected) in [(0, 0, 1.0), (0, 1, 0.6), (1, 1, 0.8)] {
            let centre = [1.0, -0.5];
            let got = mean(&|x| (x[i] - centre[i]) * (x[j] - centre[j]));
            assert!((got - expected).abs() < 0.15, "{rule:?} {i} {j}: {got} {expected}");
        }
    }
}

#[test]
fn one_particle_goes_to_the_mode() {
    let target = GaussianScore::normal(&[1.0, -0.5], &[1.0, 0.6, 0.6, 0.8]).unwrap();
    let config = descent(400, StepRule::Fixed(0.2));
    let x = to_f64(&stein_variational(&target, &rows(&[-2.0, 3.0], 2), config).unwrap()).unwrap();
    assert!((x[0] - 1.0).abs() < 1e-9 && (x[1] + 0.5).abs() < 1e-9, "{x:?}");
}

/// φ by its definition, with the slope of the kernel by differences.
#[test]
fn the_direction_is_its_definition() {
    let (x, score) = ([0.3, -1.0, 2.0, 0.7, -0.5, 0.1], [1.0, 0.5, -0.3, 2.0, 0.2, -0.7]);
    let squared_length = median_squared_distance(&x, 2) / 3f64.ln();
    let kernel = |x: &[f64], y: &[f64]| (-squared_distance(x, y) / squared_length).exp();
    let h = 1e-5;
    for (k, got) in direction(&x, &score, 2).iter().enumerate() {
        let (at, c) = (&x[k / 2 * 2..][..2], k % 2);
        let mut expected = 0.0;
        for j in 0..3 {
            let other = &x[2 * j..2 * j + 2];
            let slope = |by: f64| {
                let mut moved = other.to_vec();
                moved[c] += by;
                kernel(&moved, at)
            };
            expected += kernel(other, at) * score[2 * j + c] + (slope(h) - slope(-h)) / (2.0 * h);
        }
        assert!((got - expected / 3.0).abs() < 1e-9, "{got} {expected}");
    }
}

#[test]
fn what_goes_astray_names_its_step() {
    let steep = FromScore::new(1, |x: &Tensor| Ok(x.powf(3.0)?));
    let start = rows(&[1.0, 30.0], 1);
    let lost = stein_variational(&steep, &start, descent(50, StepRule::Fixed(1.0)));
    let message = lost.unwrap_err().to_string();
    assert!(message.contains("is not finite at step"), "{message}");
    for rule in [StepRule::Fixed(0.0), StepRule::AdaGrad(f64::NAN)] {
        assert!(stein_variational(&steep, &start, descent(1, rule)).is_err());
    }
    let same = stein_variational(&steep, &rows(&[1.0; 4], 1), descent(1, StepRule::Fixed(0.1)));
    assert!((to_f64(&same.unwrap()).unwrap()[3] - 1.1).abs() < 1e-12);
    assert!((median_squared_distance(&[1.0], 1)).abs() < 1e-15);
}
