//! The obvious call: rows in, a model judged by held-out rows out; weights of rows from the start on.

use diffeo_flows::config::recipe;
use diffeo_flows::densities::GaussianMixtureConfig;
use diffeo_flows::fit::{Fit, FitObserver, Parts, Plan};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::{Observer, Quiet, Stop, Warning};
use diffeo_flows::{Error, Workers};
use rand::Rng;
use rand_distr::StandardNormal;

fn normals(n: usize, width: usize) -> Vec<f64> {
    let mut rng = generator(8, Stream::Sample, 0);
    (0..n * width).map(|_| rng.sample(StandardNormal)).collect()
}

fn small(flow: &str) -> Fit {
    let mut fit = Fit::new(flow).unwrap();
    fit.recipe.layers = 1;
    fit.config.steps = 40;
    fit.config.batch_size = 32;
    fit.config.evaluate_every = 10;
    fit
}

fn workers() -> Workers {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    Workers::new(2).unwrap()
}

/// Remembers what it is told.
#[derive(Default)]
struct Ears {
    warnings: Vec<String>,
    plans: Vec<Plan>,
}

impl Observer for Ears {
    fn warned(&mut self, warning: &Warning) {
        self.warnings.push(warning.to_string());
    }
}

impl FitObserver for Ears {
    fn plans(&mut self, plan: &Plan) {
        self.plans.push(*plan);
    }
}

#[test]
fn rows_are_split_and_held_out_without_being_asked_for() {
    let rows = Rows::new(2, normals(300, 2)).unwrap();
    let fitted = small("nsf-ar").split_and_run(&rows, &workers(), &mut Quiet).unwrap();
    let training = fitted.model.spec().training.clone().unwrap();
    assert!(training.valid_log_likelihood.is_some() && training.test_log_likelihood.is_some());
    let counts = fitted.model.spec().data.rows;
    assert_eq!([counts.train, counts.valid, counts.test], [240, 30, 30]);
    assert_eq!(fitted.split, diffeo_flows::rows::split(300, 0.1, 0.1, 0).unwrap());
    assert_eq!(fitted.outcome.state.step(), 40, "asked for");
    let error = small("nsf-ar").split_and_run(&rows.take(&[0, 1, 2]), &workers(), &mut Quiet);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("3 rows are too few") && error.contains("at least 10"), "{error}");
}

#[test]
fn a_small_table_takes_the_passes_of_the_recipe() {
    let recipe = recipe("nsf").unwrap();
    let (rows, size) = (20_000, recipe.train.batch_size);
    let few = recipe.steps_for(2000, size);
    assert_eq!(few, (recipe.passes * 2000).div_ceil(size).max(500).min(recipe.train.steps));
    assert!(few < recipe.train.steps && recipe.steps_for(rows * 100, size) == recipe.train.steps);
    let mut fit = Fit::new("nsf-ar").unwrap();
    fit.recipe.layers = 1;
    fit.cancel.cancel();
    fit.recipe.components_up_to = Some(4);
    let mut ears = Ears::default();
    let table = Rows::new(1, normals(100, 1)).unwrap();
    let error = fit.split_and_run(&table, &workers(), &mut ears).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    let plan = ears.plans[0];
    assert_eq!((plan.steps, plan.batch_size, plan.features), (500, 80, 1));
    assert!(plan.bytes > 100 * plan.parameters && plan.start_multiplications > 0.0, "{plan:?}");
}

/// One row in a hundred counts: batches without any are no reason to stop.
#[test]
fn a_table_with_hardly_any_weight_is_fitted() {
    let weights = (0..4000).map(|i| f64::from(u8::from(i % 100 == 0))).collect();
    let rows = Rows::new(2, normals(4000, 2)).unwrap().with_weights(weights).unwrap();
    let parts = Parts { train: &rows, valid: Some(&rows), test: None };
    let (model, outcome) = small("nsf-ar").run(parts, None, &workers(), &mut Quiet).unwrap();
    assert_eq!(outcome.stop, Stop::Completed);
    let counted = rows.take(&(0..40).map(|i| i * 100).collect::<Vec<_>>());
    let parts = Parts { train: &counted, valid: Some(&counted), test: None };
    let (alone, _) = small("nsf-ar").run(parts, None, &workers(), &mut Quiet).unwrap();
    assert_eq!(model.params().read_flat().unwrap(), alone.params().read_flat().unwrap());
}

