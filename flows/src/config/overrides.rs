//! Replaces settings of the continuous flows among the recipes.

use super::{
    ContinuousConfig, DivergenceConfig, Method, ObjectiveConfig, Recipe, SolverConfig,
    TrainingDivergence,
};
use crate::calculus::Probe;
use crate::error::{Error, Result};
use crate::pairing::Pairing;
use crate::paths::Path;
use serde::{Deserialize, Serialize};

/// The divergences by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// One tangent for each feature.
    Exact,
    /// Random probes.
    Hutchinson,
    /// A sketch and random probes: in training, where one probe has to do, as Hutchinson.
    #[serde(rename = "hutch++")]
    HutchPlusPlus,
}

/// Settings that replace those of a continuous recipe.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContinuousSettings {
    /// The method, in training and in what is reported; one that estimates no error serves the
    /// training of a likelihood alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver: Option<Method>,
    /// Number of equal steps in training, and in what is reported where training has no solver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solver_steps: Option<usize>,
    /// Adaptive steps in training, within this absolute and relative tolerance, by tsit5 unless
    /// another solver is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_tolerance: Option<f64>,
    /// Absolute tolerance of what is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atol: Option<f64>,
    /// Relative tolerance of what is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtol: Option<f64>,
    /// The divergence, in training and in what is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divergence: Option<DivergenceKind>,
    /// How probes are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Number of probes of what is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<usize>,
    /// Weight of the kinetic energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinetic: Option<f64>,
    /// Weight of the Frobenius norm of the Jacobian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jacobian: Option<f64>,
    /// The path of flow matching.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// The pairing of flow matching.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_name")]
    pub pairing: Option<Pairing>,
    /// The power of the times of flow matching.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_power: Option<f64>,
}

/// Probes of a reported divergence unless their number is given.
const PROBES: usize = 16;

impl Recipe {
    /// The recipe with other settings of its continuous layer and objective.
    ///
    /// # Errors
    /// [`Error::Config`] naming a setting that does not apply to this recipe or cannot be used.
    pub fn with_continuous(mut self, settings: &ContinuousSettings) -> Result<Self> {
        settings.check()?;
        let in_layers = settings.of_layers();
        let (mut found, mut fixed_steps) = (false, None);
        let trains_by_solver = matches!(self.objective, ObjectiveConfig::ContinuousLikelihood(_));
        for layer in self.all_layers() {
            found |= layer.change(|ContinuousConfig { solver, divergence, .. }| {
                settings.report(solver, divergence, trains_by_solver);
            });
            if let Some(ContinuousConfig { solver, divergence, .. }) = layer.of() {
                solver.solver()?;
                divergence.check()?;
            }
        }
        let misplaced = in_layers.filter(|_| !found).map(|name| (name, "ffjord or flow-matching"));
        let misplaced = match &mut self.objective {
            ObjectiveConfig::ContinuousLikelihood(training) => {
                settings.train(&mut training.solver, &mut training.divergence);
                training.kinetic = settings.kinetic.unwrap_or(training.kinetic);
                training.jacobian = settings.jacobian.unwrap_or(training.jacobian);
                training.check()?;
                misplaced.or(settings.of_matching().map(|name| (name, "flow-matching")))
            }
            ObjectiveConfig::FlowMatching(matching) => {
                matching.path = settings.path.unwrap_or(matching.path);
                matching.pairing = settings.pairing.unwrap_or(matching.pairing);
                matching.time_power = settings.time_power.unwrap_or(matching.time_power);
                matching.check()?;
                // Training has no solver: the steps are those of what is reported.
                fixed_steps = settings.solver_steps;
                misplaced.or(settings.of_likelihood().map(|name| (name, "ffjord")))
            }
            ObjectiveConfig::ScoreMatching(_) => {
                fixed_steps = settings.solver_steps;
                let other = settings.of_matching().map(|name| (name, "flow-matching"));
                misplaced.or(other).or(settings.of_likelihood().map(|name| (name, "ffjord")))
            }
            ObjectiveConfig::MaximumLikelihood => {
                let other = settings.of_matching().map(|name| (name, "flow-matching"));
                misplaced.or(other).or(settings.of_likelihood().map(|name| (name, "ffjord")))
            }
        };
        if let Some(steps) = fixed_steps {
            for layer in self.all_layers() {
                layer.change(|layer: &mut ContinuousConfig| layer.solver.steps = Some(steps));
            }
        }
        let given = first(&[("atol", settings.atol.is_some()), ("rtol", settings.rtol.is_some())]);
        if let (Some(name), true) = (given, self.has_equal_steps()) {
            let problem = "equal steps have no tolerance";
            return Err(Error::config(name, problem, "leave it out, or take another solver"));
        }
        match misplaced {
            None => Ok(self),
            Some((name, flows)) => Err(Error::config(
                name,
                "this flow has no such setting",
                format!("leave it out, or take {flows}"),
            )),
        }
    }
}

