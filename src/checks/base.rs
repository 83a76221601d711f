//! Latent points as standard normal ones, by the distribution functions of the base.

use diffeo_flows::densities::{GaussianMixtureConfig, StandardNormalConfig};
use diffeo_flows::model::Model;
use diffeo_flows::params::to_f64;
use diffeo_flows::{Error, Result, Workers};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Of [`GaussianMixture`](diffeo_flows::densities::GaussianMixture): the narrowest deviation and the
/// weight of the broad component.
const NARROWEST: f64 = 1e-3;
const BROAD_WEIGHT: f64 = 1e-3;

/// Rows that one thread takes at a time.
const CHUNK: usize = 256;

/// The base of a model, written anew from its weights: neither its log-density nor its sampler is
/// used.
#[derive(Debug)]
pub(super) enum Base {
    /// N(0, s² I).
    Normal { deviation: f64 },
    /// Components of weight w, mean μ and upper triangle P with Σ⁻¹ = P Pᵀ.
    Mixture(Vec<Component>),
}

#[derive(Debug)]
pub(super) struct Component {
    weight: f64,
    mean: Vec<f64>,
    whitening: Vec<f64>,
}

impl Base {
    /// The base of a model.
    ///
    /// # Errors
    /// [`Error::Config`] when its weights have other names than those of its kind.
    pub(super) fn of(model: &Model) -> Result<Self> {
        if let Ok(levels) = model.noise_levels() {
            return Ok(Self::Normal { deviation: levels.latent_deviation() });
        }
        let base = &model.spec().flow.base;
        if base.of::<StandardNormalConfig>().is_some() {
            return Ok(Self::Normal { deviation: 1.0 });
        }
        match base.of::<GaussianMixtureConfig>() {
            Some(mixture) => mixture_of(model, mixture.components),
            None => Err(Error::config(
                "base",
                format!("nothing is known of the distribution function of {}", base.name()),
                "give a normal base, or a mixture of Gaussians",
            )),
        }
    }

    /// [`Base::normal_scores`] on the workers.
    pub(super) fn normal_scores_by(
        &self,
        latent: &[f64],
        features: usize,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        let parts = workers.map_chunks(latent.len() / features, CHUNK, |rows| {
            Ok(self.normal_scores(&latent[rows.start * features..rows.end * features], features))
        })?;
        Ok(parts.concat())
    }

    /// Rosenblatt's transformation of each row, then the normal quantile: independent standard normal
    /// numbers where the rows are of the base, row-major as they came.
    ///
    /// yⱼ = Φ⁻¹(F(zⱼ | z₁ … zⱼ₋₁)). Rosenblatt 1952, *Remarks on a Multivariate Transformation*.
    fn normal_scores(&self, latent: &[f64], features: usize) -> Vec<f64> {
        match self {
            Self::Normal { deviation } => latent.iter().map(|z| z / deviation).collect(),
            Self::Mixture(components) => {
                let rows = latent.chunks_exact(features);
                rows.flat_map(|z| scores_of_row(components, z)).collect()
            }
        }
    }
}

fn mixture_of(model: &Model, components: usize) -> Result<Base> {
    let values = |name: &str| -> Result<Vec<f64>> {
        let found = model.params().get(&format!("base.{name}"));
        let param = found.ok_or_else(|| {
            Error::config("base", format!("it has no {name}"), "give a mixture of Gaussians")
        })?;
        to_f64(param.var())
    };
    let (logits, means) = (values("logits")?, values("means")?);
    let (upper, log_diagonal) = (values("upper")?, values("log_diagonal")?);
    let d = model.spec().columns.len();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|a| (a - largest).exp()).sum();
    let mut all: Vec<Component> = (0..components)
        .map(|k| {
            let mut whitening = upper[k * d * d..(k + 1) * d * d].to_vec();
            for i in 0..d {
                whitening[i * d..=i * d + i].fill(0.0);
                whitening[i * d + i] = (NARROWEST + (-log_diagonal[k * d + i]).exp()).recip();
            }
            let weight = (1.0 - BROAD_WEIGHT) * (logits[k] - largest).exp() / total;
            Component { weight, mean: means[k * d..(k + 1) * d].to_vec(), whitening }
        })
        .collect();
    let scale = values("broad_scale")?;
    let mut whitening = vec![0.0; d * d];
    (0..d).for_each(|i| whitening[i * d + i] = scale[i].recip());
    all.push(Component { weight: BROAD_WEIGHT, mean: values("broad_mean")?, whitening });
    Ok(Base::Mixture(all))
}

/// F(zⱼ | z<ⱼ) = Σₖ wₖ(z<ⱼ) Φ(uₖⱼ) with u = (z − μ) P, whose j-th number needs no later ones.
fn scores_of_row(components: &[Component], z: &[f64]) -> Vec<f64> {
    let (d, normal) = (z.len(), Normal::standard());
    let mut log_weights: Vec<f64> = components.iter().map(|c| c.weight.ln()).collect();
    let mut scores = Vec::with_capacity(d);
    for j in 0..d {
        let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut below, mut above, mut total) = (0.0, 0.0, 0.0);
        for (component, log_weight) in components.iter().zip(&mut log_weights) {
            let moved = z[..=j].iter().zip(&component.mean).enumerate();
            let u: f64 = moved.map(|(i, (z, m))| (z - m) * component.whitening[i * d + j]).sum();
            let (weight, tail) = ((*log_weight - largest).exp(), normal.cdf(-u.abs()));
            let (left, right) = if u < 0.0 { (tail, 1.0 - tail) } else { (1.0 - tail, tail) };
            below += weight * left;
            above += weight * right;
            total += weight;
            *log_weight += normal.ln_pdf(u) + component.whitening[j * d + j].ln();
        }
        // The smaller tail has the digits.
        let (least, sign) = if below < above { (below, 1.0) } else { (above, -1.0) };
        let share = least / total;
        scores.push(if share.is_nan() { f64::NAN } else { sign * normal.inverse_cdf(share) });
    }
    scores
}
