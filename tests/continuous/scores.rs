//! Score models that know nothing yet: with as much noise as data, where a wrong base would show.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use diffeo_flows::config::{ScoreSettings, Sizes, recipe};
use diffeo_flows::densities::IsotropicNormal;
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::score::{Sampler, SamplerKind};
use diffeo_flows::{Density, Engine, Params};

/// A fresh network says that the data are N(0, I): with noise of level 1 they are N(0, 2 I), in
/// log-densities, samples and every walk, on both tiers.
#[test]
fn a_fresh_model_is_a_gaussian_with_its_noise() -> Result<()> {
    const N: usize = 20_000;
    let settings = ScoreSettings { noise_min: Some(1.0), ..ScoreSettings::default() };
    // A network that gives 0 may be small.
    let sizes = Sizes { hidden: Some(vec![8]), ..Sizes::default() };
    let config = recipe("score")?.with_score(&settings)?.with_sizes(&sizes)?.flow(2, 0)?;
    let mut params = Params::new(DType::F32, &Device::Cpu, 0);
    config.build(&mut params)?;
    let x = Tensor::new(&[[0.3f32, -1.0], [2.5, 4.0]], &Device::Cpu)?;
    let truth = IsotropicNormal::new(2, 2f64.sqrt())?;
    let expected = to_f64(&truth.log_prob(&x, None)?)?;
    for engine in [Engine::Fast, Engine::Reference] {
        let frozen = || config.build(&mut params.frozen());
        let choose = || engine.choose(&config, &params);
        let density = choose()?.density(&config, &params)?;
        for (got, expected) in to_f64(&density.log_prob(&x, None)?)?.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-5, "{engine:?}: {got} for {expected}");
        }
        let walker = choose()?.walker(&config, &params)?;
        for kind in [None].into_iter().chain(SamplerKind::ALL.map(Some)) {
            let mut rng = generator(1, Stream::Sample, 0);
            let drawn = match kind {
                None => density.sample(N, None, &mut rng)?,
                Some(kind) => {
                    let sampler = Sampler { steps: 60, ..Sampler::new(kind) };
                    let latent = frozen()?.base().sample(N, None, &mut rng)?;
                    walker.walk(&sampler, &latent, None, &mut rng, |_, _, _| Ok(()))?
                }
            };
            let squares: f64 = to_f64(&drawn)?.iter().map(|x| x * x).sum();
            let variance = squares / (2 * N) as f64;
            // Four standard errors, 0.08, and what Langevin steps of finite length add.
            assert!((variance - 2.0).abs() < 0.16, "{engine:?} {kind:?}: {variance}");
        }
    }
    Ok(())
}
