//! `outliers`: the ranking, its p-values, labels and what is refused.

use super::{Bench, TINY, numbers};

/// Two moons with three rows far away, the first, fifth and last.
fn table() -> (String, usize) {
    let bench = Bench::new();
    let rows = bench.run("toy two-moons -n 40 --seed 8").good().out;
    let mut lines: Vec<String> = rows.lines().skip(1).map(|line| format!("{line},0")).collect();
    lines.insert(0, "9,9,1".to_owned());
    lines.insert(4, "-7,3,1".to_owned());
    lines.push("0,-8,1".to_owned());
    let count = lines.len();
    (format!("x1,x2,odd\n{}\n", lines.join("\n")), count)
}

#[test]
fn unusual_rows_come_first() {
    let bench = Bench::with_model();
    let (text, count) = table();
    bench.write("rows.csv", &text);
    let said = bench.run("outliers run rows.csv --labels odd").good();
    assert_eq!(said.out.lines().next(), Some("row,log_prob,p_value,odd"));
    let ranked = said.numbers();
    let rows: Vec<&[f64]> = ranked.chunks(4).collect();
    assert_eq!(rows.len(), count);
    let mut first: Vec<f64> = rows[..3].iter().map(|r| r[0]).collect();
    first.sort_by(f64::total_cmp);
    assert_eq!(first, [1.0, 5.0, count as f64]);
    assert!(rows[..3].iter().all(|r| r[3] > 0.5) && rows[3..].iter().all(|r| r[3] < 0.5));
    assert!(rows.windows(2).all(|pair| pair[0][1] <= pair[1][1] && pair[0][2] <= pair[1][2]));
    // 40 rows were held out to test: nothing is rarer than one in 41.
    assert!(rows[..3].iter().all(|r| (r[2] - 1.0 / 41.0).abs() < 1e-12), "{ranked:?}");
    let of_rows = bench.run("log-prob run rows.csv").good().numbers();
    assert!(rows.iter().all(|r| (of_rows[r[0] as usize - 1] - r[1]).abs() < 1e-12));
    assert!(said.err.contains("ROC AUC 1.0000") && said.err.contains("40 test rows"), "{said:?}");

    let json = bench.run("outliers run rows.csv --labels odd --top 2 --json").good().json();
    assert_eq!((&json["auc"], &json["rows"]), (&1.0.into(), &count.into()));
    assert_eq!(json["held_out"], serde_json::json!({"rows": 40, "from": "test"}));
    assert_eq!(json["outliers"].as_array().unwrap().len(), 2);
    let plain = bench.run("outliers run rows.csv --json").good().json();
    assert!(plain["auc"].is_null() && plain["outliers"][0]["label"].is_null(), "{plain}");
}

#[test]
fn p_values_are_those_of_the_rows_compared_with() {
    let bench = Bench::with_model();
    bench.run("toy two-moons -n 60 --seed 2 -o rows.csv").good();
    bench.run("toy two-moons -n 500 --seed 3 -o held.csv").good();
    let against = bench.run("log-prob run held.csv").good().numbers();
    let said = bench.run("outliers run rows.csv --against held.csv --alpha 0.2").good();
    assert_eq!(said.out.lines().next(), Some("row,log_prob,p_value,outlier"));
    let ranked = said.numbers();
    for row in ranked.chunks(4) {
        let expected = (1 + against.iter().filter(|l| **l <= row[1]).count()) as f64 / 501.0;
        assert!((row[2] - expected).abs() < 1e-12, "{row:?} {expected}");
    }
    let found = ranked.chunks(4).filter(|r| r[3] > 0.5).count();
    assert!(found <= 6, "{found} of 60 rows like all others");
    let (text, _) = table();
    bench.write("odd.csv", text);
    let said = bench.run("outliers run odd.csv --against held.csv --alpha 0.2").good();
    assert!(said.numbers().chunks(4).take(3).all(|r| r[3] > 0.5), "{said:?}");
    // 43 rows at 0.02 need 43 / (0.02 · 501) = 4.3 of the lowest p-value.
    let said = bench.run("outliers run odd.csv --against held.csv --alpha 0.02").good();
    assert!(said.numbers().chunks(4).all(|r| r[3] < 0.5), "{said:?}");
    assert!(said.err.contains("5 or more must be rarer than all 500"), "{said:?}");
}

#[test]
fn a_ranking_goes_into_files_and_labels_come_from_them() {
    let bench = Bench::with_model();
    let (text, count) = table();
    bench.write("rows.csv", &text);
    let labels: String =
        text.lines().map(|line| line.rsplit(',').next().unwrap().to_owned() + "\n").collect();
    bench.write("labels.csv", labels.replace("odd", "anything"));
    let ranking = bench.run("outliers run rows.csv --labels labels.csv").good();
    assert!(ranking.out.starts_with("row,log_prob,p_value,label\n"), "{ranking:?}");
    for name in ["ranking.csv", "ranking.npy", "ranking.parquet"] {
        let command = format!("outliers run rows.csv --labels odd --top 4 -o {name} --json");
        assert_eq!(bench.run(&command).good().json()["file"], name);
        assert!(bench.exists(name), "{name}");
        bench.run(&command).refused(&[name, "--force"]);
    }
    assert_eq!(numbers(&bench.text("ranking.csv")).len(), 16);
    // A model file by itself knows its held-out rows, and arrays have no names.
    std::fs::rename(bench.path("run/model.safetensors"), bench.path("alone")).unwrap();
    bench.run("toy two-moons -n 30 -o rows.npy").good();
    let said = bench.run("outliers alone rows.npy").good();
    assert_eq!(said.numbers().len(), 90);
    assert_eq!(ranking.numbers().len(), 4 * count);
}

