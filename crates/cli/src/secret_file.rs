//! Files that hold secrets: made once, readable by their owner only, never overwritten.

use crate::exit::{CliError, CliResult};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest secret file that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// Writes a new secret file with mode 0600 and makes it durable.
///
/// # Errors
/// When the file exists already, or cannot be written.
pub(crate) fn create(path: &Path, text: &str) -> CliResult<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| CliError::file("make folder", parent, &error))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            CliError::usage(format!(
                "{} exists already; a key is never overwritten. Choose another file",
                path.display()
            ))
        } else {
            CliError::file("write", path, &error)
        }
    })?;
    let write = |file: &mut File| file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    write(&mut file).map_err(|error| CliError::file("write", path, &error))
}

/// As [`create`], but the file is there whole or not at all, whenever the machine stops.
///
/// # Errors
/// As [`create`], and when the text is longer than what [`read`] reads.
pub(crate) fn create_whole(path: &Path, text: &str) -> CliResult<()> {
    if text.len() as u64 >= MAX_BYTES {
        return Err(CliError::usage(format!("what {} is to hold is longer than {MAX_BYTES} bytes", path.display())));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let fail = |error: std::io::Error| CliError::file("write", path, &error);
    std::fs::create_dir_all(parent).map_err(fail)?;
    // Temporary files are readable by their owner only from the start.
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist_noclobber(path).map_err(|error| fail(error.error))?;
    // The name must be durable too, or a crash would leave a published seal without its salt.
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(fail)
}

/// Reads a secret file; the text is wiped from memory when dropped.
///
/// # Errors
/// When the file cannot be read, is too long, or is readable by others.
pub(crate) fn read(path: &Path) -> CliResult<Zeroizing<String>> {
    let file = File::open(path).map_err(|error| CliError::file("read key", path, &error))?;
    refuse_readable_by_others(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(512));
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| CliError::file("read key", path, &error))?;
    Ok(text)
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File, path: &Path) -> CliResult<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| CliError::file("read key", path, &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(CliError::unreadable(format!(
        "{path} is a secret that others can read (mode {:o}). Run: chmod 600 {path}",
        mode & 0o777
    )))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File, _: &Path) -> CliResult<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/a.key");
        create(&path, "first").unwrap();
        assert!(create(&path, "second").is_err());
        assert_eq!(*read(&path).unwrap(), "first");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        create(&path, "secret").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let message = read(&path).unwrap_err().message;
        assert!(message.contains("chmod 600"), "{message}");
        assert!(!message.contains("secret\n"));
    }
}
