//! Numbers as titles show them.

/// Two significant digits, without zeros at the end; whole from 10 on.
pub(super) fn short(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    let digits =
        if magnitude.is_finite() { (1.0 - magnitude).clamp(0.0, 12.0) as usize } else { 0 };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[test]
fn two_digits_are_shown() {
    for (value, text) in
        [(3.02, "3"), (0.9999, "1"), (0.0104, "0.01"), (0.163, "0.16"), (19.7, "20")]
    {
        assert_eq!(short(value), text);
    }
}
