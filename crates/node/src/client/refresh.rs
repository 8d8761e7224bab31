//! Asking witnesses to cosign a log's last checkpoint again. Anyone may: it is how silence becomes provable without the log's help.

use super::ClientError;
use super::copy::LogCopy;
use super::follow::verified_lines;
use super::http::{Answer, Http, join};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::{MAX_NOTE_BYTES, Note, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::witness::{AddCheckpoint, origin_hash};
use tokio::task::JoinSet;

/// Longest answer of a witness, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A witness and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAt {
    /// Name in the policy.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Submission prefix.
    pub url: String,
}

/// The witnesses of a policy whose address it gives.
#[must_use]
pub fn witnesses_of(policy: &Policy) -> Vec<WitnessAt> {
    let at = |witness: &standstill_tlog::policy::KnownWitness| {
        let name = String::from_utf8_lossy(&witness.name).into_owned();
        Some(WitnessAt { name, key: witness.key.clone(), url: witness.url.clone()? })
    };
    policy.witnesses().iter().filter_map(at).collect()
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Witnesses that cosigned.
    pub cosigned: Vec<String>,
    /// Witnesses that did not, with the reason.
    pub refused: Vec<(String, String)>,
    /// Larger heads that witnesses have cosigned: the log has published more than this copy holds.
    pub ahead: Vec<SignedCheckpoint>,
}

enum Round {
    Lines(String),
    /// The witness last cosigned this size.
    Knows(u64),
    Refused(String),
}

/// Hands the copy's newest head to every witness, keeps the cosignatures that verify, and says what happened.
///
/// # Errors
/// [`ClientError::NotThere`] when the copy is empty, [`ClientError::Tlog`] when a file cannot be written. What single witnesses do is in the result.
pub async fn refresh(http: &Http, copy: &mut LogCopy, witnesses: &[WitnessAt]) -> Result<Refreshed, ClientError> {
    let empty = || ClientError::NotThere { url: copy.directory().display().to_string(), what: "checkpoint".to_owned() };
    let head = copy.head().cloned().ok_or_else(empty)?;
    let (size, note) = (head.checkpoint().size, own_lines(&head, copy.key())?);
    let mut result = Refreshed::default();
    let mut waiting: Vec<(WitnessAt, AddCheckpoint)> = witnesses
        .iter()
        .map(|witness| (witness.clone(), AddCheckpoint { old_size: size, proof: Vec::new(), checkpoint: note.clone() }))
        .collect();
    // Second round for those that stand at a smaller size, third for those that moved meanwhile.
    for _ in 0..3 {
        let answers = ask_all(http, std::mem::take(&mut waiting)).await;
        for (witness, answer) in answers {
            match answer {
                Round::Lines(lines) => take(copy, size, &witness, &lines, &mut result)?,
                Round::Refused(reason) => result.refused.push((witness.name, reason)),
                Round::Knows(known) if known > size => {
                    result.ahead.extend(latest(http, &witness, copy.key()).await);
                    result
                        .refused
                        .push((witness.name, format!("it has cosigned size {known}, and this copy ends at {size}")));
                }
                Round::Knows(known) => {
                    let proof = copy.tree().consistency_proof(known, size)?;
                    waiting.push((witness, AddCheckpoint { old_size: known, proof, checkpoint: note.clone() }));
                }
            }
        }
    }
    result
        .refused
        .extend(waiting.into_iter().map(|(witness, _)| (witness.name, "it changed its mind three times".to_owned())));
    Ok(result)
}

fn take(
    copy: &mut LogCopy,
    size: u64,
    witness: &WitnessAt,
    lines: &str,
    result: &mut Refreshed,
) -> Result<(), ClientError> {
    let text = copy.head().map(|head| head.note().text().to_owned()).unwrap_or_default();
    let signatures = lines.lines().map(standstill_tlog::note::NoteSignature::parse).collect::<Result<Vec<_>, _>>();
    let note = signatures.and_then(|signatures| Note::new(&text, signatures));
    let verified = note.map(|note| verified_lines(&note, std::slice::from_ref(&witness.key)).0).unwrap_or_default();
    if verified.is_empty() {
        result.refused.push((witness.name.clone(), "its answer holds no valid cosignature of its key".to_owned()));
        return Ok(());
    }
    copy.add_cosignatures(size, &verified, std::slice::from_ref(&witness.key))?;
    result.cosigned.push(witness.name.clone());
    Ok(())
}

/// The checkpoint with the log's own lines only: what witnesses said is theirs to say again.
fn own_lines(head: &SignedCheckpoint, log: &VerifierKey) -> Result<Vec<u8>, ClientError> {
    let own = head.note().signatures().iter().filter(|line| log.matches(line)).cloned().collect();
    Ok(Note::new(head.note().text(), own)?.to_bytes())
}

async fn ask_all(http: &Http, requests: Vec<(WitnessAt, AddCheckpoint)>) -> Vec<(WitnessAt, Round)> {
    let mut under_way = JoinSet::new();
    for (witness, request) in requests {
        let http = http.with_attempts(2);
        under_way.spawn(async move {
            let url = join(&witness.url, "add-checkpoint");
            let answer = http.post(&url, &request.to_bytes(), MAX_ANSWER_BYTES).await;
            (
                witness,
                answer.map_or_else(|error| Round::Refused(error.to_string()), |answer| read_answer(&url, &answer)),
            )
        });
    }
    let mut answers = under_way.join_all().await;
    answers.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    answers
}

fn read_answer(url: &str, answer: &Answer) -> Round {
    let text = String::from_utf8_lossy(&answer.body);
    match answer.status {
        200 => Round::Lines(text.into_owned()),
        409 if answer.content_type.starts_with("text/x.tlog.size") => {
            text.trim().parse().map_or_else(|_| Round::Refused(answer.refusal(url).to_string()), Round::Knows)
        }
        _ => Round::Refused(answer.refusal(url).to_string()),
    }
}

/// The newest head of a log that a witness shows (tlog-witness, monitoring), if it has one that the log signed.
pub async fn latest(http: &Http, witness: &WitnessAt, log: &VerifierKey) -> Option<SignedCheckpoint> {
    let url = join(&witness.url, &format!("{}/checkpoint", hex::encode(origin_hash(log.name()))));
    let bytes = http.with_attempts(1).get(&url, MAX_NOTE_BYTES as u64).await.ok()??;
    SignedCheckpoint::parse(&bytes, log).ok()
}
