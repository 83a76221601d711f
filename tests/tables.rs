//! Round trips through files of every format, and what happens when files are missing or in the way.

use std::fs;
use std::path::PathBuf;

use diffeo::data::{
    DataError, DataSource, Missing, Precision, ReadOptions, RoleRequest, Table, Target,
};
use proptest::prelude::*;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("diffeo-data-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn read(path: &str) -> Result<Table, DataError> {
    DataSource::parse(path)?.read(None)
}

fn target(path: &str, overwrite: bool) -> Target {
    Target::File { path: path.into(), overwrite }
}

fn table(columns: &[String], values: Vec<f64>) -> Table {
    Table::new("made", columns.to_vec(), values).unwrap()
}

fn formats() -> Vec<&'static str> {
    let mut formats = vec!["t.csv", "t.tsv", "t.npy"];
    if cfg!(feature = "parquet") {
        formats.push("t.parquet");
    }
    formats
}

fn awkward(n: usize) -> Table {
    let values = (0..n).flat_map(|i| {
        let x = i as f64;
        [x.sin(), -0.0, 1e300 / (x + 1.0), f64::MIN_POSITIVE * x]
    });
    table(&["x1", "x2", "x3", "x4"].map(str::to_owned), values.collect())
}

#[test]
fn doubles_survive_every_format_bit_for_bit() {
    let folder = Folder::new("doubles");
    let written = awkward(3000);
    for name in formats() {
        let path = folder.path(name);
        target(&path, false).write(&written, Precision::Double).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found.hash(), written.hash(), "{name}");
        assert_eq!(found.source(), path);
    }
}

#[test]
fn singles_survive_every_format_bit_for_bit() {
    let folder = Folder::new("singles");
    let values: Vec<f64> = (0..6000).map(|i| f64::from((i as f32).sin() / 3.0)).collect();
    let written = table(&["x1".to_owned(), "x2".to_owned()], values);
    for name in formats() {
        let path = folder.path(name);
        target(&path, false).write(&written, Precision::Single).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found.rows(), 3000, "{name}");
        let bits = |table: &Table| -> Vec<u32> {
            table.values().iter().map(|&value| (value as f32).to_bits()).collect()
        };
        assert_eq!(bits(&found), bits(&written), "{name}");
    }
}

#[test]
fn pieces_written_are_the_pieces_read() {
    let folder = Folder::new("pieces");
    let written = awkward(1000);
    for name in formats() {
        let path = folder.path(name);
        let mut sink = target(&path, false).create(written.columns(), Precision::Double).unwrap();
        for rows in written.values().chunks(4 * 77) {
            sink.write_rows(rows).unwrap();
        }
        sink.finish().unwrap();
        let pieces: Vec<Table> = DataSource::parse(&path)
            .unwrap()
            .open(None)
            .unwrap()
            .chunks(300)
            .collect::<Result<_, _>>()
            .unwrap();
        let sizes: Vec<usize> = pieces.iter().map(Table::rows).collect();
        assert_eq!(sizes, [300, 300, 300, 100], "{name}");
        let whole =
            pieces.into_iter().reduce(|whole, piece| whole.concat(&piece).unwrap()).unwrap();
        assert_eq!(whole.hash(), written.hash(), "{name}");
    }
}

#[test]
fn chunks_end_after_an_error() {
    let folder = Folder::new("error");
    let path = folder.write("t.csv", b"a\n1\n2\nx\n4\n");
    let mut chunks = DataSource::parse(&path).unwrap().open(None).unwrap().chunks(2);
    assert_eq!(chunks.next().unwrap().unwrap().rows(), 2);
    let message = chunks.next().unwrap().unwrap_err().to_string();
    assert!(message.contains("line 4, column 'a'"), "{message}");
    assert!(chunks.next().is_none());
}

#[test]
fn a_missing_file_is_named() {
    for name in ["no.csv", "no.npy", "no.npz", "no.npz:key"] {
        let message = read(name).unwrap_err().to_string();
        let file = name.trim_end_matches(":key");
        assert_eq!(
            message,
            format!("{file}: no such file; check the path and the working directory")
        );
    }
}

#[test]
fn a_header_without_rows_is_told() {
    let folder = Folder::new("rows");
    let path = folder.write("t.csv", b"a,b\r\n");
    let expected = format!("{path}: there are no rows after the header; add data");
    assert_eq!(read(&path).unwrap_err().to_string(), expected);
}

