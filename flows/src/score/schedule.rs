//! Which noise levels a score is trained on, and how much each counts.

use super::NoiseLevels;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// A diffusion's noise levels over its own time, of which training draws evenly.
///
/// Song et al. 2021, *Score-Based Generative Modeling through Stochastic Differential Equations*,
/// section 3.4 and appendix C, over the levels of [`NoiseLevels`]. The forward equations differ in
/// how they scale points; once that is divided out, dx = √(dσ²/du) dw for all of them, and what is
/// left of the schedule is σ(u).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// σ grows geometrically with time.
    #[default]
    #[serde(alias = "ve")]
    VarianceExploding,
    /// x is scaled by e^(−B/2) with B = ∫β and β linear from 0.1 to 20; σ² = eᴮ − 1.
    #[serde(alias = "vp")]
    VariancePreserving,
    /// Scaled alike, with less noise: σ = e^(B/2) − e^(−B/2).
    #[serde(alias = "sub-vp")]
    SubVariancePreserving,
}

/// β(0) and β(1) of the schedules that scale points.
const BETAS: (f64, f64) = (0.1, 20.0);

impl Schedule {
    /// The diffusion's own time at which it reaches a level, up to a constant and a factor.
    fn clock(self, level: f64) -> f64 {
        let integral = match self {
            Self::VarianceExploding => return level.ln(),
            Self::VariancePreserving => (level * level).ln_1p(),
            Self::SubVariancePreserving => 2.0 * (0.5 * level).asinh(),
        };
        // B(s) = β₀ s + (β₁ − β₀) s² / 2
        let (start, slope) = (BETAS.0, BETAS.1 - BETAS.0);
        ((2.0 * slope).mul_add(integral, start * start).sqrt() - start) / slope
    }

    /// The level at a time u of [0, 1]: 0 at the smallest, 1 at the largest level.
    #[must_use]
    pub fn level(self, levels: &NoiseLevels, u: f64) -> f64 {
        let (start, end) = (self.clock(levels.smallest), self.clock(levels.largest));
        let time = u.mul_add(end - start, start);
        let integral = (BETAS.1 - BETAS.0).mul_add(0.5 * time * time, BETAS.0 * time);
        let level = match self {
            Self::VarianceExploding => time.exp(),
            Self::VariancePreserving => integral.exp_m1().sqrt(),
            Self::SubVariancePreserving => 2.0 * (0.5 * integral).sinh(),
        };
        level.clamp(levels.smallest, levels.largest)
    }

    /// The time u of [0, 1] at which a level is reached.
    #[must_use]
    pub fn time_of(self, levels: &NoiseLevels, level: f64) -> f64 {
        let (start, end) = (self.clock(levels.smallest), self.clock(levels.largest));
        (self.clock(level) - start) / (end - start)
    }
}

/// How much a noise level counts: the factor w of |ε̂ − ε|², where ε̂ = −σ s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// w = 1: λ = σ² for |s − ∇ log p|², so that each level of the schedule counts the same.
    Unit,
    /// w = dln σ/du: λ = dσ²/du, for which the loss bounds −log p. Song, Durkan, Murray and Ermon
    /// 2021, *Maximum Likelihood Training of Score-Based Diffusion Models*, theorem 1.
    #[default]
    Likelihood,
}

/// How the levels of a batch are drawn; they are always spread evenly over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelSampling {
    /// Evenly in the schedule's time, each loss multiplied by its weight.
    Even,
    /// In proportion to schedule and weight, so that all losses count the same: less variance. Song,
    /// Durkan, Murray and Ermon 2021, section 5.1.
    #[default]
    Importance,
}

/// Cells of the table of a law.
const CELLS: usize = 4096;

