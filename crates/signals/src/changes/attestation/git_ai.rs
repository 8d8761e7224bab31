//! git-ai authorship logs, Git AI Standard 3.0.0 (git-ai-project/git-ai, `specs/`).
//!
//! A note has two parts divided by a line `---`: file names at the start of a line, each followed by indented entries `key ranges`; then a JSON
//! object. Keys: `s_<14 hex>::t_<14 hex>` and 16 hex digits (older) stand for AI, `h_<14 hex>` for a person. Notes are mutable and
//! unsigned: what they say about people is a claim of the party itself.

use super::{Claims, Lines, MAX_ATTESTATION_BYTES, MAX_FILES, MAX_PATH_BYTES, MAX_RANGES};
use crate::changes::ChangesError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What an entry's key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Ai,
    Human,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    schema_version: String,
    prompts: BTreeMap<String, Session>,
    sessions: BTreeMap<String, Session>,
    humans: BTreeMap<String, serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Session {
    messages: serde::de::IgnoredAny,
    agent_id: Option<serde::de::IgnoredAny>,
}

fn wrong(reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign("git-ai note", reason)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn key(text: &str) -> Option<Key> {
    if let Some(session) = text.strip_prefix("s_") {
        let (session, trace) = session.split_once("::t_").unwrap_or((session, "00000000000000"));
        return (is_hex(session, 14) && is_hex(trace, 14)).then_some(Key::Ai);
    }
    if let Some(person) = text.strip_prefix("h_") {
        return is_hex(person, 14).then_some(Key::Human);
    }
    is_hex(text, 16).then_some(Key::Ai)
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|line| *line >= 1)
}

/// `1-10,15,20-21`.
fn ranges(text: &str, out: &mut Vec<Lines>, line: usize) -> Result<(), ChangesError> {
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => out.push((first, last)),
            _ => {
                return Err(wrong(format!("line {line}: '{}' is no range", part.chars().take(40).collect::<String>())));
            }
        }
    }
    Ok(())
}

/// Reads a note.
///
/// # Errors
/// [`ChangesError::Foreign`] with the line that cannot be read, or the limit that is exceeded.
pub fn parse(bytes: &[u8]) -> Result<Claims, ChangesError> {
    if bytes.len() > MAX_ATTESTATION_BYTES {
        return Err(wrong(format!("larger than {MAX_ATTESTATION_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
    let (map, json) = divide(text);
    let metadata: Metadata = match json {
        Some(json) => serde_json::from_str(json).map_err(|error| wrong(format!("metadata: {error}")))?,
        None => return Err(wrong("no line '---' with metadata after it")),
    };
    if !metadata.schema_version.starts_with("authorship/3.") {
        return Err(wrong(format!(
            "schema version '{}'; this program reads authorship/3.x",
            metadata.schema_version.chars().take(40).collect::<String>()
        )));
    }
    let mut claims =
        Claims { has_messages: json.is_some_and(|json| json.contains("\"messages\":[{")), ..Claims::default() };
    let (mut path, mut total) = (None::<String>, 0usize);
    for (index, line) in map.lines().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() {
            continue;
        }
        let Some(entry) = line.strip_prefix("  ") else {
            let name = line.trim_end().trim_matches('"');
            if name.is_empty() || name.len() > MAX_PATH_BYTES || claims.files.len() >= MAX_FILES {
                return Err(wrong(format!("line {number}: a path is empty, too long, or there are too many")));
            }
            claims.files.entry(name.to_owned()).or_default();
            path = Some(name.to_owned());
            continue;
        };
        let Some(claim) = path.as_ref().and_then(|path| claims.files.get_mut(path)) else {
            return Err(wrong(format!("line {number}: an entry stands before the first file")));
        };
        let Some((name, list)) = entry.trim().split_once(' ') else {
            return Err(wrong(format!("line {number}: an entry is a key, a space and ranges")));
        };
        let kind = key(name).ok_or_else(|| wrong(format!("line {number}: unknown kind of key")))?;
        let target = match kind {
            Key::Ai => &mut claim.ai,
            // A person's key with an agent behind it is not a person.
            Key::Human if metadata.is_agent(name) => {
                claims.human_under_agent += 1;
                &mut claim.ai
            }
            Key::Human => &mut claim.human,
        };
        let before = target.len();
        ranges(list.trim(), target, number)?;
        total += target.len() - before;
        if total > MAX_RANGES {
            return Err(wrong(format!("more than {MAX_RANGES} ranges")));
        }
    }
    Ok(claims)
}

impl Metadata {
    fn is_agent(&self, key: &str) -> bool {
        let named = self.prompts.get(key).or_else(|| self.sessions.get(key));
        let agent = named.is_some_and(|session| session.agent_id.is_some());
        let inside = self.humans.get(key).and_then(|human| human.get("agent_id")).is_some();
        agent || inside
    }
}

/// The map and the metadata.
fn divide(text: &str) -> (&str, Option<&str>) {
    if let Some(json) = text.strip_prefix("---\n") {
        return ("", Some(json));
    }
    match text.find("\n---\n") {
        Some(at) => (&text[..=at], Some(&text[at + 5..])),
        None => (text, None),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTE: &str = "src/a b.rs\n  s_00112233445566::t_00112233445566 1-10,15\n  h_00112233445566 20\n\"q.rs\"\n  0011223344556677 3\n---\n\
        {\"schema_version\":\"authorship/3.0.0\",\"prompts\":{}}";

    #[test]
    fn keys_say_who() {
        let claims = parse(NOTE.as_bytes()).unwrap();
        assert_eq!(claims.files["src/a b.rs"].ai, [(1, 10), (15, 15)]);
        assert_eq!(claims.files["src/a b.rs"].human, [(20, 20)]);
        assert_eq!(claims.files["q.rs"].ai, [(3, 3)]);
        let forged =
            NOTE.replace("\"prompts\":{}", "\"sessions\":{\"h_00112233445566\":{\"agent_id\":{\"tool\":\"x\"}}}");
        let claims = parse(forged.as_bytes()).unwrap();
        assert_eq!((claims.human_under_agent, claims.files["src/a b.rs"].human.len()), (1, 0));
    }

    #[test]
    fn what_is_no_note_is_refused_with_the_line() {
        for (change, with, words) in [
            ("1-10", "10-1", "line 2"),
            ("1-10", "0-1", "line 2"),
            ("15", "15,", "line 2"),
            ("h_00112233445566 20", "h_00 20", "line 3"),
            ("src/a b.rs\n", "", "line 1"),
            ("---", "--", "no line '---'"),
            ("3.0.0", "4.0.0", "x"),
            ("{\"s", "[\"s", "metadata"),
        ] {
            let text = NOTE.replacen(change, with, 1);
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words) || words == "x", "{change}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..180) {
            let _ = parse(&bytes);
            let mut mixed = NOTE.as_bytes().to_vec();
            let at = at.min(mixed.len());
            mixed.splice(at..at, bytes);
            let _ = parse(&mixed);
        }
    }
}
