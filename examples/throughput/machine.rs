//! Timing of repeated calls, and how busy the machine was meanwhile.

use diffeo::flows::Result;
use serde::Serialize;
use std::fs::read_to_string;
use std::time::Instant;

/// Clock ticks a second in `/proc`.
const TICKS: f64 = 100.0;

/// How long a measurement lasts.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) seconds: f64,
}

/// The times of one call.
#[derive(Debug, Serialize)]
pub(crate) struct Timing {
    n: usize,
    wall_p10: f64,
    pub(crate) wall_med: f64,
    wall_p90: f64,
    /// Cores that other processes used.
    foreign_cores: f64,
    load1: f64,
}

impl Machine {
    /// Times calls for some seconds, at least three, after one to warm up.
    pub(crate) fn time(&self, mut call: impl FnMut() -> Result<()>) -> Result<Timing> {
        call()?;
        let (started, busy) = (Instant::now(), others());
        let mut times = Vec::new();
        while started.elapsed().as_secs_f64() < self.seconds || times.len() < 3 {
            let before = Instant::now();
            call()?;
            times.push(before.elapsed().as_secs_f64());
        }
        let elapsed = started.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[(share * (times.len() - 1) as f64).round() as usize];
        Ok(Timing {
            n: times.len(),
            wall_p10: at(0.1),
            wall_med: at(0.5),
            wall_p90: at(0.9),
            foreign_cores: ((others() - busy) / elapsed).max(0.0),
            load1: load(),
        })
    }
}

/// Seconds that other processes have used so far, where the system tells.
fn others() -> f64 {
    let all = read_to_string("/proc/stat").unwrap_or_default();
    let own = read_to_string("/proc/self/stat").unwrap_or_default();
    let number = |text: &str| text.parse::<f64>().unwrap_or_default();
    let all: Vec<f64> = all.split_whitespace().skip(1).take(8).map(number).collect();
    // After the name in brackets: state is field 0, user and system time are 11 and 12.
    let own = own.rsplit(')').next().unwrap_or_default();
    let own: f64 = own.split_whitespace().skip(11).take(2).map(number).sum();
    match all[..] {
        [user, nice, system, _idle, _wait, interrupts, soft, steal] => {
            (user + nice + system + interrupts + soft + steal - own) / TICKS
        }
        _ => 0.0,
    }
}

fn load() -> f64 {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
