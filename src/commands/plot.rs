//! `diffeo plot`: one picture of a model or of data.

mod data;
mod flags;
pub mod letters;
mod models;

use crate::args::{Common, PlotArgs};
use anyhow::Result;
use diffeo::plots::{Animation, Scene};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How long the last frame of a film stays.
const HOLD: Duration = Duration::from_secs(2);

/// How long a film that goes there and back rests at either end.
const PAUSE: Duration = Duration::from_millis(900);

/// A picture, and what is to be said with it.
struct Drawing {
    shown: Shown,
    /// Numbers behind the picture, for `--json`.
    facts: Map<String, Value>,
    /// The same in words.
    note: Option<String>,
}

enum Shown {
    Still(Scene),
    Film(Vec<Scene>),
    /// Frames from the data to the latent space, half way, and back to the data.
    ThereAndBack(Vec<Scene>),
}

impl Shown {
    /// Letters that the font of pictures does not have.
    fn letters_lacked(&self) -> BTreeSet<char> {
        match self {
            Self::Still(scene) => scene.letters_lacked().into_iter().collect(),
            Self::Film(frames) | Self::ThereAndBack(frames) => {
                frames.iter().flat_map(Scene::letters_lacked).collect()
            }
        }
    }
}

impl From<Scene> for Drawing {
    fn from(scene: Scene) -> Self {
        Self { shown: Shown::Still(scene), facts: Map::new(), note: None }
    }
}

impl From<Vec<Scene>> for Drawing {
    fn from(frames: Vec<Scene>) -> Self {
        Self { shown: Shown::Film(frames), facts: Map::new(), note: None }
    }
}

impl Drawing {
    fn there_and_back(frames: Vec<Scene>) -> Self {
        Self { shown: Shown::ThereAndBack(frames), facts: Map::new(), note: None }
    }
}

pub fn run(common: &Common, args: &PlotArgs) -> Result<()> {
    super::refuse_existing(&args.output, args.force)?;
    flags::check_animation(args)?;
    let theme = args.theme();
    let path = Path::new(&args.subject);
    let is_model = path.is_dir() || path.extension().is_some_and(|e| e == "safetensors");
    let drawing = if is_model {
        models::draw(common, args, path, theme)?
    } else {
        data::draw(common, args, theme)?.into()
    };
    let Drawing { shown, mut facts, note } = drawing;
    letters::warn(&shown.letters_lacked());
    match shown {
        Shown::Still(scene) => scene.save(&args.output)?,
        Shown::Film(frames) => film(common, args, &Animation::new(frames).hold(HOLD))?,
        Shown::ThereAndBack(frames) => {
            let middle = frames.len() / 2;
            film(common, args, &Animation::new(frames).pause(0, PAUSE).pause(middle, PAUSE))?;
        }
    }
    if let Some(note) = note {
        common.voice().note(&note);
    }
    common.voice().note(&format!("wrote {}", args.output.display()));
    if common.json {
        facts.insert("picture".to_owned(), json!(args.output));
        common.voice().result(&facts, |facts| json!(facts).to_string())?;
    }
    Ok(())
}

fn film(common: &Common, args: &PlotArgs, film: &Animation) -> Result<()> {
    film.save(&args.output, crate::progress::frames(common.voice()))?;
    Ok(())
}
