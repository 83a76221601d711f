//! Draws data beside a model, and where they disagree.

use super::look::{Look, label_setter, look_setters};
use super::plane::{check_planar, shaded};
use super::strip::{Cell, Strip, views};
use crate::axes::ColourBar;
use crate::axes::ticks::{short, whole};
use crate::stats::{Interval, usable};
use crate::{Figure, PlotError, Points, Result, Scene};

/// Widths of the paper for one to four columns.
const WIDTHS: [f64; 4] = [420.0, 720.0, 980.0, 1200.0];
/// Where the colours of residuals end, in standard errors.
const LIMIT: f64 = 5.0;
/// Expected rows of a bin whose residual has a distribution near the normal one.
const ENOUGH: f64 = 5.0;

/// The histogram of data in the plane, the density of a model in the same bins and colours, and
/// their difference in each bin in standard errors, σ: (rows − expected rows) / √(expected rows), the
/// residuals of Pearson, whose colours end at ±5.
///
/// The mean of their squares over bins with at least 5 expected rows is about 1 for a model that is
/// right (Pearson 1900).
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Points, Residuals};
/// let data = Points::new(&[0.1, 0.2, 0.7, 0.3, 0.6, 0.9, 0.2, 0.8], 2)?;
/// // The model: a quarter of its mass in each of four bins.
/// let figure = Residuals::new(&data, &[0.25; 4], [2, 2], (0.0, 1.0), (0.0, 1.0))?;
/// assert!(figure.scene()?.svg()?.contains("residual (σ)"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Residuals {
    rows: f64,
    counts: Vec<f64>,
    shares: Vec<f64>,
    bins: [usize; 2],
    ranges: [Interval; 2],
    labels: [String; 2],
    look: Look,
}

impl Residuals {
    /// Data, by their first two columns, and the share of the model's mass in each of nx × ny equal
    /// bins of the window, row-major with x running fastest. Shares that are not finite or are
    /// negative count as zero.
    ///
    /// # Errors
    /// [`PlotError::Size`] when there are not nx · ny shares or the points are not in the plane,
    /// [`PlotError::Range`] for an empty range, [`PlotError::Empty`] when no share is positive.
    pub fn new(
        data: &Points,
        shares: &[f64],
        [nx, ny]: [usize; 2],
        x: (f64, f64),
        y: (f64, f64),
    ) -> Result<Self> {
        check_planar(Some(data))?;
        if shares.len() != nx * ny {
            let (expected, got) = (nx * ny, shares.len());
            return Err(PlotError::Size { what: "shares of bins", expected, got });
        }
        let shares: Vec<f64> =
            shares.iter().map(|&s| if usable(s) { s.max(0.0) } else { 0.0 }).collect();
        if !shares.iter().any(|&s| s > 0.0) {
            return Err(PlotError::Empty { what: "the model's mass" });
        }
        let ranges = [Interval::new("x", x.0, x.1)?, Interval::new("y", y.0, y.1)?];
        let mut counts = vec![0.0; nx * ny];
        for p in data.plane(0, 1) {
            if (0..2).all(|k| ranges[k].contains(p[k])) {
                let place = |k: usize, n: usize| bin(ranges[k].fraction(p[k]), n);
                counts[place(1, ny) * nx + place(0, nx)] += 1.0;
            }
        }
        let (labels, look) = (<[String; 2]>::default(), Look::default());
        let rows = data.len() as f64;
        Ok(Self { rows, counts, shares, bins: [nx, ny], ranges, labels, look })
    }

    label_setter!();
    look_setters!(width: "1000 by default");

    /// The residual of each bin; where nothing is expected, 0 without rows and ∞ with some.
    fn residuals(&self) -> Vec<f64> {
        let residual = |(&count, &share): (&f64, &f64)| {
            let expected = self.rows * share;
            if expected > 0.0 {
                (count - expected) / expected.sqrt()
            } else if count > 0.0 {
                f64::INFINITY
            } else {
                0.0
            }
        };
        self.counts.iter().zip(&self.shares).map(residual).collect()
    }