impl Recipe {
    /// Whether a solver of what is reported makes equal steps.
    fn has_equal_steps(&mut self) -> bool {
        let continuous = self.all_layers().filter_map(|layer| layer.of::<ContinuousConfig>());
        continuous.into_iter().any(|layer| layer.solver.steps.is_some())
    }
}

impl ContinuousSettings {
    /// Fails for a tolerance or a number of steps that no solver can work with: without an absolute
    /// tolerance a log-volume that starts at 0 has none.
    fn check(&self) -> Result<()> {
        let bad = |value: f64| !(value > 0.0 && value.is_finite());
        let tolerances = [("atol", self.atol), ("train-tolerance", self.train_tolerance)];
        let found = tolerances.into_iter().find(|(_, value)| value.is_some_and(bad));
        let relative = self.rtol.filter(|value| *value != 0.0 && bad(*value));
        if let Some((name, value)) = found.or(relative.map(|value| ("rtol", Some(value)))) {
            let value = value.unwrap_or_default();
            return Err(Error::config(name, format!("{value}"), "give a positive number"));
        }
        match self.solver_steps {
            Some(0) => {
                return Err(Error::config("solver-steps", "there are none", "give at least 1"));
            }
            Some(steps) if steps > MOST_STEPS => {
                let remedy = format!("give at most {MOST_STEPS}");
                return Err(Error::config("solver-steps", format!("{steps}"), remedy));
            }
            _ => {}
        }
        if let Some(probes) = self.probes.filter(|probes| *probes > MOST_PROBES) {
            let remedy = format!("give at most {MOST_PROBES}");
            return Err(Error::config("probes", format!("{probes}"), remedy));
        }
        self.check_together()
    }

    /// Fails for a setting that another one leaves without effect.
    fn check_together(&self) -> Result<()> {
        let exact = self.divergence == Some(DivergenceKind::Exact);
        let idle = [
            ("probe", exact && self.probe.is_some(), "the divergence is exact"),
            ("probes", exact && self.probes.is_some(), "the divergence is exact"),
            (
                "solver-steps",
                self.solver_steps.is_some() && self.train_tolerance.is_some(),
                "train-tolerance makes steps as long as it allows",
            ),
        ];
        match idle.into_iter().find(|(_, idle, _)| *idle) {
            Some((name, _, why)) => Err(Error::config(name, why, "leave one of them out")),
            None => Ok(()),
        }
    }

