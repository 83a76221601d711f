//! Defines what a transform is, and composes transforms.
//!
//! `forward` is data → latent, everywhere: z = f(x). `log_det` is log|det ∂f/∂x| of the map just
//! applied, so that for a chain the log-determinants add up and
//!
//! log p(x) = log p_base(f(x)) + log|det ∂f/∂x|
//!
//! Rezende and Mohamed 2015, *Variational Inference with Normalizing Flows*, eq. 5.

use crate::error::{Error, Result};
use crate::field::VectorField;
use candle_core::{Shape, Tensor};
use std::fmt::Debug;

/// Mapped points and what the map did to volume.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The images of the points, `[n, d]`.
    pub points: Tensor,
    /// log|det J| of each row, `[n]`, in nats.
    pub log_det: Tensor,
}

/// A differentiable bijection of ℝᵈ, optionally given a context.
///
/// # Implementing a transform
/// Write both directions in candle operations that pass gradients, check the shapes with
/// [`check_points`], and add a line to `tests/catalogue.rs`: the law tests compare the inverse, the
/// log-determinant and every gradient with independent calculations. Maps that do not use a
/// context ignore it; most maps take nothing from data and are no [`FlowOfField`].
pub trait Transform: Debug + Send + Sync {
    /// Number of features d.
    fn features(&self) -> usize;

    /// Maps data to latent: x `[n, d]`, context `[n, k]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped>;

    /// Maps latent to data: z `[n, d]`, context `[n, k]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped>;

    /// Sets what the map takes from data, once, before training; most maps take nothing, and say so.
    ///
    /// `x` `[n, d]` are the rows as they arrive at this map, which takes them in that direction. A
    /// second call changes nothing. Not provided, so that no map around another can forget it.
    ///
    /// # Errors
    /// [`Error::Data`] when the rows cannot be used.
    fn initialise(&self, x: &Tensor, context: Option<&Tensor>, direction: Direction) -> Result<()>;

    /// The flow of a vector field that this map is, taken in that direction; none for other maps. Not
    /// provided, so that no map around another can forget it.
    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)>;
}

/// A direction of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Data → latent.
    Forward,
    /// Latent → data.
    Inverse,
}

impl Direction {
    /// The other one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Inverse,
            Self::Inverse => Self::Forward,
        }
    }
}

/// A map that is the flow of a vector field over time 0 → 1.
pub trait FlowOfField {
    /// The field.
    fn field(&self) -> &dyn VectorField;

    /// The images of x `[n, d]` outside any gradient, row by row: NaN, in the points and in log|det|, of
    /// a row that the solver cannot follow, and of no other.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn map_rows(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        direction: Direction,
    ) -> Result<Mapped>;
}

/// The images of x `[n, d]` under a map in one direction, outside any gradient; see
/// [`FlowOfField::map_rows`] for maps of many steps.
///
/// # Errors
/// [`Error::Shape`] when a shape does not fit.
pub fn detached(
    map: &dyn Transform,
    x: &Tensor,
    context: Option<&Tensor>,
    direction: Direction,
) -> Result<Mapped> {
    if let Some((flow, own)) = map.as_flow() {
        let direction = if own == Direction::Forward { direction } else { direction.reversed() };
        return flow.map_rows(x, context, direction);
    }
    let Mapped { points, log_det } = match direction {
        Direction::Forward => map.forward(x, context)?,
        Direction::Inverse => map.inverse(x, context)?,
    };
    Ok(Mapped { points: points.detach(), log_det: log_det.detach() })
}

/// Maps applied one after the other; forward runs from the first to the last.
///
/// log|det J| = Σₖ log|det Jₖ|, since the Jacobian of a composition is the product of Jacobians.
#[derive(Debug)]
pub struct Chain {
    features: usize,
    layers: Vec<Layer>,
}

/// A map and its name in the chain, which errors and `diffeo info` use.
#[derive(Debug)]
pub struct Layer {
    /// For instance `3.coupling`.
    pub name: String,
    /// The map.
    pub transform: Box<dyn Transform>,
}

