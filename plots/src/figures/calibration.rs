//! Draws whether ranks that ought to be uniform are.

use super::look::{Look, look_setters};
use super::sheet::{Sheet, Table};
use crate::axes::ticks::{number, whole};
use crate::axes::{Axis, Panel, Swatch, View};
use crate::draw::scene::{Pen, Scene};
use crate::stats::Interval;
use crate::stats::histogram::Histogram;
use crate::stats::uniform::{band_of_counts, band_of_distribution, distribution};
use crate::{Colour, Figure, PlotError, Result};

/// Most columns that the legend names.
const NAMED: usize = 6;
/// Points of the line of an empirical distribution.
const POINTS: usize = 400;
const PANEL: f64 = 300.0;
const UNIT: Interval = Interval { low: 0.0, high: 1.0 };

/// Ranks of data under a model, which are uniform between 0 and 1 where the model is right: their
/// histogram, the coverage they say the model has, and how far the ranks of each column are from
/// uniform, all with the band that 99 % of uniform samples stay in.
///
/// The rank of a row is the share of the model's mass where its density is higher than at the row:
/// the smallest highest-density region around it (Hyndman 1996). The share of rows of rank up to α is
/// then the coverage of the region that holds α. A model that is too narrow has too many ranks near 1
/// and covers too little; one that is too wide the opposite.
///
/// # Example
/// ```
/// use diffeo_plots::{Calibration, Figure};
/// let ranks: Vec<f64> = (0..500).map(|k| (0.618_034 * f64::from(k)).fract()).collect();
/// let figure = Calibration::new(&ranks)?.column("x₁", &ranks)?.title("two moons");
/// assert!(figure.scene()?.svg()?.contains("coverage"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Calibration {
    ranks: Vec<f64>,
    columns: Vec<Column>,
    samples: Option<usize>,
    look: Look,
}

/// A column's name and its ranks, sorted.
type Column = (String, Vec<f64>);

/// The usable ranks, sorted.
fn sorted(ranks: &[f64]) -> Result<Vec<f64>> {
    let mut kept: Vec<f64> = ranks.iter().copied().filter(|r| UNIT.contains(*r)).collect();
    if kept.is_empty() {
        return Err(PlotError::Empty { what: "the ranks" });
    }
    kept.sort_by(f64::total_cmp);
    Ok(kept)
}

/// The largest distance between the distribution of sorted ranks and the uniform one.
fn farthest(ranks: &[f64]) -> f64 {
    let n = ranks.len() as f64;
    let away = |(k, r): (usize, &f64)| ((k + 1) as f64 / n - r).max(r - k as f64 / n);
    ranks.iter().enumerate().map(away).fold(0.0, f64::max)
}

impl Calibration {
    /// Ranks of the rows, between 0 and 1; others are left out.
    ///
    /// # Errors
    /// [`PlotError::Empty`] when none is left.
    pub fn new(ranks: &[f64]) -> Result<Self> {
        let (columns, samples, look) = (Vec::new(), None, Look::default());
        Ok(Self { ranks: sorted(ranks)?, columns, samples, look })
    }

    /// Ranks of the values of one column among those that the model gives it, the probability
    /// integral transform, in a panel for all columns.
    ///
    /// # Errors
    /// [`PlotError::Empty`] when none lies between 0 and 1.
    pub fn column(mut self, name: &str, ranks: &[f64]) -> Result<Self> {
        self.columns.push((name.to_owned(), sorted(ranks)?));
        Ok(self)
    }

