//! Signals: what a commit, records beside it, and published tables and records of the change ledger say.

use standstill_signals::changes::attestation::{dsse, git_ai, trace};
use standstill_signals::changes::chain::CodeOfRuns;
use standstill_signals::changes::method::Method;
use standstill_signals::changes::record::{Inputs, Record};
use standstill_signals::changes::signature::Keyring;
use standstill_signals::changes::table::Table;
use standstill_signals::changes::{ClassTable, Identities, commit, recompute, trailer};

/// A commit object, its trailers and its signature.
pub fn changes_commit(bytes: &[u8]) -> bool {
    let Ok(found) = commit::parse(bytes) else { return false };
    let message = String::from_utf8_lossy(found.message);
    for line in trailer::trailers(&message, |_| true) {
        let _ = trailer::person(&line.value);
    }
    let _ = (trailer::has_request_suffix(&message), trailer::looks_squashed(&message));
    if let (Some(armour), Some(signed)) = (&found.signature, found.signed_bytes(bytes)) {
        assert!(signed.len() < bytes.len(), "what is signed is the object without its signature");
        let (_, signer) = Keyring::default().check(armour, &signed, 0);
        assert!(signer.is_none(), "without keys nobody signs");
    }
    true
}

/// git-ai notes, Agent Trace records and DSSE envelopes.
pub fn changes_attestations(bytes: &[u8]) -> bool {
    let note = git_ai::parse(bytes);
    if let Ok(claims) = &note {
        for claim in claims.files.values() {
            let inside = claim.inside(&[(1, 10), (20, u32::MAX)]);
            assert_eq!(inside.ai + inside.outside, claim.ai_lines());
        }
    }
    let envelopes = Identities::builtin().is_ok_and(|nobody| match dsse::parse(bytes, &nobody) {
        Ok(found) => {
            let all = found.commits.values().chain(found.moves.iter().map(|approved| &approved.forge));
            assert!(all.into_iter().all(|forge| forge.signed_approvers.is_empty() && forge.signed_level == 0));
            true
        }
        Err(_) => false,
    });
    note.is_ok() | trace::parse(bytes).is_ok() | envelopes
}

/// A table has one encoding, and the record of an accepted table keeps its bounds in order.
pub fn changes_table(bytes: &[u8]) -> bool {
    let Ok(table) = Table::parse(bytes) else { return false };
    assert_eq!(table.to_bytes().ok().as_deref(), Some(bytes));
    if let Ok(record) = recompute(&Inputs { method: Method::default(), table: bytes.to_vec(), runs: None }) {
        assert!(record.all.low_commits <= record.all.high_commits && record.all.low_lines <= record.all.high_lines);
    }
    true
}

/// Records, methods, maps, class tables and the code of runs.
pub fn changes_files(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    Record::parse(bytes).is_ok()
        | Method::parse("fuzz", &text).is_ok()
        | CodeOfRuns::parse(bytes).is_ok()
        | Identities::with_map("fuzz", &text).is_ok()
        | ClassTable::parse("fuzz", &text).is_ok()
}

/// Commit objects.
pub fn changes_commit_seeds() -> Vec<Vec<u8>> {
    let head = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1111111111111111111111111111111111111111\n\
                author Ada <ada@example.org> 1700000000 +0100\ncommitter GitHub <noreply@github.com> 1700000001 +0000\n";
    let body =
        "\nAdd it (#12)\n\n* one\n* two\n\nCo-authored-by: Claude <noreply@anthropic.com>\nReviewed-by: Bob <b@c.d>\n";
    let armour = "gpgsig -----BEGIN SSH SIGNATURE-----\n U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgAAAA\n -----END SSH SIGNATURE-----\n";
    vec![format!("{head}{body}").into_bytes(), format!("{head}{armour}{body}").into_bytes()]
}

/// One of each kind.
pub fn changes_attestation_seeds() -> Vec<Vec<u8>> {
    let note = "a.rs\n  s_00112233445566::t_00112233445566 1-10,15\n  h_00112233445566 20\n---\n{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{}}";
    let trace = "{\"version\":\"0.1\",\"vcs\":{\"type\":\"git\",\"revision\":\"1111111111111111111111111111111111111111\"},\"files\":[{\"path\":\"a.rs\",\
                 \"conversations\":[{\"contributor\":{\"type\":\"ai\"},\"ranges\":[{\"start_line\":1,\"end_line\":4}]}]}]}\n";
    // The payload is {"subject":[],"predicateType":"https://slsa.dev/verification_summary/v1"}.
    let envelope = "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"eyJzdWJqZWN0IjpbXSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2xzYS5kZXYvdmVyaWZpY2F0aW9uX3N1bW1hcnkvdjEifQ==\",\"signatures\":[]}\n";
    [note, trace, envelope].iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A table of two commits under the default method.
pub(crate) fn table() -> Vec<u8> {
    let hash: String = Method::default().hash().unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b) = ("1".repeat(40), "2".repeat(40));
    let header = format!(
        "{{\"format\":\"standstill/changes-table/2\",\"method-hash\":\"{hash}\",\"head\":\"{b}\",\"persons\":[{{\"id\":\"aa\",\"nature\":\"person\"}},\
         {{\"id\":\"claude\",\"nature\":\"ai\"}}],\"rows\":2}}"
    );
    let first = format!(
        "{{\"id\":\"{a}\",\"parents\":[],\"authored\":1,\"committed\":1,\"author\":0,\"committer\":0,\"sources\":[\"note\"],\
         \"cells\":[{{\"class\":\"training\",\"files\":1,\"added\":9,\"deleted\":0,\"ai\":3}}]}}"
    );
    let second = format!(
        "{{\"id\":\"{b}\",\"parents\":[\"{a}\"],\"authored\":2,\"committed\":2,\"author\":1,\"committer\":0,\"reviewers\":[0],\
         \"sources\":[\"trailer\",\"author\"]}}"
    );
    format!("{header}\n{first}\n{second}\n").into_bytes()
}

/// The table.
pub fn changes_table_seeds() -> Vec<Vec<u8>> {
    vec![table()]
}

/// A record, a method, a map, classes, runs.
pub fn changes_file_seeds() -> Vec<Vec<u8>> {
    let inputs = Inputs { method: Method::default(), table: table(), runs: None };
    let record = recompute(&inputs).and_then(|record| record.to_bytes()).unwrap_or_default();
    let texts = [
        "families = 2\nbaseline = \"2024-Q4\"\nsince = \"2025-01\"\n",
        "version = 1\nsalt = \"s\"\n[[person]]\nid = \"ada\"\nemails = [\"a@b.c\"]\n",
        "version = 1\n[[class]]\nname = \"training\"\nglobs = [\"src/**\"]\n",
        "{\"format\":\"standstill/code-of-runs/1\",\"runs\":[{\"run\":\"a\",\"commit\":\"11\",\"started-by\":\"ai\"}]}",
    ];
    std::iter::once(record).chain(texts.iter().map(|text| text.as_bytes().to_vec())).collect()
}
