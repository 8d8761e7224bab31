//! `TIMESTAMP,ContextTokens,GeneratedTokens` (Azure's published traces).

use super::Request;
use crate::adapter::civil_time::{UtcOffset, iso_milliseconds};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Parses a trace.
///
/// # Errors
/// A [`Fault`] with line and column for a missing column or an unreadable field.
pub fn parse(bytes: &[u8], offset: UtcOffset, limits: &TextLimits) -> Result<Vec<Request>, Fault> {
    const REMEDY: &str = "give the trace unchanged: TIMESTAMP,ContextTokens,GeneratedTokens";
    let text = limits.text(bytes)?;
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map_or("", |(_, line)| line.trim_start_matches('\u{feff}').trim());
    if !header.split(',').eq(COLUMNS) {
        return Err(Fault::at(1, 0, format!("the header is `{}`", excerpt(header)), REMEDY));
    }
    let mut requests = Vec::new();
    for (number, line) in lines {
        limits.row(number, requests.len())?;
        let fields: Vec<&str> = line.trim_end().split(',').collect();
        let bad = |at: usize| {
            let what = format!("{} is `{}`", COLUMNS[at], excerpt(fields.get(at).copied().unwrap_or("")));
            Fault::at(number, at as u64 + 1, what, REMEDY)
        };
        let [time, read, written] = fields.as_slice() else {
            return Err(Fault::at(number, 0, format!("{} fields in place of 3", fields.len()), REMEDY));
        };
        requests.push(Request {
            time_ms: iso_milliseconds(time, offset).ok_or_else(|| bad(0))?,
            read_tokens: tokens(read).ok_or_else(|| bad(1))?,
            written_tokens: tokens(written).ok_or_else(|| bad(2))?,
            repeated_tokens: 0,
        });
    }
    Ok(requests)
}

/// A token count; more than a billion in one request is a damaged line.
fn tokens(text: &str) -> Option<u64> {
    text.parse().ok().filter(|count| *count <= 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_with_carriage_returns() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n";
        let requests = parse(text.as_bytes(), UtcOffset::UTC, &TextLimits::default()).expect("trace");
        assert_eq!(
            requests,
            [Request { time_ms: 1_700_158_623_979, read_tokens: 4808, written_tokens: 10, repeated_tokens: 0 }]
        );
    }

    #[test]
    fn other_tables_are_refused() {
        for text in ["", "a,b,c\n", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,-1,2\n"] {
            assert!(parse(text.as_bytes(), UtcOffset::UTC, &TextLimits::default()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9:, .-]{0,60}") {
            let text = format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{text}");
            let _ = parse(text.as_bytes(), UtcOffset::UTC, &TextLimits::default());
        }
    }
}
