//! Names in sentences, and lines for a schema.

/// Columns that a sentence names.
pub(super) const NAMED: usize = 8;
/// Columns that lines for a schema are written of.
const LINES: usize = 6;

/// `a, b, c and 4 more`.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `column a` or `columns a, b`.
pub(super) fn columns<S: AsRef<str>>(names: &[S]) -> String {
    format!("column{} {}", if names.len() == 1 { "" } else { "s" }, listed(names))
}

/// `1 row` or `2 rows`.
pub(super) fn rows(count: usize) -> String {
    format!("{count} row{}", if count == 1 { "" } else { "s" })
}

/// Lines of TOML that describe columns, each by a name and what it holds.
pub(super) fn schema(entries: &[(&str, String)]) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    let lines: Vec<String> = entries
        .iter()
        .take(LINES)
        .map(|(name, what)| format!("[columns.{}]\n{what}", key(name)))
        .collect();
    let more = match entries.len().saturating_sub(LINES) {
        0 => String::new(),
        more => format!("\n# and {more} more columns in the same way"),
    };
    Some(format!(
        "note: if that is what they are, put these lines into a file and pass it with --schema:\n{}{more}",
        lines.join("\n")
    ))
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    toml::Value::String(name.replace(|c: char| c.is_control(), " ")).to_string()
}

/// A number with at most so many digits after the point, without zeros at its end.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        return format!("{value}");
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.4e}");
    }
    let digits = (4 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_can_be_pasted_whatever_the_name() {
        let entries =
            [("a-b_1", "kind = \"positive\"".to_owned()), ("50 \"%\"", "x = 1".to_owned())];
        let text = schema(&entries).unwrap();
        let lines = text.split_once('\n').unwrap().1;
        let table: toml::Table = lines.parse().unwrap();
        assert_eq!(table["columns"]["a-b_1"]["kind"].as_str(), Some("positive"));
        assert_eq!(table["columns"]["50 \"%\""]["x"].as_integer(), Some(1));
        assert_eq!(schema(&[]), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|i| format!("c{i}")).collect();
        assert_eq!(columns(&names), "columns c0, c1, c2, c3, c4, c5, c6, c7 and 22 more");
        assert_eq!(columns(&["a"]), "column a");
        let entries: Vec<_> =
            names.iter().map(|n| (n.as_str(), "kind = \"real\"".to_owned())).collect();
        assert!(schema(&entries).unwrap().ends_with("# and 24 more columns in the same way"));
    }

    #[test]
    fn numbers_are_short() {
        let of = [2.0, -0.5, 0.123_456_78, 1_234.567_89, 1e-7, 9.97e36].map(number);
        assert_eq!(of, ["2", "-0.5", "0.12346", "1234.6", "1.0000e-7", "9.9700e36"]);
    }
}
