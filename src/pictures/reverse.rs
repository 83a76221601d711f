//! Samples of a diffusion on their way from noise to data.

use super::film::{FRAMES, Film};
use super::{BACKDROP, PICTURE_SEED, PictureError, Result, Studio, numbers};
use diffeo_flows::model::Frame;
use diffeo_flows::score::{NoiseLevels, Sampler, SamplerKind};
use diffeo_plots::{Figure, FlowStages, Points, Scene, Stage};

/// The noise level of the first panel: with much more, the data would be a dot among the points.
const FIRST: f64 = 3.0;
/// The level before the last: below, points hardly move any more.
const QUIET: f64 = 0.05;
/// Panels of a strip.
const PANELS: usize = 6;
/// Samples drawn in a strip and in a film.
const DRAWN: (usize, usize) = (4000, 1500);
/// Width of the window, in that of the data.
const WIDER: f64 = 1.7;

impl Studio<'_> {
    /// Samples at six levels of a sampler's way, over the density with the noise of each.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density; when the
    /// model is no diffusion.
    pub fn reverse(&self, sampler: &Sampler) -> Result<Scene> {
        let (window, frames) = self.way(sampler, PANELS, DRAWN.0)?;
        let behind = if sampler.kind == SamplerKind::Langevin {
            vec![Some(self.density_grid(window, BACKDROP)?); frames.len()]
        } else {
            let levels: Vec<f64> = frames.iter().map(|frame| frame.level).collect();
            self.behind(&vec![window; levels.len()], &levels)?
        };
        let stages = frames.iter().zip(behind).map(|(frame, density)| {
            let mut stage = Stage::new(&name_of(frame, sampler));
            if let Some(density) = density {
                stage = stage.density(density);
            }
            Ok(stage.samples(Points::new(&frame.points, 2)?))
        });
        let ([x, y], names) = (window.map(|[low, high]| (low, high)), self.columns());
        let figure = FlowStages::new(stages.collect::<Result<_>>()?)
            .axes(x, y)
            .columns(PANELS / 2)
            .labels(&names[0], &names[1])
            .title(&self.reverse_title(sampler, &frames));
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The same way as a film.
    ///
    /// # Errors
    /// As [`Studio::reverse`].
    pub fn reverse_film(&self, sampler: &Sampler) -> Result<Vec<Scene>> {
        let (window, frames) = self.way(sampler, FRAMES, DRAWN.1)?;
        let title = format!("{}: noise to data by {}", self.name, in_words(sampler.kind));
        let film = Film { window, title };
        let stages = frames.iter().map(|frame| {
            Ok(Stage::new(&name_of(frame, sampler)).samples(Points::new(&frame.points, 2)?))
        });
        self.scenes(&film, stages)
    }

    /// So many frames of a sampler's way, and the window to see them in.
    fn way(
        &self,
        sampler: &Sampler,
        frames: usize,
        points: usize,
    ) -> Result<([[f64; 2]; 2], Vec<Frame>)> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let steps = steps(sampler, &self.model.noise_levels()?, frames);
        let window = self.window()?.map(|[low, high]| {
            let (middle, half) = (0.5 * (low + high), 0.5 * WIDER * (high - low));
            [middle - half, middle + half]
        });
        Ok((window, self.model.frames(sampler, points, &steps, PICTURE_SEED)?))
    }

    fn reverse_title(&self, sampler: &Sampler, frames: &[Frame]) -> String {
        let (name, kind) = (self.name, in_words(sampler.kind));
        match frames.first().filter(|frame| frame.step > 0) {
            Some(first) => {
                let level = numbers::short(first.level);
                format!("{name}: noise to data by {kind}, from σ = {level}")
            }
            None => format!("{name}: noise to data by {kind}"),
        }
    }
}

/// A sampler as a title calls it.
fn in_words(kind: SamplerKind) -> &'static str {
    match kind {
        SamplerKind::ProbabilityFlow => "the probability flow",
        SamplerKind::Ddim => "DDIM",
        SamplerKind::Multistep => "a multistep method",
        SamplerKind::EulerMaruyama => "Euler–Maruyama steps",
        SamplerKind::Heun => "Heun steps",
        SamplerKind::PredictorCorrector => "predictor and corrector",
        SamplerKind::AnnealedLangevin => "annealed Langevin steps",
        SamplerKind::Langevin => "Langevin steps",
    }
}

fn name_of(frame: &Frame, sampler: &Sampler) -> String {
    match sampler.kind {
        SamplerKind::Langevin => format!("step {}", frame.step),
        _ => format!("σ = {}", numbers::short(frame.level)),
    }
}

/// The steps after which a sampler comes nearest to levels that fall evenly, by factors, from
/// [`FIRST`] to [`QUIET`], and the last one.
fn steps(sampler: &Sampler, levels: &NoiseLevels, frames: usize) -> Vec<usize> {
    let share = |i: usize| i as f64 / (frames - 2) as f64;
    let mut steps: Vec<usize> = if sampler.kind == SamplerKind::Langevin {
        // Of one level, so that steps are all that there is: 0, 1 and on by factors.
        let all = sampler.steps as f64;
        let share = |i: usize| i as f64 / (frames - 1) as f64;
        (0..frames - 1).map(|i| all.powf(share(i)) as usize - usize::from(i == 0)).collect()
    } else {
        let (at, largest) = (sampler.levels(levels), FIRST.min(levels.largest));
        let quiet = QUIET.max(2.0 * levels.smallest).min(0.5 * largest);
        let nearest = |level: f64| {
            let away = |i: &usize| (at[*i] / level).ln().abs();
            (0..at.len()).min_by(|a, b| away(a).total_cmp(&away(b))).unwrap_or(0)
        };
        (0..frames - 1).map(|i| nearest(largest * (quiet / largest).powf(share(i)))).collect()
    };
    steps.push(sampler.steps);
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_name_samplers_in_words() {
        for kind in SamplerKind::ALL {
            // A flag's value of several words reads as a misprint in a title.
            let is_flag = kind.name().contains('-') && in_words(kind).contains(kind.name());
            assert!(!is_flag && !in_words(kind).is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn a_strip_ends_at_the_data_and_starts_where_it_can_be_seen() {
        let levels = NoiseLevels::default();
        for kind in SamplerKind::ALL {
            let sampler = Sampler::new(kind);
            let chosen = steps(&sampler, &levels, PANELS);
            assert_eq!((chosen.len(), chosen[PANELS - 1]), (PANELS, sampler.steps), "{kind:?}");
            let first = sampler.levels(&levels)[chosen[0]];
            assert!(kind == SamplerKind::Langevin || (first / FIRST).ln().abs() < 0.2, "{first}");
            let few = Sampler { steps: 2, ..sampler };
            assert_eq!(steps(&few, &levels, FRAMES).last(), Some(&2));
        }
    }
}
