use super::flows::cases;
use super::pair::{ROWS, normals};
use candle_core::{DType, Device};
use diffeo_flows::config::recipe;
use diffeo_flows::densities::Toy;
use diffeo_flows::engine::{Choice, Engine};
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::Precision;
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;
use diffeo_flows::{Error, Params, Workers};

const STEPS: usize = 50;
/// Nats per row between the two tiers after these steps.
const APART: f64 = 1e-3;
/// The mean log-density before the first step, less than that of a Gaussian.
const START: f64 = -3.3;

fn moons(n: usize, stream: Stream) -> Rows {
    let toy = Toy::named("two-moons").unwrap();
    let points = toy.sample_points(n, &mut generator(0, stream, 0));
    Rows::new(2, points.concat()).unwrap()
}

#[test]
fn a_fit_follows_that_of_the_reference_tier() {
    let (train, test) = (moons(1000, Stream::Sample), moons(1000, Stream::Evaluation));
    let workers = Workers::new(2).unwrap();
    let fits = [Engine::Reference, Engine::Fast].map(|engine| {
        let mut fit = Fit::new("nsf").unwrap();
        fit.engine = engine;
        fit.config.steps = STEPS;
        // Larger steps part the tiers as they part single from double precision: rounding grows.
        fit.config.learning_rate = 3e-4;
        fit.config.warmup_steps = 10;
        let parts = Parts { train: &train, valid: None, test: Some(&test) };
        let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
        let summary = model.spec().training.clone().unwrap();
        assert!(matches!(model.engine().unwrap(), Choice::Fast(_)) == (engine == Engine::Fast));
        // What one engine has fitted the other one judges alike.
        let judged = [Engine::Reference, Engine::Fast].map(|engine| {
            let spec = model.spec().clone();
            let other = diffeo_flows::model::Model::new(spec, &Device::Cpu).unwrap();
            for (to, from) in other.params().iter().zip(model.params().iter()) {
                to.var().set(from.var()).unwrap();
            }
            let values = other.with_engine(engine).log_prob_rows(&test, &workers).unwrap();
            values.iter().sum::<f64>() / values.len() as f64
        });
        assert!((judged[0] - judged[1]).abs() < 1e-5, "{judged:?}");
        summary
    });
    let [slow, fast] = fits.map(|summary| summary.test_log_likelihood.unwrap());
    assert!((slow - fast).abs() < APART, "{slow} and {fast}");
    assert!(fast > START + 0.5, "{fast}: it has learnt");
}

#[test]
fn double_precision_runs_on_the_reference_tier() {
    let mut params = Params::new(DType::F64, &Device::Cpu, 0);
    let config = recipe("nsf").unwrap().flow(2, 0).unwrap();
    config.build(&mut params).unwrap();
    match Engine::Fast.choose(&config, &params) {
        Err(Error::Config { field, problem, .. }) => {
            assert_eq!(field, "engine");
            assert!(problem.contains("parameters: kernels are in single precision"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
    let Choice::Reference(Some(why)) = Engine::Auto.choose(&config, &params).unwrap() else {
        panic!("there are no kernels in double precision");
    };
    assert_eq!(why.part, "parameters");
    assert!(matches!(Engine::Reference.choose(&config, &params), Ok(Choice::Reference(None))));

    let mut fit = Fit::new("nsf").unwrap();
    fit.config.steps = 1;
    fit.dtype = Precision::F64;
    let rows = Rows::new(2, to_f64(&normals(ROWS, 2, 1)).unwrap()).unwrap();
    let parts = Parts { train: &rows, valid: None, test: None };
    let workers = Workers::new(1).unwrap();
    fit.engine = Engine::Fast;
    let refused = fit.run(parts, None, &workers, &mut Quiet).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("single precision"), "{refused}");
    fit.engine = Engine::Auto;
    fit.run(parts, None, &workers, &mut Quiet).unwrap();
}

#[test]
fn the_choice_is_the_fast_tier() {
    for case in cases() {
        let mut params = Params::new(DType::F32, &Device::Cpu, 0);
        case.config.build(&mut params).unwrap();
        for engine in [Engine::Auto, Engine::Fast] {
            let choice = engine.choose(&case.config, &params).unwrap();
            assert!(matches!(choice, Choice::Fast(_)), "{}", case.name());
        }
    }
}
