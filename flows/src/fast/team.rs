//! Threads that share the chunks of a job and are back at work within a microsecond.
//!
//! A training step of a small flow takes a fraction of a millisecond: a thread that sleeps between
//! two of them wakes too late to help. These wait for the next step by spinning, for a moment, and
//! sleep only then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{Builder, JoinHandle, park, yield_now};

/// Turns of waiting before a thread sleeps: about a tenth of a millisecond.
const TURNS: usize = 4096;

/// Work in numbered pieces that may run at the same time.
pub(super) trait Job: Send + Sync + 'static {
    /// Does a piece.
    fn run(&self, piece: usize);
}

/// A job, and the threads that help with it.
#[derive(Debug)]
pub(super) struct Team<J: Job> {
    shared: Arc<Shared<J>>,
    helpers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<J> {
    job: RwLock<J>,
    /// Counts the rounds.
    round: AtomicUsize,
    pieces: AtomicUsize,
    next: AtomicUsize,
    done: AtomicUsize,
    failed: AtomicBool,
    stop: AtomicBool,
    asleep: Vec<AtomicBool>,
}

impl<J: Job> Team<J> {
    /// A team of `threads`, of which the caller is one, or of fewer where the system refuses them.
    pub(super) fn new(job: J, threads: usize) -> Self {
        let helpers = threads.saturating_sub(1);
        let shared = Arc::new(Shared {
            job: RwLock::new(job),
            round: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            asleep: (0..helpers).map(|_| AtomicBool::new(false)).collect(),
        });
        let help = |i: usize| {
            let shared = Arc::clone(&shared);
            Builder::new().spawn(move || shared.help(i)).ok()
        };
        let helpers = (0..helpers).map_while(help).collect();
        Self { shared, helpers }
    }

    /// The job, between rounds.
    pub(super) fn job(&self) -> RwLockWriteGuard<'_, J> {
        self.shared.job.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all pieces, each once, and returns when all are done.
    ///
    /// # Panics
    /// When a piece panicked.
    pub(super) fn run(&self, pieces: usize) {
        let shared = &*self.shared;
        {
            // Nobody is at work while the counters change.
            let _alone = self.job();
            shared.pieces.store(pieces, Ordering::Relaxed);
            shared.done.store(0, Ordering::Relaxed);
            shared.next.store(0, Ordering::Relaxed);
        }
        self.wake(pieces.saturating_sub(1));
        shared.work();
        let mut turns = 0;
        while shared.done.load(Ordering::Acquire) < pieces {
            wait_a_turn(&mut turns);
        }
        assert!(!shared.failed.load(Ordering::Relaxed), "a piece of work panicked on its thread");
    }

    /// Begins a round for those who spin, and wakes as many of the others as there is work for.
    fn wake(&self, helpers: usize) {
        if helpers == 0 {
            return;
        }
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for (helper, asleep) in self.helpers.iter().zip(&self.shared.asleep).take(helpers) {
            if asleep.swap(false, Ordering::SeqCst) {
                helper.thread().unpark();
            }
        }
    }
}

impl<J: Job> Drop for Team<J> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake(self.helpers.len());
        for helper in self.helpers.drain(..) {
            // A helper that panicked has said so in `failed`.
            let _ = helper.join();
        }
    }
}

impl<J: Job> Shared<J> {
    /// Takes pieces until none are left.
    fn work(&self) {
        let job: RwLockReadGuard<J> = self.job.read().unwrap_or_else(PoisonError::into_inner);
        let pieces = self.pieces.load(Ordering::Relaxed);
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| job.run(piece))).is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// What a helper does until the team ends.
    fn help(&self, i: usize) {
        let mut seen = 0;
        while !self.stop.load(Ordering::SeqCst) {
            let mut turns = 0;
            while self.round.load(Ordering::SeqCst) == seen {
                turns += 1;
                if turns < TURNS {
                    std::hint::spin_loop();
                    continue;
                }
                self.asleep[i].store(true, Ordering::SeqCst);
                // A round that began just now has not seen that.
                if self.round.load(Ordering::SeqCst) == seen {
                    park();
                }
            }
            self.asleep[i].store(false, Ordering::SeqCst);
            seen = self.round.load(Ordering::SeqCst);
            self.work();
        }
    }
}

/// Spins, and after a while lets others have the core.
fn wait_a_turn(turns: &mut usize) {
    *turns += 1;
    if *turns < TURNS {
        std::hint::spin_loop();
    } else {
        yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counts(Vec<AtomicUsize>);

    impl Job for Counts {
        fn run(&self, piece: usize) {
            assert!(piece != 999, "planted");
            self.0[piece].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(pieces: usize) -> Counts {
        Counts((0..pieces).map(|_| AtomicUsize::new(0)).collect())
    }

    #[test]
    fn every_piece_is_done_once_in_every_round() {
        for threads in [1, 2, 7] {
            let team = Team::new(counts(50), threads);
            for round in 1..=2000 {
                team.run(round % 51);
                if round % 500 == 0 {
                    // Long enough for the helpers to fall asleep.
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            let expected = |piece: usize| (1..=2000).filter(|round| round % 51 > piece).count();
            for (piece, count) in team.job().0.iter().enumerate() {
                assert_eq!(count.load(Ordering::Relaxed), expected(piece), "{threads} {piece}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "a piece of work panicked")]
    fn a_panic_in_a_piece_is_not_waited_for() {
        Team::new(counts(1000), 3).run(1000);
    }
}
