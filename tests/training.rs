//! Learning, weights of rows, breakdowns, the optimiser's parts, chunks and threads.

/// A value that is not finite: one restart, then the best weights so far, or an error that says where.
mod breakdown;
/// Flows learn two moons.
mod learning;
/// Order of rows, clipping, averaging, schedule, patience, best weights.
mod loop_parts;
/// An objective whose loss and gradient are known.
mod stub;
/// Weights of rows; chunks and threads change nothing.
mod weights_and_chunks;
/// The obvious call: rows in, a model judged by held-out rows out.
mod whole;
