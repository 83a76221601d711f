//! Numbers as tables write them: plain, with a decimal comma, grouped by thousands, in a currency or
//! in per cent.

/// Signs of currencies that may stand before or after a number.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// What stands between the whole part of a number and its fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Decimal {
    /// A point; a comma groups thousands.
    #[default]
    Point,
    /// A comma; a point groups thousands.
    Comma,
    /// A point or a comma: fields end at something else, and the first rows show neither.
    Either,
}

/// How a number was written that is not plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// With a comma before the fraction.
    DecimalComma,
    /// In groups of three digits.
    Thousands,
    /// With the sign of a currency.
    Currency,
    /// With `%` behind it.
    Percent,
}

impl Mark {
    /// What a table of columns says of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DecimalComma => "decimal commas",
            Self::Thousands => "thousands separators taken out",
            Self::Currency => "currency signs taken off",
            Self::Percent => "in per cent: 41% is 41",
        }
    }
}

/// The number in a trimmed field, infinities and NaN included.
pub(crate) fn parse(field: &[u8], decimal: Decimal) -> Option<f64> {
    marked(field, decimal).map(|(value, _)| value)
}

/// The number in a trimmed field, and how it was written.
pub(crate) fn marked(field: &[u8], decimal: Decimal) -> Option<(f64, Option<Mark>)> {
    let text = std::str::from_utf8(field).ok()?;
    if decimal != Decimal::Comma || !text.contains('.') {
        if let Ok(value) = text.parse() {
            return Some((value, None));
        }
    }
    let (sign, body) = signed(text.trim());
    let (sign, body, unit) = match unit(body) {
        Some((body, unit)) => {
            let (inner, body) = signed(body);
            (sign * inner, body, Some(unit))
        }
        None => (sign, body, None),
    };
    // Words such as `inf` have no unit and no separators.
    if !body.starts_with(|first: char| first.is_ascii_digit() || ".,".contains(first)) {
        return None;
    }
    let (value, mark) = separated(body, decimal)?;
    Some((sign * value, unit.or(mark)))
}

