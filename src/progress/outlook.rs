//! Says before a fit that it will take its time, or much memory.

use diffeo::flows::fit::Plan;
use std::fmt::Write;

/// Multiplications of a thread in a second, roughly: what kernels reach on common processors.
const SPEED: f64 = 5e9;
/// What is worth saying: bytes and seconds.
const MANY_BYTES: usize = 1 << 30;
const LONG: f64 = 300.0;

/// What a fit will take, where that is much.
pub(super) fn of(plan: &Plan, threads: usize) -> Option<String> {
    let seconds = |multiplications: f64| multiplications / (SPEED * threads as f64);
    let (steps, start) = (seconds(plan.multiplications), seconds(plan.start_multiplications));
    if plan.bytes < MANY_BYTES && steps + start < LONG {
        return None;
    }
    let mut text = format!(
        "{} columns make {} parameters: about {:.1} GB for weights and gradients, and {} for {} steps of {} \
         rows",
        plan.features,
        plan.parameters,
        plan.bytes as f64 / 1e9,
        time(steps),
        plan.steps,
        plan.batch_size,
    );
    if start > 0.1 * (steps + start) {
        let _ = write!(text, ", after {} to choose the components of the mixture", time(start));
    }
    let _ = write!(
        text,
        " (at {:.0} billion multiplications a second and thread); --layers, --hidden, --steps or another \
         --flow make it less",
        SPEED / 1e9
    );
    Some(text)
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_long_or_much_is_said() {
        let small = Plan {
            features: 2,
            parameters: 30_000,
            steps: 2000,
            batch_size: 512,
            bytes: 5_000_000,
            multiplications: 9.2e10,
            start_multiplications: 1e9,
        };
        assert_eq!(of(&small, 1), None);
        let wide = Plan { features: 64, bytes: 3_000_000_000, ..small };
        let said = of(&wide, 1).unwrap();
        for word in ["64 columns", "30000 parameters", "3.0 GB", "2000 steps of 512", "--hidden"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        let slow = Plan { multiplications: 6e12, ..small };
        assert!(of(&slow, 1).unwrap().contains("20 min"), "6e12 / 5e9 s");
        assert!(of(&slow, 2).unwrap().contains("10 min"));
        let start = Plan { start_multiplications: 9e12, ..small };
        assert!(of(&start, 1).unwrap().contains("30 min to choose the components"));
    }
}
