//! Whether a picture that stands in the documents is the one that the gallery draws.

use diffeo::plots::Picture;

/// Pixels along the squares whose mean colours are compared.
const BLOCK: u32 = 16;
/// How far they may be apart on average, and all but half a percent of them, in levels of 255.
///
/// On one kind of processor a picture comes out as it was. Another rounds sums otherwise, training carries
/// that on, and contours move by a pixel or two: between two kinds of processor pictures were up to 3.2 apart
/// on average and 47 at the farthest, another model of the same data 29 and 224.
const SAME_SIZE: (f64, f64) = (5.0, 80.0);
/// The same where a label of another width has moved the axes, so that all that is in them has moved a little:
/// 12 and 99 between two kinds of processor.
const MOVED: (f64, f64) = (16.0, 130.0);
/// The part of the height that labels move, one in so many.
const SHARE: u32 = 25;

/// What is wrong with a picture that stands, in words; nothing where it is like the one just drawn.
pub(crate) fn difference(stands: &Picture, drawn: &Picture) -> Option<String> {
    let (across, down) = (stands.width(), stands.height());
    let near = drawn.width() == across && down.abs_diff(drawn.height()) * SHARE <= down;
    let (mean, high) = if drawn.height() == down { SAME_SIZE } else { MOVED };
    let drawn = if near { &drawn.clone().resized(across, down) } else { drawn };
    let apart = match stands.distance(drawn, BLOCK) {
        Ok(apart) => apart,
        Err(error) => return Some(error.to_string()),
    };
    (apart.mean > mean || apart.high > high).then(|| {
        format!(
            "{:.2} levels of 255 away on average, {:.0} where it is farthest; at most {mean} and {high}",
            apart.mean, apart.high
        )
    })
}
