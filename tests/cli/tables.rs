//! log-prob and sample in every format.

use super::{Bench, Column, TINY, csv, numbers};

/// A model of five columns, and one of a single column.
fn fit_columns(bench: &Bench, columns: usize) {
    let all: [Column; 5] = [
        ("a", |i| (1.3 * i).sin()),
        ("b", |i| (0.7 * i).cos() + 3.0),
        ("c", |i| 100.0 * (2.1 * i).sin()),
        ("d", |i| (i * 7.0) % 11.0),
        ("e", |i| 1e-3 * (0.3 * i).sin()),
    ];
    bench.write("data.csv", csv(&all[..columns], 300));
    bench.run(&format!("fit data.csv {TINY} -o run")).good();
}

#[test]
fn every_format_and_stdin_give_the_same_values() {
    let bench = Bench::with_model();
    for name in ["rows.csv", "rows.tsv", "rows.npy", "rows.parquet"] {
        bench.run(&format!("toy two-moons -n 500 --seed 9 -o {name}")).good();
    }
    write_npz(&bench);
    let said = bench.run("log-prob run rows.csv").good();
    assert_eq!(said.out.lines().next(), Some("log_prob"));
    let expected = said.numbers();
    assert!(expected.len() == 500 && expected.iter().all(|v| v.is_finite()));
    for source in ["rows.tsv", "rows.npy", "rows.parquet", "rows.npz:points", "rows.npz"] {
        let said = bench.run(&format!("log-prob run {source}")).good();
        assert_eq!(said.numbers(), expected, "{source}");
    }
    let stdin = bench.run_on("log-prob run -", bench.text("rows.csv")).good();
    assert_eq!(stdin.numbers(), expected);
    let file = bench.run("log-prob run/model.safetensors rows.csv").good();
    assert_eq!(file.numbers(), expected, "a model is its folder or its file");
}

/// An archive of one array, stored: what `numpy.savez` writes.
fn write_npz(bench: &Bench) {
    let file = std::fs::File::create(bench.path("rows.npz")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    archive.start_file("points.npy", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, &bench.bytes("rows.npy")).unwrap();
    archive.finish().unwrap();
}

#[test]
fn values_are_written_as_csv_or_npy() {
    let bench = Bench::with_model();
    bench.run("toy two-moons -n 300 -o rows.csv").good();
    let expected = bench.run("log-prob run rows.csv").good().numbers();
    let said = bench.run("log-prob run rows.csv -o values.npy --json").good();
    assert_eq!(
        said.json(),
        serde_json::json!({
            "rows": 300, "dropped": 0, "not_computed": [], "file": "values.npy"
        })
    );
    let npy = bench.bytes("values.npy");
    let stored: Vec<f64> = npy[npy.len() - 300 * 8..]
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(stored, expected);
    bench.run("log-prob run rows.csv -o values.csv").good();
    assert_eq!(numbers(&bench.text("values.csv")), expected);
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let bench = Bench::with_model();
    let swapped = "extra,x2,x1\ntext,0.5,1.0\nmore,0.1,-0.3\n";
    let said = bench.run_on("log-prob run -", swapped).good();
    let plain = bench.run_on("log-prob run -", "x1,x2\n1.0,0.5\n-0.3,0.1\n").good();
    assert_eq!(said.numbers(), plain.numbers());
}

#[test]
fn samples_are_the_same_in_every_format() {
    let bench = Bench::new();
    fit_columns(&bench, 5);
    let said = bench.run("sample run -n 200 --seed 2").good();
    assert_eq!(said.out.lines().next(), Some("a,b,c,d,e"));
    let expected = said.numbers();
    assert_eq!(expected.len(), 1000);
    let values = bench.run_on("log-prob run -", &said.out).good().numbers();
    for name in ["s.csv", "s.tsv", "s.npy", "s.parquet"] {
        let written = bench.run(&format!("sample run -n 200 --seed 2 -o {name} --json")).good();
        assert_eq!(
            written.json(),
            serde_json::json!({"rows": 200, "dropped": 0, "seed": 2, "file": name})
        );
        let read = bench.run(&format!("log-prob run {name}"));
        if name != "s.npy" {
            assert_eq!(read.good().numbers(), values, "{name}");
            continue;
        }
        let named = bench.run(&format!("log-prob run {name}")).good();
        assert_eq!(named.numbers(), values, "an array's columns are taken by position");
    }
}

#[test]
fn one_column_is_enough() {
    let bench = Bench::new();
    fit_columns(&bench, 1);
    let said = bench.run("sample run -n 50").good();
    assert_eq!(said.out.lines().next(), Some("a"));
    let values = bench.run_on("log-prob run -", &said.out).good().numbers();
    assert!(values.len() == 50 && values.iter().all(|v| v.is_finite()));
    for kind in ["density", "samples", "training"] {
        bench.run(&format!("plot {kind} run --data data.csv -o {kind}.png")).good();
    }
    let refused = bench.run(&format!("fit data.csv {TINY} --flow realnvp -o other"));
    assert!(refused.code == Some(2) && refused.out.is_empty(), "{refused:?}");
    assert!(refused.err.contains("halves") && refused.err.contains("nsf-ar"), "{refused:?}");
}

#[test]
fn densities_are_in_the_units_of_the_data() {
    let bench = Bench::new();
    bench.write("metres.csv", csv(&[("x", |i| (1.3 * i).sin()), ("y", |i| (0.7 * i).cos())], 300));
    let kilo: [Column; 2] = [("x", |i| 1000.0 * (1.3 * i).sin()), ("y", |i| (0.7 * i).cos())];
    bench.write("millimetres.csv", csv(&kilo, 300));
    let mean = |name: &str| {
        bench.run(&format!("fit {name}.csv {TINY} --dtype f64 -o {name}")).good();
        let said = bench.run(&format!("evaluate {name} {name}.csv --json")).good();
        said.json()["log_likelihood"]["mean"].as_f64().unwrap()
    };
    let difference = mean("metres") - mean("millimetres");
    assert!((difference - 1000f64.ln()).abs() < 1e-6, "{difference}");
}

/// Nobody should take a header for the start of a result.
#[test]
fn a_refused_table_leaves_no_header() {
    let bench = Bench::new();
    bench.write("data.csv", csv(&[("p", |i| 2.0 + (1.3 * i).sin())], 300));
    bench.run(&format!("fit data.csv {TINY} --support p=positive -o run")).good();
    bench.write("negative.csv", "p\n1.5\n-1\n");
    bench.run("field run negative.csv").refused(&["row 2, column p: -1 lies outside"]);
    bench.run("toy two-moons -n 5 -o two.npy").good();
    for command in ["field run two.npy", "log-prob run two.npy", "log-prob run two.npy --errors"] {
        bench.run(command).refused(&["2 columns without names, expected 1: p"]);
    }
}
