//! Settings of continuous flows, from flags and files.

use super::{Bench, TINY};

/// Every setting of the likelihood, and of flow matching.
const LIKELIHOOD: &str = "--flow ffjord --solver bosh3 --train-tolerance 0.01 --atol 1e-4 \
    --rtol 1e-3 --divergence hutchinson --probe gaussian --probes 5 --kinetic 0.02 --jacobian 0.03";
const MATCHING: &str = "--flow flow-matching --solver rk4 --solver-steps 6 --divergence hutch++ \
    --probes 6 --path variance-preserving --pairing sinkhorn:0.07";

#[test]
fn a_run_folder_shows_the_field_and_what_it_costs() {
    for flow in ["ffjord", "flow-matching"] {
        let bench = Bench::new();
        let small = "--rows 400 --steps 20 --evaluate-every 10 --hidden 8";
        let said = bench.run(&format!("fit two-moons --flow {flow} {small} -o run --json")).good();
        let report = said.json();
        for of in ["log_prob", "sample"] {
            let count = report["evaluations"][of].as_u64();
            assert!(count.is_some_and(|n| (2..1000).contains(&n)), "{report}");
        }
        assert_eq!(report["flow"], flow);
        for name in ["field.png", "flow.png"] {
            let picture = bench.bytes(&format!("run/{name}"));
            assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{flow}, {name}");
        }
        let info = bench.run("info run --json").good().json();
        assert_eq!(info["training"]["evaluations"], report["evaluations"]);
    }
}

#[test]
fn settings_reach_the_model() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {TINY} {LIKELIHOOD} -o likelihood")).good();
    let info = bench.run("info likelihood --json").good().json();
    let (layer, objective) = (&info["flow"]["layers"][0], &info["objective"]);
    let reported = serde_json::json!({"method": "bosh3", "absolute": 1e-4, "relative": 1e-3});
    assert_eq!(layer["solver"], reported);
    let hutchinson = serde_json::json!({"kind": "hutchinson", "probe": "gaussian", "probes": 5});
    assert_eq!(layer["divergence"], hutchinson);
    let training = serde_json::json!({"method": "bosh3", "absolute": 0.01, "relative": 0.01});
    assert_eq!(objective["solver"], training);
    assert_eq!(objective["divergence"]["probe"], "gaussian");
    assert_eq!((&objective["kinetic"], &objective["jacobian"]), (&0.02.into(), &0.03.into()));

    bench.run(&format!("fit two-moons {TINY} {MATCHING} -o matching")).good();
    let info = bench.run("info matching --json").good().json();
    let layer = &info["flow"]["layers"][0];
    assert_eq!((&layer["solver"]["method"], &layer["solver"]["steps"]), (&"rk4".into(), &6.into()));
    assert_eq!(layer["divergence"], serde_json::json!({"kind": "hutch-plus-plus", "probes": 6}));
    assert_eq!(info["objective"]["path"], "variance-preserving");
    assert_eq!(info["objective"]["pairing"]["regularisation"], 0.07);
}

#[test]
fn a_continuous_run_is_repeated_from_the_settings_in_its_folder() {
    for (flags, keys) in [
        (LIKELIHOOD, &["train-tolerance = 0.01", "probe = \"gaussian\"", "jacobian = 0.03"][..]),
        (MATCHING, &["pairing = \"sinkhorn:0.07\"", "divergence = \"hutch++\""]),
    ] {
        let bench = Bench::new();
        let more = "--seed 5 --warmup 0 --average-decay 0 --valid 0";
        bench.run(&format!("fit two-moons {TINY} {more} {flags} -o first")).good();
        for key in keys {
            assert!(bench.text("first/config.toml").contains(key), "{key}");
        }
        bench.run("fit --config first/config.toml -o second").good();
        assert!(bench.bytes("first/model.safetensors") == bench.bytes("second/model.safetensors"));
        assert_eq!(bench.text("first/config.toml"), bench.text("second/config.toml"));
        let name = flags.split_whitespace().nth(1).unwrap();
        bench.run(&format!("fit two-moons {TINY} {more} --flow {name} -o third")).good();
        assert!(bench.bytes("first/model.safetensors") != bench.bytes("third/model.safetensors"));
    }
}

#[test]
fn settings_that_do_not_apply_or_cannot_be_used() {
    let bench = Bench::new();
    for (settings, words) in [
        ("--flow nsf --kinetic 0.1", ["kinetic", "ffjord"]),
        ("--kinetic 1", ["kinetic", "ffjord"]),
        ("--flow maf --solver rk4", ["solver", "flow-matching"]),
        ("--flow nsf --pairing independent", ["pairing", "flow-matching"]),
        ("--flow ffjord --path straight", ["path", "flow-matching"]),
        ("--flow flow-matching --train-tolerance 1e-3", ["train-tolerance", "ffjord"]),
        ("--flow ffjord --bins 4", ["bins", "no splines"]),
        ("--flow ffjord --solver foo", ["--solver", "tsit5"]),
        ("--flow ffjord --solver rk4 --train-tolerance 1e-3", ["solver", "rk4 estimates no error"]),
        ("--flow ffjord --atol 0", ["atol", "positive"]),
        ("--flow flow-matching --rtol -1", ["rtol", "positive"]),
        ("--flow ffjord --train-tolerance nan", ["train-tolerance", "positive"]),
        ("--flow flow-matching --solver-steps 0", ["solver-steps", "at least 1"]),
        ("--flow ffjord --probe foo", ["--probe", "rademacher"]),
        ("--flow ffjord --probes 0", ["probes", "at least 1"]),
        ("--flow ffjord --divergence hutch++ --probes 2", ["probes", "at least 3"]),
        ("--flow ffjord --jacobian -1", ["jacobian", "positive"]),
        ("--flow flow-matching --path foo", ["--path", "variance-preserving"]),
        ("--flow flow-matching --pairing sinkhorn:-1", ["--pairing", "positive"]),
        ("--flow flow-matching --pairing foo", ["--pairing", "optimal-transport"]),
    ] {
        bench.run(&format!("fit two-moons {settings} -o no")).refused(&words);
        assert!(!bench.exists("no"), "{settings}");
    }
    bench.write("settings.toml", "flow = 'flow-matching'\npairing = 'sinkhorn:-1'");
    bench.run("fit two-moons --config settings.toml -o no").refused(&["regularisation"]);
    bench.write("settings.toml", "flow = 'ffjord'\nsolver = 'foo'");
    bench.run("fit two-moons --config settings.toml -o no").refused(&["settings.toml", "foo"]);
}
