//! Draws a vector field over the plane.

use super::behind::{Behind, behind_setters};
use super::{FieldStyle, Lengths, draw_field};
use crate::figures::look::{Look, label_setter, look_setters};
use crate::figures::plane::{Plane, missing};
use crate::{Figure, Result, Scene, VectorGrid};

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
    behind: Behind,
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
            behind: Behind::default(),
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

    behind_setters!();

    /// Name of the length of the vectors, beside the colour bar; "|v|" by default.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    label_setter!();

    look_setters!(width: "520 by default");
}

impl Figure for FieldMap {
    fn scene(&self) -> Result<Scene> {
        self.behind.check()?;
        let theme = &self.look.theme;
        let lengths = Lengths::of(&self.field);
        let bar = lengths.bar(theme, &self.value_label);
        let mut plane = Plane::new(&self.look, &self.labels, self.field.ranges(), true, bar);
        let [nx, ny] = self.field.size();
        plane.remark = missing(self.field.skipped(), nx * ny, "vectors");
        if lengths.scale <= 0.0 {
            "all vectors are zero".clone_into(&mut plane.remark);
        }
        let (mut scene, view) = plane.place()?;
        self.behind.draw(&mut scene, theme, &view);
        draw_field(&mut scene, &self.field, &view, self.style, (&plane.bar, lengths));
        plane.frame(&mut scene, view.area);
        Ok(scene)
    }
}
