use super::super::checks::{self, grid_1d, grid_2d};
use super::super::{StandardNormal as StandardNormalDensity, Toy};
use super::*;
use crate::params::Params;
use candle_core::Device;
use nalgebra::{DMatrix, DVector};
use statrs::distribution::{Continuous, MultivariateNormal, Normal};

/// m components, all away from their start.
fn mixture(params: &mut Params, d: usize, m: usize) -> GaussianMixture {
    let density = GaussianMixture::new(params.scope("base"), d, m).unwrap();
    let values: Vec<f64> = (0..params.count()).map(|i| (1.7 * i as f64).sin()).collect();
    params.write_flat(&values).unwrap();
    density
}

/// Weight, mean and covariance of each component, from the parameters' definition.
fn moments(density: &GaussianMixture) -> Vec<(f64, DVector<f64>, DMatrix<f64>)> {
    let d = density.features;
    let (means, upper) = (to_f64(&density.means).unwrap(), to_f64(&density.upper).unwrap());
    let logits: Vec<f64> = to_f64(&density.logits).unwrap();
    let diagonal = to_f64(&density.log_diagonal).unwrap();
    let total: f64 = logits.iter().map(|a| a.exp()).sum();
    let component = |k: usize| {
        let p = DMatrix::from_fn(d, d, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => upper[(k * d + i) * d + j],
            std::cmp::Ordering::Equal => 1.0 / (1e-3 + (-diagonal[k * d + i]).exp()),
            std::cmp::Ordering::Greater => 0.0,
        });
        let covariance = (&p * p.transpose()).try_inverse().unwrap();
        (
            0.999 * logits[k].exp() / total,
            DVector::from_column_slice(&means[k * d..][..d]),
            covariance,
        )
    };
    let broad_mean = DVector::from_vec(to_f64(&density.broad_mean.tensor()).unwrap());
    let broad_scale = DVector::from_vec(to_f64(&density.broad_scale.tensor()).unwrap());
    let variance = DMatrix::from_diagonal(&broad_scale.component_mul(&broad_scale));
    (0..logits.len()).map(component).chain([(1e-3, broad_mean, variance)]).collect()
}

fn start_rows(name: &str, n: usize) -> Tensor {
    Toy::named(name).unwrap().sample(n, None, &mut checks::rng()).unwrap()
}

fn mean_log_prob(density: &dyn Density, x: &Tensor) -> f64 {
    density.log_prob(x, None).unwrap().mean_all().unwrap().to_scalar().unwrap()
}

#[test]
fn matches_a_sum_of_normals() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 1, 2).unwrap();
    // Logits, means, nothing above a diagonal of one entry, log-diagonals.
    let sd = |sd: f64| -(sd - 1e-3).ln();
    let values = [0.0, 3f64.ln(), -1.0, 2.0, 7.0, 7.0, sd(1.0), sd(0.5)];
    params.write_flat(&values).unwrap();
    for x in [-3.0, 0.2, 2.0] {
        let parts = (Normal::new(-1.0, 1.0).unwrap(), Normal::new(2.0, 0.5).unwrap());
        let broad = Normal::new(0.0, 1.5).unwrap().pdf(x);
        let trained = 0.25 * parts.0.pdf(x) + 0.75 * parts.1.pdf(x);
        let expected = (0.999 * trained + 0.001 * broad).ln();
        assert!((checks::log_prob(&density, &[x])[0] - expected).abs() < 1e-12);
    }
}

#[test]
fn matches_a_sum_of_correlated_normals() {
    let mut params = checks::params();
    let density = mixture(&mut params, 3, 2);
    let x = [0.3, -1.2, 0.8];
    let terms = moments(&density).into_iter().map(|(weight, mean, covariance)| {
        let normal = MultivariateNormal::new_from_nalgebra(mean, covariance).unwrap();
        weight * normal.pdf(&DVector::from_column_slice(&x))
    });
    let expected = terms.sum::<f64>().ln();
    assert!((checks::log_prob(&density, &x)[0] - expected).abs() < 1e-10);
}

