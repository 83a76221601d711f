//! Samplers against closed forms of Gaussian data.

use super::{Move, Sampler, SamplerKind, Walkers, start_scale, walk};
use crate::error::Result;
use crate::field::VectorField;
use crate::fields::FieldFn;
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::score::{NoiseLevels, ProbabilityFlow};
use candle_core::{Device, Tensor};
use rand_distr::{Distribution, StandardNormal};

const LEVELS: NoiseLevels = NoiseLevels { smallest: 0.05, largest: 10.0 };
/// Standard deviation of the data.
const DEVIATION: f64 = 0.4;

/// The exact field of data N(0, `DEVIATION`²): F = E[∂y/∂θ | y] is linear in y.
fn exact() -> impl VectorField {
    let slope = |t: f64| {
        let (cos, sin) = LEVELS.turn(t);
        let variance = (cos * DEVIATION).powi(2) + sin * sin;
        // Cov(∂y/∂θ, y) / Var(y)
        sin * cos * (1.0 - DEVIATION * DEVIATION) / variance
    };
    let network = FieldFn::new(
        1,
        move |t, x: &Tensor| Ok(x.affine(slope(t), 0.0)?),
        move |t, _: &Tensor, u: &Tensor| Ok(u.affine(slope(t), 0.0)?),
    );
    ProbabilityFlow::new(network, LEVELS).unwrap()
}

fn latent(n: usize) -> Tensor {
    let mut rng = generator(3, Stream::Sample, 1);
    let draw =
        |_| LEVELS.latent_deviation() * Distribution::<f64>::sample(&StandardNormal, &mut rng);
    let z: Vec<f64> = (0..n).map(draw).collect();
    Tensor::from_vec(z, (n, 1), &Device::Cpu).unwrap()
}

fn drawn(sampler: &Sampler, n: usize) -> Vec<f64> {
    let mut rng = generator(5, Stream::Sample, 0);
    let x = walk(&exact(), sampler, &latent(n), None, &mut rng, |_, _, _| Ok(())).unwrap();
    to_f64(&x).unwrap()
}

/// The variance of the data with the smallest noise.
fn truth() -> f64 {
    DEVIATION * DEVIATION + LEVELS.smallest * LEVELS.smallest
}

/// ε̂ = `slope` x of the exact field at a level.
fn slope(level: f64) -> f64 {
    level / (DEVIATION * DEVIATION + level * level)
}

/// Covariances of a point, its predicted noise and the prediction before: what a sampler makes of
/// Gaussian points, in closed form.
struct Moments([[f64; 3]; 3]);

impl Moments {
    /// The moments of the images under a linear map, and of fresh noise added to the first.
    fn map(&mut self, map: [[f64; 3]; 3], fresh: f64) {
        let before = self.0;
        for (i, row) in self.0.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                let terms = (0..9).map(|k| map[i][k / 3] * before[k / 3][k % 3] * map[j][k % 3]);
                *entry = terms.sum();
            }
        }
        self.0[0][0] += fresh * fresh;
    }
}

impl Walkers for Moments {
    fn predict(&mut self, level: f64) -> Result<()> {
        self.map([[1.0, 0.0, 0.0], [slope(level), 0.0, 0.0], [0.0, 1.0, 0.0]], 0.0);
        Ok(())
    }

    fn advance(&mut self, by: Move) -> Result<()> {
        let row = [1.0, by.predicted, by.before];
        self.map([row, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], by.fresh);
        Ok(())
    }
}

/// The variance that a sampler starts with: 1 + σ², as if the data had variance 1.
fn start_variance(sampler: &Sampler) -> f64 {
    (start_scale(sampler, &LEVELS) * LEVELS.latent_deviation()).powi(2)
}

/// The variance that a sampler ends with.
fn variance(sampler: &Sampler) -> f64 {
    let mut moments = Moments([[0.0; 3]; 3]);
    moments.0[0][0] = start_variance(sampler);
    sampler.run(&LEVELS, &mut moments, |_, _| Ok(())).unwrap();
    moments.0[0][0]
}

