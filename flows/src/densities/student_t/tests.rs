use super::super::checks::{self, grid_1d, grid_2d};
use super::*;
use statrs::distribution::{Continuous, StudentsT};

fn slanted(nu: f64) -> StudentT {
    let density = StudentT::new(2, nu).unwrap();
    density.with_location(&[0.5, -1.0]).unwrap().with_scale(&[0.8, 0.0, -0.6, 1.5]).unwrap()
}

#[test]
fn agrees_with_the_univariate_distribution() {
    for nu in [0.7, 1.0, 4.0, 200.0] {
        let density = StudentT::new(1, nu).unwrap();
        let density = density.with_location(&[0.3]).unwrap().with_scale(&[2.5]).unwrap();
        let oracle = StudentsT::new(0.3, 2.5, nu).unwrap();
        for x in [0.3, 0.2, -4.0, 1e3, -1e6] {
            let (got, expected) = (checks::log_prob(&density, &[x])[0], oracle.ln_pdf(x));
            assert!((got - expected).abs() < 1e-11 * expected.abs().max(1.0), "{nu} {x}");
        }
    }
}

#[test]
fn marginals_are_univariate() {
    // Feature 2 has location −1 and scale ‖(−0.6, 1.5)‖; integrate feature 1 out.
    let (density, nu) = (slanted(6.0), 6.0);
    let oracle = StudentsT::new(-1.0, (0.36f64 + 2.25).sqrt(), nu).unwrap();
    for x2 in [-4.0, -1.0, 0.5] {
        let grid = grid_1d(-150.0, 150.0, 30_000);
        let points: Vec<f64> = grid.points.iter().flat_map(|x1| [*x1, x2]).collect();
        let marginal: f64 = checks::log_prob(&density, &points).iter().map(|l| l.exp()).sum();
        assert!((marginal * grid.cell - oracle.pdf(x2)).abs() < 1e-8);
    }
}

#[test]
fn integrates_to_one() {
    // Tails beyond ±2000 hold 3e-10 at ν = 3 in one dimension; beyond ±60, 1e-9 at ν = 8 in two.
    checks::integral_is_one(&StudentT::new(1, 3.0).unwrap(), &grid_1d(-2e3, 2e3, 100_000), 1e-8);
    checks::integral_is_one(&slanted(8.0), &grid_2d([-60.0, 60.0], 600), 1e-7);
}

#[test]
fn samples_agree_with_the_entropy() {
    let density = slanted(8.0);
    let grid = grid_2d([-60.0, 60.0], 600);
    checks::entropy_is(&density, checks::entropy_on(&density, &grid));
}

#[test]
fn samples_have_the_location_and_covariance() {
    // Covariance ν/(ν−2) L Lᵀ = 4/3 [[0.64, −0.48], [−0.48, 2.61]].
    let x = slanted(8.0).sample(100_000, None, &mut checks::rng()).unwrap();
    let mean = x.mean_keepdim(0).unwrap();
    let centred = x.broadcast_sub(&mean).unwrap();
    let covariance = centred.t().unwrap().matmul(&centred).unwrap();
    let got = (covariance / 1e5).unwrap().to_vec2::<f64>().unwrap();
    let expected = [[0.64, -0.48], [-0.48, 2.61]];
    for i in 0..2 {
        for j in 0..2 {
            // Four standard errors of the largest entry, fourth moments included.
            assert!((got[i][j] - expected[i][j] * 4.0 / 3.0).abs() < 0.09, "{got:?}");
        }
    }
    let mean = mean.to_vec2::<f64>().unwrap();
    assert!((mean[0][0] - 0.5).abs() < 0.012 && (mean[0][1] + 1.0).abs() < 0.024, "{mean:?}");
}

#[test]
fn gradient_matches_central_differences() {
    checks::gradients(&slanted(3.0), None, &[0.5, -1.0, 3.0, 0.0, -40.0, 70.0, 0.0, 1e4]);
}

#[test]
fn far_points_keep_their_density_in_f32() {
    let density = StudentT::new(2, 1.0).unwrap();
    let x = Tensor::new(&[[1e30f32, 0.0]], &Device::Cpu).unwrap();
    let got = f64::from(density.log_prob(&x, None).unwrap().to_vec1::<f32>().unwrap()[0]);
    let expected = checks::log_prob(&density, &[1e30, 0.0])[0];
    assert!((got - expected).abs() < 1e-4 * expected.abs(), "{got} {expected}");
}

#[test]
fn is_zero_at_infinity_and_nan_at_nan() {
    for x in [[f64::INFINITY, 0.0], [0.0, f64::NEG_INFINITY], [f64::INFINITY, f64::NEG_INFINITY]] {
        let log_prob = checks::log_prob(&slanted(3.0), &x)[0];
        assert!(log_prob.is_infinite() && log_prob < 0.0, "{x:?} {log_prob}");
    }
    assert!(checks::log_prob(&slanted(3.0), &[f64::NAN, 0.0])[0].is_nan());
}

#[test]
fn refuses_bad_values() {
    assert!(StudentT::new(1, 0.0).is_err() && StudentT::new(1, f64::INFINITY).is_err());
    let make = || StudentT::new(2, 3.0).unwrap();
    assert!(make().with_location(&[0.0]).is_err());
    for scale in [&[1.0, 0.0][..], &[1.0, 0.5, 0.0, 1.0], &[1.0, 0.0, f64::NAN, 1.0], &[1.0]] {
        assert!(matches!(make().with_scale(scale), Err(Error::Config { .. })), "{scale:?}");
    }
}

#[test]
fn keeps_the_house_rules() {
    checks::house_rules(&slanted(5.0));
}
