//! `fit --schema`: whole numbers, categories and angles, from the table to the density and back.

use super::{Bench, TINY, numbers};
use std::fmt::Write;

const SCHEMA: &str = "[columns.n]\nkind = \"integer\"\nlow = 0\nhigh = 6\n\
                      [columns.colour]\nkind = \"category\"\nlabels = [\"red\", \"green, dark\", 3]\n\
                      [columns.angle]\nkind = \"circular\"\nlow = 0.0\nhigh = 360.0\n";
const COLOURS: [&str; 3] = ["red", "\"green, dark\"", "3"];

/// Angles lie on both sides of 0, none near 180.
fn angle(i: usize) -> f64 {
    (100.0 * (1.7 * i as f64).sin()).rem_euclid(360.0)
}

fn table(rows: usize) -> String {
    let mut text = "n,colour,angle".to_owned();
    for i in 0..rows {
        let n = (3.0 + 3.4 * (1.3 * i as f64).sin()).round();
        write!(text, "\n{n},{},{}", COLOURS[i * i % 7 % 3], angle(i)).unwrap();
    }
    text + "\n"
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", table(400));
    bench.write("schema.toml", SCHEMA);
    bench
}

/// A model of one of the columns.
fn fitted(column: &str) -> Bench {
    let bench = bench();
    let entry = SCHEMA.split("[columns.").find(|e| e.starts_with(column)).unwrap();
    bench.write("one.toml", format!("[columns.{entry}"));
    bench.run(&format!("fit data.csv --columns {column} --schema one.toml {TINY} -o run")).good();
    bench
}

fn log_prob(bench: &Bench, header: &str, cells: &[String], more: &str) -> Vec<f64> {
    let text = format!("{header}\n{}\n", cells.join("\n"));
    bench.run_on(&format!("log-prob run - {more}"), &text).good().numbers()
}

/// A probability: the values of all that can happen sum to 1. The strata of 1024 draws leave an error
/// far below the tolerance.
#[test]
fn the_probabilities_of_whole_numbers_and_categories_sum_to_one() {
    let all: Vec<String> = (0..=6).map(|n| n.to_string()).collect();
    let labels = COLOURS.map(str::to_owned).to_vec();
    for (column, values) in [("n", all), ("colour", labels)] {
        let bench = fitted(column);
        let found = log_prob(&bench, column, &values, "--draws 1024");
        let sum: f64 = found.iter().map(|v| v.exp()).sum();
        assert!((sum - 1.0).abs() < 3e-3, "{column}: {sum}");
        let few = log_prob(&bench, column, &values, "--errors");
        for (exact, few) in found.iter().zip(few.chunks(2)) {
            assert!((exact - few[0]).abs() < 4.0 * few[1] + 1e-3, "{column}: {exact} {few:?}");
        }
    }
    let bench = fitted("n");
    let outside = ["-1", "7", "2.5"].map(str::to_owned);
    assert_eq!(log_prob(&bench, "n", &outside, ""), [f64::NEG_INFINITY; 3]);
    bench.run_on("evaluate run -", "n\n1\n2.5\n").refused(&["row 2", "column n", "2.5"]);
    let fractions = "n\n".to_owned() + &"1.5\n2\n".repeat(20);
    let fit = format!("fit - --schema one.toml {TINY} -o no");
    bench.run_on(&fit, &fractions).refused(&["row 1", "column n", "not a whole number"]);
}

