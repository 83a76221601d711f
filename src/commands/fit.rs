//! `diffeo fit`: fit a density, hold out, save, check, draw, report.

mod auto;
mod findings;
mod plan;
mod printed;
mod results;

use crate::args::Common;
use crate::failure::{INTERRUPTED, Usage};
use crate::fit_flags::FitFlags;
use crate::fit_settings::FitSettings;
use crate::input::workers;
use crate::output::{Voice, complain};
use crate::progress::{Progress, Record, Sight};
use crate::run_folder::RunFolder;
use crate::signals::Signals;
use anyhow::Result;
use diffeo::flows::Workers;
use diffeo::flows::fit::{Fit, Parts, same_fit};
use diffeo::flows::model::Model;
use diffeo::flows::train::Stop;
use diffeo::pictures::Moment;
use plan::{Split, describe, load};
use printed::finish;
use results::Results;
use std::process::ExitCode;

/// What this command did: optimiser steps, the time that they took, and what the density looked like
/// along the way where that was asked for.
#[derive(Default)]
struct Work {
    steps: usize,
    seconds: f64,
    moments: Vec<Moment>,
}

/// One fit in one folder.
struct Job<'a> {
    voice: Voice,
    fit: &'a Fit,
    parts: Parts<'a>,
    folder: &'a RunFolder,
    settings: &'a FitSettings,
    workers: &'a Workers,
    signals: &'a Signals,
}

pub fn run(common: &Common, flags: &FitFlags) -> Result<ExitCode> {
    let signals = &Signals::watch(common.voice())?;
    let flags = flags.with_file(common.seed, common.threads)?;
    if flags.flow.as_deref() == Some(auto::AUTO) {
        return auto::run(common, &flags, signals);
    }
    let (resume, force) = (flags.resume, flags.force);
    let (output, workers) = (flags.output.clone(), workers(flags.threads)?);
    let mut settings = flags.resolve()?;
    let folder = RunFolder::new(output.as_deref(), &settings.data);
    let _lock = folder.claim(force, resume)?;
    let loaded = load(&settings, common)?;
    let fit = describe(&mut settings, &loaded, common.engine.into())?;
    let (split, voice) = (&loaded.split, common.voice());
    let pictures = !settings.no_plots;

    if resume && folder.is_choosing() && !folder.has_checkpoint() {
        let message = format!(
            "{}: a fit of --flow auto was interrupted here: finish it with --flow auto --resume, or \
             start anew with --force",
            folder.path().display()
        );
        return Err(Usage(message).into());
    }
    let is_finished = folder.has_model() && !folder.has_checkpoint();
    if resume && is_finished && !folder.has_begun(&settings)? {
        let model = folder.model()?.with_engine(fit.engine);
        same_fit(model.spec(), fit.model(&split.train)?.spec())?;
        let results = Results { model: &model, split, folder: &folder, workers: &workers, signals };
        if !results.complete(voice, pictures)? {
            return Ok(how_to_finish(&folder));
        }
        say_idle(voice, (settings.live, settings.film));
        return finish(common, &model, &folder, (Work::default(), None));
    }
    let (parts, folder, settings) = (split.parts(), &folder, &settings);
    let job = Job { voice, fit: &fit, parts, folder, settings, workers: &workers, signals };
    let Some((model, work)) = job.run(resume)? else {
        return Ok(how_to_go_on(folder));
    };
    folder.remove_candidates()?;
    folder.replace_model(&model)?;
    let results = Results { model: &model, split, folder, workers: &workers, signals };
    if !results.write(voice, pictures, &work.moments) {
        return Ok(how_to_finish(folder));
    }
    finish(common, &model, folder, (work, None))
}

impl Job<'_> {
    /// Fits, from the start or from the checkpoint of the folder; nothing when interrupted.
    fn run(&self, resume: bool) -> Result<Option<(Model, Work)>> {
        let Self { fit, folder, settings, workers, .. } = *self;
        if settings.film {
            require_plane(fit)?;
        }
        let previous = if resume { folder.checkpoint(&fit.device)? } else { None };
        let resumed_at = previous.as_ref().map(|(_, state)| state.step());
        if let (true, Some(step)) = (settings.film, resumed_at) {
            self.voice
                .note(&format!("--film: training.gif starts at step {step}, as the run does"));
        }
        let record = Record { folder, settings, resumed_at };
        let (rows, live, film) = (self.parts.train, settings.live, settings.film);
        let sight = Sight { rows, workers, live, film };
        let mut progress = Progress::new(self.voice, record, sight, self.signals.clone());
        self.signals.preparing();
        let (model, outcome) = fit.run(self.parts, previous, workers, &mut progress)?;
        progress.finish();
        if outcome.stop == Stop::Interrupted {
            let name = &model.spec().recipe;
            complain(&format!("interrupted at step {} of {name}", outcome.state.step()));
            return Ok(None);
        }
        let steps = model.spec().training.as_ref().map_or(0, |t| t.steps);
        let (steps, seconds) = (steps - resumed_at.unwrap_or(0), progress.seconds());
        Ok(Some((model, Work { steps, seconds, moments: progress.into_moments() })))
    }
}

/// Fails unless the density during training can be drawn.
fn require_plane(fit: &Fit) -> Result<()> {
    if fit.columns.len() == 2 && fit.given.is_empty() {
        return Ok(());
    }
    let message = "--film: drawn of two columns, given none; leave it out";
    Err(Usage(message.to_owned()).into())
}

/// Says which pictures of a training are not made, as there is none.
fn say_idle(voice: Voice, (live, film): (bool, bool)) {
    for (flag, _) in [("--live", live), ("--film", film)].iter().filter(|(_, asked)| *asked) {
        voice.note(&format!("{flag}: nothing was left to train, so there is nothing to show"));
    }
}

/// Says how to go on.
fn how_to_go_on(folder: &RunFolder) -> ExitCode {
    let path = folder.path().display();
    complain(&format!("go on with the same command and --resume -o {path}"));
    ExitCode::from(INTERRUPTED)
}

/// Says how to finish what is made of a model.
fn how_to_finish(folder: &RunFolder) -> ExitCode {
    let path = folder.path().display();
    complain(&format!(
        "interrupted: the model is saved; the same command and --resume -o {path} makes the rest"
    ));
    ExitCode::from(INTERRUPTED)
}
