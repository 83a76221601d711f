//! What the columns of a table hold, found by reading it once, and which of them a fit takes.
//!
//! ```text
//! DataSource ─▶ Survey (a Profile a column) ─▶ Kind ─▶ Choice or Refusal
//! ```

mod choice;
mod dates;
mod kind;
mod listing;
mod profile;
mod refusal;

pub use choice::{Choice, Wishes};
pub use kind::Kind;
pub use profile::{Profile, Survey};
pub use refusal::Refusal;

pub(crate) use profile::Cell;
