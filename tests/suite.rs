//! Tests of the whole library.

mod golden;
