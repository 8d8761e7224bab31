//! Rules about who did what: facts of commits in, findings out. The facts come from the change ledger; nothing is read here.

use super::finding::Finding;
use super::opaque::{self, short};
use super::paths::{PathClass, PathTable};
use super::rules::id;

/// Human approvals without which AI may not change oversight code.
pub const APPROVALS: u32 = 2;
/// Days within which the steps of the xz sequence must lie.
pub const SEQUENCE_DAYS: i64 = 30;
/// A burst: so many lines …
const BURST_LINES: u64 = 2_000;
/// … in at least so many commits …
const BURST_COMMITS: usize = 3;
/// … whose author dates lie within so many seconds.
const BURST_SECONDS: i64 = 600;
/// Share of a person's added telling lines that come from AI changes, in percent, from which the change counts as a move or as a new layout.
pub const MOVED_PERCENT: u64 = 80;
/// Fewer lines than that say nothing about moves.
pub const MOVED_LINES: u64 = 20;
/// Clocks may differ by that many seconds.
const CLOCK_SECONDS: i64 = 86_400;

/// Facts of one commit.
#[derive(Clone, Debug, Default)]
pub struct CommitFacts {
    /// Commit id in hexadecimal.
    pub id: String,
    /// Author identity after mapping.
    pub author: String,
    /// Some source says that AI made the change.
    pub ai: bool,
    /// A trailer says so.
    pub trailer: bool,
    /// A note attests AI lines inside the diff.
    pub note: bool,
    /// The message names an AI tool outside trailers.
    pub mentions_ai: bool,
    /// The message looks like a squash of several commits.
    pub squash: bool,
    /// AI identities in `Signed-off-by`.
    pub ai_sign_offs: Vec<String>,
    /// Lines attested by a note and not added by the change.
    pub outside_lines: u64,
    /// Note entries that claim a human under an agent's name.
    pub human_keys: u64,
    /// People other than the author who approved the change.
    pub human_approvals: u32,
    /// Author date, seconds since 1970.
    pub author_unix_seconds: i64,
    /// Committer date.
    pub committer_unix_seconds: i64,
    /// Latest committer date of the parents.
    pub parent_unix_seconds: Option<i64>,
    /// Lines added.
    pub added: u64,
    /// Added lines that say something (`origin::is_telling`), looked at only where some earlier change is AI's.
    pub telling: u64,
    /// Of these, lines whose text an earlier AI change was the first to have, and that do not stand for a line of the same place.
    pub added_again: u64,
    /// Of these, lines of AI's that stand for lines of the same place, only laid out anew.
    pub laid_out: u64,
    /// The AI change that most of them come from.
    pub ai_origin: Option<String>,
    /// Changed paths; the second part is true for removed files.
    pub paths: Vec<(String, bool)>,
    /// What the xz sequence needs.
    pub opaque: opaque::Step,
    /// Runs whose code includes the change.
    pub runs: Vec<String>,
}

fn push(found: &mut Vec<Finding>, facts: &CommitFacts, rule: &'static str, path: &str, message: String) {
    let mut finding = Finding::new(rule, 0, 0, message);
    path.clone_into(&mut finding.path);
    finding.commit = Some(facts.id.clone());
    found.push(finding);
}

/// All findings of a history, in order of time. Each comes with the number of approvals of its commit, for the exemption by approvals.
#[must_use]
pub fn check(history: &[CommitFacts], paths: &PathTable) -> Vec<(Finding, u32)> {
    let mut out = Vec::new();
    for facts in history {
        let mut found = Vec::new();
        oversight(facts, paths, &mut found);
        provenance(facts, &mut found);
        laundering(facts, &mut found);
        out.extend(found.into_iter().map(|finding| (finding, facts.human_approvals)));
    }
    let mut found = Vec::new();
    bursts(history, &mut found);
    let steps: Vec<opaque::Step> = history.iter().map(|facts| facts.opaque.clone()).collect();
    found.extend(opaque::sequence(&steps, SEQUENCE_DAYS));
    out.extend(found.into_iter().map(|finding| (finding, 0)));
    out
}

fn oversight(facts: &CommitFacts, paths: &PathTable, found: &mut Vec<Finding>) {
    if !facts.ai {
        return;
    }
    for (path, removed) in &facts.paths {
        let (class, tier) = paths.class(path);
        if tier == 0 && facts.human_approvals < APPROVALS {
            let what = if *removed { "removed" } else { "changed" };
            push(
                found,
                facts,
                id::OVERSIGHT_UNREVIEWED,
                path,
                format!(
                    "{} code {what} by AI with {} human approvals of {APPROVALS}",
                    class.name(),
                    facts.human_approvals
                ),
            );
        }
        if class == PathClass::Training {
            if !facts.runs.is_empty() && facts.human_approvals < APPROVALS {
                push(
                    found,
                    facts,
                    id::TRAINING_LOOP,
                    path,
                    format!("used by {} without {APPROVALS} human approvals", facts.runs.join(", ")),
                );
            } else {
                push(found, facts, id::TRAINING_HOOK, path, "training code changed by AI".to_owned());
            }
        }
    }
}