impl Chain {
    /// Chains maps of the same number of features; an empty chain is the identity.
    ///
    /// # Errors
    /// [`Error::Config`] when a layer has another number of features.
    pub fn new(features: usize, layers: Vec<Layer>) -> Result<Self> {
        for layer in &layers {
            if layer.transform.features() != features {
                return Err(Error::config(
                    format!("layer {}", layer.name),
                    format!(
                        "maps {} features in a chain of {features}",
                        layer.transform.features()
                    ),
                    "give every layer of a chain the same number of features",
                ));
            }
        }
        Ok(Self { features, layers })
    }

    /// Initialises every layer with the rows x `[n, d]` as they arrive at it; gives the rows as they
    /// leave the last one, outside any gradient.
    ///
    /// # Errors
    /// [`Error::Data`] when the rows cannot be used.
    pub fn initialise_through(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        direction: Direction,
    ) -> Result<Tensor> {
        check_points("Chain::initialise", x, self.features)?;
        let mut points = x.detach();
        let mut visit = |layer: &Layer| -> Result<()> {
            layer.transform.initialise(&points, context, direction)?;
            points = in_pieces(layer.transform.as_ref(), &points, context, direction)?;
            Ok(())
        };
        match direction {
            Direction::Forward => self.layers.iter().try_for_each(&mut visit)?,
            Direction::Inverse => self.layers.iter().rev().try_for_each(&mut visit)?,
        }
        Ok(points)
    }

    /// The layers, first applied first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

impl Transform for Chain {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Chain::forward", x, self.features)?;
        self.layers.iter().try_fold(identity(x)?, |so_far, layer| {
            then(&so_far, layer.transform.forward(&so_far.points, context)?)
        })
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Chain::inverse", z, self.features)?;
        self.layers.iter().rev().try_fold(identity(z)?, |so_far, layer| {
            then(&so_far, layer.transform.inverse(&so_far.points, context)?)
        })
    }

    fn initialise(&self, x: &Tensor, context: Option<&Tensor>, direction: Direction) -> Result<()> {
        self.initialise_through(x, context, direction).map(|_| ())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        match self.layers() {
            [layer] => layer.transform.as_flow(),
            _ => None,
        }
    }
}

/// Images of the points outside any gradient, a few rows at a time, so that the graph of a map
/// stays small.
fn in_pieces(
    map: &dyn Transform,
    points: &Tensor,
    context: Option<&Tensor>,
    direction: Direction,
) -> Result<Tensor> {
    let rows = points.dim(0)?;
    let piece = |start: usize| -> Result<Tensor> {
        let len = PIECE.min(rows - start);
        let cut = |t: &Tensor| t.narrow(0, start, len)?.contiguous();
        let context = context.map(cut).transpose()?;
        Ok(detached(map, &cut(points)?, context.as_ref(), direction)?.points)
    };
    let pieces: Vec<Tensor> = (0..rows).step_by(PIECE).map(piece).collect::<Result<_>>()?;
    Ok(Tensor::cat(&pieces, 0)?)
}

/// Rows of a piece.
const PIECE: usize = 1024;

/// A transform with its directions exchanged.
///
/// The inverse of a masked autoregressive map is the inverse autoregressive flow of Kingma et al.
/// 2016: quick to sample, slow to evaluate.
#[derive(Debug)]
pub struct Inverse<T>(pub T);

impl<T: Transform> Transform for Inverse<T> {
    fn features(&self) -> usize {
        self.0.features()
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        self.0.inverse(x, context)
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        self.0.forward(z, context)
    }

    fn initialise(&self, x: &Tensor, context: Option<&Tensor>, direction: Direction) -> Result<()> {
        self.0.initialise(x, context, direction.reversed())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        self.0.as_flow().map(|(flow, direction)| (flow, direction.reversed()))
    }
}

