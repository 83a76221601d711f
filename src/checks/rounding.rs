//! Draws as a table would hold them: rounded where its columns are.

use super::Subject;
use super::log_det::with_context_of;
use super::subject::Judged;
use diffeo_flows::Result;
use diffeo_flows::rows::Rows;

impl Subject<'_> {
    /// The draws to compare data with, and their log-densities: in columns whose values repeat, each
    /// draw within the range of the data is moved to the nearest value that the data has.
    ///
    /// A density has no repeated values, so that any table of rounded ones differs from its draws; what
    /// is asked is whether it differs by more than being rounded.
    pub(super) fn draws_like(&self, data: &Rows) -> Result<&Judged> {
        if let Some(known) = self.compared.get() {
            return Ok(known);
        }
        let d = data.features();
        let grids: Vec<Option<Vec<f64>>> = (0..d).map(|k| grid(data, k)).collect();
        let judged = if grids.iter().all(Option::is_none) {
            Judged { rows: self.draws.clone(), log_prob: self.claims.log_prob(&self.draws)? }
        } else {
            let moved = |(i, &x): (usize, &f64)| grids[i % d].as_ref().map_or(x, |g| nearest(g, x));
            let points = self.draws.points().iter().enumerate().map(moved).collect();
            let rows = with_context_of(&self.draws, points)?;
            let log_prob = self.claims.log_prob(&rows)?;
            Judged { rows, log_prob }
        };
        Ok(self.compared.get_or_init(|| judged))
    }
}

/// The values of a column in order, where it has at most half as many as rows.
fn grid(data: &Rows, column: usize) -> Option<Vec<f64>> {
    let mut values: Vec<f64> =
        data.points().iter().skip(column).step_by(data.features()).copied().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    (2 * values.len() <= data.len()).then_some(values)
}

/// The value nearest to x, or x outside their range.
fn nearest(values: &[f64], x: f64) -> f64 {
    let above = values.partition_point(|value| *value < x);
    match (above.checked_sub(1).map(|below| values[below]), values.get(above)) {
        (Some(below), Some(&above)) => {
            if x - below < above - x {
                below
            } else {
                above
            }
        }
        _ => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_make_a_grid() {
        let data = Rows::new(2, vec![1.0, 0.1, 2.0, 0.2, 1.0, 0.3, 2.0, 0.4]).unwrap();
        assert_eq!(grid(&data, 0), Some(vec![1.0, 2.0]));
        assert_eq!(grid(&data, 1), None);
        let values = [1.0, 2.0, 4.0];
        let moved = [0.5, 1.4, 1.6, 2.9, 3.1, 4.5].map(|x| nearest(&values, x));
        let expected = [0.5, 1.0, 2.0, 2.0, 4.0, 4.5];
        assert!(moved.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{moved:?}");
    }
}