fn provenance(facts: &CommitFacts, found: &mut Vec<Finding>) {
    for name in &facts.ai_sign_offs {
        push(found, facts, id::AI_SIGNED_OFF, "", format!("Signed-off-by {name}"));
    }
    if facts.note && !facts.trailer {
        push(found, facts, id::NOTE_ONLY, "", "a note attests AI lines; no trailer says so".to_owned());
    }
    if facts.outside_lines > 0 {
        push(
            found,
            facts,
            id::NOTE_OUTSIDE,
            "",
            format!("{} attested lines are not added by the change", facts.outside_lines),
        );
    }
    if facts.human_keys > 0 {
        push(
            found,
            facts,
            id::HUMAN_KEY,
            "",
            format!("{} entries claim a person under an agent's name", facts.human_keys),
        );
    }
    let backwards =
        facts.parent_unix_seconds.is_some_and(|parent| facts.committer_unix_seconds + CLOCK_SECONDS < parent);
    if backwards || facts.author_unix_seconds > facts.committer_unix_seconds + CLOCK_SECONDS {
        let what = if backwards { "committed before its parent" } else { "authored after it was committed" };
        push(found, facts, id::CLOCK, "", what.to_owned());
    }
}

fn laundering(facts: &CommitFacts, found: &mut Vec<Finding>) {
    if facts.squash && facts.mentions_ai && !facts.trailer {
        push(
            found,
            facts,
            id::LAUNDERING_SQUASH,
            "",
            "the message of a squash names an AI tool and carries no AI trailer".to_owned(),
        );
    }
    if facts.ai {
        return;
    }
    let again = facts.laid_out.saturating_add(facts.added_again);
    if again < MOVED_LINES || again.saturating_mul(100) < facts.telling.saturating_mul(MOVED_PERCENT) {
        return;
    }
    let most = facts.ai_origin.as_deref().map_or_else(String::new, |id| format!("; most are of {}", short(id)));
    let (rule, what) = if facts.laid_out >= facts.added_again {
        (id::LAUNDERING_FORMAT, "are lines of AI changes, laid out anew")
    } else {
        (id::LAUNDERING_MOVED, "were in AI changes before")
    };
    let (laid_out, moved) = (facts.laid_out, facts.added_again);
    let message = format!(
        "{again} of {} telling added lines {what} ({laid_out} laid out, {moved} moved or copied){most}",
        facts.telling
    );
    push(found, facts, rule, "", message);
}

/// Several large commits of one person within minutes.
fn bursts(history: &[CommitFacts], found: &mut Vec<Finding>) {
    let mut by_author: std::collections::BTreeMap<&str, Vec<&CommitFacts>> = std::collections::BTreeMap::new();
    for facts in history.iter().filter(|facts| !facts.ai) {
        by_author.entry(&facts.author).or_default().push(facts);
    }
    for (author, mut commits) in by_author {
        commits.sort_by_key(|facts| (facts.author_unix_seconds, &facts.id));
        let mut start = 0;
        let mut lines = 0;
        for end in 0..commits.len() {
            lines += commits[end].added;
            while commits[end].author_unix_seconds - commits[start].author_unix_seconds > BURST_SECONDS {
                lines -= commits[start].added;
                start += 1;
            }
            if lines >= BURST_LINES && end + 1 - start >= BURST_COMMITS {
                let message = format!(
                    "{author}: {lines} lines in {} commits within ten minutes, the first is {}",
                    end + 1 - start,
                    short(&commits[start].id)
                );
                push(found, commits[end], id::BURST, "", message);
                start = end + 1;
                lines = 0;
            }
        }
    }
}

