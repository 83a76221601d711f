//! Tables of every odd kind: each is refused with the place and a remedy, or gives a right answer.

use super::{Bench, TINY, csv};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// The bytes of a `.npy` file whose header announces this shape.
fn npy(shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

fn bytes_of(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn what_cannot_be_read_is_refused_with_the_place_and_a_remedy() {
    let bench = Bench::with_model();
    let nan = bytes_of(&[1.0, 2.0, 3.0, f64::NAN, f64::NAN, 6.0]);
    let infinite = bytes_of(&[1.0, 2.0, 3.0, f64::NEG_INFINITY]);
    let cases: [(&str, Vec<u8>, &[&str]); 10] = [
        ("empty.csv", vec![], &["the file is empty", "expected a header"]),
        ("empty.npy", vec![], &["the file is empty"]),
        ("header.csv", b"x1,x2\n".to_vec(), &["no rows", "add data"]),
        ("utf16.csv", utf16("x1,x2\n1,2\n"), &["UTF-16 text", "byte-order mark", "save the file"]),
        (
            "latin-cell.csv",
            b"x1,x2\n1,2\n1,\xb52\n3,4\n".to_vec(),
            &["line 3, column 'x2'", "\"µ2\""],
        ),
        ("ragged.csv", b"x1,x2\n1,2\n1,2,3\n".to_vec(), &["line 3", "expected 2 fields, found 3"]),
        ("quote.csv", b"x1,x2\n\"1,2\n3,4\n".to_vec(), &["line 2", "found 1"]),
        ("inf.npy", npy("(2, 2)", &infinite), &["row 2, column 'x2': -inf", "impute"]),
        ("more.npy", npy("(1000, 2)", &[0; 160]), &["announces 16000 bytes", "found 160"]),
        ("cube.npy", npy("(1, 1, 2)", &[0; 16]), &["(1, 1, 2)", "two dimensions"]),
    ];
    for (name, content, words) in cases {
        bench.write(name, content);
        for command in [format!("log-prob run {name}"), format!("fit {name} {TINY} -o no")] {
            let said = bench.run(&command).refused(words);
            assert!(said.err.contains(name), "{name} is named: {said:?}");
        }
        assert!(!bench.exists("no"), "{name}");
    }
    bench.write("nan.npy", npy("(3, 2)", &nan));
    let words = ["row 2, column 'x2'", "2 rows in all", "rows 2, 3"];
    bench.run("log-prob run nan.npy").refused(&words);
    let words = ["row 3, column 'x1': 1 value missing", "row 2, column 'x2': 1 value missing"];
    bench.run(&format!("fit nan.npy {TINY} -o no")).refused(&words);
}

/// 5 GB that take no room on the disk: refused at once, or not read beyond what is asked for.
#[test]
fn vast_files_are_refused_before_they_are_read() {
    let bench = Bench::with_model();
    let vast = |name: &str, start: &[u8]| {
        let mut file = File::create(bench.path(name)).unwrap();
        file.write_all(start).unwrap();
        file.set_len(5_000_000_000).unwrap();
    };
    vast("vast.csv", b"x1,x2\n1,2\n");
    bench.run("log-prob run vast.csv").refused(&["vast.csv", "zero byte", "UTF-8"]);
    bench.run(&format!("fit vast.csv {TINY} -o no")).refused(&["vast.csv", "zero byte"]);
    vast("more.npy", &npy("(999999999, 2)", &[]));
    bench.run("log-prob run more.npy").refused(&["more.npy", "15999999984 bytes"]);
    bench.run(&format!("fit more.npy {TINY} -o no")).refused(&["more.npy", "truncated"]);
    vast("less.npy", &npy("(3, 2)", &bytes_of(&[0.5, 1.0])));
    let found = bench.run("log-prob run less.npy").good().numbers();
    let expected = bench.run_on("log-prob run -", "x1,x2\n0.5,1\n0,0\n0,0\n").good().numbers();
    assert_eq!(found, expected, "what lies beyond the rows announced is not read");
}

#[test]
fn spellings_of_the_same_rows_give_the_same_values() {
    let bench = Bench::with_model();
    let expected = bench.run_on("log-prob run -", "x1,x2\n1.5,2\n-3,4e-1\n").good().out;
    for text in [
        "\u{feff}\"x1\",\"x2\"\r\n\"1.5\",\"2\"\r\n-3,.4\r\n",
        "x2,x1\n2,1.5\n0.4,-3\n",
        "x1,name,x2\n1.50,tom,+2\n\n-3.0,,0.4",
        "1.5,2\n-3,0.4\n",
    ] {
        assert_eq!(bench.run_on("log-prob run -", text).good().out, expected, "{text:?}");
    }
    bench.write("rows.npy", npy("(2, 2)", &bytes_of(&[1.5, 2.0, -3.0, 0.4])));
    assert_eq!(bench.run("log-prob run rows.npy").good().out, expected);
}

#[test]
fn extreme_numbers_have_a_density_and_never_a_nan() {
    let bench = Bench::with_model();
    let rows = "x1,x2\n1e30,-1e30\n5e-324,-2e-310\n0,-0\n1.7976931348623157e308,0\n";
    let values = bench.run_on("log-prob run -", rows).good().numbers();
    assert!(values.iter().all(|value| !value.is_nan() && *value < 50.0), "{values:?}");
    assert!(values[1].is_finite() && (values[1] - values[2]).abs() < 1e-9, "{values:?}");
    assert!(values[3] < values[1], "{values:?}");
}

#[test]
fn one_row_one_column_and_rows_that_repeat() {
    let bench = Bench::with_model();
    assert_eq!(bench.run_on("log-prob run -", "x1,x2\n1,2\n").good().numbers().len(), 1);
    bench.write("one.csv", csv(&[("x", |i| (i * 37.0) % 59.0 / 7.0)], 60));
    bench.run(&format!("fit one.csv {TINY} -o one")).good();
    let values = bench.run("log-prob one one.csv").good().numbers();
    assert!(values.len() == 60 && values.iter().all(|v| v.is_finite()), "{values:?}");
    bench.write("twice.csv", "x1,x2\n".to_owned() + &"1,2\n3,5\n2,2\n".repeat(40));
    bench.run(&format!("fit twice.csv {TINY} -o twice")).good();
    let values = bench.run("log-prob twice twice.csv").good().numbers();
    assert!(values.iter().all(|v| v.is_finite()), "{values:?}");
    assert_eq!(values[..3], values[117..], "equal rows, equal values");
}

/// `diffeo … | head -1`: the program ends quietly.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let bench = Bench::with_model();
    bench.run("sample run -n 100000 -o rows.npy").good();
    for arguments in [["sample", "run", "-n", "100000"], ["log-prob", "run", "rows.npy", "-q"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_diffeo"))
            .current_dir(bench.path(""))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let said = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(0), "{arguments:?}: {words}");
        assert!(!words.contains("error") && !words.contains("panicked"), "{words}");
    }
}
