use super::*;
use crate::config::{FlowConfig, recipe};
use crate::fast::against_reference::random;
use crate::fast::simd::Level;
use crate::flow::Flow;
use crate::params::to_f64;
use crate::transform::Transform;
use candle_core::Var;

/// A flow with random weights, in both precisions.
struct Pair {
    config: FlowConfig,
    single: Params,
    double: Params,
    exact: Flow,
}

fn pair(name: &str, d: usize, context: usize) -> Pair {
    let config = recipe(name).unwrap().flow(d, context).unwrap();
    let mut single = Params::new(DType::F32, &Device::Cpu, 0);
    config.build(&mut single).unwrap();
    let start = single.read_flat().unwrap();
    let noise = random(start.len(), 1, 0.05);
    let moved: Vec<f64> = start.iter().zip(&noise).map(|(a, b)| a + b).collect();
    single.write_flat(&moved).unwrap();
    let mut double = Params::new(DType::F64, &Device::Cpu, 0);
    let exact = config.build(&mut double).unwrap();
    double.write_flat(&single.read_flat().unwrap()).unwrap();
    Pair { config, single, double, exact }
}

fn tensor(rows: usize, columns: usize, seed: u64, dtype: DType) -> Tensor {
    let values = random(rows * columns, seed, 1.0);
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

/// Values, the loss, the gradient of w with x = tanh w, and those of the parameters.
fn loss(
    params: &Params,
    w: &Var,
    map: impl Fn(&Tensor) -> Result<Mapped>,
) -> (Vec<f64>, f64, Vec<Vec<f64>>) {
    let mapped = map(&w.tanh().unwrap()).unwrap();
    // A gradient that differs from row to row, and arrives without lying in order.
    let turned = mapped.points.t().unwrap().sqr().unwrap();
    let loss = (turned.sum_all().unwrap() - mapped.log_det.sin().unwrap().sum_all().unwrap())
        .unwrap()
        .affine(0.5, 0.0)
        .unwrap();
    let store = loss.backward().unwrap();
    let of = |var: &Var| {
        store.get(var).map_or(vec![0.0; var.elem_count()], |gradient| to_f64(gradient).unwrap())
    };
    let gradients = std::iter::once(of(w)).chain(params.trainable().map(|param| of(param.var())));
    let values = [to_f64(&mapped.points).unwrap(), to_f64(&mapped.log_det).unwrap()].concat();
    (values, to_f64(&loss).unwrap()[0], gradients.collect())
}

#[test]
fn agrees_with_the_reference_in_a_graph() {
    for name in ["realnvp", "nsf", "maf", "glow"] {
        for (d, k) in [(2, 0), (5, 0), (2, 2), (5, 2)] {
            let Pair { config, single, double, exact } = pair(name, d, k);
            let context = (k > 0).then(|| tensor(133, k, 3, DType::F64));
            let w = Var::from_tensor(&tensor(133, d, 2, DType::F64)).unwrap();
            let (values, expected, gradients) =
                loss(&double, &w, |x| exact.transform().forward(x, context.as_ref()));
            let context = context.map(|context| context.to_dtype(DType::F32).unwrap());
            let w = Var::from_tensor(&tensor(133, d, 2, DType::F32)).unwrap();
            for level in Level::available() {
                let what = format!("{name} {d} given {k}, {}", level.name());
                let program = Program::new(&config, &single, level).unwrap();
                let fast = FastTransform::new(program);
                let theta = flat_theta(&single).unwrap();
                let got = loss(&single, &w, |x| fast.forward(x, &theta, context.as_ref()));
                assert!((got.1 - expected).abs() < 1e-5 * expected.abs(), "{what}");
                for (a, b) in got.0.iter().zip(&values) {
                    assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{what}: {a} for {b}");
                }
                for (got, expected) in got.2.iter().zip(&gradients) {
                    let largest = expected.iter().fold(1e-20, |m, g| f64::max(m, g.abs()));
                    for (a, b) in got.iter().zip(expected) {
                        assert!((a - b).abs() < 1e-4 * largest, "{what}: {a} for {b} of {largest}");
                    }
                }
            }
        }
    }
}

#[test]
fn theta_may_be_a_variable_and_the_points_may_lie_in_any_order() {
    let Pair { config, single, .. } = pair("realnvp", 2, 0);
    let fast = FastTransform::new(Program::new(&config, &single, Level::best()).unwrap());
    let theta = Var::from_tensor(&flat_theta(&single).unwrap()).unwrap();
    let turned = tensor(2, 70, 2, DType::F32).t().unwrap();
    let a = fast.forward(&turned, &theta, None).unwrap();
    let b = fast.forward(&turned.contiguous().unwrap(), &theta, None).unwrap();
    assert_eq!(to_f64(&a.points).unwrap(), to_f64(&b.points).unwrap());
    let gradients = a.log_det.sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get(&theta).unwrap().dims(), [single.count()]);
    assert!(to_f64(gradients.get(&theta).unwrap()).unwrap().iter().any(|g| *g != 0.0));
}

#[test]
fn a_flow_without_parameters_passes_gradients_on() {
    let config = FlowConfig {
        layers: vec![crate::transforms::ReverseConfig {}.into()],
        ..recipe("nice").unwrap().flow(2, 0).unwrap()
    };
    let mut params = Params::new(DType::F32, &Device::Cpu, 0);
    config.build(&mut params).unwrap();
    let fast = FastTransform::new(Program::new(&config, &params, Level::best()).unwrap());
    let x = Var::new(&[[1f32, 2.0]], &Device::Cpu).unwrap();
    let mapped = fast.forward(&x, &flat_theta(&params).unwrap(), None).unwrap();
    assert_eq!(to_f64(&mapped.points).unwrap(), [2.0, 1.0]);
    let gradients = mapped.points.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(to_f64(gradients.get(&x).unwrap()).unwrap(), [2.0, 4.0]);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let Pair { config, single, double, .. } = pair("realnvp", 2, 1);
    let fast = FastTransform::new(Program::new(&config, &single, Level::best()).unwrap());
    let theta = flat_theta(&single).unwrap();
    let [x, context] = [2, 1].map(|columns| tensor(3, columns, 1, DType::F32));
    assert!(fast.forward(&x, &theta, Some(&context)).is_ok());
    let shape = |result: Result<Mapped>| assert!(matches!(result, Err(Error::Shape { .. })));
    shape(fast.forward(&context, &theta, Some(&context)));
    shape(fast.forward(&x, &theta, None));
    shape(fast.forward(&x, &theta, Some(&x)));
    shape(fast.forward(&x, &theta.narrow(0, 1, 9).unwrap(), Some(&context)));
    shape(fast.forward(&x, &theta.unsqueeze(0).unwrap(), Some(&context)));
    shape(fast.forward(&x.narrow(0, 0, 0).unwrap(), &theta, Some(&context)));
    let config = |result: Result<Mapped>| assert!(matches!(result, Err(Error::Config { .. })));
    config(fast.forward(&x.to_dtype(DType::F64).unwrap(), &theta, Some(&context)));
    config(fast.forward(&x, &flat_theta(&double).unwrap(), Some(&context)));
    config(fast.forward(&x, &theta, Some(&context.to_dtype(DType::F64).unwrap())));
}
