use super::flows::{Case, cases};
use super::gradients::{batch, fast_loss};
use super::pair::{Pair, ROWS, levels, normals};
use diffeo_flows::Workers;
use diffeo_flows::config::Sizes;
use diffeo_flows::engine::Engine;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::params::to_f64;
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;

const THREADS: [usize; 3] = [1, 2, 7];
/// Rows of many chunks, the last one short.
const MANY: usize = 2500;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn losses_and_gradients_do_not_depend_on_the_threads() {
    let wanted = |case: &Case| {
        case.config.features == 7
            && ["realnvp", "glow", "maf", "nsf", "nsf-gmm"].contains(&&*case.kind)
    };
    let pairs: Vec<Pair> = cases().into_iter().filter(wanted).map(Pair::new).collect();
    assert_eq!(pairs.len(), 5);
    for (pair, level) in pairs.iter().flat_map(|pair| levels().into_iter().map(move |l| (pair, l)))
    {
        for rows in [ROWS, MANY] {
            let batch = batch(pair, rows);
            let [one, two, seven] = THREADS.map(|threads| {
                let workers = Workers::new(threads).unwrap();
                let (loss, losses, gradient) = fast_loss(pair, level, &batch, &workers);
                [bits(&[loss]), bits(&losses), bits(&gradient)]
            });
            assert!(one == two && one == seven, "{}", pair.what(level, &format!("{rows} rows")));
        }
    }
}

#[test]
fn a_fit_does_not_depend_on_the_threads() {
    let rows = |n, seed| Rows::new(3, to_f64(&normals(n, 3, seed)).unwrap()).unwrap();
    let (train, valid) = (rows(1500, 1), rows(700, 2));
    for name in ["nsf", "glow", "nsf-ar", "nsf-gmm"] {
        let mut fit = Fit::new(name).unwrap();
        let sizes = Sizes { layers: Some(2), hidden: Some(vec![20, 20]), ..Sizes::default() };
        fit.recipe = fit.recipe.with_sizes(&sizes).unwrap();
        fit.recipe.components_up_to = fit.recipe.components_up_to.map(|_| 4);
        fit.engine = Engine::Fast;
        fit.config.steps = 20;
        fit.config.evaluate_every = 10;
        let [one, two, seven] = THREADS.map(|threads| {
            let workers = Workers::new(threads).unwrap();
            let parts = Parts { train: &train, valid: Some(&valid), test: None };
            let (model, outcome) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
            let log_prob = model.log_prob_rows(&valid, &workers).unwrap();
            let sample = model.sample_rows(100, None, 5, &workers).unwrap();
            let weights = model.params().read_flat().unwrap();
            ([bits(&weights), bits(&log_prob), bits(&sample)], outcome)
        });
        assert!(one == two && one == seven, "{name}");
    }
}
