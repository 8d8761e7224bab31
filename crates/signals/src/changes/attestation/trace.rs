//! Agent Trace records (cursor/agent-trace, `schemas/trace-record.json`), as JSON Lines.
//!
//! The specification leaves storage open and binds nothing by signature. `vcs.revision` names the commit whose lines are meant; records
//! without it, or of another system than git, cannot be placed and are counted as such. `mixed` and `unknown` lines stay unattributed.

use super::{Claims, MAX_ATTESTATION_BYTES, MAX_FILES, MAX_PATH_BYTES, MAX_RANGES};
use crate::changes::ChangesError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most records in one file.
pub const MAX_RECORDS: usize = 1_000_000;

#[derive(Deserialize)]
struct Record {
    version: String,
    vcs: Option<Vcs>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Vcs {
    #[serde(rename = "type")]
    kind: String,
    revision: String,
}

#[derive(Deserialize)]
struct File {
    path: String,
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    contributor: Option<Contributor>,
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    start_line: u64,
    end_line: u64,
    contributor: Option<Contributor>,
}

#[derive(Clone, Copy, Deserialize)]
struct Contributor {
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Human,
    Ai,
    Mixed,
    Unknown,
}

/// Records of a file, by commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Claims by commit id in hexadecimal, lower case.
    pub commits: BTreeMap<String, Claims>,
    /// Records that name no git commit.
    pub unplaced: u64,
}

fn wrong(line: usize, reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign(format!("agent trace, line {line}"), reason)
}

/// Reads records, one per line.
///
/// # Errors
/// [`ChangesError::Foreign`] with the line.
pub fn parse(bytes: &[u8]) -> Result<Traces, ChangesError> {
    if bytes.len() > MAX_ATTESTATION_BYTES {
        return Err(wrong(0, format!("larger than {MAX_ATTESTATION_BYTES} bytes")));
    }
    let mut traces = Traces::default();
    let mut ranges = 0usize;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if index >= MAX_RECORDS {
            return Err(wrong(index + 1, format!("more than {MAX_RECORDS} records")));
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| wrong(index + 1, error))?;
        if !(record.version.starts_with("0.") || record.version.starts_with("1.")) {
            return Err(wrong(index + 1, "this program reads versions 0.x and 1.x"));
        }
        let Some(commit) = record.vcs.as_ref().and_then(Vcs::commit) else {
            traces.unplaced += 1;
            continue;
        };
        let claims = traces.commits.entry(commit).or_default();
        for file in &record.files {
            ranges += file.join(claims, index + 1)?;
        }
        if ranges > MAX_RANGES {
            return Err(wrong(index + 1, format!("more than {MAX_RANGES} ranges")));
        }
    }
    Ok(traces)
}

impl Vcs {
    fn commit(&self) -> Option<String> {
        let id = self.revision.to_ascii_lowercase();
        let hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        (self.kind == "git" && hex && (id.len() == 40 || id.len() == 64)).then_some(id)
    }
}

impl File {
    fn join(&self, claims: &mut Claims, line: usize) -> Result<usize, ChangesError> {
        if self.path.is_empty() || self.path.len() > MAX_PATH_BYTES || claims.files.len() >= MAX_FILES {
            return Err(wrong(line, "a path is empty, too long, or there are too many"));
        }
        let claim = claims.files.entry(self.path.clone()).or_default();
        let mut count = 0;
        for conversation in &self.conversations {
            for range in &conversation.ranges {
                let lines = (u32::try_from(range.start_line), u32::try_from(range.end_line));
                let (Ok(first), Ok(last)) = lines else { return Err(wrong(line, "a line number is too large")) };
                if first < 1 || last < first {
                    return Err(wrong(line, format!("{first} to {last} is no range of lines")));
                }
                let kind = range.contributor.or(conversation.contributor).map_or(Kind::Unknown, |who| who.kind);
                match kind {
                    Kind::Ai => claim.ai.push((first, last)),
                    Kind::Human => claim.human.push((first, last)),
                    Kind::Mixed | Kind::Unknown => claim.other.push((first, last)),
                }
                count += 1;
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = "{\"version\":\"0.1\",\"id\":\"x\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"vcs\":{\"type\":\"git\",\
        \"revision\":\"1111111111111111111111111111111111111111\"},\"files\":[{\"path\":\"a.rs\",\"conversations\":[{\"contributor\":{\"type\":\"ai\"},\
        \"ranges\":[{\"start_line\":1,\"end_line\":4},{\"start_line\":5,\"end_line\":5,\"contributor\":{\"type\":\"human\"}}]}]}]}";

    #[test]
    fn a_range_may_override_its_conversation() {
        let traces = parse(format!("{LINE}\n\n{LINE}").as_bytes()).unwrap();
        let claim = &traces.commits[&"1".repeat(40)].files["a.rs"];
        assert_eq!((claim.ai.as_slice(), claim.human.len()), ([(1, 4), (1, 4)].as_slice(), 2));
        assert_eq!(parse(LINE.replace("\"git\"", "\"jj\"").as_bytes()).unwrap().unplaced, 1);
    }

    #[test]
    fn errors_name_the_line() {
        for (change, with) in
            [("\"0.1\"", "\"9\""), ("\"end_line\":4", "\"end_line\":0"), ("\"a.rs\"", "\"\""), ("{\"v", "{v")]
        {
            let error = parse(format!("\n{}", LINE.replacen(change, with, 1)).as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..400) {
            let _ = parse(&bytes);
            let mut mixed = LINE.as_bytes().to_vec();
            let at = at.min(mixed.len());
            mixed.splice(at..at, bytes);
            let _ = parse(&mixed);
        }
    }
}
