//! Numbers in JSON that need not be finite: `"inf"`, `"-inf"` and `"nan"` stand for what it has no numbers
//! for.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

impl Written {
    fn of(value: f64) -> Self {
        if value.is_finite() {
            return Self::Number(value);
        }
        let text = match value {
            f64::INFINITY => "inf",
            f64::NEG_INFINITY => "-inf",
            _ => "nan",
        };
        Self::Text(text.to_owned())
    }

    fn value(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => match text.as_str() {
                "inf" => Some(f64::INFINITY),
                "-inf" => Some(f64::NEG_INFINITY),
                "nan" => Some(f64::NAN),
                _ => None,
            },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    Written::of(*value).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let written = Written::deserialize(from)?;
    written.value().ok_or_else(|| serde::de::Error::custom("not a number"))
}

/// The same of a number that may be missing.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Written};

    #[expect(clippy::ref_option, reason = "serde hands over a reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<f64>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Written::of).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<f64>, D::Error> {
        let Some(written) = Option::<Written>::deserialize(from)? else { return Ok(None) };
        let value = written.value();
        value.map(Some).ok_or_else(|| serde::de::Error::custom("not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(with = "super")]
        one: f64,
        #[serde(with = "super::optional")]
        other: Option<f64>,
    }

    #[test]
    fn what_is_not_finite_comes_back() {
        for (one, other) in
            [(-0.1, Some(f64::NEG_INFINITY)), (f64::NEG_INFINITY, None), (f64::INFINITY, Some(2.0))]
        {
            let both = Both { one, other };
            let text = serde_json::to_string(&both).unwrap();
            assert_eq!(serde_json::from_str::<Both>(&text).unwrap(), both, "{text}");
        }
        let nan = serde_json::to_string(&Both { one: f64::NAN, other: None }).unwrap();
        assert!(serde_json::from_str::<Both>(&nan).unwrap().one.is_nan());
        assert!(serde_json::from_str::<Both>(r#"{"one": "many", "other": null}"#).is_err());
    }
}