/// An earlier recorded head that the new history no longer contains.
#[must_use]
pub fn rewritten(earlier_head: &str) -> Finding {
    let mut finding = Finding::new(
        id::REWRITTEN,
        0,
        0,
        format!("the recorded head {} is not an ancestor of the new head", short(earlier_head)),
    );
    finding.commit = Some(earlier_head.to_owned());
    finding
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rules(facts: CommitFacts) -> Vec<&'static str> {
        check(&[facts], &PathTable::builtin().unwrap()).into_iter().map(|(finding, _)| finding.rule).collect()
    }

    fn paths(list: &[&str]) -> Vec<(String, bool)> {
        list.iter().map(|path| ((*path).to_owned(), false)).collect()
    }

    #[test]
    fn ai_on_oversight_needs_two_people() {
        let facts = CommitFacts {
            ai: true,
            paths: paths(&["src/monitor/x.py", "README.md"]),
            human_approvals: 1,
            ..CommitFacts::default()
        };
        assert_eq!(rules(facts.clone()), [id::OVERSIGHT_UNREVIEWED]);
        assert!(rules(CommitFacts { human_approvals: 2, ..facts.clone() }).is_empty());
        assert!(rules(CommitFacts { ai: false, ..facts }).is_empty(), "people are judged by the change itself");
    }

    #[test]
    fn a_training_change_that_a_run_used_closes_the_loop() {
        let facts = CommitFacts { ai: true, paths: paths(&["train/reward_mix.yaml"]), ..CommitFacts::default() };
        let open = check(
            &[CommitFacts { paths: paths(&["train/data.yaml"]), ..facts.clone() }],
            &PathTable::builtin().unwrap(),
        );
        assert_eq!(open[0].0.rule, id::TRAINING_HOOK);
        assert_eq!(
            rules(CommitFacts { paths: paths(&["train/data.yaml"]), runs: vec!["run-1".to_owned()], ..facts }),
            [id::TRAINING_LOOP]
        );
    }

    #[test]
    fn forged_provenance() {
        assert_eq!(
            rules(CommitFacts { ai_sign_offs: vec!["Claude".to_owned()], ..CommitFacts::default() }),
            [id::AI_SIGNED_OFF]
        );
        assert_eq!(rules(CommitFacts { ai: true, note: true, ..CommitFacts::default() }), [id::NOTE_ONLY]);
        assert!(rules(CommitFacts { ai: true, note: true, trailer: true, ..CommitFacts::default() }).is_empty());
        assert_eq!(rules(CommitFacts { outside_lines: 9, ..CommitFacts::default() }), [id::NOTE_OUTSIDE]);
        assert_eq!(rules(CommitFacts { human_keys: 1, ..CommitFacts::default() }), [id::HUMAN_KEY]);
        assert_eq!(rules(CommitFacts { author_unix_seconds: 200_000, ..CommitFacts::default() }), [id::CLOCK]);
        assert_eq!(rules(CommitFacts { parent_unix_seconds: Some(200_000), ..CommitFacts::default() }), [id::CLOCK]);
    }

    #[test]
    fn laundering_by_squash_move_and_format() {
        assert_eq!(
            rules(CommitFacts { squash: true, mentions_ai: true, ..CommitFacts::default() }),
            [id::LAUNDERING_SQUASH]
        );
        assert!(
            rules(CommitFacts { squash: true, mentions_ai: true, trailer: true, ai: true, ..CommitFacts::default() })
                .is_empty()
        );
        let again = |telling, laid_out, added_again| CommitFacts {
            telling,
            laid_out,
            added_again,
            ai_origin: Some("0123456789ab".to_owned()),
            ..CommitFacts::default()
        };
        assert_eq!(rules(again(30, 0, 24)), [id::LAUNDERING_MOVED]);
        assert_eq!(rules(again(30, 28, 0)), [id::LAUNDERING_FORMAT]);
        assert_eq!(rules(again(30, 12, 12)), [id::LAUNDERING_FORMAT], "together");
        assert!(rules(again(30, 0, 23)).is_empty(), "below 80 %");
        assert!(rules(again(19, 19, 0)).is_empty(), "below 20 lines");
        assert!(rules(CommitFacts { ai: true, ..again(30, 0, 30) }).is_empty(), "AI's own move");
        let found = check(&[again(30, 1, 29)], &PathTable::builtin().unwrap());
        assert!(found[0].0.message.contains("(1 laid out, 29 moved or copied); most are of 0123456789"));
    }

    #[test]
    fn a_burst_needs_lines_commits_and_minutes() {
        let commit = |at: i64, added: u64| CommitFacts {
            id: format!("{at:010}"),
            author: "a".to_owned(),
            added,
            author_unix_seconds: at,
            committer_unix_seconds: at,
            ..CommitFacts::default()
        };
        let bursts = |list: &[CommitFacts]| check(list, &PathTable::builtin().unwrap()).len();
        assert_eq!(bursts(&[commit(0, 900), commit(60, 900), commit(120, 900)]), 1);
        assert_eq!(bursts(&[commit(0, 900), commit(60, 900)]), 0);
        assert_eq!(bursts(&[commit(0, 900), commit(6_000, 900), commit(12_000, 900)]), 0);
        assert_eq!(bursts(&[commit(0, 90), commit(60, 90), commit(120, 90)]), 0);
        let found = check(&[commit(0, 900), commit(60, 900), commit(120, 900)], &PathTable::builtin().unwrap());
        assert_eq!(found[0].0.rule, id::BURST);
    }

    #[test]
    fn a_recorded_head_that_is_gone_is_told() {
        let found = rewritten("0123456789abcdef");
        assert_eq!((found.rule, found.commit.as_deref()), (id::REWRITTEN, Some("0123456789abcdef")));
        assert!(found.message.contains("0123456789 "));
    }
}
