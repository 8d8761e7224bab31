//! DSSE envelopes (secure-systems-lab/dsse 1.0) that carry in-toto statements 1.0 about commits.
//!
//! Read are SLSA verification summaries of the source track (SLSA 1.2, `verifiedLevels`), and gittuf's authorisations of references and approvals
//! of pull requests. Signatures are verified over the pre-authentication encoding with the keys of the identity map; key ids play no part.
//!
//! | statement | signed by | counts as |
//! |---|---|---|
//! | authorisation | a person or AI system of the map | approval by the signer |
//! | approval of a pull request | a service of the map | approval by those whom it names, as far as the map ties the login or key to somebody |
//! | summary, passed | a service of the map | level and two-party review, said by that service |
//! | any | anybody else, or nobody | a claim, shown as such |

use super::MAX_ATTESTATION_BYTES;
use crate::changes::ChangesError;
use crate::changes::identity::{Identities, Identity};
use crate::changes::nature::Nature;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Types of payload that are in-toto statements; the second is gittuf's.
const PAYLOADS: [&str; 2] = ["application/vnd.in-toto+json", "application/vnd.gittuf+json"];
/// SLSA verification summaries.
const VSA: &str = "https://slsa.dev/verification_summary/v1";
/// gittuf's approvals, without the version.
const APPROVAL: &str = "https://gittuf.dev/github-pull-request-approval/v";
/// gittuf's authorisations, without the version.
const AUTHORISATION: &str = "https://gittuf.dev/reference-authorization/v";
/// Most envelopes in one file.
const MAX_ENVELOPES: usize = 100_000;
/// Most subjects or approvers of one statement.
const MAX_NAMES: usize = 1_000;
/// Most signatures of one envelope.
const MAX_SIGNATURES: usize = 64;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(default)]
    sig: String,
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
    #[serde(rename = "verificationResult")]
    verification_result: Option<String>,
    approvers: Vec<serde_json::Value>,
    #[serde(rename = "dismissedApprovers")]
    dismissed: Vec<serde_json::Value>,
    #[serde(rename = "targetRef")]
    reference: Option<String>,
    #[serde(rename = "fromID", alias = "fromRevisionID", alias = "fromTargetID")]
    from: Option<String>,
    #[serde(rename = "targetID", alias = "targetTreeID", alias = "toTargetID")]
    target: Option<String>,
}

/// What envelopes say about one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forge {
    /// Highest SLSA source level that is claimed, 0 to 4.
    pub level: u8,
    /// Two-party review is claimed.
    pub two_party: bool,
    /// Approvers as unverified envelopes name them.
    pub approvers: BTreeSet<String>,
    /// Highest level that a service of the map signed for.
    pub signed_level: u8,
    /// A service of the map signed that two parties reviewed.
    pub signed_two_party: bool,
    /// Approvers by verified signatures.
    pub signed_approvers: BTreeSet<Identity>,
}

/// Where an approved move of a branch ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// At a commit with this tree.
    Tree(String),
    /// At this commit.
    Commit(String),
}

/// An approval of everything that comes to a branch between two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Commit before; none when the branch begins.
    pub from: Option<String>,
    /// State after.
    pub target: Target,
    /// Who approves.
    pub forge: Forge,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By commit.
    pub commits: BTreeMap<String, Forge>,
    /// By move of a branch.
    pub moves: Vec<Move>,
}

impl Forge {
    /// Adds what other envelopes say.
    pub fn join(&mut self, other: Self) {
        self.level = self.level.max(other.level);
        self.two_party |= other.two_party;
        self.approvers.extend(other.approvers);
        self.signed_level = self.signed_level.max(other.signed_level);
        self.signed_two_party |= other.signed_two_party;
        self.signed_approvers.extend(other.signed_approvers);
    }
}

fn wrong(line: usize, reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign(format!("attestation envelope, line {line}"), reason)
}

/// The pre-authentication encoding: what a signature is over (DSSE 1.0, protocol).
#[must_use]
pub fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Base64 of either alphabet.
fn decode(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text))
}

