//! A continuous flow as kernels.

use super::columns::scale;
use super::net::FieldNet;
use crate::config::{BaseConfig, ScoreObjective};
use crate::error::Result;
use crate::fast::base::IsotropicNormal;
use crate::fast::kernel::{Base, Pass};
use crate::fast::layout::Layout;
use crate::fast::program::{Unsupported, base, check_placement, read_theta};
use crate::fast::simd::Level;
use crate::fast::tile::Column;
use crate::fields::{FieldConfig, TimeForm};
use crate::params::Params;
use crate::score::NoiseLevels;

/// The kernels of a field and of the base that its flow leads to.
#[derive(Debug)]
pub struct FieldProgram {
    level: Level,
    net: FieldNet,
    /// Of the diffusion whose probability flow this is.
    noise: Option<NoiseLevels>,
    base: Box<dyn Base>,
    base_config: BaseConfig,
    /// Trainable scalars.
    parameters: usize,
    /// Trainable scalars and those prepared from them.
    length: usize,
}

impl FieldProgram {
    /// The kernels of the [`TimeMlp`](crate::fields::TimeMlp), or the
    /// [`PotentialField`](crate::fields::PotentialField) where `config` asks for one, of `features` features given
    /// `context` context features whose parameters stand below `path`, and of the base whose
    /// parameters stand below `base`.
    ///
    /// # Errors
    /// [`Unsupported`] naming the first part without a kernel.
    pub fn new(
        path: &str,
        (features, context): (usize, usize),
        config: &FieldConfig,
        base_config: &BaseConfig,
        params: &Params,
        level: Level,
    ) -> std::result::Result<Self, Unsupported> {
        check_placement(params)?;
        let not = |reason: &str| Unsupported { part: path.into(), reason: reason.into() };
        if config.potential && config.time == TimeForm::ConcatSquash {
            return Err(not("there is no kernel for potentials whose gates depend on time"));
        }
        let mut layout = Layout::new(params);
        let parameters = layout.len();
        let net = FieldNet::new(&layout, path, (features, context), config);
        let net = net.ok_or_else(|| not("its parameters are missing"))?;
        let base = base(base_config, &mut layout, (features, context))?;
        let length = layout.len();
        let base_config = base_config.clone();
        Ok(Self { level, net, noise: None, base, base_config, parameters, length })
    }

    /// The same network as that of a diffusion's [`ProbabilityFlow`](crate::score::ProbabilityFlow)
    /// over these levels, which leads to a normal base of their
    /// [deviation](NoiseLevels::latent_deviation).
    #[must_use]
    pub fn over(self, levels: NoiseLevels) -> Self {
        let base = Box::new(IsotropicNormal { deviation: levels.latent_deviation() });
        Self { noise: Some(levels), base, ..self }
    }

    /// The levels of the diffusion, if it is that of one.
    pub fn noise_levels(&self) -> Option<&NoiseLevels> {
        self.noise.as_ref()
    }

    /// Makes a velocity, or what is linear in it, of the network's output at time t.
    pub(super) fn at_rate(&self, t: f64, output: &mut [Column]) {
        if let Some(levels) = &self.noise {
            scale(self.level, levels.rate(t) as f32, output);
        }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.net.features()
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.net.context()
    }

    /// Whether there are kernels to train the likelihood through the solver: of a potential that
    /// takes third derivatives, for which there are none, as there are none for the rate of a
    /// diffusion.
    pub fn trains_likelihoods(&self) -> bool {
        !self.net.is_potential() && self.noise.is_none()
    }

    /// Whether there are kernels to train the field on the velocities of paths: not for the rate of
    /// a diffusion.
    pub fn trains_velocities(&self) -> bool {
        self.noise.is_none()
    }

    /// Whether there are kernels to train scores by that objective: those with derivatives of the
    /// score need its tangents at a time for each row.
    pub fn trains_scores(&self, objective: ScoreObjective) -> bool {
        let bare = !self.net.is_potential() && !self.net.is_squashed();
        bare || objective == ScoreObjective::Denoising
    }

    /// The density of the latent points.
    pub fn base_config(&self) -> &BaseConfig {
        &self.base_config
    }

    /// The vector instructions it runs on.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Trainable scalars.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Trainable scalars and those prepared from them.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn net(&self) -> &FieldNet {
        &self.net
    }

    pub(super) fn base(&self) -> &dyn Base {
        self.base.as_ref()
    }

    pub(super) fn pass<'a>(&self, theta: &'a [f32]) -> Pass<'a> {
        Pass { level: self.level, theta, context: &[] }
    }

    /// All parameters as they stand, and what is prepared from them.
    pub(super) fn theta(&self, params: &Params) -> Result<Vec<f32>> {
        let mut theta = read_theta(params, self.parameters, self.length)?;
        self.base.prepare(&mut theta);
        Ok(theta)
    }
}