#[test]
fn models_without_held_out_rows_need_some() {
    let bench = Bench::new();
    bench.run(&format!("fit two-moons {TINY} --test 0 --valid 0 -o none")).good();
    bench.run("outliers none two-moons").refused(&["none", "held-out rows", "--against"]);
    bench.run("outliers none two-moons --against two-moons --top 3").good();
    bench.run(&format!("fit two-moons {TINY} --test 0 -o valid")).good();
    let said = bench.run("outliers valid two-moons --json").good();
    assert_eq!(said.json()["held_out"]["from"], "valid");
    assert!(said.err.contains("chose the model's weights"), "{said:?}");
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let bench = Bench::with_model();
    bench.write("rows.csv", "x1,x2,odd,two\n1,2,0,2\n2,1,0,0\n0,0,0,1\n");
    bench.write("short.csv", "odd\n0\n1\n");
    for (arguments, words) in [
        ("rows.csv --labels even", ["'even'", "odd"]),
        ("rows.csv --labels two", ["row 1, column 'two'", "the label is 2"]),
        ("rows.csv --labels odd", ["0 of 3", "both kinds"]),
        ("rows.csv --labels short.csv", ["short.csv", "3 rows"]),
        ("rows.csv --top 0", ["--top 0", "at least 1"]),
        ("rows.csv --alpha 1.5", ["--alpha 1.5", "between 0 and 1"]),
        ("- --against -", ["stdin", "only one"]),
        ("none.csv", ["none.csv", "no such file"]),
    ] {
        bench.run(&format!("outliers run {arguments}")).refused(&words);
    }
}

/// A table of a whole number and a category, with one row that no other is like.
fn counted() -> String {
    let row =
        |i: usize| format!("{},{}", i * 7 % 4, if i.is_multiple_of(3) { "red" } else { "blue" });
    let mut lines: Vec<String> = (0..300).map(row).collect();
    lines[100] = "30,blue".to_owned();
    format!("n,colour\n{}\n", lines.join("\n"))
}

/// Rows with equal values are equally unusual, and as probable as `log-prob` says.
#[test]
fn whole_numbers_and_categories_are_ranked_by_their_probabilities() {
    let bench = Bench::new();
    bench.write("train.csv", counted().replace("30,blue", "3,blue"));
    bench.write("rows.csv", counted());
    let tiny = TINY.replace("--rows 400", "--test 0.2");
    bench.write(
        "kinds.toml",
        "[columns.n]\nkind = \"integer\"\nlow = 0\nhigh = 30\n[columns.colour]\nkind = \"category\"\n\
         labels = [\"red\", \"blue\"]\n",
    );
    bench.run(&format!("fit train.csv {tiny} --schema kinds.toml --seed 3 -o run")).good();
    let said = bench.run("outliers run rows.csv").good();
    assert!(said.out.lines().nth(1).unwrap().starts_with("101,"), "{}", said.out);
    let ranked = said.numbers();
    let of_rows = bench.run("log-prob run rows.csv --seed 3").good().numbers();
    for row in ranked.chunks(3) {
        assert!((of_rows[row[0] as usize - 1] - row[1]).abs() < 1e-9, "{row:?}");
    }
    // The 60 rows held out are of 8 kinds, as these are: at most 8 p-values, and one of the rare row.
    let mut p_values: Vec<f64> = ranked.chunks(3).map(|row| row[2]).collect();
    p_values.sort_by(f64::total_cmp);
    p_values.dedup();
    assert!(p_values.len() <= 9, "{p_values:?}");
    bench.run("outliers run rows.csv --against rows.csv --labels none").refused(&["'none'"]);
}

#[test]
fn the_rows_of_a_toy_are_neither_those_of_the_fit_nor_those_compared_with() {
    let bench = Bench::with_model();
    let values = |command: &str| {
        let said = bench.run(command).good();
        let mut values: Vec<f64> = said.numbers().chunks(3).map(|row| row[1]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let ranked = values("outliers run two-moons --against two-moons");
    let mut fitted = bench.run("log-prob run two-moons").good().numbers();
    fitted.sort_by(f64::total_cmp);
    assert!(ranked != fitted, "the rows of the fit");
    let said = bench.run("outliers run two-moons --against two-moons").good().numbers();
    // Of rows compared with themselves, the k-th has p-value (k + 1) / (m + 1).
    let itself = said.chunks(3).enumerate();
    let same = itself.filter(|(k, row)| (row[2] - (*k as f64 + 2.0) / 10_001.0).abs() < 1e-9);
    // Of two samples of one distribution, some 2√(n / 4π) ranks agree: 56 of 10,000.
    assert!(same.count() < 500);
}
