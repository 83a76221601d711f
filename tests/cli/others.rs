//! list, info, completions, toy and evaluate.

use super::{Bench, TINY, keys};
use diffeo::flows::config::recipes;
use diffeo::flows::densities::Toy;

#[test]
fn list_names_every_toy_and_flow() {
    let bench = Bench::new();
    let (text, json) = (bench.run("list").good().out, bench.run("list --json").good().json());
    let toys: Vec<&str> = Toy::all().iter().map(|toy| toy.name).collect();
    let flows: Vec<&str> = recipes().unwrap().keys().map(String::as_str).collect();
    assert!(toys.len() == 17 && flows.len() == 13, "{toys:?} {flows:?}");
    for (kind, names) in [("toys", toys), ("flows", flows)] {
        let entries = json[kind].as_array().unwrap();
        assert_eq!(entries.len(), names.len(), "{kind}");
        for name in names {
            assert!(text.contains(&format!("  {name} ")), "{name}");
            let entry = entries.iter().find(|e| e["name"] == name).unwrap();
            assert!(entry["summary"].as_str().unwrap().len() > 8, "{entry}");
        }
    }
}

#[test]
fn every_flow_of_the_list_fits() {
    let bench = Bench::new();
    let json = bench.run("list --json").good().json();
    for flow in json["flows"].as_array().unwrap() {
        let name = flow["name"].as_str().unwrap();
        let said = bench.run(&format!("fit pinwheel {TINY} --flow {name} -o {name} --json"));
        assert_eq!(said.good().json()["flow"], name);
        assert_eq!(bench.run(&format!("sample {name} -n 7")).good().numbers().len(), 14, "{name}");
    }
}

#[test]
fn info_says_what_a_model_is() {
    let bench = Bench::with_model();
    let info = bench.run("info run --json").good().json();
    assert_eq!((&info["recipe"], &info["dtype"]), (&"nsf-gmm".into(), &"f32".into()));
    assert_eq!((&info["data"]["source"], &info["seed"]), (&"two-moons".into(), &0.into()));
    assert_eq!(info["columns"][1]["name"], "x2");
    assert_eq!(info["training"]["steps"], 12);
    assert!(info["parameters"].as_u64().unwrap() > 100);
    let text = bench.run("info run").good().out;
    for word in ["nsf-gmm", "two-moons", "x1, x2", "320 train", "seed", "coupling"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn info_says_which_engine_runs_and_why() {
    let bench = Bench::with_model();
    let engine = |args: &str| bench.run(args).good().json()["engine"].clone();
    let fast = engine("info run --json");
    assert_eq!((&fast["tier"], &fast["reason"]), (&"fast".into(), &serde_json::Value::Null));
    assert!(fast["instructions"].is_string(), "{fast}");
    let asked = engine("info run --engine reference --json");
    assert_eq!((&asked["tier"], &asked["reason"]), (&"reference".into(), &serde_json::Value::Null));
}

#[test]
fn the_fast_engine_refuses_what_it_cannot_run() {
    let bench = Bench::new();
    let fit = "fit two-moons --rows 400 --steps 4 --no-plots --dtype f64 -o double";
    bench.run(&format!("{fit} --engine fast")).refused(&["engine", "single precision"]);
    bench.run(fit).good();
    let info = bench.run("info double --json").good().json();
    assert_eq!(info["engine"]["tier"], "reference");
    assert!(info["engine"]["reason"].as_str().unwrap().contains("single precision"));
    bench.run("sample double -n 3 --engine fast").refused(&["engine", "single precision"]);
}

#[test]
fn completions_know_the_commands() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.run(&format!("completions {shell}")).good().out;
        for word in ["log-prob", "evaluate", "batch-size", "diffeo"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    bench.run("completions none").refused(&["none", "bash"]);
    bench.run("completions bash --json").refused(&["--json", "leave it out"]);
}

#[test]
fn toy_rows_carry_their_true_density() {
    let bench = Bench::new();
    let plain = bench.run("toy eight-gaussians -n 50 --seed 1").good();
    assert_eq!(plain.out.lines().next(), Some("x1,x2"));
    let with = bench.run("toy eight-gaussians -n 50 --seed 1 --log-prob").good();
    assert_eq!(with.out.lines().next(), Some("x1,x2,log_prob"));
    let points: Vec<f64> = with.numbers().chunks(3).flat_map(|r| [r[0], r[1]]).collect();
    assert_eq!(points, plain.numbers());
    let toy = Toy::named("eight-gaussians").unwrap();
    for row in with.numbers().chunks(3) {
        assert!((row[2] - toy.log_prob_at([row[0], row[1]])).abs() < 1e-12);
    }
    bench.run("toy two_moon").refused(&["`two_moon`", "did you mean `two-moons`"]);
    bench.run("toy rings --json").refused(&["--json", "-o"]);
}

#[test]
fn evaluate_prints_the_promised_object() {
    let bench = Bench::with_model();
    let said = bench.run("evaluate run two-moons --rows 3000 --json").good();
    let e = said.json();
    for key in ["baselines", "bits_per_dim", "kl_to_truth", "log_likelihood", "rows", "seconds"] {
        assert!(keys(&e).contains(&key), "{key}");
    }
    assert_eq!(keys(&e["baselines"]), ["gaussian", "gmm", "kde"]);
    assert_eq!(keys(&e["log_likelihood"]), ["mean", "standard_error"]);
    assert_eq!(keys(&e["kl_to_truth"]), ["mean", "standard_error"]);
    assert_eq!(e["rows"], 3000);
    let mean = e["log_likelihood"]["mean"].as_f64().unwrap();
    let bits = -mean / (2.0 * 2f64.ln());
    assert!((e["bits_per_dim"].as_f64().unwrap() - bits).abs() < 1e-12);
    let (kl, error) = (&e["kl_to_truth"]["mean"], &e["kl_to_truth"]["standard_error"]);
    assert!(kl.as_f64().unwrap() > 3.0 * error.as_f64().unwrap(), "hardly trained: {e}");

    bench.run("toy two-moons -n 3000 --seed 5 -o rows.csv").good();
    let of_file = bench.run("evaluate run rows.csv --json").good().json();
    assert!(of_file["kl_to_truth"].is_null(), "a file's truth is not known");
    let values = bench.run("log-prob run rows.csv").good().numbers();
    let expected = values.iter().sum::<f64>() / 3000.0;
    assert!((of_file["log_likelihood"]["mean"].as_f64().unwrap() - expected).abs() < 1e-12);
    let text = bench.run("evaluate run rows.csv").good().out;
    assert!(text.contains("mean log-likelihood") && text.contains('±'), "{text}");
}
