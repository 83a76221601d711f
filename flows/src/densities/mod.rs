//! Normalised densities, one file each.
