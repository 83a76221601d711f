//! What is said of a table before a fit.

use super::{Bench, TINY, csv};

#[test]
fn what_misleads_is_said_before_training_and_lines_can_be_pasted() {
    let bench = Bench::new();
    let table = csv(
        &[
            ("a", |i| (1.3 * i).sin()),
            ("total", |i| (1.3 * i).sin() + (0.7 * i).cos()),
            ("b", |i| (0.7 * i).cos()),
            ("the k", |i| i % 4.0),
            ("spike", |i| if i % 10.0 < 1.0 { (2.1 * i).cos() } else { 0.0 }),
            ("score", |i| if i % 20.0 < 1.0 { -99.0 } else { 5.0 + (3.1 * i).sin() }),
        ],
        200,
    );
    bench.write("t.csv", table);
    let said = bench.run(&format!("fit t.csv {TINY} -o run")).good();
    let (before, _) = said.err.split_once("fitting ").unwrap();
    for words in [
        "b = -a + total: these columns determine each other",
        "180 of 200 values of spike are exactly 0; 10 of 200 values of score are exactly -99: no density there",
        "-99 in 10 rows of column score",
        "column the k looks like whole numbers that repeat",
    ] {
        assert!(before.contains(words), "no `{words}` in {before}");
    }
    let schema = before.split_once("--schema:\n").unwrap().1;
    bench.write("s.toml", schema);
    let said = bench.run(&format!("fit t.csv {TINY} --schema s.toml -o with")).good();
    assert!(!said.err.contains("whole numbers that repeat"), "{said:?}");
    let columns = bench.run("info with --json").good().json()["columns"].clone();
    assert_eq!(columns[3]["kind"], "integer");
}

#[test]
fn few_rows_for_many_columns_are_a_warning() {
    let bench = Bench::new();
    let columns: Vec<String> = (0..25).map(|k| format!("c{k}")).collect();
    let row = |i: usize| {
        (0..25).map(|k| ((i * 31 + k * 17) as f64).sin().to_string()).collect::<Vec<_>>().join(",")
    };
    let rows: Vec<String> = (0..12).map(row).collect();
    bench.write("wide.csv", format!("{}\n{}\n", columns.join(","), rows.join("\n")));
    let said = bench.run(&format!("fit wide.csv {TINY} -o run")).good();
    assert!(said.err.contains("training rows for 25 columns"), "{said:?}");
}
