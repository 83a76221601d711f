use super::*;

/// Fields parted by commas unless they look otherwise.
const COMMAS: Asked = Asked { delimiter: b',', header: None };

fn open(text: &[u8]) -> Result<CsvRows<&[u8]>, DataError> {
    CsvRows::new("f.csv", text, COMMAS, None, &Labels::default())
}

fn read(text: &[u8]) -> Result<(Vec<String>, Vec<f64>), DataError> {
    let mut rows = open(text)?;
    let mut values = Vec::new();
    rows.read_rows(usize::MAX, &mut values, &mut Vec::new())?;
    Ok((rows.columns, values))
}

fn message(text: &[u8]) -> String {
    read(text).unwrap_err().to_string()
}

/// The rows with missing values, each with its line and column, when all are read.
fn gaps(text: &[u8]) -> Vec<Gap> {
    let (mut values, mut gaps) = (Vec::new(), Vec::new());
    open(text).unwrap().read_rows(usize::MAX, &mut values, &mut gaps).unwrap();
    gaps
}

#[test]
fn the_first_row_is_a_header_only_if_a_field_is_text() {
    assert_eq!(read(b"a,2\n1,2\n").unwrap(), (vec!["a".into(), "2".into()], vec![1.0, 2.0]));
    assert_eq!(read(b"1,2\n3,4").unwrap().0, ["x1", "x2"]);
    assert_eq!(read(b"1,2\n3,4").unwrap().1, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(read(b"1,NA\n").unwrap().0, ["x1", "x2"]);
}

#[test]
fn unnamed_header_fields_are_numbered() {
    assert_eq!(read(b",b\n0,1\n").unwrap().0, ["x1", "b"]);
}

#[test]
fn accepted_spellings() {
    let mark = b"\xef\xbb\xbfa,b\r\n 1 ,\"2\"\r\n\r\n+3,\t-4e-2\r\n   \n1.,.5\r\n";
    let (columns, values) = read(mark).unwrap();
    assert_eq!(columns, ["a", "b"]);
    assert_eq!(values, [1.0, 2.0, 3.0, -0.04, 1.0, 0.5]);
}

#[test]
fn quoted_names_may_hold_commas_quotes_and_line_ends() {
    let (columns, _) = read(b"\"a,b\",\"c\"\"d\",\"e\nf\"\n1,2,3\n").unwrap();
    assert_eq!(columns, ["a,b", "c\"d", "e\nf"]);
}

#[test]
fn a_chosen_column_is_read_beside_text() {
    let wanted = ["y".to_owned(), "x".to_owned()];
    let mut rows = CsvRows::new(
        "f",
        &b"x,name,y\n1,tom,2\n3,,4\n"[..],
        COMMAS,
        Some(&wanted),
        &Labels::default(),
    )
    .unwrap();
    let mut values = Vec::new();
    assert_eq!(rows.read_rows(9, &mut values, &mut Vec::new()).unwrap(), 2);
    assert_eq!(values, [2.0, 1.0, 4.0, 3.0]);
}

#[test]
fn not_a_number_shows_the_text() {
    assert_eq!(
        message(b"a,b\n1,2\n3,four\n"),
        "f.csv, line 3, column 'b': not a number: \"four\"; correct it, or leave the column out \
         (fit: --columns)"
    );
    let long = message(format!("a\n{}\n", "é".repeat(50)).as_bytes());
    assert!(long.contains(&format!("\"{}…\"", "é".repeat(40))), "{long}");
    assert!(message(b"a\n1;2\n").ends_with("with commas or tabs"));
    assert!(message(b"a\n\"1,5\"\n").contains("decimal mark"));
}

#[test]
fn lines_count_as_in_an_editor() {
    let line = |text: &[u8]| match read(text).unwrap_err() {
        DataError::NotANumber { place: Place::Line(line), .. } => line,
        other => panic!("{other}"),
    };
    assert_eq!(line(b"a\nx\n"), 2);
    assert_eq!(line(b"a\nx"), 2);
    assert_eq!(line(b"a\r\n1\r\nx\r\n"), 3);
    assert_eq!(line(b"a\r\n1\r\nx"), 3);
    assert_eq!(line(b"a\n\n\n1\n\nx\n\n1\n"), 6);
    assert_eq!(line(b"\n\na\n1\nx\n"), 5);
    assert_eq!(line(b"\"a\nb\"\n1\nx\n"), 4);
    assert_eq!(line(b"a\n1\n\"x\ny\"\n1\n"), 3);
    assert_eq!(line(b"a\n1\n\"x\ny\n1\n"), 3, "a quotation that is never closed");
}

#[test]
fn missing_values_are_gaps_and_infinite_ones_errors() {
    for text in [
        "", " ", "NA", "N/A", "n/a", "null", "NULL", "None", "?", "nan", "NaN", ".", "-", "#N/A",
        "<NA>", "NaT",
    ] {
        let row = format!("a,b\n3,4\n\n1,{text}\n5,6\n");
        let gap = Gap { row: 1, place: Place::Line(4), column: 1 };
        assert_eq!(gaps(row.as_bytes()), [gap], "`{text}`");
    }
    assert_eq!(gaps(b"a,b\n,\n").iter().map(|gap| gap.column).collect::<Vec<_>>(), [0]);
    for text in ["inf", "-inf", "Infinity", "1e999"] {
        let message = message(format!("a\n{text}\n").as_bytes());
        assert!(message.contains("inf is not finite"), "{message}");
    }
}

#[test]
fn ragged_rows_are_counted() {
    assert_eq!(
        message(b"a,b\n1,2\n3\n"),
        "f.csv, line 3: expected 2 fields, found 1; complete the row or drop it"
    );
    assert_eq!(
        message(b"1,2\n1,2,3\n"),
        "f.csv, line 2: expected 2 fields, found 3; quote fields that contain the delimiter"
    );
}

#[test]
fn empty_files_and_shared_names() {
    for text in [&b""[..], b"\n\r\n  \n", b"\xef\xbb\xbf"] {
        assert_eq!(
            message(text),
            "f.csv: the file is empty; expected a header and rows of numbers"
        );
    }
    assert_eq!(
        message(b"a, a\n1,2\n"),
        "f.csv: column 'a' appears twice; rename or drop one of them"
    );
}

#[test]
fn other_encodings_are_read_and_told() {
    let mut rows = open(b"gr\xf6\xdfe,\x80\n1,2\n").unwrap();
    assert_eq!(rows.columns(), ["größe", "€"]);
    assert!(rows.notes()[0].contains("Windows-1252"), "{:?}", rows.notes());
    let mut values = Vec::new();
    assert_eq!(rows.read_rows(9, &mut values, &mut Vec::new()).unwrap(), 1);
    let labels: Labels =
        [("k".to_owned(), vec!["ja".to_owned(), "ö".to_owned()])].into_iter().collect();
    let mut rows = CsvRows::new("f", &b"k\n\xf6\nja\n"[..], COMMAS, None, &labels).unwrap();
    values.clear();
    rows.read_rows(9, &mut values, &mut Vec::new()).unwrap();
    assert_eq!(values, [1.0, 0.0]);
}

#[test]
fn tables_of_spreadsheets_and_other_programs() {
    let (names, values) = read(b"\xef\xbb\xbfa;b\r\n1,5;2\r\n-0,25;1.234,5\r\n").unwrap();
    assert_eq!((names, values), (vec!["a".into(), "b".into()], vec![1.5, 2.0, -0.25, 1234.5]));
    let saved = b"# a b\n 1.0e+00   2.0e+00\n 3.0e+00  -4.0e+00\n";
    assert_eq!(read(saved).unwrap().0, ["a", "b"]);
    assert_eq!(read(saved).unwrap().1, [1.0, 2.0, 3.0, -4.0]);
    let money = read(b"p,s\n\"$1,425.36\",41%\n$643.72,98%\n").unwrap().1;
    assert_eq!(money, [1425.36, 41.0, 643.72, 98.0]);
    let frame = read(b"\"a\" \"b\"\n\"1\" 5 6\n\"2\" 7 8\n").unwrap();
    assert_eq!(frame.0, ["x1", "a", "b"], "the first column of R's write.table has no name");
    assert_eq!(frame.1, [1.0, 5.0, 6.0, 2.0, 7.0, 8.0]);
    let place = message(b"# one\n# two\na b\n1 2\n3 x\n4 5\n");
    assert!(place.starts_with("f.csv, line 5, column 'b'"), "{place}");
}

#[test]
fn a_first_row_is_what_the_columns_wanted_make_of_it() {
    let columns = |text: &'static [u8], wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        CsvRows::new("f", text, COMMAS, Some(&wanted), &Labels::default()).map(|r| r.columns)
    };
    assert_eq!(columns(b"0,1\n1,0\n", &["x1"]).unwrap(), ["x1"]);
    assert_eq!(columns(b"1,2\n3,4\n", &["2"]).unwrap(), ["2"]);
    assert!(columns(b"1,2\n3,4\n", &["5"]).is_err());
    let asked = |header| Asked { delimiter: b',', header: Some(header) };
    let names = |header| {
        let labels = Labels::default();
        CsvRows::new("f", &b"1,2\n3,4\n"[..], asked(header), None, &labels).unwrap().columns
    };
    assert_eq!(names(true), ["1", "2"]);
    assert_eq!(names(false), ["x1", "x2"]);
}

