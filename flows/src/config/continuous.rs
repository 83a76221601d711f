//! Settings of continuous flows, as data.

use crate::calculus::Probe;
use crate::error::{Error, Result};
use crate::ode::{
    BOSH3, DOPRI5, EULER, ErrorNorm, HEUN, MIDPOINT, RK4, Solver, Stepping, TSIT5, Tableau,
    Tolerance,
};
use candle_core::DType;
use serde::{Deserialize, Serialize};

/// A Runge–Kutta method by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it; see the constants of `ode`")]
pub enum Method {
    Euler,
    Midpoint,
    Heun,
    Rk4,
    Bosh3,
    Dopri5,
    #[default]
    Tsit5,
}

impl Method {
    /// All methods, lowest order first.
    pub const ALL: [Self; 7] = [
        Self::Euler,
        Self::Midpoint,
        Self::Heun,
        Self::Bosh3,
        Self::Rk4,
        Self::Dopri5,
        Self::Tsit5,
    ];

    /// Its coefficients.
    pub fn tableau(self) -> &'static Tableau {
        match self {
            Self::Euler => &EULER,
            Self::Midpoint => &MIDPOINT,
            Self::Heun => &HEUN,
            Self::Rk4 => &RK4,
            Self::Bosh3 => &BOSH3,
            Self::Dopri5 => &DOPRI5,
            Self::Tsit5 => &TSIT5,
        }
    }
}

/// A solver: a method with fixed steps, or with tolerances.
///
/// # Example
/// ```
/// use diffeo_flows::config::SolverConfig;
/// let fixed: SolverConfig = toml::from_str("method = 'rk4'\nsteps = 20").unwrap();
/// assert_eq!(fixed.solver()?.tableau.name, "rk4");
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverConfig {
    /// The method.
    pub method: Method,
    /// Number of steps, all the same length; without it steps are as long as the tolerances allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Absolute tolerance of adaptive steps.
    #[serde(default = "tolerance")]
    pub absolute: f64,
    /// Relative tolerance of adaptive steps.
    #[serde(default = "tolerance")]
    pub relative: f64,
}

fn tolerance() -> f64 {
    1e-5
}

impl Default for SolverConfig {
    fn default() -> Self {
        let (absolute, relative) = (tolerance(), tolerance());
        Self { method: Method::default(), steps: None, absolute, relative }
    }
}

impl SolverConfig {
    /// The solver. Adaptive steps keep the error of every row of a batch within the tolerances.
    ///
    /// # Errors
    /// [`Error::Config`] for one that cannot be used.
    pub fn solver(&self) -> Result<Solver> {
        let stepping = match self.steps {
            Some(steps) => Stepping::Fixed { steps },
            None => Stepping::Adaptive(Tolerance {
                norm: ErrorNorm::LargestRow,
                ..Tolerance::new(self.absolute, self.relative)
            }),
        };
        let solver = Solver { tableau: self.method.tableau(), stepping };
        solver.check()?;
        Ok(solver)
    }

    /// Fails for tolerances below what numbers of this dtype can deliver: an adaptive solver would take
    /// many steps for digits that are lost in each of them.
    ///
    /// The error of a step is held to absolute + relative |y|, and prepared values y are about 1: the
    /// sum must be at least 8 times the distance from 1 to the next number, 1e-6 in single precision.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check_for(&self, dtype: DType) -> Result<()> {
        let (least, said) = match dtype {
            DType::F64 => (8.0 * f64::EPSILON, "2e-15"),
            _ => (8.0 * f64::from(f32::EPSILON), "1e-6"),
        };
        if self.steps.is_some() || self.absolute + self.relative >= least {
            return Ok(());
        }
        let problem = format!(
            "absolute {:e} and relative {:e} are less than the rounding of the model's numbers",
            self.absolute, self.relative
        );
        let remedy = format!("give at least {said}, or weights of double precision");
        Err(Error::config("tolerance", problem, remedy))
    }

    /// The same with tolerances multiplied by a factor, or as many more fixed steps as make about
    /// that of their error.
    #[must_use]
    pub fn with_tolerances_times(self, factor: f64) -> Self {
        let root = 1.0 / self.method.tableau().order as f64;
        let steps = self.steps.map(|n| (n as f64 / factor.powf(root)).round().max(1.0) as usize);
        Self { steps, absolute: self.absolute * factor, relative: self.relative * factor, ..self }
    }
}

/// The largest part of what is held in memory for the divergence of a field outside a gradient.
const ROOM: usize = 64 << 20;

/// The rows that may be solved together: the tangents of all of them in the widest layer, d `tangents`
/// × `width` numbers a row, take at most 64 MiB.
pub(crate) fn rows_at_once(tangents: usize, width: usize, dtype: DType) -> usize {
    let row = tangents.max(1) * width.max(1) * dtype.size_in_bytes();
    (ROOM / row).max(1)
}