/// The points unchanged, with log-determinant 0.
///
/// # Errors
/// When a tensor operation fails.
pub fn identity(x: &Tensor) -> Result<Mapped> {
    let log_det = Tensor::zeros(x.dim(0)?, x.dtype(), x.device())?;
    Ok(Mapped { points: x.clone(), log_det })
}

/// The second map's points with the log-determinants of both.
fn then(first: &Mapped, second: Mapped) -> Result<Mapped> {
    Ok(Mapped { log_det: (&first.log_det + second.log_det)?, points: second.points })
}

/// Fails unless `x` is `[n, features]` with at least one row, since candle cannot sum over none.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_points(what: &'static str, x: &Tensor, features: usize) -> Result<()> {
    match x.dims() {
        [n, d] if *n > 0 && *d == features => Ok(()),
        got => Err(Error::shape(what, format!("[n ≥ 1, {features}]"), got)),
    }
}

/// The context as `[n, features]`, or none when `features` is 0.
///
/// # Errors
/// [`Error::Shape`] when a context is missing or has another shape.
pub fn check_context<'a>(
    what: &'static str,
    x: &Tensor,
    context: Option<&'a Tensor>,
    features: usize,
) -> Result<Option<&'a Tensor>> {
    if features == 0 {
        return Ok(None);
    }
    let expected = Shape::from((x.dim(0)?, features));
    match context {
        Some(context) if context.shape() == &expected => Ok(Some(context)),
        Some(context) => Err(Error::shape(what, format!("context {expected:?}"), context.dims())),
        None => Err(Error::shape(what, format!("context {expected:?}, none given"), &[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::Cancel;
    use crate::config::{BaseConfig, FlowConfig};
    use crate::nets::{Activation, NetConfig};
    use crate::params::{Params, to_f64};
    use crate::rng::{Stream, generator};
    use crate::transforms::{ActNorm, InverseAutoregressiveConfig};
    use crate::univariates::RationalQuadraticSpline;
    use candle_core::{DType, Device};

    fn rows() -> Tensor {
        let values: Vec<f64> = (0..400).map(|i| 3.0 * (f64::from(i) * 0.37).sin() + 1.0).collect();
        Tensor::from_vec(values, (200, 2), &Device::Cpu).unwrap()
    }

    /// The splines of an inverse autoregressive flow get their knots from the data.
    #[test]
    fn an_inverse_takes_its_start_from_data() {
        let univariate = RationalQuadraticSpline::new(6, 5.0).unwrap().into();
        let net = NetConfig { hidden: vec![8], activation: Activation::default(), residual: false };
        let layers = vec![InverseAutoregressiveConfig { univariate, net }.into()];
        let base = BaseConfig::default();
        let config = FlowConfig { features: 2, context: 0, layers, base };
        let mut params = Params::new(DType::F64, &Device::Cpu, 0);
        let flow = config.build(&mut params).unwrap();
        let before = params.read_flat().unwrap();
        let mut rng = generator(0, Stream::Mixture, 0);
        flow.initialise(&rows(), None, &mut rng, &Cancel::new()).unwrap();
        assert_ne!(before, params.read_flat().unwrap(), "no knot was placed");
        let mapped = flow.transform().forward(&rows(), None).unwrap();
        for (z, x) in to_f64(&mapped.points).unwrap().iter().zip(to_f64(&rows()).unwrap()) {
            assert!((z - x).abs() < 1e-9, "{z} for {x}");
        }
    }

    #[test]
    fn an_inverse_act_norm_normalises_what_arrives_at_it() {
        let mut params = Params::new(DType::F64, &Device::Cpu, 0);
        let map = Inverse(ActNorm::new(params.scope("map"), 2).unwrap());
        map.initialise(&rows(), None, Direction::Forward).unwrap();
        let z = map.forward(&rows(), None).unwrap().points;
        let mean = to_f64(&z.mean(0).unwrap()).unwrap();
        let square = to_f64(&z.sqr().unwrap().mean(0).unwrap()).unwrap();
        for (mean, square) in mean.iter().zip(square) {
            assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 1e-9, "{mean}, {square}");
        }
    }
}
