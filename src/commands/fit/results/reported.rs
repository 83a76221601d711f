//! The report of a run folder.

use super::Results;
use anyhow::Result;
use diffeo::checks::Certificate;
use diffeo::flows::engine::Choice;
use diffeo::flows::metrics::Estimate;
use diffeo::flows::rows::Rows;
use diffeo::report::{Advantage, Figure, Profile, Report, Score};

/// Rows among which the least likely are sought.
const JUDGED: usize = 20_000;

impl Results<'_> {
    /// Writes `report.html`.
    pub(super) fn report(
        &self,
        certificate: Option<&Certificate>,
        figures: Vec<Figure>,
    ) -> Result<()> {
        let spec = self.model.spec();
        let judges = some(self.judges());
        let log_prob = self.model.log_prob_rows(&judges, self.workers)?;
        let names: Vec<String> =
            spec.columns.iter().map(|c| c.name.clone()).chain(spec.given.iter().cloned()).collect();
        let config = std::fs::read_to_string(self.folder.path().join("config.toml"))?;
        let engine = match self.model.engine()? {
            Choice::Fast(_) | Choice::FastField(_) => "fast: kernels for every layer",
            Choice::Reference(_) => "reference: tensor operations",
        };
        let report = Report {
            model: self.model,
            parameters: self.model.params().count(),
            engine,
            command: &command(),
            config: &config,
            model_path: &self.folder.path().display().to_string(),
            profile: Some(Profile::of(&self.split.train, &names, (&judges, &log_prob))?),
            scores: self.scores(&judges, &log_prob),
            certificate,
            figures,
        };
        self.folder.put("report.html", report.html().as_bytes())
    }

    fn scores(&self, judges: &Rows, log_prob: &[f64]) -> Vec<Score> {
        let own = Score {
            name: self.model.spec().recipe.clone(),
            log_likelihood: Estimate::of(log_prob, judges.weights()),
            advantage: None,
        };
        let Ok(gaussian) = self.model.baseline().log_prob(judges) else { return vec![own] };
        let differences: Vec<f64> = log_prob.iter().zip(&gaussian).map(|(a, b)| a - b).collect();
        let ahead = Estimate::of(&differences, judges.weights());
        let room = 1.959_964 * ahead.standard_error;
        let rival = Score {
            name: "full Gaussian".to_owned(),
            log_likelihood: Estimate::of(&gaussian, judges.weights()),
            advantage: Some(Advantage {
                mean: ahead.mean,
                interval: [ahead.mean - room, ahead.mean + room],
            }),
        };
        vec![own, rival]
    }
}

/// At most so many rows as are judged, evenly spread.
fn some(rows: &Rows) -> Rows {
    let n = rows.len().min(JUDGED);
    rows.take(&(0..n).map(|i| i * rows.len() / n).collect::<Vec<_>>())
}

/// The command that runs, as a shell takes it.
fn command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        "diffeo".clone_into(program);
    }
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}