#[test]
fn unclosed_quotes_and_binary_noise_are_errors_not_panics() {
    assert!(read(b"a,b\n\"1,2\n").is_err());
    assert!(read(&[0, 159, 146, 150, 10, 0, 1]).is_err());
}

#[test]
fn what_is_no_text_is_refused_early() {
    let zero = "f.csv: a zero byte in what should be text: it is binary, or UTF-16; save the file as \
                UTF-8 text";
    assert_eq!(message(b"a\0,\0b\0\n\0"), zero);
    let utf16 = "f.csv: UTF-16 text, as its byte-order mark says; save the file as UTF-8";
    assert_eq!(message(b"\xff\xfea\0,\0b\0\n\0"), utf16);
    let endless = io::repeat(b'7').take(1 << 40);
    let error = CsvRows::new("f.csv", endless, COMMAS, None, &Labels::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "f.csv: a line of more than 64 MiB; write each row on a line of its own"
    );
}

#[test]
fn labels_are_numbered_and_others_told() {
    let labels: Labels =
        [("kind".to_owned(), vec!["red".to_owned(), "NA".to_owned(), "7".to_owned()])]
            .into_iter()
            .collect();
    let text = b"x,kind\n1,NA\n2, red \n3,7.0\n4,\n5,blue\n";
    let mut rows = CsvRows::new("f.csv", &text[..], COMMAS, None, &labels).unwrap();
    let (mut values, mut gaps) = (Vec::new(), Vec::new());
    assert_eq!(rows.read_rows(4, &mut values, &mut gaps).unwrap(), 4);
    assert_eq!(values[..7], [1.0, 1.0, 2.0, 0.0, 3.0, 2.0, 4.0]);
    assert_eq!(gaps, [Gap { row: 3, place: Place::Line(5), column: 1 }], "empty is no label");
    let message = rows.read_rows(1, &mut values, &mut gaps).unwrap_err().to_string();
    assert_eq!(
        message,
        "f.csv, line 6, column 'kind': \"blue\" is none of its labels red, NA, 7; correct it, or \
         add it to the schema and fit again"
    );
}
