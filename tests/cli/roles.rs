//! Columns to model, to be given, and to weigh by; supports.

use super::{Bench, TINY, csv};

/// `y` follows `c`, `p` is positive, `w` is 1, 2 or 3.
fn table() -> String {
    csv(
        &[
            ("c", |i| 2.0 * (0.77 * i).sin()),
            ("y", |i| 5.0 * (0.77 * i).sin() + 0.1 * (3.3 * i).cos()),
            ("p", |i| (1.5 * (2.9 * i).sin()).exp()),
            ("w", |i| 1.0 + i % 3.0),
        ],
        400,
    )
}

#[test]
fn a_conditional_weighted_bounded_fit_works_end_to_end() {
    let bench = Bench::new();
    bench.write("data.csv", table());
    let tiny = TINY.replace("--no-plots", "");
    let roles = "--columns y,p --given c --weight w --support p=positive";
    let report = bench.run(&format!("fit data.csv {tiny} {roles} -o run --json")).good().json();
    assert_eq!(report["features"], 2);
    assert!(bench.exists("run/density.png") && !bench.exists("run/flow.png"));
    let info = bench.run("info run --json").good().json();
    assert_eq!(info["given"], serde_json::json!(["c"]));
    assert_eq!(info["data"]["weight"], "w");

    bench.write("given.csv", "c\n-1.5\n0\n1.5\n");
    let said = bench.run("sample run --given given.csv").good();
    assert_eq!(said.out.lines().next(), Some("y,p"));
    assert_eq!(said.out.lines().count(), 4);
    assert!(said.numbers().chunks(2).all(|row| row[1] > 0.0), "p stays in its support: {said:?}");
    bench.run("sample run -n 3").refused(&["c", "--given"]);
    bench.run("sample run -n 4 --given given.csv").refused(&["-n 4", "3 rows"]);

    let evaluation = bench.run("evaluate run data.csv --json").good().json();
    assert_eq!(evaluation["rows"], 400);
    bench.run("log-prob run given.csv").refused(&["given.csv", "'y'"]);
    bench.run("plot density run -o density.png").refused(&["--data"]);
    bench.run("plot density run --data data.csv -o density.png").good();
}

#[test]
fn a_point_outside_a_support_has_no_density() {
    let bench = Bench::new();
    bench.write("data.csv", table());
    for (support, outside) in [("positive", "-1"), ("positive-softplus", "-1"), ("0:9", "9.5")] {
        let fit = format!("fit data.csv {TINY} --columns p --support p={support} -o run --force");
        bench.run(&fit).good();
        let said = bench.run_on("log-prob run -", format!("p\n{outside}\n1\n")).good();
        let values = said.numbers();
        assert!(values[0] == f64::NEG_INFINITY && values[1].is_finite(), "{support}: {said:?}");
    }
    let refused = bench.run(&format!("fit data.csv {TINY} --columns p --support p=0:2 -o no"));
    refused.refused(&["column p", "support"]);
}

#[test]
fn the_context_matters_and_is_found_by_name() {
    let bench = Bench::new();
    bench.write("data.csv", table());
    let fit = "fit data.csv --columns y --given c --steps 150 --evaluate-every 50 --layers 1 \
               --hidden 16 --no-plots -o run";
    bench.run(fit).good();
    let at =
        |c: &str| bench.run_on("log-prob run -", format!("c,y\n{c},4.5\n")).good().numbers()[0];
    assert!(at("1.8") > at("-1.8") + 2.0, "y is near 4.5 when c is near 1.8");
}

#[test]
fn rows_of_weight_nought_are_as_good_as_absent() {
    let bench = Bench::new();
    let (mut all, mut kept) = ("x,w\n".to_owned(), "x,w\n".to_owned());
    for i in 0..900 {
        let row = format!("{},{}\n", (1.3 * f64::from(i)).sin() + f64::from(i % 5), i % 3);
        all.push_str(&row);
        if i % 3 > 0 {
            kept.push_str(&row);
        }
    }
    bench.write("all.csv", all);
    bench.write("kept.csv", kept);
    let mean = |name: &str| {
        let fit = format!("fit {name}.csv {TINY} --weight w -o {name} --json");
        bench.run(&fit).good().json()
    };
    let (all, kept) = (mean("all"), mean("kept"));
    assert_eq!(all["rows"]["train"], 480);
    assert_eq!(all["log_likelihood"], kept["log_likelihood"]);
    let evaluated = |model: &str, data: &str| {
        let said = bench.run(&format!("evaluate {model} {data}.csv --json")).good();
        said.json()["log_likelihood"].clone()
    };
    assert_eq!(evaluated("all", "all"), evaluated("all", "kept"));
}

#[test]
fn columns_have_one_role_and_exist() {
    let bench = Bench::new();
    bench.write("data.csv", table());
    for (roles, words) in [
        ("--columns q", ["'q'", "c, y, p, w"]),
        ("--given cc", ["'cc'", "did you mean 'c'"]),
        ("--weight ww", ["'ww'", "did you mean 'w'"]),
        ("--columns y,c --given c", ["'c'", "one role"]),
        ("--columns y,w --weight w", ["'w'", "one role"]),
        ("--weight y", ["'y'", "negative"]),
        ("--support q=positive", ["--support q=positive", "`q`"]),
        ("--support y=round", ["--support y=round", "LOW:HIGH"]),
        ("--support y=3:1", ["support", "higher"]),
    ] {
        bench.run(&format!("fit data.csv {TINY} {roles} -o no")).refused(&words);
    }
}

/// Arrays have no column names, and a model of some of their columns still finds its own.
#[test]
fn roles_hold_for_tables_without_names() {
    let bench = Bench::new();
    bench.run("toy two-moons -n 400 -o rows.npy").good();
    bench.run("toy two-moons -n 400 -o rows.csv").good();
    bench.run(&format!("fit rows.npy {TINY} --columns x2 --given x1 -o run")).good();
    let array = bench.run("log-prob run rows.npy").good().numbers();
    let text = bench.run("log-prob run rows.csv").good().numbers();
    assert_eq!(array, text);
}

/// log p(x2 | x1) is not to be compared with log p(x1, x2).
#[test]
fn a_model_of_less_than_a_toy_has_no_truth_to_be_compared_with() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {TINY} --columns x2 --given x1 -o run")).good();
    let evaluation = bench.run("evaluate run two-moons --rows 100 --json").good().json();
    assert!(evaluation["kl_to_truth"].is_null(), "{evaluation}");
}

#[test]
fn a_row_outside_its_support_is_named_wherever_it_falls() {
    let bench = Bench::new();
    let mut table = csv(&[("p", |i| 1.0 + (1.1 * i).sin()), ("q", |i| (0.3 * i).cos())], 100);
    table.push_str("-1,0\n");
    bench.write("data.csv", table);
    for seed in 0..4 {
        let fit = format!("fit data.csv {TINY} --support p=positive --seed {seed} -o run{seed}");
        bench.run(&fit).refused(&["row 101", "column p", "-1"]);
    }
}

#[test]
fn a_table_without_names_has_the_columns_of_the_model_and_no_others() {
    let bench = Bench::with_model();

    bench.run("toy two-moons -n 50 --log-prob -o three.npy").good();
    let words = ["three.npy: 3 columns without names, expected 2: x1, x2"];
    for command in ["log-prob run three.npy", "evaluate run three.npy", "check run three.npy"] {
        bench.run(command).refused(&words);
    }
    let fit = format!("fit three.npy {TINY} --columns x1,x3 -o chosen");
    bench.run(&fit).good();
    bench.run("log-prob chosen three.npy").good();
}
