//! Files of a scan as one stream of bytes.
//!
//! `"standstill/scan-files/1\0"`, then for each file in order of path: u32 length of the path, the path in UTF-8, and for the old and then the
//! new version one byte (0 none, 1 there) and, when it is there, u64 length and the bytes. Integers are big-endian. Paths rise strictly, so that
//! one set of files has one stream.

/// First bytes of the stream.
const MAGIC: &[u8] = b"standstill/scan-files/1\0";
/// Most files.
pub const MAX_FILES: usize = 1_000_000;
/// Longest path, in bytes.
const MAX_PATH_BYTES: usize = 4_096;

/// One file: as it stands (`new`), or before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersions {
    /// Path from the root.
    pub path: String,
    /// Bytes before the change.
    pub old: Option<Vec<u8>>,
    /// Bytes after it, or as they stand.
    pub new: Option<Vec<u8>>,
}

/// Writes files, sorted by path.
///
/// # Errors
/// Two files with one path, a path that is too long, or too many files.
pub fn pack(files: &mut [FileVersions]) -> Result<Vec<u8>, String> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.len() > MAX_FILES {
        return Err(format!("more than {MAX_FILES} files"));
    }
    if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(format!("two files have the path '{}'", pair[0].path));
    }
    let mut out = MAGIC.to_vec();
    for file in files.iter() {
        let length = u32::try_from(file.path.len()).ok().filter(|length| *length as usize <= MAX_PATH_BYTES);
        let Some(length) = length else { return Err(format!("a path has more than {MAX_PATH_BYTES} bytes")) };
        out.extend(length.to_be_bytes());
        out.extend(file.path.as_bytes());
        for version in [&file.old, &file.new] {
            out.push(u8::from(version.is_some()));
            if let Some(bytes) = version {
                out.extend((bytes.len() as u64).to_be_bytes());
                out.extend(bytes);
            }
        }
    }
    Ok(out)
}

/// Reads a stream.
///
/// # Errors
/// What is wrong, with the number of the file.
pub fn unpack(bytes: &[u8]) -> Result<Vec<FileVersions>, String> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or("the files do not begin as scanned files do")?;
    let mut files: Vec<FileVersions> = Vec::new();
    while !rest.is_empty() {
        let number = files.len() + 1;
        if number > MAX_FILES {
            return Err(format!("more than {MAX_FILES} files"));
        }
        let file = one(&mut rest).map_err(|why| format!("file {number}: {why}"))?;
        if files.last().is_some_and(|before| before.path >= file.path) {
            return Err(format!("file {number}: paths must rise"));
        }
        files.push(file);
    }
    Ok(files)
}

fn one(rest: &mut &[u8]) -> Result<FileVersions, &'static str> {
    let length = u32::from_be_bytes(array(rest)?) as usize;
    if length > MAX_PATH_BYTES {
        return Err("its path is too long");
    }
    let path = std::str::from_utf8(take(rest, length)?).map_err(|_| "its path is not UTF-8")?.to_owned();
    Ok(FileVersions { path, old: version(rest)?, new: version(rest)? })
}

fn version(rest: &mut &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    match array::<1>(rest)? {
        [0] => Ok(None),
        [1] => {
            let length = usize::try_from(u64::from_be_bytes(array(rest)?)).map_err(|_| "it is too long")?;
            Ok(Some(take(rest, length)?.to_vec()))
        }
        _ => Err("a version is neither there nor absent"),
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
    let (head, tail) = rest.split_at_checked(length).ok_or("it is cut off")?;
    *rest = tail;
    Ok(head)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], &'static str> {
    take(rest, N)?.try_into().map_err(|_| "it is cut off")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file() -> impl Strategy<Value = FileVersions> {
        let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
        ("[a-z/]{1,12}", bytes(), bytes()).prop_map(|(path, old, new)| FileVersions { path, old, new })
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(files in proptest::collection::vec(file(), 0..8)) {
            let mut files = files;
            files.sort_by(|a, b| a.path.cmp(&b.path));
            files.dedup_by(|a, b| a.path == b.path);
            let bytes = pack(&mut files).unwrap();
            prop_assert_eq!(unpack(&bytes).unwrap(), files);
            for cut in 0..bytes.len() {
                // A stream that is cut off is refused, or ends after a whole file.
                if let Ok(part) = unpack(&bytes[..cut]) {
                    prop_assert!(pack(&mut part.clone()).unwrap() == bytes[..cut]);
                }
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&[MAGIC, &bytes].concat());
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn one_set_has_one_stream() {
        let file = |path: &str| FileVersions { path: path.to_owned(), old: None, new: Some(vec![1]) };
        assert!(pack(&mut [file("a"), file("a")]).is_err());
        let bytes = pack(&mut [file("b"), file("a")]).unwrap();
        assert_eq!(unpack(&bytes).unwrap()[0].path, "a");
        let record = (bytes.len() - MAGIC.len()) / 2;
        let swapped = [MAGIC, &bytes[MAGIC.len() + record..], &bytes[MAGIC.len()..MAGIC.len() + record]].concat();
        assert!(unpack(&swapped).unwrap_err().contains("rise"));
    }
}