#[test]
fn a_density_on_a_circle_is_periodic_and_integrates_to_one() {
    let bench = fitted("angle");
    let steps = 4000;
    let at = |i: usize| 360.0 * (i as f64 + 0.5) / steps as f64;
    let grid: Vec<String> = (0..steps).map(|i| at(i).to_string()).collect();
    let found = log_prob(&bench, "angle", &grid, "");
    let integral: f64 = found.iter().map(|v| v.exp() * 360.0 / steps as f64).sum();
    assert!((integral - 1.0).abs() < 1e-3, "{integral}");
    let turned: Vec<String> = (0..steps).map(|i| (at(i) - 720.0).to_string()).collect();
    for (a, b) in found.iter().zip(log_prob(&bench, "angle", &turned, "")) {
        assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()), "{a} {b}");
    }
    let info = bench.run("info run --json").good().json();
    let cut = info["columns"][0]["support"]["interval"]["low"].as_f64().unwrap();
    assert!((cut - 180.0).abs() < 30.0, "the circle is cut where no angle is: {cut}");
    let samples = bench.run("sample run -n 300").good().numbers();
    assert!(samples.iter().all(|x| (0.0..360.0).contains(x)));
    let beyond = samples.iter().filter(|x| **x > 250.0).count();
    assert!(beyond > 30 && beyond < 270, "on both sides of 0: {beyond}");
}

#[test]
fn rows_of_all_kinds_go_through_every_command_and_come_back() {
    let bench = bench();
    bench.run(&format!("fit data.csv --schema schema.toml {TINY} -o run")).good();
    let again = bench.run(&format!("fit data.csv --schema schema.toml {TINY} -o run --resume"));
    assert!(again.good().err.contains("complete"), "the same noise and cut");
    let drawn = bench.run("sample run -n 50").good().out;
    for row in drawn.lines().skip(1) {
        let (n, rest) = row.split_once(',').unwrap();
        let (colour, angle) = rest.rsplit_once(',').unwrap();
        let n: f64 = n.parse().unwrap();
        assert!(n.fract() == 0.0 && (0.0..=6.0).contains(&n), "{row}");
        assert!(COLOURS.contains(&colour), "{row}");
        assert!((0.0..360.0).contains(&angle.parse::<f64>().unwrap()), "{row}");
    }
    let by_text = bench.run_on("log-prob run -", &drawn).good().numbers();
    assert!(by_text.iter().all(|v| v.is_finite()));
    for format in ["npy", "parquet"] {
        bench.run(&format!("sample run -n 50 -o drawn.{format}")).good();
        let values = bench.run(&format!("log-prob run drawn.{format}")).good().numbers();
        assert_eq!(values, by_text, "{format}: labels are numbers there");
    }
    for command in ["evaluate run data.csv", "check run data.csv", "log-prob run data.csv"] {
        bench.run(&format!("{command} -q")).good();
    }
    let stranger = "n,colour,angle\n1,blue,3\n";
    let words = ["line 2, column 'colour'", "\"blue\" is none of its labels red"];
    bench.run_on("log-prob run -", stranger).refused(&words);
    bench.run("log-prob run data.csv --log-prob-se 0.1").refused(&["--log-prob-se", "--draws"]);
}

#[test]
fn same_seed_same_noise_and_another_seed_another() {
    let bench = fitted("n");
    let rows = ["1", "2", "1"].map(str::to_owned);
    let once = log_prob(&bench, "n", &rows, "");
    assert_eq!(once, log_prob(&bench, "n", &rows, "--threads 1"));
    assert_eq!(once[..1], once[2..], "equal rows, equal values");
    assert_ne!(once, log_prob(&bench, "n", &rows, "--seed 5"));
}

