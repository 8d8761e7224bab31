//! Exact amounts, fractions and durations from text. No floating point takes part.

use crate::terms::Bound;

/// Largest amount that a limit can name: 1e33 operations are 1e18 petaops, which leaves room below 64 bits.
pub(crate) const MAX_AMOUNT: u128 = 10u128.pow(33);

/// Finest fraction: two decimals of a percent. Finer ones would take the slack of a limit proof beyond 64 bits for large fleets.
const MAX_DENOMINATOR: u64 = 10_000;
/// Largest fraction: 1000 %.
const MAX_MULTIPLE: u64 = 10;

/// A decimal such as `1e24`, `1.5e3`, `+7` or `1_000` whose value is a whole number from 0 to [`MAX_AMOUNT`]; exactly, or `None`.
pub(crate) fn whole(text: &str) -> Option<u128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, signed(exponent)?),
        None => (text, 0),
    };
    let (digits, places) = decimal(mantissa)?;
    if digits == 0 {
        return Some(0);
    }
    let shift = exponent - i32::try_from(places).ok()?;
    let power = 10u128.checked_pow(shift.unsigned_abs())?;
    let value = if shift >= 0 {
        digits.checked_mul(power)?
    } else if digits.is_multiple_of(power) {
        digits / power
    } else {
        return None;
    };
    (value <= MAX_AMOUNT).then_some(value)
}

/// An exponent of at most three digits.
fn signed(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let legal = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if legal { text.parse().ok() } else { None }
}

/// Digits without the point, and how many of them stood after it. Underscores may stand between digits, as in TOML.
fn decimal(text: &str) -> Option<(u128, usize)> {
    let (before, after) = text.split_once('.').unwrap_or((text, "0"));
    let legal = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') && !part.starts_with('_') && !part.ends_with('_')
    };
    if before.is_empty() || after.is_empty() || !legal(before) || !legal(after) || text.len() > 60 {
        return None;
    }
    let after = after.replace('_', "");
    let after = after.trim_end_matches('0');
    let digits: String = before.chars().filter(|c| *c != '_').chain(after.chars()).collect();
    Some((digits.parse().ok()?, after.len()))
}

/// A plain decimal such as `0.5`, `3` or `50%` in millionths; exactly, or `None`.
pub(crate) fn millionths(text: &str) -> Option<u128> {
    let (text, scale) = text.strip_suffix('%').map_or((text, 1_000_000), |text| (text, 10_000));
    let (digits, places) = decimal(text)?;
    let scaled = digits.checked_mul(scale)?;
    let power = 10u128.checked_pow(u32::try_from(places).ok()?)?;
    scaled.is_multiple_of(power).then(|| scaled / power)
}

