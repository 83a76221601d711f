//! Draws a vector field over the plane.

mod arrows;
mod carried;
mod lines;
mod spacing;
mod streamlines;

use self::arrows::draw_arrows;
use self::carried::Carried;
use self::lines::draw_streamlines;
use super::backdrop::{backdrop, outlines};
use super::cloud::cloud;
use super::look::{Look, label_setter, look_setters};
use super::plane::{Plane, check_planar, missing};
use crate::axes::{ColourBar, View};
use crate::stats::Interval;
use crate::{Figure, Grid, Points, Result, Scene, VectorGrid};

/// How a vector field is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldStyle {
    /// Arrows as long as the vectors, up to the 95 % quantile of the lengths.
    #[default]
    Arrows,
    /// Evenly spaced lines along the field.
    Streamlines,
}

/// A vector field over the plane as arrows or streamlines, coloured by the length of the vectors,
/// on equal axes.
///
/// The colours end at the 95 % quantile of the lengths where a few vectors are much longer; the
/// colour bar then has a pointed end. Where a vector is missing nothing is drawn.
///
/// # Example
/// ```
/// use diffeo_plots::{FieldMap, FieldStyle, Figure, VectorGrid};
/// let node = |k: usize| -2.0 + 4.0 * k as f64 / 30.0;
/// let turn: Vec<[f64; 2]> = (0..31 * 31).map(|k| [-node(k / 31), node(k % 31)]).collect();
/// let field = VectorGrid::new(&turn, [31, 31], (-2.0, 2.0), (-2.0, 2.0))?;
/// let figure = FieldMap::new(field).style(FieldStyle::Streamlines).title("a rotation");
/// assert!(figure.scene()?.svg()?.contains("|v|"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FieldMap {
    field: VectorGrid,
    style: FieldStyle,
    density: Option<Grid>,
    contours: Option<Grid>,
    points: Option<Points>,
    value_label: String,
    labels: [String; 2],
    look: Look,
}

impl FieldMap {
    /// A map of `field` with arrows.
    pub fn new(field: VectorGrid) -> Self {
        Self {
            field,
            style: FieldStyle::default(),
            density: None,
            contours: None,
            points: None,
            value_label: "|v|".to_owned(),
            labels: <[String; 2]>::default(),
            look: Look::default(),
        }
    }

    /// Arrows or streamlines.
    #[must_use]
    pub fn style(mut self, style: FieldStyle) -> Self {
        self.style = style;
        self
    }

    /// A density to shade in grey behind the field.
    #[must_use]
    pub fn density(mut self, density: Grid) -> Self {
        self.density = Some(density);
        self
    }

    /// A density whose contours around 50, 80 and 95 % of the mass lie behind the field.
    #[must_use]
    pub fn density_contours(mut self, density: Grid) -> Self {
        self.contours = Some(density);
        self
    }

    /// Points to show faintly behind the field, by their first two columns.
    #[must_use]
    pub fn points(mut self, points: Points) -> Self {
        self.points = Some(points);
        self
    }

    /// Name of the length of the vectors, beside the colour bar; "|v|" by default.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    label_setter!();

    look_setters!(width: "520 by default");

    fn behind(&self, scene: &mut Scene, view: &View) {
        let theme = &self.look.theme;
        if let Some(density) = &self.density {
            backdrop(scene, theme, view, density);
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

impl Figure for FieldMap {
    fn scene(&self) -> Result<Scene> {
        check_planar(self.points.as_ref())?;
        let theme = &self.look.theme;
        let (scale, longer) = self.field.robust_length();
        let high = if scale > 1e-80 { scale } else { 1.0 };
        let range = Interval { low: 0.0, high };
        let bar = ColourBar {
            beyond: [false, longer],
            ..ColourBar::new(theme, theme.inks(), range, &self.value_label)
        };
        let mut plane = Plane::new(&self.look, &self.labels, self.field.ranges(), true, bar);
        let [nx, ny] = self.field.size();
        plane.remark = missing(self.field.skipped(), nx * ny, "vectors");
        if scale <= 0.0 {
            "all vectors are zero".clone_into(&mut plane.remark);
        }
        let (mut scene, view) = plane.place()?;
        self.behind(&mut scene, &view);
        let field = Carried { field: &self.field, view: &view, scale };
        match self.style {
            FieldStyle::Arrows => draw_arrows(&mut scene, &field, &plane.bar),
            FieldStyle::Streamlines => draw_streamlines(&mut scene, &field, &plane.bar),
        }
        plane.frame(&mut scene, view.area);
        Ok(scene)
    }
}
