//! The report of a run folder.

use super::Results;
use anyhow::Result;
use diffeo::baselines::{Baselines, Race};
use diffeo::checks::Certificate;
use diffeo::flows::engine::Choice;
use diffeo::flows::rows::Rows;
use diffeo::report::{Figure, Profile, Report};

/// Rows among which the least likely are sought.
const JUDGED: usize = 20_000;

impl Results<'_> {
    /// Writes `report.html`.
    pub(super) fn report(
        &self,
        certificate: Option<&Certificate>,
        baselines: Option<&Baselines>,
        figures: Vec<Figure>,
    ) -> Result<()> {
        let spec = self.model.spec();
        let judges = self.judges().evenly(JUDGED);
        let log_prob = self.model.log_prob_rows(&judges, self.workers)?;
        let names: Vec<String> =
            spec.columns.iter().map(|c| c.name.clone()).chain(spec.given.iter().cloned()).collect();
        // The profile is one of the table, whose whole numbers and labels the points only stand for.
        let decode = |rows: &Rows| self.model.decode_rows(rows);
        let config = std::fs::read_to_string(self.folder.path().join("config.toml"))?;
        let none = Baselines::default();
        let baselines = baselines.unwrap_or(&none);
        let race = Race::against(self.model, &log_prob, baselines, &judges, self.workers)?;
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
            profile: Some(Profile::of(
                &decode(&self.split.train),
                &names,
                (&decode(&judges), &log_prob),
            )?),
            race: Some(&race),
            certificate,
            figures,
        };
        self.folder.put("report.html", report.html().as_bytes())
    }
}

/// The command that runs, as a shell takes it.
fn command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        "diffeo".clone_into(program);
    }
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}
