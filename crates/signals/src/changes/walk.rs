//! The rows of a git repository, read with gix: no git program, no configuration beyond the repository's own, no replacement objects, no
//! commit graph. Commits are checked against their ids; trees and blobs are read as the object store gives them.
//!
//! Diffs run on all threads; rows of earlier walks come from an optional cache. The table is the same for any number of threads and with or
//! without a cache. Objects that are absent are listed, never guessed.

mod attributes;
mod cache;
mod claimed;
mod contents;
mod crew;
mod delta;
mod frequent;
mod history;
mod jobs;
mod lines;
mod log;
mod moves;
mod objects;
mod packs;
mod search;
mod stores;
mod tree;

pub(crate) use lines::{is_binary, marks as line_marks};

use super::attestation::{dsse, trace};
use super::crowd::Crowd;
use super::identity::Identities;
use super::method::Method;
use super::month::Month;
use super::table::{FORMAT, Header, Mark, Missing, ReferenceLog, Row, Table};
use super::{ChangesError, ClassTable};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a walk needs.
pub struct Options<'a> {
    /// Who is who.
    pub identities: &'a Identities,
    /// Which path is what.
    pub classes: &'a ClassTable,
    /// The choices; the hashes of the tables are filled in by [`bind`].
    pub method: &'a Method,
    /// Commit, tag, branch or full name of a reference; the repository's head without one.
    pub head: Option<&'a str>,
    /// Threads for the diffs; 0 for one per core.
    pub threads: usize,
    /// Folder for rows of earlier walks.
    pub cache: Option<&'a Path>,
    /// Agent Trace records (JSON Lines).
    pub traces: Option<&'a [u8]>,
    /// Files of DSSE envelopes (JSON Lines), each with its name.
    pub envelopes: &'a [(String, Vec<u8>)],
    /// Told about commits whose lines are counted: how many are done now, of how many.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("head", &self.head).field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// What a walk gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The table.
    pub table: Table,
    /// Rows that came from the cache.
    pub from_cache: u64,
    /// Rows whose lines were counted now.
    pub counted: u64,
    /// Parts of the cache that were damaged and are made anew.
    pub damaged: Vec<PathBuf>,
    /// Agent Trace records that name no git commit.
    pub unplaced_traces: u64,
}

/// The method with the hashes of the tables in force.
#[must_use]
pub fn bind(method: &Method, classes: &ClassTable, identities: &Identities) -> Method {
    Method { classes: hex::encode(classes.hash()), identities: hex::encode(identities.hash()), ..method.clone() }
}

/// Walks a repository.
///
/// # Errors
/// [`ChangesError::Repository`] when it cannot be opened, has no such head, or an object is damaged; [`ChangesError::Foreign`] when a file of
/// attestations is refused.
pub fn walk(path: &Path, options: &Options<'_>) -> Result<Walked, ChangesError> {
    let repository = objects::Repository::open(path)?;
    let reader = repository.reader(jobs::TREE_BYTES);
    let head = reader.head(options.head)?;
    let traces = options.traces.map(trace::parse).transpose()?.unwrap_or_default();
    let mut stores = stores::Stores::read(&reader, options, &traces)?;
    let attributes = match options.method.attributes {
        super::method::Attributes::Ignored => attributes::Attributes::default(),
        super::method::Attributes::Head => attributes::Attributes::of_head(&reader, head)?,
    };
    let cache = options.cache.map(|folder| cache::Cache::open(folder, &cache_key(options.method, &attributes)));
    let mut crowd = Crowd::default();
    let (cached, damaged) = match &cache {
        Some(cache) => cache.load(&mut crowd),
        None => (cache::Rows::new(), Vec::new()),
    };
    let mut found = history::History::collect(&reader, head, options.identities, &mut crowd, cached, &stores)?;
    let jobs = found.jobs(|row| !row.is_merge() && options.method.counts(month(options.method, row)));
    let done = jobs::run(&repository, &jobs, (&stores, &attributes), options)?;
    let counted = done.len() as u64;
    found.apply(done);
    for entry in found.entries.iter_mut().filter(|entry| !options.method.counts(month(options.method, &entry.row))) {
        entry.mark(Mark::Outside);
    }
    if let Some(cache) = &cache {
        cache.store(&found.entries, &crowd, !damaged.is_empty())?;
    }
    let from_cache = found.entries.iter().filter(|entry| entry.cached).count() as u64;
    moves::place(&found.entries, &mut stores);
    let log = stores.log.map(|tip| log::read(&reader, options, tip, head)).transpose()?;
    let table = assemble(found, log, &mut crowd, &mut stores, options, head)?;
    table.check()?;
    Ok(Walked { table, from_cache, counted, damaged, unplaced_traces: traces.unplaced })
}

fn month(method: &Method, row: &Row) -> Month {
    Month::of(if method.date == super::method::DateOf::Author { row.authored } else { row.committed })
}

