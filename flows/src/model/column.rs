//! What a column of a table holds, and how its values become points of a density on the reals.

use crate::error::{Error, Result};
use crate::transforms::Support;
use serde::{Deserialize, Serialize};

/// A column of the data.
///
/// A model is a density over points y on the reals; a table holds values x. For most columns y = x.
/// Whole numbers and categories are spread, y = x + u with u uniform on (0, 1), so that the density
/// integrates to the probability of x over [x, x + 1); angles are wrapped into one period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// The points it can take.
    #[serde(default)]
    pub support: Support,
    /// What its values are.
    #[serde(default, skip_serializing_if = "ColumnKind::is_real")]
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Points of the column's support.
    #[default]
    Real,
    /// Whole numbers.
    Integer,
    /// Indices of labels, from 0.
    Category {
        /// What the indices stand for.
        labels: Vec<String>,
    },
    /// Points of a circle: x and x + high − low are the same. The column's support is one period
    /// from wherever the circle was cut.
    Circular {
        /// The lower end of the period that samples are given in.
        low: f64,
        /// Its upper end, the same point of the circle.
        high: f64,
    },
}

impl ColumnKind {
    /// Whether values are points.
    pub fn is_real(&self) -> bool {
        *self == Self::Real
    }
}

impl Column {
    /// A column of real numbers with this support.
    pub fn new(name: impl Into<String>, support: Support) -> Self {
        Self { name: name.into(), support, kind: ColumnKind::Real }
    }

    /// A column of whole numbers from `low` to `high`, both included, or without an end.
    ///
    /// # Errors
    /// [`Error::Config`] for ends that are not whole or in the wrong order, or for one end alone that
    /// is not `low = 0`.
    pub fn integer(name: impl Into<String>, low: Option<f64>, high: Option<f64>) -> Result<Self> {
        let name = name.into();
        let refused = |problem: &str, remedy: &str| Err(Error::config(&name, problem, remedy));
        if [low, high].into_iter().flatten().any(|end| end.fract() != 0.0 || !end.is_finite()) {
            return refused("an end of its whole numbers is none", "give whole numbers");
        }
        let support = match (low, high) {
            (None, None) => Support::Real,
            (Some(0.0), None) => Support::Positive,
            (Some(low), Some(high)) if low < high => Support::Interval { low, high: high + 1.0 },
            (Some(_), Some(_)) => return refused("low is not below high", "exchange them"),
            _ => return refused("one end alone", "give low and high, low = 0, or neither"),
        };
        Ok(Self { name, support, kind: ColumnKind::Integer })
    }

    /// A column of indices of these labels.
    ///
    /// # Errors
    /// [`Error::Config`] for fewer than two labels, or when two are the same.
    pub fn category(name: impl Into<String>, labels: Vec<String>) -> Result<Self> {
        let name = name.into();
        let twice = labels.iter().enumerate().find(|(i, label)| labels[..*i].contains(label));
        if let Some((_, label)) = twice {
            let problem = format!("the label \"{label}\" appears twice");
            return Err(Error::config(name, problem, "name each category once"));
        }
        if labels.len() < 2 {
            let remedy = "list all labels, or leave the column out";
            return Err(Error::config(name, "fewer than two labels", remedy));
        }
        let support = Support::Interval { low: 0.0, high: labels.len() as f64 };
        Ok(Self { name, support, kind: ColumnKind::Category { labels } })
    }

    /// A column on a circle, cut at `low` until [`Column::cut`] finds a better place.
    ///
    /// # Errors
    /// [`Error::Config`] for a period that is not positive and finite.
    pub fn circular(name: impl Into<String>, low: f64, high: f64) -> Result<Self> {
        let name = name.into();
        if !(low < high && (high - low).is_finite()) {
            let problem = format!("the period from {low} to {high} is empty or infinite");
            return Err(Error::config(name, problem, "give a lower and a higher finite end"));
        }
        let support = Support::Interval { low, high };
        Ok(Self { name, support, kind: ColumnKind::Circular { low, high } })
    }

    /// Whether a value has a probability of its own: whole numbers and categories.
    pub fn is_discrete(&self) -> bool {
        matches!(self.kind, ColumnKind::Integer | ColumnKind::Category { .. })
    }

    /// The labels of a column of categories.
    pub fn labels(&self) -> Option<&[String]> {
        match &self.kind {
            ColumnKind::Category { labels } => Some(labels),
            _ => None,
        }
    }

