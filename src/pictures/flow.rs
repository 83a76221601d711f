//! Pictures of the way between latent and data space: layer by layer, or through time.

use super::circles::Line;
use super::grid_lines::carried;
use super::{BACKDROP, DRAWN, PictureError, Result, Studio};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::transform::Transform;
use diffeo_plots::{Figure, FlowStages, Scene, Stage, Trajectories, latent_grid};

/// Times of the stages of a continuous flow, latent to data.
const STAGES: [f64; 6] = [1.0, 0.8, 0.6, 0.4, 0.2, 0.0];
/// Paths of a picture of trajectories, and points on each.
const PATHS: usize = 300;
const POINTS: usize = 101;
/// A seed of its own.
const SEED: u64 = 0x7061_7468;

/// Lines of a grid either way, and points on each to begin with.
const LINES: usize = 25;
const ALONG: usize = 121;
/// Names of the latent axes.
pub(super) const LATENT: [&str; 2] = ["z₁", "z₂"];

impl Studio<'_> {
    /// A grid of the latent plane carried to data space by the flow; through time where the flow is
    /// continuous.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density.
    pub fn flow(&self) -> Result<Scene> {
        if !self.has_plane() {
            return Err(PictureError::NoPlane);
        }
        let continuous = self.model.flow().field().is_some();
        let mut stages = if continuous { self.through_time()? } else { self.ends()? };
        if let (Some(rows), Some(last)) = (self.data, stages.last_mut()) {
            let points = self.shown(rows.evenly(DRAWN).points().to_vec());
            let points = points.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            *last = last.clone().points(points);
        }
        let names = self.columns();
        let mut figure = FlowStages::new(stages).labels(&names[0], &names[1]);
        if continuous {
            figure = figure.common_axes();
        }
        Ok(figure.title(self.name).theme(self.theme.clone()).scene()?)
    }

    /// Paths of latent points to data space, between the densities at both ends.
    ///
    /// # Errors
    /// [`PictureError::NoPlane`] for other than two features or for a conditional density; when the
    /// flow is not continuous.
    pub fn trajectories(&self) -> Result<Scene> {
        let window = self.window()?;
        let mut rng = generator(SEED, Stream::Sample, 0);
        let start = to_f64(&self.model.flow().base().sample(PATHS, None, &mut rng)?)?;
        let times: Vec<f64> = (0..POINTS).map(|i| 1.0 - i as f64 / (POINTS - 1) as f64).collect();
        let at = self.model.trajectories(&start, &times, self.workers)?;
        let path =
            |i: usize| self.shown_line(at.iter().map(|at| [at[2 * i], at[2 * i + 1]]).collect());
        let names = self.columns();
        let figure = Trajectories::new((0..PATHS).map(path).collect())
            .times(1.0, 0.0)
            .ends("latent (t = 1)", "data (t = 0)")
            .end_density(self.density_grid(window, BACKDROP)?)
            .labels(&names[0], &names[1])
            .title(self.name);
        Ok(figure.theme(self.theme.clone()).scene()?)
    }

    /// The latent grid and its image.
    fn ends(&self) -> Result<Vec<Stage>> {
        let device = self.model.flow().device();
        let dtype = self.model.flow().dtype();
        let carry = |points: &[[f64; 2]]| -> Result<Vec<Line>> {
            let z = candle_core::Tensor::from_vec(points.concat(), (points.len(), 2), device)?;
            let x = self.model.flow().transform().inverse(&z.to_dtype(dtype)?, None)?.points;
            let x = self.model.preparation().inverse(&x)?.points;
            let image = to_f64(&x)?.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            Ok(vec![points.to_vec(), image])
        };
        let lines = latent_grid(3.0, LINES, ALONG);
        let (names, mut stages) = (self.columns(), carried(&lines, carry)?.into_iter());
        let (latent, data) = (stages.next().unwrap_or_default(), stages.next().unwrap_or_default());
        let data = data.into_iter().map(|line| self.shown_line(line)).collect();
        Ok(vec![
            Stage::new("latent").lines(latent).labels(LATENT[0], LATENT[1]),
            Stage::new("data").lines(data).labels(&names[0], &names[1]),
        ])
    }

    /// The latent grid at several times.
    fn through_time(&self) -> Result<Vec<Stage>> {
        let lines = latent_grid(3.0, LINES, ALONG);
        let start = lines.concat().concat();
        let at = self.model.trajectories(&start, &STAGES, self.workers)?;
        let length = lines[0].len();
        let stage = |(time, at): (f64, Vec<f64>)| {
            let points: Vec<[f64; 2]> = at.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            let name = match time {
                1.0 => "latent, t = 1".to_owned(),
                0.0 => "data, t = 0".to_owned(),
                _ => format!("t = {time}"),
            };
            let lines = points.chunks(length).map(|line| self.shown_line(line.to_vec()));
            Stage::new(&name).lines(lines.collect())
        };
        Ok(STAGES.into_iter().zip(at).map(stage).collect())
    }
}
