//! Numbers, times and lists in words. Integers only; rounding is for the eye and never decides.

use crate::verdict::{EntryRef, Terms};
use standstill_statement::time;

/// What a limit without a bound says.
pub(crate) const NO_LIMIT: &str = "no limit";

/// `1.23e21` from an amount in units of 1e15 operations; small amounts in full.
pub(crate) fn operations(petaops: u128) -> String {
    if petaops == 0 { "0".to_owned() } else { scientific(petaops, 15) }
}

/// Three significant digits and a power of ten, rounded down.
fn scientific(value: u128, shift: u32) -> String {
    let digits = value.to_string();
    let exponent = u32::try_from(digits.len()).unwrap_or(0).saturating_sub(1) + shift;
    let (head, tail) = digits.split_at(1);
    let tail: String = tail.chars().chain("00".chars()).take(2).collect();
    match tail.trim_end_matches('0') {
        "" => format!("{head}e{exponent}"),
        tail => format!("{head}.{tail}e{exponent}"),
    }
}

/// `1,234,567`.
pub(crate) fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An amount of a limit in its unit.
pub(crate) fn amount(value: u128, unit: &str) -> String {
    if unit == "operations" {
        format!("{} operations", operations(value))
    } else {
        format!("{} chip-seconds", grouped(value))
    }
}

/// `2026-11-01 00:00:00 UTC`, or similar, from seconds since the Unix epoch.
pub(crate) fn moment(unix_seconds: u64) -> String {
    time::utc(unix_seconds)
}

/// `1 day`, `36 hours`, `90 seconds`.
pub(crate) fn duration(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0 => (0, "second"),
        s if s.is_multiple_of(86_400) => (s / 86_400, "day"),
        s if s.is_multiple_of(3_600) => (s / 3_600, "hour"),
        s if s.is_multiple_of(60) => (s / 60, "minute"),
        s => (s, "second"),
    };
    counted(count, unit)
}

/// `1 report`, `14 reports`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(u128::from(count))) }
}

/// `window 3`, `windows 3, 4 and 9`, `windows 0 to 13`; long lists are cut.
pub(crate) fn windows(list: &[u64]) -> String {
    let consecutive = list.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match list {
        [] => "no window".to_owned(),
        [one] => format!("window {one}"),
        [first, .., last] if consecutive && list.len() > 2 => format!("windows {first} to {last}"),
        _ if list.len() > 8 => format!("windows {} and {} more", joined(&list[..6]), list.len() - 6),
        [start @ .., last] => format!("windows {} and {last}", joined(start)),
    }
}

fn joined(list: &[u64]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// Entries for people, grouped by log: `north #3–#17 (15 entries)`; a few are named with their hash.
pub(crate) fn entries(list: &[EntryRef]) -> String {
    if list.is_empty() {
        return "none".to_owned();
    }
    if list.len() <= 4 {
        let named =
            list.iter().map(|entry| format!("{} #{} ({}…)", entry.issuer, entry.index, entry.statement.short()));
        return named.collect::<Vec<_>>().join(", ");
    }
    let mut parts = Vec::new();
    let mut rest = list;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|entry| entry.issuer == first.issuer).count();
        let indices: Vec<u64> = rest[..same].iter().map(|entry| entry.index).collect();
        parts.push(format!("{} {}", first.issuer, ranges(&indices)));
        rest = &rest[same..];
    }
    parts.join(", ")
}

/// `#3–#5, #9`.
fn ranges(indices: &[u64]) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for index in indices {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == *index => *end = *index,
            _ => parts.push((*index, *index)),
        }
    }
    let shown = parts.iter().take(12).map(|(a, b)| if a == b { format!("#{a}") } else { format!("#{a}–#{b}") });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if parts.len() > 12 {
        text.push_str(" …");
    }
    text
}

/// The period that is judged, in words.
pub(crate) fn period(terms: &Terms) -> String {
    let end = terms.start_unix_seconds.saturating_add(terms.judged_windows.saturating_mul(terms.window_seconds));
    if terms.judged_windows == 0 {
        return format!("no window was due yet (start {})", moment(terms.start_unix_seconds));
    }
    let length = duration(terms.window_seconds);
    let count = counted(terms.judged_windows, "window");
    format!("{count} of {length}, {} to {}", moment(terms.start_unix_seconds), moment(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_lists_read_well() {
        assert_eq!(operations(0), "0");
        assert_eq!(operations(1), "1e15");
        assert_eq!(operations(1_234_567), "1.23e21");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
        assert_eq!(duration(129_600), "36 hours");
        assert_eq!(windows(&[0, 1, 2]), "windows 0 to 2");
        assert_eq!(windows(&[3, 4]), "windows 3 and 4");
        assert_eq!(windows(&[3, 5, 9]), "windows 3, 5 and 9");
        assert_eq!(ranges(&[3, 4, 5, 9]), "#3–#5, #9");
        assert_eq!(and(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
