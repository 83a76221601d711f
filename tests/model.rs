//! A model as a density: without a graph, far out, from sorted rows, with weights of any unit.

use candle_core::{Device, Tensor};
use diffeo_flows::Engine;
use diffeo_flows::densities::Toy;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::{Column, INITIAL_ROWS, Images, Model};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;
use diffeo_flows::{Density, Error, Workers};

fn toy_rows(n: usize) -> Vec<[f64; 2]> {
    Toy::named("two-moons").unwrap().sample_points(n, &mut generator(0, Stream::Sample, 0))
}

fn fitted(rows: &Rows, flow: &str) -> Model {
    let mut fit = Fit::new(flow).unwrap();
    fit.config.steps = 20;
    fit.config.evaluate_every = 10;
    let parts = Parts { train: rows, valid: None, test: None };
    fit.run(parts, None, &Workers::new(2).unwrap(), &mut Quiet).unwrap().0
}

/// `log_prob_rows` works on a frozen view of the weights, `log_prob` on the variables.
#[test]
fn a_frozen_view_computes_the_same() {
    let points = toy_rows(300);
    let rows = Rows::new(2, points.concat()).unwrap();
    for flow in ["nsf-gmm", "glow", "maf"] {
        let model = fitted(&rows, flow).with_engine(Engine::Reference);
        let plain = model.log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap();
        let x = Tensor::from_vec(points.concat(), (300, 2), &Device::Cpu).unwrap();
        let tracked = to_f64(&model.log_prob(&x, None).unwrap()).unwrap();
        assert_eq!(plain, tracked, "{flow}");
        let moved: Vec<f64> =
            model.params().read_flat().unwrap().iter().map(|w| w + 0.01).collect();
        model.params().write_flat(&moved).unwrap();
        let after = model.log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap();
        assert_ne!(plain, after, "{flow}: the view has the current weights");
    }
}

#[test]
fn rows_beyond_reach_have_density_zero() {
    let rows = Rows::new(2, toy_rows(300).concat()).unwrap();
    for flow in ["nsf-gmm", "realnvp", "nsf-ar"] {
        let model = fitted(&rows, flow);
        let far = vec![1e300, 0.0, -1e30, 1e300, f64::INFINITY, 1.0, 0.0, f64::NEG_INFINITY];
        let far = Rows::new(2, far).unwrap();
        let log_prob = model.log_prob_rows(&far, &Workers::new(1).unwrap()).unwrap();
        assert_eq!(log_prob, [f64::NEG_INFINITY; 4], "{flow}");
    }
}

/// The start sees all of a sorted table, not its first rows: the mixture it finds fits the last rows
/// as well as the first.
#[test]
fn a_start_from_sorted_rows_sees_them_all() {
    let mut points = toy_rows(INITIAL_ROWS + 5000);
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let rows = Rows::new(2, points.concat()).unwrap();
    let model = Fit::new("nsf-gmm").unwrap().model(&rows).unwrap();
    model.initialise(&rows).unwrap();
    let log_prob = model.log_prob_rows(&rows, &Workers::new(2).unwrap()).unwrap();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, last) = (mean(&log_prob[..2000]), mean(&log_prob[log_prob.len() - 2000..]));
    assert!((first - last).abs() < 0.2, "{first} {last}");
}

#[test]
fn weights_may_have_any_unit() {
    let points = toy_rows(300).concat();
    let log_prob = |unit: f64| {
        let weights = (0..300).map(|i| unit * f64::from(1 + i % 3)).collect();
        let rows = Rows::new(2, points.clone()).unwrap().with_weights(weights).unwrap();
        fitted(&rows, "nsf").log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap()
    };
    let (ones, tiny, huge) = (log_prob(1.0), log_prob(1e-60), log_prob(1e60));
    for (one, other) in ones.iter().chain(&ones).zip(tiny.iter().chain(&huge)) {
        assert!(other.is_finite() && (one - other).abs() < 1e-3, "{one} {other}");
    }
}

