//! Decides which columns of a surveyed table a fit takes, or says all at once why it cannot.

use super::kind::{Kind, MOST_LABELS};
use super::profile::{Profile, Survey};
use super::refusal::{Gaps, Refusal};
use crate::data::error::DataError;
use crate::data::labels::Labels;
use crate::data::missing::Missing;
use crate::data::names::positions;
use crate::data::readers::csv::cut;
use crate::data::schema::RoleRequest;

/// Rows that a fit needs at least.
const FEWEST: u64 = 10;

/// What is asked for of a table.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// The roles; columns without one are modelled.
    pub request: &'a RoleRequest,
    /// Columns that are left out whatever their role.
    pub without: &'a [String],
    /// The labels of columns that are described as categories.
    pub labels: &'a Labels,
    /// Columns that are described.
    pub described: &'a [String],
    /// What happens to rows with missing values.
    pub missing: Missing,
}

/// What a fit takes of a table.
#[derive(Debug)]
pub struct Choice {
    /// The roles of the columns that are left.
    pub request: RoleRequest,
    /// The columns to read, in the order of the table, or as asked for.
    pub columns: Vec<String>,
    /// The labels of all categories.
    pub labels: Labels,
    /// The labels of the categories that nobody described.
    pub found: Vec<(String, Vec<String>)>,
    pub(super) kinds: Vec<(Kind, Use)>,
}

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Modelled,
    Given,
    Weight,
    /// As its kind is.
    LeftOut,
    /// As the user asked.
    NotAsked,
}

impl Use {
    pub(super) fn is_one(self) -> bool {
        matches!(self, Self::Modelled | Self::Given | Self::Weight)
    }
}

impl Survey {
    /// Takes what can be used.
    ///
    /// # Errors
    /// [`DataError::Unusable`] names every column that is wanted and cannot be used, or every one with
    /// missing values where there may be none, and what to do about it; also when a column is unknown.
    pub fn choose(&self, wishes: &Wishes<'_>) -> Result<Choice, DataError> {
        if self.rows == 0 {
            return Err(DataError::NoRows { file: self.file.clone() });
        }
        let found = self.kinds(wishes)?;
        self.require_usable(&found, wishes.missing)?;
        let kinds = &found;
        let name = |at: usize| self.columns[at].name.clone();
        let of = |wanted: Use| (0..kinds.len()).filter(move |&at| kinds[at].1 == wanted);
        let dropped = |name: &&String| !wishes.without.contains(*name);
        let request = RoleRequest {
            columns: Some(match &wishes.request.columns {
                Some(columns) => columns.iter().filter(dropped).cloned().collect(),
                None => of(Use::Modelled).map(name).collect(),
            }),
            given: wishes.request.given.iter().filter(dropped).cloned().collect(),
            weight: wishes.request.weight.iter().find(dropped).cloned(),
        };
        let columns = match &wishes.request.columns {
            Some(_) => request.columns_to_read().unwrap_or_default(),
            None => (0..kinds.len()).filter(|&at| kinds[at].1.is_one()).map(name).collect(),
        };
        let categories = |(at, (kind, used)): (usize, &(Kind, Use))| match kind {
            Kind::Category(labels) if used.is_one() => Some((name(at), labels.clone())),
            _ => None,
        };
        let labels: Vec<(String, Vec<String>)> =
            kinds.iter().enumerate().filter_map(categories).collect();
        let unknown = |(name, _): &&(String, Vec<String>)| !wishes.described.contains(name);
        let unknown = labels.iter().filter(unknown).cloned().collect();
        let labels = labels.into_iter().collect();
        Ok(Choice { request, columns, found: unknown, labels, kinds: found })
    }

