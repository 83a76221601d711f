//! How good a score is.
