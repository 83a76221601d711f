//! Decodes animations.

use std::fs;
use std::io::Cursor;
use std::time::Duration;

use crate::draw::geometry::Rect;
use crate::{Animation, Colour, PlotError, Scene, Theme};

type Decoder = gif::Decoder<Cursor<Vec<u8>>>;

const PAPER: Colour = Colour::hex(0xFF_FF_FF);
const RED: Colour = Colour::hex(0xE0_20_10);

/// A red square of 10 points that moves to the right on white paper.
fn frame(k: usize, width: f64) -> Scene {
    let mut scene = Scene::new(width, 60.0, &Theme::light()).unwrap();
    scene.fill(Rect::new(10.0 + 5.0 * k as f64, 20.0, 10.0, 10.0), RED);
    scene
}

fn film(frames: usize) -> Animation {
    Animation::new((0..frames).map(|k| frame(k, 100.0)).collect())
}

fn decoded(bytes: Vec<u8>) -> (Decoder, Vec<gif::Frame<'static>>) {
    let mut decoder = gif::DecodeOptions::new().read_info(Cursor::new(bytes)).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push(frame.clone());
    }
    (decoder, frames)
}

/// The canvas after the frames shown so far.
fn canvas(decoder: &Decoder, frames: &[gif::Frame<'_>]) -> Vec<[u8; 3]> {
    let (width, height) = (decoder.width() as usize, decoder.height() as usize);
    let palette = decoder.global_palette().unwrap();
    let mut canvas = vec![[0; 3]; width * height];
    for frame in frames {
        let columns = usize::from(frame.width);
        for (i, &index) in frame.buffer.iter().enumerate() {
            let (x, y) = (i % columns + usize::from(frame.left), i / columns);
            if Some(index) != frame.transparent {
                let rgb = &palette[3 * usize::from(index)..][..3];
                canvas[(y + usize::from(frame.top)) * width + x] = rgb.try_into().unwrap();
            }
        }
    }
    canvas
}

#[test]
fn frames_delays_size_and_loop_are_written() {
    let film = film(4).scale(1.0).delay(Duration::from_millis(70)).hold(Duration::from_secs(2));
    let (decoder, frames) = decoded(film.gif(|_, _| ()).unwrap());
    assert_eq!((decoder.width(), decoder.height()), (200, 120));
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    let delays: Vec<u16> = frames.iter().map(|frame| frame.delay).collect();
    assert_eq!(delays, [7, 7, 7, 200]);
    let paused = film.clone().pause(1, Duration::from_millis(900)).pause(9, Duration::from_secs(9));
    let (_, frames) = decoded(paused.gif(|_, _| ()).unwrap());
    let delays: Vec<u16> = frames.iter().map(|frame| frame.delay).collect();
    assert_eq!(delays, [7, 90, 7, 200]);
    let film = film.once().scale(0.5).delay(Duration::ZERO);
    let (decoder, frames) = decoded(film.gif(|_, _| ()).unwrap());
    assert_eq!((decoder.width(), decoder.height(), frames[0].delay), (100, 60, 2));
    assert_ne!(decoder.repeat(), gif::Repeat::Infinite);
}

#[test]
fn only_what_changed_is_stored_and_the_canvas_is_right() {
    let (decoder, frames) = decoded(film(3).gif(|_, _| ()).unwrap());
    assert_eq!((frames[0].width, frames[0].height), (100, 60));
    for (k, frame) in frames.iter().enumerate().skip(1) {
        let part = [frame.left, frame.top, frame.width, frame.height];
        assert_eq!(part, [5 + 5 * k as u16, 20, 15, 10]);
        let canvas = canvas(&decoder, &frames[..=k]);
        let at = |x: usize| canvas[25 * 100 + x];
        let left = 10 + 5 * k;
        assert_eq!((at(left - 1), at(left), at(left + 9)), (PAPER.rgb, RED.rgb, RED.rgb));
        assert_eq!(at(left + 10), PAPER.rgb);
    }
    let still = Animation::new(vec![frame(0, 100.0); 3]).gif(|_, _| ()).unwrap();
    let (_, frames) = decoded(still);
    assert_eq!((frames.len(), frames[2].width, frames[2].height), (3, 1, 1));
}

#[test]
fn many_colours_are_reduced_and_flat_ones_kept() {
    let mut scene = frame(0, 300.0);
    let shade = |x: u32, y: u32| Colour { rgb: [x as u8, (2 * y) as u8, 90], alpha: 1.0 };
    let picture = crate::Picture::from_fn(256, 20, shade);
    scene.image(Rect::new(20.0, 35.0, 256.0, 20.0), picture);
    let film = Animation::new(vec![scene]);
    let bytes = film.gif(|_, _| ()).unwrap();
    assert_eq!(bytes, film.gif(|_, _| ()).unwrap(), "not the same bytes");
    let (decoder, frames) = decoded(bytes);
    let canvas = canvas(&decoder, &frames);
    assert_eq!((canvas[0], canvas[25 * 300 + 15]), (PAPER.rgb, RED.rgb));
    for (x, y) in [(0, 0), (100, 10), (255, 19)] {
        let (seen, wanted) = (canvas[(35 + y) * 300 + 20 + x], [x as u8, 2 * y as u8, 90]);
        assert!((0..3).all(|k| seen[k].abs_diff(wanted[k]) < 12), "{seen:?} {wanted:?}");
    }
}

#[test]
fn progress_counts_all_frames() {
    let mut seen = Vec::new();
    film(3).gif(|done, total| seen.push((done, total))).unwrap();
    assert_eq!(seen, [(0, 3), (1, 3), (2, 3), (3, 3)]);
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let gif = |film: Animation| film.gif(|_, _| ());
    assert!(matches!(gif(Animation::new(vec![])), Err(PlotError::Empty { .. })));
    let mixed = Animation::new(vec![frame(0, 100.0), frame(0, 120.0)]);
    let error = gif(mixed);
    assert!(matches!(error, Err(PlotError::Size { expected: 100, got: 120, .. })));
    for scale in [0.0, -1.0, 1e-9, 1e9, f64::NAN, f64::INFINITY] {
        assert!(matches!(gif(film(1).scale(scale)), Err(PlotError::Canvas { .. })), "{scale}");
    }
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str| film(2).save(folder.path().join(name), |_, _| ());
    assert!(matches!(save("film.png"), Err(PlotError::Extension { .. })));
    assert!(matches!(save("missing/film.gif"), Err(PlotError::Io { .. })));
    save("Film ä.GIF").unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
}
