//! Derivatives known in closed form, and differences for the rest.

use super::*;
use crate::Result;
use crate::rng::{Stream, generator};
use candle_core::{DType, Device, Tensor, Var};

const EXACT: f64 = 1e-10;
/// Fourth-order differences with the step 1e-3: the truncation is 1e-12 of a fifth derivative.
const DIFFERENCE: f64 = 1e-6;

fn rows(entries: &[f64], width: usize) -> Tensor {
    Tensor::from_slice(entries, (entries.len() / width, width), &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn close(got: &Tensor, expected: &[f64], tolerance: f64) {
    let got = flat(got);
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{got:?} against {expected:?}");
    }
}

fn difference(f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3;
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

fn softmax(p: &Dual) -> Result<Dual> {
    let e = p.exp()?;
    e.div(&e.sum()?)
}

/// sin(xy) + z² x, with all second derivatives at work.
fn mixed() -> FromDual<impl Fn(&Dual) -> Result<Dual>> {
    FromDual::new(3, 1, |p: &Dual| {
        let (x, y, z) = (p.narrow(0, 1)?, p.narrow(1, 1)?, p.narrow(2, 1)?);
        x.mul(&y)?.sin()?.add(&z.sqr()?.mul(&x)?)
    })
}

#[test]
fn operations_agree_with_differences_and_so_do_their_second_derivatives() {
    type Operation = fn(&Dual) -> Result<Dual>;
    let all: [(&str, Operation); 13] = [
        ("exp", Dual::exp),
        ("ln", Dual::ln),
        ("tanh", Dual::tanh),
        ("sigmoid", Dual::sigmoid),
        ("silu", Dual::silu),
        ("softplus", Dual::softplus),
        ("relu", Dual::relu),
        ("sqrt", Dual::sqrt),
        ("sqr", Dual::sqr),
        ("sin", Dual::sin),
        ("cos", Dual::cos),
        ("recip", Dual::recip),
        ("quotient", |a| a.exp()?.sub(&a.neg()?)?.div(&a.sqr()?.shift(&a.value.ones_like()?)?)),
    ];
    for (name, operation) in all {
        for at in [0.3, 1.7] {
            let f = FromDual::new(1, 1, operation);
            let value = |x: f64| flat(&f.forward(&rows(&[x], 1)).unwrap())[0];
            let slope = |x: f64| flat(&jvp(&f, &rows(&[x], 1), &rows(&[1.0], 1)).unwrap().1)[0];
            let second = flat(&hessian(&f, &rows(&[at], 1)).unwrap())[0];
            let error = (slope(at) - difference(|h| value(at + h))).abs();
            assert!(error < DIFFERENCE, "{name}: {error}");
            let error = (second - difference(|h| slope(at + h))).abs();
            assert!(error < DIFFERENCE * second.abs().max(1.0), "{name} twice: {error}");
        }
    }
}

#[test]
fn jacobian_of_a_linear_map_is_its_matrix_and_passes_are_counted() {
    let a = rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 7.0], 2);
    let transposed = a.t().unwrap().contiguous().unwrap();
    let f = FromDual::new(2, 3, |p: &Dual| p.matmul(&transposed));
    let x = rows(&[0.5, -1.0, 2.0, 3.0], 2);
    let forward = jacobian(&f, &x).unwrap();
    assert_eq!(
        (forward.mode, forward.forward_passes, forward.reverse_passes),
        (Mode::Forward, 2, 0)
    );
    let reverse = jacobian_by(Mode::Reverse, &f, &x).unwrap();
    assert_eq!((reverse.forward_passes, reverse.reverse_passes), (1, 3));
    let twice = [flat(&a), flat(&a)].concat();
    close(&forward.matrix, &twice, EXACT);
    close(&reverse.matrix, &twice, EXACT);
    assert_eq!(jacobian(&mixed(), &rows(&[1.0, 2.0, 3.0], 3)).unwrap().mode, Mode::Reverse);
}

