//! Tells dates and times of day from other text.

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Whether a text is a date, a time of day or both, in one of the usual spellings.
pub(crate) fn is_date(text: &str) -> bool {
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = match text.find(':') {
        None => (text, None),
        Some(clock) => match text.find(['T', ' ']).filter(|&at| at < clock) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => ("", Some(text)),
        },
    };
    (date.is_empty() || is_day(date)) && time.is_none_or(is_time) && !text.is_empty()
}

/// `12:30`, `12:30:05.25`, with an offset or AM or PM behind it.
fn is_time(text: &str) -> bool {
    let text = text.trim_end_matches([' ', 'A', 'P', 'M', 'a', 'p', 'm']);
    let clock = text.find(['+', '-']).map_or(text, |at| &text[..at]);
    let parts: Vec<&str> = clock.trim().split(':').collect();
    let is_number = |part: &&str| part.len() <= 9 && part.starts_with(|c: char| c.is_ascii_digit());
    let digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| is_number(part) && digits(part))
}

/// A day or a month: `2001-02-01`, `1/2/2001`, `01.02.01`, `2001-02`, `3 Feb 2001`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> =
        text.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
    let is_month = |part: &&str| {
        let start: String = part.chars().take(3).collect::<String>().to_lowercase();
        part.chars().all(char::is_alphabetic) && MONTHS.contains(&start.as_str())
    };
    let months = parts.iter().filter(|part| is_month(part)).count();
    let numbers: Vec<(usize, u32)> =
        parts.iter().filter_map(|part| Some((part.len(), part.parse().ok()?))).collect();
    if months > 1 || months + numbers.len() != parts.len() || numbers.is_empty() {
        return false;
    }
    let is_year = |&(length, value): &(usize, u32)| length == 4 && (1000..3000).contains(&value);
    let years = numbers.iter().filter(|number| is_year(number)).count();
    let rest = numbers.iter().filter(|number| !is_year(number));
    let (small, shorts) = (rest.clone().all(|&(n, value)| n <= 2 && value <= 99), rest.count());
    match (parts.len(), months) {
        (2, _) => years == 1 && small,
        (3, 1) => small && numbers.len() == 2,
        (3, _) => {
            let two_digits = numbers.iter().all(|(length, _)| *length == 2);
            let days = numbers.iter().filter(|&&(_, value)| (1..=31).contains(&value)).count();
            small && days >= 2 && (years == 1 && shorts == 2 || years == 0 && two_digits)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates_are_told_from_other_text() {
        for text in [
            "2001-02-01",
            "2001-02-01T10:30:00Z",
            "2001-02-01 10:30:00.123+01:00",
            "1/2/2001",
            "01.02.01",
            "2001-02",
            "Feb 3, 2001",
            "3 February 2001",
            "12:30",
            "12:30:05 PM",
        ] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "",
            "red",
            "192.168.1.1",
            "1.2.3",
            "555-12-1234",
            "12-34",
            "2001",
            "a-b",
            "May",
            "p-1",
            "a:b",
            "Mar-a-Lago",
            "10-20-30-40",
            "99/99/9999",
            ":",
            "1:",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }
}
