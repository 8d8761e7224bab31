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
    let mut walk = walker(root, options);
    walk.threads(threads);
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

fn walker(root: &Path, options: WalkOptions) -> WalkBuilder {
    let mut walk = WalkBuilder::new(root);
    walk.follow_links(false).hidden(false).filter_entry(|entry| entry.file_name() != ".git");
    // The same files on every machine: no personal settings, no folders above the root.
    walk.git_global(false).git_exclude(false).parents(false);
    if options.all {
        walk.ignore(false).git_ignore(false);
    } else {
        // `.gitignore` counts also where there is no repository around it.
        walk.require_git(false);
    }
    walk
}

/// Files with their bytes, and what could not be read.
pub type Files = (Vec<(String, Vec<u8>)>, Vec<String>);

/// Reads the files that [`scan_folder`] scans, in order of path, up to `max_bytes` in all.
///
/// # Errors
/// [`ScanError::Read`] when the folder cannot be read, or holds more.
pub fn read_folder(root: &Path, options: WalkOptions, max_bytes: u64) -> Result<Files, ScanError> {
    let refuse = |reason: String| ScanError::Read { path: root.display().to_string(), reason };
    std::fs::metadata(root).map_err(|error| refuse(error.to_string()))?;
    let (mut files, mut not_read, mut total) = (Vec::new(), Vec::new(), 0u64);
    for entry in walker(root, options).build() {
        let entry = match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => entry,
            Ok(_) => continue,
            Err(error) => {
                not_read.push(error.to_string());
                continue;
            }
        };
        let name = name(root, entry.path());
        match std::fs::read(entry.path()) {
            Ok(bytes) => {
                total += bytes.len() as u64;
                if total > max_bytes {
                    return Err(refuse(format!("it holds more than {max_bytes} bytes; scan a part of it")));
                }
                files.push((name, bytes));
            }
            Err(error) => not_read.push(format!("{name}: {error}")),
        }
    }
    files.sort();
    not_read.sort();
    Ok((files, not_read))
}

/// The path under the root, with `/`.
fn name(root: &Path, path: &Path) -> String {
    let name = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    name.to_string_lossy().replace('\\', "/")
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
    let name = name(root, path);
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