#[test]
fn rank_of_a_nonlinear_map_depends_on_the_point() {
    let f = FromDual::new(2, 2, |p: &Dual| {
        let (x, y) = (p.narrow(0, 1)?, p.narrow(1, 1)?);
        Dual::cat(&[x.sqr()?.add(&y)?, x.mul(&y)?])
    });
    let x = rows(&[1.0, 2.0, 1.0, 0.0], 2);
    close(&jacobian(&f, &x).unwrap().matrix, &[2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 0.0, 1.0], EXACT);
    let values = singular_values(&f, &x).unwrap();
    // J Jᵀ of rank 1 has the one eigenvalue 10; σ₁σ₂ = |det| = 2 at (1, 0).
    assert!((values[0][0] - 10f64.sqrt()).abs() < EXACT && values[0][1] < EXACT);
    assert!((values[1][0] * values[1][1] - 2.0).abs() < EXACT);
    let condition = condition_number(&f, &x).unwrap();
    assert!(condition[0] > 1e12);
    assert!((condition[1] - values[1][0] / values[1][1]).abs() < EXACT);
}

#[test]
fn softmax_has_a_singular_jacobian_that_need_not_be_formed() {
    let f = FromDual::new(3, 3, softmax);
    let x = rows(&[0.2, -1.0, 0.7, 1.0, 2.0, -3.0], 3);
    let s = flat(&f.forward(&x).unwrap());
    let expected: Vec<f64> = s
        .chunks(3)
        .flat_map(|s| {
            (0..9)
                .map(|k| (k / 3, k % 3))
                .map(|(i, j)| if i == j { s[i] - s[i] * s[i] } else { -s[i] * s[j] })
        })
        .collect();
    for mode in [Mode::Forward, Mode::Reverse] {
        close(&jacobian_by(mode, &f, &x).unwrap().matrix, &expected, EXACT);
    }
    assert!(singular_values(&f, &x).unwrap().iter().all(|v| v[2] < EXACT));
    // dS = s (g − Σ g s), as in the backward pass of attention.
    let g = [1.0, -2.0, 0.5, 0.3, 0.1, 4.0];
    let by_hand: Vec<f64> = s
        .chunks(3)
        .zip(g.chunks(3))
        .flat_map(|(s, g)| {
            let inner: f64 = s.iter().zip(g).map(|(s, g)| s * g).sum();
            s.iter().zip(g).map(move |(s, g)| s * (g - inner)).collect::<Vec<_>>()
        })
        .collect();
    close(&vjp(&f, &x, &rows(&g, 3)).unwrap().1, &by_hand, EXACT);
}

#[test]
fn jacobian_of_a_composition_is_the_product_and_relu_selects_rows() {
    let weight = rows(&[1.0, -2.0, 0.5, 3.0, 1.0, 1.0], 3);
    let layer = FromDual::new(2, 3, |p: &Dual| {
        p.matmul(&weight)?.shift(&rows(&[0.1, 0.2, -5.0], 3))?.relu()
    });
    let x = rows(&[1.0, 2.0], 2);
    // W x + b = (7.1, 0.2, −1.5), negative in the last: its row is zero.
    let inner = jacobian(&layer, &x).unwrap().matrix;
    close(&inner, &[1.0, 3.0, -2.0, 1.0, 0.0, 0.0], EXACT);
    let outer = FromDual::new(3, 3, softmax);
    let image = layer.forward(&x).unwrap();
    let product = jacobian(&outer, &image).unwrap().matrix.matmul(&inner).unwrap();
    let composed = Composed::new(&outer, &layer).unwrap();
    close(&jacobian(&composed, &x).unwrap().matrix, &flat(&product), EXACT);
    assert!(Composed::new(&layer, &outer).is_err());
}

