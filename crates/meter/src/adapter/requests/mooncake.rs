//! `{"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": [..]}` per line (Mooncake's published traces), plain or gzip.
//!
//! Times count from the trace's own start, so the start must be given. `hash_ids` name the prompt's blocks of 512 tokens; a block seen before
//! may come from a prefix cache.

use std::collections::HashSet;
use std::io::Read;

use serde::Deserialize;

use super::Request;
use crate::adapter::fault::{Fault, TextLimits};

/// Tokens per hashed block.
const BLOCK_TOKENS: u64 = 512;
/// Blocks remembered at most.
const MOST_BLOCKS: usize = 20_000_000;

#[derive(Deserialize)]
struct Line {
    timestamp: u64,
    input_length: u64,
    output_length: u64,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// Parses a trace that began at `start_ms` (Unix milliseconds).
///
/// # Errors
/// A [`Fault`] with the line for a line that is not such an object, or when the unpacked text passes the limit.
pub fn parse(bytes: &[u8], start_ms: i64, limits: &TextLimits) -> Result<Vec<Request>, Fault> {
    let unpacked = unpack(bytes, limits)?;
    let text = limits.text(unpacked.as_deref().unwrap_or(bytes))?;
    let mut seen = HashSet::new();
    let mut requests = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        limits.line(number, line)?;
        limits.row(number, requests.len())?;
        let line: Line = serde_json::from_str(line).map_err(|e| {
            Fault::at(number, e.column() as u64, format!("no request: {e}"), "give the trace unchanged")
        })?;
        let repeated = line.hash_ids.iter().take_while(|block| seen.contains(*block)).count() as u64;
        if seen.len() < MOST_BLOCKS {
            seen.extend(line.hash_ids);
        }
        let time_ms = i64::try_from(line.timestamp).ok().and_then(|t| start_ms.checked_add(t));
        requests.push(Request {
            time_ms: time_ms.ok_or_else(|| Fault::at(number, 0, "a time out of range", "give the trace unchanged"))?,
            read_tokens: line.input_length,
            written_tokens: line.output_length,
            repeated_tokens: repeated.saturating_mul(BLOCK_TOKENS).min(line.input_length),
        });
    }
    Ok(requests)
}

fn unpack(bytes: &[u8], limits: &TextLimits) -> Result<Option<Vec<u8>>, Fault> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(None);
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(limits.file_bytes as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|e| Fault::whole(format!("a damaged gzip file: {e}"), "fetch the file again"))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_known_prefix_is_repeated() {
        let text = concat!(
            "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [0, 1]}\n",
            "{\"timestamp\": 7, \"input_length\": 1400, \"output_length\": 5, \"hash_ids\": [0, 9, 1]}\n"
        );
        let requests = parse(text.as_bytes(), 1_000, &TextLimits::default()).expect("trace");
        assert_eq!((requests[0].repeated_tokens, requests[1].repeated_tokens, requests[1].time_ms), (0, 512, 1_007));
    }

    #[test]
    fn bombs_and_nonsense_are_refused() {
        let small = TextLimits { file_bytes: 1_000, ..TextLimits::default() };
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &[b' '; 100_000]).expect("write");
        assert!(parse(&packed.finish().expect("gzip"), 0, &small).is_err());
        assert!(parse(b"{}\n", 0, &small).is_err());
        assert!(parse(&[0x1f, 0x8b, 0], 0, &small).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes, 0, &TextLimits::default());
        }
    }
}
