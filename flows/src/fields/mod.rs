//! Vector fields: networks with time, and fields in closed form.

mod activate;
mod analytic;
mod config;
mod inputs;
mod potential;
mod scalar_net;
#[cfg(test)]
mod tests;
mod time_linear;
mod time_mlp;

pub use analytic::{FieldFn, LinearField};
pub use config::{FieldConfig, TimeForm};
pub use potential::PotentialField;
pub use time_mlp::TimeMlp;