#[test]
fn starts_as_normals_around_its_means() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 3, 1).unwrap();
    density.means.write(&[0.5; 3]).unwrap();
    let at_mean = checks::log_prob(&density, &[0.5; 3])[0];
    let normal = |x: f64| checks::log_prob(&StandardNormalDensity::new(3), &[x; 3])[0].exp();
    let expected = (0.999 * normal(0.0) + 0.001 * normal(0.5 / 1.5) / 1.5f64.powi(3)).ln();
    assert!((at_mean - expected).abs() < 1e-12);
}

#[test]
fn integrates_to_one() {
    let mut params = checks::params();
    checks::integral_is_one(&mixture(&mut params, 1, 2), &grid_1d(-25.0, 25.0, 3000), 1e-10);
    let mut params = checks::params();
    checks::integral_is_one(&mixture(&mut params, 2, 4), &grid_2d([-25.0, 25.0], 700), 1e-8);
}

#[test]
fn samples_agree_with_the_entropy() {
    let mut params = checks::params();
    let density = mixture(&mut params, 2, 4);
    checks::entropy_is(&density, checks::entropy_on(&density, &grid_2d([-25.0, 25.0], 600)));
}

#[test]
fn samples_have_the_moments_of_the_mixture() {
    let mut params = checks::params();
    let (d, n) = (3, 100_000);
    let density = mixture(&mut params, d, 3);
    let parts = moments(&density);
    let mean = parts.iter().fold(DVector::zeros(d), |sum, (w, mean, _)| sum + mean * *w);
    let covariance = parts.iter().fold(DMatrix::zeros(d, d), |sum, (w, m, c)| {
        sum + (c + (m - &mean) * (m - &mean).transpose()) * *w
    });
    let x = to_f64(&density.sample(n, None, &mut checks::rng()).unwrap()).unwrap();
    let x = DMatrix::from_row_slice(n, d, &x);
    let got = x.row_mean().transpose();
    let moved = DMatrix::from_fn(n, d, |i, j| x[(i, j)] - got[j]);
    let got_covariance = moved.transpose() * &moved / n as f64;
    for i in 0..d {
        // Four to five standard errors; those of a covariance with room for heavier tails.
        let sd = |j: usize| covariance[(j, j)].sqrt();
        assert!((got[i] - mean[i]).abs() < 0.015 * sd(i), "{got} {mean}");
        for j in 0..d {
            let error = (got_covariance[(i, j)] - covariance[(i, j)]).abs();
            assert!(error < 0.04 * sd(i) * sd(j), "{got_covariance} {covariance}");
        }
    }
}

#[test]
fn gradients_match_central_differences() {
    let mut params = checks::params();
    let density = mixture(&mut params, 2, 2);
    checks::gradients(&density, Some(&params), &[0.5, -1.0, 2.0, 0.0, -30.0, 20.0]);
    let mut params = checks::params();
    let density = mixture(&mut params, 3, 1);
    checks::gradients(&density, Some(&params), &[0.5, -1.0, 2.0, 0.0, -3.0, 1.0]);
}

#[test]
fn no_component_becomes_narrower_than_the_bound() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 1, 2).unwrap();
    // One component, the other without weight, pulled to width 0.
    let at = |b: f64| {
        params.write_flat(&[0.0, -1e3, 0.0, 0.0, 0.0, 0.0, b, 0.0]).unwrap();
        checks::log_prob(&density, &[0.0])[0]
    };
    let highest = (0.999e3 + 1e-3 / 1.5f64).ln() - 0.5 * TAU.ln();
    assert!(at(5.0) < at(9.0) && at(9.0) < highest && (at(1e4) - highest).abs() < 1e-9);
    params.write_flat(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 3.0]).unwrap();
    checks::gradients(&density, Some(&params), &[0.01, 0.05]);
    params.write_flat(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0, 6.0]).unwrap();
    let x = to_f64(&density.sample(1000, None, &mut checks::rng()).unwrap()).unwrap();
    let narrow: Vec<f64> = x.iter().filter(|x| x.abs() < 0.03).map(|x| x * x).collect();
    let variance = narrow.iter().sum::<f64>() / narrow.len() as f64;
    let expected = (0.001 + (-8f64).exp()).powi(2) + (0.001 + (-6f64).exp()).powi(2);
    assert!((variance / (0.5 * expected) - 1.0).abs() < 0.3, "{variance} {expected}");
}

