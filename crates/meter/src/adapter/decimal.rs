//! Decimal text to scaled integers, without a float in between.
//!
//! A total that any stranger re-adds must come out in the same bits, so a reading is turned into an integer once, by one rounding rule
//! (half away from zero), and never becomes a float again. Binary doubles (remote-write bodies) are first written in their shortest
//! decimal form, which is also what Prometheus prints in its JSON: both paths give the same integer.

/// What a reading's text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A finite value, times 10^scale.
    Scaled(i128),
    /// NaN, an infinity or a staleness marker: the sensor said nothing. It is a gap, not a zero.
    Blank,
}

/// Why a text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotANumber {
    /// Not a decimal number in the form that exporters write.
    Form,
    /// The number does not fit the meter's range (|value x 10^scale| >= 10^30).
    Range,
}

const LARGEST: i128 = 1_000_000_000_000_000_000_000_000_000_000;
const MOST_DIGITS: usize = 400;

/// Reads a decimal number (`34.156000`, `4.742776e+06`, `NaN`, `+Inf`) and scales it by 10^`scale`, rounding half away from zero.
///
/// # Errors
/// [`NotANumber`] when the text is not a number or is out of range.
pub fn scaled(text: &str, scale: u32) -> Result<Reading, NotANumber> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if unsigned.eq_ignore_ascii_case(b"nan")
        || unsigned.eq_ignore_ascii_case(b"inf")
        || unsigned.eq_ignore_ascii_case(b"infinity")
    {
        return Ok(Reading::Blank);
    }
    let (mantissa, exponent) = split_exponent(unsigned)?;
    let (digits, point) = split_point(mantissa)?;
    let shift = exponent.saturating_add(i64::from(scale)).saturating_sub(point);
    let magnitude = shifted(&digits, shift)?;
    Ok(Reading::Scaled(if negative { -magnitude } else { magnitude }))
}

/// The same for a binary double, by way of its shortest decimal form.
///
/// # Errors
/// [`NotANumber::Range`] when the value does not fit.
pub fn scaled_double(value: f64, scale: u32) -> Result<Reading, NotANumber> {
    if !value.is_finite() {
        return Ok(Reading::Blank);
    }
    scaled(&format!("{value:e}"), scale)
}

fn split_exponent(text: &[u8]) -> Result<(&[u8], i64), NotANumber> {
    let Some(at) = text.iter().position(|b| *b == b'e' || *b == b'E') else { return Ok((text, 0)) };
    let (sign, digits) = match &text[at + 1..] {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if digits.is_empty() || digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotANumber::Form);
    }
    let value = digits.iter().fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'));
    Ok((&text[..at], sign * value))
}

/// Digits without the point, and how many of them stood behind it.
fn split_point(text: &[u8]) -> Result<(Vec<u8>, i64), NotANumber> {
    if text.len() > MOST_DIGITS {
        return Err(NotANumber::Form);
    }
    let mut digits = Vec::with_capacity(text.len());
    let mut point = None;
    for byte in text {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0'),
            b'.' if point.is_none() => point = Some(digits.len()),
            _ => return Err(NotANumber::Form),
        }
    }
    if digits.is_empty() {
        return Err(NotANumber::Form);
    }
    let behind = point.map_or(0, |at| digits.len() - at);
    Ok((digits, i64::try_from(behind).unwrap_or(i64::MAX)))
}

fn shifted(digits: &[u8], shift: i64) -> Result<i128, NotANumber> {
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let kept = count.saturating_add(shift.min(0));
    if kept < 0 {
        return Ok(0);
    }
    let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(digits.len());
    let mut value = 0_i128;
    for digit in &digits[..kept] {
        value = value * 10 + i128::from(*digit);
        if value >= LARGEST {
            return Err(NotANumber::Range);
        }
    }
    if shift < 0 && digits.get(kept).is_some_and(|d| *d >= 5) {
        value += 1;
    }
    for _ in 0..shift.max(0) {
        if value == 0 {
            break;
        }
        value *= 10;
        if value >= LARGEST {
            return Err(NotANumber::Range);
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn readings_of_real_files() {
        assert_eq!(scaled("34.156000", 3), Ok(Reading::Scaled(34_156)));
        assert_eq!(scaled("4742776", 0), Ok(Reading::Scaled(4_742_776)));
        assert_eq!(scaled("5.551899580e+09", 0), Ok(Reading::Scaled(5_551_899_580)));
        assert_eq!(scaled("0.6056381299035114", 6), Ok(Reading::Scaled(605_638)));
        assert_eq!(scaled("0.000131", 6), Ok(Reading::Scaled(131)));
        assert_eq!(scaled("-1.5", 0), Ok(Reading::Scaled(-2)));
        assert_eq!(scaled("1e-9", 6), Ok(Reading::Scaled(0)));
        assert_eq!(scaled(".5", 0), Ok(Reading::Scaled(1)));
    }

    #[test]
    fn blanks_are_not_zero() {
        for text in ["NaN", "+Inf", "-Inf", "inf"] {
            assert_eq!(scaled(text, 0), Ok(Reading::Blank));
        }
        assert_eq!(scaled_double(f64::NAN, 3), Ok(Reading::Blank));
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in ["", "-", ".", "1.2.3", "1e", "0x10", "1_000", "12a", "e5", "1e9999999"] {
            assert_eq!(scaled(text, 0), Err(NotANumber::Form), "{text}");
        }
        assert_eq!(scaled("1e40", 0), Err(NotANumber::Range));
        assert_eq!(scaled("0e99999", 0), Ok(Reading::Scaled(0)));
    }

    proptest! {
        #[test]
        fn integers_are_exact(value in -1_000_000_000_000_000_000_i64..1_000_000_000_000_000_000) {
            prop_assert_eq!(scaled(&value.to_string(), 3), Ok(Reading::Scaled(i128::from(value) * 1000)));
        }

        #[test]
        fn doubles_and_their_text_agree(value in -1e15_f64..1e15) {
            prop_assert_eq!(scaled_double(value, 6), scaled(&format!("{value}"), 6));
        }

        #[test]
        fn never_panics(text in "[-+0-9.eEnNaAiIfF]{0,40}", scale in 0_u32..12) {
            let _ = scaled(&text, scale);
        }
    }
}
