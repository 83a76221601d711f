use super::flows::{Case, cases};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::fast::simd::Level;
use diffeo_flows::fast::{FastFlow, Program, Unsupported};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::{Flow, Params};
use rand::Rng;
use rand_distr::StandardNormal;

/// Standard deviation of what is added to every vector of parameters of one layer; less for matrices,
/// by the root of their longer side, and for many layers, by the root of their number: far out their
/// rounding would grow without bound.
const NOISE: f64 = 0.3;

/// The most rows of a batch, and numbers of rows around a tile's.
pub(super) const ROWS: usize = 197;
pub(super) const ROW_COUNTS: [usize; 5] = [1, 63, 64, 65, ROWS];

/// The levels to try: all that this processor has, or the one asked for.
pub(super) fn levels() -> Vec<Level> {
    let mut levels = Level::available();
    if let Ok(name) = std::env::var("DIFFEO_SIMD") {
        levels.retain(|level| level.name() == name);
        assert!(!levels.is_empty(), "this processor has no level called {name}");
    }
    levels
}

/// The reference tier in one precision.
pub(super) struct Reference {
    pub(super) params: Params,
    pub(super) flow: Flow,
}

/// A flow with random weights, the same numbers in both precisions.
pub(super) struct Pair {
    pub(super) case: Case,
    pub(super) single: Reference,
    pub(super) double: Reference,
}

impl Pair {
    pub(super) fn new(case: Case) -> Self {
        let build = |dtype| {
            let mut params = Params::new(dtype, &Device::Cpu, 0);
            let flow = case.config.build(&mut params).unwrap();
            Reference { params, flow }
        };
        let (single, double) = (build(DType::F32), build(DType::F64));
        let mut rng = generator(1, Stream::Objective, 0);
        let noise = NOISE / (case.config.layers.len().max(1) as f64).sqrt();
        for (single, double) in single.params.trainable().zip(double.params.trainable()) {
            let dims = single.var().dims();
            let matrix = dims.iter().filter(|dim| **dim > 1).count() > 1;
            let longest = dims.iter().max().map_or(1.0, |dim| *dim as f64);
            let sd = if matrix { noise / longest.sqrt() } else { noise };
            let noise: Vec<f64> = (0..single.var().elem_count())
                .map(|_| sd * rng.sample::<f64, _>(StandardNormal))
                .collect();
            let noise = Tensor::from_vec(noise, dims, &Device::Cpu).unwrap();
            let moved = (single.var().to_dtype(DType::F64).unwrap() + noise).unwrap();
            single.var().set(&moved.to_dtype(DType::F32).unwrap()).unwrap();
            double.var().set(&single.var().to_dtype(DType::F64).unwrap()).unwrap();
        }
        Self { case, single, double }
    }

    pub(super) fn program(&self, level: Level) -> Result<Program, Unsupported> {
        Program::new(&self.case.config, &self.single.params, level)
    }

    /// The flow on kernels.
    pub(super) fn fast(&self, level: Level) -> FastFlow {
        let mut frozen = self.single.params.frozen();
        let flow = self.case.config.build(&mut frozen).unwrap();
        FastFlow::new(self.program(level).unwrap().into(), flow, &self.single.params).unwrap()
    }

    /// What a message says first.
    pub(super) fn what(&self, level: Level, of: &str) -> String {
        format!("{}, {}, {of}", self.case.name(), level.name())
    }

    /// A context for so many rows, where the flow has one.
    pub(super) fn context(&self, rows: usize) -> Option<Tensor> {
        let k = self.case.config.context;
        (k > 0).then(|| normals(rows, k, 7))
    }
}

/// All pairs.
pub(super) fn pairs() -> impl Iterator<Item = Pair> {
    cases().into_iter().map(Pair::new)
}

/// Normal numbers of single precision, `[rows, columns]`.
pub(super) fn normals(rows: usize, columns: usize, seed: u64) -> Tensor {
    let mut rng = generator(seed, Stream::Sample, 0);
    let values: Vec<f32> = (0..rows * columns).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

pub(super) fn double(tensor: &Tensor) -> Tensor {
    tensor.to_dtype(DType::F64).unwrap()
}

/// The first rows of a tensor.
pub(super) fn first(tensor: &Tensor, rows: usize) -> Tensor {
    tensor.narrow(0, 0, rows).unwrap().contiguous().unwrap()
}

#[test]
fn every_kind_has_kernels() {
    for pair in cases().into_iter().map(Pair::new) {
        let program = pair.program(Level::best());
        assert!(program.is_ok(), "{}: {}", pair.case.name(), program.unwrap_err());
    }
}
