//! Frames of animations: one stage of a process after the other, in one window.

use super::layers::places;
use super::{BACKDROP, PictureError, Result, Studio, range};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_plots::{Figure, FlowStages, Points, Scene, Stage, latent_grid};

/// Frames of a film.
pub(super) const FRAMES: usize = 60;
/// Frames of one way of a film that goes there and back.
const WAY: usize = 36;
/// Lines of a grid either way, and points on each.
const LINES: usize = 17;
const POINTS: usize = 81;
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
    /// Rows on their way to the latent space and back, over a grid of that space: frames that can be
    /// shown over and over. Without data, rows of the model.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density; when the
    /// flow is not continuous.
    pub fn flow_film(&self) -> Result<Vec<Scene>> {
        let lines = latent_grid(3.0, LINES, POINTS);
        let (rows, start) = self.moving()?;
        let shades = places(&rows);
        let corners = lines.concat();
        let at = self.carried(&[corners.concat(), start].concat(), WAY)?;
        let window = window_of(&at);
        let film = Film { window, title: self.name.to_owned() };
        // From the data, time 0, to the latent space and back; neither end twice.
        let there = at.iter().rev();
        let back = at[1..at.len() - 1].iter();
        let stages = there.chain(back).map(|(time, points)| {
            let points: Vec<[f64; 2]> = points.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            let (grid, rows) = points.split_at(corners.len());
            let lines = grid.chunks(POINTS).map(<[_]>::to_vec).collect();
            let coloured = rows.iter().copied().zip(shades.iter().copied()).collect();
            Ok(Stage::new(&name_of(*time)).lines(lines).coloured(coloured))
        });
        self.scenes(&film, stages)
    }

    /// Rows of the data, or else of the model, and their latent points in the unit of trajectories.
    fn moving(&self) -> Result<(Vec<f64>, Vec<f64>)> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let rows = match self.data {
            Some(rows) => rows.evenly(MOVING),
            None => self.rows_at(self.drawn()?.into_iter().take(2 * MOVING).collect())?,
        };
        let latent = self.model.to_latent(&rows, self.workers)?.points;
        Ok((rows.points().to_vec(), latent))
    }

    /// Latent points on their way to data space over the density there, frame by frame.
    ///
    /// # Errors
    /// As [`Studio::flow_film`].
    pub fn trajectories_film(&self) -> Result<Vec<Scene>> {
        let mut rng = generator(SEED, Stream::Sample, 0);
        let start = to_f64(&self.model.flow().base().sample(MOVING, None, &mut rng)?)?;
        let at = self.carried(&start, FRAMES)?;
        let film = Film { window: window_of(&at), title: self.name.to_owned() };
        let density = self.density_grid(film.window, BACKDROP)?;
        let stages = at.iter().map(|(time, points)| {
            let stage = Stage::new(&name_of(*time)).density(density.clone());
            Ok(stage.samples(Points::new(points, 2)?))
        });
        self.scenes(&film, stages)
    }

    /// Where latent points are at the time of each frame, from the latent space to the data.
    fn carried(&self, start: &[f64], frames: usize) -> Result<Vec<(f64, Vec<f64>)>> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let times: Vec<f64> = (0..frames).map(|i| 1.0 - i as f64 / (frames - 1) as f64).collect();
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