#[test]
fn schemas_that_cannot_be_used() {
    let bench = bench();
    for (schema, words) in [
        ("[columns.n]\nkind = \"integer\"\nlo = 3\n", ["columns.n: unknown field `lo`", "low"]),
        ("[columns.n]\nkind = \"round\"\n", ["columns.n: unknown variant `round`", "circular"]),
        ("[columns.n]\nkind = \"positive\"\nlow = 3\n", ["columns.n: unknown field", "low"]),
        ("[columns.n]\nlow = 3\n", ["columns.n", "kind"]),
        (
            "[columns.n]\nkind = \"interval\"\nlow = 3\n",
            ["columns.n: missing field `high`", "give"],
        ),
        ("[columns.n]\nkind = \"integer\"\nlow = 3\n", ["n: one end alone", "high"]),
        ("[columns.n]\nkind = \"category\"\nlabels = [\"a\"]\n", ["fewer than two", "all labels"]),
        ("[columns.m]\nkind = \"real\"\n", ["columns.m: no modelled column", "n, angle"]),
        ("[column.n]\nkind = \"real\"\n", ["unknown field `column`", "expected `columns`"]),
        ("columns.n\n", ["bad.toml", "give"]),
    ] {
        bench.write("bad.toml", schema);
        let fit = format!("fit data.csv --columns n,angle --schema bad.toml {TINY} -o no");
        let said = bench.run(&fit).refused(&words);
        assert!(said.err.contains("bad.toml"), "{said:?}");
        assert!(!bench.exists("no"), "{schema}");
    }
    let fit = format!("fit data.csv --columns n --schema none.toml {TINY} -o no");
    bench.run(&fit).refused(&["none.toml", "cannot read"]);
}

#[test]
fn a_flag_beats_the_schema_and_plain_columns_get_a_hint() {
    let bench = bench();
    bench.write("n.toml", "[columns.n]\nkind = \"integer\"\n");
    let fit = format!("fit data.csv --columns n,angle {TINY}");
    let said = bench.run(&format!("{fit} --schema n.toml --support n=-1:7 -o flag")).good();
    let info = bench.run("info flag --json").good().json();
    assert_eq!(info["columns"][0]["support"]["interval"]["high"], 7.0);
    assert!(info["columns"][0]["kind"].is_null(), "{info}");
    assert!(said.err.contains("angle looks like angles"), "{said:?}");
    assert!(!said.err.contains("whole numbers"), "{said:?}");
    let said = bench.run(&format!("{fit} -o plain")).good();
    assert!(said.err.contains("[columns.n]\nkind = \"integer\""), "{said:?}");
    let quiet = bench.run(&format!("{fit} -q -o quiet")).good();
    assert_eq!(quiet.err, "");
    assert_eq!(numbers(&bench.run("log-prob quiet data.csv").good().out).len(), 400);
}

/// `k` is 1 or 2, `y` follows it.
fn numbered_labels(rows: usize) -> String {
    let mut text = "k,y".to_owned();
    for i in 0..rows {
        let k = 1 + i * i % 7 % 2;
        write!(text, "\n{k},{}", 3.0 * k as f64 + (1.3 * i as f64).sin()).unwrap();
    }
    text + "\n"
}

const NUMBERS: &str = "[columns.k]\nkind = \"category\"\nlabels = [1, 2]\n";

#[test]
fn labels_that_are_numbers_hold_in_tables_without_names() {
    let bench = Bench::new();
    bench.write("data.csv", numbered_labels(300));
    bench.write("schema.toml", NUMBERS);
    bench.run(&format!("fit data.csv --schema schema.toml {TINY} -o run")).good();
    for format in ["npy", "csv"] {
        bench.run(&format!("sample run -n 40 -o drawn.{format}")).good();
    }
    let named = bench.run("log-prob run drawn.csv").good().numbers();
    assert!(named.iter().all(|v| v.is_finite()), "{named:?}");
    assert_eq!(bench.run("log-prob run drawn.npy").good().numbers(), named);
    let mean = |data: &str| bench.run(&format!("evaluate run {data} --json")).good().json();
    assert_eq!(mean("drawn.npy")["log_likelihood"], mean("drawn.csv")["log_likelihood"]);
}

