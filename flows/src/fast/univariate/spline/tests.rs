use super::RationalQuadraticSpline;
use crate::fast::simd::Level;
use crate::fast::tile::{Column, ROWS};
use crate::fast::univariate::Univariate;
use crate::univariate::Univariate as _;
use crate::univariates;
use candle_core::{Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const FEATURES: usize = 2;

struct Case {
    fast: RationalQuadraticSpline,
    reference: univariates::RationalQuadraticSpline,
    params: Vec<Column>,
    points: Vec<Column>,
}

impl Case {
    /// Normal parameters times `scale`; points over the interval and a little beyond, and the
    /// special ones.
    fn new(bins: usize, tail_bound: f64, scale: f32, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let fast = RationalQuadraticSpline::new(bins, tail_bound);
        let reference = univariates::RationalQuadraticSpline::new(bins, tail_bound).unwrap();
        let mut params = vec![Column::ZERO; FEATURES * fast.params_per_feature()];
        for value in params.iter_mut().flat_map(|column| &mut column.0) {
            *value = scale * rng.sample::<f32, _>(StandardNormal);
        }
        let bound = tail_bound as f32;
        let mut points = vec![Column::ZERO; FEATURES];
        for column in &mut points {
            for value in &mut column.0 {
                *value = rng.random_range(-1.1 * bound..1.1 * bound);
            }
            let special = [bound, bound.next_down(), 1e6, 0.0, f32::INFINITY];
            column.0[..5].copy_from_slice(&special);
            column.0[32..37].copy_from_slice(&special.map(|x| -x));
        }
        Self { fast, reference, params, points }
    }

    /// The points, moved by the shifts, and the parameters.
    fn tensors(&self, shifts: [f64; FEATURES]) -> (Var, Var) {
        let p = self.fast.params_per_feature();
        let shifts = Tensor::new(&[shifts], &Device::Cpu).unwrap();
        let x = tensor(&self.points, &[ROWS, FEATURES]).broadcast_add(&shifts).unwrap();
        let params = tensor(&self.params, &[ROWS, FEATURES, p]);
        (Var::from_tensor(&x).unwrap(), Var::from_tensor(&params).unwrap())
    }
}

fn tensor(columns: &[Column], shape: &[usize]) -> Tensor {
    let values: Vec<f64> =
        (0..ROWS).flat_map(|r| columns.iter().map(move |c| f64::from(c.0[r]))).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn rows(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every level with every number of bins and bound.
fn cases(scale: f32) -> impl Iterator<Item = (Level, Case)> {
    let shapes = [(2, 5.0), (8, 5.0), (8, 3.0), (16, 5.0), (16, 3.0), (17, 5.0), (256, 5.0)];
    let case = move |i: usize| {
        let (bins, tail_bound) = shapes[i % shapes.len()];
        Case::new(bins, tail_bound, scale, i as u64)
    };
    let levels = Level::available().into_iter();
    levels.flat_map(move |level| (0..5 * shapes.len()).map(move |i| (level, case(i))))
}

/// Weights of points and of log-slopes in the sum that gradients are taken of.
fn weights() -> (Vec<Column>, Column) {
    let weight = |i: usize| Column(std::array::from_fn(|r| ((3 * i + 7 * r) as f32).sin()));
    ((1..=FEATURES).map(weight).collect(), weight(0))
}

/// Images, log-slopes, and gradients by points and by parameters.
fn expected(case: &Case, inverse: bool, shifts: [f64; FEATURES]) -> [Vec<f64>; 4] {
    let (x, params) = case.tensors(shifts);
    let mapped = if inverse {
        case.reference.inverse(&x, &params).unwrap()
    } else {
        case.reference.forward(&x, &params).unwrap()
    };
    let (d_points, d_log_det) = weights();
    let points = (&mapped.points * tensor(&d_points, &[ROWS, FEATURES])).unwrap();
    let log_det = (&mapped.log_det * tensor(&[d_log_det], &[ROWS])).unwrap();
    let total = (points.sum_all().unwrap() + log_det.sum_all().unwrap()).unwrap();
    let gradients = total.backward().unwrap();
    let (d_x, d_params) = (gradients.get(&x).unwrap(), gradients.get(&params).unwrap());
    [rows(&mapped.points), rows(&mapped.log_det), rows(d_x), rows(d_params)]
}

/// The same of the kernel; gradients of the forward map only.
fn computed(level: Level, case: &Case, inverse: bool) -> Vec<Vec<f64>> {
    let flat = |columns: &[Column]| rows(&tensor(columns, &[ROWS, columns.len()]));
    let (mut points, mut log_det) = (case.points.clone(), Column::ZERO);
    if inverse {
        case.fast.inverse(level, &case.params, &mut points, &mut log_det);
        return vec![flat(&points), flat(&[log_det])];
    }
    case.fast.forward(level, &case.params, &mut points, &mut log_det);
    let (mut d_points, d_log_det) = weights();
    let mut d_params = case.params.clone();
    case.fast.backward(level, &mut d_params, &case.points, &d_log_det, &mut d_points);
    vec![flat(&points), flat(&[log_det]), flat(&d_points), flat(&d_params)]
}

/// Fails where an error is above 1e-5 of an image or log-slope, or 1e-4 of the largest gradient, and
/// above what rounding the knots may change: so much changes when the points move by as little.
fn check(level: Level, case: &Case, inverse: bool, steep: bool) {
    let knot = 4.0 * f64::from(f32::EPSILON) * f64::from(case.fast.tail_bound);
    let centre = expected(case, inverse, [0.0; FEATURES]);
    let moved = [[knot, knot], [knot, -knot], [-knot, knot], [-knot, -knot]]
        .map(|shifts| expected(case, inverse, shifts));
    let largest = |part: usize| centre[part].iter().fold(0.0f64, |l, e| l.max(e.abs()));
    for (part, got) in computed(level, case, inverse).iter().enumerate() {
        let gradient = match part {
            // Just inside the tails, gradients by lengths cancel from as much as those by x.
            3 if steep => largest(2).max(largest(3)),
            part => largest(part),
        };
        for (i, (got, expected)) in got.iter().zip(&centre[part]).enumerate() {
            let spread: f64 = moved.iter().map(|moved| (moved[part][i] - expected).abs()).sum();
            let allowed =
                if part < 2 { 1e-5 * expected.abs().max(1.0) } else { 1e-4 * gradient } + spread;
            // Infinities agree.
            let agree = got.to_bits() == expected.to_bits() || (got - expected).abs() <= allowed;
            let place = (level.name(), case.fast.bins, inverse, part, i);
            assert!(agree, "{place:?}: {got} for {expected} within {allowed}");
        }
    }
}

#[test]
fn kernels_agree_with_the_reference() {
    for scale in [0.0, 1.0, 5.0] {
        for (level, case) in cases(scale) {
            check(level, &case, false, scale > 1.0);
            check(level, &case, true, scale > 1.0);
        }
    }
}

#[test]
fn tails_are_the_identity_exactly() {
    for (level, mut case) in cases(5.0) {
        let bound = case.fast.tail_bound;
        let outside = [bound, -bound, bound.next_up(), 1e6, -1e6, f32::INFINITY];
        case.points.fill(Column(std::array::from_fn(|r| outside[r % outside.len()])));
        let (d_points, d_log_det) = weights();
        for inverse in [false, true] {
            let (mut points, mut log_det) = (case.points.clone(), d_log_det);
            if inverse {
                case.fast.inverse(level, &case.params, &mut points, &mut log_det);
            } else {
                case.fast.forward(level, &case.params, &mut points, &mut log_det);
            }
            assert_eq!((points, log_det), (case.points.clone(), d_log_det));
        }
        let mut d_x = d_points.clone();
        case.fast.backward(level, &mut case.params, &case.points, &d_log_det, &mut d_x);
        assert_eq!(d_x, d_points);
        assert!(case.params.iter().all(|d| *d == Column::ZERO));
    }
}

#[test]
fn nan_is_seen_in_its_row_alone() {
    let p = RationalQuadraticSpline::new(8, 5.0).params_per_feature();
    for level in Level::available() {
        // The point, a raw width, a raw height, and all raw slopes.
        for at in [0..0, 2..3, 15..16, 16..p] {
            let mut case = Case::new(8, 5.0, 1.0, 0);
            case.points[0] = Column(std::array::from_fn(|r| 0.15 * (r as f32 - 31.5)));
            let expected = computed(level, &case, false);
            let expected_inverse = computed(level, &case, true);
            if at.is_empty() {
                case.points[0].0[20] = f32::NAN;
            }
            for param in &mut case.params[at] {
                param.0[20] = f32::NAN;
            }
            for (got, expected) in [
                (computed(level, &case, false), expected),
                (computed(level, &case, true), expected_inverse),
            ] {
                assert!(got[0][20 * FEATURES].is_nan(), "{}", level.name());
                let others =
                    |points: &[f64]| [&points[..20 * FEATURES], &points[21 * FEATURES..]].concat();
                assert_eq!(others(&got[0]), others(&expected[0]));
            }
        }
    }
}
