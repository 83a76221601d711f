//! Holds what lies behind a vector field.

use crate::axes::View;
use crate::figures::backdrop::{backdrop, highest, outlines};
use crate::figures::cloud::cloud;
use crate::figures::plane::check_planar;
use crate::{Grid, Points, Result, Scene, Theme};

/// A shaded density, contours of a density, and points.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind {
    pub(super) density: Option<Grid>,
    pub(super) contours: Option<Grid>,
    pub(super) points: Option<Points>,
}

impl Behind {
    /// Refuses points that are not in the plane.
    pub(super) fn check(&self) -> Result<()> {
        check_planar(self.points.as_ref())
    }

    pub(super) fn draw(&self, scene: &mut Scene, theme: &Theme, view: &View) {
        if let Some(density) = &self.density {
            backdrop(scene, theme, view, density, highest(density));
        }
        if let Some(points) = &self.points {
            let grey = theme.tint(theme.muted, 0.6);
            cloud(scene, theme, view, points.plane(0, 1), points.len(), grey);
        }
        if let Some(density) = &self.contours {
            outlines(scene, view, density, theme.tint(theme.muted, 0.75));
        }
    }
}

/// The setters of the field `behind: Behind`.
macro_rules! behind_setters {
    () => {
        /// A density to shade in grey behind the field.
        #[must_use]
        pub fn density(mut self, density: crate::Grid) -> Self {
            self.behind.density = Some(density);
            self
        }

        /// A density whose contours around 50, 80 and 95 % of the mass lie behind the field.
        #[must_use]
        pub fn density_contours(mut self, density: crate::Grid) -> Self {
            self.behind.contours = Some(density);
            self
        }

        /// Points to show faintly behind the field, by their first two columns.
        #[must_use]
        pub fn points(mut self, points: crate::Points) -> Self {
            self.behind.points = Some(points);
            self
        }
    };
}

pub(super) use behind_setters;
