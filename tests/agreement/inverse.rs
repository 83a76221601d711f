use super::compare::{Compared, assert_agrees};
use super::flows::TAIL_BOUND;
use super::pair::{Pair, ROWS, double, levels, normals, pairs};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::fast::simd::Level;
use diffeo_flows::fast::{FastFlow, FastTransform, flat_theta};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::{Chain, Density, Flow, Transform};
use rand::RngCore;

/// A base whose samples are given.
#[derive(Debug)]
struct Given(Tensor);

impl Density for Given {
    fn features(&self) -> usize {
        self.0.dim(1).unwrap()
    }

    fn log_prob(&self, x: &Tensor, _: Option<&Tensor>) -> diffeo_flows::Result<Tensor> {
        Ok(x.sum(1)?.zeros_like()?)
    }

    fn sample(
        &self,
        _: usize,
        _: Option<&Tensor>,
        _: &mut dyn RngCore,
    ) -> diffeo_flows::Result<Tensor> {
        Ok(self.0.clone())
    }
}

/// The points that the fast tier makes of latent ones.
fn points(pair: &Pair, level: Level, z: &Tensor) -> Tensor {
    let (rows, d) = z.dims2().unwrap();
    let nothing = Chain::new(d, Vec::new()).unwrap();
    let placement = (DType::F32, &Device::Cpu);
    let context = pair.case.config.context;
    let given = Flow::new(nothing, Box::new(Given(z.clone())), context, placement).unwrap();
    let params = &pair.single.params;
    let fast = FastFlow::new(pair.program(level).unwrap().into(), given, params).unwrap();
    let mut rng = generator(0, Stream::Sample, 0);
    fast.sample(rows, pair.context(rows).as_ref(), &mut rng).unwrap()
}

/// Normal points, with the ends of the splines and 0 among them.
fn latent(d: usize) -> Tensor {
    let mut values = normals(ROWS, d, 9).flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (i, value) in values.iter_mut().enumerate().filter(|(i, _)| i % 5 == 2) {
        let end = TAIL_BOUND as f32;
        *value = [0.0, end, -end, 2.0 * end][i % 4];
    }
    Tensor::from_vec(values, (ROWS, d), &Device::Cpu).unwrap()
}

/// The points that the reference makes of them, and their images again.
fn reference(flow: &Flow, z: &Tensor, context: Option<&Tensor>) -> [Vec<f64>; 2] {
    let x = flow.transform().inverse(z, context).unwrap().points;
    let again = flow.transform().forward(&x, context).unwrap().points;
    [&x, &again].map(|tensor| to_f64(tensor).unwrap())
}

#[test]
fn inverses_agree_and_lead_back() {
    for pair in pairs() {
        let z = latent(pair.case.config.features);
        let context = pair.context(ROWS);
        let slow = reference(&pair.single.flow, &z, context.as_ref());
        let exact =
            reference(&pair.double.flow, &double(&z), context.as_ref().map(double).as_ref());
        for level in levels() {
            let x = points(&pair, level, &z);
            let transform = FastTransform::new(pair.program(level).unwrap());
            let theta = flat_theta(&pair.single.params).unwrap();
            let again = transform.forward(&x, &theta, context.as_ref()).unwrap().points;
            for (i, (fast, of)) in [(x, "inverse"), (again, "back")].into_iter().enumerate() {
                let fast = to_f64(&fast).unwrap();
                let compared = Compared { fast: &fast, slow: &slow[i], exact: &exact[i] };
                assert_agrees(&pair.what(level, of), compared.values(pair.case.is_steep()));
            }
        }
    }
}

/// The same generator gives the same sample on both tiers.
#[test]
fn samples_agree() {
    for pair in pairs() {
        let context = pair.context(ROWS);
        let draw = |density: &dyn Density| {
            let mut rng = generator(3, Stream::Sample, 0);
            to_f64(&density.sample(ROWS, context.as_ref(), &mut rng).unwrap()).unwrap()
        };
        let slow = draw(&pair.single.flow);
        for level in levels() {
            let fast = draw(&pair.fast(level));
            // How far the kernels may be off is the subject of the test above.
            let far =
                fast.iter().zip(&slow).find(|(a, b)| (*a - *b).abs() > 0.01 * b.abs().max(1.0));
            assert_eq!(far, None, "{}", pair.what(level, "sample"));
        }
    }
}
