//! Several models on the same rows.

use super::compare::Named;
use super::{Result, Studio};
use diffeo_plots::{Figure, Scene, Scores};

impl Studio<'_> {
    /// The mean log-likelihoods of this model, called `name`, and of others, on the rows.
    ///
    /// # Errors
    /// [`PictureError::NoData`](super::PictureError) without rows, or with weights; when the other models have other columns.
    pub fn scores(&self, name: &str, others: &[Named<'_>]) -> Result<Scene> {
        let rows = self.judges()?;
        let mut figure = Scores::new(name, &self.model.log_prob_rows(rows, self.workers)?);
        for other in others {
            figure = figure.model(other.name, &other.model.log_prob_rows(rows, self.workers)?);
        }
        let title = format!("{}: scores", self.name);
        Ok(figure.title(&title).theme(self.theme.clone()).scene()?)
    }
}
