//! `--missing` wherever a table is read: one row of output for each row of the table.

use super::{Bench, TINY};

/// A model of one column given another, and tables with and without gaps.
fn bench() -> Bench {
    let bench = Bench::with_model();
    bench.write("gaps.csv", "x1,x2\n0.5,0.1\nNA,1\n1,\n0.2,0.4\n,\n");
    bench.write("whole.csv", "x1,x2\n0.5,0.1\n0.2,0.4\n");
    bench
}

/// The lines of a CSV without its header.
fn lines(text: &str) -> Vec<&str> {
    text.lines().skip(1).collect()
}

#[test]
fn values_stay_on_the_row_of_their_table() {
    let bench = bench();
    for (command, width) in [("log-prob", 1), ("field", 2), ("field --divergence", 3)] {
        let (name, flags) = command.split_once(' ').unwrap_or((command, ""));
        let at = |file: &str, more: &str| bench.run(&format!("{name} run {file} {flags} {more}"));
        at("gaps.csv", "").refused(&["line 3, column 'x1'", "--missing drop"]);
        let (gaps, whole) = (at("gaps.csv", "--missing drop").good(), at("whole.csv", "").good());
        let (gaps_of, values) = (lines(&gaps.out), lines(&whole.out));
        let empty = if width == 1 { "\"\"".to_owned() } else { ",".repeat(width - 1) };
        let expected = [values[0], empty.as_str(), &empty, values[1], &empty];
        assert_eq!(gaps_of, expected, "{command}");
        assert!(gaps.err.contains("3 rows with missing values"), "{gaps:?}");
        let file = at("gaps.csv", "--missing drop --json -o out.npy --force").good().json();
        assert_eq!((&file["rows"], &file["dropped"]), (&5.into(), &3.into()));
    }
}

#[test]
fn a_ranking_names_rows_of_the_table_and_ends_with_those_left_out() {
    let bench = bench();
    bench.run("outliers run gaps.csv").refused(&["line 3", "--missing drop"]);
    let ranking = bench.run("outliers run gaps.csv --missing drop").good();
    let rows: Vec<&str> =
        lines(&ranking.out).iter().map(|line| line.split(',').next().unwrap()).collect();
    let mut ranked = rows[..2].to_vec();
    ranked.sort_unstable();
    assert_eq!(ranked, ["1", "4"]);
    assert_eq!(lines(&ranking.out)[2..], ["2,,", "3,,", "5,,"]);
    bench.write("labels.csv", "odd\n0\n0\n0\n1\n0\n");
    let json = bench.run("outliers run gaps.csv --missing drop --labels labels.csv --json");
    let json = json.good().json();
    assert_eq!(
        (&json["rows"], &json["dropped"], &json["labelled"]),
        (&2.into(), &3.into(), &1.into())
    );
}

#[test]
fn checks_pictures_and_draws_leave_rows_out() {
    let bench = bench();
    let moons = bench.run("toy two-moons -n 200 --seed 5").good().out;
    bench.write("many.csv", format!("{moons}NA,1\n"));
    bench.run("check run many.csv").refused(&["line 202", "--missing drop"]);
    let said = bench.run("check run many.csv --missing drop");
    assert!(said.err.contains("1 row with missing values left out"), "{said:?}");
    bench.run("check run --missing drop").refused(&["DATA"]);
    for command in ["plot samples many.csv", "plot samples run --data many.csv"] {
        bench.run(&format!("{command} -o p.png --force")).refused(&["line 202", "--missing drop"]);
        bench.run(&format!("{command} --missing drop -o p.png --force")).good();
    }

    bench.run(&format!("fit two-moons {TINY} --columns x1 --given x2 -o given")).good();
    bench.write("contexts.csv", "x2\n0.1\nNA\n0.4\n");
    bench.run("sample given --given contexts.csv").refused(&["line 3", "--missing drop"]);
    let drawn = bench.run("sample given --given contexts.csv --missing drop").good();
    assert!(lines(&drawn.out).len() == 3 && lines(&drawn.out)[1] == "\"\"", "{drawn:?}");
}

#[test]
fn many_rows_left_out_are_a_warning() {
    let bench = Bench::new();
    let row =
        |i: i32| format!("{},{}\n", f64::from(i).sin(), f64::from(i).cos() + f64::from(i % 7));
    let table: String = (0..60).map(row).collect();
    for (gaps, told) in [(3, false), (40, true)] {
        bench.write("t.csv", format!("a,b\n{table}{}", "NA,1\n".repeat(gaps)));
        let said = bench.run(&format!("fit t.csv {TINY} --missing drop -o run --force")).good();
        let warning = "warning: --missing drop leaves out 40 of 100 rows (40 %)";
        assert_eq!(said.err.contains(warning), told, "{said:?}");
    }
}