#[test]
fn gradient_of_a_squared_error_is_an_outer_product() {
    let (x, y) = ([1.0, -2.0], [0.5, 3.0]);
    // The rows of W, one after the other, are the features.
    let loss = FromDual::new(4, 1, |w: &Dual| {
        let row = |i: usize| w.narrow(2 * i, 2)?.matmul(&rows(&x, 1))?.shift(&rows(&[-y[i]], 1));
        Dual::cat(&[row(0)?, row(1)?])?.sqr()?.sum()
    });
    let w = [0.3, 0.1, -1.0, 2.0];
    let residual = [w[0] * x[0] + w[1] * x[1] - y[0], w[2] * x[0] + w[3] * x[1] - y[1]];
    let outer: Vec<f64> =
        residual.iter().flat_map(|r| x.iter().map(move |x| 2.0 * r * x)).collect();
    close(&gradient(&loss, &rows(&w, 4)).unwrap(), &outer, EXACT);
}

#[test]
fn operators_on_known_fields() {
    let p = [0.4f64, -1.2, 0.9];
    let [x, y, z] = p;
    let (s, c) = ((x * y).sin(), (x * y).cos());
    let at = rows(&p, 3);
    let h =
        [-y * y * s, c - x * y * s, 2.0 * z, c - x * y * s, -x * x * s, 0.0, 2.0 * z, 0.0, 2.0 * x];
    close(&gradient(&mixed(), &at).unwrap(), &[y * c + z * z, x * c, 2.0 * z * x], EXACT);
    close(&hessian(&mixed(), &at).unwrap(), &h, EXACT);
    close(&laplacian(&mixed(), &at).unwrap(), &[h[0] + h[4] + h[8]], EXACT);
    // v = (yz, x², x y z): ∇·v = xy, ∇×v = (xz, y − yz, 2x − z).
    let v = FromDual::new(3, 3, |p: &Dual| {
        let (x, y, z) = (p.narrow(0, 1)?, p.narrow(1, 1)?, p.narrow(2, 1)?);
        Dual::cat(&[y.mul(&z)?, x.sqr()?, x.mul(&y)?.mul(&z)?])
    });
    close(&divergence(&v, &at).unwrap(), &[x * y], EXACT);
    close(&curl(&v, &at).unwrap(), &[x * z, y - y * z, 2.0 * x - z], EXACT);
    let rotation = rows(&[0.0, 1.0, -1.0, 0.0], 2);
    let turn = FromDual::new(2, 2, |p: &Dual| p.matmul(&rotation));
    close(&curl(&turn, &rows(&[3.0, 4.0], 2)).unwrap(), &[2.0], EXACT);
    assert!(gradient(&v, &at).is_err() && curl(&mixed(), &at).is_err());
}

#[test]
fn graph_laplacian_sums_over_edges() {
    // The path 0–1–2 and the edge 0–2 left out: x₀, x₁, x₂.
    let laplacian_matrix = rows(&[1.0, -1.0, 0.0, -1.0, 2.0, -1.0, 0.0, -1.0, 1.0], 3);
    let form = FromDual::new(3, 1, |p: &Dual| p.matmul(&laplacian_matrix)?.mul(p)?.sum());
    let x = [0.5f64, -1.0, 2.0];
    let edges = (x[0] - x[1]).powi(2) + (x[1] - x[2]).powi(2);
    close(&form.forward(&rows(&x, 3)).unwrap(), &[edges], EXACT);
    close(&laplacian(&form, &rows(&x, 3)).unwrap(), &[2.0 * 4.0], EXACT);
}

#[test]
fn a_loss_of_a_divergence_has_the_right_gradient() {
    // Backward of a backward fails exactly here.
    let start = [0.5, -0.3, 0.8, 0.2];
    let x = rows(&[0.3, -0.7, 1.1, 0.4], 2);
    let loss = |w: &Tensor| {
        let v = FromDual::new(2, 2, |p: &Dual| p.matmul(w)?.tanh()?.matmul(w)?.silu());
        divergence(&v, &x).unwrap().sqr().unwrap().sum_all().unwrap()
    };
    let w = Var::from_tensor(&rows(&start, 2)).unwrap();
    let gradients = loss(&w).backward().unwrap();
    let expected: Vec<f64> = (0..4)
        .map(|k| {
            difference(|h| {
                let mut moved = start;
                moved[k] += h;
                loss(&rows(&moved, 2)).to_scalar::<f64>().unwrap()
            })
        })
        .collect();
    close(gradients.get(&w).unwrap(), &expected, DIFFERENCE);
}

