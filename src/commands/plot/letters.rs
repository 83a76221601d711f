//! Says which letters of names the font of pictures does not have.

use crate::output::complain;
use std::collections::BTreeSet;

/// Most letters that a warning lists.
const LISTED: usize = 8;

/// Warns once, of all pictures of a command, of letters that are shown as code points.
pub fn warn(lacked: &BTreeSet<char>) {
    if let Some(warning) = warning(lacked) {
        complain(&warning);
    }
}

fn warning(lacked: &BTreeSet<char>) -> Option<String> {
    // A mark that turns the order of letters round is no letter to print.
    let shown = |letter: &char| {
        if letter.is_alphanumeric() {
            format!("{letter} (U+{:04X})", u32::from(*letter))
        } else {
            format!("U+{:04X}", u32::from(*letter))
        }
    };
    let listed: Vec<String> = lacked.iter().take(LISTED).map(shown).collect();
    let more = match lacked.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!listed.is_empty()).then(|| {
        format!(
            "warning: the font of the pictures lacks {}{more}: a PNG or GIF shows code points; an SVG \
             shows the letters where its viewer has a font for them",
            listed.join(", ")
        )
    })
}

#[test]
fn a_warning_lists_letters_with_their_code_points() {
    let lacked = |text: &str| warning(&text.chars().collect());
    assert_eq!(lacked(""), None);
    let some = lacked("质☉\u{202e}").unwrap();
    assert!(some.contains("lacks U+202E, U+2609, 质 (U+8D28): a PNG"), "{some}");
    let many = lacked("一丁丂七丄丅丆万丈三").unwrap();
    assert!(many.contains("万 (U+4E07) and 2 more: a PNG"), "{many}");
}