/// What rows depend on beside the commit.
fn cache_key(method: &Method, attributes: &attributes::Attributes) -> String {
    let parts = (
        FORMAT,
        lines::RULE,
        &method.classes,
        &method.identities,
        method.renames,
        method.date,
        method.since,
        method.until,
    );
    let json = serde_json::to_vec(&parts).unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(b"standstill/1/changes-cache\0").chain_update(json);
    if method.attributes != super::method::Attributes::Ignored {
        hash.update(attributes.hash());
    }
    hex::encode(&hash.finalize()[..16])
}

/// Numbers the persons, adds what forges claim, sorts the rows.
fn assemble(
    found: history::History,
    log: Option<ReferenceLog>,
    crowd: &mut Crowd,
    stores: &mut stores::Stores,
    options: &Options<'_>,
    head: gix::ObjectId,
) -> Result<Table, ChangesError> {
    let mut rows: Vec<Row> = Vec::with_capacity(found.entries.len());
    let mut used = Vec::with_capacity(found.entries.len() * 2);
    for entry in found.entries {
        let mut row = entry.row;
        if let Some(forge) = stores.forge.remove(&row.id) {
            claim(&mut row, &forge, crowd, options.identities);
        }
        used.extend([(entry.names[0], row.author), (entry.names[1], row.committer)]);
        rows.push(row);
    }
    let (persons, to) = only_those_who_act(&mut rows, crowd);
    for row in &mut rows {
        renumber(row, &to);
    }
    rows.sort_by(|a, b| (a.committed, &a.id).cmp(&(b.committed, &b.id)));
    let is_person = |place: u32| persons[place as usize].nature == super::identity::Nature::Person;
    let used = used.into_iter().map(|(name, from)| (name, to[from as usize])).filter(|(_, place)| is_person(*place));
    let namesakes = super::crowd::namesakes(used);
    let mut missing: Vec<Missing> = found.missing;
    missing.sort();
    missing.dedup();
    let mut shallow = found.shallow;
    shallow.sort();
    shallow.dedup();
    let header = Header {
        format: FORMAT.to_owned(),
        method_hash: hex::encode(options.method.hash()?),
        head: head.to_string(),
        shallow,
        missing,
        stores: stores.named.clone(),
        reference_log: log,
        stray_attestations: stores.stray(&rows),
        namesakes,
        persons,
        rows: rows.len() as u64,
    };
    Ok(Table { header, rows })
}

/// A forge's summary on a row.
fn claim(row: &mut Row, forge: &dsse::Forge, crowd: &mut Crowd, identities: &Identities) {
    (row.level, row.signed_level) = (forge.level, forge.signed_level);
    row.approvers = forge.approvers.iter().map(|login| crowd.add(identities, &identities.login(login)).place).collect();
    row.signed_approvers = forge.signed_approvers.iter().map(|who| crowd.add(identities, who).place).collect();
    for list in [&mut row.approvers, &mut row.signed_approvers] {
        list.sort_unstable();
        list.dedup();
    }
    let said = [(forge.two_party, Mark::TwoPartyClaimed), (forge.signed_two_party, Mark::TwoPartySigned)];
    row.marks.extend(said.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark));
    row.marks.sort_unstable();
    row.marks.dedup();
}

fn lists(row: &mut Row) -> [&mut Vec<u32>; 5] {
    [&mut row.with, &mut row.reviewers, &mut row.approvers, &mut row.signed_approvers, &mut row.mergers]
}

fn renumber(row: &mut Row, to: &[u32]) {
    let place = |from: u32| to.get(from as usize).copied().unwrap_or(u32::MAX);
    (row.author, row.committer) = (place(row.author), place(row.committer));
    for list in lists(row) {
        for item in list.iter_mut() {
            *item = place(*item);
        }
        list.sort_unstable();
    }
}

/// All who act in these rows, sorted, and where each place of the crowd went. A cache may know persons of other branches; a table names
/// only its own.
fn only_those_who_act(rows: &mut [Row], crowd: &Crowd) -> (Vec<super::table::Person>, Vec<u32>) {
    let (sorted, order) = crowd.sorted();
    let mut acts = vec![false; sorted.len()];
    for row in rows.iter_mut() {
        let actors = [row.author, row.committer];
        for from in lists(row).into_iter().flat_map(|list| list.iter()).chain(&actors) {
            acts[order[*from as usize] as usize] = true;
        }
    }
    let mut next = 0u32;
    let dense: Vec<u32> = acts
        .iter()
        .map(|acts| {
            let place = next;
            next += u32::from(*acts);
            if *acts { place } else { u32::MAX }
        })
        .collect();
    let kept = sorted.into_iter().zip(&acts).filter(|(_, acts)| **acts).map(|(person, _)| person).collect();
    (kept, order.iter().map(|sorted| dense[*sorted as usize]).collect())
}

/// Claims of traces by commit.
type Traced<'a> = &'a BTreeMap<String, super::attestation::Claims>;
