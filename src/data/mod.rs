//! Turns files into tables of numbers and back.
//!
//! ```text
//! DataSource ─▶ TableReader ─▶ Table ─▶ Roles (features, context, weight) ─▶ Split ─▶ …
//!                                                              … rows ─▶ RowSink ─▶ file
//! ```
//!
//! Every problem is a [`DataError`] that names the file, the line or row, the column and a remedy.
//! Integers are read as `f64`: beyond 2⁵³ they lose digits.

pub mod columns;
mod error;
mod labels;
mod missing;
mod names;
mod reader;
mod readers;
mod schema;
mod source;
mod split;
mod table;
mod writer;
mod writers;

pub use error::{DataError, Place};
pub use labels::Labels;
pub use missing::{Dropped, Missing};
pub use reader::{Chunks, ReadOptions, TableReader};
pub use schema::{RoleRequest, Roles};
pub use source::{DataSource, Format};
pub use split::{Split, split};
pub use table::Table;
pub use writer::{Precision, RowSink, Target};
pub use writers::partial_file::replace_file;
