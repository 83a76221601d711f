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
    names.min_by_key(|candidate| edit_distance(name, candidate)).unwrap_or_default()
}

/// Levenshtein 1966.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let kept = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = kept.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (a, b, distance) in
            [("", "abc", 3), ("abc", "abc", 0), ("ring", "rings", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
        }
    }

    #[test]
    fn finds_the_nearest_name() {
        assert_eq!(nearest("two_moons"), "two-moons");
        assert_eq!(nearest("8-gaussians"), "eight-gaussians");
        assert_eq!(nearest("swissroll"), "swiss-roll");
    }
}