    /// The first setting given of a continuous layer.
    fn of_layers(&self) -> Option<&'static str> {
        first(&[
            ("solver", self.solver.is_some()),
            ("atol", self.atol.is_some()),
            ("rtol", self.rtol.is_some()),
            ("divergence", self.divergence.is_some()),
            ("probe", self.probe.is_some()),
            ("probes", self.probes.is_some()),
            ("solver-steps", self.solver_steps.is_some()),
        ])
    }

    /// The first setting given that training by likelihood alone has.
    fn of_likelihood(&self) -> Option<&'static str> {
        first(&[
            ("train-tolerance", self.train_tolerance.is_some()),
            ("kinetic", self.kinetic.is_some()),
            ("jacobian", self.jacobian.is_some()),
        ])
    }

    /// The first setting given that flow matching alone has.
    fn of_matching(&self) -> Option<&'static str> {
        first(&[
            ("path", self.path.is_some()),
            ("pairing", self.pairing.is_some()),
            ("time-power", self.time_power.is_some()),
        ])
    }

    /// Changes what is reported; a method that estimates no error serves training alone, where training
    /// has a solver.
    fn report(
        &self,
        solver: &mut SolverConfig,
        divergence: &mut DivergenceConfig,
        trains_by_solver: bool,
    ) {
        let adapts = |method: &Method| method.tableau().b_error.is_some();
        let asked = self.solver.filter(|method| adapts(method) || !trains_by_solver);
        solver.method = asked.unwrap_or(solver.method);
        solver.absolute = self.atol.unwrap_or(solver.absolute);
        solver.relative = self.rtol.unwrap_or(solver.relative);
        if solver.method.tableau().b_error.is_none() {
            solver.steps = self.solver_steps.or(solver.steps).or(Some(STEPS));
        }
        let probes = self.probes.unwrap_or(PROBES);
        let probe = self.probe.unwrap_or_default();
        match self.divergence {
            Some(DivergenceKind::Exact) => *divergence = DivergenceConfig::Exact,
            Some(DivergenceKind::HutchPlusPlus) => {
                *divergence = DivergenceConfig::HutchPlusPlus { probes };
            }
            Some(DivergenceKind::Hutchinson) => {
                *divergence = DivergenceConfig::Hutchinson { probe, probes };
            }
            None if self.probe.is_some() || self.probes.is_some() => {
                *divergence = DivergenceConfig::Hutchinson { probe, probes };
            }
            None => {}
        }
    }

    /// Changes training.
    fn train(&self, solver: &mut SolverConfig, divergence: &mut TrainingDivergence) {
        solver.method = self.solver.unwrap_or(solver.method);
        solver.steps = self.solver_steps.or(solver.steps);
        if let Some(tolerance) = self.train_tolerance {
            // The recipe's own method may know equal steps alone.
            let method = self.solver.unwrap_or(match solver.method.tableau().b_error {
                Some(_) => solver.method,
                None => Method::default(),
            });
            *solver =
                SolverConfig { method, steps: None, absolute: tolerance, relative: tolerance };
        }
        let probe = self.probe.unwrap_or_default();
        match self.divergence {
            Some(DivergenceKind::Exact) => *divergence = TrainingDivergence::Exact,
            None if self.probe.is_none() => {}
            _ => *divergence = TrainingDivergence::Hutchinson { probe },
        }
    }
}

/// The most steps and probes that can be asked for.
const MOST_STEPS: usize = 10_000;
const MOST_PROBES: usize = 16_384;
/// Steps of a reported solution by a method that estimates no error.
const STEPS: usize = 40;

#[expect(clippy::ref_option, reason = "serde hands it over so")]
/// As on the command line: Sinkhorn's regularisation stands behind its name.
fn by_name<S: serde::Serializer>(
    pairing: &Option<Pairing>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    match pairing {
        None => to.serialize_none(),
        Some(Pairing::Independent) => to.serialize_str("independent"),
        Some(Pairing::OptimalTransport) => to.serialize_str("optimal-transport"),
        Some(Pairing::Sinkhorn { regularisation }) => {
            to.serialize_str(&format!("sinkhorn:{regularisation}"))
        }
    }
}

fn first(given: &[(&'static str, bool)]) -> Option<&'static str> {
    given.iter().find(|(_, given)| *given).map(|(name, _)| *name)
}