#[test]
fn a_constant_training_column_is_named() {
    let values = (0..50).flat_map(|i| [f64::from(i), 0.1]).collect();
    let rows = Rows::new(2, values).unwrap();
    let fit = Fit::new("nsf").unwrap();
    let error = fit.model(&rows).unwrap().initialise(&rows).unwrap_err().to_string();
    assert!(error.contains("column x2") && error.contains("0.1"), "{error}");
}

/// log p(x) = log p(z) + log|det ∂z/∂x|, and that determinant is the one of the Jacobian.
#[test]
fn latent_points_and_their_volume_make_the_density() {
    let rows = Rows::new(2, toy_rows(300).concat()).unwrap();
    let workers = Workers::new(2).unwrap();
    for flow in ["nsf-gmm", "realnvp", "ffjord"] {
        let model = fitted(&rows, flow).in_double().unwrap();
        let Images { points, log_det } = model.to_latent(&rows, &workers).unwrap();
        let latent = Rows::new(2, points).unwrap();
        let base = model.base_log_prob(&latent, &workers).unwrap();
        let log_prob = model.log_prob_rows(&rows, &workers).unwrap();
        let jacobians = model.latent_jacobians(&rows, &workers).unwrap();
        for i in 0..300 {
            let error = log_prob[i] - base[i] - log_det[i];
            assert!(error.abs() < 1e-9, "{flow}: {error:.1e}");
            let j = &jacobians[4 * i..4 * i + 4];
            let by_differences = (j[0] * j[3] - j[1] * j[2]).abs().ln();
            // The default tolerance of a solver is 1e-5; a spline's knot within a difference 1e-5.
            let error = by_differences - log_det[i];
            assert!(error.abs() < 2e-4, "{flow}: {by_differences} {}", log_det[i]);
        }
    }
}

/// As a density of tensors too, a model runs on the tier it was told, and outside any gradient.
#[test]
fn a_model_as_a_density_honours_its_engine() {
    let points = toy_rows(300);
    let rows = Rows::new(2, points.concat()).unwrap();
    let x = Tensor::from_vec(points.concat(), (300, 2), &Device::Cpu).unwrap();
    let model = fitted(&rows, "nsf-gmm");
    let workers = Workers::new(1).unwrap();
    for engine in [Engine::Fast, Engine::Reference] {
        let Ok(model) = Model::load(saved(&model).path(), &Device::Cpu) else { panic!("it loads") };
        let model = model.with_engine(engine);
        let by_rows = model.log_prob_rows(&rows, &workers).unwrap();
        let log_prob = model.log_prob(&x, None).unwrap();
        assert_eq!(to_f64(&log_prob).unwrap(), by_rows, "{engine:?}");
        let x = candle_core::Var::from_tensor(&x).unwrap();
        assert!(!model.log_prob(&x, None).unwrap().track_op(), "{engine:?}: it keeps a graph");
    }
    let double = model.in_double().unwrap().with_engine(Engine::Fast);
    let error = double.log_prob(&x, None).unwrap_err().to_string();
    assert!(error.contains("engine"), "there are no kernels in double precision: {error}");
}

/// A folder with the model.
fn saved(model: &Model) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path().join("model.safetensors")).unwrap();
    folder
}

