//! Calendar times of log files to Unix milliseconds, in integers.
//!
//! Sources write `2026-11-20T18:29:13`, `2019-01-01 08:55:55`, `2023-11-16 18:17:03.9799600` or `07-17-2024 20:49:56.945`, mostly without a
//! zone. A time without a zone is read as UTC unless the lab states an offset; nothing is guessed from the machine's own zone.

/// Offset of a source's local clock from UTC, in seconds east (UTC+2 is 7200). UTC when a lab states nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UtcOffset {
    seconds: i32,
}

impl UtcOffset {
    /// Universal time.
    pub const UTC: UtcOffset = UtcOffset { seconds: 0 };

    /// Reads `Z`, `+02:00`, `-0700` or a number of seconds.
    ///
    /// # Errors
    /// `None` when the text is none of these or lies beyond 18 hours.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "Z" || text == "UTC" {
            return Some(Self::UTC);
        }
        let (sign, rest) = match text.as_bytes() {
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return None,
        };
        let digits: Vec<u8> = rest.iter().copied().filter(|b| *b != b':').collect();
        if digits.len() != 4 {
            return None;
        }
        let hours = i32::try_from(number(&digits[..2])?).ok()?;
        let minutes = i32::try_from(number(&digits[2..])?).ok()?;
        (hours <= 18 && minutes < 60).then_some(UtcOffset { seconds: sign * (hours * 3600 + minutes * 60) })
    }

    /// Seconds east of UTC.
    pub fn seconds(self) -> i32 {
        self.seconds
    }
}

/// Reads `YYYY-MM-DD` + `T` or space + `HH:MM:SS` + optional fraction and optional zone, as Unix milliseconds (fraction cut, not rounded).
pub fn iso_milliseconds(text: &str, offset: UtcOffset) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || bytes[4] != b'-' || bytes[7] != b'-' || !matches!(bytes[10], b'T' | b' ') {
        return None;
    }
    let day = day_number(number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?)?;
    let (clock, zone) = clock_milliseconds(&bytes[11..])?;
    Some(day * 86_400_000 + clock - i64::from(zone.unwrap_or(offset).seconds) * 1000)
}

/// Reads `MM-DD-YYYY HH:MM:SS.fff` (the power analyser's log) as Unix milliseconds.
pub fn month_first_milliseconds(text: &str, offset: UtcOffset) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || bytes[2] != b'-' || bytes[5] != b'-' || bytes[10] != b' ' {
        return None;
    }
    let day = day_number(number(&bytes[6..10])?, number(&bytes[..2])?, number(&bytes[3..5])?)?;
    let (clock, zone) = clock_milliseconds(&bytes[11..])?;
    Some(day * 86_400_000 + clock - i64::from(zone.unwrap_or(offset).seconds) * 1000)
}

fn clock_milliseconds(bytes: &[u8]) -> Option<(i64, Option<UtcOffset>)> {
    if bytes.len() < 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hours, minutes, seconds) = (number(&bytes[..2])?, number(&bytes[3..5])?, number(&bytes[6..8])?);
    // A leap second (60) is read as the second that follows it, as every Unix clock does.
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let mut rest = &bytes[8..];
    let mut milliseconds = 0;
    if let [b'.', tail @ ..] = rest {
        let length = tail.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        milliseconds = (0..3).fold(0, |sum, i| sum * 10 + tail[..length].get(i).map_or(0, |b| i64::from(b - b'0')));
        rest = &tail[length..];
    }
    let zone = if rest.is_empty() { None } else { Some(UtcOffset::parse(std::str::from_utf8(rest).ok()?)?) };
    Some((((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds, zone))
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Count years from March, so that the leap day is the last day of a year.
    let shifted = year - i64::from(month <= 2);
    let month_index = (month + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    Some(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let utc = UtcOffset::UTC;
        assert_eq!(iso_milliseconds("1970-01-01T00:00:00", utc), Some(0));
        // Slurm fixture: job 1 starts at 1795199353 in the epoch listing and at this text in the other one.
        assert_eq!(iso_milliseconds("2026-11-20T18:29:13", utc), Some(1_795_199_353_000));
        assert_eq!(iso_milliseconds("2023-11-16 18:17:03.9799600", utc), Some(1_700_158_623_979));
        assert_eq!(iso_milliseconds("2024-02-29 00:00:00", utc), Some(1_709_164_800_000));
        assert_eq!(month_first_milliseconds("07-17-2024 20:49:56.945", utc), Some(1_721_249_396_945));
    }

    #[test]
    fn offsets_move_the_instant() {
        let west = UtcOffset::parse("-07:00").expect("offset");
        assert_eq!(month_first_milliseconds("07-17-2024 13:49:56.945", west), Some(1_721_249_396_945));
        assert_eq!(
            iso_milliseconds("2026-11-20T20:29:13+02:00", UtcOffset::UTC),
            iso_milliseconds("2026-11-20T18:29:13Z", west)
        );
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "2026-02-29T00:00:00",
            "2026-13-01T00:00:00",
            "2026-01-01T24:00:00",
            "None",
            "Unknown",
            "2026-01-01",
            "2026-01-01T00:00:00.",
            "1969-01-01T00:00:00",
        ] {
            assert_eq!(iso_milliseconds(text, UtcOffset::UTC), None, "{text}");
        }
        assert_eq!(UtcOffset::parse("+25:00"), None);
    }

    #[test]
    fn every_day_follows_the_last() {
        let mut previous = day_number(1999, 12, 31).expect("day");
        for year in 2000..2101 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(number) = day_number(year, month, day) {
                        assert_eq!(number, previous + 1, "{year}-{month}-{day}");
                        previous = number;
                    }
                }
            }
        }
    }
}
