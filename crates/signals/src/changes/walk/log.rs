//! gittuf's log of references (`refs/gittuf/reference-state-log`): a chain of commits without content, whose messages say where a branch went.
//!
//! Each entry's signature is verified as any commit's. The newest entry for the branch that was walked must name its head; another head means
//! that the branch was moved without an entry. gittuf's policy, which says whose entry counts for which branch, is not evaluated.

use super::Options;
use super::objects::Reader;
use crate::changes::ChangesError;
use crate::changes::commit::{self, Commit};
use crate::changes::signature::{Checked, Signed};
use crate::changes::table::ReferenceLog;
use gix::ObjectId;
use std::collections::{BTreeMap, HashSet};

/// Most entries that are read.
const MAX_ENTRIES: usize = 1_000_000;

/// What an entry says.
struct Entry {
    id: String,
    signed: Option<Signed>,
    number: u64,
    says: Says,
}

enum Says {
    /// A reference stands at a target.
    Reference(String, String),
    /// Earlier entries do not count any more.
    TakesBack(Vec<String>),
    /// A note about earlier entries.
    Note,
    Unreadable,
}

fn says(message: &[u8]) -> (Says, u64) {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines();
    let kind = lines.next().unwrap_or("").trim();
    let (mut fields, mut ids) = (BTreeMap::new(), Vec::new());
    for (key, value) in lines.take_while(|line| !line.starts_with("-----")).filter_map(|line| line.split_once(": ")) {
        if key == "entryID" {
            ids.push(value.trim().to_owned());
        } else {
            fields.entry(key.to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    let number = fields.get("number").and_then(|text| text.parse().ok()).unwrap_or(0);
    let field = |name: &str| fields.get(name).cloned();
    let says = match (kind, field("ref"), field("targetID")) {
        ("RSL Reference Entry" | "RSL Propagation Entry", Some(name), Some(target))
            if ObjectId::from_hex(target.as_bytes()).is_ok() && !name.chars().any(char::is_control) =>
        {
            Says::Reference(name, target.to_ascii_lowercase())
        }
        ("RSL Annotation Entry", _, _) if field("skip").as_deref() == Some("true") => Says::TakesBack(ids),
        ("RSL Annotation Entry", _, _) => Says::Note,
        _ => Says::Unreadable,
    };
    (says, number)
}

fn signed(options: &Options<'_>, commit: &Commit<'_>, object: &[u8]) -> Option<Signed> {
    let bytes = commit.signed_bytes(object)?;
    Some(options.identities.check(commit.signature.as_ref()?, &bytes, commit.committer.unix_seconds).0)
}

/// Reads the log from its newest entry.
pub(super) fn read(
    reader: &Reader<'_>,
    options: &Options<'_>,
    tip: ObjectId,
    head: ObjectId,
) -> Result<ReferenceLog, ChangesError> {
    let mut out =
        ReferenceLog { tip: tip.to_string(), branch: reader.branch(options.head)?, ..ReferenceLog::default() };
    let (mut entries, mut open) = (Vec::new(), Some(tip));
    while let Some(id) = open {
        if entries.len() >= MAX_ENTRIES {
            return Err(reader.wrong(format!("gittuf's log has more than {MAX_ENTRIES} entries")));
        }
        let Some(object) = reader.commit(&id)? else {
            out.broken += 1;
            break;
        };
        let parsed = commit::parse(&object).map_err(|error| reader.wrong(format!("log entry {id}: {error}")))?;
        let (says, number) = says(parsed.message);
        out.broken += u64::from(parsed.parents.len() > 1 || matches!(says, Says::Unreadable));
        open = parsed.parents.first().and_then(|raw| ObjectId::try_from(raw.as_slice()).ok());
        entries.push(Entry { id: id.to_string(), signed: signed(options, &parsed, &object), number, says });
    }
    out.broken +=
        entries.windows(2).filter(|pair| pair[1].number > 0 && pair[0].number != pair[1].number + 1).count() as u64;
    out.fill(&entries, &head.to_string());
    Ok(out)
}

impl ReferenceLog {
    fn fill(&mut self, entries: &[Entry], head: &str) {
        self.entries = entries.len() as u64;
        let (mut counts, mut gone) = (BTreeMap::<Option<Signed>, u64>::new(), HashSet::new());
        for entry in entries {
            *counts.entry(entry.signed).or_default() += 1;
            if let (Says::TakesBack(ids), Some(Checked::Good)) =
                (&entry.says, entry.signed.map(|signed| signed.checked))
            {
                gone.extend(ids.iter().map(String::as_str));
            }
        }
        self.signatures = counts.into_iter().collect();
        let standing = || {
            entries.iter().filter(|entry| !gone.contains(entry.id.as_str())).filter_map(|entry| match &entry.says {
                Says::Reference(name, target) if target.len() == head.len() => Some((entry, name, target)),
                _ => None,
            })
        };
        if self.branch.is_none() {
            let naming =
                standing().find(|(_, name, target)| target.as_str() == head && name.starts_with("refs/heads/"));
            self.branch = naming.map(|(_, name, _)| name.clone());
        }
        let Some(branch) = self.branch.clone() else { return };
        self.for_branch = standing().filter(|(_, name, _)| **name == branch).count() as u64;
        if let Some((entry, _, target)) = standing().find(|(_, name, _)| **name == branch) {
            (self.newest, self.target, self.signature) = (Some(entry.id.clone()), Some(target.clone()), entry.signed);
        }
    }
}
