//! Defines what a layer and a base are in the fast tier.
//!
//! No method has a default: a kernel without a backward pass does not compile.

use super::layout::Layout;
use super::simd::Level;
use super::tile::Column;
use std::fmt::Debug;

/// What every pass over a tile reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    /// The instructions to use.
    pub(super) level: Level,
    /// All parameters in the order of [`Params::read_flat`](crate::Params::read_flat), and after
    /// them what the kernels prepared from them.
    pub(super) theta: &'a [f32],
    /// The context of the tile's rows, a column for each context feature.
    pub(super) context: &'a [Column],
}

/// A kernel, or why there is none for these settings and parameters.
pub(super) type Built<T> = Result<Box<T>, String>;

/// Where the parameters of a part are, and for how many features and context features it is.
pub(super) struct Site<'a, 'b> {
    pub(super) layout: &'a mut Layout<'b>,
    pub(super) path: &'a str,
    pub(super) sizes: (usize, usize),
}

/// The first that was found; none, where all looked for other kinds than this one.
pub(super) fn first_of<T: ?Sized>(
    kind: &str,
    mut found: impl Iterator<Item = Option<Built<T>>>,
) -> Built<T> {
    found.find_map(|found| found).unwrap_or_else(|| Err(format!("there is no kernel for {kind}")))
}

/// What was found among the parameters, or why there is no kernel.
pub(super) fn placed<T>(found: Option<T>) -> Result<T, String> {
    found.ok_or_else(|| "there is no kernel for parameters of these names and shapes".into())
}

/// A layer of a flow over a tile of rows.
///
/// `tape` holds [`Kernel::tape`] columns. What `forward` leaves there `backward` finds.
pub(super) trait Kernel: Debug + Send + Sync {
    /// Columns that forward, inverse and backward need beside the points.
    fn tape(&self) -> usize;

    /// Columns that backward needs beside the tape.
    fn scratch(&self) -> usize;

    /// Prepares once for all tiles what depends on the parameters alone.
    fn prepare(&self, theta: &mut [f32]);

    /// Maps points data → latent in place and adds log|det J| of each row.
    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    );

    /// Turns gradients of the images into those of the points, in place, and adds those of the
    /// parameters and of what was prepared.
    fn backward(&self, pass: &Pass, reverse: Reverse);

    /// Maps points latent → data in place and adds log|det J| of each row, of the inverse.
    fn inverse(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    );

    /// Once for all tiles: turns gradients of what was prepared into those of the parameters, and
    /// makes those of masked parameters 0.
    fn finish(&self, theta: &[f32], gradient: &mut [f32]);
}

/// What a backward pass over a tile works on.
#[derive(Debug)]
pub(super) struct Reverse<'a> {
    /// As forward left it; what is in it afterwards is of no use.
    pub(super) tape: &'a mut [Column],
    /// Columns of any content.
    pub(super) scratch: &'a mut [Column],
    /// The gradient of the loss with respect to the log-determinant of each row.
    pub(super) d_log_det: &'a Column,
    /// With respect to the images, then to the points.
    pub(super) d_points: &'a mut [Column],
    /// With respect to the parameters and what was prepared: to be added to.
    pub(super) gradient: &'a mut [f32],
}

/// The base density of a flow over a tile of rows.
pub(super) trait Base: Debug + Send + Sync {
    /// Columns that log_prob and backward need beside the points.
    fn tape(&self) -> usize;

    /// As [`Kernel::prepare`].
    fn prepare(&self, theta: &mut [f32]);

    /// Adds log p(z) of each row.
    fn log_prob(&self, pass: &Pass, z: &[Column], log_prob: &mut Column, tape: &mut [Column]);

    /// After `log_prob` of the same points: overwrites `d_points` with their gradients from those
    /// of log p(z), `d_log_det`, and adds those of the parameters.
    fn backward(&self, pass: &Pass, z: &[Column], reverse: Reverse);

    /// As [`Kernel::finish`].
    fn finish(&self, theta: &[f32], gradient: &mut [f32]);
}
