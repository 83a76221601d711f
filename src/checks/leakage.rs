//! Whether held-out rows were seen in training.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::model::Column;
use diffeo_flows::rows::Rows;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::collections::{HashMap, HashSet};

pub(super) const NAME: &str = "leakage";
/// Of the share of held-out rows. A twentieth of them, judged as training rows are, moves their mean
/// log-density by a twentieth of what overfitting may be: less than its error in all but huge tables.
const MOST: f64 = 0.05;
/// Where so many draws of the model are training rows, too, held-out rows are by nature.
const NATURAL: f64 = 0.5;

/// So many other training rows are expected to have all values of a row, were its columns independent:
/// with more a repeated row is no news.
const COINCIDENCE: f64 = 0.05;

/// The share of held-out rows that are training rows value for value, above that of draws.
///
/// Values are those of the table: whole numbers without the noise that spreads them. Rounded columns
/// repeat rows without any leak: rows whose every value is so common that they are bound to meet do not
/// count, and draws, which are new rows, tell how often the others meet once they are rounded as the
/// table is.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let skipped = |why: String| Ok(Outcome::Skipped { name: NAME, why });
    let (Some(train), Some(held_out)) = (subject.evidence.train, subject.evidence.held_out) else {
        return skipped("there are no training rows beside held-out ones".to_owned());
    };
    let columns = &subject.model.spec().columns;
    let known: HashSet<Vec<u64>> = (0..train.len()).map(|i| values(columns, train, i)).collect();
    let ties = Ties::of((0..train.len()).map(|i| values(columns, train, i)));
    // Those that count, and those that are bound to meet.
    let share = |rows: &Rows| {
        let all = (0..rows.len()).map(|i| values(columns, rows, i));
        let found: Vec<Vec<u64>> = all.filter(|row| known.contains(row)).collect();
        let tied = found.iter().filter(|row| ties.explain(row)).count();
        (found.len() - tied, tied as f64 / rows.len() as f64)
    };
    let rounded = subject.rounded_as(train)?;
    let (drawn, tied) = share(&rounded);
    let natural = drawn as f64 / rounded.len() as f64;
    if natural + tied > NATURAL {
        let told = 100.0 * (natural + tied);
        return skipped(format!(
            "{told:.0} % of draws, rounded as the table is, are training rows: its columns have so few \
             values that rows repeat themselves"
        ));
    }
    let (found, tied) = share(held_out);
    let leaked = found as f64 / held_out.len() as f64;
    let mut detail = format!(
        "share of {} held-out rows that are training rows value for value, {:.2} %, above that of \
         draws, {:.2} %",
        held_out.len(),
        100.0 * leaked,
        100.0 * natural
    );
    if tied > 0.0 {
        let told = format!(
            "; {:.2} % more repeat because their values are rounded, which is no leak: leave them",
            100.0 * tied
        );
        detail.push_str(&told);
    }
    // With one more draw, so that chance is not nothing where none was found.
    let chance = (natural * subject.draws.len() as f64 + 1.0) / (subject.draws.len() as f64 + 2.0);
    let p_value = match Binomial::new(chance, held_out.len() as u64) {
        Ok(_) if found == 0 => 1.0,
        Ok(law) => law.sf(found as u64 - 1),
        Err(_) => f64::NAN,
    };
    let mut check = Check::effect(NAME, (leaked - natural, p_value), MOST, &detail);
    if !check.passed {
        check.detail.push_str(REMEDY);
    }
    Ok(Outcome::Checked(check))
}

const REMEDY: &str = "; whole rows come twice, in training and held out: remove the copies and train \
                      anew, or hold out rows of another source";

/// How often each value occurs in each column of the training rows.
struct Ties {
    rows: f64,
    counts: Vec<HashMap<u64, usize>>,
}

impl Ties {
    fn of(rows: impl Iterator<Item = Vec<u64>>) -> Self {
        let (mut counts, mut n) = (Vec::new(), 0_u32);
        for row in rows {
            counts.resize_with(row.len(), HashMap::new);
            for (count, value) in counts.iter_mut().zip(row) {
                *count.entry(value).or_insert(0) += 1;
            }
            n += 1;
        }
        Self { rows: f64::from(n), counts }
    }

    /// Whether a row that is a training row, too, is so because its values are common: n Π (cₖ − 1)/n, the
    /// number of others with all its values in independent columns, of which cₖ rows have its k-th.
    fn explain(&self, row: &[u64]) -> bool {
        let others = |(count, value): (&HashMap<u64, usize>, &u64)| {
            count.get(value).map_or(0, |c| c - 1) as f64 / self.rows
        };
        self.rows * self.counts.iter().zip(row).map(others).product::<f64>() >= COINCIDENCE
    }
}

/// What a table has for the features and the context of a row, bit by bit.
fn values(columns: &[Column], rows: &Rows, i: usize) -> Vec<u64> {
    let d = rows.features();
    let own = rows.points()[i * d..(i + 1) * d].iter().zip(columns).map(|(x, c)| c.decode(*x));
    let given = rows.context().map_or(&[][..], |(k, c)| &c[i * k..(i + 1) * k]);
    // Of two zeros there is one.
    own.chain(given.iter().copied()).map(|x| (x + 0.0).to_bits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ties(rows: &[[u64; 2]]) -> Ties {
        Ties::of(rows.iter().map(|row| row.to_vec()))
    }

    /// A hundred rows of ten values by ten; of as many each of its own; and of the latter each twice.
    #[test]
    fn rounded_columns_are_told_from_repeated_rows() {
        let grid: Vec<[u64; 2]> = (0..100).map(|i| [i % 10, i / 10]).collect();
        let own: Vec<[u64; 2]> = (0..100).map(|i| [i, 1000 + i]).collect();
        let twice: Vec<[u64; 2]> = (0..100).map(|i| [i / 2, 1000 + i / 2]).collect();
        // 100 · 0.09² = 0.81; 100 · 0²; 100 · 0.01² = 0.01.
        assert!(grid.iter().all(|row| ties(&grid).explain(row)));
        assert!(!own.iter().any(|row| ties(&own).explain(row)));
        assert!(!twice.iter().any(|row| ties(&twice).explain(row)));
        // One column is rounded, the other is not: the whole row repeats all the same.
        let half: Vec<[u64; 2]> = (0..100).map(|i| [i % 3, i]).collect();
        assert!(!half.iter().any(|row| ties(&half).explain(row)));
    }
}
