//! Reading signed heads: the latest checkpoint, every historic one, and alarms.

use super::{Head, Issuer, IssuerLog, Record};
use crate::bundle::Bundle;
use crate::verdict::ForkProof;
use rayon::prelude::*;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::VerifierKey;
use std::collections::BTreeMap;

/// Reads `logs/<issuer>/checkpoint` and `logs/<issuer>/checkpoints/*`. Files that do not bear the log's signature are ignored: anybody
/// can add them.
pub(super) fn read(
    bundle: &Bundle,
    issuer: &Issuer<'_>,
    log: &mut IssuerLog,
    ignored: &mut Vec<String>,
) -> Result<(), String> {
    let key: VerifierKey =
        issuer.vkey.parse().map_err(|error| format!("the log key in the terms cannot be used: {error}"))?;
    key.name().clone_into(&mut log.origin);
    let folder = format!("logs/{}", issuer.id);
    let names = bundle.source.names(&format!("{folder}/checkpoints"), bundle.limits.folder_names);
    let names = names.map_err(|error| error.to_string())?;
    let paths =
        names.into_iter().map(|name| format!("{folder}/checkpoints/{name}")).chain([format!("{folder}/checkpoint")]);
    let paths: Vec<String> = paths.collect();
    let read: Vec<_> = paths.par_iter().map(|path| read_one(bundle, path, &key)).collect();
    let mut by_size = BTreeMap::new();
    for (path, read) in paths.iter().zip(read) {
        match read {
            Ok(None) => {}
            Ok(Some(head)) => add(log, &mut by_size, head),
            Err(why) => ignored.push(format!("{path}: {why}")),
        }
    }
    let found = !by_size.is_empty();
    log.heads = by_size.into_values().collect();
    if found {
        Ok(())
    } else {
        Err(format!("no readable checkpoint under {folder}; ask {} for its log, or fetch the bundle again", issuer.id))
    }
}

fn read_one(bundle: &Bundle, path: &str, key: &VerifierKey) -> Result<Option<Head>, String> {
    let Some(bytes) = bundle.source.read(path, bundle.limits.note_bytes).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let signed = SignedCheckpoint::parse(&bytes, key).map_err(|error| error.to_string())?;
    Ok(Some(head_of(bundle, &signed)))
}

fn head_of(bundle: &Bundle, signed: &SignedCheckpoint) -> Head {
    // A bad witness line leaves the head without a time: it is still the log's own signed word.
    let evaluation = bundle.policy.evaluate(signed.note()).ok();
    let checkpoint = signed.checkpoint();
    Head {
        size: checkpoint.size,
        root: checkpoint.root,
        first_unix_seconds: evaluation.as_ref().and_then(|found| found.quorum_time),
        last_unix_seconds: evaluation.and_then(|found| found.quorum_since),
        note: String::from_utf8_lossy(&signed.to_bytes()).into_owned(),
    }
}

/// Merges a head into the list. Two roots of one size are two histories.
fn add(log: &mut IssuerLog, by_size: &mut BTreeMap<u64, Head>, head: Head) {
    let Some(known) = by_size.get_mut(&head.size) else {
        by_size.insert(head.size, head);
        return;
    };
    if known.root != head.root {
        let sentence = format!("{} signed two different trees of size {}", log.issuer, head.size);
        log.forks.push(ForkProof {
            issuer: log.issuer.clone(),
            sentence,
            first: known.note.clone(),
            second: head.note,
        });
        return;
    }
    let times = [known.first_unix_seconds, head.first_unix_seconds];
    known.first_unix_seconds = times.into_iter().flatten().min();
    known.last_unix_seconds = known.last_unix_seconds.max(head.last_unix_seconds);
}

/// Compares each head with the tree of the entries at hand; a signed head that is no root of it is a second history.
pub(super) fn compare_with_tree(log: &mut IssuerLog) {
    let Some(latest) = log.heads.last().cloned() else { return };
    for head in &log.heads {
        if log.tree.root_at(head.size) != Some(head.root) {
            let sentence = format!(
                "{} signed a tree of size {} that is not a part of its own later tree of size {}",
                log.issuer, head.size, latest.size
            );
            log.forks.push(ForkProof {
                issuer: log.issuer.clone(),
                sentence,
                first: head.note.clone(),
                second: latest.note.clone(),
            });
        }
    }
    let tree = &log.tree;
    log.heads.retain(|head| tree.root_at(head.size) == Some(head.root));
}

/// Reads `alarms/*.note`: two notes with a line `---` between. Either may contradict the other, or the log in the bundle.
pub(super) fn read_alarms(bundle: &Bundle, record: &mut Record) {
    let names = match bundle.source.names("alarms", bundle.limits.folder_names) {
        Ok(names) => names,
        Err(error) => return record.ignored.push(error.to_string()),
    };
    for name in names.iter().filter(|name| name.ends_with(".note")) {
        let path = format!("alarms/{name}");
        if let Err(why) = read_alarm(bundle, record, &path) {
            record.ignored.push(format!("{path}: {why}"));
        }
    }
}

fn read_alarm(bundle: &Bundle, record: &mut Record, path: &str) -> Result<(), String> {
    let bytes = bundle.source.read(path, bundle.limits.note_bytes * 2).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|_| "not text".to_owned())?;
    // An extension line of a checkpoint could be "---" too, so every place where the text can be cut is tried.
    let cuts = text.match_indices("\n---\n").map(|(at, _)| (&text[..=at], &text[at + 5..]));
    for (first, second) in cuts.take(16) {
        for log in &mut record.logs {
            let vkey = bundle.agreement.issuer(&log.issuer).map(|(vkey, _)| vkey);
            let Some(key) = vkey.and_then(|text| text.parse::<VerifierKey>().ok()) else { continue };
            let parse = |note: &str| SignedCheckpoint::parse(note.as_bytes(), &key).ok();
            if let (Some(first), Some(second)) = (parse(first), parse(second)) {
                weigh(log, head_of(bundle, &first), head_of(bundle, &second));
                return Ok(());
            }
        }
    }
    Err("no pair of checkpoints under a log key of these terms".to_owned())
}

fn weigh(log: &mut IssuerLog, first: Head, second: Head) {
    if first.size == second.size && first.root != second.root {
        let sentence = format!("{} signed two different trees of size {}", log.issuer, first.size);
        log.forks.push(ForkProof { issuer: log.issuer.clone(), sentence, first: first.note, second: second.note });
        return;
    }
    for head in [first, second] {
        match log.tree.root_at(head.size) {
            Some(root) if root == head.root => {}
            Some(_) if log.damage.is_none() => {
                let Some(own) = log.heads.last() else { continue };
                let sentence = format!(
                    "{} signed a tree of size {} that is not a part of its published tree of size {}",
                    log.issuer, head.size, own.size
                );
                let second = own.note.clone();
                log.forks.push(ForkProof { issuer: log.issuer.clone(), sentence, first: head.note, second });
            }
            _ => log.open_questions.push(format!(
                "an alarm names a signed head of size {} that the entries in this bundle do not reach; fetch the log up to that size",
                head.size
            )),
        }
    }
}
