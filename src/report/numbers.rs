//! Numbers as people read them.

/// Significant digits shown.
const DIGITS: i32 = 5;

/// From here on scores are written in powers of ten.
const LARGE: f64 = 1e7;

/// A value with five significant digits; very large and very small ones in powers of ten.
pub(super) fn shown(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return match (value.is_nan(), value > 0.0) {
            (true, _) => "not a number".to_owned(),
            (_, true) => "∞".to_owned(),
            (_, false) => "−∞".to_owned(),
        };
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-4..7).contains(&exponent) {
        return signed(&format!("{value:.3e}"));
    }
    let decimals = (DIGITS - 1 - exponent).max(0) as usize;
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    signed(text)
}

/// A value with four decimals, as scores are compared; those that have no such digits as [`shown`].
pub(super) fn nats(value: f64) -> String {
    if value.abs() < LARGE { signed(&format!("{value:.4}")) } else { shown(value) }
}

/// An interval; a dash where an end is infinite.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    if low.is_finite() && high.is_finite() {
        format!("[{}, {}]", nats(low), nats(high))
    } else {
        "—".to_owned()
    }
}

/// A count of rows.
pub(super) fn rows(value: usize) -> String {
    format!("{} row{}", count(value), if value == 1 { "" } else { "s" })
}

/// A count with thin spaces between thousands.
pub(super) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// With a minus sign as wide as a plus.
fn signed(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_five_digits_and_lose_idle_zeros() {
        let cases = [
            (1.0, "1"),
            (-0.25, "−0.25"),
            (1234.5678, "1234.6"),
            (0.000_123_456, "0.00012346"),
            (1e9, "1.000e9"),
            (-3.2e-7, "−3.200e−7"),
            (f64::NEG_INFINITY, "−∞"),
            (26_690.0, "26690"),
        ];
        for (value, text) in cases {
            assert_eq!(shown(value), text);
        }
        assert_eq!(shown(f64::NAN), "not a number");
    }

    #[test]
    fn scores_have_no_digits_that_mean_nothing() {
        assert_eq!(nats(-1.23456), "−1.2346");
        assert_eq!(nats(-1e45), "−1.000e45");
        assert_eq!(nats(f64::NEG_INFINITY), "−∞");
        assert_eq!(interval([-1.0, 2.0]), "[−1.0000, 2.0000]");
        assert_eq!(interval([f64::NEG_INFINITY, f64::NAN]), "—");
        assert_eq!((rows(1).as_str(), rows(1200).as_str()), ("1 row", "1\u{202f}200 rows"));
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
