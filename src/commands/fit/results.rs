//! What a fit leaves in its folder besides the model: certificate and pictures.

use super::Split;
use crate::args::WhichField;
use crate::commands::check::shown;
use crate::output::{Voice, complain};
use crate::run_folder::RunFolder;
use anyhow::Result;
use diffeo::checks::{Certificate, Evidence, Subject};
use diffeo::flows::Workers;
use diffeo::flows::model::Model;
use diffeo::pictures::Studio;
use diffeo::plots::{FieldStyle, Scene, Theme};

/// Noise levels of the picture of a score model, where its training covers them.
const NOISE: [f64; 4] = [0.05, 0.2, 0.5, 2.0];

/// A fitted model and the rows it was fitted to and judged by.
pub struct Results<'a> {
    pub model: &'a Model,
    pub split: &'a Split,
    pub folder: &'a RunFolder,
    pub workers: &'a Workers,
}

impl Results<'_> {
    /// Writes all that can be made; what cannot is said, and costs no model.
    pub fn write(&self, voice: Voice, pictures: bool) {
        match self.certify() {
            Ok(certificate) => say(&certificate, voice),
            Err(error) => complain(&format!("warning: the model is not checked: {error:#}")),
        }
        if !pictures {
            return;
        }
        if let Err(error) = self.draw() {
            complain(&format!("warning: not all pictures are drawn: {error:#}"));
        }
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

    fn draw(&self) -> Result<()> {
        let name = self.model.spec().data.source.as_str();
        let (model, workers) = (self.model, self.workers);
        let data = Some(&self.split.train);
        let studio = Studio { model, data, name, workers, theme: Theme::light() };
        let path = |name: &str| self.folder.path().join(name);
        studio.density()?.save(path("density.png"))?;
        studio.samples()?.save(path("samples.png"))?;
        studio.training()?.save(path("training.png"))?;
        if studio.has_plane() {
            studio.flow()?.save(path("flow.png"))?;
            field(&studio, model)?.save(path("field.png"))?;
        }
        Ok(())
    }
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

/// The field of a model; of a score model that of several noise levels.
fn field(studio: &Studio<'_>, model: &Model) -> Result<Scene> {
    let Ok(levels) = model.noise_levels() else {
        return Ok(studio.field(WhichField::default().of(model), FieldStyle::Arrows)?);
    };
    let mut shown = NOISE.map(|level| level.clamp(levels.smallest, levels.largest)).to_vec();
    shown.dedup();
    Ok(studio.levels(&shown, FieldStyle::Streamlines)?)
}
