//! Places a heading and a table of panels on paper just large enough.

use crate::axes::{Heading, Margins, Panel};
use crate::draw::geometry::Rect;
use crate::draw::scene::Scene;
use crate::{PlotError, Result};

/// Free space along the edges of the paper.
pub(super) const EDGE: f64 = 14.0;
/// Free space between neighbouring panels, besides their margins.
const GAP: f64 = 14.0;
/// Least width and height of a plotting area.
pub(super) const LEAST: f64 = 24.0;

/// Paper of a given width; its height follows from what stands on it.
#[derive(Clone, Debug)]
pub(crate) struct Sheet<'a> {
    pub(crate) heading: Heading<'a>,
    pub(crate) width: f64,
    /// A colour bar at the right of the first to the last row.
    pub(crate) beside: Option<crate::axes::ColourBar<'a>>,
}

impl<'a> Sheet<'a> {
    /// Paper without anything beside the panels.
    pub(crate) fn new(heading: Heading<'a>, width: f64) -> Self {
        Self { heading, width, beside: None }
    }
}

/// A table of panels, row by row; `None` leaves a cell empty.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a> {
    pub(crate) cells: Vec<Option<Panel<'a>>>,
    pub(crate) columns: usize,
    /// Height of the areas of each row for a width of one.
    pub(crate) shapes: Vec<f64>,
    /// Whether all neighbours are equally far apart, across and down.
    pub(crate) even: bool,
}

impl Table<'_> {
    fn rows(&self) -> usize {
        self.cells.len().div_ceil(self.columns)
    }

    fn margins(&self, width: f64) -> (Vec<Margins>, Vec<Margins>) {
        let mut columns = vec![Margins::default(); self.columns];
        let mut rows = vec![Margins::default(); self.rows()];
        for (i, cell) in self.cells.iter().enumerate() {
            let (column, row) = (i % self.columns, i / self.columns);
            let Some(panel) = cell else { continue };
            let margins = panel.margins(width, width * self.shape(row));
            let (c, r) = (&mut columns[column], &mut rows[row]);
            (c.left, c.right) = (c.left.max(margins.left), c.right.max(margins.right));
            (r.top, r.bottom) = (r.top.max(margins.top), r.bottom.max(margins.bottom));
        }
        if self.even {
            share(&mut columns, |m| [&mut m.left, &mut m.right]);
            share(&mut rows, |m| [&mut m.top, &mut m.bottom]);
        }
        (columns, rows)
    }

    /// From the top of the first areas to the bottom of the last.
    fn height(&self, rows: &[Margins], width: f64) -> f64 {
        let areas: f64 = (0..rows.len()).map(|row| width * self.shape(row)).sum();
        areas + rows.windows(2).map(|pair| pair[0].bottom + GAP + pair[1].top).sum::<f64>()
    }

    fn shape(&self, row: usize) -> f64 {
        self.shapes.get(row).or(self.shapes.last()).copied().unwrap_or(1.0)
    }
}

/// Gives the margins between neighbours, before all but the first and after all but the last, the width
/// of the widest.
fn share(margins: &mut [Margins], sides: impl Fn(&mut Margins) -> [&mut f64; 2]) {
    let last = margins.len().saturating_sub(1);
    let is_between = |i: usize, side: usize| if side == 0 { i > 0 } else { i < last };
    for side in 0..2 {
        let inner = (0..=last).filter(|i| is_between(*i, side));
        let mut widest = 0.0_f64;
        for i in inner.clone() {
            widest = widest.max(*sides(&mut margins[i])[side]);
        }
        for i in inner {
            *sides(&mut margins[i])[side] = widest;
        }
    }
}

impl Sheet<'_> {
    /// The empty paper with its heading, and the plotting area of every cell.
    pub(crate) fn place(&self, table: &Table<'_>) -> Result<(Scene, Vec<Rect>)> {
        let columns = table.columns.max(1);
        let mut width = self.width / columns as f64;
        let (mut across, mut down) = table.margins(width);
        // Margins depend on tick labels, these on the size: a few rounds settle it.
        for _ in 0..4 {
            let height = table.height(&down, width);
            let beside = self.beside.as_ref().map_or(0.0, |b| b.width(height));
            let margins: f64 = across.iter().map(|m| m.left + m.right).sum();
            let free = self.width - 2.0 * EDGE - beside - margins - GAP * (columns - 1) as f64;
            width = free / columns as f64;
            if width.is_nan() || width < LEAST {
                return Err(PlotError::Canvas { width: self.width, height: self.width });
            }
            (across, down) = table.margins(width);
        }
        let before = across.first().map_or(0.0, |m| m.left);
        let room = self.width - 2.0 * EDGE - before;
        let heading = self.heading.height(room);
        let mut tops = Vec::new();
        let mut y = EDGE + heading;
        for (row, margins) in down.iter().enumerate() {
            tops.push(y + margins.top);
            y += margins.top + (width * table.shape(row)).max(LEAST) + margins.bottom + GAP;
        }
        let mut scene = Scene::new(self.width, y - GAP + EDGE, self.heading.theme)?;
        let areas = (0..table.cells.len()).map(|i| {
            let (column, row) = (i % columns, i / columns);
            let before: f64 = across[..column].iter().map(|m| m.left + m.right + GAP).sum();
            let x = EDGE + before + column as f64 * width + across[column].left;
            Rect::new(x, tops[row], width, (width * table.shape(row)).max(LEAST))
        });
        let areas: Vec<Rect> = areas.collect();
        let left = areas.first().map_or(EDGE, |a| a.x);
        self.heading.draw(&mut scene, &Rect::new(left, EDGE, room, heading));
        Ok((scene, areas))
    }
}
