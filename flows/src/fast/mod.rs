pub mod peak;
pub mod simd;

mod activation;
#[cfg(test)]
mod against_reference;
mod base;
mod dense;
mod flow;
mod kernel;
mod layers;
mod layout;
mod math;
mod maximum_likelihood;
mod net;
mod operation;
mod optimizer;
mod program;
mod table;
mod tile;
mod training;
mod triangular;
mod univariate;

pub use flow::FastFlow;
pub use maximum_likelihood::MaximumLikelihood;
pub use operation::{FastTransform, flat_theta};
pub use program::{Program, Unsupported};

#[cfg(test)]
mod tests;