    /// Number of samples of the model that the ranks were found with; the bands are wider for it. By
    /// default ranks count as exact.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = Some(samples);
        self
    }

    look_setters!(width: "about 300 a panel by default");

    /// How many exact ranks say as much as these: 1/n = 1/rows + 1/samples.
    fn worth(&self, rows: usize) -> f64 {
        let inverse = |n: usize| 1.0 / n.max(1) as f64;
        1.0 / (inverse(rows) + self.samples.map_or(0.0, inverse))
    }

    fn pen(&self) -> Pen {
        Pen::solid(self.look.theme.model, 1.2 * self.look.theme.line_width)
    }

    fn shade(&self) -> Colour {
        self.look.theme.tint(self.look.theme.muted, 0.2)
    }

    fn bins(&self) -> usize {
        ((self.ranks.len() as f64 / 25.0) as usize).clamp(5, 20)
    }

    fn histogram(&self) -> (Histogram, [f64; 2]) {
        let bins = self.bins();
        let heights = Histogram::new(self.ranks.iter().copied(), UNIT, bins);
        (heights, band_of_counts(self.worth(self.ranks.len()), bins))
    }

    fn draw_histogram(&self, scene: &mut Scene, view: &View) {
        let (theme, (heights, [low, high])) = (&self.look.theme, self.histogram());
        let bars = view.points(&heights.outline());
        scene.polygon(bars.clone(), theme.tint(theme.model, 0.3));
        // The band lies over the bars, so that both its ends are seen.
        let band = view.points(&[[0.0, low], [1.0, low], [1.0, high], [0.0, high]]);
        scene.polygon(band, theme.muted.with_alpha(0.22));
        scene.line_in(&view.area.grown(1.0), &bars, Pen::solid(theme.model, 1.2));
        let even = view.points(&[[0.0, 1.0], [1.0, 1.0]]);
        scene.line_in(&view.area, &even, Pen::dashed(theme.ink, 1.0, 5.0, 3.5));
    }

    /// The empirical distribution of ranks, or its distance from the uniform one.
    fn line(ranks: &[f64], slope: f64) -> Vec<[f64; 2]> {
        let at = |k: usize| k as f64 / POINTS as f64;
        (0..=POINTS).map(at).map(|u| [u, distribution(ranks, u) - slope * u]).collect()
    }

    fn draw_coverage(&self, scene: &mut Scene, view: &View) {
        let theme = &self.look.theme;
        let half = band_of_distribution(self.worth(self.ranks.len()));
        self.draw_band(scene, view, half, 1.0);
        let even = view.points(&[[0.0, 0.0], [1.0, 1.0]]);
        scene.line_in(&view.area, &even, Pen::dashed(theme.ink, 1.0, 5.0, 3.5));
        let line = view.points(&Self::line(&self.ranks, 0.0));
        scene.line_in(&view.area.grown(1.0), &line, self.pen());
    }

    /// The band around a straight line, cut where no distribution function can be.
    fn draw_band(&self, scene: &mut Scene, view: &View, half: f64, slope: f64) {
        let at = |k: usize| k as f64 / 50.0;
        let cut = |u: f64, v: f64| v.clamp(0.0, 1.0) - (1.0 - slope) * u;
        let upper = (0..=50).map(at).map(|u| [u, cut(u, u + half)]);
        let lower = (0..=50).rev().map(at).map(|u| [u, cut(u, u - half)]);
        let corners: Vec<[f64; 2]> = upper.chain(lower).collect();
        scene.polygon(view.points(&corners), self.shade());
    }

    fn draw_columns(&self, scene: &mut Scene, view: &View) {
        let theme = &self.look.theme;
        let rows = self.columns.iter().map(|(_, ranks)| ranks.len()).min().unwrap_or(1);
        self.draw_band(scene, view, band_of_distribution(self.worth(rows)), 0.0);
        let even = view.points(&[[0.0, 0.0], [1.0, 0.0]]);
        scene.line_in(&view.area, &even, Pen::dashed(theme.ink, 1.0, 5.0, 3.5));
        let (named, others) = self.by_distance();
        for ranks in others {
            let line = view.points(&Self::line(ranks, 1.0));
            scene.line_in(&view.area, &line, Pen::solid(theme.tint(theme.muted, 0.5), 0.8));
        }
        for (i, (_, ranks)) in named.iter().enumerate() {
            let line = view.points(&Self::line(ranks, 1.0));
            scene.line_in(&view.area, &line, self.column_pen(i, named.len()));
        }
    }

    fn column_pen(&self, i: usize, all: usize) -> Pen {
        let share = i as f64 / all.saturating_sub(1).max(1) as f64;
        let theme = &self.look.theme;
        Pen::solid(theme.inks().at(share), 0.8 * theme.line_width)
    }

    /// The columns whose lines are told apart, in their own order, and the ranks of the rest: where
    /// there are many, the former are those farthest from uniform.
    fn by_distance(&self) -> (Vec<&Column>, Vec<&[f64]>) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        let far: Vec<f64> = self.columns.iter().map(|(_, ranks)| farthest(ranks)).collect();
        order.sort_by(|&a, &b| far[b].total_cmp(&far[a]));
        let mut named = order.iter().take(NAMED).copied().collect::<Vec<_>>();
        named.sort_unstable();
        let others = order.iter().skip(NAMED).map(|&i| self.columns[i].1.as_slice()).collect();
        (named.into_iter().map(|i| &self.columns[i]).collect(), others)
    }

    fn panels(&self) -> Vec<Option<Panel<'_>>> {
        let theme = &self.look.theme;
        let panel = |x: &str, y: Interval, name: &str, title: &str| {
            let panel = Panel::new(theme, Axis::new(UNIT, x), Axis::new(y, name));
            Some(Panel { title: title.to_owned(), ..panel })
        };
        let (heights, [_, high]) = self.histogram();
        let top = Interval { low: 0.0, high: 1.12 * heights.highest().max(high) };
        let mut panels = vec![
            panel("rank by density", top, "density", "ranks"),
            panel("mass of the region", UNIT, "share of the rows inside", "coverage"),
        ];
        if !self.columns.is_empty() {
            let rows = self.columns.iter().map(|(_, ranks)| ranks.len()).min().unwrap_or(1);
            let half = band_of_distribution(self.worth(rows));
            let lines = self.columns.iter().flat_map(|(_, ranks)| Self::line(ranks, 1.0));
            let far = lines.map(|p| p[1].abs()).fold(1.3 * half, f64::max);
            let y = Interval { low: -1.08 * far, high: 1.08 * far };
            panels.push(panel("rank in the column", y, "distribution − rank", "columns"));
        }
        panels
    }

    fn legend(&self) -> Vec<(Swatch, String)> {
        let mut legend = vec![(Swatch::Area(self.shade()), "99 % of uniform samples".to_owned())];
        let named = self.by_distance().0;
        let swatch = |i: usize| Swatch::Line(self.column_pen(i, named.len()));
        legend.extend(named.iter().enumerate().map(|(i, (name, _))| (swatch(i), name.clone())));
        legend
    }

    fn remark(&self) -> String {
        let half = band_of_distribution(self.worth(self.ranks.len()));
        let far = number(farthest(&self.ranks), 3);
        let (rows, half) = (whole(self.ranks.len() as f64), number(half, 3));
        let mut remark =
            format!("{rows} rows; coverage is off by at most {far}; the band reaches {half}");
        if self.columns.len() > NAMED {
            let all = self.columns.len();
            remark = format!("{remark}; named: the {NAMED} of {all} columns farthest off");
        }
        remark
    }
}

impl Figure for Calibration {
    fn scene(&self) -> Result<Scene> {
        let cells = self.panels();
        let columns = cells.len();
        let table = Table { cells, columns, shapes: vec![0.9], even: false };
        let heading = self.look.heading(self.legend(), self.remark());
        let width = self.look.width_or(20.0 + PANEL * columns as f64);
        let (mut scene, areas) = Sheet::new(heading, width).place(&table)?;
        for (i, (panel, &area)) in table.cells.iter().flatten().zip(&areas).enumerate() {
            panel.grid(&mut scene, area);
            let view = panel.view(area);
            match i {
                0 => self.draw_histogram(&mut scene, &view),
                1 => self.draw_coverage(&mut scene, &view),
                _ => self.draw_columns(&mut scene, &view),
            }
            panel.frame(&mut scene, area);
        }
        Ok(scene)
    }
}
