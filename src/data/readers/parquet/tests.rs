use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{BoolType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

/// A file that is removed at the end of a test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(bytes: &[u8]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("diffeo-{}-{}.parquet", unique.0, unique.1));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn read(bytes: &[u8], wanted: Option<&[String]>) -> Result<(Vec<String>, Vec<f64>), DataError> {
    let temporary = Temporary::new(bytes);
    let mut rows = ParquetRows::new("f.parquet", File::open(&temporary.0).unwrap(), wanted)?;
    let mut values = Vec::new();
    while rows.read_rows(3, &mut values, &mut Vec::new())? > 0 {}
    Ok((rows.columns, values))
}

fn message(bytes: &[u8]) -> String {
    read(bytes, None).unwrap_err().to_string()
}

/// One column of a test file.
enum Values {
    Bool(Vec<bool>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Values and which rows have one.
    Optional(Vec<f64>, Vec<i16>),
}

fn write(schema: &str, groups: &[Vec<Values>], compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for values in columns {
            let mut column = group.next_column().unwrap().unwrap();
            match values {
                Values::Bool(v) => column.typed::<BoolType>().write_batch(v, None, None),
                Values::I32(v) => column.typed::<Int32Type>().write_batch(v, None, None),
                Values::I64(v) => column.typed::<Int64Type>().write_batch(v, None, None),
                Values::F32(v) => column.typed::<FloatType>().write_batch(v, None, None),
                Values::F64(v) => column.typed::<DoubleType>().write_batch(v, None, None),
                Values::Optional(v, d) => {
                    column.typed::<DoubleType>().write_batch(v, Some(d), None)
                }
            }
            .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

const XY: &str = "message m { required double x; required double y; }";

fn two_groups(compression: Compression) -> Vec<u8> {
    let group = |from: i32, to: i32| {
        let values = |shift: i32| Values::F64((from..to).map(|v| f64::from(v + shift)).collect());
        vec![values(0), values(100)]
    };
    write(XY, &[group(0, 4), group(4, 9)], compression)
}

#[test]
fn rows_run_across_row_groups_in_every_codec() {
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let (columns, values) = read(&two_groups(codec), None).unwrap();
        assert_eq!(columns, ["x", "y"]);
        let expected: Vec<f64> = (0..9).flat_map(|v| [f64::from(v), f64::from(v + 100)]).collect();
        assert_eq!(values, expected);
    }
}

#[test]
fn columns_are_chosen_by_name() {
    let (_, values) = read(&two_groups(Compression::SNAPPY), Some(&["y".to_owned()])).unwrap();
    assert_eq!(values, (100..109).map(f64::from).collect::<Vec<_>>());
    let wrong = read(&two_groups(Compression::SNAPPY), Some(&["Y".to_owned()])).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "f.parquet: no column 'Y' (did you mean 'y'?); the columns are x, y"
    );
}

#[test]
fn every_numeric_type_is_read() {
    let schema = "message m { required boolean b; required int32 i; required int32 u (UINT_32); \
                  required int64 l; required int64 ul (INTEGER(64, false)); required float f; }";
    let group = vec![
        Values::Bool(vec![true, false]),
        Values::I32(vec![-1, i32::MAX]),
        Values::I32(vec![-1, 1]),
        Values::I64(vec![-(1 << 53), 1]),
        Values::I64(vec![i64::MIN, 1]),
        Values::F32(vec![0.5, -2.0]),
    ];
    let (_, values) = read(&write(schema, &[group], Compression::SNAPPY), None).unwrap();
    let first = [1.0, -1.0, 4_294_967_295.0, -9_007_199_254_740_992.0, 2.0_f64.powi(63), 0.5];
    assert_eq!(values[..6], first);
    assert_eq!(values[6..], [0.0, 2_147_483_647.0, 1.0, 1.0, 1.0, -2.0]);
}

#[test]
fn nulls_and_values_that_are_not_finite_are_placed() {
    let schema = "message m { optional double a; required double b; }";
    let column = |bad: bool| {
        let levels = if bad { vec![1, 1, 1, 0, 1] } else { vec![1; 5] };
        let present = levels.iter().filter(|&&level| level == 1).count();
        Values::Optional(vec![1.0; present], levels)
    };
    let with = |bad, b: f64| {
        let group = vec![column(bad), Values::F64(vec![0.0, b, 0.0, 0.0, 0.0])];
        write(schema, &[group], Compression::UNCOMPRESSED)
    };
    assert_eq!(read(&with(false, 2.0), None).unwrap().1.len(), 10);
    let (_, values) = read(&with(true, f64::NAN), None).unwrap();
    let missing: Vec<usize> = (0..10).filter(|&i| values[i].is_nan()).collect();
    assert_eq!(missing, [3, 6], "NaN and null alike");
    assert_eq!(
        message(&with(false, f64::INFINITY)),
        "f.parquet, row 2, column 'b': inf is not finite; drop the row or impute it"
    );
}

#[test]
fn other_types_name_the_column_and_are_skipped_when_not_asked_for() {
    for (field, shown) in [
        ("required binary s (STRING)", "String"),
        ("required int32 s (DATE)", "Date"),
        ("required int96 s", "INT96"),
        ("required int64 s (DECIMAL(9, 2))", "Decimal"),
        ("repeated double s", "nested"),
    ] {
        let schema = format!("message m {{ {field}; required double x; }}");
        let bytes = write(&schema, &[], Compression::UNCOMPRESSED);
        let message = message(&bytes);
        let expected = format!("f.parquet, column 's': type {shown} is not supported; convert");
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(read(&bytes, Some(&["x".to_owned()])).unwrap().0, ["x"]);
    }
    let nested = "message m { required group g { required double x; } }";
    assert!(message(&write(nested, &[], Compression::UNCOMPRESSED)).contains("column 'g.x'"));
}

#[test]
fn other_files_and_truncated_ones_are_malformed() {
    let bytes = two_groups(Compression::SNAPPY);
    for damaged in [&b"PAR1"[..], b"x,y\n1,2\n3,4\n", &bytes[..bytes.len() - 1], &bytes[..20]] {
        let message = message(damaged);
        assert!(message.starts_with("f.parquet: not a readable Parquet file ("), "{message}");
    }
    assert_eq!(message(b""), "f.parquet: the file is empty; expected a header and rows of numbers");
}

#[test]
fn flipped_bytes_never_panic() {
    for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let bytes = two_groups(codec);
        for index in 0..bytes.len() {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[index] ^= mask;
                let _ = read(&damaged, None);
            }
        }
    }
}
