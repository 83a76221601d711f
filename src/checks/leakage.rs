//! Whether held-out rows were seen in training.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::model::Column;
use diffeo_flows::rows::Rows;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::collections::HashSet;

pub(super) const NAME: &str = "leakage";
/// Of the share of held-out rows. A twentieth of them, judged as training rows are, moves their mean
/// log-density by a twentieth of what overfitting may be: less than its error in all but huge tables.
const MOST: f64 = 0.05;
/// Where so many draws of the model are training rows, too, held-out rows are by nature.
const NATURAL: f64 = 0.5;

/// The share of held-out rows that are training rows value for value, above that of draws.
///
/// Values are those of the table: whole numbers without the noise that spreads them. Of columns with
/// few values rows repeat themselves without any leak, and so do draws, which are new rows, once they
/// are rounded as the table is.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let skipped = |why: String| Ok(Outcome::Skipped { name: NAME, why });
    let (Some(train), Some(held_out)) = (subject.evidence.train, subject.evidence.held_out) else {
        return skipped("there are no training rows beside held-out ones".to_owned());
    };
    let columns = &subject.model.spec().columns;
    let known: HashSet<Vec<u64>> = (0..train.len()).map(|i| values(columns, train, i)).collect();
    let share = |rows: &Rows| {
        let found = (0..rows.len()).filter(|&i| known.contains(&values(columns, rows, i))).count();
        (found, found as f64 / rows.len() as f64)
    };
    let (_, natural) = share(&subject.rounded_as(train)?);
    if natural > NATURAL {
        let told = 100.0 * natural;
        return skipped(format!(
            "{told:.0} % of draws, rounded as the table is, are training rows: its columns have so few \
             values that rows repeat themselves"
        ));
    }
    let (found, leaked) = share(held_out);
    let detail = format!(
        "share of {} held-out rows that are training rows value for value, {:.2} %, above that of \
         draws, {:.2} %; where it fails, remove the rows that come twice",
        held_out.len(),
        100.0 * leaked,
        100.0 * natural
    );
    // With one more draw, so that chance is not nothing where none was found.
    let chance = (natural * subject.draws.len() as f64 + 1.0) / (subject.draws.len() as f64 + 2.0);
    let p_value = match Binomial::new(chance, held_out.len() as u64) {
        Ok(_) if found == 0 => 1.0,
        Ok(law) => law.sf(found as u64 - 1),
        Err(_) => f64::NAN,
    };
    Ok(Outcome::Checked(Check::effect(NAME, (leaked - natural, p_value), MOST, &detail)))
}

/// What a table has for the features and the context of a row, bit by bit.
fn values(columns: &[Column], rows: &Rows, i: usize) -> Vec<u64> {
    let d = rows.features();
    let own = rows.points()[i * d..(i + 1) * d].iter().zip(columns).map(|(x, c)| c.decode(*x));
    let given = rows.context().map_or(&[][..], |(k, c)| &c[i * k..(i + 1) * k]);
    // Of two zeros there is one.
    own.chain(given.iter().copied()).map(|x| (x + 0.0).to_bits()).collect()
}
