//! Broken off, resumed, on any number of threads: the same bits.

use crate::checkpoint::{bits, fit, resumes, rows};
use diffeo_flows::Workers;
use diffeo_flows::calculus::Probe;
use diffeo_flows::config::{ContinuousSettings, DivergenceKind, Sizes};
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::Precision;
use diffeo_flows::pairing::Pairing;
use diffeo_flows::train::Quiet;

/// Random probes in training and both penalties.
fn likelihood(dtype: Precision) -> Fit {
    let settings = ContinuousSettings {
        solver_steps: Some(3),
        divergence: Some(DivergenceKind::Hutchinson),
        probe: Some(Probe::Gaussian),
        probes: Some(2),
        kinetic: Some(0.05),
        jacobian: Some(0.05),
        ..ContinuousSettings::default()
    };
    small("ffjord", dtype, &settings)
}

/// Random times and latent points, matched within a batch.
fn matching(dtype: Precision, pairing: Pairing) -> Fit {
    let pairing = Some(pairing);
    small("flow-matching", dtype, &ContinuousSettings { pairing, ..ContinuousSettings::default() })
}

fn small(flow: &str, dtype: Precision, settings: &ContinuousSettings) -> Fit {
    let mut fit = fit(flow, dtype);
    let sizes = Sizes { layers: Some(1), hidden: Some(vec![8]), ..Sizes::default() };
    fit.recipe = fit.recipe.with_sizes(&sizes).unwrap().with_continuous(settings).unwrap();
    fit
}

#[test]
fn a_likelihood_with_probes_and_penalties_resumes_to_the_same_bits() {
    resumes(&likelihood(Precision::F32), false);
    resumes(&likelihood(Precision::F64), true);
}

#[test]
fn flow_matching_of_matched_points_resumes_to_the_same_bits() {
    resumes(&matching(Precision::F32, Pairing::OptimalTransport), false);
    resumes(&matching(Precision::F64, Pairing::Independent), true);
    resumes(&matching(Precision::F32, Pairing::Sinkhorn { regularisation: 0.1 }), false);
}

/// Pairs chosen by distance do not know which context or weight a row has.
#[test]
fn matched_points_are_refused_given_a_context() {
    let fit = matching(Precision::F32, Pairing::OptimalTransport);
    let rows = rows(100, true);
    let parts = Parts { train: &rows, valid: None, test: None };
    let refused = fit.run(parts, None, &Workers::new(1).unwrap(), &mut Quiet).map(|_| ());
    assert!(refused.unwrap_err().to_string().starts_with("pairing:"));
}

/// Batches of several chunks on either tier.
#[test]
fn weights_and_densities_do_not_depend_on_the_threads() {
    let rows = rows(1700, false);
    let parts = Parts { train: &rows, valid: Some(&rows), test: None };
    for fit in [
        likelihood(Precision::F32),
        likelihood(Precision::F64),
        matching(Precision::F32, Pairing::OptimalTransport),
        matching(Precision::F64, Pairing::OptimalTransport),
    ] {
        let mut fit = fit;
        (fit.config.batch_size, fit.config.steps) = (700, 6);
        let trained = |threads| {
            let workers = Workers::new(threads).unwrap();
            let (model, outcome) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
            let values = model.log_prob_rows(&rows, &workers).unwrap();
            let errors = model.log_prob_with_errors(&rows.take(&[3, 5, 8]), None, &workers);
            (bits(&model), outcome.state, values, errors.unwrap())
        };
        let one = trained(1);
        for threads in [2, 7] {
            assert!(trained(threads) == one, "{}, {threads} threads", fit.name);
        }
    }
}
