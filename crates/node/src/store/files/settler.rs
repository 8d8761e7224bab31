//! Makes tiles durable beside the writer, and then removes the write-ahead files that they cover.

use super::super::StoreError;
use standstill_tlog::durable::sync_parent;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

enum Order {
    /// This file was written and is not durable yet.
    Wrote(PathBuf),
    /// All files told of so far cover these write-ahead files.
    Settle(Vec<PathBuf>),
}

/// Handle of the thread.
#[derive(Debug)]
pub(super) struct Settler {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Settler {
    pub(super) fn start() -> Result<Self, StoreError> {
        let (orders, inbox) = channel();
        let work = move || {
            let mut unsettled = Unsettled::default();
            while let Ok(order) = inbox.recv() {
                match order {
                    Order::Wrote(path) => unsettled.note(path),
                    Order::Settle(covered) => unsettled.settle(covered),
                }
            }
        };
        let thread = std::thread::Builder::new().name("log-settler".to_owned()).spawn(work);
        let thread = thread.map_err(|error| super::unchanged("start a thread for", Path::new("tiles"), &error))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    pub(super) fn wrote(&self, path: PathBuf) {
        self.order(Order::Wrote(path));
    }

    pub(super) fn settle(&self, covered: Vec<PathBuf>) {
        self.order(Order::Settle(covered));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A dead thread removes nothing: the write-ahead files stay, and with them every entry.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct Unsettled {
    /// Files by directory.
    files: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    covered: Vec<PathBuf>,
}

impl Unsettled {
    fn note(&mut self, path: PathBuf) {
        let parent = path.parent().map(Path::to_owned).unwrap_or_default();
        self.files.entry(parent).or_default().insert(path);
    }

    /// Syncs every file and directory. If anything fails, nothing is removed and all of it is tried again the next time.
    fn settle(&mut self, covered: Vec<PathBuf>) {
        self.covered.extend(covered);
        if let Err((path, error)) = self.sync_all() {
            tracing::warn!(path = %path.display(), %error, "cannot sync a tile; write-ahead files are kept until it succeeds");
            return;
        }
        let synced = std::mem::take(&mut self.files);
        for path in self.covered.drain(..) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove a write-ahead file that is no longer needed");
            }
        }
        remove_partials(synced.into_values().flatten());
    }

    fn sync_all(&self) -> Result<(), (PathBuf, std::io::Error)> {
        let mut above = BTreeSet::new();
        for (directory, files) in &self.files {
            for file in files {
                match File::open(file).and_then(|file| file.sync_all()) {
                    // A partial tile that was removed because its full tile is there.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err((file.clone(), error)),
                    Ok(()) => {}
                }
            }
            above.insert(directory.clone());
            above.extend(directory.ancestors().skip(1).take(6).map(Path::to_owned));
        }
        // Deepest first, and every directory once; those above hold the names of new directories.
        for directory in above.into_iter().rev().filter(|directory| directory.is_dir()) {
            let marker = directory.join("-");
            sync_parent(&marker).map_err(|error| (directory.clone(), std::io::Error::other(error.to_string())))?;
        }
        Ok(())
    }
}

/// Removes partial tiles whose full tile is durable, as the specification allows. What cannot be removed does no harm.
fn remove_partials(files: impl Iterator<Item = PathBuf>) {
    for full in files.filter(|path| !path.to_string_lossy().contains(".p/")) {
        let mut partials = full.into_os_string();
        partials.push(".p");
        let _ = fs::remove_dir_all(partials);
    }
}