    /// What each column is taken for and used for.
    fn kinds(&self, wishes: &Wishes<'_>) -> Result<Vec<(Kind, Use)>, DataError> {
        let (names, request) = (self.names(), wishes.request);
        let asked = request.columns.as_deref();
        for wanted in [asked.unwrap_or_default(), &request.given, wishes.without] {
            positions(&self.file, &names, Some(wanted))?;
        }
        positions(&self.file, &names, Some(request.weight.as_slice()))?;
        let of = |profile: &Profile| {
            let name = &profile.name;
            let is_described = wishes.described.contains(name);
            let wanted = match () {
                () if wishes.without.contains(name) => Use::NotAsked,
                () if request.weight.as_ref() == Some(name) => Use::Weight,
                () if request.given.contains(name) => Use::Given,
                () if asked.is_none_or(|asked| asked.contains(name)) => Use::Modelled,
                () => Use::NotAsked,
            };
            let kind = match wanted {
                _ if is_described => Kind::described(profile, wishes.labels.of(name)),
                Use::Modelled if asked.is_none() => Kind::of(profile),
                Use::NotAsked => Kind::of(profile),
                _ => Kind::asked_for(profile),
            };
            let is_asked_for = is_described || asked.is_some() || wanted != Use::Modelled;
            match (wanted, kind.is_left_out() && !is_asked_for) {
                (_, true) => (kind, Use::LeftOut),
                (wanted, false) => (kind, wanted),
            }
        };
        Ok(self.columns.iter().map(of).collect())
    }

    fn require_usable(&self, kinds: &[(Kind, Use)], missing: Missing) -> Result<(), DataError> {
        let used = || (0..kinds.len()).filter(|&at| kinds[at].1.is_one());
        let bad: Vec<(usize, String)> =
            used().filter_map(|at| Some((at, self.problem(at, &kinds[at])?))).collect();
        let good: Vec<usize> =
            used().filter(|at| bad.iter().all(|(other, _)| other != at)).collect();
        let is_modelled = |at: &usize| kinds[*at].1 == Use::Modelled;
        let is_left = good.iter().any(is_modelled);
        let gaps = self.gaps(&good, missing);
        let is_taken_away = kinds.iter().any(|(_, used)| *used == Use::LeftOut);
        // Where every column has been given another role, the roles say what is wrong.
        let can_be = if is_left { gaps.is_none() } else { !is_taken_away };
        if bad.is_empty() && can_be {
            return Ok(());
        }
        let named = |at: usize| self.columns[at].name.clone();
        let mut refusal = Refusal { file: self.file.clone(), ..Refusal::default() };
        refusal.without = bad.iter().map(|(at, _)| named(*at)).collect();
        refusal.problems = bad.into_iter().map(|(_, problem)| problem).collect();
        if !is_left {
            self.explain_left_out(kinds, &mut refusal);
        } else if let Some(gaps) = gaps {
            let (worst, drops) = self.worth_leaving_out(&good, kinds);
            refusal.without.extend(worst.into_iter().map(named));
            (refusal.drop, refusal.gaps) = (drops, Some(gaps));
        }
        refusal.can_go_on = is_left || !refusal.columns.is_empty();
        Err(DataError::Unusable(Box::new(refusal)))
    }

    /// Nothing is left to model: says what each column was left out for.
    fn explain_left_out(&self, kinds: &[(Kind, Use)], refusal: &mut Refusal) {
        for (at, (kind, _)) in kinds.iter().enumerate().filter(|(_, k)| k.1 == Use::LeftOut) {
            let profile = &self.columns[at];
            if *kind == Kind::Index || *kind == Kind::Identifier && profile.texts == 0 {
                refusal.columns.push(profile.name.clone());
                let why = "numbers that tell rows apart; ask for it with --columns to model it";
                refusal.problems.push(format!("column '{}': {why}", profile.name));
            } else {
                refusal.problems.extend(self.problem(at, &kinds[at]));
            }
        }
        if !refusal.columns.is_empty() {
            refusal.without.clear();
        }
    }

    /// The missing values of these columns, where they are in the way.
    fn gaps(&self, columns: &[usize], missing: Missing) -> Option<Gaps> {
        let gappy = || columns.iter().map(|&at| &self.columns[at]).filter(|c| c.missing > 0);
        let left = self.complete(columns);
        let is_fine = match missing {
            Missing::Reject => gappy().next().is_none(),
            Missing::Drop => left.is_none_or(|left| left >= FEWEST || left == self.rows),
        };
        let column = |column: &Profile| {
            let place = column.first_gap.map_or(String::new(), |place| format!("{place}, "));
            format!("{place}column '{}': {} missing", column.name, values(column.missing))
        };
        (!is_fine).then(|| Gaps { columns: gappy().map(column).collect(), left, rows: self.rows })
    }

