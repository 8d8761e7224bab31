//! The time of a scrape, from its file name.

use crate::adapter::civil_time::{UtcOffset, iso_milliseconds};

/// Unix milliseconds from a file's name: the last run of 10 digits (seconds), 13 digits (milliseconds), or `YYYYMMDDTHHMMSS[Z]` in it.
///
/// `None` when the name holds none of them, or more than one that disagree.
pub fn file_time(name: &str) -> Option<i64> {
    let mut found = None;
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let Some(time) = word_time(word) else { continue };
        if found.is_some_and(|earlier| earlier != time) {
            return None;
        }
        found = Some(time);
    }
    found
}

fn word_time(word: &str) -> Option<i64> {
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return match word.len() {
            10 => word.parse::<i64>().ok().map(|seconds| seconds * 1000),
            13 => word.parse().ok(),
            _ => None,
        };
    }
    let word = word.strip_suffix('Z').unwrap_or(word);
    let (day, clock) = word.split_once('T')?;
    if day.len() != 8 || clock.len() != 6 || !day.is_ascii() || !clock.is_ascii() {
        return None;
    }
    let (d, c) = (day, clock);
    let text = format!("{}-{}-{}T{}:{}:{}", &d[..4], &d[4..6], &d[6..], &c[..2], &c[2..4], &c[4..]);
    iso_milliseconds(&text, UtcOffset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_carry_a_time() {
        assert_eq!(file_time("1795198179.prom"), Some(1_795_198_179_000));
        assert_eq!(file_time("n1-1795198179250.prom"), Some(1_795_198_179_250));
        assert_eq!(file_time("gpu_20261120T182913Z.txt"), Some(1_795_199_353_000));
    }

    #[test]
    fn names_that_do_not() {
        assert_eq!(file_time("metrics.prom"), None);
        assert_eq!(file_time("v1.35_upcloud_accelerator-metrics.prom"), None);
        assert_eq!(file_time("1795198179-1795198180.prom"), None);
        assert_eq!(file_time("99999999T999999"), None);
    }
}
