//! Pictures in a report.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// A picture with its caption.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it shows, as a heading.
    pub title: String,
    /// What to see in it; also read to those who cannot see it.
    pub caption: String,
    /// The bytes of a PNG.
    pub png: Vec<u8>,
    /// Width and height in pixels of the screen.
    pub size: [u32; 2],
}

pub(super) fn section(figures: &[Figure]) -> Markup {
    html! {
        @if !figures.is_empty() {
            section {
                h2 { "Pictures" }
                @for figure in figures { (one(figure)) }
            }
        }
    }
}

fn one(figure: &Figure) -> Markup {
    let source = format!("data:image/png;base64,{}", STANDARD.encode(&figure.png));
    html! {
        figure {
            h3 { (figure.title) }
            img src=(source) alt=(figure.caption) width=(figure.size[0]) height=(figure.size[1]);
            figcaption { (figure.caption) }
        }
    }
}
