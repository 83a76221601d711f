//! Angles as pictures show them: in the declared period, wherever a model cuts the circle.

use super::{Result, Studio, range};
use diffeo_flows::model::ColumnKind;
use diffeo_flows::rows::Rows;

/// A line of the plane; a point that is no number breaks it.
pub(super) type Line = Vec<[f64; 2]>;

impl Studio<'_> {
    /// The declared period of a column of angles.
    pub(super) fn period(&self, column: usize) -> Option<[f64; 2]> {
        match self.model.spec().columns.get(column)?.kind {
            ColumnKind::Circular { low, high } => Some([low, high]),
            _ => None,
        }
    }

    /// The ends of a column's axis: the period of an angle, or nearly all of these rows as they are
    /// shown, `width` wide.
    pub(super) fn axis(&self, shown: &[f64], width: usize, column: usize) -> [f64; 2] {
        self.period(column).unwrap_or_else(|| range(shown, width, column))
    }

    /// Rows of a model as they are shown, with angles in their declared period.
    pub(super) fn shown(&self, mut rows: Vec<f64>) -> Vec<f64> {
        let columns = &self.model.spec().columns;
        for j in (0..columns.len()).filter(|j| self.period(*j).is_some()) {
            for value in rows.iter_mut().skip(j).step_by(columns.len()) {
                *value = columns[j].decode(*value);
            }
        }
        rows
    }

    /// The points of a model at places of a picture.
    pub(super) fn rows_at(&self, mut places: Vec<f64>) -> Result<Rows> {
        let columns = &self.model.spec().columns;
        for j in (0..columns.len()).filter(|j| self.period(*j).is_some()) {
            for value in places.iter_mut().skip(j).step_by(columns.len()) {
                *value = columns[j].encode(*value, 0.5).unwrap_or(f64::NAN);
            }
        }
        Ok(Rows::new(columns.len(), places)?)
    }

    /// A line through the plane of the data as it is shown, broken where it passes the end of a period.
    pub(super) fn shown_line(&self, line: Line) -> Line {
        let periods = [0, 1].map(|j| self.period(j).map(|[low, high]| high - low));
        if periods == [None, None] {
            return line;
        }
        let columns = &self.model.spec().columns;
        let wrap = |j: usize, v: f64| periods[j].map_or(v, |_| columns[j].decode(v));
        let mut shown: Line = Vec::with_capacity(line.len());
        for point in line {
            let here = [wrap(0, point[0]), wrap(1, point[1])];
            let jumps = |last: &[f64; 2]| {
                (0..2).any(|j| periods[j].is_some_and(|p| (here[j] - last[j]).abs() > 0.5 * p))
            };
            if shown.last().is_some_and(jumps) {
                shown.push([f64::NAN; 2]);
            }
            shown.push(here);
        }
        shown
    }
}
