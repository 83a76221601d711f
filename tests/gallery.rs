//! The pictures of the documents, and what tells a stale one.

use diffeo::plots::Picture;
use std::path::PathBuf;

/// How the gallery compares pictures.
#[path = "../examples/gallery/stale.rs"]
mod stale;

fn pictures() -> Vec<(String, Picture)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "png")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, Picture::from_png(&std::fs::read(path).unwrap()).unwrap())
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn another_picture_is_stale_also_where_it_is_as_large() {
    let pictures = pictures();
    assert!(pictures.len() >= 18, "{}", pictures.len());
    for (i, (name, picture)) in pictures.iter().enumerate() {
        assert_eq!(stale::difference(picture, picture), None, "{name}");
        let (other_name, other) = &pictures[(i + 1) % pictures.len()];
        let other = other.clone().resized(picture.width(), picture.height());
        assert!(stale::difference(&other, picture).is_some(), "{other_name} for {name}");
        let flat = other.clone().resized(picture.width() - 1, picture.height());
        let said = stale::difference(&flat, picture).unwrap();
        assert!(said.contains("pixels across"), "{said}");
        let high = picture.clone().resized(picture.width(), picture.height() * 11 / 10);
        assert!(stale::difference(&high, picture).unwrap().contains("pixels down"));
    }
}

/// The files are read with each copy of the repository.
#[test]
fn the_pictures_of_the_documents_stay_small() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let sizes = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().metadata().unwrap().len());
    let all: u64 = sizes.sum();
    assert!(all < 3_000_000, "{all} bytes");
}
