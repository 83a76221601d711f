//! The rows of a tile that a solver follows, and those that it has given up.

use crate::fast::tile::{Column, ROWS};

/// Rows of a tile.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    solved: [bool; ROWS],
    failed: [bool; ROWS],
    /// Steps that each row would have needed by itself, about.
    needed: [f64; ROWS],
}

impl Default for Lanes {
    fn default() -> Self {
        Self { solved: [true; ROWS], failed: [false; ROWS], needed: [0.0; ROWS] }
    }
}

impl Lanes {
    /// Leaves out the rows from that number on.
    pub(super) fn keep_first(&mut self, rows: usize) {
        self.solved[rows.min(ROWS)..].fill(false);
    }

    pub(super) fn is_solved(&self, row: usize) -> bool {
        self.solved[row]
    }

    pub(super) fn any(&self) -> bool {
        self.solved.contains(&true)
    }

    /// Gives these rows up.
    pub(super) fn fail(&mut self, failed: &[bool]) {
        for (row, _) in failed.iter().enumerate().filter(|(_, failed)| **failed) {
            (self.solved[row], self.failed[row]) = (false, true);
        }
    }

    /// The largest of the errors of rows that are solved.
    pub(super) fn worst(&self, errors: &[f64; ROWS]) -> f64 {
        let solved = errors.iter().zip(&self.solved).filter(|(_, solved)| **solved);
        solved.fold(0.0, |worst: f64, (error, _)| worst.max(*error))
    }

    /// Counts a step that was tried, whose error grows with its length to the power k: 1 for the rows
    /// that it was as long as it could be for, and the share of a step of their own for others.
    pub(super) fn count(&mut self, errors: &[f64; ROWS], k: f64) {
        let worst = self.worst(errors);
        for ((needed, error), _) in
            self.needed.iter_mut().zip(errors).zip(&self.solved).filter(|(_, solved)| **solved)
        {
            *needed += if *error >= worst { 1.0 } else { error.min(1.0).powf(1.0 / k) };
        }
    }

    /// The rows that need more steps than are allowed.
    pub(super) fn beyond(&self, allowed: usize) -> [bool; ROWS] {
        std::array::from_fn(|row| self.solved[row] && self.needed[row] >= allowed as f64)
    }

    /// The rows that ask for the shortest steps: those with errors above 1, or the largest of all.
    pub(super) fn shortest(&self, errors: &[f64; ROWS]) -> [bool; ROWS] {
        let least = self.worst(errors).min(1.0 + f64::EPSILON);
        std::array::from_fn(|row| self.solved[row] && errors[row] >= least)
    }

    /// Puts NaN in the rows that were given up.
    pub(super) fn mark(&self, state: &mut [Column]) {
        for (row, _) in self.failed.iter().enumerate().filter(|(_, failed)| **failed) {
            for column in state.iter_mut() {
                column.0[row] = f32::NAN;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_charged_for_the_steps_that_it_needs_itself() {
        let mut lanes = Lanes::default();
        lanes.keep_first(2);
        let mut errors = [0.0; ROWS];
        // Errors of order 5: the second row would take steps twice as long.
        (errors[0], errors[1], errors[2]) = (0.9, 0.9 / 32.0, 7.0);
        for _ in 0..100 {
            lanes.count(&errors, 5.0);
        }
        assert!((lanes.worst(&errors) - 0.9).abs() < 1e-12);
        assert!(lanes.beyond(100)[0] && !lanes.beyond(50)[1] && lanes.beyond(48)[1]);
        assert!(!lanes.beyond(0)[2], "a row behind the last is charged nothing");
        assert_eq!(lanes.shortest(&errors)[..3], [true, false, false]);
        (errors[0], errors[1]) = (f64::INFINITY, 1.5);
        assert_eq!(lanes.shortest(&errors)[..3], [true, true, false]);
    }
}
