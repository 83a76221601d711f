//! Registers the embedded font and measures text with it.

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

/// Letters of the embedded fonts, from the first to the last of each run: `assets/subset.sh`.
const LETTERS: [(u32, u32); 22] = [
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x192, 0x192),
    (0x218, 0x21B),
    (0x2C6, 0x2DD),
    (0x370, 0x3FF),
    (0x400, 0x45F),
    (0x1E9E, 0x1E9E),
    (0x2010, 0x2026),
    (0x2030, 0x2033),
    (0x2039, 0x203A),
    (0x2044, 0x2044),
    (0x2070, 0x209C),
    (0x20AC, 0x20AC),
    (0x2113, 0x2113),
    (0x2122, 0x2126),
    (0x2190, 0x2193),
    (0x2202, 0x2215),
    (0x221A, 0x222B),
    (0x2248, 0x2265),
    (0x25A0, 0x25A0),
    (0x25CF, 0x25CF),
];
/// What stands for a letter that the fonts do not have.
const REPLACEMENT: char = '■';

fn is_known(letter: char) -> bool {
    LETTERS.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(letter)))
}

/// The text with a mark in place of each letter that the embedded fonts do not have, to be painted: the
/// viewer of an SVG may have other fonts, a PNG has none.
pub(crate) fn painted(text: &str) -> String {
    text.chars().map(|c| if is_known(c) { c } else { REPLACEMENT }).collect()
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

/// Width of `text` in points at `size` points an em; a letter that the fonts do not have takes at least
/// an em, as ideographs do in most fonts.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let missing = text.chars().filter(|c| !is_known(*c)).count();
    if missing == 0 {
        return known_width(text, size, bold);
    }
    let short = (size - known_width(&REPLACEMENT.to_string(), size, bold)).max(0.0);
    known_width(&painted(text), size, bold) + missing as f64 * short
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
    fn letters_that_the_font_lacks_are_marked_and_take_an_em() {
        assert_eq!(painted("äβ漢字 ±"), "äβ■■ ±");
        assert!((width("漢字", 10.0, false) - 20.0).abs() < 1.0);
        let label = |text: &str| {
            let mut scene = Scene::new(60.0, 20.0, &crate::Theme::light()).unwrap();
            let (colour, anchor) = (crate::Colour::hex(0), Anchor::Start);
            let (text, at, size) = (text.to_owned(), [5.0, 15.0], 12.0);
            scene.text(Label { at, text, size, bold: false, colour, anchor, upright: false });
            let picture = scene.picture().unwrap();
            picture.pixels().iter().filter(|v| **v < 128).count()
        };
        assert!(label("漢字") > 300 && label("漢字") > label("漢"), "{}", label("漢字"));
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
