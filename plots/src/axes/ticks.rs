//! Chooses round tick values and writes them.

use crate::stats::Interval;

/// Tick values in data units and their labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    pub(crate) values: Vec<f64>,
    pub(crate) labels: Vec<String>,
    /// What all labels have in common, as in `×10⁶` or `+ 2000`, for the end of the axis label.
    pub(crate) note: String,
}

impl Ticks {
    /// About `target` (at least two) ticks at multiples of 1, 2 or 5 times a power of ten.
    pub(crate) fn nice(range: &Interval, target: usize) -> Self {
        let at_least_two = (target.max(2)..).take(8).map(|t| Self::every(range, step(range, t)));
        let mut best = Self::every(range, step(range, 4));
        for ticks in at_least_two {
            best = ticks;
            if best.values.len() > 1 {
                break;
            }
        }
        best
    }

    /// Ticks at the multiples of `step` within the range.
    pub(crate) fn every(range: &Interval, step: f64) -> Self {
        let first = (range.low / step - 1e-9).ceil();
        let count = ((range.high / step + 1e-9).floor() - first + 1.0).clamp(0.0, 50.0) as usize;
        let values: Vec<f64> = (0..count).map(|k| (first + k as f64) * step).collect();
        let (labels, note) = written(&values, step);
        Self { values, labels, note }
    }

    /// The distance of neighbouring ticks.
    pub(crate) fn step(&self) -> Option<f64> {
        self.values.windows(2).map(|w| w[1] - w[0]).next()
    }
}

/// The step of 1, 2 or 5 times a power of ten whose number of ticks comes closest to `target`.
fn step(range: &Interval, target: usize) -> f64 {
    let power = 10.0_f64.powf((range.span() / target as f64).log10().floor());
    let misses = |m: f64| (range.span() / (m * power * target as f64)).ln().abs();
    let factors = [1.0, 2.0, 5.0, 10.0];
    power * factors.into_iter().min_by(|&a, &b| misses(a).total_cmp(&misses(b))).unwrap_or(1.0)
}

/// Labels without common offset and factor, and a note of these.
fn written(values: &[f64], step: f64) -> (Vec<String>, String) {
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mut note = String::new();
    let mut rest = values.to_vec();
    let offset = (step < 1e-5 * largest(values)).then(|| Offset::of(values, step));
    if let Some(offset) = &offset {
        for value in &mut rest {
            *value -= offset.value;
        }
    }
    let top = largest(&rest);
    let power = if top > 0.0 { top.log10().floor() as i32 } else { 0 };
    let factor = if (-3..5).contains(&power) {
        1.0
    } else {
        note = format!("×10{}", superscript(power));
        10.0_f64.powi(power)
    };
    if let Some(offset) = &offset {
        let gap = if note.is_empty() { "" } else { " " };
        note = format!("{note}{gap}{}", offset.written());
    }
    let decimals = (0..12).find(|&d| {
        let shift = 10.0_f64.powi(d) * step / factor;
        (shift - shift.round()).abs() < 1e-6 * shift.max(1.0) && shift > 0.5
    });
    let decimals = decimals.unwrap_or(12) as usize;
    (rest.iter().map(|v| number(v / factor, decimals)).collect(), note)
}

/// A number with fixed decimals, a true minus sign and no negative zero.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// A number with about four significant digits, as a power of ten where that is shorter.
pub(crate) fn short(value: f64) -> String {
    if value.abs() < f64::MIN_POSITIVE {
        return "0".into();
    }
    let power = value.abs().log10().floor() as i32;
    if (-4..6).contains(&power) {
        return number(value, usize::try_from(3 - power).unwrap_or(0));
    }
    format!("{}×10{}", number(value / 10.0_f64.powi(power), 2), superscript(power))
}

/// What ticks far from zero have in common: a multiple of a power of ten no finer than they need.
#[derive(Clone, Copy, Debug)]
struct Offset {
    value: f64,
    /// The power of ten that it is a multiple of.
    power: i32,
}

impl Offset {
    /// Longest text of an offset in plain digits.
    const LONGEST: usize = 14;

    fn of(values: &[f64], step: f64) -> Self {
        let (first, last) = (values.first(), values.last());
        let (first, last) = (first.copied().unwrap_or(0.0), last.copied().unwrap_or(0.0));
        let power = (last - first).max(step).log10().ceil() as i32;
        // Negative powers of ten are no binary numbers: their inverses are.
        let value = if power < 0 {
            let inverse = 10.0_f64.powi(-power);
            (first * inverse).floor() / inverse
        } else {
            let unit = 10.0_f64.powi(power);
            (first / unit).floor() * unit
        };
        Self { value, power }
    }