    /// Densities of data and model.
    fn densities(&self) -> [Vec<f64>; 2] {
        let area: f64 = (0..2).map(|k| self.ranges[k].span() / self.bins[k] as f64).product();
        let data = self.counts.iter().map(|c| c / (self.rows * area)).collect();
        [data, self.shares.iter().map(|s| s / area).collect()]
    }

    /// What the residuals say together, and what is not shown.
    fn remark(&self, residuals: &[f64]) -> String {
        let judged = residuals.iter().zip(&self.shares).filter(|(_, s)| self.rows * **s >= ENOUGH);
        let squares: Vec<f64> = judged.map(|(r, _)| r * r).collect();
        let beyond = residuals.iter().filter(|r| r.abs() > LIMIT).count();
        let mut parts = Vec::new();
        if !squares.is_empty() {
            let mean = squares.iter().sum::<f64>() / squares.len() as f64;
            let bins = counted(squares.len(), "bin");
            parts.push(format!(
                "mean square residual {} over {bins} with {ENOUGH} expected rows or more",
                short(mean)
            ));
        }
        if beyond > 0 {
            parts.push(format!("{} beyond ±{LIMIT}", counted(beyond, "bin")));
        }
        let outside = self.rows - self.counts.iter().sum::<f64>();
        if outside > 0.5 {
            parts.push(format!("{} outside the axes", counted(outside as usize, "row")));
        }
        parts.join("; ")
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", whole(number as f64), if number == 1 { "" } else { "s" })
}

fn bin(fraction: f64, bins: usize) -> usize {
    ((fraction * bins as f64) as usize).min(bins.saturating_sub(1))
}

impl Residuals {
    /// The panels; data and model share the first of the bars.
    fn strip<'a>(&'a self, [scale, signed]: &[ColourBar<'a>; 2], remark: String) -> Strip<'a> {
        let cell = |title: &str, bar: Option<&ColourBar<'a>>| Cell {
            title: title.to_owned(),
            ranges: self.ranges,
            bar: bar.cloned(),
            labels: None,
        };
        let data = format!("data  (n = {})", whole(self.rows));
        Strip {
            look: &self.look,
            labels: &self.labels,
            cells: vec![
                cell(&data, None),
                cell("model", Some(scale)),
                cell("residual", Some(signed)),
            ],
            columns: None,
            common: true,
            bar: None,
            remark,
            widths: WIDTHS,
        }
    }
}

impl Figure for Residuals {
    fn scene(&self) -> Result<Scene> {
        let theme = &self.look.theme;
        let (residuals, densities) = (self.residuals(), self.densities());
        let top = densities.iter().flatten().copied().fold(0.0, f64::max);
        let heights = Interval { low: 0.0, high: top };
        let ends = Interval { low: -LIMIT, high: LIMIT };
        let beyond = [residuals.iter().any(|r| *r < -LIMIT), residuals.iter().any(|r| *r > LIMIT)];
        let name = "residual (σ)";
        let bars = [
            ColourBar::new(theme, theme.shades(), heights, "density"),
            ColourBar { beyond, ..ColourBar::new(theme, theme.signed(), ends, name) },
        ];
        let strip = self.strip(&bars, self.remark(&residuals));
        let (mut scene, placed) = strip.place()?;
        let [nx, ny] = self.bins;
        let shown = [(&densities[0], &bars[0]), (&densities[1], &bars[0]), (&residuals, &bars[1])];
        for (view, (values, bar)) in views(&placed).zip(shown) {
            let colour = |u: f64, v: f64| bar.colour(values[bin(v, ny) * nx + bin(u, nx)]);
            scene.image(view.area, shaded(&view.area, colour));
        }
        strip.frame(&mut scene, &placed);
        Ok(scene)
    }
}
