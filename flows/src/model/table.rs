//! Rows of a table and points of the density: see [`Column`].

use super::error_bars::WithErrors;
use super::{Column, Model};
use crate::error::{Error, Result};
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::workers::Workers;
use rand::Rng;
use rand::seq::SliceRandom;

/// Rows that share a generator.
const BLOCK: usize = 4096;

/// The points of rows of a table: whole numbers and categories spread by noise of the seed, drawn
/// once for each row, angles wrapped.
///
/// # Errors
/// [`Error::Data`] naming the first row with a value that its column does not have, such as a
/// fraction among whole numbers.
pub fn encode(columns: &[Column], rows: Rows, seed: u64) -> Result<Rows> {
    if columns.iter().all(|column| column.kind.is_real()) {
        return Ok(rows);
    }
    let mut rng = generator(seed, Stream::Dequantise, 0);
    let draw = |row: usize, at: usize| {
        if row.is_multiple_of(BLOCK) && at == 0 {
            rng = generator(seed, Stream::Dequantise, (row / BLOCK) as u64);
        }
        if columns[at].is_discrete() { rng.random() } else { 0.5 }
    };
    all_encoded(columns, encoded(columns, rows, draw))
}

/// The points, or an error naming the first value that there is none for.
fn all_encoded(
    columns: &[Column],
    (rows, invalid): (Rows, Vec<(usize, usize, f64)>),
) -> Result<Rows> {
    let Some(&(row, at, value)) = invalid.first() else { return Ok(rows) };
    let problem = if columns[at].is_discrete() {
        format!("{value} is not a whole number")
    } else {
        format!("{value} is not finite")
    };
    let field = format!("row {}, column {}", rows.number(row) + 1, columns[at].name);
    Err(Error::data(field, problem, "correct it, or give the column another kind"))
}

/// The points of rows, and the row, column and value wherever there is none: that value is kept.
fn encoded(
    columns: &[Column],
    mut rows: Rows,
    mut draw: impl FnMut(usize, usize) -> f64,
) -> (Rows, Vec<(usize, usize, f64)>) {
    let mut invalid = Vec::new();
    let features = rows.features();
    for (row, points) in rows.points_mut().chunks_exact_mut(features).enumerate() {
        for (at, (column, point)) in columns.iter().zip(points).enumerate() {
            let u = draw(row, at);
            match column.encode(*point, u) {
                Some(encoded) => *point = encoded,
                None => invalid.push((row, at, *point)),
            }
        }
    }
    (rows, invalid)
}

/// n points of the unit cube of so many dimensions, row-major: each coordinate has one point in each
/// of n equal parts, in random order (Latin hypercube).
///
/// # References
/// McKay, Beckman, Conover (1979), *A comparison of three methods for selecting values of input
/// variables in the analysis of output from a computer code*, Technometrics 21.
fn latin_hypercube(n: usize, dimensions: usize, seed: u64) -> Vec<f64> {
    let mut points = vec![0.0; n * dimensions];
    for dimension in 0..dimensions {
        // Indices beyond those of blocks of rows.
        let mut rng = generator(seed, Stream::Dequantise, u64::MAX - dimension as u64);
        let mut parts: Vec<usize> = (0..n).collect();
        parts.shuffle(&mut rng);
        for (point, part) in parts.into_iter().enumerate() {
            points[point * dimensions + dimension] = (part as f64 + rng.random::<f64>()) / n as f64;
        }
    }
    points
}

impl Model {
    /// Draws that a probability of whole numbers is the mean of, unless another number is given.
    pub const DRAWS: usize = 32;

    /// Whether rows of a table have probabilities, not densities, in some columns.
    pub fn has_discrete_columns(&self) -> bool {
        self.spec().columns.iter().any(Column::is_discrete)
    }

    /// The points of rows of a table; see [`encode`].
    ///
    /// # Errors
    /// As [`encode`].
    pub fn encode(&self, rows: Rows, seed: u64) -> Result<Rows> {
        encode(&self.spec().columns, rows, seed)
    }

