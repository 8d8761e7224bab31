//! Counting the lines of many commits on many threads.

use super::lines;
use super::objects::{Reader, Repository};
use super::stores::Stores;
use super::tree::{Change, Side, Stop, Trees};
use super::{ChangesError, Options};
use crate::changes::attestation::{FileClaim, Inside, Lines, Rejection};
use crate::changes::method::Renames;
use crate::changes::table::{Cell, Kind, Mark, Missing, Source};
use crate::scan::PathClass;
use gix::ObjectId;
use gix::objs::Kind as ObjectKind;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Fewest commits that a thread takes at once.
const CHUNK: usize = 64;
/// Most commits that a thread takes at once, so that progress is seen.
const MAX_CHUNK: usize = 4_096;

/// A commit whose lines are to be counted.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) place: usize,
    pub(super) id: String,
    pub(super) before: Option<ObjectId>,
    pub(super) after: ObjectId,
}

/// A commit whose lines were counted, or what it lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) place: usize,
    pub(super) cells: Vec<Cell>,
    pub(super) rejected: Vec<(Rejection, u64)>,
    pub(super) sources: Vec<Source>,
    pub(super) marks: Vec<Mark>,
    pub(super) missing: Vec<Missing>,
}

/// Runs all jobs.
pub(super) fn run(
    repository: &Repository,
    jobs: &[Job],
    stores: &Stores,
    options: &Options<'_>,
) -> Result<Vec<Done>, ChangesError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if options.threads == 0 { cores } else { options.threads };
    let threads = threads.clamp(1, jobs.len().div_ceil(CHUNK).max(1));
    // Neighbours share files and delta bases: long stretches keep each thread's caches warm, and four per thread even the load out.
    let size = if threads == 1 { CHUNK } else { (jobs.len() / (threads * 4)).clamp(CHUNK, MAX_CHUNK) };
    let (next, stop, count) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicUsize::new(0));
    let all: Mutex<Vec<Done>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let failed: Mutex<Option<ChangesError>> = Mutex::new(None);
    let work = || {
        let mut counter = Counter::new(repository.reader(), stores, options);
        while !stop.load(Ordering::Relaxed) {
            let from = next.fetch_add(size, Ordering::Relaxed);
            let Some(chunk) = jobs.get(from..jobs.len().min(from + size)).filter(|chunk| !chunk.is_empty()) else {
                break;
            };
            match chunk.iter().map(|job| counter.count(job)).collect::<Result<Vec<_>, _>>() {
                Ok(done) => {
                    let total = count.fetch_add(done.len(), Ordering::Relaxed) + done.len();
                    all.lock().unwrap_or_else(PoisonError::into_inner).extend(done);
                    (options.progress)(total as u64, jobs.len() as u64);
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    }
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// One thread's tools.
struct Counter<'a> {
    reader: Reader,
    stores: &'a Stores,
    options: &'a Options<'a>,
    trees: Trees,
    classes: HashMap<Vec<u8>, (PathClass, bool)>,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl<'a> Counter<'a> {
    fn new(reader: Reader, stores: &'a Stores, options: &'a Options<'a>) -> Self {
        let trees = Trees::default();
        Self { reader, stores, options, trees, classes: HashMap::new(), old: Vec::new(), new: Vec::new() }
    }

    fn count(&mut self, job: &Job) -> Result<Done, ChangesError> {
        match self.try_count(job) {
            Ok(done) => Ok(done),
            Err(Stop::Missing(id, kind)) => {
                let missing = vec![Missing { id: id.to_string(), kind, needed_by: job.id.clone() }];
                Ok(Done { place: job.place, missing, ..Done::default() })
            }
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn try_count(&mut self, job: &Job) -> Result<Done, Stop> {
        let mut changes = Vec::new();
        self.trees.changes(&self.reader, job.before, Some(job.after), &mut changes)?;
        let moved = moved(&changes, self.options.method.renames);
        let claims = self.stores.claims(&self.reader, &job.id)?;
        let mut cells: BTreeMap<(PathClass, bool), Cell> = BTreeMap::new();
        let mut checked = Checked::default();
        for (at, change) in changes.iter().enumerate() {
            let (class, generated) = self.class(&change.path);
            let cell = cells.entry((class, generated)).or_insert(Cell {
                class,
                generated,
                files: 0,
                added: 0,
                deleted: 0,
                ai: 0,
                person: 0,
            });
            cell.files += 1;
            let path = if claims.is_empty() { None } else { Some(String::from_utf8_lossy(&change.path).into_owned()) };
            let claimed = path.as_ref().is_some_and(|path| claims.names(path));
            let (mut ranges, is_moved) = (Vec::new(), moved.contains(&at));
            if !is_moved {
                let (added, deleted) = self.lines(change, claimed.then_some(&mut ranges))?;
                cell.added += added;
                cell.deleted += deleted;
            }
            if let Some(path) = path.filter(|_| claimed) {
                let inside = checked.file(&claims, &path, &ranges);
                cell.ai += inside.ai;
                cell.person += inside.human;
            }
        }
        let mut marks = Vec::new();
        if claims.human_under_agent() > 0 {
            marks.push(Mark::PersonUnderAgent);
        }
        if claims.unreadable {
            marks.push(Mark::Unreadable);
        }
        let (rejected, sources) = checked.finish(&claims);
        Ok(Done {
            place: job.place,
            cells: cells.into_values().collect(),
            rejected,
            sources,
            marks,
            missing: Vec::new(),
        })
    }

    fn class(&mut self, path: &[u8]) -> (PathClass, bool) {
        if let Some(found) = self.classes.get(path) {
            return *found;
        }
        let found = self.options.classes.of(&String::from_utf8_lossy(path));
        self.classes.insert(path.to_vec(), found);
        found
    }

    /// Added and removed lines of a file; where the added ones are, when somebody claims something about it.
    fn lines(&mut self, change: &Change, ranges: Option<&mut Vec<Lines>>) -> Result<(u64, u64), Stop> {
        // Only the mode changed, as git's numstat sees it: nothing.
        if change.before.map(|side| side.id) == change.after.map(|side| side.id) {
            return Ok((0, 0));
        }
        load(&self.reader, change.before, &mut self.old)?;
        load(&self.reader, change.after, &mut self.new)?;
        if lines::is_binary(&self.old) || lines::is_binary(&self.new) {
            return Ok((0, 0));
        }
        if let Some(ranges) = ranges {
            *ranges = lines::added(&self.old, &self.new);
        }
        Ok(lines::changed(&self.old, &self.new))
    }
}

/// The content of one side; nothing for an absent file.
fn load(reader: &Reader, side: Option<Side>, buffer: &mut Vec<u8>) -> Result<(), Stop> {
    buffer.clear();
    let Some(side) = side else { return Ok(()) };
    if side.is_submodule {
        buffer.extend_from_slice(format!("Subproject commit {}\n", side.id).as_bytes());
        return Ok(());
    }
    if side.id.is_empty_blob() {
        return Ok(());
    }
    match reader.find(&side.id, ObjectKind::Blob, buffer)? {
        Some(_) => Ok(()),
        None => Err(Stop::Missing(side.id, Kind::Blob)),
    }
}

/// Places of removed and added files that are one file that moved unchanged.
fn moved(changes: &[Change], renames: Renames) -> HashSet<usize> {
    let mut out = HashSet::new();
    if renames == Renames::None {
        return out;
    }
    let mut gone: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let (Some(before), None) = (change.before, change.after) {
            gone.entry(before.id).or_default().push(at);
        }
    }
    for (at, change) in changes.iter().enumerate() {
        if let (None, Some(after)) = (change.before, change.after)
            && !after.id.is_empty_blob()
            && let Some(from) = gone.get_mut(&after.id).and_then(Vec::pop)
        {
            out.extend([at, from]);
        }
    }
    out
}

/// Claims about the lines of one commit, by source.
#[derive(Default)]
pub(super) struct Claimed {
    pub(super) by_source: Vec<(Source, crate::changes::attestation::Claims)>,
    pub(super) unreadable: bool,
}

impl Claimed {
    fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    fn names(&self, path: &str) -> bool {
        self.by_source.iter().any(|(_, claims)| claims.files.contains_key(path))
    }

    fn human_under_agent(&self) -> u64 {
        self.by_source.iter().map(|(_, claims)| claims.human_under_agent).sum()
    }

    fn joined(&self, path: &str) -> FileClaim {
        let mut all = FileClaim::default();
        for claim in self.by_source.iter().filter_map(|(_, claims)| claims.files.get(path)) {
            all.join(claim);
        }
        all
    }
}

/// What the check of claims against the diff gave.
#[derive(Default)]
struct Checked {
    sources: Vec<Source>,
    seen: HashSet<String>,
    not_added: u64,
}

impl Checked {
    fn file(&mut self, claims: &Claimed, path: &str, added: &[Lines]) -> Inside {
        for (source, own) in &claims.by_source {
            if own.files.get(path).is_some_and(|claim| claim.inside(added).ai > 0) && !self.sources.contains(source) {
                self.sources.push(*source);
            }
        }
        let inside = claims.joined(path).inside(added);
        self.not_added += inside.outside;
        self.seen.insert(path.to_owned());
        inside
    }

    fn finish(mut self, claims: &Claimed) -> (Vec<(Rejection, u64)>, Vec<Source>) {
        let mut paths: Vec<&String> = claims.by_source.iter().flat_map(|(_, claims)| claims.files.keys()).collect();
        paths.sort_unstable();
        paths.dedup();
        let unchanged = paths.into_iter().filter(|path| !self.seen.contains(*path));
        let not_changed: u64 = unchanged.map(|path| claims.joined(path).ai_lines()).sum();
        self.sources.sort_unstable();
        let all = [(Rejection::FileNotChanged, not_changed), (Rejection::LineNotAdded, self.not_added)];
        (all.into_iter().filter(|(_, lines)| *lines > 0).collect(), self.sources)
    }
}
