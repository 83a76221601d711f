//! Ends a long computation from outside.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to stop, shared between whoever may have it and what runs: copies are of the same wish.
///
/// # Example
/// ```
/// use diffeo_flows::{Cancel, fit::Fit, rows::Rows, train::Quiet, Workers};
/// let rows = Rows::new(1, (0..200).map(|i| f64::from(i % 17)).collect())?;
/// let mut fit = Fit::new("nsf-ar")?;
/// fit.cancel = Cancel::new();
/// // From a signal handler, another thread, a button.
/// fit.cancel.cancel();
/// assert!(fit.split_and_run(&rows, &Workers::new(1)?, &mut Quiet).is_err());
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// No wish so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop; may be called from any thread, and from a signal handler.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails when someone asked to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