#[test]
fn is_zero_far_away_and_nan_at_nan() {
    let mut params = Params::new(DType::F32, &Device::Cpu, 3);
    let density = mixture(&mut params, 2, 3);
    let far = [[1e20f32, 0.0], [f32::INFINITY, 0.0], [f32::NEG_INFINITY, f32::INFINITY], [3e38; 2]];
    let x = Tensor::new(&far, &Device::Cpu).unwrap();
    let log_prob = density.log_prob(&x, None).unwrap().to_vec1::<f32>().unwrap();
    assert!(log_prob.iter().all(|l| l.is_infinite() && *l < 0.0), "{log_prob:?}");
    let x = Tensor::new(&[[f32::NAN, 0.0]], &Device::Cpu).unwrap();
    assert!(density.log_prob(&x, None).unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
}

#[test]
fn far_rows_leave_the_gradients_of_others_alone() {
    let mut params = Params::new(DType::F32, &Device::Cpu, 3);
    let density = mixture(&mut params, 2, 3);
    let x =
        Tensor::new(&[[0.3f32, -0.2], [1e20, 0.0], [f32::INFINITY, 0.0]], &Device::Cpu).unwrap();
    let gradient = |x: &Tensor| {
        let sum = density.log_prob(x, None).unwrap().sum_all().unwrap();
        let gradients = sum.backward().unwrap();
        let of = |weight: &Tensor| to_f64(gradients.get(weight).unwrap()).unwrap();
        [of(&density.means), of(&density.upper), of(&density.log_diagonal)]
    };
    assert_eq!(gradient(&x), gradient(&x.narrow(0, 0, 1).unwrap()));
}

#[test]
fn starts_from_data_once() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 2, 8).unwrap();
    let x = start_rows("eight-gaussians", 25_000);
    density.initialise(&x, &mut checks::rng(), &Cancel::new()).unwrap();
    let fitted = params.read_flat().unwrap();
    let truth = Toy::named("eight-gaussians").unwrap();
    let (got, best) = (mean_log_prob(&density, &x), mean_log_prob(&truth, &x));
    assert!((got - best).abs() < 0.03, "{got} {best}");

    density.initialise(&start_rows("banana", 500), &mut checks::rng(), &Cancel::new()).unwrap();
    assert_eq!(params.read_flat().unwrap(), fitted);
    assert_eq!(to_f64(params.get("base.initialised").unwrap().var()).unwrap(), [1.0]);
}

#[test]
fn starts_where_expectation_maximisation_ends() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 2, 5).unwrap();
    let x = start_rows("two-moons", 3000);
    density.initialise(&x, &mut checks::rng(), &Cancel::new()).unwrap();
    let rows = to_f64(&x).unwrap();
    let fitted = fit(&rows, 2, &Settings::new(5), &mut checks::rng()).unwrap();
    let got = mean_log_prob(&density, &x);
    // Between the fitted mixture's share alone and that plus all that the broad component may add.
    let least = fitted.mean_log_likelihood + 0.999f64.ln();
    assert!(got > least && got < least + 0.005, "{got} {}", fitted.mean_log_likelihood);
}