#[test]
fn a_column_that_support_makes_real_is_read_as_numbers() {
    let bench = Bench::new();
    bench.write("data.csv", numbered_labels(300));
    bench.write("schema.toml", NUMBERS);
    let fit = format!("fit data.csv {TINY} --support k=real --json");
    let with = bench.run(&format!("{fit} --schema schema.toml -o with")).good().json();
    let without = bench.run(&format!("{fit} -o without")).good().json();
    assert_eq!(with["log_likelihood"], without["log_likelihood"]);
    let values = |run: &str| bench.run(&format!("log-prob {run} data.csv")).good().numbers();
    assert_eq!(values("with"), values("without"));
}

/// Whole numbers, one of them missing, then one that is none.
fn counts(last: &str) -> String {
    let mut text = "k\n".to_owned();
    for i in 0..60 {
        writeln!(text, "{}", if i == 3 { String::from("NA") } else { (i % 7).to_string() })
            .unwrap();
    }
    text + last + "\n"
}

#[test]
fn rows_are_numbered_as_in_the_table_and_values_shown_as_there() {
    let bench = Bench::new();
    bench.write("k.toml", "[columns.k]\nkind = \"integer\"\nlow = 0\nhigh = 99\n");
    let fit = format!("fit data.csv --schema k.toml --missing drop -q {TINY} -o run");
    bench.write("data.csv", counts("1.5"));
    bench.run(&fit).refused(&["row 61, column k", "1.5 is not a whole number"]);
    bench.write("data.csv", counts("-1"));
    bench.run(&fit).refused(&["row 61, column k", ": -1 lies outside"]);
    bench.write("data.csv", counts("99"));
    bench.run(&fit.replace("-o run", "--valid 0 --test 0 -o run")).good();
    let report = bench.text("run/report.html");
    let unlikely = report.split_once("Least likely rows").unwrap().1;
    let unlikely = unlikely.split_once("</table>").unwrap().0;
    let rows: Vec<Vec<i64>> = unlikely
        .split("<tr><td")
        .skip(1)
        .map(|row| row.split(['<', '>']).filter_map(|cell| cell.parse().ok()).collect())
        .collect();
    assert!(!rows.is_empty());
    for row in rows {
        // The log-density in between is no whole number.
        let &[number, k] = row.as_slice() else { panic!("{row:?}") };
        assert!(k == (number - 1) % 7 || (number, k) == (61, 99), "row {number} is no {k}");
    }
    bench.write("bad.csv", "k\n3\n-1\n");
    bench.run("check run bad.csv").refused(&["row 2, column k: -1 lies outside"]);
}

#[test]
fn the_report_is_of_the_table_not_of_points() {
    let bench = bench();
    bench.run(&format!("fit data.csv --schema schema.toml {TINY} -o run")).good();
    let report = bench.text("run/report.html");
    let row = |name: &str| {
        let start = report.find(&format!("<th scope=\"row\">{name}</th>")).unwrap();
        report[start..].split_once("</tr>").unwrap().0.to_owned()
    };
    assert!(row("n").ends_with("<td class=\"number\">7</td>"), "distinct: {}", row("n"));
    let colour = row("colour");
    assert!(colour.ends_with("<td class=\"number\">3</td>"), "distinct: {colour}");
    assert!(colour.contains(">red<") && colour.contains(">—<"), "{colour}");
    let unlikely = report.split_once("Least likely rows").unwrap().1;
    let unlikely = unlikely.split_once("</table>").unwrap().0;
    assert!(["red", "green, dark"].iter().any(|label| unlikely.contains(label)), "{unlikely}");
    for code in ["model.log_prob_of_table(", "let mut samples", "model.decode(&amp;mut samples)"] {
        assert!(report.contains(code), "{code}");
    }
    let info = bench.run("info run").good().out;
    let columns =
        "n (integer, 0 to 6), colour (category: red, green, dark, 3), angle (circular, 0 to 360)";
    assert!(info.contains(columns), "{info}");
    let drawn = bench.run("sample run -n 20").good().out;
    assert!(
        drawn.lines().skip(1).all(|row| !row.split(',').next().unwrap().contains('.')),
        "{drawn}"
    );
}
