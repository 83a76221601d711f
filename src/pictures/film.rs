//! Frames of animations: one stage of a process after the other, in one window.

use super::{BACKDROP, PictureError, Result, Studio, range};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_plots::{Figure, FlowStages, Points, Scene, Stage, latent_grid};

/// Frames of a film.
pub(super) const FRAMES: usize = 60;
/// Points that move.
const MOVING: usize = 1500;
/// Width of a frame.
const WIDTH: f64 = 480.0;
/// A seed of its own.
const SEED: u64 = 0x6669_6c6d;

/// What all frames share.
#[derive(Debug)]
pub(super) struct Film {
    pub(super) window: [[f64; 2]; 2],
    pub(super) title: String,
}

impl Studio<'_> {
    /// The latent grid on its way to data space, frame by frame.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density; when the
    /// flow is not continuous.
    pub fn flow_film(&self) -> Result<Vec<Scene>> {
        let lines = latent_grid(3.0, 25, 121);
        let (length, at) = (lines[0].len(), self.carried(&lines.concat().concat())?);
        let film = Film { window: window_of(&at), title: self.name.to_owned() };
        let stages = at.iter().map(|(time, points)| {
            let points: Vec<[f64; 2]> = points.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            let lines = points.chunks(length).map(<[_]>::to_vec).collect();
            Ok(Stage::new(&name_of(*time)).lines(lines))
        });
        self.scenes(&film, stages)
    }

    /// Latent points on their way to data space over the density there, frame by frame.
    ///
    /// # Errors
    /// As [`Studio::flow_film`].
    pub fn trajectories_film(&self) -> Result<Vec<Scene>> {
        let mut rng = generator(SEED, Stream::Sample, 0);
        let start = to_f64(&self.model.flow().base().sample(MOVING, None, &mut rng)?)?;
        let at = self.carried(&start)?;
        let film = Film { window: window_of(&at), title: self.name.to_owned() };
        let density = self.density_grid(film.window, BACKDROP)?;
        let stages = at.iter().map(|(time, points)| {
            let stage = Stage::new(&name_of(*time)).density(density.clone());
            Ok(stage.samples(Points::new(points, 2)?))
        });
        self.scenes(&film, stages)
    }

    /// Where latent points are at the time of each frame.
    fn carried(&self, start: &[f64]) -> Result<Vec<(f64, Vec<f64>)>> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let times: Vec<f64> = (0..FRAMES).map(|i| 1.0 - i as f64 / (FRAMES - 1) as f64).collect();
        let at = self.model.trajectories(start, &times, self.workers)?;
        Ok(times.into_iter().zip(at).collect())
    }

    /// A frame for each stage.
    pub(super) fn scenes(
        &self,
        film: &Film,
        stages: impl Iterator<Item = Result<Stage>>,
    ) -> Result<Vec<Scene>> {
        let ([x, y], names) = (film.window.map(|[low, high]| (low, high)), self.columns());
        let frame = |stage: Result<Stage>| -> Result<Scene> {
            let figure = FlowStages::new(vec![stage?])
                .axes(x, y)
                .labels(&names[0], &names[1])
                .title(&film.title)
                .width(self.theme.width.unwrap_or(WIDTH));
            Ok(figure.theme(self.theme.clone()).scene()?)
        };
        stages.map(frame).collect()
    }
}

fn name_of(time: f64) -> String {
    format!("t = {time:.2}")
}

/// A window that holds nearly all points at all times.
fn window_of(at: &[(f64, Vec<f64>)]) -> [[f64; 2]; 2] {
    let axis = |k: usize| {
        let ends = at.iter().map(|(_, points)| range(points, 2, k));
        let wider = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        ends.reduce(wider).unwrap_or([0.0, 1.0])
    };
    [axis(0), axis(1)]
}
