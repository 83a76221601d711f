//! Whether a picture that stands in the documents is the one that the gallery draws.

use diffeo::plots::Picture;

/// Pixels along the squares whose mean colours are compared.
const BLOCK: u32 = 16;
/// How far they may be apart on average, and all but half a percent of them, in levels of 255.
///
/// On one kind of processor a picture comes out as it was. Another rounds sums otherwise, training carries
/// that on, and contours move by a pixel or two. The same paths of the same model in a slightly other
/// layout were 0.8 and 15 apart, the same fields 4 to 6 on average, another model of the same data 29
/// and 224.
const MEAN: f64 = 3.0;
const HIGH: f64 = 70.0;

/// What is wrong with a picture that stands, in words; nothing where it is like the one just drawn.
pub(crate) fn difference(stands: &Picture, drawn: &Picture) -> Option<String> {
    let apart = match stands.distance(drawn, BLOCK) {
        Ok(apart) => apart,
        Err(error) => return Some(error.to_string()),
    };
    (apart.mean > MEAN || apart.high > HIGH).then(|| {
        format!(
            "{:.2} levels of 255 away on average, {:.0} where it is farthest; at most {MEAN} and {HIGH}",
            apart.mean, apart.high
        )
    })
}
