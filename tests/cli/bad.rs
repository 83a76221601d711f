//! Tables, settings and models that cannot be used: each is refused with the place and a remedy.

use super::{Bench, TINY, csv};

/// A table of two columns with a last row of its own.
fn ending_in(row: &str) -> String {
    csv(&[("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos())], 30) + row + "\n"
}

#[test]
fn tables_that_cannot_be_used() {
    let bench = Bench::new();
    let constant: [(&str, fn(f64) -> f64); 2] = [("a", f64::sin), ("b", |_| 7.0)];
    let same: [(&str, fn(f64) -> f64); 2] = [("a", |_| 1.0), ("b", |_| 2.0)];
    let vast: [(&str, fn(f64) -> f64); 2] = [("a", |i| 1e300 * i.sin()), ("b", f64::cos)];
    for (name, content, words) in [
        ("empty.csv", String::new(), ["empty", "expected a header"]),
        ("header.csv", "a,b\n".to_owned(), ["no rows", "add data"]),
        ("one.csv", "a,b\n1,2\n".to_owned(), ["1 rows are too few", "at least 10"]),
        ("two.csv", "a,b\n1,2\n3,5\n".to_owned(), ["2 rows are too few", "at least 10"]),
        ("nan.csv", ending_in("nan,1"), ["line 32, column 'a'", "drop the row"]),
        ("inf.csv", ending_in("1,inf"), ["line 32, column 'b'", "drop the row"]),
        ("missing-cell.csv", ending_in("1,"), ["line 32, column 'b'", "missing"]),
        ("text.csv", ending_in("1,red"), ["line 32, column 'b': not a number: \"red\"", "--columns"]),
        ("ragged.csv", ending_in("1,2,3"), ["line 32", "expected 2 fields, found 3"]),
        ("constant.csv", csv(&constant, 30), ["column 'b' is 7", "--columns"]),
        ("same.csv", csv(&same, 30), ["column 'a' is 1", "no density"]),
        ("twice.csv", "a,a\n1,2\n2,3\n".to_owned(), ["column 'a' appears twice", "rename"]),
        ("vast.csv", csv(&vast, 30), ["column 0", "remove"]),
        ("noise.npy", "not an array".to_owned(), ["noise.npy", "check how"]),
        ("noise.npz", "not an archive".to_owned(), ["noise.npz", "check how"]),
        ("noise.parquet", "not a table".to_owned(), ["noise.parquet", "check how"]),
        ("table.xlsx", "PK".to_owned(), ["table.xlsx", ".parquet"]),
    ] {
        bench.write(name, content);
        let said = bench.run(&format!("fit {name} {TINY} -o no")).refused(&words);
        let few = words[0].contains("too few") || words[0] == "column 0";
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
    let large: [(&str, fn(f64) -> f64); 2] = [("a", |i| 1e30 * (1.3 * i).sin()), ("b", f64::cos)];
    bench.write("large.csv", csv(&large, 200));
    bench.write("outlier.csv", csv(&[("a", f64::sin), ("b", f64::cos)], 200) + "1e30,0\n");
    for name in ["large", "outlier"] {
        let report = bench.run(&format!("fit {name}.csv {TINY} -o {name} --json")).good().json();
        assert!(report["log_likelihood"]["train"].as_f64().is_some_and(f64::is_finite), "{report}");
        let values = bench.run(&format!("log-prob {name} {name}.csv")).good().numbers();
        assert!(values.iter().all(|v| v.is_finite()), "{name}");
    }
}

#[test]
fn settings_that_cannot_be_used() {
    let bench = Bench::new();
    for (settings, words) in [
        ("--flow nfs", ["nfs", "nsf-ar"]),
        ("--steps 0", ["steps", "at least 1"]),
        ("--batch-size 0", ["batch-size", "at least 1"]),
        ("--evaluate-every 0", ["evaluate-every", "at least 1"]),
        ("--lr -1", ["lr: -1", "range"]),
        ("--lr 0", ["lr: 0", "range"]),
        ("--lr nan", ["lr: NaN", "range"]),
        ("--lr fast", ["--lr", "fast"]),
        ("--hidden 0", ["hidden", "positive"]),
        ("--layers 0", ["layers", "at least 1"]),
        ("--bins 1", ["bins", "2 to"]),
        ("--flow realnvp --bins 8", ["bins", "no splines"]),
        ("--valid 1.5", ["--valid 1.5", "fraction"]),
        ("--test -0.1", ["--test -0.1", "fraction"]),
        ("--valid 0.5 --test 0.5", ["--valid 0.5", "below 1"]),
        ("--rows 5", ["5 rows are too few", "at least 10"]),
        ("--threads 0", ["threads", "at least 1"]),
        ("--dtype f16", ["--dtype f16", "f32 or f64"]),
        ("--device cuda:9", ["--device cuda:9", "cpu"]),
        ("--device gpu", ["--device gpu", "cuda:N"]),
        ("--weight-decay -1", ["weight-decay", "range"]),
        ("--average-decay 1", ["average-decay", "range"]),
        ("--clip-norm 0", ["clip-norm", "range"]),
        ("--speed 9", ["--speed", "--help"]),
    ] {
        let said = bench.run(&format!("fit two-moons {settings} -o no")).refused(&words);
        assert!(said.err.len() < 700, "a message one can read: {}", said.err);
        assert!(!bench.exists("no"), "{settings}");
    }
}

#[test]
fn a_settings_file_that_cannot_be_used() {
    let bench = Bench::new();
    for (content, words) in [
        ("colour = 3", ["settings.toml", "`colour`"]),
        ("steps = 'many'", ["settings.toml", "many"]),
        ("steps = ", ["settings.toml", ""]),
        ("dtype = 'f16'", ["f16", "f64"]),
    ] {
        bench.write("settings.toml", content);
        bench.run("fit two-moons --config settings.toml -o no").refused(&words);
    }
    bench.run("fit two-moons --config none.toml -o no").refused(&["none.toml"]);
}

#[test]
fn models_that_cannot_be_loaded() {
    let bench = Bench::with_model();
    let good = bench.bytes("run/model.safetensors");
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let header = String::from_utf8_lossy(&good).find("\"format\":\"1\"").unwrap();
    let mut newer = good.clone();
    newer[header + 10] = b'9';
    for (content, words) in [
        (good[..good.len() - 100].to_vec(), ["truncated", "copy it again"]),
        (good[..200].to_vec(), ["truncated", "copy it again"]),
        (good[..5].to_vec(), ["truncated", "copy it again"]),
        (Vec::new(), ["empty", "copy it again"]),
        (changed(good.len() - 5), ["corrupted", "copy it again"]),
        (changed(good.len() / 2), ["corrupted", "copy it again"]),
        (b"just some text, long enough".to_vec(), ["not a diffeo model", "run folder"]),
        (newer, ["format 9", "update"]),
    ] {
        bench.write("model.safetensors", content);
        for command in ["info", "sample", "plot density -o no.png"] {
            let said = bench.run(&format!("{command} model.safetensors"));
            said.refused(&words).refused(&["model.safetensors"]);
        }
        bench.run("log-prob model.safetensors two-moons").refused(&words);
        bench.run("evaluate model.safetensors two-moons").refused(&words);
    }
    bench.run("info none").refused(&["none", "run folder"]);
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.run("info folder").refused(&["folder", "no model.safetensors"]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let bench = Bench::with_model();
    bench.write("file", "not a folder");
    bench.run(&format!("fit two-moons {TINY} -o file/run")).refused(&["file/run"]);
    bench.run("sample run -n 3 -o file/rows.csv").refused(&["file"]);
    bench.run("plot density run -o file/picture.png").refused(&["file/picture.png"]);
    std::fs::create_dir(bench.path("locked")).unwrap();
    let mut permissions = std::fs::metadata(bench.path("locked")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(bench.path("locked"), permissions).unwrap();
    if std::fs::write(bench.path("locked/probe"), "").is_ok() {
        return; // root may write anywhere
    }
    bench.run(&format!("fit two-moons {TINY} -o locked/run")).refused(&["locked/run"]);
    bench.run("sample run -n 3 -o locked/rows.csv").refused(&["locked"]);
}
