//! Files and folders: whole or absent, with errors that name the path.

use crate::exit::{CliError, CliResult};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

/// Longest text file that is read, in bytes.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// Makes a folder and its parents.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make(path: &Path) -> CliResult<()> {
    fs::create_dir_all(path).map_err(|error| CliError::file("make folder", path, &error))
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read or is larger.
pub(crate) fn read(path: &Path, limit: u64) -> CliResult<Vec<u8>> {
    let file = fs::File::open(path).map_err(|error| CliError::file("read", path, &error))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| CliError::file("read", path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(CliError::unreadable(format!(
            "{} is larger than {limit} bytes; it is not what this command reads",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Reads a UTF-8 text file.
///
/// # Errors
/// When it cannot be read, is too large or not UTF-8.
pub(crate) fn read_text(path: &Path) -> CliResult<String> {
    let bytes = read(path, MAX_TEXT_BYTES)?;
    String::from_utf8(bytes).map_err(|_| CliError::unreadable(format!("{} is not UTF-8 text", path.display())))
}

/// Writes a file atomically: to a temporary file in the same folder, synced, then renamed over the old one.
///
/// # Errors
/// When it cannot be written; the old file is then unchanged.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> CliResult<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make(parent)?;
    let fail = |error: std::io::Error| CliError::file("write", path, &error);
    let mut temporary = tempfile::NamedTempFile::new_in(parent).map_err(fail)?;
    temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are 0600; what is written here is meant to be read. Secrets go through `secret_file`.
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(fail)?;
    }
    temporary.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// As [`write`], but refuses to replace a file.
///
/// # Errors
/// When the file exists or cannot be written.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> CliResult<()> {
    if path.exists() {
        return Err(CliError::usage(format!("{} exists already; choose another file", path.display())));
    }
    write(path, bytes)
}

/// Copies the files of a folder tree, leaving out what `keep` refuses (paths relative to `from`).
///
/// # Errors
/// When something cannot be copied.
pub(crate) fn copy_tree(from: &Path, to: &Path, keep: &dyn Fn(&Path) -> bool) -> CliResult<()> {
    copy_level(from, Path::new(""), to, keep)
}

fn copy_level(root: &Path, at: &Path, to: &Path, keep: &dyn Fn(&Path) -> bool) -> CliResult<()> {
    let here = root.join(at);
    let listing = fs::read_dir(&here).map_err(|error| CliError::file("list", &here, &error))?;
    for item in listing {
        let item = item.map_err(|error| CliError::file("list", &here, &error))?;
        let relative = at.join(item.file_name());
        if !keep(&relative) {
            continue;
        }
        let kind = item.file_type().map_err(|error| CliError::file("read", &item.path(), &error))?;
        if kind.is_dir() {
            copy_level(root, &relative, to, keep)?;
        } else if kind.is_file() {
            let target = to.join(&relative);
            make(target.parent().unwrap_or(to))?;
            fs::copy(item.path(), &target).map_err(|error| CliError::file("copy", &item.path(), &error))?;
        }
    }
    Ok(())
}

/// Prepares an output folder: missing or empty, or replaced when `force` is set and it carries our mark.
///
/// # Errors
/// When it holds something and may not be replaced.
pub(crate) fn prepare_output(path: &Path, force: bool, mark: &str) -> CliResult<()> {
    let marked = path.join(mark).exists();
    let empty = fs::read_dir(path).map(|mut items| items.next().is_none()).unwrap_or(true);
    if !empty {
        if !marked {
            return Err(CliError::usage(format!(
                "{} is not empty and was not made by this command; choose another folder with --out",
                path.display()
            )));
        }
        if !force {
            return Err(CliError::usage(format!(
                "{} holds an earlier result. Add --force to replace it, or choose another folder with --out",
                path.display()
            )));
        }
        fs::remove_dir_all(path).map_err(|error| CliError::file("remove", path, &error))?;
    }
    make(path)?;
    write(&path.join(mark), b"Made by standstill; replaced by --force.\n")
}
