//! Chooses a few colours for pictures of many.

mod median_cut;

use median_cut::{Counted, median_cut};
use std::collections::{BTreeMap, HashMap};

/// Most colours; one place of 256 is kept for transparency.
const MOST: usize = 255;
/// A colour on more than this share of all pixels keeps its exact value.
const LARGE: f64 = 1e-3;
/// Most exact colours.
const EXACT: usize = 64;

/// The colours of a picture or a film, and the nearest of them to any other.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    colours: Vec<[u8; 3]>,
    known: HashMap<[u8; 3], u8>,
}

impl Palette {
    /// All colours of the pictures, red, green and blue of each pixel, if they are few, or else the best for them.
    pub(crate) fn of<'a>(pictures: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut counts: BTreeMap<[u8; 3], u32> = BTreeMap::new();
        for picture in pictures {
            let (pixels, _) = picture.as_chunks::<3>();
            for run in pixels.chunk_by(|a, b| a == b) {
                *counts.entry(run[0]).or_default() += run.len() as u32;
            }
        }
        let mut counted: Vec<Counted> = counts.into_iter().collect();
        let colours = if counted.len() <= MOST {
            counted.into_iter().map(|(rgb, _)| rgb).collect()
        } else {
            let all: f64 = counted.iter().map(|(_, count)| f64::from(*count)).sum();
            counted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            let large = |(_, count): &&Counted| f64::from(*count) > LARGE * all;
            let exact = counted.iter().take_while(large).count().min(EXACT);
            let rest = counted.split_off(exact);
            let mut colours: Vec<[u8; 3]> = counted.into_iter().map(|(rgb, _)| rgb).collect();
            colours.extend(median_cut(rest, MOST - exact));
            colours
        };
        let known = (0..).zip(&colours).map(|(i, &rgb)| (rgb, i)).collect();
        Self { colours, known }
    }

    /// Red, green and blue of all colours, and of one more in place of transparency.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.colours.iter().copied().chain([[0; 3]]).flatten().collect()
    }

    /// The index that stands for transparency.
    pub(crate) fn transparent(&self) -> u8 {
        self.colours.len() as u8
    }

    /// The index of the colour of every pixel.
    pub(crate) fn indices(&mut self, picture: &[u8]) -> Vec<u8> {
        let (pixels, _) = picture.as_chunks::<3>();
        let mut indices = Vec::with_capacity(pixels.len());
        for run in pixels.chunk_by(|a, b| a == b) {
            let index = self.index(run[0]);
            indices.resize(indices.len() + run.len(), index);
        }
        indices
    }

    fn index(&mut self, rgb: [u8; 3]) -> u8 {
        if let Some(&index) = self.known.get(&rgb) {
            return index;
        }
        let nearest = (0..).zip(&self.colours).min_by_key(|(_, colour)| distance(**colour, rgb));
        let index = nearest.map_or(0, |(i, _)| i);
        self.known.insert(rgb, index);
        index
    }
}

/// The squared distance of two colours; eyes see green best, then red.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let squares = [0, 1, 2].map(|k| u32::from(a[k].abs_diff(b[k])).pow(2));
    3 * squares[0] + 4 * squares[1] + 2 * squares[2]
}
