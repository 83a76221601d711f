//! Builds a case far from the identity, and chooses the points it is tried at.

use crate::catalogue::{Case, TAIL_BOUND};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::nets::LastLayer;
use diffeo_flows::params::{to_f64, write};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::transform::Mapped;
use diffeo_flows::{Params, Result, Transform};
use rand::Rng;
use rand_distr::StandardNormal;

/// The seed of all models and points but those of the law on seeds.
pub(super) const SEED: u64 = 1;
/// Standard deviation of what is added to every parameter after its start.
const NOISE: f64 = 0.4;
/// Standard deviation of ordinary points.
const SPREAD: f64 = 1.5;
/// Distance of tail points.
const FAR: f64 = 8.0;
/// Distance of tail points where the data live on a part of the line: e⁻³ from the end already.
const FAR_BOUNDED: f64 = 3.0;
const ORDINARY_ROWS: usize = 4;
const TAIL_ROWS: usize = 3;

/// The direction a map is used in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Inverse,
}

impl Direction {
    pub(super) fn back(self) -> Self {
        match self {
            Self::Forward => Self::Inverse,
            Self::Inverse => Self::Forward,
        }
    }
}

pub(super) const BOTH: [Direction; 2] = [Direction::Forward, Direction::Inverse];

/// A case with its parameters.
pub(super) struct Model {
    pub(super) params: Params,
    pub(super) transform: Box<dyn Transform>,
    case: Case,
}

impl Model {
    /// The case as it starts.
    pub(super) fn start(case: &Case, dtype: DType, seed: u64, last: LastLayer) -> Result<Self> {
        let mut params = Params::new(dtype, &Device::Cpu, seed);
        let transform = (case.build)(params.scope("map"), (case.features, case.context), last)?;
        Ok(Self { params, transform, case: case.clone() })
    }

    /// The case with noise on every parameter, so that no map is near the identity.
    pub(super) fn far(case: &Case, dtype: DType) -> Result<Self> {
        let model = Self::start(case, dtype, SEED, LastLayer::Scaled)?;
        let mut flat = model.params.read_flat()?;
        let mut rng = generator(SEED, Stream::Objective, 0);
        for value in &mut flat {
            *value += NOISE * rng.sample::<f64, _>(StandardNormal);
        }
        model.params.write_flat(&flat)?;
        Ok(model)
    }

    /// Sets every parameter to one of `values`.
    pub(super) fn set_all(&self, values: &[f64]) -> Result<()> {
        let mut rng = generator(SEED, Stream::Objective, 1);
        for param in self.params.trainable() {
            let n = param.var().elem_count();
            let drawn: Vec<f64> =
                (0..n).map(|_| values[rng.random_range(0..values.len())]).collect();
            write(param.var(), &drawn)?;
        }
        Ok(())
    }

    pub(super) fn run(
        &self,
        direction: Direction,
        points: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<Mapped> {
        match direction {
            Direction::Forward => self.transform.forward(points, context),
            Direction::Inverse => self.transform.inverse(points, context),
        }
    }

    /// Ordinary and tail points of the side that `direction` starts from.
    pub(super) fn points(&self, direction: Direction) -> Result<Tensor> {
        self.on_the_side_of(direction, latent_points(&self.case))
    }

    /// The ends of the splines exactly, 0, and the middle of a bin, each in every column.
    pub(super) fn edge_points(&self, direction: Direction) -> Result<Tensor> {
        let b = TAIL_BOUND;
        let edges = [0.0, b, -b, b / 2.0, -b / 2.0, b.next_down(), b.next_up()];
        let row = |i: usize| (0..self.case.features).map(move |j| edges[(i + j) % edges.len()]);
        self.on_the_side_of(direction, (0..edges.len()).flat_map(row).collect())
    }

    fn on_the_side_of(&self, direction: Direction, latent: Vec<f64>) -> Result<Tensor> {
        let points = self.tensor(latent, self.case.features)?;
        match direction {
            Direction::Forward if self.case.bounded => {
                self.transform.inverse(&points, None).map(|m| m.points)
            }
            _ => Ok(points),
        }
    }

    /// A context for so many rows, where the case has one.
    pub(super) fn context(&self, rows: usize) -> Result<Option<Tensor>> {
        let k = self.case.context;
        let mut rng = generator(SEED, Stream::Objective, 2);
        let values = (0..rows * k).map(|_| rng.sample(StandardNormal)).collect();
        if k == 0 { Ok(None) } else { self.tensor(values, k).map(Some) }
    }

    /// Row-major values of so many columns, in the model's dtype.
    pub(super) fn tensor(&self, values: Vec<f64>, columns: usize) -> Result<Tensor> {
        let shape = (values.len() / columns, columns);
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.params.dtype())?)
    }
}

fn latent_points(case: &Case) -> Vec<f64> {
    let mut rng = generator(SEED, Stream::Objective, 3);
    let far = if case.bounded { FAR_BOUNDED } else { FAR };
    let mut values: Vec<f64> = (0..ORDINARY_ROWS * case.features)
        .map(|_| SPREAD * rng.sample::<f64, _>(StandardNormal))
        .collect();
    values.extend((0..TAIL_ROWS * case.features).map(|_| far * rng.random_range(-1.0..=1.0)));
    values[ORDINARY_ROWS * case.features] = far;
    values
}

/// The entries of a tensor, row-major.
pub(super) fn flat(tensor: &Tensor) -> Result<Vec<f64>> {
    to_f64(tensor)
}
