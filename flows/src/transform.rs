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
/// context ignore it.
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

    /// Sets what the map takes from data, once, before training; most maps take nothing.
    ///
    /// `x` `[n, d]` are the rows as they arrive at this map. A second call changes nothing.
    ///
    /// # Errors
    /// [`Error::Data`] when the rows cannot be used.
    fn initialise(&self, _x: &Tensor, _context: Option<&Tensor>) -> Result<()> {
        Ok(())
    }

    /// As [`Transform::forward`], outside any gradient: maps of many steps keep no graph of them.
    ///
    /// # Errors
    /// As [`Transform::forward`].
    fn forward_detached(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        let Mapped { points, log_det } = self.forward(x, context)?;
        Ok(Mapped { points: points.detach(), log_det: log_det.detach() })
    }

    /// The vector field whose flow over time 0 → 1 this map is, for maps that are such a flow.
    fn field(&self) -> Option<&dyn VectorField> {
        None
    }
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
    pub fn initialise_through(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Chain::initialise", x, self.features)?;
        let mut points = x.detach();
        for layer in &self.layers {
            layer.transform.initialise(&points, context)?;
            points = in_pieces(layer.transform.as_ref(), &points, context)?;
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

    fn initialise(&self, x: &Tensor, context: Option<&Tensor>) -> Result<()> {
        self.initialise_through(x, context).map(|_| ())
    }
}

/// Images of the points outside any gradient, a few rows at a time, so that the graph of a map
/// stays small.
fn in_pieces(map: &dyn Transform, points: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
    let rows = points.dim(0)?;
    let piece = |start: usize| -> Result<Tensor> {
        let len = PIECE.min(rows - start);
        let cut = |t: &Tensor| t.narrow(0, start, len)?.contiguous();
        let context = context.map(cut).transpose()?;
        Ok(map.forward(&cut(points)?, context.as_ref())?.points.detach())
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
