//! Files as other programs write them: what each column is taken for, and one message for all that
//! cannot be used, with a command that works.

use super::{Bench, Said, TINY};
use std::fmt::Write;

/// Rows of fields, below a header, in which `{i}` is the row's number from `from` on, `{x}` and `{y}`
/// are numbers, and `{k}` is a, b or c.
fn table(header: &str, row: &str, from: usize, rows: usize) -> String {
    let mut text = header.to_owned();
    for i in 0..rows {
        let (x, y) = ((1.3 * i as f64).sin(), 3.0 + (0.7 * i as f64).cos());
        let row = row
            .replace("{i}", &(i + from).to_string())
            .replace("{x}", &format!("{x:.4}"))
            .replace("{y}", &format!("{y:.4}"))
            .replace("{k}", ["a", "b", "c"][i * i % 7 % 3]);
        write!(text, "\n{row}").unwrap();
    }
    text + "\n"
}

/// The names and kinds of a model's columns.
fn columns(bench: &Bench, run: &str) -> Vec<(String, String)> {
    let info = bench.run(&format!("info {run} --json")).good().json();
    let kind = |column: &serde_json::Value| match &column["kind"] {
        serde_json::Value::Null => "real".to_owned(),
        kind if kind["category"].is_object() => {
            let labels = kind["category"]["labels"].as_array().unwrap();
            labels.iter().map(|label| label.as_str().unwrap()).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let columns = info["columns"].as_array().unwrap();
    columns.iter().map(|c| (c["name"].as_str().unwrap().to_owned(), kind(c))).collect()
}

/// Fits a table and says what its columns became, and what was said.
fn fitted(content: impl AsRef<[u8]>, name: &str, flags: &str) -> (Vec<(String, String)>, Said) {
    let bench = Bench::new();
    bench.write(name, content);
    let said = bench.run(&format!("fit {name} {TINY} {flags} -o run")).good();
    let values = bench.run(&format!("log-prob run {name}")).good().numbers();
    assert!(!values.is_empty() && values.iter().all(|v| v.is_finite()), "{values:?}");
    (columns(&bench, "run"), said)
}

fn pairs(columns: &[(&str, &str)]) -> Vec<(String, String)> {
    columns.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect()
}

#[test]
fn text_columns_are_categories_by_themselves() {
    let iris = table("length,width,species", "{x},{y},{k}", 0, 60);
    let (found, said) = fitted(&iris, "iris.csv", "");
    assert_eq!(found, pairs(&[("length", "real"), ("width", "real"), ("species", "a b c")]));
    let line = said.err.lines().find(|line| line.contains("species")).unwrap();
    assert!(line.contains("category") && line.contains("a, b, c"), "{said:?}");
    let (found, _) = fitted(table("g,won", "{k},True", 0, 60) + "a,False\n", "two.csv", "");
    assert_eq!(found, pairs(&[("g", "a b c"), ("won", "False True")]), "categories alone");
    let headless = table("0.1,3.9,a", "{x},{y},{k}", 0, 60);
    let (found, said) = fitted(headless, "headless.csv", "");
    assert_eq!(found, pairs(&[("x1", "real"), ("x2", "real"), ("x3", "a b c")]));
    assert!(said.err.contains("no header found, the columns are called x1 to x3"), "{said:?}");
}

#[test]
fn row_numbers_are_left_out_and_said() {
    let xy = pairs(&[("x", "real"), ("y", "real")]);
    for (header, from) in [(",x,y", 0), ("Unnamed: 0,x,y", 0), ("\"\",x,y", 1), ("t,x,y", 1)] {
        let (found, said) = fitted(table(header, "{i},{x},{y}", from, 60), "t.csv", "");
        assert_eq!(found, xy, "{header}");
        assert!(said.err.contains("row numbers; ask for it with --columns"), "{said:?}");
    }
    let (found, _) = fitted(table(",x,y", "\"{i}7\",{x},{y}", 3, 60), "rest.csv", "");
    assert_eq!(found, xy, "an index of which some rows were left out");
    let names = table("\"x\" \"y\"", "\"row {i}\" {x} {y}", 1, 60);
    let (found, said) = fitted(names, "r.txt", "");
    assert_eq!(found, xy, "R's write.table");
    assert!(said.err.contains("identifier"), "{said:?}");
    let (found, _) = fitted(table("t,x", "{i},{x}", 1, 60), "t.csv", "--columns t,x");
    assert_eq!(found, pairs(&[("t", "real"), ("x", "real")]), "asked for");
    let numbered = table("0,1", "{x},{y}", 0, 60);
    let (found, said) = fitted(numbered, "n.csv", "");
    assert_eq!(found, pairs(&[("0", "real"), ("1", "real")]));
    assert!(
        said.err.contains("taken for the header; if it is a row, pass --no-header"),
        "{said:?}"
    );
}

#[test]
fn dates_and_identifiers_are_left_out_with_the_remedy() {
    let mut text = "date,name,x\n".to_owned();
    for i in 0..60 {
        let (month, day) = (1 + i / 28, 1 + i % 28);
        writeln!(text, "2001-{month:02}-{day:02},p{i},{}", (1.3 * f64::from(i)).sin()).unwrap();
    }
    let (found, said) = fitted(&text, "t.csv", "");
    assert_eq!(found, pairs(&[("x", "real")]));
    for words in ["column 'date', dates; write it as a number", "column 'name', identifier"] {
        assert!(said.err.contains(words), "{said:?}");
    }
    let bench = Bench::new();
    bench.write("t.csv", &text);
    let refused = bench.run(&format!("fit t.csv {TINY} --without x -o run"));
    refused.refused(&[
        "'date': a date",
        "days since the first",
        "'name': text that tells rows apart",
    ]);
}

#[test]
fn spreadsheets_write_numbers_in_many_ways() {
    let semicolons = table("\u{feff}a;b", "{x};{y}", 0, 60).replace('.', ",");
    let (found, said) = fitted(semicolons, "excel.csv", "");
    assert_eq!(found, pairs(&[("a", "real"), ("b", "real")]));
    assert!(said.err.contains("a comma is read as the decimal mark"), "{said:?}");
    let latin: Vec<u8> = table("größe,art", "{x},{k}", 0, 60).chars().map(|c| c as u8).collect();
    let (found, said) = fitted(latin, "latin.csv", "");
    assert_eq!(found, pairs(&[("größe", "real"), ("art", "a b c")]));
    assert!(said.err.contains("Windows-1252"), "{said:?}");
    let money = table("price,share", "\"$1,0{i}.5\",{i}%", 10, 60);
    let (_, said) = fitted(money, "money.csv", "--columns price,share");
    assert!(said.err.contains("1010.5 to 1069.5"), "{said:?}");
    assert!(said.err.contains("currency signs taken off") && said.err.contains("41% is 41"));
    let spaced = table("# a b", "  {x}    {y}", 0, 60);
    let (found, _) = fitted(spaced, "saved.dat", "");
    assert_eq!(found, pairs(&[("a", "real"), ("b", "real")]));
}

/// The last line of a refusal, run as it stands, fits.
fn remedy_works(bench: &Bench, said: &Said) -> Vec<(String, String)> {
    let command = said.err.lines().last().unwrap().trim();
    bench.run_printed(command).good();
    columns(bench, "run")
}

#[test]
fn one_refusal_names_every_column_and_a_command_that_works() {
    let bench = Bench::new();
    let mut text = "\"income, 1000s\",year,city,bad,good,far,more\n".to_owned();
    for i in 0..120 {
        let bad = if i == 70 { "1.2.3" } else { "4.5" };
        let far = if i == 9 { "inf" } else { "0.5" };
        let (good, city) = ((1.3 * f64::from(i)).sin(), i * 7 % 50);
        writeln!(
            text,
            "{},2008,city {city},{bad},{good},{far},{}",
            (0.7 * f64::from(i)).cos(),
            good * good
        )
        .unwrap();
    }
    bench.write("my table.csv", text);
    let words: Vec<String> = format!("fit DATA {TINY} -o run")
        .split_whitespace()
        .map(|word| word.replace("DATA", "my table.csv"))
        .collect();
    let said = bench.run_words(&words, "").refused(&[
        "4 columns cannot be used",
        "column 'year' is 2008 in every row",
        "line 2, column 'city': text of 50 labels",
        "line 72, column 'bad': not a number: \"1.2.3\"",
        "line 11, column 'far': inf is not finite",
        "--schema",
        "--without 'year,city,bad,far'",
    ]);
    assert!(!bench.exists("run"));
    let found = remedy_works(&bench, &said);
    assert_eq!(found, pairs(&[("income, 1000s", "real"), ("good", "real"), ("more", "real")]));
    let mut quoted = words;
    quoted.extend(
        ["--columns", "\"income, 1000s\",good", "--columns", "more", "--force"].map(str::to_owned),
    );
    bench.run_words(&quoted, "").good();
    assert_eq!(columns(&bench, "run"), found, "names with commas, and a flag given twice");
}

#[test]
fn a_name_that_a_shell_would_break_is_left_out_by_the_printed_command() {
    let bench = Bench::new();
    bench.write("t.csv", table("\"a, 'b' \"\"c\"\" $d\",x,y", "7,{x},{y}", 0, 40));
    let said = bench.run(&format!("fit t.csv {TINY} -o run")).refused(&["is 7 in every row"]);
    assert_eq!(remedy_works(&bench, &said), pairs(&[("x", "real"), ("y", "real")]));
}

#[test]
fn missing_values_are_counted_by_column_and_the_remedy_fits() {
    let bench = Bench::new();
    let mut text = "a,b,c\n".to_owned();
    for i in 0..60 {
        let x = (1.3 * f64::from(i)).sin();
        let field = |lacks: bool, x: f64| if lacks { String::from("NA") } else { x.to_string() };
        let (a, b, c) = (field(i % 2 == 0, x), field(i % 2 == 1, x * x), field(i == 7, x.cos()));
        writeln!(text, "{a},{b},{c}").unwrap();
    }
    bench.write("t.csv", text);
    let said = bench.run(&format!("fit t.csv {TINY} -o run")).refused(&[
        "line 2, column 'a': 30 values missing",
        "line 3, column 'b': 30 values missing",
        "line 9, column 'c': 1 value missing",
        "--missing drop would leave 0 of 60 rows",
    ]);
    assert_eq!(remedy_works(&bench, &said).len(), 2);
    let said = bench.run(&format!("fit t.csv {TINY} --without a,b -o one"));
    let said = said.refused(&["--missing drop would leave 59 of 60 rows"]);
    let command = said.err.lines().last().unwrap().trim();
    assert!(command.ends_with("--missing drop") && command.matches("--without").count() == 1);
    bench.run_printed(command).good();
}

#[test]
fn a_category_of_one_label_is_called_by_it() {
    let bench = Bench::new();
    bench.write("t.csv", table("k,x,y", "red,{x},{y}", 0, 40));
    let fit = format!("fit t.csv {TINY} -o run");
    bench.run(&fit).refused(&["column 'k' is red in every row", "--without k"]);
    bench.write("t.csv", table("k,x,y", "red,{x},{y}", 0, 40) + "blue,,1\n");
    bench.run(&format!("{fit} --missing drop")).refused(&["column 'k' is red in every row"]);
}

#[test]
fn only_row_numbers_are_refused_once_with_the_flag_that_takes_them() {
    let bench = Bench::new();
    bench.write("t.csv", table("k", "{i}", 1, 40));
    let said =
        bench.run(&format!("fit t.csv {TINY} -o run")).refused(&["ask for it with --columns"]);
    assert_eq!(remedy_works(&bench, &said), pairs(&[("k", "real")]));
}

#[test]
fn arrays_and_odd_names_are_read_when_the_format_is_told() {
    let bench = Bench::new();
    bench.run("toy two-moons -n 300 -o rows.npy").good();
    bench.run("toy two-moons -n 300 -o rows.csv").good();
    let bytes = bench.bytes("rows.npy");
    let mean =
        |run: &str| bench.run(&format!("info {run} --json")).good().json()["data"]["hash"].clone();
    bench.run(&format!("fit rows.npy {TINY} -o file")).good();
    bench.run_on(&format!("fit - {TINY} -o piped"), bytes.clone()).good();
    bench.run_on(&format!("fit - --format npy {TINY} -o told"), bytes.clone()).good();
    bench.write("rows.data", bench.text("rows.csv"));
    bench.run(&format!("fit rows.data {TINY} -o no")).refused(&["unknown kind", "--format"]);
    bench.run(&format!("fit rows.data --format csv {TINY} -o odd")).good();
    assert_eq!(mean("file"), mean("piped"));
    assert_eq!(mean("file"), mean("told"));
    let expected = bench.run("log-prob file rows.npy").good().out;
    assert_eq!(bench.run_on("log-prob file -", bytes).good().out, expected);
    bench.write("h.csv", table("1.5,2.5", "{x},{y}", 0, 40));
    let named = bench.run(&format!("fit h.csv --header {TINY} -o named"));
    named.good();
    assert_eq!(columns(&bench, "named"), pairs(&[("1.5", "real"), ("2.5", "real")]));
    let both = bench.run(&format!("fit h.csv --header --no-header {TINY}"));
    assert!(both.code == Some(2) && both.err.contains("cannot be used with"), "{both:?}");
}

#[test]
fn names_cannot_steer_a_terminal() {
    let bench = Bench::new();
    bench.write("t.csv", table("\u{1b}[31mred,x", "{x},{y}", 0, 40));
    let said = bench.run(&format!("fit t.csv {TINY} -o run")).good();
    let info = bench.run("info run").good();
    bench.write("bad.csv", table("\u{1b}[31mred,x", "7,{x}", 0, 40));
    let refused = bench.run(&format!("fit bad.csv {TINY} -o no"));
    for text in [&said.err, &said.out, &info.out, &refused.err] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    assert!(said.err.contains("\\u{1b}[31mred") && info.out.contains("\\u{1b}[31mred"));
}

#[test]
fn settings_and_schemas_are_told_by_line() {
    let bench = Bench::new();
    bench.write("t.csv", table("x,y", "{x},{y}", 0, 40));
    bench.write("bad.toml", "# settings\n\nstep = 3\n");
    let fit = format!("fit t.csv {TINY} -o no");
    bench.run(&format!("{fit} --config bad.toml")).refused(&["bad.toml, line 3, column 1", "step"]);
    bench.write("s.toml", "[columns.x]\nkind = \"real\"\n\n[columns.y]\nkind = \"round\"\n");
    let words = ["s.toml, line 4", "columns.y: unknown variant `round`"];
    bench.run(&format!("{fit} --schema s.toml")).refused(&words);
    bench.write("s.toml", "[columns.x]\nkind = \n");
    bench.run(&format!("{fit} --schema s.toml")).refused(&["s.toml, line 2, column"]);
}
