//! Approvals with signatures: DSSE envelopes of forges and persons, gittuf's authorisations and its log of references.
#![allow(clippy::unwrap_used, clippy::panic)]

mod changes_fixture;
mod changes_signers;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use changes_fixture::{ADA, BOB, CLAUDE, Repo, Walk, git_in};
use changes_signers::{SshKeys, quoted};
use ed25519_dalek::{Signer as _, SigningKey};
use standstill_signals::changes::Record;
use standstill_signals::changes::attestation::dsse::encoding;
use standstill_signals::changes::signature::Checked;

const IN_TOTO: &str = "application/vnd.in-toto+json";
const GITTUF: &str = "application/vnd.gittuf+json";

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A public key as PEM, in the map's form.
fn pem(key: &SigningKey) -> String {
    let info = [hex::decode("302a300506032b6570032100").unwrap(), key.verifying_key().to_bytes().to_vec()].concat();
    quoted(&format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(info)))
}

/// Ada, Bob, an AI system and a forge with the keys 1, 2, 3 and 4.
fn map() -> String {
    let entry = |id: &str, nature: &str, seed: u8, more: &str| {
        format!("[[person]]\nid = \"{id}\"\nnature = \"{nature}\"\nkeys = [{}]\n{more}\n", pem(&secret(seed)))
    };
    let ada = entry("ada", "person", 1, "emails = [\"ada@example.org\"]\nlogins = [\"adal\"]");
    let bob = entry("bob", "person", 2, "emails = [\"bob@example.org\"]\nlogins = [\"bobl\"]");
    format!("version = 1\n{ada}{bob}{}{}", entry("agent", "ai", 3, ""), entry("forge", "service", 4, ""))
}

fn envelope(kind: &str, statement: &str, signed_as: &str, signers: &[u8]) -> String {
    let sign = |seed: &u8| {
        let bytes = secret(*seed).sign(&encoding(signed_as, statement.as_bytes())).to_bytes();
        format!("{{\"keyid\":\"any\",\"sig\":\"{}\"}}", STANDARD.encode(bytes))
    };
    let signatures: Vec<String> = signers.iter().map(sign).collect();
    format!(
        "{{\"payloadType\":\"{kind}\",\"payload\":\"{}\",\"signatures\":[{}]}}\n",
        STANDARD.encode(statement),
        signatures.join(",")
    )
}

fn statement(subject: &str, kind: &str, predicate: &str) -> String {
    format!(
        "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"digest\":{{{subject}}}}}],\"predicateType\":\"{kind}\",\"predicate\":{{{predicate}}}}}"
    )
}

fn authorisation(from: &str, tree: &str) -> String {
    let predicate = format!("\"targetRef\":\"refs/heads/main\",\"fromID\":\"{from}\",\"targetID\":\"{tree}\"");
    statement(&format!("\"gitTree\":\"{tree}\""), "https://gittuf.dev/reference-authorization/v0.2", &predicate)
}

fn walk(envelopes: String) -> Walk {
    Walk { map: Some(map()), envelopes: vec![("e.jsonl".to_owned(), envelopes.into_bytes())], ..Walk::default() }
}

fn tree(repo: &Repo, commit: &str) -> String {
    repo.git(&["rev-parse", &format!("{commit}^{{tree}}")])
}

/// Three commits of Ada's; their ids.
fn three() -> (Repo, Vec<String>) {
    let mut repo = Repo::new();
    let ids = ["1\n", "1\n2\n", "1\n2\n3\n"].map(|text| {
        repo.write("a.rs", text);
        repo.commit(ADA, "Change")
    });
    (repo, ids.to_vec())
}

/// Changes reviewed by a person, only by machines, only by the author; those approved by signature; approvals about nothing here.
fn counts(record: &Record) -> [u64; 5] {
    let (all, review) = (&record.review.all, &record.review);
    [all.by_person, all.by_machine, all.by_author, review.signed_approval, record.attestations.stray]
}