/// Rows far away set no scale, start no component and choose no number of them when they do not count.
#[test]
fn rows_without_weight_have_no_part_in_the_start() {
    let near = normals(600, 2);
    let mut far = near.clone();
    far.extend((0..400).map(|i| 1e4 + f64::from(i)));
    for light in [0.0, 1e-12] {
        let weights = [vec![1.0; 600], vec![light; 200]].concat();
        let rows = Rows::new(2, far.clone()).unwrap().with_weights(weights).unwrap();
        let fit = small("nsf-gmm");
        let model = fit.model(&rows).unwrap();
        model.initialise(&rows).unwrap();
        let scale = model.params().get("standardise.scale").unwrap();
        let scale = to_f64(scale.var().as_tensor()).unwrap();
        assert!(scale.iter().all(|s| (0.9..1.1).contains(s)), "{light}: {scale:?}");
        let alone = fit.model(&Rows::new(2, near.clone()).unwrap()).unwrap();
        let components = model.spec().flow.base.of::<GaussianMixtureConfig>().unwrap().components;
        assert_eq!(model.spec().flow.base, alone.spec().flow.base, "{light}: {components}");
        let here = Rows::new(2, vec![0.0, 0.0]).unwrap();
        // The standard normal at its mean is e^−1.838.
        let log_prob = model.log_prob_rows(&here, &workers()).unwrap()[0];
        assert!((log_prob + 1.838).abs() < 0.3, "{light}: {log_prob}");
    }
}

/// A weight of two is the row twice, from the standardisation on.
#[test]
fn weights_are_repetitions_at_the_start() {
    let points = normals(500, 2);
    let weights: Vec<f64> = (0..500).map(|i| f64::from(1 + i % 3)).collect();
    let repeated: Vec<f64> =
        points.chunks(2).zip(&weights).flat_map(|(point, w)| point.repeat(*w as usize)).collect();
    let rows = Rows::new(2, points).unwrap().with_weights(weights).unwrap();
    let scales = |rows: &Rows| {
        let model = small("nsf-ar").model(rows).unwrap();
        model.initialise(rows).unwrap();
        ["standardise.mean", "standardise.scale"]
            .map(|name| to_f64(model.params().get(name).unwrap().var().as_tensor()).unwrap())
            .concat()
    };
    let (by_weight, by_rows) = (scales(&rows), scales(&Rows::new(2, repeated).unwrap()));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
    assert!(by_weight.iter().zip(&by_rows).all(near), "{by_weight:?} {by_rows:?}");
}

/// A row of a fill value among those held out: named by its number in the table, and the rest chooses.
#[test]
fn an_impossible_held_out_row_is_named() {
    let rows = Rows::new(2, normals(240, 2)).unwrap();
    let mut odd = normals(40, 2);
    odd[10] = 9.97e36;
    let valid = Rows::new(2, odd).unwrap().with_numbers((300..340).collect()).unwrap();
    let parts = Parts { train: &rows, valid: Some(&valid), test: Some(&valid) };
    let mut ears = Ears::default();
    let (model, outcome) = small("nsf-ar").run(parts, None, &workers(), &mut ears).unwrap();
    assert!(outcome.state.best().is_some(), "selection goes on");
    assert!(
        ears.warnings.iter().any(|w| w.contains("row 306 of the table")),
        "{:?}",
        ears.warnings
    );
    let training = model.spec().training.clone().unwrap();
    assert_eq!(training.valid_log_likelihood, Some(f64::NEG_INFINITY), "honest");
    assert_eq!((training.unjudged.valid, training.unjudged.test), (1, 1));
    let judged = training.history.last().unwrap();
    assert!(judged.valid_loss.is_some_and(f64::is_finite) && judged.unjudged == 1);
    // What is not finite comes back from the file.
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let loaded = diffeo_flows::model::Model::load(&path, &candle_core::Device::Cpu).unwrap();
    assert_eq!(loaded.spec(), model.spec());
}
