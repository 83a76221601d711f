//! Holds what every figure can be told about its looks.

use crate::Theme;
use crate::axes::{Heading, Swatch};

/// Title, theme and width of a figure; without a width it takes its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) title: String,
    pub(super) theme: Theme,
    pub(super) width: Option<f64>,
}

impl Look {
    /// The width asked for, of the figure or else of the theme, or else this one.
    pub(super) fn width_or(&self, own: f64) -> f64 {
        self.width.or(self.theme.width).unwrap_or(own)
    }

    pub(super) fn heading(&self, legend: Vec<(Swatch, String)>, remark: String) -> Heading<'_> {
        Heading { theme: &self.theme, title: self.title.clone(), legend, remark }
    }
}

/// The setters of the field `look: Look`.
macro_rules! look_setters {
    (width: $width:literal) => {
        /// A title above the axes.
        #[must_use]
        pub fn title(mut self, title: &str) -> Self {
            title.clone_into(&mut self.look.title);
            self
        }

        /// Colours, text sizes and resolution.
        #[must_use]
        pub fn theme(mut self, theme: crate::Theme) -> Self {
            self.look.theme = theme;
            self
        }

        #[doc = concat!("Width of the figure in points; ", $width, ".")]
        #[must_use]
        pub fn width(mut self, width: f64) -> Self {
            self.look.width = Some(width);
            self
        }
    };
}

/// The setter of the field `labels: [String; 2]`.
macro_rules! label_setter {
    () => {
        /// Names of the two columns.
        #[must_use]
        pub fn labels(mut self, x: &str, y: &str) -> Self {
            self.labels = [x, y].map(String::from);
            self
        }
    };
}

pub(super) use {label_setter, look_setters};