    /// The modelled columns with most missing values without which enough rows are left, and whether
    /// rows have to be dropped then.
    fn worth_leaving_out(&self, columns: &[usize], kinds: &[(Kind, Use)]) -> (Vec<usize>, bool) {
        let (mut left, mut out) = (columns.to_vec(), Vec::new());
        let wanted = FEWEST.max(self.rows / 10);
        while self.complete(&left).is_some_and(|rows| rows < wanted) {
            let modelled = left.iter().filter(|&&at| kinds[at].1 == Use::Modelled);
            let (count, worst) = (modelled.clone().count(), modelled.copied());
            let Some(worst) = worst.max_by_key(|&at| self.columns[at].missing) else { break };
            if count < 2 || self.columns[worst].missing == 0 {
                break;
            }
            left.retain(|&at| at != worst);
            out.push(worst);
        }
        let drops = left.iter().any(|&at| self.columns[at].missing > 0);
        (out, drops)
    }

    /// Why a column cannot be used for what it is wanted for.
    fn problem(&self, at: usize, (kind, wanted): &(Kind, Use)) -> Option<String> {
        let profile = &self.columns[at];
        let name = &profile.name;
        let text = profile.first_text.as_ref();
        let (quoted, place) = text.map_or((String::new(), String::new()), |(text, place)| {
            (format!("\"{}\"", cut(text)), format!("{place}, "))
        });
        let (distinct, are_all) = profile.distinct();
        let many = if are_all { distinct.to_string() } else { format!("over {distinct}") };
        let said = match kind {
            Kind::Category(_) if *wanted == Use::Weight => {
                format!("{place}column '{name}': {quoted} is no weight; give a column of numbers")
            }
            Kind::Real | Kind::Whole | Kind::Category(_) | Kind::Index => return None,
            Kind::Constant(_) if *wanted == Use::Weight => return None,
            Kind::Constant(value) if *wanted == Use::Given => {
                format!(
                    "column '{name}' is {value} in every row, so it adds nothing to a condition"
                )
            }
            Kind::Constant(value) => {
                format!("column '{name}' is {value} in every row, so it has no density")
            }
            Kind::Stray => {
                let rest = match profile.texts {
                    1 => String::new(),
                    more => format!(", nor are {} others", more - 1),
                };
                let remedy = super::refusal::remedy_for(&quoted);
                format!("{place}column '{name}': not a number: {quoted}{rest}; {remedy}")
            }
            Kind::Infinite => {
                let (value, place) = profile.infinite?;
                format!(
                    "{place}, column '{name}': {value} is not finite; drop the row or impute it"
                )
            }
            Kind::MixedUnits => format!(
                "column '{name}': some of its numbers are in per cent and some are not; write all in \
                 the same way"
            ),
            Kind::Dates => format!(
                "{place}column '{name}': a date or time, {quoted}; write it as a number, such as days \
                 since the first: (d - d.min()).dt.days in pandas, as.numeric(d - min(d)) in R"
            ),
            Kind::Identifier => {
                let values = profile.values();
                format!(
                    "{place}column '{name}': text that tells rows apart, such as {quoted}: {many} \
                     distinct in {values} rows; there is nothing to learn from it"
                )
            }
            Kind::Crowd => format!(
                "{place}column '{name}': text of {many} labels, such as {quoted}; more than \
                 {MOST_LABELS}, or more than half as many as rows, make a category only when a file \
                 for --schema lists them"
            ),
            Kind::Empty => format!("column '{name}': there is no value in it"),
            Kind::Unreadable(found) => {
                format!("column '{name}': type {found} is not read; convert it to numbers")
            }
        };
        Some(said)
    }
}

fn values(count: u64) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}
