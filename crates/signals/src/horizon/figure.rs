//! Published numbers: rounded once, to a number of digits that every correct computation shares.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Significant digits of every published number. The computation is good to about 1e-12; nine digits leave another implementation
/// room to sum in another order and still print the same.
pub const SIGNIFICANT_DIGITS: usize = 9;

/// A number as the record shows it: nine significant digits, ties by Rust's exact decimal conversion. Written in JSON as a number,
/// infinity as `"inf"`, and no value as `null`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure(f64);

impl Figure {
    /// No value.
    pub const NONE: Self = Self(f64::NAN);

    /// Rounds a number.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if !value.is_finite() {
            return Self(value);
        }
        let rounded = format!("{value:.*e}", SIGNIFICANT_DIGITS - 1).parse().unwrap_or(value);
        // Minus zero would print as another number than zero.
        Self(if rounded == 0.0 { 0.0 } else { rounded })
    }

    /// The rounded value; not a number when there is none.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The value, unless there is none.
    #[must_use]
    pub fn some(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_nan() {
            serializer.serialize_none()
        } else if self.0.is_infinite() {
            serializer.serialize_str(if self.0 > 0.0 { "inf" } else { "-inf" })
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Null => Ok(Self::NONE),
            serde_json::Value::Number(number) => {
                number.as_f64().map(Self::new).ok_or_else(|| D::Error::custom("not a number"))
            }
            serde_json::Value::String(text) if text == "inf" => Ok(Self(f64::INFINITY)),
            serde_json::Value::String(text) if text == "-inf" => Ok(Self(f64::NEG_INFINITY)),
            _ => Err(D::Error::custom("a figure is a number, \"inf\", \"-inf\" or null")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_survive_json() {
        for (value, text) in [
            (341.741_031_234_567, "341.741031"),
            (1.0 / 3.0, "0.333333333"),
            (-0.0, "0.0"),
            (1e-30 / 3.0, "3.33333333e-31"),
            (f64::INFINITY, "\"inf\""),
            (f64::NAN, "null"),
        ] {
            let figure = Figure::new(value);
            assert_eq!(serde_json::to_string(&figure).unwrap(), text);
            let back: Figure = serde_json::from_str(text).unwrap();
            assert_eq!(back.value().to_bits(), figure.value().to_bits());
        }
        assert!(serde_json::from_str::<Figure>("true").is_err());
    }
}