#[test]
fn trace_estimators_are_exact_where_they_must_be_and_unbiased_elsewhere() {
    let d = 6;
    let entry = |i: usize, j: usize| ((i * 7 + j * 3) % 5) as f64 - 1.5;
    let entries: Vec<f64> = (0..d * d).map(|k| entry(k / d, k % d)).collect();
    let trace: f64 = (0..d).map(|i| entry(i, i)).sum();
    let matrix = rows(&entries, d);
    let field = FromDual::new(d, d, |p: &Dual| p.matmul(&matrix));
    let n = 2000;
    let x = Tensor::zeros((n, d), DType::F64, &Device::Cpu).unwrap();
    let mut rng = generator(5, Stream::Objective, 0);
    close(&exact(&field, &x.narrow(0, 0, 2).unwrap()).unwrap().value, &[trace; 2], EXACT);
    let all = hutchinson(&field, &x, Probe::Orthogonal, 9, &mut rng).unwrap();
    close(&all.value, &vec![trace; n], EXACT);
    close(&all.standard_error, &vec![0.0; n], EXACT);
    let full = hutch_plus_plus(&field, &x, 3 * d, &mut rng).unwrap();
    close(&full.value, &vec![trace; n], EXACT);
    let partial = [
        hutchinson(&field, &x, Probe::Rademacher, 4, &mut rng).unwrap(),
        hutchinson(&field, &x, Probe::Gaussian, 4, &mut rng).unwrap(),
        hutchinson(&field, &x, Probe::Orthogonal, 4, &mut rng).unwrap(),
        hutch_plus_plus(&field, &x, 9, &mut rng).unwrap(),
    ];
    for estimate in &partial {
        let mean_of = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
        let values = flat(&estimate.value);
        let claimed =
            mean_of(&flat(&estimate.standard_error).iter().map(|e| e * e).collect::<Vec<_>>());
        let seen = mean_of(&values.iter().map(|v| (v - trace).powi(2)).collect::<Vec<_>>());
        let bias = (mean_of(&values) - trace).abs();
        assert!(bias < 4.0 * (seen / n as f64).sqrt(), "bias {bias}");
        assert!((claimed / seen - 1.0).abs() < 0.25, "claimed {claimed}, seen {seen}");
    }
    let lone = hutchinson(&field, &x, Probe::Gaussian, 1, &mut rng).unwrap();
    assert!(flat(&lone.standard_error)[0].is_infinite());
    assert!(hutchinson(&field, &x, Probe::Gaussian, 0, &mut rng).is_err());
    assert!(hutch_plus_plus(&field, &x, 2, &mut rng).is_err());
}

#[test]
fn implicit_circle_has_slope_minus_x_over_y() {
    let points = [-0.9f64, 0.0, 0.6];
    let x = Var::from_tensor(&rows(&points, 1)).unwrap();
    let circle = |y: &Dual| y.sqr()?.shift(&x.sqr()?.affine(1.0, -1.0)?);
    let y = scalar_root(circle, &x, ScalarRoot::within([0.0, 2.0])).unwrap();
    let expected: Vec<f64> = points.iter().map(|x| (1.0 - x * x).sqrt()).collect();
    close(&y, &expected, EXACT);
    let slopes: Vec<f64> = points.iter().zip(&expected).map(|(x, y)| -x / y).collect();
    close(y.sum_all().unwrap().backward().unwrap().get(&x).unwrap(), &slopes, EXACT);
    assert!(scalar_root(circle, &x, ScalarRoot::within([2.0, 3.0])).is_err());
    // Newton's method alone diverges from the middle of this bracket.
    let bent = |y: &Dual| y.sub(&Dual::constant(&x)?)?.tanh();
    let y = scalar_root(bent, &x, ScalarRoot::within([-3.0, 9.0])).unwrap();
    close(&y, &points, EXACT);
    // A triple root has no derivative.
    let flat_there = |y: &Dual| y.sqr()?.mul(y);
    assert!(scalar_root(flat_there, &x, ScalarRoot::within([-1.0, 1.0])).is_err());
}

