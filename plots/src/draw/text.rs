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

/// Width of `text` in points at `size` points an em.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
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

    #[test]
    fn width_grows_with_letters_size_and_weight() {
        assert!(width("", 10.0, false).abs() < 1e-9);
        assert!(width("mm", 10.0, false) > 1.9 * width("m", 10.0, false));
        assert!((width("flow", 20.0, false) / width("flow", 10.0, false) - 2.0).abs() < 1e-9);
        assert!(width("flow", 10.0, true) > width("flow", 10.0, false));
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
