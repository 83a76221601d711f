//! Tables that cannot be used: each is refused with the place and a remedy.

use super::{Bench, Column, TINY, csv};

/// A table of two columns with a last row of its own.
fn ending_in(row: &str) -> String {
    csv(&[("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos())], 30) + row + "\n"
}

#[test]
fn tables_that_cannot_be_used() {
    let bench = Bench::new();
    let constant: [Column; 2] = [("a", f64::sin), ("b", |_| 7.0)];
    let same: [Column; 2] = [("a", |_| 1.0), ("b", |_| 2.0)];
    let vast: [Column; 2] = [("a", |i| 1e300 * i.sin()), ("b", f64::cos)];
    for (name, content, words) in [
        ("empty.csv", String::new(), ["empty", "expected a header"]),
        ("header.csv", "a,b\n".to_owned(), ["no rows", "add data"]),
        ("one.csv", "a,b\n1,2\n".to_owned(), ["1 rows are too few", "at least 10"]),
        ("two.csv", "a,b\n1,2\n3,5\n".to_owned(), ["2 rows are too few", "at least 10"]),
        ("nan.csv", ending_in("nan,1"), ["line 32, column 'a'", "--missing drop"]),
        ("inf.csv", ending_in("1,inf"), ["line 32, column 'b'", "drop the row"]),
        ("missing-cell.csv", ending_in("1,"), ["line 32, column 'b'", "missing"]),
        (
            "text.csv",
            ending_in("1,red"),
            ["line 32, column 'b': not a number: \"red\"", "--without b"],
        ),
        ("ragged.csv", ending_in("1,2,3"), ["line 32", "expected 2 fields, found 3"]),
        ("constant.csv", csv(&constant, 30), ["column 'b' is 7", "--without b"]),
        ("same.csv", csv(&same, 30), ["column 'a' is 1", "no density"]),
        ("twice.csv", "a,a\n1,2\n2,3\n".to_owned(), ["column 'a' appears twice", "rename"]),
        ("vast.csv", csv(&vast, 30), ["column a", "rescale"]),
        ("noise.npy", "not an array".to_owned(), ["noise.npy", "check how"]),
        ("noise.npz", "not an archive".to_owned(), ["noise.npz", "check how"]),
        ("noise.parquet", "not a table".to_owned(), ["noise.parquet", "check how"]),
        ("table.xlsx", "PK".to_owned(), ["table.xlsx", ".parquet"]),
    ] {
        bench.write(name, content);
        let said = bench.run(&format!("fit {name} {TINY} -o no")).refused(&words);
        let few = words[0].contains("too few") || words[0] == "column a";
        assert!(few || said.err.contains(name), "{name} is named: {said:?}");
        assert!(!bench.exists("no"), "{name}");
    }
}

#[test]
fn data_that_are_not_there() {
    let bench = Bench::with_model();
    std::fs::create_dir(bench.path("folder")).unwrap();
    std::fs::create_dir(bench.path("folder.csv")).unwrap();
    for (data, words) in [
        ("none.csv", ["none.csv", "check the path"]),
        ("folder", ["folder", "unknown kind"]),
        ("folder.csv", ["folder.csv", "directory"]),
        ("two-moon", ["`two-moon`", "did you mean `two-moons`"]),
    ] {
        bench.run(&format!("fit {data} {TINY} -o no")).refused(&words);
        bench.run(&format!("log-prob run {data}")).refused(&words);
        bench.run(&format!("evaluate run {data}")).refused(&words);
    }
    bench.run(&format!("fit {TINY} -o no")).refused(&["no data", "diffeo list"]);
    bench.run_on(&format!("fit - {TINY} -o no"), "").refused(&["<stdin>", "empty"]);
}

#[test]
fn rows_of_another_width() {
    let bench = Bench::with_model();
    for (rows, words) in [
        ("x1\n1\n", ["'x2'", "x1"]),
        ("x1,y\n1,2\n", ["'x2'", "x1, y"]),
        ("a,b,c\n1,2,3\n", ["'x1'", "a, b, c"]),
    ] {
        bench.run_on("log-prob run -", rows).refused(&words);
        bench.run_on("evaluate run -", rows).refused(&words);
    }
    bench.write("wide.csv", "x1,x2,x3\n1,2,3\n");
    bench.run_on("log-prob run -", "x1,x2,x3\n1,2,3\n").good();
}

/// Large numbers are no error: the standardiser takes them.
#[test]
fn large_values_are_fitted() {
    let bench = Bench::new();
    let large: [Column; 2] = [("a", |i| 1e30 * (1.3 * i).sin()), ("b", f64::cos)];
    bench.write("large.csv", csv(&large, 200));
    bench.write("outlier.csv", csv(&[("a", f64::sin), ("b", f64::cos)], 200) + "1e30,0\n");
    for name in ["large", "outlier"] {
        let report = bench.run(&format!("fit {name}.csv {TINY} -o {name} --json")).good().json();
        assert!(report["log_likelihood"]["train"].as_f64().is_some_and(f64::is_finite), "{report}");
        let values = bench.run(&format!("log-prob {name} {name}.csv")).good().numbers();
        assert!(values.iter().all(|v| v.is_finite()), "{name}");
    }
}

/// Rows with missing values are left out when asked for, and the result is that of a table without.
#[test]
fn missing_values_are_left_out_on_request() {
    let bench = Bench::new();
    let whole = csv(&[("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos())], 60);
    let (head, tail) = whole.split_at(whole.find('\n').unwrap() + 1);
    bench.write("whole.csv", &whole);
    bench.write("gaps.csv", format!("{head}1,\nNA,2\n{tail}nan,nan\n"));
    bench.run(&format!("fit whole.csv {TINY} -o whole")).good();
    let said = bench.run(&format!("fit gaps.csv {TINY} --missing drop -o gaps")).good();
    let note = "3 rows with missing values left out: line 2, line 3, line 64";
    assert!(said.err.contains(note), "{said:?}");
    let settings = bench.text("gaps/config.toml");
    assert!(settings.contains("missing = \"drop\""), "{settings}");
    let values = |run: &str| bench.run(&format!("log-prob {run} whole.csv")).good().out;
    assert_eq!(values("gaps"), values("whole"), "same rows, same model");

    bench.run("log-prob whole gaps.csv").refused(&[
        "line 2, column 'b'",
        "3 rows",
        "--missing drop",
    ]);
    let dropped = bench.run("log-prob whole gaps.csv --missing drop").good();
    assert!(dropped.err.contains(note), "{dropped:?}");
    // A value for each row, empty for those left out: lines 2, 3 and 64.
    let lines: Vec<&str> = dropped.out.lines().collect();
    assert_eq!((lines.len(), lines[1], lines[2], lines[63]), (64, "\"\"", "\"\"", "\"\""));
    let kept: Vec<&str> = lines.into_iter().filter(|line| *line != "\"\"").collect();
    assert_eq!(kept.join("\n") + "\n", values("whole"));
    bench.run("evaluate whole gaps.csv").refused(&["line 2, column 'b'", "--missing drop"]);
    let judged = bench.run("evaluate whole gaps.csv --missing drop --json").good();
    assert!(judged.err.contains(note) && judged.json()["rows"] == 60, "{judged:?}");
    bench.write("inf.csv", format!("{whole}inf,1\n"));
    bench.run("log-prob whole inf.csv --missing drop").refused(&["line 62", "inf is not finite"]);
    bench.run("log-prob whole gaps.csv --missing keep").refused(&["--missing", "reject"]);
}

#[test]
fn a_table_that_its_decoder_gives_up_on() {
    let bench = Bench::new();
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/parquet/negative-length.parquet");
    bench.write("bad.parquet", std::fs::read(seed).unwrap());
    let said =
        bench.run("fit bad.parquet -o run").refused(&["bad.parquet", "not a readable Parquet"]);
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
}