/// How the divergence of a field is found for a log-density that is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DivergenceConfig {
    /// Exactly, for up to [`DivergenceConfig::EXACT_UP_TO`] features; by 16 signs for more.
    #[default]
    Auto,
    /// By one tangent for each feature.
    Exact,
    /// By the mean over random probes, held fixed over a solve.
    Hutchinson {
        /// How they are drawn.
        probe: Probe,
        /// Their number.
        probes: usize,
    },
    /// By a sketch of the largest part of the Jacobian and probes of the rest.
    HutchPlusPlus {
        /// Number of tangents.
        probes: usize,
    },
}

impl DivergenceConfig {
    /// The largest number of features for which a divergence is exact unless asked otherwise.
    pub const EXACT_UP_TO: usize = 64;

    /// What it means for that many features: never [`DivergenceConfig::Auto`].
    #[must_use]
    pub fn resolved(self, features: usize) -> Self {
        match self {
            Self::Auto if features <= Self::EXACT_UP_TO => Self::Exact,
            Self::Auto => Self::Hutchinson { probe: Probe::Rademacher, probes: 16 },
            other => other,
        }
    }

    /// Tangents of each evaluation for that many features.
    pub(crate) fn tangents(self, features: usize) -> usize {
        match self.resolved(features) {
            Self::Hutchinson { probes, .. } | Self::HutchPlusPlus { probes } => probes,
            Self::Exact | Self::Auto => features,
        }
    }

    /// Fails when there are too few probes.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(self) -> Result<()> {
        match self {
            Self::Hutchinson { probes: 0, .. } => {
                Err(Error::config("probes", "there are none", "give at least 1"))
            }
            Self::HutchPlusPlus { probes } if probes < 3 => {
                Err(Error::config("probes", format!("{probes} for hutch++"), "give at least 3"))
            }
            _ => Ok(()),
        }
    }
}

/// How the divergence of a field is found in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TrainingDivergence {
    /// Exactly, for up to [`TrainingDivergence::EXACT_UP_TO`] features; by one probe of signs for
    /// more.
    #[default]
    Auto,
    /// By one tangent for each feature.
    Exact,
    /// By one random probe for each row and step of training, held fixed over a solve.
    Hutchinson {
        /// How it is drawn.
        probe: Probe,
    },
}

impl TrainingDivergence {
    /// The largest number of features for which training is exact unless asked otherwise.
    pub const EXACT_UP_TO: usize = 2;

    /// The kind of probe for that many features; none for the exact divergence.
    #[must_use]
    pub fn probe(self, features: usize) -> Option<Probe> {
        match self {
            Self::Auto if features > Self::EXACT_UP_TO => Some(Probe::Rademacher),
            Self::Auto | Self::Exact => None,
            Self::Hutchinson { probe } => Some(probe),
        }
    }
}

/// How the likelihood of a continuous flow is trained; by default with few features exactly, without penalties.
///
/// The loss of a row is −log p(x) + `kinetic` ∫|v|² dt + `jacobian` ∫‖∂v/∂x‖²_F dt along its path;
/// with a probe ε the latter is ∫|(∂v/∂x) ε|² dt, of the same expectation.
///
/// Finlay et al. 2020, *How to Train Your Neural ODE*, eq. 9.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuousTraining {
    /// The solver in training.
    pub solver: SolverConfig,
    /// The divergence in training.
    #[serde(default)]
    pub divergence: TrainingDivergence,
    /// The weight of the kinetic energy.
    #[serde(default)]
    pub kinetic: f64,
    /// The weight of the Frobenius norm of the Jacobian.
    #[serde(default)]
    pub jacobian: f64,
}

impl ContinuousTraining {
    /// Fails for a solver or a weight that cannot be used.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        self.solver.solver()?;
        for (name, weight) in [("kinetic", self.kinetic), ("jacobian", self.jacobian)] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(Error::config(
                    name,
                    format!("{weight}"),
                    "give 0 or a positive number",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tangents_of_the_rows_that_are_solved_together_have_a_bound() {
        // Tables of common size are solved as before, 4096 rows at a time.
        assert!(rows_at_once(2, 512, DType::F64) >= 4096);
        for (d, width, dtype) in
            [(64, 512, DType::F64), (64, 512, DType::F32), (16, 1024, DType::F64)]
        {
            let rows = rows_at_once(d, width, dtype);
            let bytes = |rows: usize| rows * d * width * dtype.size_in_bytes();
            assert!(bytes(rows) <= 64 << 20 && bytes(rows + 1) > 64 << 20, "{rows} rows");
        }
        assert_eq!(rows_at_once(4096, 4096, DType::F64), 1);
        assert_eq!(DivergenceConfig::Auto.tangents(64), 64);
        assert_eq!(DivergenceConfig::Auto.tangents(65), 16);
    }

    #[test]
    fn tolerances_below_rounding_are_refused() {
        let solver = |tolerance| SolverConfig {
            absolute: tolerance,
            relative: tolerance,
            ..SolverConfig::default()
        };
        let error = solver(1e-9).check_for(DType::F32).unwrap_err().to_string();
        assert!(error.contains("1e-9") && error.contains("double precision"), "{error}");
        solver(1e-9).check_for(DType::F64).unwrap();
        solver(1e-6).check_for(DType::F32).unwrap();
        let fixed = SolverConfig { steps: Some(4), ..solver(1e-9) };
        fixed.check_for(DType::F32).unwrap();
    }
}
