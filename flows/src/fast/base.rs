//! Base densities, the fast tier of [`crate::densities`].

mod normal;

pub(super) use normal::StandardNormal;
