//! Calendar days, as METR's regression counts them: ordinals of the proleptic Gregorian calendar (day 1 is 0001-01-01).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;
use std::str::FromStr;

/// A day. Ordered by time; written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

const DAYS_BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

fn leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_before_year(year: i32) -> i32 {
    let y = year - 1;
    y * 365 + y / 4 - y / 100 + y / 400
}

fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Day {
    /// The day of a calendar date; `None` when there is no such date. Years 1 to 9999.
    #[must_use]
    pub fn new(year: i32, month: i32, day: i32) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let before = DAYS_BEFORE_MONTH[usize::try_from(month - 1).ok()?];
        let extra = i32::from(month > 2 && leap(year));
        Some(Self(days_before_year(year) + before + extra + day))
    }

    /// Days since 0000-12-31, so that 0001-01-01 is 1 (Python's `date.toordinal`).
    #[must_use]
    pub fn ordinal(self) -> i32 {
        self.0
    }

    /// Year, month and day of the month.
    #[must_use]
    pub fn civil(self) -> (i32, i32, i32) {
        let mut year = self.0 / 366 + 1;
        while days_before_year(year + 1) < self.0 {
            year += 1;
        }
        let mut left = self.0 - days_before_year(year);
        let mut month = 1;
        while left > days_in_month(year, month) {
            left -= days_in_month(year, month);
            month += 1;
        }
        (year, month, left)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{}' is not a date; write YYYY-MM-DD", text.chars().take(32).collect::<String>());
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(wrong());
        }
        let number = |range: std::ops::Range<usize>| -> Option<i32> {
            bytes[range]
                .iter()
                .try_fold(0i32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i32::from(digit - b'0')))
        };
        let parts = (number(0..4), number(5..7), number(8..10));
        let (Some(year), Some(month), Some(day)) = parts else { return Err(wrong()) };
        Self::new(year, month, day).ok_or_else(wrong)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_pythons() {
        for (text, ordinal) in [
            ("0001-01-01", 1),
            ("1970-01-01", 719_163),
            ("2019-02-14", 737_104),
            ("2024-02-29", 738_945),
            ("2026-03-05", 739_680),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.ordinal(), ordinal, "{text}");
            assert_eq!(day.to_string(), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives() {
        let first: Day = "1799-12-31".parse().unwrap();
        for ordinal in first.ordinal()..first.ordinal() + 146_097 {
            let day = Day(ordinal);
            assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-1",
            "24-01-01",
            "2024/01/01",
            "２０24-01-01",
            "",
            "0000-01-01",
            "2024-01-00",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