/// `none`, a whole number, `50% of baseline` or `0.1% of capacity`.
pub(crate) fn bound(text: &str) -> Option<Bound> {
    if text == "none" {
        return Some(Bound::Unlimited);
    }
    let Some((percent, reference)) = text.split_once("% of ") else { return whole(text).map(Bound::AtMost) };
    let (digits, places) = decimal(percent)?;
    let denominator = 10u128.checked_pow(u32::try_from(places).ok()?)?.checked_mul(100)?;
    let divisor = gcd(digits, denominator);
    let denominator = u64::try_from(denominator / divisor).ok().filter(|value| *value <= MAX_DENOMINATOR)?;
    let numerator = u64::try_from(digits / divisor).ok().filter(|value| *value <= MAX_MULTIPLE * denominator)?;
    match reference {
        "baseline" => Some(Bound::OfBaseline { numerator, denominator }),
        "capacity" => Some(Bound::OfCapacity { numerator, denominator }),
        _ => None,
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A fraction as a percentage, for people; exact, as `p/q` when the decimal does not end.
pub(crate) fn percent(numerator: u64, denominator: u64) -> String {
    let scaled = u128::from(numerator) * 100;
    let denominator = u128::from(denominator);
    for places in 0u32..=9 {
        let power = 10u128.pow(places);
        if (scaled * power).is_multiple_of(denominator) {
            let value = scaled * power / denominator;
            let places = places as usize;
            if places == 0 {
                return format!("{value}%");
            }
            return format!("{}.{:0places$}%", value / power, value % power);
        }
    }
    format!("{numerator}/{denominator}")
}

/// A duration with one unit, in seconds: `45s`, `30m`, `12h`, `7d`.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let legal = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if legal { digits.parse::<u64>().ok()?.checked_mul(unit) } else { None }
}

/// The shortest spelling of a duration that [`seconds`] reads.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// An amount for people: `1e24`, `2.5e21`, and plain digits below 10,000 or when many digits count.
pub(crate) fn scientific(value: u128) -> String {
    let digits = value.to_string();
    let mantissa = digits.trim_end_matches('0');
    if digits.len() < 5 || mantissa.len() > 6 {
        return digits;
    }
    let exponent = digits.len() - 1;
    if mantissa.len() == 1 {
        return format!("{mantissa}e{exponent}");
    }
    format!("{}.{}e{exponent}", &mantissa[..1], &mantissa[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_whole_numbers() {
        for (text, value) in [
            ("0", 0),
            ("16", 16),
            ("1e24", 10u128.pow(24)),
            ("1E+24", 10u128.pow(24)),
            ("1.5e3", 1_500),
            ("9007199254740993e15", 9_007_199_254_740_993 * 10u128.pow(15)),
            ("1_000", 1_000),
            ("120e-1", 12),
            ("1.0", 1),
            ("0e999", 0),
            ("1e33", MAX_AMOUNT),
        ] {
            assert_eq!(whole(text), Some(value), "{text}");
        }
        for text in [
            "", "-1", "1.5", "1e34", "nan", "inf", "1e-1", "1e", "e5", "1e9999", "0x10", " 1", "1 ", "1.", ".5",
            "1__0_", "١",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn bounds() {
        let baseline = |numerator, denominator| Some(Bound::OfBaseline { numerator, denominator });
        assert_eq!(bound("none"), Some(Bound::Unlimited));
        assert_eq!(bound("0"), Some(Bound::AtMost(0)));
        assert_eq!(bound("50% of baseline"), baseline(1, 2));
        assert_eq!(bound("33.3% of baseline"), baseline(333, 1000));
        assert_eq!(bound("0.1% of capacity"), Some(Bound::OfCapacity { numerator: 1, denominator: 1000 }));
        assert_eq!(bound("0% of capacity"), Some(Bound::OfCapacity { numerator: 0, denominator: 1 }));
        for text in
            ["None", "50 % of baseline", "50% of", "50% of income", "-1% of baseline", "1e1% of baseline", "50%"]
        {
            assert_eq!(bound(text), None, "{text}");
        }
    }

    #[test]
    fn shares_in_millionths() {
        for (text, value) in [("0.5", 500_000), ("50%", 500_000), ("3", 3_000_000), ("0.000001", 1), ("0.0001%", 1)] {
            assert_eq!(millionths(text), Some(value), "{text}");
        }
        for text in ["", "-1", "1e3", "0.0000001", "nan", "%", "0.00001%"] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, value) in [("45s", 45), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(seconds(text), Some(value));
            assert_eq!(duration(value), text);
        }
        for text in ["", "h", "12", "1.5h", "-1h", "1h30m", "9999999999s", "1 h", "1é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_for_people() {
        for (value, text) in [(0, "0"), (9_999, "9999"), (10u128.pow(24), "1e24"), (25 * 10u128.pow(20), "2.5e21")] {
            assert_eq!(scientific(value), text);
        }
        assert_eq!(scientific(1_234_567_891), "1234567891");
        assert_eq!((percent(1, 2), percent(1, 1000), percent(1, 3)), ("50%".into(), "0.1%".into(), "1/3".into()));
    }

    proptest! {
        #[test]
        fn people_read_what_was_written(digits in 0u128..1_000_000_000, exponent in 0u32..20) {
            let value = digits * 10u128.pow(exponent);
            prop_assert_eq!(whole(&scientific(value)), Some(value));
        }

        #[test]
        fn seconds_come_back(value in 0u64..100_000_000) {
            prop_assert_eq!(seconds(&duration(value)), Some(value));
        }

        #[test]
        fn fractions_come_back(numerator in 0u64..100_000, places in 0u32..5) {
            let text = format!("{}.{:02}{}% of baseline", numerator / 100, numerator % 100, "0".repeat(places as usize));
            let Some(Bound::OfBaseline { numerator, denominator }) = bound(&text) else { panic!("{text}") };
            let again = format!("{} of baseline", percent(numerator, denominator));
            prop_assert_eq!(bound(&again), Some(Bound::OfBaseline { numerator, denominator }));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = (whole(&text), bound(&text), seconds(&text));
        }
    }
}
