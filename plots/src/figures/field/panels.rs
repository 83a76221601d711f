//! Draws several vector fields side by side.

use super::{FieldPanel, FieldStyle, Lengths, draw_field};
use crate::axes::ColourBar;
use crate::figures::heat::{heat, lengths_bar};
use crate::figures::look::{Look, label_setter, look_setters};
use crate::figures::plane::missing;
use crate::figures::strip::{Cell, Strip, common_range, views};
use crate::stats::Interval;
use crate::{Figure, Grid, PlotError, Result, Scene};

/// Widths of the paper for one, two, three and four columns.
const WIDTHS: [f64; 4] = [500.0, 680.0, 860.0, 940.0];

/// Vector fields in panels with common axes, as the score at several noise levels or of several
/// models; lengths and colours share one scale unless [`FieldPanels::own_scales`] is asked for.
///
/// The scale ends at the 95 % quantile of the lengths in the panel with the longest vectors; the
/// colour bar has a pointed end where vectors are longer. Fields on different ranges stand on axes
/// that hold all of them, unless [`FieldPanels::own_axes`] is asked for.
///
/// # Errors
/// When drawn: [`PlotError::Empty`] without panels, [`PlotError::Size`] for points that are not in
/// the plane, or for a [`FieldPanels::difference`] of other than two fields.
///
/// # Example
/// ```
/// use diffeo_plots::{FieldPanel, FieldPanels, Figure, VectorGrid};
/// let node = |k: usize| -2.0 + 4.0 * k as f64 / 20.0;
/// let score = |variance: f64| {
///     let at = |k: usize| [-node(k % 21) / variance, -node(k / 21) / variance];
///     let vectors: Vec<[f64; 2]> = (0..21 * 21).map(at).collect();
///     VectorGrid::new(&vectors, [21, 21], (-2.0, 2.0), (-2.0, 2.0))
/// };
/// let (wide, narrow) = (score(4.0)?, score(0.5)?);
/// let panels = vec![FieldPanel::new("σ = 2", wide), FieldPanel::new("σ = 0.7", narrow)];
/// let figure = FieldPanels::new(panels).value_label("|score|").labels("x₁", "x₂");
/// assert!(figure.scene()?.svg()?.contains("σ = 0.7"));
/// let compared = figure.difference("difference", "|Δ score|");
/// assert!(compared.scene()?.svg()?.contains("|Δ score|"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FieldPanels {
    panels: Vec<FieldPanel>,
    style: FieldStyle,
    own_scales: bool,
    own_axes: bool,
    difference: Option<[String; 2]>,
    columns: Option<usize>,
    value_label: String,
    labels: [String; 2],
    look: Look,
}

impl FieldPanels {
    /// A panel with arrows for every field.
    pub fn new(panels: Vec<FieldPanel>) -> Self {
        Self {
            panels,
            style: FieldStyle::default(),
            own_scales: false,
            own_axes: false,
            difference: None,
            columns: None,
            value_label: "|v|".to_owned(),
            labels: <[String; 2]>::default(),
            look: Look::default(),
        }
    }

    /// Arrows or streamlines, in all panels.
    #[must_use]
    pub fn style(mut self, style: FieldStyle) -> Self {
        self.style = style;
        self
    }

    /// A scale and a colour bar for every panel, for fields of very different strength: on one scale
    /// the arrows of the weaker would shrink to dots, as those of scores under much noise do.
    #[must_use]
    pub fn own_scales(mut self) -> Self {
        self.own_scales = true;
        self
    }

    /// Axes for every panel, those of its field: much noise reaches farther than little.
    #[must_use]
    pub fn own_axes(mut self) -> Self {
        self.own_axes = true;
        self
    }

    /// One more panel, for exactly two fields: a heat map of the length of their difference, where
    /// both are known, at the nodes of the first; with its title and the name of its values.
    #[must_use]
    pub fn difference(mut self, name: &str, value_label: &str) -> Self {
        self.difference = Some([name, value_label].map(String::from));
        self
    }

