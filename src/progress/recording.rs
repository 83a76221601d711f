//! The density during training, kept for a film.

use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::flows::{Error, Result, Workers};
use diffeo::pictures::{Moment, Studio};
use diffeo::plots::Theme;

/// Frames of a film, at most.
const FRAMES: usize = 60;

/// Keeps the density at evenly spread evaluations.
#[derive(Debug)]
pub(super) struct Recording<'a> {
    rows: &'a Rows,
    workers: &'a Workers,
    /// Steps between frames, at least.
    spacing: usize,
    due: usize,
    pub(super) moments: Vec<Moment>,
}

impl<'a> Recording<'a> {
    /// A recording of a run of so many steps.
    pub(super) fn new(rows: &'a Rows, workers: &'a Workers, steps: usize) -> Self {
        Self { rows, workers, spacing: steps.div_ceil(FRAMES - 1), due: 0, moments: Vec::new() }
    }

    pub(super) fn keep(&mut self, model: &Model, step: usize) -> Result<()> {
        if step < self.due {
            return Ok(());
        }
        self.due = step + self.spacing;
        let (data, workers) = (Some(self.rows), self.workers);
        let studio = Studio { model, data, name: "", workers, theme: Theme::light() };
        let moment = studio
            .moment(step)
            .map_err(|e| Error::config("film", e.to_string(), "leave --film out"))?;
        self.moments.push(moment);
        Ok(())
    }
}
