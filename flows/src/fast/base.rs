//! Base densities, the fast tier of [`crate::densities`]: one file each, and one line in a list.

mod mixture;
mod normal;
mod student_t;

pub(super) use normal::IsotropicNormal;

use super::kernel::{Base, Built, Site, first_of};
use crate::config::BaseConfig;

/// The kernel of a base; none where the settings are of another kind.
type Find = fn(&BaseConfig, &mut Site) -> Option<Built<dyn Base>>;

const KERNELS: [Find; 3] = [mixture::kernel, normal::kernel, student_t::kernel];

/// The kernel of a base.
pub(super) fn kernel(base: &BaseConfig, site: &mut Site) -> Built<dyn Base> {
    first_of(base.name(), KERNELS.iter().map(|find| find(base, site)))
}
