//! Lays out panels of one kind in rows.

use super::look::Look;
use super::sheet::{Sheet, Table};
use crate::axes::{Axis, ColourBar, Panel, View};
use crate::draw::geometry::Rect;
use crate::stats::Interval;
use crate::{PlotError, Result, Scene};

/// Most panels in one row unless the caller says how many; fewer where each has a colour bar.
const COLUMNS: (usize, usize) = (4, 3);
/// Height of an area for a width of one where a unit cannot be as long on both axes.
const SHAPE: f64 = 0.85;

/// One panel: its title, the ranges of its axes and a colour bar of its own.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    pub(super) title: String,
    pub(super) ranges: [Interval; 2],
    pub(super) bar: Option<ColourBar<'a>>,
    /// Names of the axes, where they are others than those of the strip.
    pub(super) labels: Option<[String; 2]>,
}

/// Panels in rows as equally long as can be, all of one size.
#[derive(Clone, Debug)]
pub(super) struct Strip<'a> {
    pub(super) look: &'a Look,
    pub(super) labels: &'a [String; 2],
    pub(super) cells: Vec<Cell<'a>>,
    /// Panels in a row, if the caller says so.
    pub(super) columns: Option<usize>,
    /// Whether all ranges are the same, so that only the outer panels need tick labels.
    pub(super) common: bool,
    /// A colour bar for all panels.
    pub(super) bar: Option<ColourBar<'a>>,
    pub(super) remark: String,
    /// Widths of the paper for each of one, two, three and four columns or more.
    pub(super) widths: [f64; 4],
}

/// Panels and the places where they are.
pub(super) type Placed<'a> = Vec<(Panel<'a>, Rect)>;

impl<'a> Strip<'a> {
    /// The paper with heading and names, and every panel with its area.
    pub(super) fn place(&self) -> Result<(Scene, Placed<'a>)> {
        let columns = self.columns();
        let width = self.look.width_or(20.0 + self.widths[columns.clamp(1, 4) - 1]);
        let (shape, equal) = self.shape();
        let cells: Vec<_> = (0..self.cells.len()).map(|i| self.panel(i, columns, equal)).collect();
        let table = Table { cells, columns, shapes: vec![shape], even: false };
        let heading = self.look.heading(vec![], self.remark.clone());
        let sheet = Sheet { beside: self.bar.clone(), ..Sheet::new(heading, width) };
        let (scene, areas) = sheet.place(&table)?;
        Ok((scene, table.cells.into_iter().flatten().zip(areas).collect()))
    }

    /// Draws axes and colour bars, to be called after the content.
    pub(super) fn frame(&self, scene: &mut Scene, placed: &Placed<'_>) {
        for (panel, area) in placed {
            panel.frame(scene, *area);
        }
        let last = placed.last().map(|(_, area)| area.bottom());
        let right = placed.iter().map(|(_, area)| area.right()).fold(0.0, f64::max);
        if let (Some(bar), Some((_, first)), Some(bottom)) = (&self.bar, placed.first(), last) {
            bar.draw(scene, &Rect::new(first.x, first.y, right - first.x, bottom - first.y));
        }
    }

    /// Panels side by side: six in two rows of three.
    fn columns(&self) -> usize {
        let panels = self.cells.len().max(1);
        let crowded = self.cells.iter().all(|cell| cell.bar.is_some());
        let rows = panels.div_ceil(if crowded { COLUMNS.1 } else { COLUMNS.0 });
        self.columns.map_or(panels.div_ceil(rows), |columns| columns.clamp(1, panels))
    }

    /// Height of the areas for a width of one, and whether a unit is as long on both axes.
    fn shape(&self) -> (f64, bool) {
        let ratio = self.cells.first().map_or(1.0, |c| c.ranges[1].span() / c.ranges[0].span());
        if (0.15..=4.0).contains(&ratio) { (ratio, true) } else { (SHAPE, false) }
    }

    fn panel(&self, i: usize, columns: usize, same_scale: bool) -> Option<Panel<'a>> {
        let cell = self.cells.get(i)?;
        let (is_lowest, is_first) = (i + columns >= self.cells.len(), i.is_multiple_of(columns));
        // The outer panels name the axes of all, unless a panel has names of its own.
        let (own, names) = (cell.labels.is_some(), cell.labels.as_ref().unwrap_or(self.labels));
        let axis = |k: usize, is_outer: bool| {
            let name = if own || is_outer { names[k].as_str() } else { "" };
            let axis = Axis::new(cell.ranges[k], name);
            if self.common && !is_outer { axis.bare() } else { axis }
        };
        let (x, y) = (axis(0, is_lowest), axis(1, is_first));
        let (title, bar) = (cell.title.clone(), cell.bar.clone());
        Some(Panel { title, bar, same_scale, ..Panel::new(&self.look.theme, x, y) })
    }
}

/// The range given by the caller, or else the union of all.
pub(super) fn common_range(
    given: Option<(f64, f64)>,
    what: &'static str,
    all: impl Iterator<Item = Interval>,
) -> Result<Interval> {
    if let Some((low, high)) = given {
        return Interval::new(what, low, high);
    }
    all.reduce(|a, b| a.union(&b)).ok_or(PlotError::Empty { what: "the list of panels" })
}

/// The views of all panels.
pub(super) fn views<'p>(placed: &'p Placed<'_>) -> impl Iterator<Item = View> + 'p {
    placed.iter().map(|(panel, area)| panel.view(*area))
}