/// Times of [`NoiseLevels`] as a schedule and a weighting distribute them; weights have mean 1.
///
/// # Example
/// ```
/// use diffeo_flows::score::{LevelLaw, LevelSampling, NoiseLevels, Schedule, Weighting};
/// let law = LevelLaw::new(
///     &NoiseLevels::default(),
///     Schedule::VarianceExploding,
///     Weighting::Unit,
///     LevelSampling::Even,
/// )?;
/// let (time, weight) = law.at(0.25);
/// assert!((time - 0.25).abs() < 1e-9 && (weight - 1.0).abs() < 1e-9);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LevelLaw {
    levels: NoiseLevels,
    /// The distribution function at evenly spread times.
    cumulative: Vec<f64>,
    /// The cell in which each of as many evenly spread shares lies: where to look for those between.
    guide: Vec<u32>,
    schedule: Schedule,
    weighting: Weighting,
    /// Whether times are drawn by the schedule alone.
    even: bool,
    /// Makes the mean weight 1.
    scale: f64,
    /// The time of the only level, if there is but one.
    only: Option<f64>,
}

impl LevelLaw {
    /// The times that a schedule gives these levels, drawn so.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for levels that are no range.
    pub fn new(
        levels: &NoiseLevels,
        schedule: Schedule,
        weighting: Weighting,
        sampling: LevelSampling,
    ) -> Result<Self> {
        levels.check()?;
        let at = |cell: usize| levels.at(cell as f64 / CELLS as f64);
        let mut cumulative = Vec::with_capacity(CELLS + 1);
        let mut sum = 0.0;
        cumulative.push(sum);
        for cell in 0..CELLS {
            let ends = [at(cell), at(cell + 1)];
            let passed = schedule.time_of(levels, ends[1]) - schedule.time_of(levels, ends[0]);
            let weight = match sampling {
                LevelSampling::Even => 1.0,
                LevelSampling::Importance => {
                    weight(weighting, levels.log_ratio() / (CELLS as f64 * passed))
                }
            };
            sum += passed * weight;
            cumulative.push(sum);
        }
        for value in &mut cumulative {
            *value /= sum;
        }
        let guide = guide(&cumulative);
        let even = sampling == LevelSampling::Even;
        let mut law = Self {
            levels: *levels,
            cumulative,
            guide,
            schedule,
            weighting,
            scale: 1.0,
            even,
            only: None,
        };
        law.scale = 1.0 / law.mean_weight();
        Ok(law)
    }

    /// One level, of weight 1.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a level outside the range.
    pub fn single(levels: &NoiseLevels, level: f64) -> Result<Self> {
        let even = LevelSampling::Even;
        let law = Self::new(levels, Schedule::default(), Weighting::Unit, even)?;
        Ok(Self { only: Some(levels.time_within(level)?), ..law })
    }

    /// The levels.
    pub fn levels(&self) -> &NoiseLevels {
        &self.levels
    }

