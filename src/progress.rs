//! Shows how a fit goes on: a bar on a terminal, a line now and then elsewhere; writes metrics and
//! checkpoints.

mod live;
mod outlook;
mod recording;
mod sparkline;

use crate::fit_settings::FitSettings;
use crate::output::Voice;
use crate::run_folder::RunFolder;
use crate::signals::Signals;
use diffeo::flows::error::NonFinite;
use diffeo::flows::fit::{FitObserver, Plan};
use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::flows::train::{Evaluation, Observer, TrainState, Warning};
use diffeo::flows::{Error, Result, Workers};
use diffeo::pictures::Moment;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use live::Live;
use recording::Recording;
use serde::Serialize;
use sparkline::sparkline;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Evaluations in the curve beside the bar.
const CURVE: usize = 16;

/// Watches one fit.
#[derive(Debug)]
pub struct Progress<'a> {
    voice: Voice,
    record: Record<'a>,
    bar: ProgressBar,
    on_terminal: bool,
    started: Instant,
    last_line: Instant,
    signals: Signals,
    threads: usize,
    checkpoint: PathBuf,
    steps: usize,
    /// Those of all evaluations, held-out ones where there are some.
    losses: Vec<f64>,
    live: Option<Live<'a>>,
    recording: Option<Recording<'a>>,
}

/// Pictures made along the way.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The rows that decide what they show.
    pub rows: &'a Rows,
    /// Who computes.
    pub workers: &'a Workers,
    /// Whether a density is drawn in the terminal.
    pub live: bool,
    /// Whether a film is made.
    pub film: bool,
}

/// What a fit writes, and where; nothing is touched before settings and rows are found good.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The run folder.
    pub folder: &'a RunFolder,
    /// The resolved settings.
    pub settings: &'a FitSettings,
    /// The step that the run goes on from.
    pub resumed_at: Option<usize>,
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
struct Metrics {
    #[serde(flatten)]
    evaluation: Evaluation,
    seconds: f64,
}

impl<'a> Progress<'a> {
    /// A watcher that writes into the run folder.
    pub fn new(voice: Voice, record: Record<'a>, sight: Sight<'a>, signals: Signals) -> Self {
        let (folder, steps) = (record.folder.path(), record.settings.steps.unwrap_or_default());
        let on_terminal = std::io::stderr().is_terminal() && !voice.quiet;
        let bar = if on_terminal { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
        let colour =
            if std::env::var_os("NO_COLOR").is_some() { "{bar:24}" } else { "{bar:24.cyan}" };
        if let Ok(style) = ProgressStyle::with_template(&format!(
            "{colour} {{pos}}/{{len}} {{speed}} {{eta}} left {{prefix}}{{msg}}"
        )) {
            // Writing a key that fails leaves it empty.
            let speed = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("speed", speed));
        }
        if sight.live && !on_terminal {
            voice.note("--live: no terminal to draw in");
        }
        let Sight { rows, workers, .. } = sight;
        let now = Instant::now();
        Self {
            voice,
            record,
            bar,
            on_terminal,
            started: now,
            last_line: now,
            signals,
            threads: workers.threads(),
            checkpoint: folder.join("checkpoint.safetensors"),
            steps,
            losses: Vec::new(),
            live: (sight.live && on_terminal).then(|| Live::new(rows, workers)),
            recording: sight.film.then(|| Recording::new(rows, workers, steps)),
        }
    }

    /// The densities kept for a film.
    pub fn into_moments(self) -> Vec<Moment> {
        self.recording.map(|recording| recording.moments).unwrap_or_default()
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Clears the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn append(&self, evaluation: &Evaluation) -> std::io::Result<()> {
        let line =
            serde_json::to_string(&Metrics { evaluation: *evaluation, seconds: self.seconds() })?;
        let metrics = self.record.folder.metrics_path();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(metrics)?;
        writeln!(file, "{line}")
    }
}

impl Observer for Progress<'_> {
    fn stepped(&mut self, step: usize, _loss: f64) -> ControlFlow<()> {
        self.bar.set_position(step as u64);
        if self.signals.heard() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn evaluated(&mut self, evaluation: &Evaluation, _state: &TrainState) -> Result<()> {
        if evaluation.loss.is_some() {
            let failed = |e| Error::io(self.record.folder.metrics_path(), e);
            self.append(evaluation).map_err(failed)?;
        }
        let best =
            self.losses.iter().copied().filter(|l| l.is_finite()).fold(f64::INFINITY, f64::min);
        let held_out = evaluation.valid_loss.map_or(String::new(), |loss| {
            let best = best.min(loss);
            format!(", held out {loss:.4} (best {best:.4})")
        });
        let loss = evaluation.loss.map_or("start".to_owned(), |loss| format!("loss {loss:.4}"));
        let losses = format!("{loss}{held_out}");
        self.losses.extend(evaluation.valid_loss.or(evaluation.loss));
        self.bar.set_prefix(format!("{} {losses}", sparkline(&self.losses, CURVE)));
        let due = self.last_line.elapsed() >= LINE_EVERY || evaluation.step == self.steps;
        if !self.on_terminal && due {
            self.last_line = Instant::now();
            self.voice.note(&format!("step {}/{}: {losses}", evaluation.step, self.steps));
        }
        Ok(())
    }

    fn restarted(&mut self, cause: &NonFinite, scale: f64) {
        crate::output::complain(&format!(
            "warning: {cause}. Restarted from the last evaluation with the learning rate times {scale}"
        ));
    }

    fn diverged(&mut self, cause: &NonFinite, kept: usize) {
        crate::output::complain(&format!(
            "warning: {cause}, soon after a restart: training diverged and ends here; the model has the \
             weights of step {kept}, the best until then; lower --lr, or look at that row"
        ));
    }

    fn warned(&mut self, warning: &Warning) {
        crate::output::complain(&format!("warning: {warning}"));
    }
}

impl FitObserver for Progress<'_> {
    fn plans(&mut self, plan: &Plan) {
        if let Some(outlook) = outlook::of(plan, self.threads) {
            self.voice.note(&outlook);
        }
    }

    fn begins(&mut self, model: &Model) -> Result<()> {
        let Record { folder, settings, resumed_at } = self.record;
        folder
            .create(settings, resumed_at)
            .map_err(|e| Error::io(folder.path(), std::io::Error::other(e)))?;
        self.signals.training();
        let spec = model.spec();
        self.voice.note(&format!(
            "fitting {} to {}: {} features, {} parameters, {} training rows, seed {}",
            spec.recipe,
            spec.data.source,
            spec.columns.len(),
            model.params().count(),
            spec.data.rows.train,
            spec.seed,
        ));
        Ok(())
    }

    fn checkpoint(&mut self, model: &Model, state: &TrainState) -> Result<()> {
        if let Some(picture) =
            self.live.as_mut().map(|live| live.draw(model)).transpose()?.flatten()
        {
            self.bar.set_message(picture);
        }
        if let Some(recording) = &mut self.recording {
            recording.keep(model, state.step())?;
        }
        model.save_checkpoint(state, &self.checkpoint)?;
        let folder = self.record.folder;
        folder.settle().map_err(|e| Error::io(folder.path(), std::io::Error::other(e)))
    }
}

/// Shows how many frames of a film are painted, on a terminal alone.
pub fn frames(voice: Voice) -> impl FnMut(usize, usize) {
    let on_terminal = std::io::stderr().is_terminal() && !voice.quiet;
    let bar = if on_terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    move |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }
}
