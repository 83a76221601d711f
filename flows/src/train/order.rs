//! The order in which training rows come.

use crate::rng::{Stream, generator};
use rand::seq::SliceRandom;

/// Batches cut one after another from the epochs, each a random permutation of all rows: a row comes
/// once an epoch, and a batch at the end of one takes its last rows from the beginning of the next.
///
/// Batch t holds the places t·m to (t + 1)·m − 1 of that sequence, so that it follows from the seed and t
/// alone, wherever a run began.
#[derive(Debug)]
pub(super) struct Order {
    rows: usize,
    size: usize,
    seed: u64,
    /// The epoch that `permutation` is of.
    epoch: Option<usize>,
    permutation: Vec<u32>,
}

impl Order {
    /// Batches of `size` of so many rows, or of all rows when there are fewer.
    pub(super) fn new(rows: usize, size: usize, seed: u64) -> Self {
        Self { rows, size: size.min(rows), seed, epoch: None, permutation: Vec::new() }
    }

    /// The numbers of the rows of a batch.
    pub(super) fn batch(&mut self, step: usize) -> Vec<u32> {
        let mut batch = Vec::with_capacity(self.size);
        // In 128 bits: steps times rows of a batch may pass 64.
        let mut place = step as u128 * self.size as u128;
        while batch.len() < self.size {
            let (epoch, from) = (place / self.rows as u128, (place % self.rows as u128) as usize);
            self.turn_to(epoch as usize);
            let to = self.rows.min(from + self.size - batch.len());
            batch.extend_from_slice(&self.permutation[from..to]);
            place += (to - from) as u128;
        }
        batch
    }

    fn turn_to(&mut self, epoch: usize) {
        if self.epoch == Some(epoch) {
            return;
        }
        self.permutation = (0..self.rows as u32).collect();
        self.permutation.shuffle(&mut generator(self.seed, Stream::Shuffle, epoch as u64));
        self.epoch = Some(epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_follows_from_its_number_alone() {
        let mut order = Order::new(7, 3, 5);
        let in_order: Vec<Vec<u32>> = (0..20).map(|step| order.batch(step)).collect();
        for step in [13, 2, 19, 0, 3] {
            assert_eq!(order.batch(step), in_order[step]);
        }
        for epoch in in_order.concat().chunks_exact(7) {
            let mut rows = epoch.to_vec();
            rows.sort_unstable();
            assert_eq!(rows, (0..7).collect::<Vec<u32>>());
        }
    }
}
