//! A density in few cells, for a terminal, and its changes during training.

use super::{Result, Studio, nodes};
use diffeo_flows::Density;
use diffeo_flows::rows::Rows;
use diffeo_plots::{DensityMap, Figure, Grid, Scene};

/// Rows drawn of a model whose density has no plane to be looked at in.
const DRAWN: usize = 4000;
/// Nodes along each side of a frame of a training film.
const NODES: usize = 128;
/// Width of a frame.
const WIDTH: f64 = 480.0;
/// A seed of its own.
const SEED: u64 = 0x7072_6576;

/// What a model's density looks like after so many steps.
#[derive(Debug, Clone)]
pub struct Moment {
    step: usize,
    log_prob: Vec<f64>,
}

impl Studio<'_> {
    /// Heights from 0 to 1 in `width` by `height` cells, row by row from the top: the density of two
    /// columns; the area under that of one; how often samples fall into the cells of the first two
    /// columns of more.
    ///
    /// # Errors
    /// [`PictureError`](super::PictureError) for a conditional density without data, or when the model
    /// cannot be evaluated.
    pub fn preview(&self, [width, height]: [usize; 2]) -> Result<Vec<f64>> {
        if self.model.features() == 1 && self.model.spec().given.is_empty() {
            return self.area(width, height);
        }
        let heights = if self.has_plane() {
            let centres = cells(self.window()?, [width, height]);
            let log_prob = self.model.log_prob_rows(&self.rows_at(centres)?, self.workers)?;
            log_prob.iter().map(|l| l.exp()).collect()
        } else {
            self.counts([width, height])?
        };
        Ok(relative(heights))
    }

    /// The density as it is now, for [`Studio::training_film`].
    ///
    /// # Errors
    /// [`PictureError::NoPlane`](super::PictureError::NoPlane) for other than two features or for a
    /// conditional density.
    pub fn moment(&self, step: usize) -> Result<Moment> {
        let rows = self.rows_at(nodes(self.window()?, NODES))?;
        Ok(Moment { step, log_prob: self.model.log_prob_rows(&rows, self.workers)? })
    }

    /// The density during training, frame by frame, in the window of the data.
    ///
    /// # Errors
    /// As [`Studio::moment`].
    pub fn training_film(&self, moments: &[Moment]) -> Result<Vec<Scene>> {
        let [x, y] = self.window()?.map(|[low, high]| (low, high));
        let last = moments.last().map_or(&[][..], |moment| &moment.log_prob);
        let highest = last.iter().copied().fold(f64::NEG_INFINITY, f64::max).exp();
        let names = self.columns();
        let frame = |moment: &Moment| {
            let grid = Grid::from_log_density(&moment.log_prob, [NODES; 2], x, y)?;
            let figure = DensityMap::new(grid)
                .contours(&[])
                .up_to(highest)
                .equal_aspect()
                .width(WIDTH)
                .title(&format!("{}, step {}", self.name, moment.step))
                .labels(&names[0], &names[1]);
            Ok(figure.theme(self.theme.clone()).scene()?)
        };
        moments.iter().map(frame).collect()
    }

    fn area(&self, width: usize, height: usize) -> Result<Vec<f64>> {
        let [low, high] = self.axis(&self.seen()?, 1, 0);
        let at = |i: usize| low + (high - low) * (i as f64 + 0.5) / width as f64;
        let rows = self.rows_at((0..width).map(at).collect())?;
        let log_prob = self.model.log_prob_rows(&rows, self.workers)?;
        let curve = relative(log_prob.iter().map(|l| l.exp()).collect());
        let cell = |k: usize| {
            let level = 1.0 - ((k / width) as f64 + 0.5) / height as f64;
            if curve[k % width] >= level { 0.8 } else { 0.0 }
        };
        Ok((0..width * height).map(cell).collect())
    }

    fn counts(&self, [width, height]: [usize; 2]) -> Result<Vec<f64>> {
        let rows = self.data.map(|rows| rows.evenly(DRAWN));
        let context = rows.as_ref().and_then(Rows::context).map(|(_, values)| values);
        let n = context.and(rows.as_ref()).map_or(DRAWN, Rows::len);
        let drawn = self.shown(self.model.sample_rows(n, context, SEED, self.workers)?);
        let d = self.model.features();
        let (x, y) = (0, 1.min(d - 1));
        let seen = match self.data {
            Some(rows) => &self.shown(rows.points().to_vec()),
            None => &drawn,
        };
        let window = [self.axis(seen, d, x), self.axis(seen, d, y)];
        let mut counts = vec![0.0; width * height];
        for row in drawn.chunks_exact(d) {
            let share = |k: usize, column: usize| {
                (row[column] - window[k][0]) / (window[k][1] - window[k][0])
            };
            let (u, v) = (share(0, x), 1.0 - share(1, y));
            if (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v) {
                let (column, line) = ((u * width as f64) as usize, (v * height as f64) as usize);
                counts[line * width + column] += 1.0;
            }
        }
        Ok(counts)
    }
}

/// The centres of cells, row by row from the top.
fn cells([x, y]: [[f64; 2]; 2], [width, height]: [usize; 2]) -> Vec<f64> {
    let at = |[low, high]: [f64; 2], share: f64| low + (high - low) * share;
    let centre = |k: usize| {
        let across = ((k % width) as f64 + 0.5) / width as f64;
        let up = 1.0 - ((k / width) as f64 + 0.5) / height as f64;
        [at(x, across), at(y, up)]
    };
    (0..width * height).flat_map(centre).collect()
}

/// As shares of the largest.
fn relative(mut heights: Vec<f64>) -> Vec<f64> {
    let most = heights.iter().copied().filter(|h| h.is_finite()).fold(0.0, f64::max);
    for height in &mut heights {
        *height = if most > 0.0 && height.is_finite() { *height / most } else { 0.0 };
    }
    heights
}