#[test]
fn a_root_is_as_exact_as_its_dtype_and_apart_from_other_rows() {
    let targets: [f32; 4] = [0.001, 0.5, 3.0, 200.0];
    let roots = |targets: &[f32]| -> Vec<f32> {
        let x = Tensor::from_slice(targets, (targets.len(), 1), &Device::Cpu).unwrap();
        // y³ + y = x
        let cubic = |y: &Dual| y.sqr()?.mul(y)?.add(y)?.shift(&x.neg()?);
        let y = scalar_root(cubic, &x, ScalarRoot::within([0.0, 100.0])).unwrap();
        y.flatten_all().unwrap().to_vec1().unwrap()
    };
    let together = roots(&targets);
    for (target, root) in targets.iter().zip(&together) {
        let y = f64::from(*root);
        assert!((y * (y * y + 1.0) / f64::from(*target) - 1.0).abs() < 1e-6, "{target}: {root}");
        assert_eq!(roots(&[*target])[0].to_bits(), root.to_bits());
    }
}

#[test]
fn equilibrium_layer_agrees_with_differences() {
    let weight = rows(&[0.3, -0.4, 0.2, 0.5], 2);
    let input = [0.7, -0.2, 0.1, 1.3];
    let layer = |x: &Tensor| {
        let g = |z: &Dual| z.matmul(&weight)?.shift(x)?.tanh();
        fixed_point(g, &rows(&[0.0; 4], 2), Anderson::default()).unwrap()
    };
    let x = Var::from_tensor(&rows(&input, 2)).unwrap();
    let z = layer(&x);
    let again = ((z.matmul(&weight).unwrap() + x.as_tensor()).unwrap()).tanh().unwrap();
    close(&again, &flat(&z), EXACT);
    let loss = |z: &Tensor| z.sqr().unwrap().sum_all().unwrap();
    let gradients = loss(&z).backward().unwrap();
    let expected: Vec<f64> = (0..4)
        .map(|k| {
            difference(|h| {
                let mut moved = input;
                moved[k] += h;
                loss(&layer(&rows(&moved, 2))).to_scalar::<f64>().unwrap()
            })
        })
        .collect();
    close(gradients.get(&x).unwrap(), &expected, DIFFERENCE);
    let grows = |z: &Dual| z.scale(2.0)?.exp();
    assert!(fixed_point(grows, &rows(&[1.0], 1), Anderson::default()).is_err());
}

#[test]
fn gradient_flow_keeps_the_polyak_lojasiewicz_bound() {
    // f = ½ (x² + 4 y²): μ = 1, the bound is met with equality along x.
    let f = FromDual::new(2, 1, |p: &Dual| p.sqr()?.matmul(&rows(&[0.5, 2.0], 1)));
    let start = rows(&[2.0, 0.0, 1.0, 1.0], 2);
    let path = gradient_flow(&f, &start, 1.0, 200).unwrap();
    let e = |rate: f64| (-rate).exp();
    close(&path[200], &[2.0 * e(1.0), 0.0, e(1.0), e(4.0)], 1e-8);
    let excess = |x: &Tensor| flat(&f.forward(x).unwrap());
    for (step, x) in path.iter().enumerate() {
        let time = step as f64 / 200.0;
        for (now, first) in excess(x).iter().zip(excess(&start)) {
            assert!(*now <= polyak_lojasiewicz_bound(first, 1.0, time) * (1.0 + 1e-9));
        }
    }
    assert!(gradient_flow(&f, &start, 1.0, 0).is_err());
}
