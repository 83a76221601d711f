//! The pictures of a run folder.

use super::{Results, warn};
use crate::args::WhichField;
use crate::commands::plot::letters;
use crate::output::Voice;
use anyhow::Result;
use diffeo::flows::Density;
use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::pictures::{Moment, PictureError, Studio, title_of};
use diffeo::plots::{Animation, FieldStyle, Scene, Theme};
use diffeo::report::{Figure, Judges};
use std::collections::BTreeSet;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// Noise levels of the picture of a score model, where its training covers them.
const NOISE: [f64; 4] = [0.05, 0.2, 0.5, 2.0];

/// How long a frame of a film stays, and the last.
const FRAME: Duration = Duration::from_millis(80);
const HOLD: Duration = Duration::from_secs(2);

type Drawn = std::result::Result<Scene, PictureError>;

/// A picture of the folder: its file, what it shows and how it is drawn.
struct Planned {
    file: &'static str,
    /// Whether it judges the model, by rows that had no part in its making.
    judges: bool,
    title: &'static str,
    caption: &'static str,
    draw: fn(&Studio<'_>) -> Drawn,
}

/// The picture of the density.
const DENSITY: &str = "density.png";

/// Pictures of every model.
const ALWAYS: [Planned; 3] = [
    Planned {
        file: DENSITY,
        judges: false,
        title: "Density",
        caption: "The fitted density, in the units of the data, with the smallest regions that hold \
                  50, 80 and 95 % of its mass; above two columns all pairs of columns, data and model.",
        draw: |studio| studio.density(),
    },
    Planned {
        file: "calibration.png",
        judges: true,
        title: "Calibration",
        caption: "Where {judges} lie among the model's own draws, by density and in each \
                  column: level ranks and a straight line of coverage where the model is right.",
        draw: |studio| studio.calibration(),
    },
    Planned {
        file: "training.png",
        judges: false,
        title: "Training",
        caption: "Loss on training and on held-out rows against the step; the weights that were kept \
                  are those of the marked step.",
        draw: |studio| studio.training(),
    },
];

/// Of two columns; of others the picture of the density shows data and model already.
const SAMPLES: Planned = Planned {
    file: "samples.png",
    judges: false,
    title: "Samples",
    caption: "Rows of the data beside rows drawn from the model: they should look alike.",
    draw: |studio| studio.samples(),
};

/// Pictures of unconditional models of two columns.
const OF_THE_PLANE: [Planned; 2] = [
    Planned {
        file: "flow.png",
        judges: false,
        title: "Flow",
        caption: "A grid of the latent plane and its image in the plane of the data: how the flow bends \
                  a simple density into the fitted one.",
        draw: |studio| studio.flow(),
    },
    Planned {
        file: "field.png",
        judges: false,
        title: "Field",
        caption: "The score ∇ log p, which points to where the density grows, or the velocity of a \
                  continuous flow.",
        draw: field,
    },
];

impl Results<'_> {
    /// Draws and saves the pictures; those that cannot be drawn are said.
    ///
    /// All are computed first and then painted, on as many threads as there are workers.
    pub(super) fn draw(&self) -> Vec<Figure> {
        let name = title_of(&self.model.spec().data.source);
        let (studio, judge) = (self.studio(&name), self.studio_of(&name, self.judges()));
        let plane: &'static [Planned] = if studio.has_plane() { &OF_THE_PLANE } else { &[] };
        let samples = (self.model.features() == 2).then_some(&SAMPLES);
        let seen = self.judged_by() == Judges::Train;
        let all = ALWAYS.iter().filter(|planned| !(planned.judges && seen));
        let wanted = all.chain(samples).chain(plane).take_while(|_| !self.signals.heard());
        let mut lacked = BTreeSet::new();
        let scenes = wanted.map(|planned| {
            let scene = (planned.draw)(if planned.judges { &judge } else { &studio });
            lacked.extend(scene.iter().flat_map(Scene::letters_lacked));
            (planned, scene)
        });
        let results = self.painted(scenes.collect());
        letters::warn(&lacked);
        let mut figures = Vec::new();
        for (planned, result) in results {
            match result {
                Ok(figure) => figures.push(figure),
                Err(error) => warn(&format!("{} is not drawn", planned.file), &error),
            }
        }
        figures
    }

    /// Draws the density during training, where it was kept.
    pub(super) fn film(&self, voice: Voice, moments: &[Moment]) -> Result<()> {
        if moments.is_empty() {
            return Ok(());
        }
        let name = title_of(&self.model.spec().data.source);
        let frames = self.studio(&name).training_film(moments)?;
        let film = Animation::new(frames).delay(FRAME).hold(HOLD);
        Ok(film.save(self.folder.path().join("training.gif"), crate::progress::frames(voice))?)
    }

    fn judged_by(&self) -> Judges {
        Judges::of(&self.model.spec().data.rows)
    }

    fn studio<'s>(&'s self, name: &'s str) -> Studio<'s> {
        self.studio_of(name, &self.split.train)
    }

    fn studio_of<'s>(&'s self, name: &'s str, rows: &'s Rows) -> Studio<'s> {
        let (model, workers) = (self.model, self.workers);
        Studio { model, data: Some(rows), name, workers, theme: Theme::light() }
    }

    /// Paints on as many threads as there are workers.
    fn painted<'p>(
        &self,
        mut scenes: Vec<(&'p Planned, Drawn)>,
    ) -> Vec<(&'p Planned, Result<Figure>)> {
        let each = scenes.len().div_ceil(self.workers.threads()).max(1);
        std::thread::scope(|scope| {
            let mut running = Vec::new();
            while !scenes.is_empty() {
                let rest = scenes.split_off(each.min(scenes.len()));
                let some = std::mem::replace(&mut scenes, rest);
                let paint = |(planned, scene)| (planned, self.one(planned, scene));
                running.push(scope.spawn(move || some.into_iter().map(paint).collect::<Vec<_>>()));
            }
            let done = |thread: ScopedJoinHandle<'_, Vec<_>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().flat_map(done).collect()
        })
    }

    fn one(&self, planned: &Planned, scene: Drawn) -> Result<Figure> {
        let scene = scene?;
        let png = scene.picture()?.png()?;
        self.folder.put(planned.file, &png)?;
        if planned.file == DENSITY && self.model.features() != 2 {
            self.folder.put(SAMPLES.file, &png)?;
        }
        let (width, height) = scene.size();
        Ok(Figure {
            title: planned.title.to_owned(),
            caption: planned.caption.replace("{judges}", self.judged_by().name()),
            png,
            size: [width.round() as u32, height.round() as u32],
        })
    }
}

/// The field of a model; of a score model that of several noise levels.
fn field(studio: &Studio<'_>) -> Drawn {
    let model: &Model = studio.model;
    let Ok(levels) = model.noise_levels() else {
        return studio.field(WhichField::default().of(model), FieldStyle::Arrows);
    };
    let mut shown = NOISE.map(|level| level.clamp(levels.smallest, levels.largest)).to_vec();
    shown.dedup();
    studio.levels(&shown, FieldStyle::Streamlines)
}
