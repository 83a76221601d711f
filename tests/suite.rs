//! The integration tests, one binary so that candle is linked once.
#![cfg(test)]
#![allow(clippy::panic_in_result_fn, reason = "a failed assertion is how a test fails")]

/// The fast tier gives the numbers of the reference tier.
mod agreement;
/// Every transform that the laws are checked on; a new transform is one line here.
mod catalogue;
/// Interrupted runs end as unbroken ones, bit for bit.
mod checkpoint;
/// Right models pass the certificate, planted faults fail it.
mod checks;
/// The program end to end: what it prints, writes, refuses and repeats.
mod cli;
/// Continuous flows as models: errors of log-densities, fields, learning, resuming.
mod continuous;
/// Seeds of the fuzz targets, and damaged copies of them.
mod corpus;
/// What README and docs say: figures from their source, links to what there is, flags of the program.
mod documents;
/// Models of earlier versions.
mod fixtures;
/// The pictures of the documents, and what tells a stale one.
mod gallery;
/// Values computed with zuko and nflows from the same weights.
mod golden;
/// What must hold for every transform of the catalogue.
mod laws;
/// How documents quote results.
#[path = "../examples/measure/quoting.rs"]
mod measure_quoting;
/// A model as a density in the units of its data.
mod model;
/// Columns far from 0 or of an odd size, and rows far from all others.
mod numbers;
/// What the packages promise.
mod packages;
/// Files of every format, good and bad.
mod tables;
/// Learning, weights of rows, breakdowns, the optimiser's parts, chunks and threads.
mod training;
/// What must hold for the monotone maps of the line, and values one can check by hand.
mod univariates;
