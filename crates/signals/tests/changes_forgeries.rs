//! Attempts to make a history look otherwise than it is. Each says which check catches it, or openly that none does.
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod changes_fixture;

use changes_fixture::{ADA, BOB, CLAUDE, Repo, START, Walk, git_in};
use standstill_signals::changes::attestation::Rejection;
use standstill_signals::changes::compare::extends;
use standstill_signals::changes::method::Claims;
use standstill_signals::changes::signature::Checked;
use standstill_signals::changes::table::{Mark, Source};
use standstill_signals::changes::{Method, recheck};
use std::path::Path;

fn small() -> Repo {
    let mut repo = Repo::new();
    for (n, author) in [ADA, CLAUDE, BOB].into_iter().enumerate() {
        repo.write("src/a.rs", "line\n".repeat(n + 3));
        repo.commit(author, "Change");
    }
    repo
}

fn note(path: &str, entries: &[&str]) -> String {
    let list: String = entries.iter().map(|entry| format!("  {entry}\n")).collect();
    format!("{path}\n{list}---\n{{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{{}}}}\n")
}

/// Relabelled authorship in the published table: caught by walking the repository again.
#[test]
fn relabelled_authorship_differs_from_the_repository() {
    let repo = small();
    let (honest, method) = Walk::default().run(repo.path());
    let mut forged = honest.table.clone();
    let row = forged.rows.iter_mut().find(|row| row.sources == [Source::Author]).unwrap();
    (row.author, row.sources) = (if row.author == 0 { 1 } else { 0 }, vec![]);
    forged.check().unwrap();
    let inputs = standstill_signals::changes::Inputs { method, table: forged.to_bytes().unwrap(), runs: None };
    let record = standstill_signals::changes::recompute(&inputs).unwrap();
    recheck(&record.to_bytes().unwrap(), &[&inputs.table]).unwrap();
    let error = extends(&forged, &honest.table).unwrap_err().to_string();
    assert!(error.contains("author or committer differ"), "{error}");
}

/// Relabelled authorship in the repository, before anything was published: **nothing catches it** from git alone. The unattributed class keeps it in
/// the upper bound.
#[test]
fn authorship_relabelled_before_publication_stays_in_the_upper_bound() {
    let mut repo = Repo::new();
    repo.write("a", "1\n");
    repo.commit(ADA, "Written by an agent, committed without a mark");
    let record = Walk::default().record(repo.path());
    let share = record.share().unwrap();
    assert_eq!((share.low_millionths, share.high_millionths), (0, 1_000_000));
}

/// Rewritten history: caught against the earlier published table.
#[test]
fn rewritten_history_is_seen_against_an_earlier_table() {
    let mut repo = small();
    let earlier = Walk::default().run(repo.path()).0.table;
    repo.write("src/b.rs", "b\n");
    repo.commit(ADA, "Next");
    extends(&earlier, &Walk::default().run(repo.path()).0.table).unwrap();
    repo.git(&["reset", "-q", "--hard", "HEAD~3"]);
    repo.write("src/a.rs", "line\n".repeat(4));
    repo.commit(ADA, "Change");
    let error = extends(&earlier, &Walk::default().run(repo.path()).0.table).unwrap_err().to_string();
    assert!(error.contains("the history was rewritten"), "{error}");
}

/// Dropped commits in a published table: caught by closure.
#[test]
fn dropped_commits_break_the_table() {
    let repo = small();
    let mut table = Walk::default().run(repo.path()).0.table;
    table.rows.retain(|row| row.sources.is_empty());
    table.header.rows = table.rows.len() as u64;
    assert!(table.check().unwrap_err().to_string().contains("a commit was dropped"));
}

/// Split aliases: one person under several addresses. A remark when the display name is the same; the identity map joins them. Under different names
/// **nothing catches it**.
#[test]
fn split_aliases_are_remarked_and_joined_by_the_map() {
    let mut repo = Repo::new();
    for email in ["ada@example.org", "ada@home.example", "12+adal@users.noreply.github.com"] {
        repo.write("a", email);
        repo.commit(("Ada", email), "Change");
    }
    let record = Walk::default().record(repo.path());
    assert_eq!(
        (record.persons.len(), record.remarks.iter().filter(|remark| remark.kind == "namesakes").count()),
        (3, 1)
    );
    let map = "version = 1\n[[person]]\nid = \"ada\"\nemails = [\"ada@example.org\", \"ada@home.example\", \"adal@users.noreply.github.com\"]\n";
    let joined = Walk { map: Some(map.to_owned()), ..Walk::default() }.record(repo.path());
    assert_eq!((joined.persons.len(), joined.persons[0].authored.commits), (1, 3));
    assert!(joined.remarks.iter().all(|remark| remark.kind != "namesakes"));
}