    /// Panels in a row; by default up to four (three with scales of their own), in rows as equally
    /// long as can be.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Name of the length of the vectors, beside the colour bar; "|v|" by default.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    label_setter!();

    look_setters!(width: "680 for two panels by default, up to 940 for more");

    /// The lengths of every panel: its own, or those of the panel with the longest.
    fn lengths(&self) -> Vec<Lengths> {
        let own: Vec<Lengths> = self.panels.iter().map(|p| Lengths::of(&p.field)).collect();
        if self.own_scales {
            return own;
        }
        let common = own.iter().copied().reduce(Lengths::or_longer);
        common.map_or(own.clone(), |common| vec![common; own.len()])
    }

    fn difference_grid(&self) -> Result<Option<Grid>> {
        match (&self.difference, self.panels.as_slice()) {
            (None, _) => Ok(None),
            (Some(_), [first, second]) => first.field.difference(&second.field).map(Some),
            (Some(_), panels) => Err(PlotError::Size {
                what: "fields to take the difference of",
                expected: 2,
                got: panels.len(),
            }),
        }
    }

    fn remark(&self) -> String {
        let skipped = self.panels.iter().map(|p| p.field.skipped()).sum();
        let all = self.panels.iter().map(|p| p.field.size().iter().product::<usize>()).sum();
        missing(skipped, all, "vectors")
    }

    /// Panels with their titles and bars; one bar is for all where nothing else needs one.
    fn strip<'a>(
        &'a self,
        bars: &[ColourBar<'a>],
        difference: Option<ColourBar<'a>>,
    ) -> Result<Strip<'a>> {
        let axis =
            |k: usize| common_range(None, "", self.panels.iter().map(|p| p.field.ranges()[k]));
        let ranges: [Interval; 2] = [axis(0)?, axis(1)?];
        let shared = !self.own_scales && difference.is_none();
        let last = self.panels.len() - 1;
        let mut cells = Vec::new();
        for (i, (panel, bar)) in self.panels.iter().zip(bars).enumerate() {
            let own = self.own_scales || (!shared && i == last);
            let bar = own.then(|| bar.clone());
            let own = self.own_axes.then(|| panel.field.ranges());
            let (title, ranges) = (panel.name.clone(), own.unwrap_or(ranges));
            cells.push(Cell { title, ranges, bar, labels: None });
        }
        if let (Some(bar), Some([title, _])) = (difference, &self.difference) {
            cells.push(Cell { title: title.clone(), ranges, bar: Some(bar), labels: None });
        }
        Ok(Strip {
            look: &self.look,
            labels: &self.labels,
            cells,
            columns: self.columns,
            common: !self.own_axes,
            bar: bars.first().filter(|_| shared).cloned(),
            remark: self.remark(),
            widths: WIDTHS,
        })
    }
}

impl Figure for FieldPanels {
    fn scene(&self) -> Result<Scene> {
        self.panels.iter().try_for_each(|panel| panel.behind.check())?;
        let (theme, lengths) = (&self.look.theme, self.lengths());
        let bars: Vec<_> = lengths.iter().map(|l| l.bar(theme, &self.value_label)).collect();
        let difference = self.difference_grid()?;
        let name = self.difference.as_ref().map_or("", |[_, name]| name.as_str());
        let bar = difference.as_ref().map(|grid| lengths_bar(theme, grid, name));
        let strip = self.strip(&bars, bar.clone())?;
        let (mut scene, placed) = strip.place()?;
        for (i, view) in views(&placed).enumerate() {
            if let (Some(panel), Some(bar)) = (self.panels.get(i), bars.get(i)) {
                panel.behind.draw(&mut scene, theme, &view);
                draw_field(&mut scene, &panel.field, &view, self.style, (bar, lengths[i]));
            } else if let (Some(grid), Some(bar)) = (&difference, &bar) {
                heat(&mut scene, theme, &view, grid, bar);
            }
        }
        strip.frame(&mut scene, &placed);
        Ok(scene)
    }
}
