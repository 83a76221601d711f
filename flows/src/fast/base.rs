//! Base densities, the fast tier of [`crate::densities`].

mod mixture;
mod normal;

pub(super) use mixture::GaussianMixture;
pub(super) use normal::IsotropicNormal;