/// Shifted dates: a child older than its parent, or an author date after the commit, is remarked. A whole history shifted evenly is **not caught**
/// here; the log of statements dates the published heads.
#[test]
fn shifted_dates_are_remarked() {
    let repo = small();
    repo.write("src/z.rs", "z\n");
    repo.git(&["add", "-A"]);
    let date = format!("{} +0000", START - 86_400 * 90);
    let who = [
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ("GIT_AUTHOR_DATE", date.as_str()),
        ("GIT_COMMITTER_DATE", date.as_str()),
    ];
    git_in(repo.path(), &["commit", "-q", "-m", "Backdated"], &who);
    let record = Walk::default().record(repo.path());
    let remark = record.remarks.iter().find(|remark| remark.kind == "dates").unwrap();
    assert!(remark.text.contains(&repo.head()), "{}", remark.text);
}

/// Attested lines outside the commit's diff: rejected with the reason, and counted as such.
#[test]
fn attestations_outside_the_diff_are_rejected() {
    let mut repo = Repo::new();
    repo.write("src/a.rs", "1\n2\n3\n4\n");
    let first = repo.commit(ADA, "Four lines");
    repo.write("src/a.rs", "1\n2\nx\n3\n4\n");
    let second = repo.commit(ADA, "One line");
    repo.note(&first, &note("src/a.rs", &["s_00112233445566::t_00112233445566 1-2,9-10", "h_00112233445566 3"]));
    repo.note(
        &second,
        &(note("src/a.rs", &["0011223344556677 1-5"]).replacen(
            "src/a.rs",
            "src/gone.rs\n  0011223344556677 1-7\nsrc/a.rs",
            1,
        )),
    );
    let (walked, _) = Walk::default().run(repo.path());
    let row = |id: &str| walked.table.rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!((row(&first).cells[0].ai, row(&first).cells[0].person), (2, 1));
    assert_eq!(row(&first).rejected, [(Rejection::LineNotAdded, 2)]);
    assert_eq!(row(&second).cells[0].ai, 1);
    assert_eq!(row(&second).rejected, [(Rejection::FileNotChanged, 7), (Rejection::LineNotAdded, 4)]);
    let record = Walk::default().record(repo.path());
    assert_eq!((record.attestations.claimed_lines, record.attestations.inside_lines), (16, 3));
    let share = record.share().unwrap();
    assert_eq!((share.low_millionths, share.high_millionths), (600_000, 1_000_000));
    let lenient = Method { person_claims: Claims::Accepted, ..Method::default() };
    let share = Walk { method: lenient, ..Walk::default() }.record(repo.path()).share().unwrap();
    assert_eq!((share.low_millionths, share.high_millionths), (600_000, 800_000));
}

/// A note that changes after it was cached is read again.
#[test]
fn a_changed_note_is_not_hidden_by_the_cache() {
    let mut repo = Repo::new();
    repo.write("a.rs", "1\n2\n3\n");
    let id = repo.commit(ADA, "Lines");
    repo.note(&id, &note("a.rs", &["0011223344556677 1-3"]));
    let cache = tempfile::tempdir().unwrap();
    let walk = Walk { cache: Some(cache.path().to_owned()), ..Walk::default() };
    assert_eq!(walk.run(repo.path()).0.table.rows[0].cells[0].ai, 3);
    repo.note(&id, &note("a.rs", &["0011223344556677 1"]));
    let walked = walk.run(repo.path()).0;
    assert_eq!((walked.table.rows[0].cells[0].ai, walked.counted), (1, 1));
    repo.note(&id, "not a note");
    let walked = walk.run(repo.path()).0;
    assert!(walked.table.rows[0].has(Mark::Unreadable) && walked.table.rows[0].sources.is_empty());
}