#[test]
fn an_existing_file_is_kept_unless_forced() {
    let folder = Folder::new("force");
    let written = awkward(2);
    for name in formats() {
        let path = folder.write(name, b"precious");
        let message =
            target(&path, false).write(&written, Precision::Double).unwrap_err().to_string();
        assert_eq!(message, format!("{path}: already exists; pass --force to overwrite it"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        target(&path, true).write(&written, Precision::Double).unwrap();
        assert_eq!(read(&path).unwrap().rows(), 2);
    }
}

#[test]
fn a_file_that_appears_meanwhile_is_kept() {
    let folder = Folder::new("race");
    let path = folder.path("t.csv");
    let sink = target(&path, false).create(&["a".to_owned()], Precision::Double).unwrap();
    folder.write("t.csv", b"precious");
    assert!(matches!(sink.finish(), Err(DataError::AlreadyExists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn nothing_is_left_of_a_write_that_is_given_up() {
    let folder = Folder::new("drop");
    for name in formats() {
        let path = folder.path(name);
        let mut sink = target(&path, false).create(&["a".to_owned()], Precision::Double).unwrap();
        sink.write_rows(&[1.0, 2.0]).unwrap();
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "{name}: the file under way");
        assert!(fs::metadata(&path).is_err(), "{name}: not yet under its name");
        drop(sink);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let message = target("no/such/t.csv", false)
        .create(&["a".to_owned()], Precision::Double)
        .unwrap_err()
        .to_string();
    assert_eq!(message, "no/such/t.csv: the folder no/such does not exist; create it first");
}

#[test]
fn text_columns_are_no_trouble_when_not_asked_for() {
    let folder = Folder::new("roles");
    let path = folder.write("t.csv", b"name,b,a,w\ntom,1,2,0.5\nann,3,4,1\n");
    let request = RoleRequest {
        columns: Some(vec!["a".to_owned()]),
        given: vec!["b".to_owned()],
        weight: Some("w".to_owned()),
    };
    let columns = request.columns_to_read();
    let table = DataSource::parse(&path).unwrap().read(columns.as_deref()).unwrap();
    assert_eq!(table.columns(), ["a", "b", "w"]);
    let roles = request.resolve(&table).unwrap();
    assert_eq!(table.select(&roles.features).unwrap().values(), [2.0, 4.0]);
    let all = read(&path).unwrap_err().to_string();
    assert!(all.contains("line 2, column 'name'") && all.contains("--columns"), "{all}");
}

#[test]
fn a_large_npy_that_is_cut_is_refused() {
    let folder = Folder::new("cut");
    let path = folder.path("t.npy");
    target(&path, false).write(&awkward(100), Precision::Double).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!(
            "{path}: truncated: the header announces 3200 bytes of data, found 3199; copy the \
             file again"
        )
    );
}

proptest! {
    #[test]
    fn any_finite_table_survives_text(
        names in prop::collection::btree_set("[a-z][a-z ,\"\t\n']{0,6}[a-z]", 1..5),
        bits in prop::collection::vec(any::<u64>(), 1..40),
        name in prop::sample::select(vec!["t.csv", "t.tsv"]),
    ) {
        let columns: Vec<String> = names.into_iter().collect();
        let mut values: Vec<f64> =
            bits.into_iter().map(f64::from_bits).filter(|value| value.is_finite()).collect();
        values.resize(values.len().next_multiple_of(columns.len()).max(columns.len()), 0.5);
        let written = table(&columns, values);
        let folder = Folder::new("proptest");
        let path = folder.path(name);
        target(&path, true).write(&written, Precision::Double).unwrap();
        let found = read(&path).unwrap();
        prop_assert_eq!(found.hash(), written.hash());
    }

    #[test]
    fn any_bytes_give_a_table_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        name in prop::sample::select(vec!["t.csv", "t.npy", "t.npz", "t.parquet"]),
    ) {
        let folder = Folder::new("noise");
        let path = folder.write(name, &bytes);
        if let Err(error) = read(&path) {
            prop_assert!(error.to_string().starts_with(&path));
        }
    }
}

/// Rows with a NaN here and there, in every format, whole and in pieces.
#[test]
fn rows_with_missing_values_are_refused_or_left_out() {
    let folder = Folder::new("missing");
    let columns = ["x1", "x2"].map(str::to_owned);
    let lacks = |row: usize| row % 7000 == 5;
    let value = |i: usize| if lacks(i / 2) && i % 2 == 1 { f64::NAN } else { i as f64 };
    let rows = 40_000;
    let written = table(&columns, (0..2 * rows).map(value).collect());
    for name in formats() {
        let path = folder.path(name);
        target(&path, false).write(&written, Precision::Double).unwrap();
        let source = DataSource::parse(&path).unwrap();
        let (word, numbers) = match name {
            "t.csv" | "t.tsv" => ("line", "7, 7007, 14007, 21007, 28007"),
            _ => ("row", "6, 7006, 14006, 21006, 28006"),
        };
        let first = numbers.split(',').next().unwrap();
        assert_eq!(
            read(&path).unwrap_err().to_string(),
            format!(
                "{path}, {word} {first}, column 'x2': the value is missing, as in 6 rows in all: \
                 {word}s {numbers}, …; leave such rows out, with --missing drop where the \
                 command has it, or impute them"
            )
        );
        let options = ReadOptions { missing: Missing::Drop, ..ReadOptions::default() };
        for limit in [usize::MAX, 1000, 1] {
            let mut reader = source.open_with(&options).unwrap();
            let mut kept = Vec::new();
            while let Some(piece) = reader.next_rows(limit).unwrap() {
                // Both values of row i are 2 i and 2 i + 1.
                let numbers = (0..piece.rows()).map(|row| 2.0 * piece.number(row) as f64);
                assert!(numbers.eq(piece.column(0)), "{name} {limit}: rows keep their numbers");
                assert!(piece.rows() <= limit && piece.rows() > 0);
                kept.extend(piece.into_values());
                if limit == 1 && kept.len() > 40 {
                    break;
                }
            }
            let expected = (0..2 * rows).filter(|i| !lacks(i / 2)).map(|i| i as f64);
            assert!(kept.iter().copied().eq(expected.take(kept.len())), "{name} {limit}");
            if limit > 1 {
                assert_eq!(kept.len(), 2 * (rows - 6));
                assert_eq!(reader.dropped().rows(), 6);
            }
        }
    }
    let path = folder.write("all.csv", b"a,b\n1,\n,2\n");
    let options = ReadOptions { missing: Missing::Drop, ..ReadOptions::default() };
    let error = DataSource::parse(&path).unwrap().open_with(&options).unwrap().read().unwrap_err();
    assert!(error.to_string().contains("each of its 2 rows has a missing value"), "{error}");
}
