//! Lays out one pair of axes with a colour bar, for functions of the plane.

use super::look::Look;
use super::sheet::{Sheet, Table};
use crate::axes::ticks::whole;
use crate::axes::{Axis, ColourBar, Panel, Swatch, View};
use crate::draw::geometry::Rect;
use crate::stats::Interval;
use crate::{Colour, Picture, PlotError, Points, Result, Scene};

/// Width of a figure unless the caller asks for another.
const WIDTH: f64 = 520.0;
/// Pixels of a heat map per point.
const FINENESS: f64 = 2.0;
/// About the width of everything beside the axes.
const BESIDE: f64 = 170.0;
/// Height of the axes for a width of one where a unit cannot be as long on both.
const SHAPE: f64 = 0.85;

/// The axes of a function of the plane.
#[derive(Clone, Debug)]
pub(super) struct Plane<'a> {
    pub(super) look: &'a Look,
    pub(super) panel: Panel<'a>,
    pub(super) bar: ColourBar<'a>,
    pub(super) legend: Vec<(Swatch, String)>,
    pub(super) remark: String,
    shape: f64,
}

impl<'a> Plane<'a> {
    /// Axes of the given ranges; with `equal`, a unit is as long on both unless that makes them
    /// very flat or tall.
    pub(super) fn new(
        look: &'a Look,
        labels: &[String; 2],
        [x, y]: [Interval; 2],
        equal: bool,
        bar: ColourBar<'a>,
    ) -> Self {
        let axes = (Axis::new(x, &labels[0]), Axis::new(y, &labels[1]));
        let ratio = y.span() / x.span();
        let same_scale = equal && (0.15..=4.0).contains(&ratio);
        let shape = if same_scale { ratio } else { SHAPE };
        let panel = Panel { same_scale, ..Panel::new(&look.theme, axes.0, axes.1) };
        Self { look, panel, bar, legend: Vec::new(), remark: String::new(), shape }
    }

    /// The paper with heading, and where the axes are.
    pub(super) fn place(&self) -> Result<(Scene, View)> {
        let width = self.look.width_or(WIDTH);
        // A tall map keeps its shape by being narrower, not by making the paper longer.
        let width = width.min(BESIDE + (width - BESIDE) * (1.2 / self.shape).min(1.0));
        let heading = self.look.heading(self.legend.clone(), self.remark.clone());
        let sheet = Sheet { beside: Some(self.bar.clone()), ..Sheet::new(heading, width) };
        let cells = vec![Some(self.panel.clone())];
        let table = Table { cells, columns: 1, shapes: vec![self.shape], even: false };
        let (scene, areas) = sheet.place(&table)?;
        let area = areas.first().copied().ok_or(PlotError::Canvas { width, height: width })?;
        Ok((scene, self.panel.view(area)))
    }

    /// Draws axes and colour bar, to be called after the content.
    pub(super) fn frame(&self, scene: &mut Scene, area: Rect) {
        self.panel.frame(scene, area);
        self.bar.draw(scene, &area);
    }
}

/// A picture for an area, from the colour at fractions of it from the lower left corner.
pub(super) fn shaded(area: &Rect, colour: impl Fn(f64, f64) -> Colour) -> Picture {
    let pixels = |length: f64| (length * FINENESS).round().clamp(1.0, 4000.0) as u32;
    let (width, height) = (pixels(area.width), pixels(area.height));
    let middle = |i: u32, n: u32| (f64::from(i) + 0.5) / f64::from(n);
    Picture::from_fn(width, height, |column, row| {
        colour(middle(column, width), 1.0 - middle(row, height))
    })
}

/// Refuses points that are not in the plane.
pub(super) fn check_planar(points: Option<&Points>) -> Result<()> {
    match points.map_or(2, Points::features) {
        got @ ..2 => Err(PlotError::Size { what: "features of the points", expected: 2, got }),
        _ => Ok(()),
    }
}

/// How many of all values are not finite, in words; nothing if none.
pub(super) fn missing(count: usize, all: usize, what: &str) -> String {
    if count == 0 {
        return String::new();
    }
    format!("{} of {} {what} are not finite", whole(count as f64), whole(all as f64))
}
