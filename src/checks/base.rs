//! Latent points as standard normal ones, by the distribution functions of the base.

use diffeo_flows::densities::{GaussianMixtureConfig, StandardNormalConfig, StudentTConfig};
use diffeo_flows::model::Model;
use diffeo_flows::params::to_f64;
use diffeo_flows::{Error, Result, Workers};
use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

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
    /// Independent Student-t features of these degrees of freedom.
    StudentT(Vec<StudentsT>),
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
    /// The base of a model; none where nothing is known of the distribution functions of its kind.
    ///
    /// # Errors
    /// [`Error::Config`] when its weights have other names than those of its kind.
    pub(super) fn of(model: &Model) -> Result<Option<Self>> {
        if let Ok(levels) = model.noise_levels() {
            return Ok(Some(Self::Normal { deviation: levels.latent_deviation() }));
        }
        let base = &model.spec().flow.base;
        if base.of::<StandardNormalConfig>().is_some() {
            return Ok(Some(Self::Normal { deviation: 1.0 }));
        }
        if base.of::<StudentTConfig>().is_some() {
            return student_t(model).map(Some);
        }
        base.of::<GaussianMixtureConfig>()
            .map(|base| mixture_of(model, base.components))
            .transpose()
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
            Self::StudentT(laws) => {
                let pairs = latent.iter().zip(laws.iter().cycle());
                pairs.map(|(z, law)| normal_score(law.cdf(*z), law.sf(*z))).collect()
            }
            Self::Mixture(components) => {
                let rows = latent.chunks_exact(features);
                rows.flat_map(|z| scores_of_row(components, z)).collect()
            }
        }
    }
}

/// The normal quantile of a share with what is below and above: the smaller tail has the digits.
fn normal_score(below: f64, above: f64) -> f64 {
    let (share, sign) = if below < above { (below, 1.0) } else { (above, -1.0) };
    if share.is_nan() { f64::NAN } else { sign * Normal::standard().inverse_cdf(share) }
}

/// ½ + 127.5 / (1 + e⁻¹⁰ᵃ) degrees of freedom.
fn student_t(model: &Model) -> Result<Base> {
    let law = |raw: &f64| {
        let law = StudentsT::new(0.0, 1.0, 0.5 + 127.5 / (1.0 + (-10.0 * raw).exp()));
        law.map_err(|e| Error::config("base", e.to_string(), "give a finite number of degrees"))
    };
    let raw = values_of(model, "degrees_of_freedom")?;
    Ok(Base::StudentT(raw.iter().map(law).collect::<Result<_>>()?))
}

/// A parameter of the base.
fn values_of(model: &Model, name: &str) -> Result<Vec<f64>> {
    let found = model.params().get(&format!("base.{name}"));
    let param = found.ok_or_else(|| {
        Error::config("base", format!("it has no {name}"), "give one of the kind that it says")
    })?;
    to_f64(param.var())
}

fn mixture_of(model: &Model, components: usize) -> Result<Base> {
    let values = |name: &str| values_of(model, name);
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
        scores.push(normal_score(below / total, above / total));
    }
    scores
}
