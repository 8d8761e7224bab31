//! Which lines of a range's changes come from AI changes, for the rules on laundering.
//!
//! Read are the commits of the range, and with a ledger the newest commits before it as far as they touch the range's files.

use super::git::{Blobs, Commit, Git, Range};
use super::ledger::Ledger;
use crate::exit::CliResult;
use crate::progress::Progress;
use standstill_signals::scan::history::CommitFacts;
use standstill_signals::scan::origin::{Again, Change, Origins};
use standstill_signals::scan::output::Collected;
use std::collections::HashSet;

/// Most commits before the range that are read for the origin of its lines.
const MAX_EARLIER: usize = 20_000;
/// Longest version of a file whose lines have an origin, in bytes.
const MAX_VERSION_BYTES: usize = 8 << 20;
/// Most bytes of versions that are read.
const MAX_BYTES: u64 = 4 << 30;

/// The pass over all commits.
struct Pass<'a> {
    blobs: &'a mut Blobs,
    origins: Origins,
    /// Objects whose lines are entered.
    seen: HashSet<String>,
    bytes: u64,
    /// Versions that were too long.
    long: u64,
}

/// Enters into the facts what comes from AI changes. `all` are the facts of `commits`, in the same order.
///
/// # Errors
/// When git fails.
pub(super) fn add(
    git: &Git,
    range: &Range,
    commits: &[Commit],
    (ledger, blobs): (&Ledger, &mut Blobs),
    all: &mut [CommitFacts],
    collected: &mut Collected,
) -> CliResult<()> {
    let first_ai = all.iter().position(|facts| facts.ai);
    let has_earlier = range.from.is_some() && !ledger.earlier_ai().is_empty();
    // Only a person's change after an AI change can move its lines.
    let from = if has_earlier { Some(0) } else { first_ai };
    if !from.is_some_and(|from| all[from..].iter().any(|facts| !facts.ai)) {
        return Ok(());
    }
    let mut pass = Pass { blobs, origins: Origins::default(), seen: HashSet::new(), bytes: 0, long: 0 };
    let mut ids = Vec::new();
    if let Some(start) = range.from.as_ref().filter(|_| has_earlier) {
        let touched: HashSet<&str> =
            commits.iter().flat_map(|commit| commit.changed.iter().map(|file| file.path.as_str())).collect();
        let earlier = git.earlier(start, MAX_EARLIER)?;
        let progress = Progress::start("Reading earlier commits", earlier.len() as u64, "commits");
        for commit in &earlier {
            let change = ledger.earlier_ai().contains(&commit.id).then(|| number(&mut ids, &commit.id));
            for file in commit.changed.iter().filter(|file| touched.contains(file.path.as_str()) && !file.submodule) {
                pass.enter(file.old.as_deref(), None)?;
                pass.enter(file.new.as_deref(), change)?;
            }
            progress.advance(1);
        }
    }
    for (commit, facts) in commits.iter().zip(all) {
        if pass.bytes > MAX_BYTES {
            break;
        }
        if facts.ai {
            let change = number(&mut ids, &commit.id);
            // What stood in any of its files before is not its own.
            for file in commit.changed.iter().filter(|file| !file.submodule) {
                pass.enter(file.old.as_deref(), None)?;
            }
            for file in commit.changed.iter().filter(|file| !file.submodule) {
                pass.enter(file.new.as_deref(), Some(change))?;
            }
            continue;
        }
        let again = pass.judge(commit)?;
        (facts.telling, facts.laid_out, facts.added_again) = (again.telling, again.laid_out, again.moved);
        let most = again.from.iter().max_by_key(|(change, lines)| (**lines, std::cmp::Reverse(**change)));
        facts.ai_origin = most.and_then(|(change, _)| ids.get(*change as usize).cloned());
    }
    if pass.bytes > MAX_BYTES {
        collected.not_read.push(format!(
            "the origin of lines: the range has more than {MAX_BYTES} bytes of versions; scan it in parts for the rules on laundering"
        ));
    }
    if pass.long > 0 {
        collected.not_read.push(format!(
            "the origin of lines: {} versions of files are longer than {MAX_VERSION_BYTES} bytes; the rules on laundering leave them out",
            pass.long
        ));
    }
    Ok(())
}

fn number(ids: &mut Vec<String>, id: &str) -> Change {
    ids.push(id.to_owned());
    Change::try_from(ids.len() - 1).unwrap_or(Change::MAX)
}

impl Pass<'_> {
    /// The bytes of a version; none for an absent one and for one that is too long.
    fn read(&mut self, id: Option<&str>) -> CliResult<Option<Vec<u8>>> {
        let Some(id) = id else { return Ok(Some(Vec::new())) };
        // A missing object is entered by the scan of the change itself.
        let Some(bytes) = self.blobs.get(id)? else { return Ok(None) };
        self.bytes += bytes.len() as u64;
        if bytes.len() > MAX_VERSION_BYTES {
            self.long += 1;
            return Ok(None);
        }
        Ok(Some(bytes))
    }

    fn enter(&mut self, id: Option<&str>, change: Option<Change>) -> CliResult<()> {
        let Some(id) = id.filter(|id| !self.seen.contains(*id)) else { return Ok(()) };
        self.seen.insert(id.to_owned());
        if self.bytes <= MAX_BYTES
            && let Some(bytes) = self.read(Some(id))?
        {
            self.origins.enter(&bytes, change);
        }
        Ok(())
    }

    /// A person's change.
    fn judge(&mut self, commit: &Commit) -> CliResult<Again> {
        let mut again = Again::default();
        let files = || commit.changed.iter().filter(|file| !file.submodule);
        for file in files() {
            self.enter(file.old.as_deref(), None)?;
        }
        for file in files().filter(|file| file.old != file.new && file.new.is_some()) {
            if let (Some(old), Some(new)) = (self.read(file.old.as_deref())?, self.read(file.new.as_deref())?) {
                self.origins.judge(&old, &new, &mut again);
            }
            self.seen.extend(file.new.clone());
        }
        Ok(again)
    }
}
