//! What a column is taken for.

use super::profile::Profile;
use crate::data::readers::csv::number::Mark;

/// Labels that a category may have without being described.
pub(crate) const MOST_LABELS: usize = 30;
/// Share of distinct values from which on they identify rows.
const NEARLY_ALL: f64 = 0.9;
/// Share of numbers from which on the rest of a column is a mistake.
const NEARLY_NUMBERS: f64 = 0.9;
/// Names of columns that tell rows apart, where the values do.
const ROW_NAMES: [&str; 9] =
    ["id", "index", "row", "rowid", "row_id", "rownames", "row.names", "row_names", "unnamed: 0"];

/// What a column is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Real,
    /// Whole numbers, fitted as real ones.
    Whole,
    /// Text of a few labels, which are these.
    Category(Vec<String>),
    /// The numbers of the rows.
    Index,
    /// Values that tell rows apart.
    Identifier,
    /// Dates or times of day.
    Dates,
    /// Nothing at all.
    Empty,
    /// One and the same value.
    Constant(String),
    /// Numbers, but for a few texts.
    Stray,
    /// Numbers, of which some are infinite.
    Infinite,
    /// Numbers in per cent and others.
    MixedUnits,
    /// More labels than a category may have without being described.
    Crowd,
    /// Values that the reader cannot read, of this type.
    Unreadable(String),
}

impl Kind {
    /// What a column holds of which nothing is known but its values.
    pub(crate) fn of(profile: &Profile) -> Self {
        let is_text = profile.texts > 0;
        if let Some(found) = &profile.unreadable {
            return Self::Unreadable(found.clone());
        }
        if profile.values() == 0 && profile.infinite.is_none() {
            return Self::Empty;
        }
        if !is_text {
            return Self::of_numbers(profile);
        }
        let (distinct, are_all) = profile.distinct();
        if profile.numbers as f64 > NEARLY_NUMBERS * profile.values() as f64 {
            return Self::Stray;
        }
        if profile.numbers == 0 && profile.dates == profile.texts {
            return Self::Dates;
        }
        let few = are_all && distinct <= MOST_LABELS && 2 * distinct as u64 <= profile.values();
        match &profile.labels {
            Some(labels) if labels.len() == 1 => {
                Self::Constant(labels.first().cloned().unwrap_or_default())
            }
            Some(labels) if few => Self::Category(labels.iter().cloned().collect()),
            _ if 2 * profile.numbers > profile.values() => Self::Stray,
            _ if profile.distinct_share() >= NEARLY_ALL => Self::Identifier,
            _ => Self::Crowd,
        }
    }

    fn of_numbers(profile: &Profile) -> Self {
        if profile.infinite.is_some() {
            return Self::Infinite;
        }
        if profile.numbers > 1 && profile.low.total_cmp(&profile.high).is_eq() {
            return Self::Constant(profile.low.to_string());
        }
        let percents = profile.marks.get(&Mark::Percent).map_or(0, |(_, count)| *count);
        if percents > 0 && percents < profile.numbers {
            return Self::MixedUnits;
        }
        let lower = profile.name.to_lowercase();
        let names_rows = profile.unnamed || ROW_NAMES.contains(&lower.as_str());
        let each_once = profile.is_increasing || profile.distinct_share() >= 1.0;
        if profile.runs_from.is_some() {
            return Self::Index;
        }
        if profile.is_whole && names_rows && each_once {
            return if profile.unnamed { Self::Index } else { Self::Identifier };
        }
        if profile.is_whole { Self::Whole } else { Self::Real }
    }

    /// What a column holds that is described: a category with labels, or numbers.
    pub(crate) fn described(profile: &Profile, labels: Option<&[String]>) -> Self {
        match (labels, Self::of(profile)) {
            (_, kind @ (Self::Empty | Self::Unreadable(_))) => kind,
            (Some(_), Self::Constant(value)) => Self::Constant(value),
            (Some(labels), _) => Self::Category(labels.to_vec()),
            (None, _) if profile.texts > 0 => Self::Stray,
            (None, Self::Index | Self::Identifier) => Self::Whole,
            (None, kind) => kind,
        }
    }

    /// What a column holds that is asked for by name.
    pub(crate) fn asked_for(profile: &Profile) -> Self {
        match Self::of(profile) {
            Self::Index => Self::Whole,
            Self::Identifier if profile.texts == 0 => Self::Whole,
            kind => kind,
        }
    }

    /// Whether it can be modelled.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Real | Self::Whole | Self::Category(_))
    }

    /// Whether it is left out without being asked.
    pub fn is_left_out(&self) -> bool {
        matches!(
            self,
            Self::Index | Self::Identifier | Self::Dates | Self::Empty | Self::Unreadable(_)
        )
    }
}
