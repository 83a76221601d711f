//! Draws as a table would hold them: rounded where its columns are.

use super::Subject;
use super::log_det::with_context_of;
use diffeo_flows::Result;
use diffeo_flows::rows::Rows;

/// How far outside the range of the data a draw is still moved to its end, in standard deviations:
/// many columns end at a value that repeats, and a density is as wide on the other side of it.
const REACH: f64 = 0.1;
/// The largest share of different values in a column that repeats itself.
const DIFFERENT: f64 = 0.9;

impl Subject<'_> {
    /// The draws to compare the columns of data with: where values repeat, each draw is moved to the
    /// nearest value that the data has.
    ///
    /// A density has no repeated values, so that any table of rounded ones differs from its draws; what
    /// is asked is whether it differs by more than being rounded.
    pub(super) fn draws_like(&self, data: &Rows) -> Result<&Rows> {
        if let Some(known) = self.compared.get() {
            return Ok(known);
        }
        let rows = self.rounded_as(data)?;
        Ok(self.compared.get_or_init(|| rows))
    }

    /// The draws, each value moved to the nearest one of a column of these rows that repeats itself.
    pub(super) fn rounded_as(&self, data: &Rows) -> Result<Rows> {
        let d = data.features();
        let grids: Vec<Option<Vec<f64>>> = (0..d).map(|k| grid(data, k)).collect();
        let moved = |(i, &x): (usize, &f64)| match &grids[i % d] {
            Some(values) => nearest(values, x, REACH * self.deviations[i % d]),
            None => x,
        };
        let points = self.draws.points().iter().enumerate().map(moved).collect();
        with_context_of(&self.draws, points)
    }
}

/// The values of a column in order, where they repeat.
fn grid(data: &Rows, column: usize) -> Option<Vec<f64>> {
    let mut values: Vec<f64> =
        data.points().iter().skip(column).step_by(data.features()).copied().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    (values.len() as f64 <= DIFFERENT * data.len() as f64).then_some(values)
}

/// The value nearest to x; x itself where it lies further outside their range than it may.
fn nearest(values: &[f64], x: f64, reach: f64) -> f64 {
    let above = values.partition_point(|value| *value < x);
    match (above.checked_sub(1).map(|below| values[below]), values.get(above)) {
        (Some(below), Some(&above)) => {
            if x - below < above - x {
                below
            } else {
                above
            }
        }
        (Some(end), None) | (None, Some(&end)) if (x - end).abs() <= reach => end,
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
        let moved = [0.5, 0.95, 1.4, 1.6, 2.9, 3.1, 4.5].map(|x| nearest(&values, x, 0.1));
        let expected = [0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.5];
        assert!(moved.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{moved:?}");
    }
}