/// An authorisation that a person signed is a review by that person, of everything between the two states.
#[test]
fn a_signed_authorisation_is_a_review() {
    let (repo, ids) = three();
    let last = authorisation(&ids[0], &tree(&repo, &ids[2]));
    let of = |text: String| counts(&walk(text).record(repo.path()));
    assert_eq!(of(envelope(GITTUF, &last, GITTUF, &[2])), [2, 0, 0, 2, 0], "both changes after the first");
    assert_eq!(of(envelope(IN_TOTO, &last, IN_TOTO, &[2])), [2, 0, 0, 2, 0]);
    assert_eq!(of(envelope(GITTUF, &last, GITTUF, &[])), [0, 0, 0, 0, 0], "nobody signed");
    assert_eq!(of(envelope(GITTUF, &last, GITTUF, &[9])), [0, 0, 0, 0, 0], "a key that the map does not have");
    assert_eq!(of(envelope(GITTUF, &last, GITTUF, &[1])), [0, 0, 2, 0, 0], "the author's own");
    assert_eq!(of(envelope(GITTUF, &last, GITTUF, &[3])), [0, 2, 0, 0, 0], "an AI system's");
    assert_eq!(of(envelope(GITTUF, &last, IN_TOTO, &[2])), [0, 0, 0, 0, 0], "signed under another type of payload");
    let first = authorisation(&"0".repeat(40), &tree(&repo, &ids[0]));
    assert_eq!(of(envelope(GITTUF, &first, GITTUF, &[2])), [1, 0, 0, 1, 0], "the beginning of the branch");
}

/// An approval holds for what the approver saw, and for nothing else.
#[test]
fn an_approval_of_another_change_is_none() {
    let (mut repo, ids) = three();
    let of = |repo: &Repo, text: &str| counts(&walk(envelope(GITTUF, text, GITTUF, &[2])).record(repo.path()));
    let second = authorisation(&ids[0], &tree(&repo, &ids[1]));
    assert_eq!(of(&repo, &second), [1, 0, 0, 1, 0]);
    assert_eq!(
        of(&repo, &authorisation(&ids[1], &tree(&repo, &ids[1]))),
        [0, 0, 0, 0, 1],
        "the state before is not before"
    );
    assert_eq!(of(&repo, &authorisation(&"5".repeat(40), &tree(&repo, &ids[1]))), [0, 0, 0, 0, 1], "from elsewhere");
    assert_eq!(of(&repo, &second.replace("refs/heads/main", "refs/tags/v1")), [0, 0, 0, 0, 0], "a tag's");
    let swapped = second.replacen(&tree(&repo, &ids[1]), &tree(&repo, &ids[2]), 1);
    assert_eq!(of(&repo, &swapped), [0, 0, 0, 0, 0], "subject and predicate differ");
    // The same tree again, after a change and its reversal that nobody saw.
    for text in ["evil\n", "1\n2\n"] {
        repo.write("a.rs", text);
        repo.commit(ADA, "Later");
    }
    assert_eq!(of(&repo, &second), [1, 0, 0, 1, 0], "only the first arrival at that tree");
}

/// A merge of a branch brings the branch's commits in; what the branch forked from is not covered.
#[test]
fn an_approved_merge_covers_its_branch() {
    let (mut repo, ids) = three();
    repo.git(&["checkout", "-q", "-b", "topic", &ids[1]]);
    for name in ["b.rs", "c.rs"] {
        repo.write(name, "x\n");
        repo.commit(CLAUDE, "Topic");
    }
    repo.git(&["checkout", "-q", "main"]);
    let who = [
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
    ];
    git_in(repo.path(), &["merge", "-q", "--no-ff", "-m", "Merge", "topic"], &who);
    let merge = authorisation(&ids[2], &tree(&repo, "HEAD"));
    let record = walk(envelope(GITTUF, &merge, GITTUF, &[1])).record(repo.path());
    assert_eq!(counts(&record), [2, 0, 0, 2, 0]);
    assert_eq!(record.review.ai.by_person, 2, "Ada reviewed the AI system's changes");
    let beside = authorisation(&repo.git(&["rev-parse", "topic"]), &tree(&repo, &ids[2]));
    let record = walk(envelope(GITTUF, &beside, GITTUF, &[2])).record(repo.path());
    assert_eq!(counts(&record), [0, 0, 0, 0, 1], "the state after does not descend from the state before");
}

