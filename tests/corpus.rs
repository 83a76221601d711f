//! The seeds of the fuzz targets, and thousands of damaged copies of them: a reader gives an answer or
//! an error, never a panic.

use candle_core::Device;
use diffeo::data::{DataSource, ReadOptions};
use diffeo::flows::model::Model;
use diffeo::flows::rng::{Stream, generator};
use rand::Rng;
use std::path::{Path, PathBuf};

/// Damaged copies of each seed.
const COPIES: u64 = 300;

fn seeds(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(kind);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{kind}");
    files
}

/// The bytes cut short, with bits turned, with numbers made extreme, or with a piece repeated.
fn damaged(bytes: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        match rng.random_range(0..5) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 if !bytes.is_empty() => {
                bytes[at] = [0, 0xff, b'9', b'-', b'\n'][rng.random_range(0..5)];
            }
            3 => {
                let piece = bytes[at..(at + 16).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let extreme = [0_u64, u64::MAX, 1 << 62][rng.random_range(0..3)].to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&extreme[..end - at]);
            }
        }
    }
    bytes
}

/// Hands every seed and its damaged copies to a reader; how many it could read.
fn readable(kind: &str, read: impl Fn(&[u8]) -> bool) -> usize {
    let mut count = 0;
    for (number, path) in seeds(kind).iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        let mut rng = generator(number as u64, Stream::Sample, 0);
        count += usize::from(read(&bytes));
        for _ in 0..COPIES {
            read(&damaged(&bytes, &mut rng));
        }
    }
    count
}

fn reads_a_table(extension: &str, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table").with_extension(extension);
    std::fs::write(&path, bytes).unwrap();
    let source = DataSource::parse(&path.display().to_string()).unwrap();
    let table = source.read(None);
    // What is read as numbers can be surveyed, and has as many rows.
    let survey = source.survey(&ReadOptions::default());
    if let Ok(table) = &table {
        assert_eq!(survey.unwrap().rows(), table.rows() as u64);
    }
    if let Ok(table) = &table {
        // Whatever the damage, what is read as a table is one of finite numbers.
        assert!(table.rows() > 0 && table.values().iter().all(|value| value.is_finite()));
    }
    table.is_ok()
}

#[test]
fn damaged_tables_are_errors_or_other_tables() {
    for kind in ["csv", "npy", "npz", "parquet"] {
        assert!(readable(kind, |bytes| reads_a_table(kind, bytes)) > 0, "{kind}");
    }
}

/// Formats that say how much they hold: less is an error, wherever they are cut.
#[test]
fn tables_cut_short_are_errors() {
    for kind in ["npy", "npz", "parquet"] {
        let mut whole = 0;
        for path in seeds(kind) {
            let bytes = std::fs::read(&path).unwrap();
            if !reads_a_table(kind, &bytes) {
                continue;
            }
            whole += 1;
            for part in 1..32 {
                let end = bytes.len() * part / 32;
                assert!(!reads_a_table(kind, &bytes[..end]), "{} to {end}", path.display());
            }
        }
        assert!(whole > 0, "{kind}");
    }
}

#[test]
fn damaged_models_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Model::load_checkpoint(&path, &Device::Cpu).unwrap_err();
        Model::load(&path, &Device::Cpu).is_ok()
    };
    assert_eq!(readable("model", read), seeds("model").len());
}
