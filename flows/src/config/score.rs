//! Replaces settings of the score models among the recipes.

use super::{ContinuousConfig, ObjectiveConfig, Recipe, ScoreObjective};
use crate::error::{Error, Result};
use crate::score::{LevelSampling, NoiseLevels, Schedule, Weighting};
use serde::{Deserialize, Serialize};

/// Settings that replace those of a score recipe.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScoreSettings {
    /// What the loss of a row is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_objective: Option<ScoreObjective>,
    /// How the noise levels follow one another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How much each level counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighting: Option<Weighting>,
    /// How levels are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_sampling: Option<LevelSampling>,
    /// The smallest noise level, in standard deviations of the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_min: Option<f64>,
    /// The largest noise level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_max: Option<f64>,
    /// Which kind of network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkKind>,
}

/// The kinds of score networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// A vector field.
    Free,
    /// The gradient of a scalar: [`PotentialField`](crate::fields::PotentialField).
    Conservative,
}

impl Recipe {
    /// The recipe with other settings of its score.
    ///
    /// # Errors
    /// [`Error::Config`] naming a setting that does not apply to this recipe or cannot be used.
    pub fn with_score(mut self, settings: &ScoreSettings) -> Result<Self> {
        let mut misplaced = settings.first_given();
        if let ObjectiveConfig::ScoreMatching(matching) = &mut self.objective {
            misplaced = None;
            matching.objective = settings.score_objective.unwrap_or(matching.objective);
            matching.schedule = settings.schedule.unwrap_or(matching.schedule);
            matching.weighting = settings.weighting.unwrap_or(matching.weighting);
            matching.sampling = settings.level_sampling.unwrap_or(matching.sampling);
            for layer in self.all_layers() {
                layer.change(|ContinuousConfig { noise, field, .. }| {
                    let Some(levels) = noise else { return };
                    levels.smallest = settings.noise_min.unwrap_or(levels.smallest);
                    levels.largest = settings.noise_max.unwrap_or(levels.largest);
                    if let Some(kind) = settings.network {
                        field.potential = kind == NetworkKind::Conservative;
                    }
                });
                let levels = layer.of::<ContinuousConfig>().and_then(|layer| layer.noise.as_ref());
                levels.map(NoiseLevels::check).transpose()?;
            }
        }
        match misplaced {
            None => Ok(self),
            Some(name) => Err(Error::config(
                name,
                "this flow has no such setting",
                "leave it out, or take score",
            )),
        }
    }
}

impl ScoreSettings {
    fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("score-objective", self.score_objective.is_some()),
            ("schedule", self.schedule.is_some()),
            ("weighting", self.weighting.is_some()),
            ("level-sampling", self.level_sampling.is_some()),
            ("noise-min", self.noise_min.is_some()),
            ("noise-max", self.noise_max.is_some()),
            ("network", self.network.is_some()),
        ];
        given.iter().find(|(_, given)| *given).map(|(name, _)| *name)
    }
}
