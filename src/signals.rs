//! Ctrl-C and kill, heard from the first moment of a fit to its last.

use crate::failure::INTERRUPTED;
use crate::output::{Voice, complain};
use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Reading, checking, the start of the flow: there is nothing yet that could be lost.
const PREPARING: u8 = 0;
/// Steps are taken; checkpoints keep them.
const TRAINING: u8 = 1;
/// The model is saved; what is made of it can be made up for.
const FINISHING: u8 = 2;

/// What a signal does depends on what it interrupts; a second one ends the program at once, always.
#[derive(Debug, Clone)]
pub struct Signals {
    phase: Arc<AtomicU8>,
    heard: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn watch(voice: Voice) -> Result<Self> {
        let signals = Self { phase: Arc::default(), heard: Arc::default() };
        let of_handler = signals.clone();
        ctrlc::set_handler(move || of_handler.hear(voice)).context("cannot watch for Ctrl-C")?;
        Ok(signals)
    }

    fn hear(&self, voice: Voice) {
        let again = self.heard.swap(true, Ordering::SeqCst);
        match self.phase.load(Ordering::SeqCst) {
            _ if again => {}
            TRAINING => return voice.note("stopping after this step; again to stop at once"),
            FINISHING => {
                let said = "the model is saved: stopping after what is being made of it now; again to \
                            stop at once";
                return voice.note(said);
            }
            _ => complain("interrupted before the first step"),
        }
        std::process::exit(i32::from(INTERRUPTED));
    }

    /// From now on a signal ends the program at once: nothing would be lost.
    pub fn preparing(&self) {
        self.phase.store(PREPARING, Ordering::SeqCst);
        self.end_if_heard();
    }

    /// From now on a signal ends training after a step.
    pub fn training(&self) {
        self.phase.store(TRAINING, Ordering::SeqCst);
    }

    /// From now on a signal ends what is made of a saved model.
    pub fn finishing(&self) {
        self.phase.store(FINISHING, Ordering::SeqCst);
    }

    /// Whether there was a signal.
    pub fn heard(&self) -> bool {
        self.heard.load(Ordering::SeqCst)
    }

    /// A signal that came too late for what it was meant for.
    fn end_if_heard(&self) {
        if self.heard() {
            complain("interrupted before the first step");
            std::process::exit(i32::from(INTERRUPTED));
        }
    }
}
