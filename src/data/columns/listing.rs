//! The table of columns: what each was taken for, printed before a fit.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::choice::{Choice, Use};
use super::kind::Kind;
use super::profile::{Profile, Survey};
use crate::data::readers::csv::cut;

/// Columns that are listed; of more, those that are plain numbers are counted.
const LISTED: usize = 36;
/// Labels that are listed.
const LABELS: usize = 5;

impl Choice {
    /// A table of the columns of the survey: name, what it is taken for, range or labels, distinct
    /// values, missing ones.
    pub fn listing(&self, survey: &Survey) -> String {
        let all: Vec<usize> = (0..self.kinds.len()).collect();
        let is_plain = |at: &usize| {
            let (kind, used) = &self.kinds[*at];
            let plain = matches!(kind, Kind::Real | Kind::Whole) || *used == Use::NotAsked;
            plain && survey.columns[*at].missing == 0 && survey.columns[*at].marks.is_empty()
        };
        let mut shown = all.clone();
        if all.len() > LISTED {
            let plain = all.iter().filter(|at| is_plain(at)).count();
            let mut room = LISTED.saturating_sub(all.len() - plain);
            shown.retain(|at| !is_plain(at) || room_left(&mut room));
            shown.truncate(LISTED);
        }
        let mut rows =
            vec![["column", "taken for", "values", "distinct", "missing"].map(str::to_owned)];
        rows.extend(shown.iter().map(|&at| self.row(at, &survey.columns[at])));
        let mut text = format!("{}: {} rows", survey.file, survey.rows);
        aligned(&mut text, &rows);
        if shown.len() < all.len() {
            let rest = all.iter().filter(|at| !shown.contains(at));
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for at in rest {
                *kinds.entry(word(&self.kinds[*at].0)).or_insert(0) += 1;
            }
            let counts: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
            let more = all.len() - shown.len();
            write!(text, "\n  and {more} more columns: {}", counts.join(", ")).ok();
        }
        text
    }

    fn row(&self, at: usize, profile: &Profile) -> [String; 5] {
        let (kind, used) = &self.kinds[at];
        let role = match used {
            Use::Modelled => word(kind).to_owned(),
            Use::Given => format!("{}, given", word(kind)),
            Use::Weight => "weight".to_owned(),
            Use::LeftOut => format!("left out: {}", word(kind)),
            Use::NotAsked => "not used".to_owned(),
        };
        let remarks = profile.marks.keys().map(|mark| mark.name());
        let role = [role.as_str()].into_iter().chain(remarks).collect::<Vec<_>>().join(", ");
        let (distinct, are_all) = profile.distinct();
        let over = if are_all { "" } else { "over " };
        [
            cut(&profile.name),
            role,
            values(kind, profile),
            format!("{over}{distinct}"),
            profile.missing.to_string(),
        ]
    }

    /// What was left out on its own account, and how to have it: one sentence a kind.
    pub fn left_out(&self, survey: &Survey) -> Vec<String> {
        let mut found: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for ((kind, used), profile) in self.kinds.iter().zip(&survey.columns) {
            if *used == Use::LeftOut {
                let is_text = profile.texts > 0;
                let names = found.entry((word(kind), remedy(kind, is_text))).or_default();
                names.push(format!("'{}'", cut(&profile.name)));
            }
        }
        let sentence = |((what, remedy), names): (&(&str, &str), &Vec<String>)| {
            let columns = if names.len() == 1 { "column" } else { "columns" };
            let names = crate::data::names::listed(names);
            format!("left out: {columns} {names}, {what}; {remedy}")
        };
        found.iter().map(sentence).collect()
    }
}

/// Whether there is room for one more.
fn room_left(room: &mut usize) -> bool {
    let is_left = *room > 0;
    *room = room.saturating_sub(1);
    is_left
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Real => "real",
        Kind::Whole => "real, all integers",
        Kind::Category(_) => "category",
        Kind::Index => "row numbers",
        Kind::Identifier => "identifier",
        Kind::Dates => "dates",
        Kind::Empty => "empty",
        Kind::Constant(_) => "constant",
        Kind::Stray | Kind::Infinite | Kind::MixedUnits => "not all numbers",
        Kind::Crowd => "text",
        Kind::Unreadable(_) => "a type that is not read",
    }
}

fn remedy(kind: &Kind, is_text: bool) -> &'static str {
    match kind {
        Kind::Index | Kind::Identifier if !is_text => "ask for it with --columns to model it",
        Kind::Dates => "write it as a number, such as days since the first, to model it",
        Kind::Empty => "there is nothing to model",
        Kind::Unreadable(_) => "convert it to numbers, or write the table as CSV, to model it",
        _ => "there is nothing to learn from it",
    }
}

fn values(kind: &Kind, profile: &Profile) -> String {
    let text = profile.first_text.as_ref().map(|(text, _)| cut(text));
    match (kind, text) {
        (Kind::Category(labels), _) => {
            let shown: Vec<String> = labels.iter().take(LABELS).map(|label| cut(label)).collect();
            let more = labels.len().saturating_sub(LABELS);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            shown.join(", ") + &rest
        }
        (_, Some(text)) => format!("such as {text}"),
        (Kind::Empty | Kind::Unreadable(_), None) => String::new(),
        _ => {
            let (low, high) = (profile.low, profile.high);
            // Six digits, or as many as tell the ends apart.
            let differ = |digits: &usize| short(low, *digits) != short(high, *digits);
            let digits = (5..=16).find(differ).unwrap_or(16);
            format!("{} to {}", short(low, digits), short(high, digits))
        }
    }
}

/// A number with so many digits after the first, unless it is whole.
fn short(value: f64, digits: usize) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.digits$e}").parse().unwrap_or(value);
    if (1e-4..1e15).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// Appends rows of fields one below the other.
fn aligned(text: &mut String, rows: &[[String; 5]]) {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::from("\n ");
        for (at, (field, width)) in row.iter().zip(widths).enumerate() {
            let blank = " ".repeat(width - field.chars().count());
            if at < 3 {
                write!(line, " {field}{blank} ").ok();
            } else {
                write!(line, " {blank}{field} ").ok();
            }
        }
        text.push_str(line.trim_end());
    }
}
