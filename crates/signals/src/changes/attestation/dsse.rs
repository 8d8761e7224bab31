//! DSSE envelopes (secure-systems-lab/dsse 1.0) that carry in-toto statements 1.0 about commits.
//!
//! Two predicates are read: SLSA verification summaries of the source track (SLSA 1.2, `verifiedLevels`), and gittuf's approvals of pull
//! requests. **Signatures are not verified**: the keys of a forge or of Sigstore are not known here. What is read counts as a claim
//! and is shown as such; no bound rests on it unless the method says that claims count.

use super::MAX_ATTESTATION_BYTES;
use crate::changes::ChangesError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// SLSA verification summaries.
const VSA: &str = "https://slsa.dev/verification_summary/v1";
/// gittuf's approvals, without the version.
const APPROVAL: &str = "https://gittuf.dev/github-pull-request-approval/v";
/// Most envelopes in one file.
const MAX_ENVELOPES: usize = 100_000;
/// Most subjects or approvers of one statement.
const MAX_NAMES: usize = 1_000;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(default)]
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Predicate {
    #[serde(rename = "verifiedLevels")]
    verified_levels: Vec<String>,
    approvers: Vec<serde_json::Value>,
}

/// What envelopes claim about one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forge {
    /// Highest SLSA source level that is claimed, 0 to 4.
    pub level: u8,
    /// Two-party review is claimed.
    pub two_party: bool,
    /// Approvers as the forge names them.
    pub approvers: BTreeSet<String>,
    /// Envelopes without a signature.
    pub unsigned: u64,
}

fn wrong(line: usize, reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign(format!("attestation envelope, line {line}"), reason)
}

/// Reads envelopes, one per line, and joins them by commit. Statements of other types are skipped.
///
/// # Errors
/// [`ChangesError::Foreign`] with the line that is no envelope.
pub fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Forge>, ChangesError> {
    if bytes.len() > MAX_ATTESTATION_BYTES {
        return Err(wrong(0, format!("larger than {MAX_ATTESTATION_BYTES} bytes")));
    }
    let mut out: BTreeMap<String, Forge> = BTreeMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if index >= MAX_ENVELOPES {
            return Err(wrong(index + 1, format!("more than {MAX_ENVELOPES} lines")));
        }
        envelope(line, index + 1, &mut out)?;
    }
    Ok(out)
}

fn envelope(line: &[u8], number: usize, out: &mut BTreeMap<String, Forge>) -> Result<(), ChangesError> {
    let envelope: Envelope = serde_json::from_slice(line).map_err(|error| wrong(number, error))?;
    if envelope.payload_type != "application/vnd.in-toto+json" {
        return Ok(());
    }
    let payload = STANDARD.decode(&envelope.payload).map_err(|error| wrong(number, error))?;
    let statement: Statement = serde_json::from_slice(&payload).map_err(|error| wrong(number, error))?;
    if statement.subject.len() > MAX_NAMES || statement.predicate.approvers.len() > MAX_NAMES {
        return Err(wrong(number, format!("more than {MAX_NAMES} subjects or approvers")));
    }
    let known = statement.predicate_type == VSA || statement.predicate_type.starts_with(APPROVAL);
    for id in statement.subject.iter().filter_map(Subject::commit).filter(|_| known) {
        let forge = out.entry(id).or_default();
        forge.unsigned += u64::from(envelope.signatures.is_empty());
        for level in &statement.predicate.verified_levels {
            forge.two_party |= level == "SLSA_SOURCE_TWO_PARTY_REVIEWED";
            let number = level.strip_prefix("SLSA_SOURCE_LEVEL_").and_then(|number| number.parse::<u8>().ok());
            forge.level = forge.level.max(number.filter(|number| *number <= 4).unwrap_or(0));
        }
        forge.approvers.extend(statement.predicate.approvers.iter().filter_map(name));
    }
    Ok(())
}

/// An approver is a string, or an object with a login or an id.
fn name(value: &serde_json::Value) -> Option<String> {
    let text = value.as_str().or_else(|| ["login", "identity", "id"].iter().find_map(|key| value.get(key)?.as_str()));
    text.map(|text| text.chars().take(200).collect())
}

impl Subject {
    fn commit(&self) -> Option<String> {
        let id = ["gitCommit", "sha1", "sha256"].iter().find_map(|key| self.digest.get(*key))?.to_ascii_lowercase();
        let hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hex && (id.len() == 40 || id.len() == 64)).then_some(id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(statement: &str) -> String {
        format!(
            "{{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"{}\",\"signatures\":[]}}\n",
            STANDARD.encode(statement)
        )
    }

    #[test]
    fn levels_and_approvers_are_claims_by_commit() {
        let id = "1".repeat(40);
        let vsa = format!(
            "{{\"subject\":[{{\"digest\":{{\"gitCommit\":\"{id}\"}}}}],\"predicateType\":\"{VSA}\",\
             \"predicate\":{{\"verifiedLevels\":[\"SLSA_SOURCE_LEVEL_3\",\"SLSA_SOURCE_TWO_PARTY_REVIEWED\",\"SLSA_SOURCE_LEVEL_99\"]}}}}"
        );
        let approval = format!(
            "{{\"subject\":[{{\"digest\":{{\"sha1\":\"{id}\"}}}}],\"predicateType\":\"{APPROVAL}0.1\",\"predicate\":{{\"approvers\":[\"ada\",{{\"login\":\"bob\"}},3]}}}}"
        );
        let found = parse(format!("{}{}", line(&vsa), line(&approval)).as_bytes()).unwrap();
        let forge = &found[&id];
        assert_eq!((forge.level, forge.two_party, forge.unsigned), (3, true, 2));
        assert_eq!(forge.approvers.iter().map(String::as_str).collect::<Vec<_>>(), ["ada", "bob"]);
        assert!(parse(line(&vsa.replace("slsa.dev", "x.dev")).as_bytes()).unwrap().is_empty());
        assert!(parse(b"{}").unwrap_err().to_string().contains("line 1"));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
            let _ = parse(&bytes);
            let _ = parse(line(&text).as_bytes());
        }
    }
}
