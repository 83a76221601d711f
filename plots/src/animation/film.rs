//! Collects the frames of an animation.

use std::path::Path;
use std::time::Duration;

use super::encode::Encoder;
use crate::draw::{Picture, file};
use crate::palette::Palette;
use crate::{PlotError, Result, Scene};

/// Frames from which the palette is built.
const LOOKED_AT: usize = 12;
/// Delays in hundredths of a second: shorter ones are slowed down by most viewers.
const DELAYS: (u128, u128) = (2, 65_535);

/// Scenes of equal size shown after each other, written as a GIF.
///
/// All frames share one palette: up to 255 colours found by median cut over twelve frames, those
/// that fill large areas kept exactly. Of every frame but the first only the rectangle that
/// changes is stored. Nothing is dithered, so still areas do not shimmer.
///
/// # Errors
/// When written: [`PlotError::Empty`] without frames, [`PlotError::Size`] for frames of different
/// sizes, [`PlotError::Canvas`] for a scale that leaves no pixels or too many.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use diffeo_plots::{Animation, Figure, FlowStages, Points, Stage};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("film.gif");
/// let frame = |k: u32| {
///     let x = 0.1 * f64::from(k);
///     let stage = Stage::new(&format!("t = {x:.1}")).samples(Points::new(&[x, 0.5], 2)?);
///     FlowStages::new(vec![stage]).axes((0.0, 1.0), (0.0, 1.0)).width(240.0).scene()
/// };
/// let frames = (0..=10).map(frame).collect::<Result<_, _>>()?;
/// let film = Animation::new(frames).delay(Duration::from_millis(80)).scale(0.4);
/// film.save(path, |done, total| assert!(done <= total))?;
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Animation {
    frames: Vec<Scene>,
    delay: Duration,
    hold: Option<Duration>,
    pauses: Vec<(usize, Duration)>,
    forever: bool,
    scale: f64,
}

impl Animation {
    /// Frames in the order of time, for 50 milliseconds each, over and over, half as large as a PNG.
    pub fn new(frames: Vec<Scene>) -> Self {
        let delay = Duration::from_millis(50);
        Self { frames, delay, hold: None, pauses: Vec::new(), forever: true, scale: 0.5 }
    }

    /// How long every frame is shown, in steps of 10 milliseconds, at least 20.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long the last frame is shown; as long as the others by default.
    #[must_use]
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = Some(hold);
        self
    }

    /// How long frame `frame`, counted from 0, is shown; a number beyond the last changes nothing.
    #[must_use]
    pub fn pause(mut self, frame: usize, time: Duration) -> Self {
        self.pauses.push((frame, time));
        self
    }

    /// How long a frame is shown.
    fn shown(&self, frame: usize) -> Duration {
        let pause = self.pauses.iter().rev().find(|(at, _)| *at == frame).map(|(_, time)| *time);
        let hold = self.hold.filter(|_| frame + 1 == self.frames.len());
        pause.or(hold).unwrap_or(self.delay)
    }

    /// Stops at the last frame instead of starting again.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.forever = false;
        self
    }

    /// Width and height as a share of those of a PNG of the same scenes; by default 0.5, which is one
    /// pixel a point with the usual themes.
    #[must_use]
    pub fn scale(mut self, scale: f64) -> Self {
        self.scale = scale;
        self
    }

    /// Writes a `.gif` file, replacing it in one step if it exists; `progress` is told how many of
    /// all frames are done.
    ///
    /// # Errors
    /// [`PlotError::Extension`], [`PlotError::Io`] with the path, and those of [`Animation::gif`].
    pub fn save(&self, path: impl AsRef<Path>, progress: impl FnMut(usize, usize)) -> Result<()> {
        let path = path.as_ref();
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gif")) {
            return Err(PlotError::Extension { path: path.to_path_buf() });
        }
        file::replace(path, &self.gif(progress)?)
    }

    /// The bytes of a GIF file.
    ///
    /// # Errors
    /// [`PlotError::Empty`], [`PlotError::Size`] and [`PlotError::Canvas`] as said above,
    /// [`PlotError::Backend`] when plotters or the encoder refuses.
    pub fn gif(&self, mut progress: impl FnMut(usize, usize)) -> Result<Vec<u8>> {
        let size = self.size()?;
        let total = self.frames.len();
        let step = total.div_ceil(LOOKED_AT).max(1);
        // Every so many frames, counted from the last, which stays longest before the eyes.
        let looked_at = self.frames.iter().rev().step_by(step);
        let looked_at: Vec<_> = looked_at.map(|frame| paint(frame, size)).collect::<Result<_>>()?;
        let mut encoder =
            Encoder::new(size, Palette::of(looked_at.iter().map(Picture::pixels)), self.forever)?;
        drop(looked_at);
        progress(0, total);
        for (done, frame) in (1..).zip(&self.frames) {
            let hundredths = (self.shown(done - 1).as_millis() / 10).clamp(DELAYS.0, DELAYS.1);
            encoder.add(&paint(frame, size)?, hundredths as u16)?;
            progress(done, total);
        }
        encoder.finish()
    }

    /// Width and height of all frames in pixels.
    fn size(&self) -> Result<[u16; 2]> {
        let first = self.frames.first().ok_or(PlotError::Empty { what: "the list of frames" })?;
        let (width, height) = first.size();
        for frame in &self.frames {
            let (w, h) = frame.size();
            for (what, expected, got) in
                [("width of a frame", width, w), ("height of a frame", height, h)]
            {
                if (expected - got).abs() > 0.5 {
                    let (expected, got) = (expected as usize, got as usize);
                    return Err(PlotError::Size { what, expected, got });
                }
            }
        }
        let pixels = [width, height].map(|v| (v * self.scale * first.ratio()).round());
        // Also false for NaN.
        if pixels.iter().all(|v| (1.0..=f64::from(u16::MAX)).contains(v)) {
            return Ok(pixels.map(|v| v as u16));
        }
        Err(PlotError::Canvas { width: width * self.scale, height: height * self.scale })
    }
}

/// Paints a scene with enough pixels and shrinks it to the size of the animation.
fn paint(frame: &Scene, [width, height]: [u16; 2]) -> Result<Picture> {
    let ratio = (f64::from(width) / frame.size().0 - 1e-3).ceil().clamp(1.0, 8.0);
    Ok(frame.picture_at(ratio as u32)?.resized(width.into(), height.into()))
}