#[test]
fn a_broad_component_catches_rows_between_narrow_ones() {
    let values = (0..400).map(|i| f64::from(i % 2) * 2.0 - 1.0 + 1e-4 * f64::from(i));
    let x = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((400, 1)).unwrap();
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 1, 2).unwrap();
    density.initialise(&x, &mut checks::rng(), &Cancel::new()).unwrap();
    let between = checks::log_prob(&density, &[0.0])[0];
    let expected = 1e-3f64.ln() - 0.5 * TAU.ln() - 1.5f64.ln();
    assert!((between - expected).abs() < 0.01, "{between} {expected}");
    let parts = moments(&density);
    assert!((parts[2].0 - 1e-3).abs() < 1e-12 && (parts[2].2[(0, 0)] - 2.25).abs() < 1e-3);
}

#[test]
fn starts_the_same_from_the_same_seed_in_f32() {
    let run = |seed| {
        let mut params = Params::new(DType::F32, &Device::Cpu, 3);
        let density = GaussianMixture::new(params.scope("base"), 2, 5).unwrap();
        let mut rng = crate::rng::generator(seed, crate::rng::Stream::Mixture, 0);
        density.initialise(&start_rows("rings", 3000), &mut rng, &Cancel::new()).unwrap();
        params.read_flat().unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn starts_from_repeated_rows_and_constant_columns() {
    let values: Vec<f64> = (0..300).flat_map(|i| [f64::from(i % 3), 5.0, f64::from(i)]).collect();
    let x = Tensor::from_vec(values, (300, 3), &Device::Cpu).unwrap();
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 3, 7).unwrap();
    density.initialise(&x, &mut checks::rng(), &Cancel::new()).unwrap();
    assert!(params.read_flat().unwrap().iter().all(|v| v.is_finite()));
    assert!(mean_log_prob(&density, &x) > -10.0);
}

#[test]
fn refuses_no_components_and_too_few_rows() {
    let mut params = checks::params();
    assert!(GaussianMixture::new(params.scope("a"), 2, 0).is_err());
    let density = GaussianMixture::new(params.scope("b"), 2, 4).unwrap();
    let few = Tensor::zeros((3, 2), DType::F64, &Device::Cpu).unwrap();
    let before = params.read_flat().unwrap();
    assert!(matches!(
        density.initialise(&few, &mut checks::rng(), &Cancel::new()),
        Err(Error::Data { .. })
    ));
    assert_eq!(params.read_flat().unwrap(), before);
}

#[test]
fn keeps_the_house_rules() {
    let mut params = checks::params();
    checks::house_rules(&mixture(&mut params, 2, 5));
}

/// A narrow component off the centre keeps its digits in single precision: formed as x P − μ P, u is
/// off by 2e-4 and log p by 1e-3.
#[test]
fn a_narrow_component_off_the_centre_keeps_its_digits() {
    let sd = 1.1e-3;
    let build = |dtype: DType| {
        let mut params = Params::new(dtype, &Device::Cpu, 0);
        let density = GaussianMixture::new(params.scope("base"), 2, 1).unwrap();
        let b = f64::from(bounded_inverse(sd) as f32);
        // Logit, means, the matrix of which one entry stands above the diagonal, log-diagonals.
        params.write_flat(&[0.0, 3.0, -3.0, 0.0, 400.0, 0.0, 0.0, b, b]).unwrap();
        density
    };
    let (single, double) = (build(DType::F32), build(DType::F64));
    let values: Vec<f32> = (0..200)
        .flat_map(|i| {
            let u = (f64::from(i) * 0.7).sin() * 3.0;
            [(3.0 + u * sd) as f32, (-3.0 - 0.8 * u * sd) as f32]
        })
        .collect();
    let x = Tensor::from_vec(values, (200, 2), &Device::Cpu).unwrap();
    let got = to_f64(&single.log_prob(&x, None).unwrap()).unwrap();
    let x = x.to_dtype(DType::F64).unwrap();
    let expected = to_f64(&double.log_prob(&x, None).unwrap()).unwrap();
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{got} for {expected}");
    }
}
