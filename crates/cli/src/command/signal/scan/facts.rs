//! Facts of commits for the rules about history, as far as git alone tells them.
//!
//! What an agent's notes attest and which runs used a change is added from a ledger of changes ([`super::ledger`]), which lines come from AI
//! changes by [`super::origin`].

use super::git::{Blobs, Commit};
use crate::exit::CliResult;
use standstill_signals::scan::history::CommitFacts;
use standstill_signals::scan::opaque::{Step, is_generator, is_opaque};
use standstill_signals::scan::{PathTable, trailer};

/// Facts of one commit of a range.
pub(super) fn of(paths: &PathTable, commit: &Commit, range: &[Commit], blobs: &mut Blobs) -> CliResult<CommitFacts> {
    let said = trailer::read(&commit.message, &commit.author_address);
    let agent = trailer::is_agent(&commit.author_name, &commit.author_address);
    let parent_unix_seconds = commit
        .parents
        .iter()
        .filter_map(|id| range.iter().find(|other| other.id == *id))
        .map(|parent| parent.committer_unix_seconds)
        .max();
    Ok(CommitFacts {
        id: commit.id.clone(),
        author: commit.author_address.to_lowercase(),
        ai: said.trailer || agent,
        trailer: said.trailer || agent,
        mentions_ai: said.mentions_ai,
        squash: said.squash,
        ai_sign_offs: said.ai_sign_offs,
        human_approvals: u32::try_from(said.reviewers.len()).unwrap_or(u32::MAX),
        author_unix_seconds: commit.author_unix_seconds,
        committer_unix_seconds: commit.committer_unix_seconds,
        parent_unix_seconds,
        added: commit.added,
        paths: commit.changed.iter().map(|file| (file.path.clone(), file.new.is_none())).collect(),
        opaque: step(paths, commit, blobs)?,
        ..CommitFacts::default()
    })
}

fn step(paths: &PathTable, commit: &Commit, blobs: &mut Blobs) -> CliResult<Step> {
    let mut step = Step {
        commit: commit.id.clone(),
        who: commit.author_address.to_lowercase(),
        unix_seconds: commit.committer_unix_seconds,
        ..Step::default()
    };
    for file in &commit.changed {
        if paths.is_build(&file.path) {
            step.build.push(file.path.clone());
        }
        let Some(id) = &file.new else { continue };
        step.generator |= is_generator(&file.path);
        if !paths.is_test(&file.path) {
            continue;
        }
        let opaque = paths.has_opaque_ending(&file.path)
            || blobs.get(id)?.is_some_and(|bytes| is_opaque(paths, &file.path, &bytes));
        match (opaque, file.old.is_some()) {
            (false, _) => {}
            (true, false) => step.opaque_added.push(file.path.clone()),
            (true, true) => step.opaque_changed.push(file.path.clone()),
        }
    }
    Ok(step)
}
