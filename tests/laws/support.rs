//! Points at and beyond the ends of a support.

use candle_core::{DType, Device, Tensor, Var};
use diffeo_flows::params::to_f64;
use diffeo_flows::transforms::{Support, SupportMap};
use diffeo_flows::{Result, Transform};

/// Intervals whose ends round differently, one of them far from 0.
const SUPPORTS: [Support; 6] = [
    Support::Positive,
    Support::PositiveSoftplus,
    Support::Interval { low: 0.0, high: 1.0 },
    Support::Interval { low: 0.1, high: 0.3 },
    Support::Interval { low: -1.5, high: 2.0 },
    Support::Interval { low: 1000.0, high: 1000.7 },
];

const DTYPES: [DType; 2] = [DType::F32, DType::F64];

fn ends(support: Support) -> (f64, f64) {
    match support {
        Support::Interval { low, high } => (low, high),
        _ => (0.0, f64::INFINITY),
    }
}

/// Images, log-determinants and gradients of a column of points.
fn forward(support: Support, dtype: DType, points: &[f64]) -> Result<[Vec<f64>; 3]> {
    let map = SupportMap::new(vec![support])?;
    let x = Tensor::from_slice(points, (points.len(), 1), &Device::Cpu)?.to_dtype(dtype)?;
    let x = Var::from_tensor(&x)?;
    let mapped = map.forward(&x, None)?;
    let gradients = (mapped.points.sum_all()? + mapped.log_det.sum_all()?)?.backward()?;
    let gradient = gradients.get(&x).map_or(Ok(vec![0.0; points.len()]), to_f64)?;
    Ok([to_f64(&mapped.points)?, to_f64(&mapped.log_det)?, gradient])
}

#[test]
fn points_outside_have_density_zero_and_a_finite_image() -> Result<()> {
    for (support, dtype) in SUPPORTS.iter().flat_map(|s| DTYPES.map(|t| (*s, t))) {
        let (low, high) = ends(support);
        let outside = [low, low - 1e-3, low - 1e6, f64::NEG_INFINITY, high, high + 1.0, f64::NAN];
        let [points, log_det, gradient] = forward(support, dtype, &outside)?;
        for i in 0..outside.len() {
            let what = format!("{support:?} {dtype:?} at {}", outside[i]);
            // In f32 an end may round to a point inside.
            let rounded = dtype == DType::F32 && (i == 0 || i == 4);
            assert!(rounded || log_det[i] == f64::NEG_INFINITY, "{what}: log_det {}", log_det[i]);
            assert!(!log_det[i].is_nan(), "{what}: log_det NaN");
            assert!(points[i].is_finite(), "{what}: image {}", points[i]);
            assert!(gradient[i].is_finite(), "{what}: gradient {}", gradient[i]);
        }
    }
    Ok(())
}

/// The last floating-point numbers inside: finite image, finite log-determinant.
#[test]
fn points_next_to_an_end_stay_finite() -> Result<()> {
    for support in SUPPORTS {
        let (low, high) = ends(support);
        let mut f64s = vec![low.next_up(), low + 1e-9, low + 1e-6];
        // The f32 neighbours from inside, whichever way the ends round.
        let mut f32s = vec![(low as f32).next_up().next_up(), (low + 1e-3) as f32];
        if high.is_finite() {
            f64s.extend([high.next_down(), high - 1e-9]);
            f32s.push((high as f32).next_down().next_down());
        } else {
            f64s.extend([1e-300, 1e-20, 1e300]);
            f32s.extend([1e-30, 1e-10, 1e30]);
        }
        let f32s: Vec<f64> = f32s.into_iter().map(f64::from).collect();
        for (dtype, inside) in [(DType::F64, f64s), (DType::F32, f32s)] {
            let [points, log_det, gradient] = forward(support, dtype, &inside)?;
            for i in 0..inside.len() {
                let what = format!("{support:?} {dtype:?} at {:e}", inside[i]);
                assert!(points[i].is_finite(), "{what}: image {}", points[i]);
                assert!(log_det[i].is_finite(), "{what}: log_det {}", log_det[i]);
                assert!(!gradient[i].is_nan(), "{what}: gradient {}", gradient[i]);
            }
        }
    }
    Ok(())
}

/// Far out in the latent space the inverse rounds onto an end, which has density 0: samples must not.
#[test]
fn images_of_the_inverse_lie_inside() -> Result<()> {
    for (support, dtype) in SUPPORTS.iter().flat_map(|s| DTYPES.map(|t| (*s, t))) {
        let map = SupportMap::new(vec![support])?;
        let z = Tensor::new(
            &[[-1e6], [-800.0], [-120.0], [-40.0], [-17.0], [17.0], [40.0]],
            &Device::Cpu,
        )?;
        let x = Var::from_tensor(&map.inverse(&z.to_dtype(dtype)?, None)?.points)?;
        let log_det = to_f64(&map.forward(&x, None)?.log_det)?;
        assert!(log_det.iter().all(|l| l.is_finite()), "{support:?} {dtype:?}: {x} {log_det:?}");
    }
    Ok(())
}

/// One column outside makes the density of the whole row zero, not NaN.
#[test]
fn one_column_outside_suffices() -> Result<()> {
    let map = SupportMap::new(vec![Support::Positive, Support::Real])?;
    let x = Tensor::new(&[[-1f64, 5.0], [1.0, 5.0]], &Device::Cpu)?;
    let log_det = to_f64(&map.forward(&x, None)?.log_det)?;
    assert_eq!(log_det, [f64::NEG_INFINITY, 0.0]);
    Ok(())
}

/// By hand: ln 2 for x = eᶻ; the logit of ¾; softplus⁻¹(ln 2) = 0.
#[test]
fn images_by_hand() -> Result<()> {
    let at = |support, x| forward(support, DType::F64, &[x]);
    let near = |got: &[Vec<f64>; 3], z: f64, log_det: f64| {
        let error = (got[0][0] - z).abs().max((got[1][0] - log_det).abs());
        assert!(error < 1e-14, "{got:?}");
    };
    near(&at(Support::Positive, 2.0)?, 2f64.ln(), -2f64.ln());
    // dz/dx = 1 / (x (1 − x)) / width at ¾ of the way.
    near(&at(Support::Interval { low: -1.0, high: 3.0 }, 2.0)?, 3f64.ln(), -(0.75f64.ln()));
    // dx/dz = ½ at z = 0.
    near(&at(Support::PositiveSoftplus, 2f64.ln())?, 0.0, 2f64.ln());
    Ok(())
}
