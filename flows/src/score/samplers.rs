//! Ways to draw samples from a score: stochastic and deterministic walks from noise to data.

mod tensors;
#[cfg(test)]
mod tests;

use super::{NoiseLevels, Schedule};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
pub(crate) use tensors::start_scale;
pub use tensors::walk;

/// How points walk from the largest noise level to the smallest.
///
/// With x_σ = x + σ ε, ε̂ = −σ s(x_σ, σ), z fresh noise, and a step from σ to σ′ < σ:
///
/// | kind | step | source |
/// |---|---|---|
/// | probability flow | x += ½ (σ′ − σ) (ε̂ + ε̂′) | Song et al. 2021, eq. 13, by Heun's method as in Karras et al. 2022 |
/// | DDIM | x += (σ′ − σ) ε̂ | the same by Euler's method: Song, Meng and Ermon 2021, *Denoising Diffusion Implicit Models* |
/// | multistep | x += (σ′ − σ) ((1 + ρ/2) ε̂ − ρ/2 ε̂₋), ρ = (σ′ − σ)/(σ − σ₋) | the same by the Adams–Bashforth method of order 2, as in Liu et al. 2022, *Pseudo Numerical Methods for Diffusion Models* |
/// | Euler–Maruyama | x += −(σ² − σ′²)/σ ε̂ + √(σ² − σ′²) z | Song et al. 2021, eq. 6 and appendix E |
/// | Heun | x += −(σ − σ′) (ε̂ + ε̂′) + √(σ² − σ′²) z | trapezoidal drift of the same equation |
/// | predictor–corrector | Euler–Maruyama, then Langevin steps at σ′ | Song et al. 2021, algorithm 1 |
/// | annealed Langevin | Langevin steps at each level | Song and Ermon 2019, algorithm 1 |
/// | Langevin | Langevin steps at the smallest level alone | |
///
/// where a Langevin step is x += −(h/σ) ε̂ + √(2h) z with h = 2 (r σ)².
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SamplerKind {
    /// The deterministic flow, by equal steps of the schedule.
    #[default]
    ProbabilityFlow,
    /// The deterministic flow by steps of first order.
    Ddim,
    /// The deterministic flow by steps of second order with one evaluation each.
    Multistep,
    /// The reverse stochastic equation, first order.
    EulerMaruyama,
    /// The reverse stochastic equation, with the mean drift of both ends of a step.
    Heun,
    /// Euler–Maruyama with Langevin steps between.
    PredictorCorrector,
    /// Langevin dynamics at ever smaller levels.
    AnnealedLangevin,
    /// Langevin dynamics at the smallest level.
    Langevin,
}

impl SamplerKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::ProbabilityFlow,
        Self::Ddim,
        Self::Multistep,
        Self::EulerMaruyama,
        Self::Heun,
        Self::PredictorCorrector,
        Self::AnnealedLangevin,
        Self::Langevin,
    ];

    /// The name, as in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProbabilityFlow => "probability-flow",
            Self::Ddim => "ddim",
            Self::Multistep => "multistep",
            Self::EulerMaruyama => "euler-maruyama",
            Self::Heun => "heun",
            Self::PredictorCorrector => "predictor-corrector",
            Self::AnnealedLangevin => "annealed-langevin",
            Self::Langevin => "langevin",
        }
    }
}

/// A sampler with its numbers of steps.
///
/// # Example
/// ```
/// use diffeo_flows::score::{Sampler, SamplerKind};
/// let sampler = Sampler { steps: 50, ..Sampler::new(SamplerKind::Heun) };
/// assert_eq!(sampler.evaluations(), 100);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampler {
    /// What a step is.
    pub kind: SamplerKind,
    /// Number of steps from the largest to the smallest level; of Langevin, in all.
    pub steps: usize,
    /// How the levels follow one another: evenly in the schedule's time.
    pub schedule: Schedule,
    /// Langevin steps at each level, where there are such.
    pub corrections: usize,
    /// r of the Langevin steps: their size against the noise.
    pub signal_to_noise: f64,
}

impl Sampler {
    /// A sampler with settings that serve well in a few dimensions.
    #[must_use]
    pub fn new(kind: SamplerKind) -> Self {
        let (steps, corrections) = match kind {
            SamplerKind::ProbabilityFlow | SamplerKind::Multistep => (60, 0),
            SamplerKind::Heun => (150, 0),
            SamplerKind::EulerMaruyama | SamplerKind::Ddim => (250, 0),
            SamplerKind::PredictorCorrector => (120, 1),
            SamplerKind::AnnealedLangevin => (60, 10),
            SamplerKind::Langevin => (1000, 0),
        };
        Self { kind, steps, schedule: Schedule::default(), corrections, signal_to_noise: 0.2 }
    }

