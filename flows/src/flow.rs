//! The change of variables: a transform and a base density make a density.

use crate::cancel::Cancel;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::transform::{Chain, Direction, Transform, check_context, check_points, detached};
use candle_core::{DType, Device, Tensor};
use rand::RngCore;

/// A normalizing flow: log p(x | c) = log p_base(f(x; c)) + log|det ∂f/∂x|.
///
/// Rezende and Mohamed 2015, eq. 5; Papamakarios et al. 2021, eq. 6.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::config::recipe;
/// use diffeo_flows::{Density, Params};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let flow = recipe("nsf")?.flow(2, 0)?.build(&mut params)?;
/// let x = Tensor::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// assert_eq!(flow.log_prob(&x, None)?.dims(), [5]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Flow {
    transform: Chain,
    base: Box<dyn Density>,
    context: usize,
    dtype: DType,
    device: Device,
}

impl Flow {
    /// A flow from a chain of transforms to a base density, for tensors of `dtype` on `device`.
    ///
    /// # Errors
    /// [`Error::Config`] when the numbers of features differ.
    pub fn new(
        transform: Chain,
        base: Box<dyn Density>,
        context: usize,
        (dtype, device): (DType, &Device),
    ) -> Result<Self> {
        if transform.features() != base.features() {
            let problem =
                format!("{} features in a flow of {}", base.features(), transform.features());
            return Err(Error::config("base", problem, "give both the same number of features"));
        }
        Ok(Self { transform, base, context, dtype, device: device.clone() })
    }

    /// The transforms, data → latent.
    pub fn transform(&self) -> &Chain {
        &self.transform
    }

    /// The density of the latent points.
    pub fn base(&self) -> &dyn Density {
        self.base.as_ref()
    }

    /// The vector field v(t, x | c), where the flow is that of a single field over time 0 → 1, data →
    /// latent.
    pub fn field(&self) -> Option<&dyn VectorField> {
        match self.transform.as_flow() {
            Some((flow, Direction::Forward)) => Some(flow.field()),
            _ => None,
        }
    }

    /// As [`Density::log_prob`], outside any gradient, with the graph of one layer, or of one step of a
    /// continuous flow, in memory at a time; NaN for rows that a solver cannot follow, and for no other.
    ///
    /// # Errors
    /// As [`Density::log_prob`].
    pub fn log_prob_detached(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Flow::log_prob_detached", x, self.features())?;
        let context = check_context("Flow::log_prob_detached", x, context, self.context)?;
        let (mut points, mut log_det) = (x.detach(), None);
        for layer in self.transform.layers() {
            let map = layer.transform.as_ref();
            let mapped = detached(map, &points, context, Direction::Forward)?;
            points = mapped.points;
            log_det = Some(match log_det {
                None => mapped.log_det,
                Some(sum) => (sum + mapped.log_det)?,
            });
        }
        let log_prob = self.base.log_prob(&points, context)?.detach();
        Ok(match log_det {
            None => log_prob,
            Some(log_det) => (log_prob + log_det)?,
        })
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.context
    }

    /// The dtype its tensors have.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device its tensors are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Draws n points `[n, d]` and their log-densities `[n]`, from one pass.
    ///
    /// # Errors
    /// [`Error::Shape`] when the context does not have n rows.
    pub fn sample_and_log_prob(
        &self,
        n: usize,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
    ) -> Result<(Tensor, Tensor)> {
        let z = self.base.sample(n, context, rng)?;
        let context = check_context("Flow::sample_and_log_prob", &z, context, self.context)?;
        let base = self.base.log_prob(&z, context)?;
        let mapped = self.transform.inverse(&z, context)?;
        Ok((mapped.points, (base - mapped.log_det)?))
    }

    /// Lets every layer and the base take their start from data x `[n, d]`, once, unless cancelled.
    ///
    /// # Errors
    /// [`Error::Data`] when the rows cannot be used.
    pub fn initialise(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
        cancel: &Cancel,
    ) -> Result<()> {
        let latent = self.transform.initialise_through(x, context, Direction::Forward)?;
        self.base.initialise(&latent, rng, cancel)
    }
}

impl Density for Flow {
    fn features(&self) -> usize {
        self.transform.features()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Flow::log_prob", x, self.features())?;
        let context = check_context("Flow::log_prob", x, context, self.context)?;
        let mapped = self.transform.forward(x, context)?;
        Ok((self.base.log_prob(&mapped.points, context)? + mapped.log_det)?)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let z = self.base.sample(n, context, rng)?;
        let context = check_context("Flow::sample", &z, context, self.context)?;
        Ok(self.transform.inverse(&z, context)?.points)
    }
}
