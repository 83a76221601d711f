//! Draws every picture of the README and of docs/gallery.md, in a few minutes:
//! `cargo run --release --example gallery`, and with `-- docs/pictures` in their places.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod fitted;

use diffeo::flows::Workers;
use diffeo::flows::model::FieldKind;
use diffeo::flows::score::{Sampler, SamplerKind};
use diffeo::pictures::{PictureError, Studio};
use diffeo::plots::{FieldStyle, Scene, Theme};
use fitted::Subject;
use std::path::{Path, PathBuf};

type Draw = fn(&Studio<'_>) -> Result<Scene, PictureError>;

/// File, width in points, and drawing of a picture.
type Planned = (&'static str, f64, Draw);

/// Width of a picture in points, small enough for a page that shows many.
const WIDTH: f64 = 460.0;
/// The same for several panels in a row.
const WIDE: f64 = 720.0;
/// Noise levels of the picture of scores, in standard deviations of the columns.
const NOISE: [f64; 4] = [0.05, 0.2, 0.5, 2.0];

/// The pictures of each model.
const PICTURES: [(Subject, &[Planned]); 7] = [
    (
        Subject::Spirals,
        &[
            ("samples", WIDE, |s| s.samples()),
            ("flow", WIDE, |s| s.flow()),
            ("layers", WIDE, |s| s.layers()),
            ("log-det", WIDTH, |s| s.log_det()),
            ("singular", WIDTH, |s| s.singular()),
            ("residual", WIDE, |s| s.residual()),
            ("training", WIDTH, |s| s.training()),
        ],
    ),
    (
        Subject::Velocities,
        &[
            ("two-spirals", WIDTH, |s| s.density()),
            ("streamlines", WIDTH, |s| {
                s.field(FieldKind::Velocity { time: 0.3 }, FieldStyle::Streamlines)
            }),
            ("trajectories", WIDE, |s| s.trajectories()),
            ("divergence", WIDTH, |s| s.divergence(FieldKind::Velocity { time: 0.3 })),
        ],
    ),
    (
        Subject::Scores,
        &[
            ("score", WIDE, |s| s.levels(&NOISE, FieldStyle::Streamlines)),
            ("reverse", WIDE, |s| s.reverse(&Sampler::new(SamplerKind::EulerMaruyama))),
        ],
    ),
    (Subject::Energy, &[("energy", WIDTH, |s| s.energy(None))]),
    (
        Subject::Table,
        &[("corner", WIDTH, |s| s.density()), ("calibration", WIDE, |s| s.calibration())],
    ),
    (Subject::Line, &[("curve", WIDTH, |s| s.density())]),
    (Subject::Moons, &[("arrows", WIDTH, |s| s.field(FieldKind::Score, FieldStyle::Arrows))]),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args().nth(1).map_or_else(|| "target/pictures/gallery".into(), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let workers = Workers::new(std::thread::available_parallelism()?.get())?;
    for (subject, pictures) in PICTURES {
        draw(subject, pictures, &folder, &workers)?;
    }
    Ok(())
}

fn draw(
    subject: Subject,
    pictures: &[Planned],
    folder: &Path,
    workers: &Workers,
) -> Result<(), Box<dyn std::error::Error>> {
    let (model, rows) = subject.fit(workers)?;
    for &(name, width, draw) in pictures {
        let mut theme = Theme::light();
        theme.width = Some(width);
        let studio =
            Studio { model: &model, data: Some(&rows), name: subject.title(), workers, theme };
        let path = folder.join(name).with_extension("png");
        std::fs::write(&path, draw(&studio)?.picture()?.small_png()?)?;
        println!("{}", path.display());
    }
    Ok(())
}