/// Values exactly on the ends of a support are fitted and have a finite density, within four
/// deviations of their column.
#[test]
fn values_on_a_bound_belong_to_the_support() {
    use diffeo_flows::transforms::Support;
    let n = 200;
    let unit = |i: usize| f64::from(u8::from(i.is_multiple_of(20))).mul_add(-1.0, 1.0);
    let values: Vec<f64> = (0..n)
        .flat_map(|i| {
            let inside = (i as f64 + 0.5) / n as f64;
            let p = if i == 7 { 1.0 } else { unit(i) * inside };
            [p, if i == 9 { 0.0 } else { -(1.0 - inside).ln() }]
        })
        .collect();
    let rows = Rows::new(2, values).unwrap();
    let mut fit = Fit::new("nsf").unwrap();
    fit.columns = vec![
        Column::new("p", Support::Interval { low: 0.0, high: 1.0 }),
        Column::new("t", Support::Positive),
    ];
    fit.config.steps = 20;
    fit.config.evaluate_every = 10;
    let parts = Parts { train: &rows, valid: None, test: None };
    let workers = Workers::new(1).unwrap();
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
    model.check_supports(&rows).unwrap();
    let log_prob = model.log_prob_rows(&rows, &workers).unwrap();
    assert!(log_prob.iter().all(|value| value.is_finite()), "{log_prob:?}");
    let on_the_bound = Tensor::new(&[[0.0, 0.0], [1.0, 1.0]], &Device::Cpu).unwrap();
    let prepared = to_f64(&model.preparation().forward(&on_the_bound).unwrap().points).unwrap();
    assert!((prepared[0] + 4.0).abs() < 1e-5 && (prepared[1] + 4.0).abs() < 1e-5, "{prepared:?}");
    assert!((prepared[2] - 4.0).abs() < 1e-5, "{prepared:?}");
    let beyond = Rows::new(2, vec![-1e-9, 1.0]).unwrap();
    assert!(model.check_supports(&beyond).is_err());
    assert_eq!(model.log_prob_rows(&beyond, &workers).unwrap(), [f64::NEG_INFINITY]);
}

/// Log-densities and samples are those of the weights a density was made with.
#[test]
fn a_density_keeps_the_weights_it_was_made_with() {
    use diffeo_flows::config::{Sizes, recipe};
    let sizes = Sizes { components: Some(3), ..Sizes::default() };
    let config = recipe("nsf").unwrap().with_sizes(&sizes).unwrap().flow(2, 0).unwrap();
    for engine in [Engine::Fast, Engine::Reference] {
        let mut params = diffeo_flows::Params::new(candle_core::DType::F32, &Device::Cpu, 0);
        config.build(&mut params).unwrap();
        let density = engine.choose(&config, &params).unwrap().density(&config, &params).unwrap();
        let x = Tensor::new(&[[0.3f32, -1.0]], &Device::Cpu).unwrap();
        let says = || {
            let drawn = density.sample(50, None, &mut generator(1, Stream::Sample, 0)).unwrap();
            (to_f64(&drawn).unwrap(), to_f64(&density.log_prob(&x, None).unwrap()).unwrap())
        };
        let before = says();
        let moved: Vec<f64> = params.read_flat().unwrap().iter().map(|w| w + 0.3).collect();
        params.write_flat(&moved).unwrap();
        assert_eq!(before, says(), "{engine:?}");
    }
}

/// From eight threads at once, alone and in a table, from an object that is held: the same bits.
#[test]
fn an_evaluator_gives_a_row_the_same_bits_from_every_thread() {
    let rows = Rows::new(2, (0..400).map(|i| (f64::from(i) * 0.7).sin()).collect()).unwrap();
    let mut fit = Fit::new("nsf").unwrap();
    let one = || Workers::new(1).unwrap();
    fit.config.steps = 20;
    let (model, workers) = (fit.split_and_run(&rows, &one(), &mut Quiet).unwrap().model, one());
    let evaluator = model.evaluator().unwrap();
    let table = model.log_prob_rows(&rows, &workers).unwrap();
    // What becomes of the weights later is nothing to it.
    model.params().write_flat(&vec![0.3; model.params().count()]).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (evaluator, rows, table) = (&evaluator, &rows, &table);
            scope.spawn(move || {
                let workers = Workers::new(1).unwrap();
                for row in (thread..rows.len()).step_by(8) {
                    let alone = evaluator.log_prob(&rows.take(&[row]), &workers).unwrap();
                    assert_eq!(alone[0].to_bits(), table[row].to_bits(), "row {row}");
                }
            });
        }
    });
    let wide = Rows::try_from(&[[0.0; 3]]).unwrap();
    assert!(matches!(evaluator.log_prob(&wide, &workers), Err(Error::Shape { .. })));
    let far = evaluator.log_prob(&Rows::try_from(&[[1e300, 0.0]]).unwrap(), &workers).unwrap();
    assert_eq!(far, [f64::NEG_INFINITY]);
}