    /// Cuts the circle of a circular column in the middle of the widest gap between these values, so
    /// that no mass lies across the cut; other columns stay as they are.
    pub fn cut(&mut self, values: impl Iterator<Item = f64>) {
        let ColumnKind::Circular { low, high } = self.kind else { return };
        let period = high - low;
        let mut values: Vec<f64> = values.map(|x| wrapped(x, low, high)).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return };
        let across = (last.to_owned(), first + period - last);
        let gaps = values.windows(2).map(|pair| (pair[0], pair[1] - pair[0]));
        // The last of equal gaps: the one across the ends, where there is no better one.
        let (start, gap) =
            gaps.chain([across]).fold(across, |best, gap| if gap.1 > best.1 { gap } else { best });
        let at = wrapped(start + 0.5 * gap, low, high);
        self.support = Support::Interval { low: at, high: at + period };
    }

    /// The point of a value: in an integer column it is spread by u in (0, 1). None for a value that
    /// the column does not have.
    pub fn encode(&self, value: f64, u: f64) -> Option<f64> {
        match (&self.kind, self.support) {
            (ColumnKind::Real, _) => Some(value),
            (ColumnKind::Integer | ColumnKind::Category { .. }, _) => {
                // Rounding leads to neither end: both may be ends of the support.
                let inside = |y: f64| y.max(value.next_up()).min((value + 1.0).next_down());
                (value.fract() == 0.0).then(|| inside(value + u))
            }
            (ColumnKind::Circular { .. }, Support::Interval { low, high }) => {
                let inside = |y: f64| y.max(low.next_up()).min(high.next_down());
                value.is_finite().then(|| inside(wrapped(value, low, high)))
            }
            (ColumnKind::Circular { .. }, _) => None,
        }
    }

    /// The value of a point: whole numbers are rounded down, angles given in the column's period.
    pub fn decode(&self, point: f64) -> f64 {
        match self.kind {
            ColumnKind::Real => point,
            ColumnKind::Integer | ColumnKind::Category { .. } => point.floor(),
            ColumnKind::Circular { low, high } => wrapped(point, low, high),
        }
    }
}

/// The same point of a circle in [low, high).
fn wrapped(x: f64, low: f64, high: f64) -> f64 {
    if (low..high).contains(&x) {
        return x;
    }
    let y = low + (x - low).rem_euclid(high - low);
    // Just below low, rounding gives high.
    if y < high { y } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_cut_where_no_value_is() {
        let cut_of = |values: &[f64]| {
            let mut column = Column::circular("a", 0.0, 10.0).unwrap();
            column.cut(values.iter().copied());
            column
        };
        let interval = |low, high| Support::Interval { low, high };
        assert_eq!(cut_of(&[9.0, 0.5, 1.0]).support, interval(5.0, 15.0));
        assert_eq!(cut_of(&[4.0, 6.0]).support, interval(0.0, 10.0));
        assert_eq!(cut_of(&[-1.0, 12.0]).support, interval(5.5, 15.5), "wrapped first");
        assert_eq!(cut_of(&[]).support, interval(0.0, 10.0));
        let column = cut_of(&[9.0, 0.5, 1.0]);
        for turns in [-20.0, 0.0, 10.0] {
            assert_eq!(column.encode(9.0 + turns, 0.5), Some(9.0));
            assert_eq!(column.encode(1.0 + turns, 0.5), Some(11.0));
            assert_eq!(Some(column.decode(11.0 + turns)), Some(1.0));
        }
        let at_cut = column.encode(5.0, 0.5).unwrap();
        assert!(column.support.contains(at_cut) && (at_cut - 5.0).abs() < 1e-14);
        assert_eq!(column.encode(f64::INFINITY, 0.5), None);
        assert_eq!(Some(column.decode(-1e-300)), Some(0.0), "never the upper end");
    }

    #[test]
    fn whole_numbers_are_spread_inside_their_cells_and_come_back() {
        let column = Column::integer("n", Some(-3.0), Some(1_000_000.0)).unwrap();
        for value in [-3.0, 0.0, 7.0, 1_000_000.0] {
            for u in [f64::MIN_POSITIVE, 0.25, 1.0 - f64::EPSILON / 2.0] {
                let point = column.encode(value, u).unwrap();
                assert!(column.support.contains(point), "{value} {u}");
                assert_eq!(Some(column.decode(point)), Some(value), "{value} {u}");
            }
        }
        assert_eq!(column.encode(0.5, 0.5), None);
        assert_eq!(column.encode(2.0, 0.25), Some(2.25));
        let positive = Column::integer("n", Some(0.0), None).unwrap();
        assert!(positive.support.contains(positive.encode(0.0, 1e-300).unwrap()));
    }

    #[test]
    fn ends_and_labels_that_make_no_sense_are_refused() {
        assert!(Column::integer("n", Some(0.5), Some(2.0)).is_err());
        assert!(Column::integer("n", Some(2.0), None).is_err());
        assert!(Column::integer("n", Some(2.0), Some(2.0)).is_err());
        assert!(Column::category("c", vec!["a".into()]).is_err());
        assert!(Column::category("c", vec!["a".into(), "a".into()]).is_err());
        assert!(Column::circular("c", 1.0, 1.0).is_err());
    }

    #[test]
    fn columns_of_older_files_are_real_and_stay_as_short() {
        let old: Column = serde_json::from_str(r#"{"name":"x","support":"positive"}"#).unwrap();
        assert_eq!(old, Column::new("x", Support::Positive));
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"name":"x","support":"positive"}"#);
    }
}
