//! What a commit object alone says: who acted, which sources attribute it to AI, how it is signed.

use super::commit::Commit;
use super::crowd::{Crowd, Found};
use super::identity::{Identities, Nature};
use super::signature;
use super::table::{Mark, Row, Source};
use super::trailer;
use std::collections::BTreeSet;

/// Lists while they grow.
#[derive(Default)]
struct Lists {
    with: BTreeSet<u32>,
    reviewers: BTreeSet<u32>,
    mergers: BTreeSet<u32>,
    sources: BTreeSet<Source>,
    marks: BTreeSet<Mark>,
}

/// The row of a commit without lines. Persons are places in the crowd.
#[must_use]
pub fn row(identities: &Identities, crowd: &mut Crowd, id: &str, commit: &Commit<'_>, object: &[u8]) -> Row {
    let message = String::from_utf8_lossy(commit.message);
    let author = crowd.find(identities, &commit.author.name, &commit.author.email);
    let committer = crowd.find(identities, &commit.committer.name, &commit.committer.email);
    let mut lists = Lists::default();
    if author.nature == Nature::Ai {
        lists.sources.insert(Source::Author);
    }
    if committer.nature == Nature::Ai && committer.committer_counts {
        lists.sources.insert(Source::Committer);
    }
    lists.trailers(identities, crowd, &message);
    if identities.has_marker(&message) {
        lists.sources.insert(Source::Marker);
    }
    lists.wording(identities, &message);
    let signed = lists.signature(identities, crowd, commit, object, [author, committer]);
    Row {
        id: id.to_owned(),
        parents: commit.parents.iter().map(hex::encode).collect(),
        authored: commit.author.unix_seconds,
        committed: commit.committer.unix_seconds,
        author: author.place,
        committer: committer.place,
        with: lists.with.into_iter().collect(),
        reviewers: lists.reviewers.into_iter().collect(),
        approvers: Vec::new(),
        signed_approvers: Vec::new(),
        mergers: lists.mergers.into_iter().collect(),
        sources: lists.sources.into_iter().collect(),
        cells: Vec::new(),
        rejected: Vec::new(),
        signature: signed,
        level: 0,
        signed_level: 0,
        marks: lists.marks.into_iter().collect(),
    }
}

impl Lists {
    fn trailers(&mut self, identities: &Identities, crowd: &mut Crowd, message: &str) {
        let keys = identities.trailer_keys();
        for trailer in trailer::trailers(message, |key| keys.has(key)) {
            let (name, email) = trailer::person(&trailer.value);
            let key = trailer.key.as_str();
            if keys.tools.contains(key) {
                self.sources.insert(Source::Trailer);
                continue;
            }
            let found = crowd.find(identities, name, email);
            if keys.authors.contains(key) {
                self.with.insert(found.place);
                if found.nature == Nature::Ai {
                    self.sources.insert(Source::Trailer);
                }
            }
            if keys.reviewers.contains(key) {
                self.reviewers.insert(found.place);
            }
            if keys.mergers.contains(key) {
                self.mergers.insert(found.place);
            }
            if keys.signers.contains(key) && found.nature == Nature::Ai {
                self.marks.insert(Mark::AiSignedOff);
            }
        }
    }

    fn wording(&mut self, identities: &Identities, message: &str) {
        if trailer::has_request_suffix(message) {
            self.marks.insert(Mark::Request);
        }
        if trailer::looks_squashed(message) {
            self.marks.insert(Mark::Squash);
        }
        if identities.mentions_ai(message) {
            self.marks.insert(Mark::Mentions);
        }
    }

    fn signature(
        &mut self,
        identities: &Identities,
        crowd: &mut Crowd,
        commit: &Commit<'_>,
        object: &[u8],
        actors: [Found; 2],
    ) -> Option<signature::Signed> {
        let armour = commit.signature.as_ref()?;
        let bytes = commit.signed_bytes(object)?;
        let (signed, signer) = identities.check(armour, &bytes, commit.committer.unix_seconds);
        let signer = signer.map(|identity| crowd.add(identities, &identity));
        if signer.is_some_and(|signer| actors.iter().all(|actor| actor.place != signer.place)) {
            self.marks.insert(Mark::OtherSigner);
        }
        Some(signed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::changes::commit;

    fn sources(author: &str, committer: &str, message: &str) -> (Vec<Source>, Vec<Mark>) {
        let object = format!(
            "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor {author} 1 +0000\ncommitter {committer} 1 +0000\n\n{message}"
        );
        let identities = Identities::builtin().unwrap();
        let row = row(
            &identities,
            &mut Crowd::default(),
            &"0".repeat(40),
            &commit::parse(object.as_bytes()).unwrap(),
            object.as_bytes(),
        );
        (row.sources, row.marks)
    }

    #[test]
    fn sources_are_told_apart() {
        let ada = "Ada <a@b.c>";
        for (author, committer, message, wanted) in [
            (ada, ada, "Fix", vec![]),
            (ada, ada, "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>", vec![Source::Trailer]),
            (ada, ada, "Fix\n\nAssisted-by: Own:model-1 [grep]", vec![Source::Trailer]),
            (ada, ada, "Fix\n\nCo-authored-by: Bob <b@b.c>", vec![]),
            (
                "claude[bot] <209825114+claude[bot]@users.noreply.github.com>",
                "GitHub <noreply@github.com>",
                "Fix",
                vec![Source::Author],
            ),
            (ada, "Claude <noreply@anthropic.com>", "Fix", vec![]),
            (ada, "Ada (aider) <a@b.c>", "Fix", vec![Source::Committer]),
            (ada, ada, "Fix\n\n🤖 Generated with [Claude Code](https://claude.ai/code)", vec![Source::Marker]),
        ] {
            assert_eq!(sources(author, committer, message).0, wanted, "{author} {committer} {message}");
        }
        let (_, marks) =
            sources(ada, ada, "Fix (#12)\n\n* a\n* b with Claude\n\nSigned-off-by: Claude <noreply@anthropic.com>");
        assert_eq!(marks, [Mark::Request, Mark::Squash, Mark::Mentions, Mark::AiSignedOff]);
    }
}
