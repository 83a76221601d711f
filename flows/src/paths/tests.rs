//! Velocities and scores against the closed forms of Gaussian data.

use super::*;
use crate::params::to_f64;
use candle_core::Device;

const PATHS: [Path; 2] = [Path::Straight, Path::VariancePreserving];
const MEAN: f64 = 0.7;
const DEVIATION: f64 = 0.4;

/// Velocity and score at time t for data N(m, s²): x_t ~ N(αm, V) with V = α²s² + σ², and
/// v = α′m + V′/(2V) (x_t − αm).
fn gaussian(path: Path, t: f64, x: f64) -> (f64, f64) {
    let c = path.coefficients(t);
    let square = DEVIATION * DEVIATION;
    let variance = c.alpha * c.alpha * square + c.sigma * c.sigma;
    let half_slope = c.alpha * c.alpha_dot * square + c.sigma * c.sigma_dot;
    let away = x - c.alpha * MEAN;
    (c.alpha_dot * MEAN + half_slope / variance * away, -away / variance)
}

fn column(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, (values.len(), 1), &Device::Cpu).unwrap()
}

fn close(got: &Tensor, expected: &[f64]) {
    for (g, e) in to_f64(got).unwrap().iter().zip(expected) {
        assert!((g - e).abs() < 1e-10 * e.abs().max(1.0), "{g} {e}");
    }
}

#[test]
fn velocity_and_score_of_gaussian_data_match_their_closed_forms() {
    let points = [-2.0, -0.1, 0.3, 1.9];
    let x = column(&points);
    for path in PATHS {
        for t in [0.0, 0.01, 0.3, 0.5, 0.99, 1.0] {
            let (v, s): (Vec<f64>, Vec<f64>) = points.iter().map(|x| gaussian(path, t, *x)).unzip();
            if t > 0.0 {
                close(&score_from_velocity(path, t, &x, &column(&v)).unwrap(), &s);
            }
            if t < 1.0 {
                close(&velocity_from_score(path, t, &x, &column(&s)).unwrap(), &v);
            }
        }
    }
}

#[test]
fn there_and_back_is_the_identity() {
    let (x, v) = (column(&[0.3, -1.0]), column(&[2.0, 0.1]));
    for path in PATHS {
        let score = score_from_velocity(path, 0.4, &x, &v).unwrap();
        close(&velocity_from_score(path, 0.4, &x, &score).unwrap(), &[2.0, 0.1]);
    }
}

#[test]
fn the_path_starts_at_the_data_and_its_slopes_are_those_of_differences() {
    let h = 1e-6;
    for path in PATHS {
        let (start, end) = (path.coefficients(0.0), path.coefficients(1.0));
        assert!((start.alpha - 1.0).abs() + start.sigma.abs() < 1e-15);
        assert!(end.alpha.abs() + (end.sigma - 1.0).abs() < 1e-15);
        for t in [0.1, 0.5, 0.8] {
            let (c, above, below) =
                (path.coefficients(t), path.coefficients(t + h), path.coefficients(t - h));
            assert!((c.alpha_dot - (above.alpha - below.alpha) / (2.0 * h)).abs() < 1e-9);
            assert!((c.sigma_dot - (above.sigma - below.sigma) / (2.0 * h)).abs() < 1e-9);
        }
    }
}

#[test]
fn ends_and_shapes_are_errors() {
    let x = column(&[1.0]);
    let config = |result| matches!(result, Err(Error::Config { .. }));
    for path in PATHS {
        assert!(config(score_from_velocity(path, 0.0, &x, &x)));
        assert!(config(velocity_from_score(path, 1.0, &x, &x)));
        assert!(config(velocity_from_score(path, -0.1, &x, &x)));
        assert!(config(score_from_velocity(path, f64::NAN, &x, &x)));
        let two = column(&[1.0, 2.0]);
        assert!(matches!(score_from_velocity(path, 0.5, &x, &two), Err(Error::Shape { .. })));
    }
}