    fn written(self) -> String {
        let (sign, size) = (if self.value < 0.0 { '−' } else { '+' }, self.value.abs());
        let decimals = usize::try_from(-self.power).unwrap_or(0);
        let plain = format!("{size:.decimals$}");
        if plain.len() <= Self::LONGEST {
            return format!("{sign} {plain}");
        }
        let top = size.log10().floor() as i32;
        let digits = usize::try_from(top - self.power).unwrap_or(0);
        let text = format!("{size:.digits$e}");
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        format!("{sign} {mantissa}×10{}", superscript(power.parse().unwrap_or(top)))
    }
}

/// A whole number with spaces between thousands, as in `12 000`.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { String::from("−") } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

fn superscript(power: i32) -> String {
    let letter = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or('⁰'),
    };
    power.to_string().chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nice(low: f64, high: f64, target: usize) -> Ticks {
        Ticks::nice(&Interval { low, high }, target)
    }

    #[test]
    fn ordinary_ranges() {
        assert_eq!(nice(0.0, 1.0, 5).labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(nice(-3.2, 3.1, 6).labels, ["−3", "−2", "−1", "0", "1", "2", "3"]);
        assert_eq!(nice(0.0, 1000.0, 4).labels, ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(nice(0.0, 20_000.0, 4).labels, ["0", "5000", "10000", "15000", "20000"]);
        assert_eq!(
            nice(0.0, 0.01, 5).labels,
            ["0.000", "0.002", "0.004", "0.006", "0.008", "0.010"]
        );
    }

    #[test]
    fn large_and_small_numbers_share_a_factor() {
        let large = nice(0.0, 2e9, 4);
        assert_eq!((large.labels.last().unwrap().as_str(), large.note.as_str()), ("2.0", "×10⁹"));
        let small = nice(-1e-7, 1e-7, 3);
        assert_eq!(small.note, "×10⁻⁷");
        assert_eq!(small.labels, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn narrow_ranges_far_away_share_an_offset() {
        let ticks = nice(1e6, 1e6 + 1.0, 4);
        assert_eq!(ticks.note, "+ 1000000");
        assert_eq!(ticks.labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let seconds = nice(1_126_259_462.371, 1_126_259_462.433, 4);
        assert_eq!(seconds.note, "+ 1126259462.3");
        assert_eq!(seconds.labels, ["0.08", "0.10", "0.12"]);
        let below = nice(-1_126_259_462.433, -1_126_259_462.371, 4);
        assert_eq!(below.note, "− 1126259462.5");
        assert_eq!(below.labels, ["0.08", "0.10", "0.12"]);
        let far = nice(3e20, 3e20 + 4e12, 4);
        assert_eq!(far.note, "×10¹² + 3×10²⁰");
        assert_eq!(far.labels, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn the_largest_ranges_have_labels_of_few_digits() {
        let ticks = nice(-3.6e150, 3.7e150, 5);
        assert_eq!((ticks.note.as_str(), ticks.labels[0].as_str()), ("×10¹⁵⁰", "−2"));
        let density = nice(0.0, 1.6e-301, 4);
        assert_eq!(density.note, "×10⁻³⁰¹");
    }

    #[test]
    fn ticks_lie_inside_at_any_scale() {
        for power in -300..150 {
            let scale = 10.0_f64.powi(power);
            for (low, high) in [(-0.37, 1.91), (0.99, 1.0), (-7.0, -6.2), (1.0, 1.0 + 1e-12)] {
                let Ok(range) = Interval::new("x", low * scale, high * scale) else {
                    assert!((high - low) * scale < 1e-305, "{low} {high} {scale}");
                    continue;
                };
                let ticks = Ticks::nice(&range, 5);
                assert!((2..=12).contains(&ticks.values.len()), "{range:?} {ticks:?}");
                let size = range.low.abs().max(range.high.abs());
                let slack = range.padded(1e-6 + 1e-15 * size / range.span());
                assert!(ticks.values.iter().all(|&v| slack.contains(v)), "{range:?} {ticks:?}");
                let mut labels = ticks.labels.clone();
                labels.dedup();
                assert_eq!(labels.len(), ticks.labels.len(), "{ticks:?}");
            }
        }
    }

    #[test]
    fn numbers_in_prose() {
        assert_eq!(short(2.11312), "2.113");
        assert_eq!(short(-12345.0), "−12345");
        assert_eq!(short(4.2e-9), "4.20×10⁻⁹");
        assert_eq!(whole(1_234_567.0), "1\u{a0}234\u{a0}567");
        assert_eq!(whole(4200.0), "4200");
    }
}