/// A forge's key vouches for those whom it names, if the map ties them to somebody; a person's key does not vouch for others.
#[test]
fn a_forge_vouches_for_logins() {
    let (repo, ids) = three();
    let target = tree(&repo, &ids[1]);
    let approval = |approvers: &str, dismissed: &str| {
        let predicate = format!(
            "\"targetRef\":\"refs/heads/main\",\"fromRevisionID\":\"{}\",\"targetTreeID\":\"{target}\",\"approvers\":[{approvers}],\"dismissedApprovers\":[{dismissed}]",
            ids[0]
        );
        statement(
            &format!("\"gitTree\":\"{target}\""),
            "https://gittuf.dev/github-pull-request-approval/v0.1",
            &predicate,
        )
    };
    let of = |text: &str, signer: u8| walk(envelope(GITTUF, text, GITTUF, &[signer])).record(repo.path());
    let bob = "{\"keyid\":\"k\",\"keytype\":\"sigstore-oidc\",\"keyval\":{\"identity\":\"bobl\",\"issuer\":\"x\"}}";
    assert_eq!(counts(&of(&approval(bob, ""), 4)), [1, 0, 0, 1, 0]);
    assert_eq!(counts(&of(&approval("\"bobl\"", ""), 4)), [1, 0, 0, 1, 0]);
    assert_eq!(counts(&of(&approval("\"bobl\"", "\"bobl\""), 4)), [0, 0, 0, 0, 0], "taken back");
    assert_eq!(counts(&of(&approval("\"eve\"", ""), 4)), [0, 0, 0, 0, 0], "the map does not know the login");
    assert_eq!(counts(&of(&approval("\"bobl\"", ""), 1)), [0, 0, 0, 0, 0], "a person cannot vouch for another");
}

/// Summaries: levels with a signature of a service, claims otherwise, nothing when they say FAILED.
#[test]
fn summaries_are_signed_or_claims() {
    let (repo, ids) = three();
    let summary = |result: &str| {
        let predicate = format!(
            "\"verificationResult\":\"{result}\",\"verifiedLevels\":[\"SLSA_SOURCE_LEVEL_4\",\"SLSA_SOURCE_TWO_PARTY_REVIEWED\"]"
        );
        statement(&format!("\"gitCommit\":\"{}\"", ids[1]), "https://slsa.dev/verification_summary/v1", &predicate)
    };
    let of = |result: &str, signers: &[u8]| {
        let review = walk(envelope(IN_TOTO, &summary(result), IN_TOTO, signers)).record(repo.path()).review;
        [review.signed_levels[4], review.two_party_signed, review.claimed_levels[4], review.two_party_claimed]
    };
    assert_eq!(of("PASSED", &[4]), [1, 1, 0, 0]);
    assert_eq!(of("PASSED", &[9, 4]), [1, 1, 0, 0], "one of the signatures");
    assert_eq!(of("PASSED", &[2]), [0, 0, 1, 1], "a person is no verifier");
    assert_eq!(of("PASSED", &[]), [0, 0, 1, 1]);
    assert_eq!(of("FAILED", &[4]), [0, 0, 0, 0]);
}