/// Reads envelopes, one per line. Statements of other types are skipped.
///
/// # Errors
/// [`ChangesError::Foreign`] with the line that is no envelope.
pub fn parse(bytes: &[u8], identities: &Identities) -> Result<Found, ChangesError> {
    if bytes.len() > MAX_ATTESTATION_BYTES {
        return Err(wrong(0, format!("larger than {MAX_ATTESTATION_BYTES} bytes")));
    }
    let mut out = Found::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if index >= MAX_ENVELOPES {
            return Err(wrong(index + 1, format!("more than {MAX_ENVELOPES} lines")));
        }
        envelope(line, index + 1, identities, &mut out)?;
    }
    Ok(out)
}

fn envelope(line: &[u8], number: usize, identities: &Identities, out: &mut Found) -> Result<(), ChangesError> {
    let envelope: Envelope = serde_json::from_slice(line).map_err(|error| wrong(number, error))?;
    if !PAYLOADS.contains(&envelope.payload_type.as_str()) {
        return Ok(());
    }
    let payload = decode(&envelope.payload).map_err(|error| wrong(number, error))?;
    let statement: Statement = serde_json::from_slice(&payload).map_err(|error| wrong(number, error))?;
    if statement.subject.len() > MAX_NAMES || statement.predicate.approvers.len() > MAX_NAMES {
        return Err(wrong(number, format!("more than {MAX_NAMES} subjects or approvers")));
    }
    let signers = || signers(&envelope, &payload, identities);
    let kind = statement.predicate_type.as_str();
    if kind == VSA {
        let forge = summary(&statement.predicate, &signers());
        for id in statement.subject.iter().filter_map(Subject::commit) {
            out.commits.entry(id).or_default().join(forge.clone());
        }
    } else if kind.starts_with(APPROVAL) || kind.starts_with(AUTHORISATION) {
        let forge = approval(&statement, &signers(), identities);
        match statement.moved() {
            Some((from, target)) => out.moves.push(Move { from, target, forge }),
            // Without a move it is not known what was approved: a claim at most.
            None => {
                for id in statement.subject.iter().filter_map(Subject::commit) {
                    let claim = Forge { approvers: forge.approvers.clone(), ..Forge::default() };
                    out.commits.entry(id).or_default().join(claim);
                }
            }
        }
    }
    Ok(())
}

/// Everybody of the map whose signature of the envelope holds.
fn signers(envelope: &Envelope, payload: &[u8], identities: &Identities) -> BTreeSet<Identity> {
    let signed = encoding(&envelope.payload_type, payload);
    let signatures = envelope.signatures.iter().take(MAX_SIGNATURES);
    let bytes = signatures.filter_map(|signature| decode(&signature.sig).ok());
    bytes.filter_map(|signature| identities.envelope_signer(&signature, &signed)).collect()
}

fn is_service(signers: &BTreeSet<Identity>) -> bool {
    signers.iter().any(|signer| signer.nature == Nature::Service)
}

fn summary(predicate: &Predicate, signers: &BTreeSet<Identity>) -> Forge {
    let result = predicate.verification_result.as_deref();
    let mut out = Forge { approvers: predicate.approvers.iter().filter_map(name).collect(), ..Forge::default() };
    if result.is_some_and(|result| result != "PASSED") {
        return out;
    }
    for level in &predicate.verified_levels {
        out.two_party |= level == "SLSA_SOURCE_TWO_PARTY_REVIEWED";
        let number = level.strip_prefix("SLSA_SOURCE_LEVEL_").and_then(|number| number.parse::<u8>().ok());
        out.level = out.level.max(number.filter(|number| *number <= 4).unwrap_or(0));
    }
    if result.is_some() && is_service(signers) {
        (out.signed_level, out.signed_two_party) = (out.level, out.two_party);
        (out.level, out.two_party) = (0, false);
    }
    out
}