/// With as many steps as they need, all samplers draw the data with the smallest noise.
#[test]
fn every_sampler_converges_to_the_noisy_data() {
    for kind in SamplerKind::ALL {
        let sampler = Sampler::new(kind);
        let fine = match kind {
            SamplerKind::ProbabilityFlow => Sampler { steps: 200, ..sampler },
            SamplerKind::Multistep => Sampler { steps: 400, ..sampler },
            SamplerKind::Ddim => Sampler { steps: 20_000, ..sampler },
            SamplerKind::EulerMaruyama | SamplerKind::Heun => Sampler { steps: 4000, ..sampler },
            // Langevin steps of finite length have a bias of their own: r² of the variance.
            _ => Sampler { steps: 80_000, signal_to_noise: 0.05, ..sampler },
        };
        // The deterministic flow keeps what its start is wrong by: data are taken to have variance 1.
        let start =
            start_scale(&fine, &LEVELS).powi(2) / (DEVIATION.powi(2) + LEVELS.largest.powi(2));
        let deterministic = matches!(
            kind,
            SamplerKind::ProbabilityFlow | SamplerKind::Ddim | SamplerKind::Multistep
        );
        let expected = if deterministic { start * truth() } else { truth() };
        let relative = variance(&fine) / expected - 1.0;
        assert!(relative.abs() < 4e-3, "{kind:?}: {relative}");
    }
}

/// Draws have the variance of the closed form, short of convergence too.
#[test]
fn draws_have_the_variance_of_the_steps() {
    const N: usize = 20_000;
    for kind in SamplerKind::ALL {
        let sampler = Sampler { steps: 25, corrections: 3, ..Sampler::new(kind) };
        let x = drawn(&sampler, N);
        let (mean, expected) = (x.iter().sum::<f64>() / N as f64, variance(&sampler));
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / N as f64;
        // Four standard errors.
        let allowed = 4.0 * (2.0 / N as f64).sqrt();
        assert!((variance / expected - 1.0).abs() < allowed, "{kind:?}: {variance} {expected}");
        assert!(mean.abs() < 4.0 * (expected / N as f64).sqrt(), "{kind:?}: {mean}");
    }
}

/// The deterministic flow multiplies by the ratio of deviations, up to an error of second order; the
/// stochastic one of first order by Euler's method.
#[test]
fn errors_fall_with_the_order_of_the_steps() {
    let first = (DEVIATION * DEVIATION + LEVELS.largest.powi(2)).sqrt();
    for (kind, expected) in [
        (SamplerKind::ProbabilityFlow, 4.0),
        (SamplerKind::Multistep, 4.0),
        (SamplerKind::Ddim, 2.0),
    ] {
        let error = |steps: usize| {
            let sampler = Sampler { steps, ..Sampler::new(kind) };
            let exact = (start_variance(&sampler) * truth()).sqrt() / first;
            (variance(&sampler).sqrt() - exact).abs()
        };
        let ratio: f64 = error(400) / error(800);
        assert!((ratio / expected - 1.0).abs() < 0.1, "{kind:?}: {ratio}");
    }
    let error = |steps: usize| {
        let sampler = Sampler { steps, ..Sampler::new(SamplerKind::EulerMaruyama) };
        (variance(&sampler) - truth()).abs()
    };
    let ratio = error(400) / error(800);
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
}

#[test]
fn steps_are_seen_with_their_levels() {
    let sampler = Sampler { steps: 7, ..Sampler::new(SamplerKind::Heun) };
    let mut seen = Vec::new();
    let mut rng = generator(5, Stream::Sample, 0);
    let x = walk(&exact(), &sampler, &latent(3), None, &mut rng, |step, level, points| {
        seen.push((step, level, to_f64(points)?));
        Ok(())
    });
    let levels: Vec<f64> = seen.iter().map(|(_, level, _)| *level).collect();
    assert!(seen.len() == 8 && (levels[0] - 10.0).abs() < 1e-9);
    assert!(levels.windows(2).all(|pair| pair[1] < pair[0]));
    assert_eq!(seen[7].2, to_f64(&x.unwrap()).unwrap());
    let start = start_scale(&sampler, &LEVELS) * to_f64(&latent(3)).unwrap()[0];
    assert!((seen[0].2[0] - start).abs() < 1e-12);
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let heun = Sampler::new(SamplerKind::Heun);
    let annealed = Sampler::new(SamplerKind::AnnealedLangevin);
    for sampler in [
        Sampler { steps: 0, ..heun },
        Sampler { signal_to_noise: 0.0, ..heun },
        Sampler { corrections: 0, ..annealed },
    ] {
        assert!(sampler.check().is_err());
    }
}