/// Traces and a forge's envelopes: lines inside the diff count; approvals are claims until the method says that claims count.
#[test]
fn traces_count_inside_the_diff_and_envelopes_are_claims() {
    let mut repo = Repo::new();
    repo.write("a.rs", "1\n2\n3\n");
    let id = repo.commit(ADA, "Lines");
    let trace = format!(
        "{{\"version\":\"0.1\",\"id\":\"x\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"vcs\":{{\"type\":\"git\",\"revision\":\"{id}\"}},\"files\":[{{\"path\":\"a.rs\",\
         \"conversations\":[{{\"contributor\":{{\"type\":\"ai\"}},\"ranges\":[{{\"start_line\":2,\"end_line\":9}}]}}]}}]}}"
    );
    let statement = format!(
        "{{\"subject\":[{{\"digest\":{{\"gitCommit\":\"{id}\"}}}},{{\"digest\":{{\"gitCommit\":\"{}\"}}}}],\"predicateType\":\"https://slsa.dev/verification_summary/v1\",\
         \"predicate\":{{\"verifiedLevels\":[\"SLSA_SOURCE_LEVEL_3\",\"SLSA_SOURCE_TWO_PARTY_REVIEWED\"],\"approvers\":[\"bob\"]}}}}",
        "2".repeat(40)
    );
    let payload = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, statement);
    let envelope = format!(
        "{{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"{payload}\",\"signatures\":[{{}}]}}\n"
    );
    let walk = |method| Walk {
        method,
        traces: Some(trace.clone().into_bytes()),
        envelopes: vec![("vsa.jsonl".to_owned(), envelope.clone().into_bytes())],
        ..Walk::default()
    };
    let (walked, _) = walk(Method::default()).run(repo.path());
    let row = &walked.table.rows[0];
    assert_eq!((row.cells[0].ai, row.sources.as_slice(), row.level), (2, [Source::Trace].as_slice(), 3));
    assert_eq!(
        (row.rejected.as_slice(), walked.table.header.stray_attestations),
        ([(Rejection::LineNotAdded, 6)].as_slice(), 1)
    );
    let record = walk(Method::default()).record(repo.path());
    assert_eq!((record.review.all.by_person, record.review.two_party_claimed), (0, 1));
    let trusting = Method { approval_claims: Claims::Accepted, ..Method::default() };
    assert_eq!(walk(trusting).record(repo.path()).review.all.by_person, 1);
}

fn keygen(folder: &Path) -> Option<String> {
    let key = folder.join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"])
        .arg(&key)
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        println!("skipped: no ssh-keygen on this machine");
        return None;
    }
    std::fs::read_to_string(key.with_extension("pub")).ok()
}

/// Signatures made by git with ssh-keygen are verified; another person's key, and a changed commit, are seen.
#[test]
fn ssh_signatures_by_git_hold() {
    let keys = tempfile::tempdir().unwrap();
    let Some(public) = keygen(keys.path()) else { return };
    let mut repo = Repo::new();
    repo.git(&["config", "gpg.format", "ssh"]);
    repo.git(&["config", "user.signingkey", keys.path().join("key").to_str().unwrap()]);
    repo.write("a", "1\n");
    repo.commit_by(ADA, ADA, "Signed", &["-S"]);
    repo.write("a", "2\n");
    repo.commit_by(BOB, BOB, "Signed with Ada's key", &["-S"]);
    repo.write("a", "3\n");
    repo.commit(BOB, "Unsigned");
    let checked = |map: Option<String>| {
        let rows = Walk { map, ..Walk::default() }.run(repo.path()).0.table.rows;
        rows.iter()
            .map(|row| (row.signature.map(|signed| signed.checked), row.has(Mark::OtherSigner)))
            .collect::<Vec<_>>()
    };
    assert_eq!(checked(None), [(Some(Checked::UnknownKey), false), (Some(Checked::UnknownKey), false), (None, false)]);
    let map = format!(
        "version = 1\n[[person]]\nid = \"ada\"\nemails = [\"ada@example.org\"]\nkeys = [\"{}\"]\n",
        public.trim()
    );
    assert_eq!(checked(Some(map)), [(Some(Checked::Good), false), (Some(Checked::Good), true), (None, false)]);
}
