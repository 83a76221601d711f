use super::*;

#[test]
fn every_form_of_the_command_line_is_understood() {
    let parse = |text| DataSource::parse(text).unwrap();
    assert_eq!(parse("-"), DataSource::Stdin);
    assert_eq!(parse("a/b.CSV"), DataSource::Csv { path: "a/b.CSV".into(), delimiter: b',' });
    assert_eq!(parse("b.tsv"), DataSource::Csv { path: "b.tsv".into(), delimiter: b'\t' });
    assert_eq!(parse("b.npy"), DataSource::Npy { path: "b.npy".into() });
    assert_eq!(parse("b.npz"), DataSource::Npz { path: "b.npz".into(), key: None });
    assert_eq!(
        parse("C:/b.npz:x:y"),
        DataSource::Npz { path: "C:/b.npz".into(), key: Some("x:y".into()) }
    );
    assert_eq!(parse("b.parquet"), DataSource::Parquet { path: "b.parquet".into() });
}

#[test]
fn an_unknown_extension_lists_those_supported() {
    for text in ["data.xls", "data", "data.npz:", ""] {
        let message = DataSource::parse(text).unwrap_err().to_string();
        assert_eq!(
            message,
            format!(
                "{text}: unknown kind of table; supported are .csv, .tsv, .txt, .dat, .npy, \
                 .npz (FILE.npz:KEY), .parquet, and - for CSV on the standard input; say which \
                 with --format where the name does not"
            )
        );
    }
}

#[test]
fn names_are_those_the_user_typed() {
    assert_eq!(DataSource::Stdin.name(), "<stdin>");
    assert_eq!(DataSource::parse("a/b.npz:k").unwrap().name(), "a/b.npz");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_how_to_get_it() {
    let source = DataSource::parse("t.parquet").unwrap();
    assert_eq!(
        source.read(None).unwrap_err().to_string(),
        "t.parquet: this build cannot handle Parquet; rebuild with `--features parquet`"
    );
}
