//! Simpler densities beside a model: fitted with it, kept in its folder, raced by `evaluate`.

use super::{Bench, TINY, csv, keys};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_fit_leaves_baselines_and_evaluate_races_them() {
    let bench = Bench::new();
    let fitted = bench.run(&format!("fit two-moons {TINY} -o run --json")).good().json();
    assert_eq!(keys(&fitted["baselines"]), ["gaussian", "gmm", "kde"]);
    for name in ["gaussian", "gmm", "kde"] {
        assert!(number(&fitted["baselines"][name]) < 0.0, "{fitted}");
    }
    let e = bench.run("evaluate run two-moons --rows 3000 --json").good().json();
    assert_eq!(keys(&e["advantage"]), ["gaussian", "gmm", "kde"]);
    for name in ["gaussian", "gmm", "kde"] {
        let advantage = &e["advantage"][name];
        let mean = number(&advantage["mean"]);
        let difference = number(&e["log_likelihood"]["mean"]) - number(&e["baselines"][name]);
        assert!((mean - difference).abs() < 1e-9, "{name}: {e}");
        let error = number(&advantage["standard_error"]);
        let [low, high] = [0, 1].map(|i| number(&advantage["interval"][i]));
        assert!(
            (high - mean - 1.96 * error).abs() < 1e-9 && (mean - low - 1.96 * error).abs() < 1e-9
        );
    }
    // Both know the moons, which a single Gaussian does not.
    let means = &e["baselines"];
    assert!(number(&means["gmm"]) > number(&means["gaussian"]) + 0.5, "{e}");
    assert!(number(&means["kde"]) > number(&means["gaussian"]) + 0.5, "{e}");
    let text = bench.run("evaluate run two-moons --rows 3000").good().out;
    for words in ["full Gaussian", "Gaussian mixture", "kernel estimate", "the model is worth it"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let info = bench.run("evaluate run/model.safetensors two-moons --rows 3000 --json").good();
    assert_eq!(info.json()["baselines"], e["baselines"], "a file has its folder's baselines");
}

#[test]
fn without_their_file_baselines_are_null_and_a_note_says_so() {
    let bench = Bench::with_model();
    std::fs::rename(bench.path("run/baselines.safetensors"), bench.path("kept")).unwrap();
    let said = bench.run("evaluate run two-moons --rows 300 --json").good();
    assert!(said.json()["baselines"]["gmm"].is_null() && said.json()["advantage"]["kde"].is_null());
    assert!(said.json()["advantage"]["gaussian"]["mean"].is_f64(), "{said:?}");
    assert!(said.err.contains("baselines.safetensors"), "{said:?}");

    bench.run(&format!("fit two-moons {TINY} --seed 1 -o other")).good();
    std::fs::copy(bench.path("kept"), bench.path("other/baselines.safetensors")).unwrap();
    bench.run("evaluate other two-moons --rows 300").refused(&["baselines", "another fit"]);
    let mut bytes = bench.bytes("kept");
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    bench.write("run/baselines.safetensors", bytes);
    bench.run("evaluate run two-moons --rows 300").refused(&["baselines.safetensors", "corrupted"]);
}

#[test]
fn baselines_do_not_depend_on_the_threads() {
    let bench = Bench::new();
    let file = |threads: usize| {
        let name = format!("t{threads}");
        let fit = format!("fit two-moons {TINY} --rows 3000 --threads {threads} -o {name}");
        bench.run(&fit.replace("--rows 400 ", "")).good();
        bench.bytes(&format!("{name}/baselines.safetensors"))
    };
    assert!(file(1) == file(3));
}

#[test]
fn weights_count_in_the_kernels_and_leave_out_the_mixture() {
    let bench = Bench::new();
    bench.write("data.csv", csv(&[("x", |i| (0.77 * i).sin()), ("w", |i| 1.0 + i % 3.0)], 400));
    let said = bench.run(&format!("fit data.csv {TINY} --weight w -o run --json")).good();
    assert!(said.err.contains("no Gaussian mixture: the rows have weights"), "{said:?}");
    // Pictures that count rows once are not drawn of rows with weights.
    for kind in ["calibration", "scores", "residual"] {
        let plot = format!("plot {kind} run --data data.csv -o {kind}.png");
        bench.run(&plot).refused(&["weights", "evaluate"]);
    }
    assert!(said.json()["baselines"]["gmm"].is_null() && said.json()["baselines"]["kde"].is_f64());
    let said = bench.run("evaluate run data.csv --json").good();
    assert!(said.json()["baselines"]["gmm"].is_null() && said.err.contains("weights"), "{said:?}");
}

#[test]
fn a_row_that_a_baseline_calls_impossible_is_said() {
    let bench = Bench::new();
    bench.write("data.csv", csv(&[("p", |i| (1.5 * (2.9 * i).sin()).exp())], 400));
    bench.run(&format!("fit data.csv {TINY} --support p=positive -o run")).good();
    bench.write("more.csv", "p\n1\n-1\n2\n");
    let said = bench.run("evaluate run more.csv --json").good();
    assert!(said.err.contains("kernel estimate: 1 row has density 0"), "{said:?}");
    assert!(said.json()["baselines"]["kde"].is_null() && said.json()["advantage"]["kde"].is_null());
    let inside = bench.run_on("evaluate run - --json", "p\n1\n0.5\n2\n").good().json();
    assert!(inside["baselines"]["kde"].is_f64() && inside["advantage"]["gmm"].is_object());
}

#[test]
fn damaged_baselines_are_said_to_be_left_out() {
    let bench = Bench::with_model();
    let bytes = bench.bytes("run/baselines.safetensors");
    bench.write("run/baselines.safetensors", &bytes[..bytes.len() - 9]);
    let said = bench.run(&format!("fit two-moons {TINY} -o run --resume --json")).good();
    assert!(said.err.contains("warning: the baselines are left out"), "{said:?}");
    assert!(said.json()["baselines"]["kde"].is_null(), "{said:?}");
}