/// gittuf keeps envelopes in a tree and has ssh-keygen sign them.
#[test]
fn approvals_in_gittufs_own_place() {
    let Some(keys) = SshKeys::new() else { return };
    let (path, public) = keys.make("ecdsa", "256");
    let (repo, ids) = three();
    let target = tree(&repo, &ids[2]);
    let text = authorisation(&ids[1], &target);
    let armour = SshKeys::sign(&path, &encoding(GITTUF, text.as_bytes()));
    let envelope = format!(
        "{{\"payloadType\":\"{GITTUF}\",\"payload\":\"{}\",\"signatures\":[{{\"keyid\":\"SHA256:x\",\"sig\":\"{}\"}}]}}",
        STANDARD.encode(&text),
        STANDARD.encode(&armour)
    );
    repo.write(".git/envelope", &envelope);
    let blob = repo.git(&["hash-object", "-w", ".git/envelope"]);
    let index = repo.path().join(".git/own-index");
    let envs = [("GIT_INDEX_FILE", index.to_str().unwrap())];
    let place = format!("reference-authorizations/refs/heads/main/{}-{target}", ids[1]);
    git_in(repo.path(), &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{place}")], &envs);
    let root = git_in(repo.path(), &["write-tree"], &envs);
    entry(&repo, "refs/gittuf/attestations", &root, "Add reference authorization", None);
    let of = |key: &str| {
        let bob = format!("[[person]]\nid = \"bob\"\nemails = [\"bob@example.org\"]\nkeys = [{}]\n", quoted(key));
        counts(&Walk { map: Some(format!("version = 1\n{bob}")), ..Walk::default() }.record(repo.path()))
    };
    assert_eq!(of(&public), [1, 0, 0, 1, 0]);
    assert_eq!(of(&keys.make("ecdsa", "256").1), [0, 0, 0, 0, 0]);
}

/// A commit on a reference, signed or not.
fn entry(repo: &Repo, reference: &str, root: &str, message: &str, key: Option<&str>) -> String {
    let who = [
        ("GIT_AUTHOR_NAME", "Bob"),
        ("GIT_AUTHOR_EMAIL", "bob@example.org"),
        ("GIT_COMMITTER_NAME", "Bob"),
        ("GIT_COMMITTER_EMAIL", "bob@example.org"),
    ];
    let before = std::process::Command::new("git")
        .args(["rev-parse", "-q", "--verify", reference])
        .current_dir(repo.path())
        .output()
        .unwrap();
    let before = String::from_utf8(before.stdout).unwrap().trim().to_owned();
    let setting = format!("user.signingkey={}", key.unwrap_or(""));
    let mut arguments = vec!["-c", "gpg.format=ssh", "-c", &setting, "commit-tree", root, "-m", message];
    arguments.extend(if before.is_empty() { vec![] } else { vec!["-p", &before] });
    arguments.extend(key.map(|_| "-S"));
    let id = git_in(repo.path(), &arguments, &who);
    repo.git(&["update-ref", reference, &id]);
    id
}

/// The log names the head, and a head that moved without an entry is seen. Only a signed annotation takes an entry back.
#[test]
fn gittufs_log_names_the_head_or_not() {
    let Some(keys) = SshKeys::new() else { return };
    let (path, public) = keys.make("ed25519", "256");
    let (mut repo, ids) = three();
    let empty = repo.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let log =
        |repo: &Repo, text: &str, key: Option<&str>| entry(repo, "refs/gittuf/reference-state-log", &empty, text, key);
    let said = |name: &str, target: &str, number: u32| {
        format!("RSL Reference Entry\n\nref: {name}\ntargetID: {target}\nnumber: {number}")
    };
    let bob = format!(
        "version = 1\n[[person]]\nid = \"bob\"\nemails = [\"bob@example.org\"]\nkeys = [{}]\n",
        quoted(&public)
    );
    let record = |repo: &Repo| Walk { map: Some(bob.clone()), ..Walk::default() }.record(repo.path());
    let remarks = |repo: &Repo| -> Vec<String> {
        record(repo).remarks.into_iter().map(|remark| remark.kind).filter(|kind| kind.starts_with("log")).collect()
    };
    log(&repo, &said("refs/heads/main", &ids[1], 1), Some(&path));
    assert_eq!(remarks(&repo), ["log-names-another-head"], "moved without an entry");
    let named = log(&repo, &said("refs/heads/main", &ids[2], 2), Some(&path));
    assert_eq!(remarks(&repo), [""; 0]);
    let found = record(&repo).history.reference_log.unwrap();
    assert_eq!((found.entries, found.for_branch, found.broken), (2, 2, 0));
    assert_eq!(
        (found.branch.as_deref(), found.newest.as_deref(), found.target.as_deref()),
        (Some("refs/heads/main"), Some(named.as_str()), Some(ids[2].as_str()))
    );
    assert_eq!(found.signature.unwrap().checked, Checked::Good);
    // By id, the branch is the one whose newest entry names the head.
    let by_id = Walk { map: Some(bob.clone()), head: Some(ids[2].clone()), ..Walk::default() }.record(repo.path());
    assert_eq!(by_id.history.reference_log.unwrap().branch.as_deref(), Some("refs/heads/main"));
    let back = |id: &str, number: u32| format!("RSL Annotation Entry\n\nentryID: {id}\nskip: true\nnumber: {number}");
    log(&repo, &back(&named, 3), None);
    assert_eq!(remarks(&repo), ["log-unverified"], "an unsigned annotation takes nothing back");
    log(&repo, &back(&named, 4), Some(&path));
    assert_eq!(remarks(&repo), ["log-names-another-head", "log-unverified"], "a signed one does");
    log(&repo, &said("refs/heads/main", &ids[2], 6), None);
    assert_eq!(
        remarks(&repo),
        ["log-entry-unverified", "log-unverified", "log-broken"],
        "unsigned, and a number is left out"
    );
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.commit(BOB, "On another branch");
    assert!(remarks(&repo).contains(&"log-without-entry".to_owned()));
}