    /// The time of [`NoiseLevels`] below which the share u of the draws lies, and its weight.
    #[must_use]
    pub fn at(&self, u: f64) -> (f64, f64) {
        if let Some(time) = self.only {
            return (time, 1.0);
        }
        let at = ((u * CELLS as f64) as usize).min(CELLS - 1);
        let mut cell = self.guide[at] as usize;
        while cell + 1 < CELLS && self.cumulative[cell + 1] <= u {
            cell += 1;
        }
        let (low, high) = (self.cumulative[cell], self.cumulative[cell + 1]);
        let inside = if high > low { ((u - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        let time = (cell as f64 + inside) / CELLS as f64;
        (time, if self.even { self.scale * self.weight(time) } else { 1.0 })
    }

    /// The mean of the weights over the draws, before they are scaled.
    fn mean_weight(&self) -> f64 {
        match (self.even, self.weighting) {
            (true, Weighting::Likelihood) => self.levels.log_ratio(),
            _ => 1.0,
        }
    }

    /// The weight of a time where times are drawn evenly.
    fn weight(&self, time: f64) -> f64 {
        let h = 0.5 / CELLS as f64;
        let clock = |t: f64| self.schedule.time_of(&self.levels, self.levels.at(t));
        let slope = 2.0 * h * self.levels.log_ratio() / (clock(time + h) - clock(time - h));
        weight(self.weighting, slope)
    }
}

/// For each share i / [`CELLS`] the last cell that starts at or below it.
fn guide(cumulative: &[f64]) -> Vec<u32> {
    let mut cell = 0;
    let at = |i: usize| {
        while cell + 1 < CELLS && cumulative[cell + 1] <= i as f64 / CELLS as f64 {
            cell += 1;
        }
        cell as u32
    };
    (0..CELLS).map(at).collect()
}

/// w where dln σ/du is that.
fn weight(weighting: Weighting, slope: f64) -> f64 {
    match weighting {
        Weighting::Unit => 1.0,
        Weighting::Likelihood => slope,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: NoiseLevels = NoiseLevels { smallest: 0.02, largest: 8.0 };
    const SCHEDULES: [Schedule; 3] = [
        Schedule::VarianceExploding,
        Schedule::VariancePreserving,
        Schedule::SubVariancePreserving,
    ];
    const WEIGHTINGS: [Weighting; 2] = [Weighting::Unit, Weighting::Likelihood];

    #[test]
    fn levels_and_times_are_inverse_and_reach_both_ends() {
        for schedule in SCHEDULES {
            assert!((schedule.level(&LEVELS, 0.0) - 0.02).abs() < 1e-12);
            assert!((schedule.level(&LEVELS, 1.0) - 8.0).abs() < 1e-9);
            for u in [0.1, 0.5, 0.8] {
                let back = schedule.time_of(&LEVELS, schedule.level(&LEVELS, u));
                assert!((back - u).abs() < 1e-10, "{schedule:?} {u} {back}");
            }
        }
    }

    #[test]
    fn schedules_are_those_of_the_equations() {
        // σ of dx = −½ β x dt + √β dw: eᴮ − 1 = σ²; β = 0.1 + 19.9 s.
        let whole = NoiseLevels { smallest: 1e-9, largest: (10.05f64.exp() - 1.0).sqrt() };
        let half: f64 = 0.1 * 0.5 + 19.9 * 0.125;
        let level = Schedule::VariancePreserving.level(&whole, 0.5);
        assert!((level / half.exp_m1().sqrt() - 1.0).abs() < 1e-5);
        let whole = NoiseLevels { smallest: 1e-9, largest: 2.0 * (0.5 * 10.05f64).sinh() };
        // Its marginal deviation is 1 − e^(−B), that of its points e^(−B/2).
        let expected = (1.0 - (-half).exp()) / (-0.5 * half).exp();
        let level = Schedule::SubVariancePreserving.level(&whole, 0.5);
        assert!((level / expected - 1.0).abs() < 1e-5);
    }

    /// The mean of w f(t) is the same however levels are drawn.
    #[test]
    fn importance_changes_no_mean() {
        const N: usize = 200_000;
        for schedule in SCHEDULES {
            for weighting in WEIGHTINGS {
                let mean = |sampling: LevelSampling| {
                    let law = LevelLaw::new(&LEVELS, schedule, weighting, sampling).unwrap();
                    let at = |i: usize| law.at((i as f64 + 0.5) / N as f64);
                    (0..N).map(at).map(|(t, w)| w * (1.0 + (3.0 * t).sin())).sum::<f64>() / N as f64
                };
                let [even, weighted] = [LevelSampling::Even, LevelSampling::Importance].map(mean);
                assert!((even / weighted - 1.0).abs() < 1e-3, "{schedule:?} {weighting:?}");
            }
        }
    }

    /// With likelihood weights all schedules are one: ∫ dln σ.
    #[test]
    fn likelihood_weights_do_not_depend_on_the_schedule() {
        for schedule in SCHEDULES {
            let law =
                LevelLaw::new(&LEVELS, schedule, Weighting::Likelihood, LevelSampling::Importance);
            let law = law.unwrap();
            for u in [0.0, 0.2, 0.7, 1.0] {
                let (time, weight) = law.at(u);
                assert!((time - u).abs() < 1e-9);
                assert!((weight - 1.0).abs() < 1e-9);
            }
        }
    }
}
