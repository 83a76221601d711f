//! What the rows of a fit look like.

use diffeo_flows::rows::Rows;
use diffeo_flows::{Error, Result};
use std::hash::{DefaultHasher, Hasher};

/// Least likely rows that are named.
const NAMED: usize = 10;

/// Columns, duplicates and the least likely rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Rows that were looked at.
    pub rows: usize,
    /// The features, then the context.
    pub columns: Vec<ColumnProfile>,
    /// Rows that repeat an earlier one, value for value.
    pub duplicates: usize,
    /// The least likely rows, the least likely first.
    pub outliers: Vec<Outlier>,
    /// Rows among which the least likely were sought.
    pub judged: usize,
}

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Least value, 5 %, median, 95 %, largest value.
    pub quantiles: [f64; 5],
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// How many values differ.
    pub distinct: usize,
}

/// An unlikely row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlier {
    /// Its number in the table, from 1.
    pub row: usize,
    /// Its log-density, nats, in data units.
    pub log_prob: f64,
    /// Its features.
    pub values: Vec<f64>,
}

impl Profile {
    /// Looks at rows whose features and context have these names; `judged` are rows with their
    /// log-densities, among which the least likely are sought.
    ///
    /// # Errors
    /// [`Error::Shape`] when names and columns, or rows and log-densities, differ in number.
    pub fn of(rows: &Rows, names: &[String], judged: (&Rows, &[f64])) -> Result<Self> {
        let context = rows.context().map_or(0, |(width, _)| width);
        if names.len() != rows.features() + context || judged.0.len() != judged.1.len() {
            let got = [names.len(), judged.1.len()];
            return Err(Error::shape("Profile", "a name a column, a log-density a row", &got));
        }
        let column = |(i, name): (usize, &String)| {
            let (values, width, i) = match rows.context() {
                Some((width, values)) if i >= rows.features() => {
                    (values, width, i - rows.features())
                }
                _ => (rows.points(), rows.features(), i),
            };
            ColumnProfile::of(name, values.iter().skip(i).step_by(width).copied().collect())
        };
        Ok(Self {
            rows: rows.len(),
            columns: names.iter().enumerate().map(column).collect(),
            duplicates: duplicates(rows),
            outliers: outliers(judged.0, judged.1),
            judged: judged.0.len(),
        })
    }
}

impl ColumnProfile {
    fn of(name: &str, mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        let at = |share: f64| values.get((share * (n.max(1) - 1) as f64).round() as usize).copied();
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
        let distinct = values.chunk_by(|a, b| a.total_cmp(b).is_eq()).count();
        Self {
            name: name.to_owned(),
            quantiles: [0.0, 0.05, 0.5, 0.95, 1.0].map(|share| at(share).unwrap_or(f64::NAN)),
            mean,
            deviation: variance.sqrt(),
            distinct,
        }
    }
}

/// Rows whose values all occurred before, by a hash of 64 bits: at ten million rows a chance of
/// 3 · 10⁻⁶ that any two differ unseen.
fn duplicates(rows: &Rows) -> usize {
    let (width, context) = rows.context().unwrap_or((0, &[]));
    let mut seen: Vec<u64> = (0..rows.len())
        .map(|i| {
            let mut hasher = DefaultHasher::new();
            let d = rows.features();
            let values = rows.points()[i * d..(i + 1) * d].iter();
            let given = context[i * width..(i + 1) * width].iter();
            values.chain(given).for_each(|v| hasher.write_u64(v.to_bits()));
            hasher.finish()
        })
        .collect();
    seen.sort_unstable();
    rows.len() - seen.chunk_by(u64::eq).count()
}

fn outliers(rows: &Rows, log_prob: &[f64]) -> Vec<Outlier> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| log_prob[a].total_cmp(&log_prob[b]));
    let d = rows.features();
    let outlier = |&i: &usize| Outlier {
        row: rows.number(i) + 1,
        log_prob: log_prob[i],
        values: rows.points()[i * d..(i + 1) * d].to_vec(),
    };
    order.iter().take(NAMED).map(outlier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_duplicates_and_outliers_of_a_small_table() {
        let rows = Rows::new(2, vec![1.0, 5.0, 3.0, 5.0, 1.0, 5.0, 2.0, 7.0]).unwrap();
        let names = ["a".to_owned(), "b".to_owned()];
        let profile = Profile::of(&rows, &names, (&rows, &[-1.0, -9.0, -1.0, f64::NEG_INFINITY]));
        let profile = profile.unwrap();
        assert_eq!((profile.rows, profile.duplicates), (4, 1));
        let a = &profile.columns[0];
        assert_eq!((a.quantiles[0], a.quantiles[4], a.distinct), (1.0, 3.0, 3));
        assert!((a.mean - 1.75).abs() < 1e-12 && (a.deviation - 0.829_156).abs() < 1e-6);
        let order: Vec<usize> = profile.outliers.iter().map(|o| o.row).collect();
        assert_eq!(order, [4, 2, 1, 3]);
        assert_eq!(profile.outliers[0].values, [2.0, 7.0]);
    }

    #[test]
    fn context_columns_count() {
        let rows = Rows::new(1, vec![1.0, 1.0]).unwrap().with_context(1, vec![0.0, 1.0]).unwrap();
        let names = ["x".to_owned(), "c".to_owned()];
        let profile = Profile::of(&rows, &names, (&rows, &[0.0, 0.0])).unwrap();
        assert_eq!((profile.duplicates, profile.columns[1].distinct), (0, 2));
        assert!(Profile::of(&rows, &names[..1], (&rows, &[0.0, 0.0])).is_err());
    }
}
