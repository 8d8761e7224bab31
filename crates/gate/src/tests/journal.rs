//! The journal: what it holds after a crash, and what it refuses.

use crate::Gate;
use crate::journal::{Journal, Owner, Pending, Recorded, decision_id, id_in_comment, read, recount};
use crate::phase::Phase;
use crate::samples::{NOW, gate, job, name, terms};
use standstill_statement::{Hash32, SigningKey};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner};
use std::path::Path;

pub(super) struct Home {
    pub(super) dir: tempfile::TempDir,
    pub(super) signer: NoteSigner,
}

impl Home {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let signer = NoteSigner::generate("standstill/north-gate", KeyType::Ed25519).unwrap();
        FileLog::create(&dir.path().join("log"), &signer).unwrap();
        Self { dir, signer }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn open(&self) -> (Journal, Vec<Recorded>) {
        Journal::open(self.path(), owner(), key(), &self.signer).unwrap()
    }
}

pub(super) fn key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

pub(super) fn owner() -> Owner {
    Owner { issuer: name("north-gate"), gate: name("slurm-1"), agreement: Hash32::of(b"agreement") }
}

fn pending(gate: &Gate, nonce: u8) -> Pending {
    Pending { job: job(), decision: gate.decide(&job(), NOW), nonce: [nonce; 16], earlier: None }
}

#[test]
fn decisions_are_there_after_a_crash_and_count_again() {
    let home = Home::new();
    let gate = gate(Phase::Active);
    let hashes = {
        let (mut journal, recorded) = home.open();
        assert!(recorded.is_empty());
        let mut hashes = journal.record(&gate, &[pending(&gate, 1), pending(&gate, 2)]).unwrap();
        hashes.extend(journal.record(&gate, &[Pending { earlier: Some(hashes[0]), ..pending(&gate, 3) }]).unwrap());
        // Dropped without publishing, as by kill -9.
        hashes
    };
    // A line that the crash cut off.
    let path = home.path().join("openings.jsonl");
    let mut text = std::fs::read(&path).unwrap();
    text.extend(b"{\"commitment\":\"00");
    std::fs::write(&path, text).unwrap();
    let (mut journal, recorded) = home.open();
    assert_eq!(recorded.iter().map(|item| item.statement).collect::<Vec<_>>(), hashes);
    assert!(recorded.iter().all(|item| item.job == Some(job()) && item.at_unix_seconds == NOW));
    let mut again = Gate::new(terms()).unwrap();
    recount(&mut again, &recorded);
    // The third took the place of the first: two jobs, not three.
    assert_eq!(again.allowed().run_petaops(&name("beta")), 2 * 57_600);
    journal.record(&gate, &[pending(&gate, 4)]).unwrap();
    journal.publish().unwrap();
    assert_eq!(journal.size(), 4);
    drop(journal);
    assert_eq!(home.open().1.len(), 4);
}

#[test]
fn an_altered_journal_is_refused() {
    let home = Home::new();
    let gate = gate(Phase::Active);
    let (mut journal, _) = home.open();
    journal.record(&gate, &[pending(&gate, 1)]).unwrap();
    journal.publish().unwrap();
    drop(journal);
    let vkey = home.signer.verifier().clone();
    let reading = |keys: &[_]| read(home.path(), &owner(), &vkey, keys).map_err(|error| error.to_string());
    assert_eq!(reading(&[key().public()]).unwrap().len(), 1);
    assert!(reading(&[SigningKey::from_seed([4; 32]).public()]).unwrap_err().contains("not among"));
    let other = Owner { agreement: Hash32::of(b"x"), ..owner() };
    assert!(read(home.path(), &other, &vkey, &[key().public()]).is_err());
    let path = home.path().join("openings.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"accelerators\":8", "\"accelerators\":9")).unwrap();
    assert!(reading(&[key().public()]).unwrap_err().contains("altered"));
    // Without openings the decisions stand, and the jobs are unknown.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(reading(&[key().public()]).unwrap()[0].job, None);
}

#[test]
fn ids_in_comments() {
    let id = decision_id(&Hash32::of(b"x"));
    assert_eq!(id.len(), 24);
    for comment in [format!("standstill:{id}"), format!("note standstill:{id} more"), format!("standstill:{id},x")] {
        assert_eq!(id_in_comment(&comment), Some(id.as_str()), "{comment}");
    }
    for comment in [
        "",
        "standstill:",
        "standstill:short",
        &format!("standstill:{id}0"),
        &format!("standstill:{}", id.to_uppercase()),
    ] {
        assert_eq!(id_in_comment(comment), None, "{comment}");
    }
    assert_eq!(
        id_in_comment("standstill:\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}"),
        None
    );
}
