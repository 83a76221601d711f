//! The obvious call: rows in, a model chosen and judged by held-out rows out.

use super::{Fit, FitObserver, Parts};
use crate::error::Result;
use crate::model::{DataSummary, Model, RowCounts};
use crate::rows::{Rows, Split, split};
use crate::train::Outcome;
use crate::workers::Workers;

/// What a fit came to.
#[derive(Debug)]
pub struct Fitted {
    /// The model with the weights that do best on the rows held out to choose them; its training summary
    /// says how it does on those held out to judge.
    pub model: Model,
    /// How training ended.
    pub outcome: Outcome,
    /// Which rows were which.
    pub split: Split,
}

impl Fit {
    /// Splits the rows by the shares of [`Fit::held_out`], a tenth to choose the weights and a tenth to
    /// judge the result unless set otherwise, and trains on the rest, for as many steps as the recipe takes
    /// for so many rows unless [`Fit::config`] asks for another number than the recipe's own.
    ///
    /// # Errors
    /// As [`Fit::run`], and [`Error::Data`](crate::Error::Data) when there are too few rows for these
    /// shares.
    pub fn split_and_run(
        &self,
        rows: &Rows,
        workers: &Workers,
        observer: &mut dyn FitObserver,
    ) -> Result<Fitted> {
        let (valid, test) = self.held_out;
        let split = split(rows.len(), valid, test, self.seed)?;
        let mut fit = self.clone();
        if fit.config.steps == fit.recipe.train.steps {
            let recipe = &fit.recipe;
            fit.config.steps = recipe.steps_for(split.train.len(), fit.config.batch_size);
        }
        let [train, valid, test] =
            [&split.train, &split.valid, &split.test].map(|numbers| rows.take(numbers));
        let rows = RowCounts { train: train.len(), valid: valid.len(), test: test.len() };
        fit.data = DataSummary { rows, ..fit.data };
        let [valid, test] = [&valid, &test].map(|rows| Some(rows).filter(|rows| !rows.is_empty()));
        let parts = Parts { train: &train, valid, test };
        let (model, outcome) = fit.run(parts, None, workers, observer)?;
        Ok(Fitted { model, outcome, split })
    }
}