    /// The points of rows of a table where whole numbers and categories stand in the middle of their
    /// cells [k, k + 1): the same for equal rows.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn encode_middles(&self, rows: Rows) -> Result<Rows> {
        let columns = &self.spec().columns;
        all_encoded(columns, encoded(columns, rows, |_, _| 0.5))
    }

    /// Turns points, row-major, into values of a table: whole numbers, indices of labels, angles of
    /// the period.
    pub fn decode(&self, points: &mut [f64]) {
        let columns = &self.spec().columns;
        for row in points.chunks_exact_mut(columns.len()) {
            columns.iter().zip(row).for_each(|(column, point)| *point = column.decode(*point));
        }
    }

    /// The rows of a table that these points stand for; see [`Model::decode`].
    #[must_use]
    pub fn decode_rows(&self, points: &Rows) -> Rows {
        let mut rows = points.clone();
        self.decode(rows.points_mut());
        rows
    }

    /// The log-density of rows of a table, nats, which in columns of whole numbers and categories is a
    /// probability: log P(x) = log ∫ p(x + u) du over u in (0, 1) in these columns, with its standard
    /// error.
    ///
    /// The integral is the mean over `draws` points u, stratified in each column (a Latin hypercube)
    /// and the same for all rows, so that equal rows have equal values. The logarithm of a mean is
    /// low by half its squared standard error, on average. The standard error is that of independent
    /// draws, an upper estimate for stratified ones, 0 where nothing is drawn. A value that a column
    /// does not have, such as 1.5 among whole numbers, has probability 0, log −∞.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model; [`Error::Config`] for no
    /// draws.
    pub fn log_prob_of_table(
        &self,
        rows: &Rows,
        draws: usize,
        seed: u64,
        workers: &Workers,
    ) -> Result<WithErrors> {
        self.check_rows(rows)?;
        if draws == 0 {
            return Err(Error::config("draws", "there are none", "give at least 1"));
        }
        let columns = &self.spec().columns;
        let discrete = columns.iter().filter(|column| column.is_discrete()).count();
        let draws = if discrete == 0 { 1 } else { draws };
        let cube = latin_hypercube(draws, discrete, seed);
        let mut masses = vec![LogMean::default(); rows.len()];
        for draw in 0..draws {
            let mut offsets = cube[draw * discrete..(draw + 1) * discrete].iter();
            let u: Vec<f64> = columns
                .iter()
                .map(|column| if column.is_discrete() { offsets.next().copied() } else { None })
                .map(|u| u.unwrap_or(0.5))
                .collect();
            let (points, invalid) = encoded(columns, rows.clone(), |_, at| u[at]);
            let values = self.log_prob_rows(&points, workers)?;
            masses.iter_mut().zip(values).for_each(|(mass, value)| mass.add(value));
            for (row, ..) in invalid {
                masses[row].impossible = true;
            }
        }
        Ok(WithErrors {
            values: masses.iter().map(|mass| mass.value(draws)).collect(),
            standard_errors: masses.iter().map(|mass| mass.standard_error(draws)).collect(),
        })
    }

    /// The log-density of rows of a table by which they are ranked and compared with
    /// [`Calibration`](super::Calibration): [`Model::log_prob_of_table`] with [`Model::DRAWS`] draws of
    /// the model's own seed, so that equal rows have equal values whenever they are asked for, nats.
    ///
    /// # Errors
    /// As [`Model::log_prob_of_table`].
    pub fn log_prob_to_rank(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        Ok(self.log_prob_of_table(rows, Self::DRAWS, self.spec().seed, workers)?.values)
    }
}

/// The logarithm of a mean of exponentials, term by term; NaN where a term is not known.
#[derive(Debug, Clone, Copy)]
struct LogMean {
    largest: f64,
    /// Sums of exp(term − largest) and of its square.
    sum: f64,
    squares: f64,
    /// Whether the row is none that the columns can hold: −∞.
    impossible: bool,
    unknown: bool,
}

impl Default for LogMean {
    fn default() -> Self {
        Self {
            largest: f64::NEG_INFINITY,
            sum: 0.0,
            squares: 0.0,
            impossible: false,
            unknown: false,
        }
    }
}

impl LogMean {
    fn add(&mut self, term: f64) {
        if term.is_nan() {
            self.unknown = true;
        } else if term > self.largest {
            let scale = (self.largest - term).exp();
            self.sum = self.sum * scale + 1.0;
            self.squares = self.squares * scale * scale + 1.0;
            self.largest = term;
        } else if term > f64::NEG_INFINITY {
            let relative = (term - self.largest).exp();
            self.sum += relative;
            self.squares += relative * relative;
        }
    }

    fn value(&self, terms: usize) -> f64 {
        if self.unknown && !self.impossible {
            return f64::NAN;
        }
        if self.impossible || self.sum <= 0.0 {
            return f64::NEG_INFINITY;
        }
        self.largest + (self.sum / terms as f64).ln()
    }

    /// Of the logarithm: that of the mean over the mean.
    fn standard_error(&self, terms: usize) -> f64 {
        if self.impossible || self.sum <= 0.0 || terms < 2 {
            return 0.0;
        }
        let n = terms as f64;
        let mean = self.sum / n;
        let variance = (self.squares / n - mean * mean).max(0.0) * n / (n - 1.0);
        (variance / n).sqrt() / mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_of_a_mean_and_its_error_are_those_of_the_terms() {
        let terms = [-1000.0, -999.0, f64::NEG_INFINITY, -998.5];
        let mut mean = LogMean::default();
        for term in terms {
            mean.add(term);
        }
        let p: Vec<f64> = terms.iter().map(|t: &f64| (t + 999.0).exp()).collect();
        let m = p.iter().sum::<f64>() / 4.0;
        let variance = p.iter().map(|v| (v - m).powi(2)).sum::<f64>() / 3.0;
        assert!((mean.value(4) - (m.ln() - 999.0)).abs() < 1e-12);
        assert!((mean.standard_error(4) - (variance / 4.0).sqrt() / m).abs() < 1e-12);
        mean.add(f64::NAN);
        assert!(mean.value(4).is_nan(), "a term that is not known is not one of 0");
        mean.impossible = true;
        assert!(mean.value(4) == f64::NEG_INFINITY);
    }

    #[test]
    fn each_part_of_each_axis_holds_one_point() {
        let points = latin_hypercube(16, 3, 5);
        for axis in 0..3 {
            let mut parts: Vec<f64> =
                points.iter().skip(axis).step_by(3).map(|u| (u * 16.0).floor()).collect();
            assert!(!parts.is_sorted());
            parts.sort_unstable_by(f64::total_cmp);
            assert_eq!(parts, (0..16).map(f64::from).collect::<Vec<_>>());
        }
    }
}
