//! Months, quarters and days of commit dates, in UTC (proleptic Gregorian calendar).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;
use std::str::FromStr;

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// A month, counted from year 0 so that order is time. Written `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

/// Year, month and day of a count of days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", days to civil).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl Month {
    /// The month of a moment. Dates outside years 0 to 9999 are put into the nearest of them.
    #[must_use]
    pub fn of(unix_seconds: i64) -> Self {
        let (year, month, _) = civil(unix_seconds.div_euclid(DAY_SECONDS));
        let count = (year * 12 + month - 1).clamp(0, 9_999 * 12 + 11);
        Self(i32::try_from(count).unwrap_or(0))
    }

    /// The first second of the month.
    #[must_use]
    pub fn start_unix_seconds(self) -> i64 {
        // Days to civil is monotone, so that 31 days per month and year overshoot; the first guess is corrected by at most two steps.
        let year = i64::from(self.0 / 12);
        let mut days = (year - 1970) * 365 + (year - 1969).div_euclid(4) - (year - 1901).div_euclid(100)
            + (year - 1601).div_euclid(400)
            + i64::from(self.0 % 12) * 28;
        while Self::of(days * DAY_SECONDS) < self {
            days += 1;
        }
        while Self::of((days - 1) * DAY_SECONDS) >= self {
            days -= 1;
        }
        days * DAY_SECONDS
    }

    /// The quarter as `YYYY-Qn`.
    #[must_use]
    pub fn quarter(self) -> String {
        format!("{:04}-Q{}", self.0 / 12, self.0 % 12 / 3 + 1)
    }

    /// The next month.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The day as `YYYY-MM-DD`, from days since 1970-01-01.
#[must_use]
pub fn day_text(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{}' is not a month; write YYYY-MM", text.chars().take(32).collect::<String>());
        let bytes = text.as_bytes();
        if bytes.len() != 7 || bytes[4] != b'-' || bytes.iter().enumerate().any(|(i, b)| i != 4 && !b.is_ascii_digit())
        {
            return Err(wrong());
        }
        let year: i32 = text[..4].parse().map_err(|_| wrong())?;
        let month: i32 = text[5..].parse().map_err(|_| wrong())?;
        if !(1..=12).contains(&month) {
            return Err(wrong());
        }
        Ok(Self(year * 12 + month - 1))
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn moments_fall_into_their_month() {
        for (seconds, month) in [
            (0, "1970-01"),
            (-1, "1969-12"),
            (951_782_399, "2000-02"),
            (951_868_800, "2000-03"),
            (1_772_323_199, "2026-02"),
            (1_772_323_200, "2026-03"),
            (i64::MAX, "9999-12"),
            (i64::MIN, "0000-01"),
        ] {
            assert_eq!(Month::of(seconds).to_string(), month, "{seconds}");
        }
    }

    #[test]
    fn a_month_starts_where_the_last_one_ends() {
        let mut month: Month = "1899-11".parse().unwrap();
        for _ in 0..3_000 {
            let start = month.start_unix_seconds();
            assert_eq!(Month::of(start), month);
            assert_eq!(Month::of(start - 1).next(), month);
            assert_eq!(month.to_string().parse::<Month>().unwrap(), month);
            month = month.next();
        }
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["2024-13", "2024-00", "24-01", "2024/01", "2024-1", "", "2024-01-01", "+024-01"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        assert_eq!("2026-05".parse::<Month>().unwrap().quarter(), "2026-Q2");
    }
}