    /// Fails for settings that cannot be used.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if !(1..=MOST_STEPS).contains(&self.steps) || self.corrections > MOST_STEPS {
            let problem = format!("{} with {} corrections", self.steps, self.corrections);
            let remedy = format!("give 1 to {MOST_STEPS}");
            return Err(Error::config("sampler-steps", problem, remedy));
        }
        if self.kind == SamplerKind::AnnealedLangevin && self.corrections == 0 {
            let problem = "annealed Langevin without steps at its levels";
            return Err(Error::config("corrections", problem, "give at least 1"));
        }
        if !(self.signal_to_noise > 0.0 && self.signal_to_noise <= 1.0) {
            let problem = format!("{}", self.signal_to_noise);
            return Err(Error::config("signal-to-noise", problem, "give a number in (0, 1]"));
        }
        Ok(())
    }

    /// Evaluations of the network for each sample.
    #[must_use]
    pub fn evaluations(&self) -> usize {
        match self.kind {
            SamplerKind::ProbabilityFlow | SamplerKind::Heun => 2 * self.steps,
            SamplerKind::Ddim
            | SamplerKind::Multistep
            | SamplerKind::EulerMaruyama
            | SamplerKind::Langevin => self.steps,
            SamplerKind::PredictorCorrector => self.steps * (1 + self.corrections),
            SamplerKind::AnnealedLangevin => self.steps * self.corrections,
        }
    }

    /// The level after each step, the start first.
    #[must_use]
    pub fn levels(&self, levels: &NoiseLevels) -> Vec<f64> {
        if self.kind == SamplerKind::Langevin {
            return vec![levels.smallest; self.steps + 1];
        }
        let at = |i: usize| self.schedule.level(levels, 1.0 - i as f64 / self.steps as f64);
        (0..=self.steps).map(at).collect()
    }

    /// Takes all steps; `after` sees the walkers at the start and after each.
    pub(crate) fn run<W: Walkers>(
        &self,
        levels: &NoiseLevels,
        walkers: &mut W,
        mut after: impl FnMut(usize, &W) -> Result<()>,
    ) -> Result<()> {
        self.check()?;
        let at = self.levels(levels);
        after(0, walkers)?;
        for (i, pair) in at.windows(2).enumerate() {
            let before = i.checked_sub(1).map(|i| at[i]);
            self.step(walkers, before, (pair[0], pair[1]))?;
            after(i + 1, walkers)?;
        }
        Ok(())
    }

    /// A step between two levels, given the level before them.
    fn step<W: Walkers>(
        &self,
        walkers: &mut W,
        before: Option<f64>,
        (from, to): (f64, f64),
    ) -> Result<()> {
        let spread = (from * from - to * to).max(0.0);
        match self.kind {
            SamplerKind::ProbabilityFlow => {
                walkers.predict(from)?;
                walkers.advance(Move { predicted: to - from, ..Move::default() })?;
                walkers.predict(to)?;
                let half = 0.5 * (to - from);
                walkers.advance(Move { predicted: half, before: -half, fresh: 0.0 })
            }
            SamplerKind::Ddim => {
                walkers.predict(from)?;
                walkers.advance(Move { predicted: to - from, ..Move::default() })
            }
            SamplerKind::Multistep => {
                walkers.predict(from)?;
                let length = to - from;
                let share = before.map_or(0.0, |before| 0.5 * length / (from - before));
                let (predicted, before) = (length * (1.0 + share), -length * share);
                walkers.advance(Move { predicted, before, fresh: 0.0 })
            }
            SamplerKind::EulerMaruyama | SamplerKind::PredictorCorrector => {
                walkers.predict(from)?;
                let (predicted, fresh) = (-spread / from, spread.sqrt());
                walkers.advance(Move { predicted, fresh, before: 0.0 })?;
                (0..self.corrections).try_for_each(|_| self.langevin(walkers, to))
            }
            SamplerKind::Heun => {
                walkers.predict(from)?;
                let (length, fresh) = (from - to, spread.sqrt());
                walkers.advance(Move { predicted: -2.0 * length, fresh, before: 0.0 })?;
                walkers.predict(to)?;
                walkers.advance(Move { predicted: -length, before: length, fresh: 0.0 })
            }
            SamplerKind::AnnealedLangevin => {
                (0..self.corrections).try_for_each(|_| self.langevin(walkers, to))
            }
            SamplerKind::Langevin => self.langevin(walkers, to),
        }
    }

    fn langevin<W: Walkers>(&self, walkers: &mut W, level: f64) -> Result<()> {
        let size = 2.0 * (self.signal_to_noise * level).powi(2);
        walkers.predict(level)?;
        let fresh = (2.0 * size).sqrt();
        walkers.advance(Move { predicted: -size / level, fresh, before: 0.0 })
    }
}

/// The most steps and corrections that can be asked for.
const MOST_STEPS: usize = 100_000;

/// x += `predicted` ε̂ + `before` ε̂₋ + `fresh` z, where ε̂₋ is the prediction before the last one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Move {
    pub(crate) predicted: f64,
    pub(crate) before: f64,
    pub(crate) fresh: f64,
}

/// What a walk whose points are not finite ends with.
pub(crate) fn not_finite() -> Error {
    Error::config("sampler", "its points are not finite", "take more steps, or smaller ones")
}

/// Points x_σ on their way, on either tier.
pub(crate) trait Walkers {
    /// Predicts the noise ε̂ in the points, at a level.
    fn predict(&mut self, level: f64) -> Result<()>;

    /// Moves the points.
    fn advance(&mut self, by: Move) -> Result<()>;
}
