//! Registers the embedded font and measures text with it.

use std::fmt::Write as _;
use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

use crate::{PlotError, Result};

/// The name under which the embedded font is known to plotters; in an SVG, a list of families.
const FAMILY: &str = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
const REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.otf");

/// Height of a line of Inter in ems, ascent plus descent; plotters sizes bitmaps by it.
pub(crate) const LINE: f64 = 3408.0 / 2816.0;
/// Height of a capital letter of Inter in ems.
pub(crate) const CAPITAL: f64 = 2048.0 / 2816.0;
/// Longest text ever measured or drawn.
const LONGEST: usize = 200;

/// What the regular font holds; both weights hold the same letters, as `assets/subset.sh` has it.
fn is_known(letter: char) -> bool {
    static FACE: OnceLock<Option<ttf_parser::Face<'static>>> = OnceLock::new();
    let face = FACE.get_or_init(|| ttf_parser::Face::parse(REGULAR, 0).ok());
    face.as_ref().is_some_and(|face| face.glyph_index(letter).is_some())
}

/// The letters of a text that the embedded fonts do not have.
pub(crate) fn missing(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|letter| !is_known(*letter))
}

/// The text with its code point, as in U+4E2D, in place of each letter that the embedded fonts do not
/// have, to be painted: the viewer of an SVG may have other fonts, a PNG has none.
pub(crate) fn painted(text: &str) -> String {
    let mut painted = String::with_capacity(text.len());
    let mut is_after_code = false;
    for letter in text.chars() {
        let is_code = !is_known(letter);
        if (is_code || is_after_code) && !letter.is_whitespace() && !painted.is_empty() {
            let is_apart = painted.ends_with(char::is_whitespace);
            painted.push_str(if is_apart { "" } else { " " });
        }
        if is_code {
            let _ = write!(painted, "U+{:04X}", u32::from(letter));
        } else {
            painted.push(letter);
        }
        is_after_code = is_code;
    }
    painted
}

/// Registers the fonts once in the life of the process.
pub(crate) fn register() -> Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let good = DONE.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, SEMI_BOLD).is_ok()
    });
    if *good { Ok(()) } else { Err(PlotError::Backend("the embedded font is damaged".into())) }
}

/// The font for plotters, `size` in its own unit.
pub(crate) fn font(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

/// Width of `text` in points at `size` points an em, with code points in place of letters that the fonts
/// do not have: those are wider than the letters are where an SVG is viewed.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    if text.chars().all(is_known) {
        return known_width(text, size, bold);
    }
    known_width(&painted(text), size, bold)
}

fn known_width(text: &str, size: f64, bold: bool) -> f64 {
    // plotters answers in whole pixels: ask for a large font and scale down.
    const MAGNIFY: f64 = 64.0;
    if register().is_err() {
        return 0.6 * size * text.chars().count() as f64;
    }
    let measured = font(MAGNIFY * LINE, bold).layout_box(text);
    measured.map_or(0.0, |((left, _), (right, _))| f64::from(right - left) * size / MAGNIFY)
}

/// `text` on one line, cut with an ellipsis where it is wider than `room` points.
pub(crate) fn fitted(text: &str, size: f64, bold: bool, room: f64) -> String {
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let clean: String = text.chars().map(one_line).take(LONGEST).collect();
    if clean.len() == text.len() && width(&clean, size, bold) <= room {
        return clean;
    }
    let letters: Vec<char> = clean.trim_end().chars().collect();
    let cut = |length: usize| letters.iter().take(length).chain(&['…']).collect::<String>();
    let (mut fits, mut fails) = (0, letters.len() + 1);
    while fails - fits > 1 {
        let middle = usize::midpoint(fits, fails);
        if width(&cut(middle), size, bold) <= room { fits = middle } else { fails = middle }
    }
    if fits > 0 { cut(fits) } else { String::new() }
}

