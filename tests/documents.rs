use crate::measure_quoting::{DOCUMENTS, FILE, Results, keys_in};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Units of what is measured: a number before one of these stands in `docs/results.json`.
const UNITS: [&str; 21] = [
    "s",
    "ms",
    "µs",
    "seconds",
    "minute",
    "minutes",
    "hours",
    "nats",
    "nat",
    "rows/s",
    "GFLOP/s",
    "kB",
    "MB",
    "GB",
    "GiB",
    "%",
    "thousand",
    "million",
    "times",
    "evaluations",
    "parameters",
];

/// Numbers with a unit that are no measurements: settings, bounds and what a test holds.
const SETTINGS: [&str; 6] = [
    "regions of 50, 80 and 95 %",
    "50, 80 and 95 % regions",
    "99 % bands",
    "95 % intervals",
    "three times the single-precision",
    "99 % band",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    let path = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn results() -> Results {
    Results::parse(&read(FILE)).unwrap()
}

/// A document without its quotations, code and addresses: the words that are written by hand.
fn by_hand(document: &str) -> String {
    let cut = |text: &str, open: &str, close: &str| {
        let mut parts = text.split(open);
        let mut kept = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            kept.push_str(part.split_once(close).map_or("", |(_, after)| after));
        }
        kept
    };
    let text = cut(document, "<!-- results: ", "<!-- end -->");
    let text = cut(&text, "<!-- = ", "<!-- / -->");
    let code = text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let code = code.split('`').step_by(2).collect::<Vec<_>>().join("");
    cut(&code, "](", ")")
}

/// Numbers with a unit of measure in a document, outside what it quotes.
fn unsourced(document: &str) -> Vec<String> {
    let mut text = by_hand(document).split_whitespace().collect::<Vec<_>>().join(" ");
    for setting in SETTINGS {
        text = text.replace(setting, "");
    }
    let trimmed = |word: &str| {
        word.trim_matches(|c: char| !c.is_alphanumeric() && c != '%' && c != '/' && c != 'µ')
            .to_owned()
    };
    let words: Vec<String> = text.split(' ').map(trimmed).collect();
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    words
        .windows(2)
        .filter(|pair| is_number(&pair[0]) && UNITS.contains(&pair[1].as_str()))
        .map(|pair| pair.join(" "))
        .collect()
}

/// Rows of tables in a document with a cell that is a number, outside what it quotes.
fn unsourced_rows(document: &str) -> Vec<String> {
    let is_number = |cell: &str| {
        let cell = cell.trim().trim_matches('*');
        let first = cell.split(['±', ' ']).next().unwrap_or_default();
        first.parse::<f64>().is_ok()
    };
    let text = by_hand(document);
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.filter(|row| row.split('|').any(is_number)).map(str::to_owned).collect()
}

#[test]
fn every_quotation_says_what_the_results_say() {
    let results = results();
    for name in DOCUMENTS {
        let document = read(name);
        let quoted = results.quoted_in(&document).unwrap_or_else(|e| panic!("{name}: {e}"));
        let changed = document.lines().zip(quoted.lines()).find(|(is, should)| is != should);
        assert!(
            quoted == document,
            "{name} does not quote {FILE}; run `cargo run --release --example measure -- quote`: \
             {changed:?}"
        );
    }
}

#[test]
fn every_figure_comes_from_the_results() {
    for name in DOCUMENTS {
        let document = read(name);
        assert_eq!(unsourced(&document), [""; 0], "{name}: quote {FILE}");
        assert_eq!(unsourced_rows(&document), [""; 0], "{name}: quote {FILE}");
    }
}

