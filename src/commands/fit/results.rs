//! What a fit leaves in its folder besides the model: baselines, certificate, pictures and report.

mod drawn;
mod reported;

use super::Split;
use crate::commands::check::shown;
use crate::output::{Voice, complain};
use crate::run_folder::RunFolder;
use crate::signals::Signals;
use anyhow::Result;
use diffeo::baselines::Baselines;
use diffeo::checks::{Certificate, Evidence, Subject};
use diffeo::flows::Workers;
use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::pictures::Moment;
use std::fmt::Display;

/// A fitted model and the rows it was fitted to and judged by.
pub struct Results<'a> {
    pub model: &'a Model,
    pub split: &'a Split,
    pub folder: &'a RunFolder,
    pub workers: &'a Workers,
    pub signals: &'a Signals,
}

impl Results<'_> {
    /// Writes all that can be made; what cannot is said, and costs no model. Whether it was let finish:
    /// an interruption ends it between two of its parts.
    #[must_use]
    pub fn write(&self, voice: Voice, pictures: bool, moments: &[Moment]) -> bool {
        self.signals.finishing();
        if self.signals.heard() {
            return false;
        }
        let baselines = self.baselines(voice).map_err(|e| warn("there are no baselines", &e)).ok();
        if self.signals.heard() {
            return false;
        }
        let certificate = self.certify().map_err(|e| warn("the model is not checked", &e)).ok();
        if let Some(certificate) = &certificate {
            say(certificate, voice);
        }
        let figures = if pictures { self.draw() } else { Vec::new() };
        if self.signals.heard() {
            return false;
        }
        if let Err(error) = self.film(voice, moments) {
            warn("training.gif is not drawn", &error);
        }
        if let Err(error) = self.report(certificate.as_ref(), baselines.as_ref(), figures) {
            warn("there is no report", &error);
        }
        true
    }

    /// Makes up for what an earlier run did not come to; whether it was let finish.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn complete(&self, voice: Voice, pictures: bool) -> Result<bool> {
        if self.folder.is_complete() {
            voice.note("the run is complete; nothing to resume");
            return Ok(true);
        }
        self.folder.remove_leftovers()?;
        Ok(self.write(voice, pictures, &[]))
    }

    /// Rows that judge the model: those that had no part in its making where there are any.
    fn judges(&self) -> &Rows {
        let Split { train, valid, test } = self.split;
        test.as_ref().or(valid.as_ref()).unwrap_or(train)
    }

    /// Fits simpler densities to the same rows and keeps them beside the model.
    fn baselines(&self, voice: Voice) -> Result<Baselines> {
        let Split { train, test, .. } = self.split;
        let baselines = Baselines::fit(self.model, train, test.as_ref(), self.workers)?;
        baselines.notes().iter().for_each(|note| voice.note(note));
        baselines.save(self.model, self.folder.path().join(Baselines::FILE))?;
        Ok(baselines)
    }

    /// Checks the model on rows that it has not seen.
    fn certify(&self) -> Result<Certificate> {
        let Split { train, valid, test } = self.split;
        let held_out = test.as_ref().or(valid.as_ref());
        let training = self.model.spec().training.as_ref();
        let recorded = training.and_then(|t| t.test_log_likelihood.or(t.valid_log_likelihood));
        let evidence = Evidence { train: Some(train), held_out, recorded };
        let seed = self.model.spec().seed;
        let certificate =
            Certificate::of(&Subject::new(self.model, evidence, seed, self.workers)?)?;
        self.folder.put("certificate.json", &serde_json::to_vec_pretty(&certificate)?)?;
        Ok(certificate)
    }
}

fn warn(what: &str, error: &dyn Display) {
    complain(&format!("warning: {what}: {error:#}"));
}

/// Says in a line how the checks went, and more of those that failed.
fn say(certificate: &Certificate, voice: Voice) {
    let (all, failed) = (certificate.checks.len(), certificate.failed().count());
    if failed == 0 {
        return voice.note(&format!("certificate: all {all} checks pass"));
    }
    complain(&format!("warning: {failed} of {all} checks of the certificate fail"));
    for check in certificate.failed() {
        complain(&format!("  {}: {}, {}", check.name, shown(check.value), check.detail));
    }
}