/// A name with a note in brackets behind it, as in `mass  (×10⁶)`; only the name is ever cut.
pub(crate) fn noted(name: &str, note: &str, size: f64, room: f64) -> String {
    match (name.trim(), note) {
        (name, "") => fitted(name, size, false, room),
        ("", note) => note.to_owned(),
        (name, note) => {
            let behind = format!("  ({note})");
            fitted(name, size, false, room - width(&behind, size, false)) + &behind
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::scene::{Anchor, Label, Scene};

    #[test]
    fn width_grows_with_letters_size_and_weight() {
        assert!(width("", 10.0, false).abs() < 1e-9);
        assert!(width("mm", 10.0, false) > 1.9 * width("m", 10.0, false));
        assert!((width("flow", 20.0, false) / width("flow", 10.0, false) - 2.0).abs() < 1e-9);
        assert!(width("flow", 10.0, true) > width("flow", 10.0, false));
    }

    #[test]
    fn letters_that_the_font_lacks_are_painted_as_their_code_points() {
        for (text, shown) in [
            ("äβ ± Ψ", "äβ ± Ψ"),
            ("Жёлтый ӱ", "Жёлтый ӱ"),
            ("nhiệt độ", "nhiệt độ"),
            ("M☉", "M U+2609"),
            ("漢字", "U+6F22 U+5B57"),
            ("x 漢 y", "x U+6F22 y"),
            ("∇p", "U+2207 p"),
        ] {
            assert_eq!(painted(text), shown);
            let lacked = usize::from(text != shown) + usize::from(text == "漢字");
            assert_eq!(missing(text).count(), lacked, "{text}");
        }
        assert!((width("漢", 10.0, false) - width("U+6F22", 10.0, false)).abs() < 1e-9);
    }

    /// Each weight paints each letter of the other: a bold title has no gaps.
    #[test]
    fn both_weights_hold_the_same_letters() {
        let faces = [REGULAR, SEMI_BOLD].map(|font| ttf_parser::Face::parse(font, 0).unwrap());
        let letters = (0..0x3000).filter_map(char::from_u32);
        let known = |letter: &char| faces[0].glyph_index(*letter).is_some();
        let (shared, lacked): (Vec<_>, Vec<_>) = letters.partition(known);
        assert!(shared.len() > 1300, "{}", shared.len());
        assert!(shared.iter().all(|&c| faces[1].glyph_index(c).is_some()));
        assert!(lacked.iter().all(|&c| faces[1].glyph_index(c).is_none()));
    }

    #[test]
    fn a_scene_tells_which_letters_it_cannot_paint() {
        let mut scene = Scene::new(60.0, 20.0, &crate::Theme::light()).unwrap();
        for text in ["M☉", "字漢", "漢 x"] {
            let (colour, anchor, at) = (crate::Colour::hex(0), Anchor::Start, [5.0, 15.0]);
            let text = text.to_owned();
            scene.text(Label { at, text, size: 9.0, bold: false, colour, anchor, upright: false });
        }
        assert_eq!(scene.letters_lacked(), ['☉', '字', '漢']);
        // The viewer of an SVG may have them.
        assert!(scene.svg().unwrap().contains("漢 x"));
    }

    #[test]
    fn a_note_is_never_cut() {
        assert_eq!(noted("mass", "×10⁶", 10.0, 200.0), "mass  (×10⁶)");
        let cut = noted("a rather long column name", "×10⁶", 10.0, 80.0);
        assert!(cut.ends_with("…  (×10⁶)") && width(&cut, 10.0, false) <= 80.0, "{cut}");
        assert_eq!(noted("", "×10⁶", 10.0, 80.0), "×10⁶");
    }

    #[test]
    fn long_text_is_cut_to_the_room() {
        let cut = fitted("a rather long column name", 10.0, false, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0, false) <= 60.0, "{cut}");
        assert_eq!(fitted("kurz", 10.0, false, 60.0), "kurz");
        assert_eq!(fitted("ä\nβ", 10.0, false, 60.0), "ä β");
        assert_eq!(fitted("anything", 10.0, false, 1.0), "");
    }
}