#[test]
fn every_result_is_quoted_and_says_where_it_is_from() {
    let results = results();
    let quoted: BTreeSet<String> = DOCUMENTS.iter().flat_map(|name| keys_in(&read(name))).collect();
    let known: BTreeSet<String> = results.results.keys().cloned().collect();
    assert_eq!(quoted, known);
    for (key, entry) in &results.results {
        let said = [&entry.what, &entry.command, &entry.rows, &entry.measured.processor];
        assert!(said.iter().all(|text| !text.is_empty()), "{key}");
        assert!(["script", "earlier"].contains(&entry.measured.by.as_str()), "{key}");
        assert!(entry.measured.date.len() == "2026-01-01".len(), "{key}: {:?}", entry.measured);
        let commit = entry.measured.commit.trim_end_matches("+changes");
        assert!(commit.len() >= 7 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
    }
}

/// The tests above can fail: figures out of nowhere, changed figures and lost marks are found.
#[test]
fn figures_out_of_nowhere_are_found() {
    let said =
        "It takes 3.7 s, or (46 ms).\nUp to 12\nnats and `9 s` in code, 50, 80 and 95 % regions\n";
    assert_eq!(unsourced(said), ["3.7 s", "46 ms", "12 nats"]);
    assert_eq!(
        unsourced_rows("| a | b |\n|---|---|\n| x | **.0024 to .0037** |\n"),
        ["| x | **.0024 to .0037** |"]
    );
    let results = results();
    let (key, entry) = results.results.iter().next().unwrap();
    let open = format!("<!-- results: {key} -->");
    let made = results.quoted_in(&format!("a {open}<!-- end --> b")).unwrap();
    assert!(made.contains(&entry.what) && made.ends_with("<!-- end --> b"), "{made}");
    assert_eq!(results.quoted_in(&made).unwrap(), made);
    assert!(results.quoted_in(&made.replace(" at commit ", " at some commit ")).unwrap() == made);
    assert!(results.quoted_in(&open).is_err());
    assert!(results.quoted_in("<!-- = no.such.key -->1<!-- / -->").is_err());
}

/// Addresses of files in a document, relative to it.
fn linked(document: &str) -> Vec<String> {
    let targets = document.split("](").skip(1).filter_map(|after| after.split(')').next());
    targets.filter(|t| !t.contains("://")).map(str::to_owned).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for name in DOCUMENTS.into_iter().chain(["ARCHITECTURE.md", "CONTRIBUTING.md"]) {
        let folder = root().join(name).parent().map(Path::to_owned).unwrap();
        for target in linked(&read(name)) {
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { root().join(name) } else { folder.join(file) };
            assert!(path.exists(), "{name}: there is no {target}");
            if !heading.is_empty() {
                let page = std::fs::read_to_string(&path).unwrap();
                let titles = page.lines().filter(|line| line.starts_with('#'));
                let found = titles.map(anchor).any(|anchor| anchor == heading);
                assert!(found, "{name}: no heading {target}");
            }
        }
    }
}

/// The address of a heading: its words in lower case with dashes, without punctuation.
fn anchor(title: &str) -> String {
    let words = title.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Commands of the program in a document, a line each, without what follows a `#`, `|` or `;`.
fn commands(document: &str) -> Vec<String> {
    let code = document.split("```").skip(1).step_by(2);
    let lines = code.filter(|code| code.starts_with("sh\n")).flat_map(str::lines);
    let typed = lines.filter_map(|line| line.strip_prefix("diffeo "));
    typed.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn every_flag_in_a_document_is_one_of_its_command() {
    for name in DOCUMENTS {
        for line in commands(&read(name)) {
            let words = shlex::split(&line).unwrap_or_else(|| panic!("{name}: {line}"));
            let help = assert_cmd::Command::new(env!("CARGO_BIN_EXE_diffeo"))
                .args([&words[0], "--help"])
                .output()
                .unwrap();
            assert!(help.status.success(), "{name}: no command {line}");
            let help = String::from_utf8(help.stdout).unwrap();
            let known: Vec<&str> =
                help.split(|c: char| c.is_whitespace() || "[],=".contains(c)).collect();
            for flag in words.iter().filter(|word| word.starts_with('-') && *word != "-") {
                let flag = flag.split('=').next().unwrap_or_default();
                assert!(known.contains(&flag), "{name}: `{line}` has no flag {flag}");
            }
        }
    }
}

/// The names of all checks: those of a certificate, and those that are said to be left out.
fn checks() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_diffeo"));
        command.current_dir(folder.path()).args(line.split(' ')).output().unwrap()
    };
    let tiny = "--rows 400 --steps 4 --layers 1 --hidden 8 --no-plots";
    assert!(run(&format!("fit two-moons -o run {tiny}")).status.success());
    let checked = run("check run two-moons --json");
    let found: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let names = found["checks"].as_array().unwrap().iter();
    let names = names.map(|check| check["name"].as_str().unwrap().to_owned());
    let left_out = String::from_utf8(checked.stderr).unwrap();
    let left_out = left_out.lines().filter_map(|line| line.split_once(": not checked"));
    names.chain(left_out.map(|(name, _)| name.to_owned())).collect()
}

#[test]
fn the_page_of_the_certificate_names_every_check() {
    let page = read("docs/certificate.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<String> = rows
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, checks());
}
