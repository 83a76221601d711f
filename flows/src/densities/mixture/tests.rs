use super::super::checks::{self, grid_1d, grid_2d};
use super::super::{StandardNormal, Toy};
use super::*;
use crate::params::Params;
use candle_core::Device;
use statrs::distribution::{Continuous, Normal};

fn mixture(params: &mut Params, d: usize, m: usize) -> GaussianMixture {
    let density = GaussianMixture::new(params.scope("base"), d, m).unwrap();
    let values: Vec<f64> = (0..params.count()).map(|i| (1.7 * i as f64).sin()).collect();
    params.write_flat(&values).unwrap();
    density
}

fn start_rows(name: &str, n: usize) -> Tensor {
    Toy::named(name).unwrap().sample(n, None, &mut checks::rng()).unwrap()
}

#[test]
fn matches_a_sum_of_normals() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 1, 2).unwrap();
    params.write_flat(&[0.0, 3f64.ln(), -1.0, 2.0, 0.0, 0.5f64.ln()]).unwrap();
    for x in [-3.0, 0.2, 2.0] {
        let parts = (Normal::new(-1.0, 1.0).unwrap(), Normal::new(2.0, 0.5).unwrap());
        let expected = (0.25 * parts.0.pdf(x) + 0.75 * parts.1.pdf(x)).ln();
        assert!((checks::log_prob(&density, &[x])[0] - expected).abs() < 1e-12);
    }
}

#[test]
fn one_component_at_its_start_is_normal() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 3, 1).unwrap();
    let mean = to_f64(&density.means).unwrap();
    let at_mean = checks::log_prob(&density, &mean)[0];
    assert!((at_mean - checks::log_prob(&StandardNormal::new(3), &[0.0; 3])[0]).abs() < 1e-12);
}

#[test]
fn integrates_to_one() {
    let mut params = checks::params();
    checks::integral_is_one(&mixture(&mut params, 1, 3), &grid_1d(-25.0, 25.0, 3000), 1e-10);
    let mut params = checks::params();
    checks::integral_is_one(&mixture(&mut params, 2, 5), &grid_2d([-20.0, 20.0], 500), 1e-8);
}

#[test]
fn samples_agree_with_the_entropy() {
    let mut params = checks::params();
    let density = mixture(&mut params, 2, 5);
    checks::entropy_is(&density, checks::entropy_on(&density, &grid_2d([-20.0, 20.0], 500)));
}

#[test]
fn gradients_match_central_differences() {
    let mut params = checks::params();
    let density = mixture(&mut params, 2, 3);
    checks::gradients(&density, Some(&params), &[0.5, -1.0, 2.0, 0.0, -30.0, 20.0]);
}

#[test]
fn is_zero_far_away_and_nan_at_nan() {
    let mut params = Params::new(DType::F32, &Device::Cpu, 3);
    let density = mixture(&mut params, 2, 3);
    let far = [[1e20f32, 0.0], [f32::INFINITY, 0.0], [f32::NEG_INFINITY, f32::INFINITY]];
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
    let x = Tensor::new(&[[0.3f32, -0.2], [1e20, 0.0]], &Device::Cpu).unwrap();
    let gradient = |x: &Tensor| {
        let sum = density.log_prob(x, None).unwrap().sum_all().unwrap();
        to_f64(sum.backward().unwrap().get(&density.means).unwrap()).unwrap()
    };
    assert_eq!(gradient(&x), gradient(&x.narrow(0, 0, 1).unwrap()));
}

#[test]
fn starts_from_data_once() {
    let mut params = checks::params();
    let density = GaussianMixture::new(params.scope("base"), 2, 8).unwrap();
    let x = start_rows("eight-gaussians", 25_000);
    density.initialise(&x, &mut checks::rng()).unwrap();
    let fitted = params.read_flat().unwrap();
    let truth = Toy::named("eight-gaussians").unwrap();
    let mean = |density: &dyn Density| {
        let log_prob = density.log_prob(&x, None).unwrap();
        log_prob.mean_all().unwrap().to_scalar::<f64>().unwrap()
    };
    assert!(mean(&density) > mean(&truth) - 0.3, "{} {}", mean(&density), mean(&truth));

    density.initialise(&start_rows("banana", 500), &mut checks::rng()).unwrap();
    assert_eq!(params.read_flat().unwrap(), fitted);
    assert_eq!(to_f64(params.get("base.initialised").unwrap().var()).unwrap(), [1.0]);
}

#[test]
fn starts_the_same_from_the_same_seed_in_f32() {
    let run = |seed| {
        let mut params = Params::new(DType::F32, &Device::Cpu, 3);
        let density = GaussianMixture::new(params.scope("base"), 2, 5).unwrap();
        let mut rng = crate::rng::generator(seed, crate::rng::Stream::Mixture, 0);
        density.initialise(&start_rows("rings", 3000), &mut rng).unwrap();
        params.read_flat().unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn refuses_no_components_and_bad_rows() {
    let mut params = checks::params();
    assert!(GaussianMixture::new(params.scope("a"), 2, 0).is_err());
    let density = GaussianMixture::new(params.scope("b"), 2, 4).unwrap();
    let few = Tensor::zeros((3, 2), DType::F64, &Device::Cpu).unwrap();
    let before = params.read_flat().unwrap();
    assert!(matches!(density.initialise(&few, &mut checks::rng()), Err(Error::Data { .. })));
    assert_eq!(params.read_flat().unwrap(), before);
}

#[test]
fn keeps_the_house_rules() {
    let mut params = checks::params();
    checks::house_rules(&mixture(&mut params, 2, 5));
}
