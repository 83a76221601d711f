//! A curve in one line of text.

/// Heights that a character can have.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `width` values as bars between the least and the largest of them; values that are not
/// finite leave a gap.
pub(super) fn sparkline(values: &[f64], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let finite = || shown.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let bar = |&value: &f64| {
        if !value.is_finite() {
            return ' ';
        }
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        BARS[((share * BARS.len() as f64) as usize).min(BARS.len() - 1)]
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn the_least_is_low_and_the_largest_high() {
        assert_eq!(sparkline(&[3.0, 2.0, 1.0], 8), "█▅▁");
        assert_eq!(sparkline(&[9.0, 3.0, 2.0, 1.0], 3), "█▅▁");
        assert_eq!(sparkline(&[2.0, 2.0], 8), "▁▁");
        assert_eq!(sparkline(&[f64::NAN, 1.0, f64::INFINITY, 2.0], 8), " ▁ █");
        assert_eq!(sparkline(&[], 8), "");
    }
}
