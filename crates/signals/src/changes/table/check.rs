//! Whether a table is a history: order, closure, reachability, ranges.

use super::{ChangesError, Kind, Mark, Row, Table};
use std::collections::{HashMap, HashSet};

fn broken(reason: String) -> ChangesError {
    ChangesError::Broken(reason)
}

fn is_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Strictly rising, so that each stands once.
fn rising<T: Ord>(list: &[T]) -> bool {
    list.windows(2).all(|pair| pair[0] < pair[1])
}

impl Table {
    /// Checks that the rows are one closed history.
    ///
    /// # Errors
    /// [`ChangesError::Broken`] with the row.
    pub fn check(&self) -> Result<(), ChangesError> {
        let header = &self.header;
        let digits = header.head.len();
        if digits != 40 && digits != 64 || !is_id(&header.head, digits) {
            return Err(broken("the head is no commit id".to_owned()));
        }
        if header.rows != self.rows.len() as u64 {
            return Err(broken(format!("the header promises {} rows, there are {}", header.rows, self.rows.len())));
        }
        if !rising(&header.persons) || !rising(&header.shallow) || !rising(&header.missing) {
            return Err(broken("a list of the header is not sorted, or has an entry twice".to_owned()));
        }
        if let Some(log) = &header.reference_log {
            let ids = [Some(&log.tip), log.newest.as_ref(), log.target.as_ref()];
            if ids.into_iter().flatten().any(|id| !is_id(id, digits))
                || !rising(&log.signatures)
                || log.branch.as_ref().is_some_and(|name| name.chars().any(char::is_control))
            {
                return Err(broken("the log of references is not in order".to_owned()));
            }
        }
        let persons = header.persons.len() as u64;
        if header.namesakes.iter().flatten().any(|at| u64::from(*at) >= persons) {
            return Err(broken("a namesake is not in the list of persons".to_owned()));
        }
        let mut places = HashMap::with_capacity(self.rows.len());
        for (at, row) in self.rows.iter().enumerate() {
            row.check(digits, persons)?;
            if places.insert(row.id.as_str(), at).is_some() {
                return Err(broken(format!("commit {} stands twice", row.id)));
            }
        }
        if let Some(pair) = self.rows.windows(2).find(|pair| pair[0].key() >= pair[1].key()) {
            return Err(broken(format!("commit {} is out of order", pair[1].id)));
        }
        self.closed(&places)?;
        self.incomplete(&places)?;
        self.reachable(&places)
    }

    /// Each parent is a row or said to be absent.
    fn closed(&self, places: &HashMap<&str, usize>) -> Result<(), ChangesError> {
        let missing = self.header.missing.iter().filter(|missing| missing.kind == Kind::Commit);
        let absent: HashSet<&str> =
            missing.map(|missing| missing.id.as_str()).chain(self.header.shallow.iter().map(String::as_str)).collect();
        for row in &self.rows {
            if let Some(parent) =
                row.parents.iter().find(|id| !places.contains_key(id.as_str()) && !absent.contains(id.as_str()))
            {
                return Err(broken(format!(
                    "commit {} has the parent {parent}, which is no row; a commit was dropped",
                    row.id
                )));
            }
        }
        Ok(())
    }

    /// Rows without lines for want of an object are those that the header names, so that neither hides the other.
    fn incomplete(&self, places: &HashMap<&str, usize>) -> Result<(), ChangesError> {
        let needed: HashSet<&str> = self
            .header
            .missing
            .iter()
            .filter(|missing| missing.kind != Kind::Commit)
            .map(|missing| missing.needed_by.as_str())
            .collect();
        for row in &self.rows {
            let cut = row.parents.iter().any(|id| !places.contains_key(id.as_str()));
            if row.has(Mark::Incomplete) && !cut && !needed.contains(row.id.as_str()) {
                return Err(broken(format!("commit {} is incomplete, and the header names no missing object", row.id)));
            }
        }
        Ok(())
    }

    /// Every row is reached from the head, so that no commit was added.
    fn reachable(&self, places: &HashMap<&str, usize>) -> Result<(), ChangesError> {
        let Some(head) = places.get(self.header.head.as_str()) else {
            return Err(broken("the head is no row".to_owned()));
        };
        let mut seen = vec![false; self.rows.len()];
        let mut open = vec![*head];
        seen[*head] = true;
        while let Some(at) = open.pop() {
            for parent in self.rows[at].parents.iter().filter_map(|id| places.get(id.as_str())) {
                if !std::mem::replace(&mut seen[*parent], true) {
                    open.push(*parent);
                }
            }
        }
        match seen.iter().position(|seen| !seen) {
            Some(at) => Err(broken(format!("commit {} is not reached from the head", self.rows[at].id))),
            None => Ok(()),
        }
    }
}

impl Row {
    pub(super) fn key(&self) -> (i64, &str) {
        (self.committed, &self.id)
    }

    fn check(&self, digits: usize, persons: u64) -> Result<(), ChangesError> {
        let refuse = |why: &str| Err(broken(format!("commit {}: {why}", self.id.chars().take(64).collect::<String>())));
        if !is_id(&self.id, digits) || self.parents.iter().any(|id| !is_id(id, digits)) {
            return refuse("an id is not of the kind of the head's");
        }
        let lists = [&self.with, &self.reviewers, &self.approvers, &self.signed_approvers, &self.mergers];
        let named = lists.into_iter().flatten().chain([&self.author, &self.committer]);
        if named.into_iter().any(|at| u64::from(*at) >= persons) {
            return refuse("a person is not in the header's list");
        }
        let keys: Vec<_> = self.cells.iter().map(|cell| (cell.class, cell.generated)).collect();
        let reasons: Vec<_> = self.rejected.iter().map(|(reason, _)| *reason).collect();
        if !lists.iter().all(|list| rising(list))
            || !rising(&self.sources)
            || !rising(&self.marks)
            || !rising(&keys)
            || !rising(&reasons)
        {
            return refuse("a list is not sorted, or has an entry twice");
        }
        if self.cells.iter().any(|cell| cell.ai.checked_add(cell.person).is_none_or(|lines| lines > cell.added)) {
            return refuse("more lines are attributed than added");
        }
        // Far beyond any real commit; sums over all rows then cannot overflow.
        if self.cells.iter().any(|cell| cell.added.max(cell.deleted).max(cell.files) > 1 << 40)
            || self.rejected.iter().any(|(_, lines)| *lines > 1 << 40)
        {
            return refuse("a count is too large");
        }
        if self.is_merge() && !self.cells.is_empty() {
            return refuse("a merge has no lines of its own");
        }
        if !self.cells.is_empty() && (self.has(Mark::Incomplete) || self.has(Mark::Outside)) {
            return refuse("lines of a commit that was not counted");
        }
        let attested: u64 = self.cells.iter().map(|cell| cell.ai).sum();
        if (attested > 0) != self.sources.iter().any(|source| source.is_record()) {
            return refuse("attested lines and sources do not fit");
        }
        Ok(())
    }
}
