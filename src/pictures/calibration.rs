//! Whether rows lie where a model expects them.

use super::{PICTURE_SEED, Result, Studio};
use diffeo_flows::Density;
use diffeo_flows::rows::Rows;
use diffeo_plots::{Calibration, Figure, Scene};

/// Rows judged, and samples that rank all of them; fewer where a solver finds every density.
const JUDGED: (usize, usize) = (10_000, 2000);
/// Rows of a conditional density judged, and samples of its own for each.
const CONDITIONAL: (usize, usize) = (500, 100);
/// Most columns in the panel of columns.
const COLUMNS: usize = 12;

/// Ranks of rows: by density, and in each column.
struct Ranks {
    by_density: Vec<f64>,
    by_column: Vec<Vec<f64>>,
    /// Samples that all ranks share, whose error they share too.
    samples: Option<usize>,
}

impl Studio<'_> {
    /// Ranks of the rows under the model: the share of its samples with a higher density than a row,
    /// and the share of their values below in each column.
    ///
    /// # Errors
    /// [`PictureError`](super::PictureError), also without rows to judge the model by,
    /// or for rows with weights.
    pub fn calibration(&self) -> Result<Scene> {
        let rows = self.judges()?;
        let some = rows.evenly(CONDITIONAL.0);
        let ranks = match some.context() {
            Some((width, context)) => self.conditional_ranks(&some, width, context)?,
            None => self.ranks(rows)?,
        };
        let mut figure = Calibration::new(&ranks.by_density)?;
        for (name, ranks) in self.columns().iter().zip(&ranks.by_column).take(COLUMNS) {
            figure = figure.column(name, ranks)?;
        }
        if let Some(samples) = ranks.samples {
            figure = figure.samples(samples);
        }
        let title = format!("{}: calibration", self.name);
        Ok(figure.title(&title).theme(self.theme.clone()).scene()?)
    }

    /// Ranks among one set of samples.
    fn ranks(&self, rows: &Rows) -> Result<Ranks> {
        let is_continuous = self.model.flow().field().is_some();
        let most = if is_continuous { JUDGED.1 } else { JUDGED.0 };
        let (rows, d) = (rows.evenly(most), self.model.features());
        let samples = self.model.sample_rows(most, None, PICTURE_SEED, self.workers)?;
        let drawn = Rows::new(d, samples.clone())?;
        let densities = sorted(self.model.log_prob_rows(&drawn, self.workers)?);
        let above = |l: &f64| 1.0 - share_below(&densities, *l);
        let by_density = self.model.log_prob_rows(&rows, self.workers)?.iter().map(above).collect();
        let column = |j: usize| {
            let of = |values: &[f64]| values.iter().skip(j).step_by(d).copied().collect();
            let (values, drawn): (Vec<f64>, Vec<f64>) = (of(rows.points()), of(&samples));
            let drawn = sorted(drawn);
            values.iter().map(|v| share_below(&drawn, *v)).collect()
        };
        let by_column = (0..d.min(COLUMNS)).map(column).collect();
        Ok(Ranks { by_density, by_column, samples: Some(most) })
    }

    /// Ranks of each row among samples given its own context.
    fn conditional_ranks(&self, judged: &Rows, width: usize, context: &[f64]) -> Result<Ranks> {
        let (n, each) = (judged.len(), CONDITIONAL.1);
        let d = self.model.features();
        let of = |i: usize| context[i * width..(i + 1) * width].iter().copied();
        let repeated: Vec<f64> =
            (0..n).flat_map(|i| std::iter::repeat_n(i, each)).flat_map(of).collect();
        let samples =
            self.model.sample_rows(n * each, Some(&repeated), PICTURE_SEED, self.workers)?;
        let drawn = Rows::new(d, samples.clone())?.with_context(width, repeated)?;
        let densities = self.model.log_prob_rows(&drawn, self.workers)?;
        let log_prob = self.model.log_prob_rows(judged, self.workers)?;
        let by_density = (0..n)
            .map(|i| {
                1.0 - share_below(
                    &sorted(densities[i * each..(i + 1) * each].to_vec()),
                    log_prob[i],
                )
            })
            .collect();
        let column = |j: usize| {
            let own = |i: usize| {
                let values = samples[i * each * d..(i + 1) * each * d].iter().skip(j).step_by(d);
                share_below(&sorted(values.copied().collect()), judged.points()[i * d + j])
            };
            (0..n).map(own).collect()
        };
        let by_column = (0..d.min(COLUMNS)).map(column).collect();
        Ok(Ranks { by_density, by_column, samples: None })
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The share of sorted values below, of which half of those that are equal: (below + ½) / (n + 1)
/// without ties, which is strictly between 0 and 1 and uniform over its values.
fn share_below(sorted: &[f64], value: f64) -> f64 {
    let below = sorted.partition_point(|v| *v < value);
    let equal = sorted[below..].partition_point(|v| *v <= value);
    (below as f64 + 0.5 * (equal + 1) as f64) / (sorted.len() + 1) as f64
}

#[test]
fn ranks_count_what_is_below_and_half_of_what_is_equal() {
    let values = [1.0, 2.0, 2.0, 3.0];
    for (value, share) in [(0.0, 0.1), (2.0, 0.5), (2.5, 0.7), (9.0, 0.9)] {
        assert!((share_below(&values, value) - share).abs() < 1e-12, "{value}");
    }
}
