//! Draws every picture of the README and of docs/gallery.md, of models that it fits:
//! `cargo run --release --example gallery`, with `-- docs/pictures` in their places, those of some names
//! with `-- docs/pictures NAME...`, and with `-- --check docs/pictures` to fail unless those that stand
//! there are what it draws.
//!
//! All seeds are fixed: on one kind of processor the pictures are the same each time. The rows beside
//! a model are drawn anew, with another stream of the seed than those that it was fitted to.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

mod fitted;
mod stale;

use diffeo::flows::Workers;
use diffeo::flows::model::FieldKind;
use diffeo::flows::score::{Sampler, SamplerKind};
use diffeo::pictures::{PictureError, Studio};
use diffeo::plots::{FieldStyle, Picture, Scene, Theme};
use fitted::Subject;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Draw = fn(&Studio<'_>) -> Result<Scene, PictureError>;

/// File, width in points, pixels a point, and drawing of a picture.
type Planned = (&'static str, f64, u32, Draw);

/// Width of a picture in points, small enough for a page that shows many.
const WIDTH: f64 = 460.0;
/// The same for several panels in a row.
const WIDE: f64 = 720.0;
/// Pixels a point of pictures with few shades, and of those with many: all files together stay below 3 MB.
const SHARP: u32 = 2;
const PLAIN: u32 = 1;
/// Noise levels of the picture of scores, in standard deviations of the columns.
const NOISE: [f64; 4] = [0.05, 0.2, 0.5, 2.0];

/// The pictures of each model.
const PICTURES: [(Subject, &[Planned]); 7] = [
    (
        Subject::Spirals,
        &[
            ("samples", WIDE, PLAIN, |s| s.samples()),
            ("flow", WIDE, PLAIN, |s| s.flow()),
            ("layers", WIDE, PLAIN, |s| s.layers()),
            ("log-det", WIDTH, PLAIN, |s| s.log_det()),
            ("singular", WIDTH, PLAIN, |s| s.singular()),
            ("residual", WIDE, SHARP, |s| s.residual()),
            ("training", WIDTH, SHARP, |s| s.training()),
        ],
    ),
    (
        Subject::Velocities,
        &[
            ("two-spirals", WIDTH, SHARP, |s| s.density()),
            ("streamlines", WIDTH, PLAIN, |s| {
                s.field(FieldKind::Velocity { time: 0.3 }, FieldStyle::Streamlines)
            }),
            ("trajectories", WIDE, PLAIN, |s| s.trajectories()),
            ("divergence", WIDTH, PLAIN, |s| s.divergence(FieldKind::Velocity { time: 0.3 })),
        ],
    ),
    (
        Subject::Scores,
        &[
            ("score", WIDE, PLAIN, |s| s.levels(&NOISE, FieldStyle::Streamlines)),
            ("reverse", WIDE, PLAIN, |s| s.reverse(&Sampler::new(SamplerKind::EulerMaruyama))),
        ],
    ),
    (Subject::Energy, &[("energy", WIDTH, SHARP, |s| s.energy(None))]),
    (
        Subject::Table,
        &[
            ("corner", WIDTH, SHARP, |s| s.density()),
            ("calibration", WIDE, SHARP, |s| s.calibration()),
        ],
    ),
    (Subject::Line, &[("curve", WIDTH, SHARP, |s| s.density())]),
    (
        Subject::Moons,
        &[("arrows", WIDTH, SHARP, |s| s.field(FieldKind::Score, FieldStyle::Arrows))],
    ),
];

/// Where pictures are drawn unless a folder is named.
const FOLDER: &str = "target/pictures/gallery";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => draw_all(Path::new(FOLDER), &[]),
        ["--check", kept] => draw_all(Path::new(FOLDER), &[]).and_then(|()| check(Path::new(kept))),
        [folder, names @ ..] if !folder.starts_with('-') => draw_all(Path::new(folder), names),
        _ => Err("usage: gallery [FOLDER [PICTURE...] | --check FOLDER]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Draws these pictures, or all where none is named.
fn draw_all(folder: &Path, names: &[&str]) -> Result<(), Box<dyn Error>> {
    let all = PICTURES.iter().flat_map(|(_, pictures)| pictures.iter()).map(|(name, ..)| name);
    if let Some(unknown) = names.iter().find(|name| !all.clone().any(|known| known == *name)) {
        let known: Vec<&str> = all.copied().collect();
        return Err(format!("{unknown}: no such picture; there are {}", known.join(", ")).into());
    }
    std::fs::create_dir_all(folder)?;
    let workers = Workers::new(std::thread::available_parallelism()?.get())?;
    for (subject, pictures) in PICTURES {
        let wanted = pictures.iter().filter(|(name, ..)| names.is_empty() || names.contains(name));
        let wanted: Vec<Planned> = wanted.copied().collect();
        if !wanted.is_empty() {
            draw(subject, &wanted, folder, &workers)?;
        }
    }
    Ok(())
}

fn draw(
    subject: Subject,
    pictures: &[Planned],
    folder: &Path,
    workers: &Workers,
) -> Result<(), Box<dyn Error>> {
    let (model, unseen) = subject.fit(workers)?;
    for &(name, width, pixels, draw) in pictures {
        let mut theme = Theme::light();
        (theme.width, theme.pixel_ratio) = (Some(width), pixels);
        let studio =
            Studio { model: &model, data: Some(&unseen), name: subject.title(), workers, theme };
        let path = folder.join(name).with_extension("png");
        std::fs::write(&path, draw(&studio)?.picture()?.compact_png()?)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails unless the pictures in a folder are those that were just drawn.
fn check(kept: &Path) -> Result<(), Box<dyn Error>> {
    let read = |folder: &Path, name: &str| -> Result<Picture, Box<dyn Error>> {
        let path = folder.join(name).with_extension("png");
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Picture::from_png(&bytes).map_err(|e| format!("{}: {e}", path.display()))?)
    };
    let mut wrong = Vec::new();
    for (name, ..) in PICTURES.iter().flat_map(|(_, pictures)| pictures.iter()) {
        let what = match read(kept, name) {
            Ok(picture) => stale::difference(&picture, &read(Path::new(FOLDER), name)?),
            Err(error) => Some(error.to_string()),
        };
        wrong.extend(what.map(|what| format!("{name}.png: {what}")));
    }
    if wrong.is_empty() {
        println!("the pictures in {} are those that the gallery draws", kept.display());
        return Ok(());
    }
    let (kept, wrong) = (kept.display(), wrong.join("\n"));
    Err(format!(
        "{wrong}\nthese pictures in {kept} are not those that the gallery draws; look at those in {FOLDER}, \
         and if they are right: cargo run --release --example gallery -- {kept}"
    )
    .into())
}
