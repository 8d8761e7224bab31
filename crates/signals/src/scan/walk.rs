//! Files of a folder, with threads. The result is the same for any number of threads: findings are sorted by the report.

use super::engine::Scanner;
use super::output::Collected;
use super::{MAX_FILE_BYTES, ScanError};
use ignore::{WalkBuilder, WalkState};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How to walk.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalkOptions {
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// Also files that `.gitignore` and the like leave out.
    pub all: bool,
}

/// Scans the files of a folder, or one file. `.git` is left out; symbolic links are not followed, their targets are scanned where they stand.
/// `progress` is told the number of files done so far.
///
/// # Errors
/// [`ScanError::Read`] when the folder itself cannot be read. Files that cannot be read are listed in the result.
pub fn scan_folder(
    scanner: &Scanner,
    root: &Path,
    options: WalkOptions,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Collected, ScanError> {
    std::fs::metadata(root)
        .map_err(|error| ScanError::Read { path: root.display().to_string(), reason: error.to_string() })?;
    let threads = if options.threads == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        options.threads
    };
    let mut walk = WalkBuilder::new(root);
    walk.threads(threads).follow_links(false).hidden(false).filter_entry(|entry| entry.file_name() != ".git");
    if options.all {
        walk.ignore(false).git_ignore(false).git_exclude(false).git_global(false).parents(false);
    } else {
        // The same files on every machine: no personal settings, no folders above the root.
        walk.git_global(false).parents(false);
    }
    let total = Mutex::new(Collected::default());
    let done = AtomicU64::new(0);
    walk.build_parallel().run(|| {
        let mut own = Own { part: Collected::default(), total: &total };
        let done = &done;
        Box::new(move |entry| {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    one(scanner, root, entry.path(), &mut own.part)
                }
                Ok(_) => return WalkState::Continue,
                Err(error) => own.part.not_read.push(error.to_string()),
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            WalkState::Continue
        })
    });
    total.into_inner().map_err(|_| ScanError::Read {
        path: root.display().to_string(),
        reason: "a thread stopped; run again with --threads 1".to_owned(),
    })
}

/// One thread's findings, handed over when the thread ends.
struct Own<'a> {
    part: Collected,
    total: &'a Mutex<Collected>,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Ok(mut total) = self.total.lock() {
            total.add(std::mem::take(&mut self.part));
        }
    }
}

fn one(scanner: &Scanner, root: &Path, path: &Path, part: &mut Collected) {
    let name = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    let name = name.to_string_lossy().replace('\\', "/");
    match std::fs::read(path) {
        Ok(bytes) => {
            if bytes.len() > MAX_FILE_BYTES {
                part.not_read.push(format!("{name}: only the first {MAX_FILE_BYTES} of {} bytes", bytes.len()));
            }
            part.files += 1;
            part.bytes += bytes.len() as u64;
            part.findings.extend(scanner.scan_file(&name, &bytes));
        }
        Err(error) => part.not_read.push(format!("{name}: {error}")),
    }
}
