//! Lists the toys.

use super::toy::ToyInfo;
use super::{checkerboard, conditional, curves, gaussians, pinwheel, rings, two_moons};

pub(super) static ALL: [ToyInfo; 17] = [
    two_moons::TWO_MOONS,
    gaussians::EIGHT_GAUSSIANS,
    checkerboard::CHECKERBOARD,
    pinwheel::PINWHEEL,
    curves::TWO_SPIRALS,
    rings::RINGS,
    rings::CIRCLES,
    curves::SWISS_ROLL,
    conditional::BANANA,
    conditional::FUNNEL,
    conditional::COSINE,
    curves::MOONS,
    curves::S_CURVE,
    curves::LEMNISCATE,
    gaussians::DIAMOND,
    rings::OLYMPIC_RINGS,
    checkerboard::CARPET,
];

/// The name with the fewest letters to change, add or leave out.
pub(super) fn nearest(name: &str) -> &'static str {
    let names = ALL.iter().map(|info| info.name);
    names.min_by_key(|candidate| strsim::levenshtein(name, candidate)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_name() {
        assert_eq!(nearest("two_moons"), "two-moons");
        assert_eq!(nearest("8-gaussians"), "eight-gaussians");
        assert_eq!(nearest("swissroll"), "swiss-roll");
    }
}
