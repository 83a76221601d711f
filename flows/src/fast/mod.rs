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
mod optimizer;
mod program;
mod table;
mod team;
mod tile;
mod training;
mod triangular;
mod univariate;

pub use flow::FastFlow;
pub use maximum_likelihood::MaximumLikelihood;
pub use program::{Program, Unsupported};

#[cfg(test)]
mod tests;