fn approval(statement: &Statement, signers: &BTreeSet<Identity>, identities: &Identities) -> Forge {
    let mut out = Forge::default();
    if statement.predicate_type.starts_with(AUTHORISATION) {
        out.signed_approvers.extend(signers.iter().filter(|signer| signer.nature != Nature::Service).cloned());
        return out;
    }
    let named = |list: &[serde_json::Value]| list.iter().filter_map(name).collect::<BTreeSet<_>>();
    let dismissed = named(&statement.predicate.dismissed);
    for value in &statement.predicate.approvers {
        let Some(name) = name(value).filter(|name| !dismissed.contains(name)) else { continue };
        let account =
            if is_service(signers) { identities.mapped_account(&name, ssh_key(value).as_deref()) } else { None };
        match account {
            Some(identity) => drop(out.signed_approvers.insert(identity)),
            None => drop(out.approvers.insert(name)),
        }
    }
    out
}

/// An approver is a string, or an object with a login or an id; gittuf writes its keys, with an identity inside.
fn name(value: &serde_json::Value) -> Option<String> {
    let inside = || value.get("keyval")?.get("identity")?.as_str();
    let text = value.as_str().or_else(|| ["login", "identity"].iter().find_map(|key| value.get(key)?.as_str()));
    let text = text.or_else(inside).or_else(|| ["id", "keyid"].iter().find_map(|key| value.get(key)?.as_str()));
    text.map(|text| text.chars().take(200).collect())
}

/// The SSH key that gittuf names an approver by.
fn ssh_key(value: &serde_json::Value) -> Option<Vec<u8>> {
    let key = value
        .get("keyval")?
        .get("public")?
        .as_str()
        .filter(|_| value.get("keytype").is_some_and(|kind| kind == "ssh"))?;
    STANDARD.decode(key).ok()
}

/// A commit or tree id in lower case.
fn id(text: &str) -> Option<String> {
    let hex = (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| text.to_ascii_lowercase())
}

impl Subject {
    fn commit(&self) -> Option<String> {
        ["gitCommit", "sha1", "sha256"].iter().find_map(|key| self.digest.get(*key)).and_then(|text| id(text))
    }
}

impl Statement {
    /// The move of a branch, when the one subject is its target. Moves of tags are no reviews of changes.
    fn moved(&self) -> Option<(Option<String>, Target)> {
        let predicate = &self.predicate;
        predicate.reference.as_deref()?.strip_prefix("refs/heads/")?;
        let (from, target) = (id(predicate.from.as_deref()?)?, id(predicate.target.as_deref()?)?);
        let [subject] = self.subject.as_slice() else { return None };
        let is = |key: &str| subject.digest.get(key).is_some_and(|text| text.eq_ignore_ascii_case(&target));
        let wanted = match () {
            () if is("gitTree") => Target::Tree(target.clone()),
            () if is("gitCommit") => Target::Commit(target.clone()),
            () => return None,
        };
        Some((Some(from).filter(|from| from.bytes().any(|byte| byte != b'0')), wanted))
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
        let nobody = Identities::builtin().unwrap();
        let found = parse(format!("{}{}", line(&vsa), line(&approval)).as_bytes(), &nobody).unwrap();
        let forge = &found.commits[&id];
        assert_eq!((forge.level, forge.two_party, forge.signed_level), (3, true, 0));
        let failed = vsa.replace("\"verifiedLevels\"", "\"verificationResult\":\"FAILED\",\"verifiedLevels\"");
        assert_eq!(parse(line(&failed).as_bytes(), &nobody).unwrap().commits[&id], Forge::default());
        assert_eq!(forge.approvers.iter().map(String::as_str).collect::<Vec<_>>(), ["ada", "bob"]);
        assert_eq!(parse(line(&vsa.replace("slsa.dev", "x.dev")).as_bytes(), &nobody).unwrap(), Found::default());
        assert!(parse(b"{}", &nobody).unwrap_err().to_string().contains("line 1"));
    }

    /// The test vector of the DSSE specification (protocol.md): payload, type and encoding.
    #[test]
    fn the_encoding_is_the_specifications() {
        let wanted = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(encoding("http://example.com/HelloWorld", b"hello world"), wanted);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
            let nobody = Identities::builtin().unwrap();
            let _ = parse(&bytes, &nobody);
            let _ = parse(line(&text).as_bytes(), &nobody);
        }
    }
}
