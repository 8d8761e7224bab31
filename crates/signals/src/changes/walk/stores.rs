//! Attestations that live beside the history: git notes, gittuf's references, and files that the caller gives.

use super::claimed::Claimed;
use super::objects::Reader;
use super::{Options, Traced};
use crate::changes::ChangesError;
use crate::changes::attestation::{Claims, dsse, git_ai, trace};
use crate::changes::identity::Identities;
use crate::changes::table::{Row, Source};
use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Where git-ai keeps its notes.
const GIT_AI: &str = "refs/notes/ai";
/// Where SLSA's source tool keeps envelopes.
const SLSA: &str = "refs/notes/commits";
/// Where gittuf keeps attestations and its log of references.
const GITTUF: [&str; 2] = ["refs/gittuf/attestations", "refs/gittuf/reference-state-log"];
/// Most blobs that are read from one tree of attestations.
const MAX_BLOBS: usize = 2_000_000;
/// Deepest folder of notes; git splits at most 20 times.
const MAX_DEPTH: usize = 40;

/// All attestations.
#[derive(Default)]
pub(super) struct Stores {
    /// What was read, and what identifies its state.
    pub(super) named: Vec<(String, String)>,
    /// Notes of git-ai, by commit.
    notes: HashMap<String, ObjectId>,
    /// Records of traces, by commit.
    traces: BTreeMap<String, Claims>,
    traces_hash: String,
    /// What forges say, by commit.
    pub(super) forge: BTreeMap<String, dsse::Forge>,
    /// Approvals of moves of branches, until they are placed.
    pub(super) moves: Vec<dsse::Move>,
    /// Approvals of moves that the history does not contain.
    pub(super) stray_moves: u64,
    /// gittuf's log of references.
    pub(super) log: Option<ObjectId>,
}

impl Stores {
    pub(super) fn read(
        reader: &Reader<'_>,
        options: &Options<'_>,
        traces: &trace::Traces,
    ) -> Result<Self, ChangesError> {
        let mut out = Self { traces: traces_of(&traces.commits), ..Self::default() };
        if let Some(bytes) = options.traces {
            out.traces_hash = hex::encode(Sha256::digest(bytes));
            out.named.push(("agent-trace".to_owned(), out.traces_hash.clone()));
        }
        if let Some(tree) = out.reference(reader, GIT_AI)? {
            for (name, id) in blobs(reader, tree)? {
                out.notes.insert(name, id);
            }
        }
        for name in [SLSA, GITTUF[0]] {
            if let Some(tree) = out.reference(reader, name)? {
                out.envelopes(reader, tree, options.identities)?;
            }
        }
        out.log = reader.reference(GITTUF[1])?;
        if let Some(tip) = out.log {
            out.named.push((GITTUF[1].to_owned(), tip.to_string()));
        }
        for (name, bytes) in options.envelopes {
            let found =
                dsse::parse(bytes, options.identities).map_err(|error| ChangesError::foreign(name.clone(), error))?;
            out.named.push((format!("envelopes {name}"), hex::encode(Sha256::digest(bytes))));
            out.join(found);
        }
        Ok(out)
    }

    /// The tree of a reference, which is then named as read.
    fn reference(&mut self, reader: &Reader<'_>, name: &str) -> Result<Option<ObjectId>, ChangesError> {
        let Some(id) = reader.reference(name)? else { return Ok(None) };
        self.named.push((name.to_owned(), id.to_string()));
        let Some(object) = reader.commit(&id)? else { return Ok(None) };
        let commit = crate::changes::commit::parse(&object)?;
        ObjectId::try_from(commit.tree.as_slice()).map(Some).map_err(|error| reader.wrong(error))
    }

    /// Envelopes in the blobs of a tree. Other blobs, as ordinary notes for people, are passed over.
    fn envelopes(&mut self, reader: &Reader<'_>, tree: ObjectId, identities: &Identities) -> Result<(), ChangesError> {
        for (_, id) in blobs(reader, tree)? {
            let Some(bytes) = reader.find(&id, Kind::Blob)? else { continue };
            if memchr::memmem::find(&bytes, b"\"payloadType\"").is_some()
                && let Ok(found) = dsse::parse(&bytes, identities)
            {
                self.join(found);
            }
        }
        Ok(())
    }

    fn join(&mut self, found: dsse::Found) {
        for (id, forge) in found.commits {
            self.forge.entry(id).or_default().join(forge);
        }
        self.moves.extend(found.moves);
    }

    /// State of what is claimed about the lines of a commit; empty without claims.
    pub(super) fn fingerprint(&self, id: &str) -> String {
        let note = self.notes.get(id).map(ToString::to_string).unwrap_or_default();
        if self.traces.contains_key(id) { format!("{note}+{}", self.traces_hash) } else { note }
    }

    /// What is claimed about the lines of a commit.
    pub(super) fn claims(&self, reader: &Reader<'_>, id: &str) -> Result<Claimed, ChangesError> {
        let mut out = Claimed::default();
        if let Some(note) = self.notes.get(id) {
            match reader.find(note, Kind::Blob)?.map(|bytes| git_ai::parse(&bytes)) {
                Some(Ok(claims)) => out.by_source.push((Source::Note, claims)),
                _ => out.unreadable = true,
            }
        }
        if let Some(claims) = self.traces.get(id) {
            out.by_source.push((Source::Trace, claims.clone()));
        }
        Ok(out)
    }

    /// Attestations about commits that are not in the history.
    pub(super) fn stray(&self, rows: &[Row]) -> u64 {
        let known: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let names = self.notes.keys().map(String::as_str).chain(self.traces.keys().map(String::as_str));
        // What forges claim about known commits was taken out when the rows were made.
        names.filter(|id| !known.contains(id)).count() as u64 + self.forge.len() as u64 + self.stray_moves
    }
}

fn traces_of(commits: Traced<'_>) -> BTreeMap<String, Claims> {
    commits.clone()
}

/// All blobs of a tree, by their path without slashes: for notes that is the id of the commit.
fn blobs(reader: &Reader<'_>, tree: ObjectId) -> Result<Vec<(String, ObjectId)>, ChangesError> {
    let mut out = Vec::new();
    let mut open = vec![(String::new(), tree, 0)];
    while let Some((prefix, id, depth)) = open.pop() {
        let Some(bytes) = reader.find(&id, Kind::Tree)? else { continue };
        for entry in gix::objs::TreeRefIter::from_bytes(&bytes, id.kind()) {
            let entry = entry.map_err(|error| reader.wrong(format!("tree {id}: {error}")))?;
            let name = format!("{prefix}{}", String::from_utf8_lossy(entry.filename));
            if entry.mode.is_tree() && depth < MAX_DEPTH {
                open.push((name, entry.oid.to_owned(), depth + 1));
            } else if entry.mode.is_blob() {
                out.push((name, entry.oid.to_owned()));
            }
            if out.len() > MAX_BLOBS {
                return Err(reader.wrong(format!("more than {MAX_BLOBS} attestations in one tree")));
            }
        }
    }
    Ok(out)
}