/// The sign and the rest.
fn signed(text: &str) -> (f64, &str) {
    match text.strip_prefix(['-', '−']) {
        Some(rest) => (-1.0, rest.trim_start()),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The number beside a unit.
fn unit(text: &str) -> Option<(&str, Mark)> {
    if let Some(rest) = text.strip_suffix('%') {
        return Some((rest.trim_end(), Mark::Percent));
    }
    let rest = text.strip_prefix(CURRENCIES).or_else(|| text.strip_suffix(CURRENCIES))?;
    Some((rest.trim(), Mark::Currency))
}

/// An unsigned number with or without separators.
fn separated(text: &str, decimal: Decimal) -> Option<(f64, Option<Mark>)> {
    let comma = |text: &str| {
        let (whole, fraction) = text.split_once(',')?;
        let whole = ungrouped(whole, '.').unwrap_or_else(|| whole.to_owned());
        let plain = is_digits(&whole) && fraction.starts_with(|c: char| c.is_ascii_digit());
        let value = format!("{whole}.{fraction}").parse().ok().filter(|_| plain)?;
        Some((value, Some(Mark::DecimalComma)))
    };
    let grouped = |separator, point: char| {
        let (whole, fraction) = text.split_once(point).unwrap_or((text, ""));
        let value = format!("{}.{fraction}", ungrouped(whole, separator)?).parse().ok()?;
        Some((value, Some(Mark::Thousands)))
    };
    match decimal {
        Decimal::Comma => comma(text)
            .or_else(|| grouped('.', ','))
            .or_else(|| grouped('\u{a0}', ','))
            .or_else(|| plain(text, '.')),
        Decimal::Either => plain(text, ',').or_else(|| comma(text)).or_else(|| grouped(',', '.')),
        Decimal::Point => plain(text, ',').or_else(|| grouped(',', '.')),
    }
}

/// A number without a separator of this kind, and without a point if it is a point's place.
fn plain(text: &str, separator: char) -> Option<(f64, Option<Mark>)> {
    let free = !text.contains(separator);
    text.parse().ok().filter(|_| free).map(|value| (value, None))
}

/// The digits without the separators between groups of three; none where they are not such groups.
fn ungrouped(whole: &str, separator: char) -> Option<String> {
    let mut groups = whole.split(separator);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()) && is_digits(first))?;
    let rest: Vec<&str> = groups.collect();
    let fits = !rest.is_empty() && rest.iter().all(|group| group.len() == 3 && is_digits(group));
    fits.then(|| first.to_owned() + &rest.concat())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a field shows that a comma stands before the fraction: it holds one that groups no
/// thousands. A point that does is a sign of the contrary.
pub(crate) fn shows(field: &[u8]) -> Option<Decimal> {
    let text = std::str::from_utf8(field).ok()?.trim_start_matches(['-', '+']);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'e' || b == b'-');
    if let Some((whole, fraction)) = text.rsplit_once(',') {
        let whole_is = is_digits(whole) || ungrouped(whole, '.').is_some();
        let is_decimal = whole_is && digits(fraction) && ungrouped(text, ',').is_none();
        return (is_decimal && !fraction.is_empty()).then_some(Decimal::Comma);
    }
    let (whole, fraction) = text.split_once('.')?;
    let is_decimal = is_digits(whole) && digits(fraction) && ungrouped(text, '.').is_none();
    is_decimal.then_some(Decimal::Point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, decimal: Decimal) -> Option<(f64, Option<Mark>)> {
        marked(text.as_bytes(), decimal)
    }

    #[test]
    fn currencies_per_cent_and_thousands_are_numbers() {
        let point = |text| of(text, Decimal::Point);
        assert_eq!(point("$1,425.36"), Some((1425.36, Some(Mark::Currency))));
        assert_eq!(point("-$5"), Some((-5.0, Some(Mark::Currency))));
        assert_eq!(point("12 €"), Some((12.0, Some(Mark::Currency))));
        assert_eq!(point("41%"), Some((41.0, Some(Mark::Percent))));
        assert_eq!(point("1,234,567"), Some((1_234_567.0, Some(Mark::Thousands))));
        assert_eq!(point("-4e-2"), Some((-0.04, None)));
        assert_eq!(point("inf"), Some((f64::INFINITY, None)));
        for text in ["1,5", "12,34,567", "1,2345", "$", "%", "a", "1;2", "5 kg", "$inf", "1.2.3"] {
            assert_eq!(point(text), None, "{text}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these numbers are exact")]
    fn a_comma_may_be_the_decimal_mark() {
        for decimal in [Decimal::Comma, Decimal::Either] {
            assert_eq!(of("1,5", decimal).unwrap().0, 1.5);
            assert_eq!(of("-0,25e1", decimal).unwrap().0, -2.5);
            assert_eq!(of("1.234,5", decimal).unwrap().0, 1234.5);
            assert_eq!(of("7", decimal).unwrap(), (7.0, None));
        }
        assert_eq!(of("1.234", Decimal::Comma).unwrap(), (1234.0, Some(Mark::Thousands)));
        assert_eq!(of("1.5", Decimal::Comma), None, "two decimal marks in a table");
        assert_eq!(of("1.5", Decimal::Either).unwrap().0, 1.5);
    }

    #[test]
    fn what_a_field_shows_of_its_decimal_mark() {
        assert_eq!(shows(b"1,5"), Some(Decimal::Comma));
        assert_eq!(shows(b"-1.234,56"), Some(Decimal::Comma));
        assert_eq!(shows(b"1.5"), Some(Decimal::Point));
        for open in [&b"1,234"[..], b"1.234", b"12", b"a,b", b"1,"] {
            assert_eq!(shows(open), None, "{}", String::from_utf8_lossy(open));
        }
    }
}
