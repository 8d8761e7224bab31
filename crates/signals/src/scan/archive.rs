//! Release archives, read from memory: tar, tar.gz, tar.xz and zip. Nothing is ever written, and no link is followed.
//!
//! The formats: POSIX.1-2017 "pax" (ustar and extended headers) and GNU tar's long names; PKWARE's APPNOTE for zip, of which stored and deflated
//! entries; RFC 1952 for gzip; "The .xz File Format" 1.2 through a library.
//!
//! Tar and zip are read here and not by a library, because libraries read leniently: they make something of an archive of which another program
//! would make something else, and that difference is what must not pass.
//!
//! An archive is refused as a whole, with the entry's name, when it could mean different things to different programs or be meant to harm one:
//! absolute names, `..`, drive letters, two entries of one name, devices, sparse files, encryption, zip entries whose two headers disagree, damage,
//! and everything beyond [`Limits`].

mod tar;
mod zip;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::collections::BTreeSet;
use std::io::Read;

/// Most memory that decoding xz may take, in KiB; the format's strongest preset asks for 64 MiB.
const XZ_MEMORY_KIB: u32 = 256 << 10;

/// What an archive may hold at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries.
    pub entries: usize,
    /// Bytes of all contents and headers, unpacked.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Unpacked bytes for each byte of the archive, above a first MiB.
    pub ratio: u64,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Folders in a name.
    pub depth: usize,
}

impl Limits {
    /// The limits of the command: far above any release of source code.
    pub const RELEASE: Self = Self {
        entries: 200_000,
        total_bytes: 4 << 30,
        file_bytes: 256 << 20,
        ratio: 200,
        name_bytes: 1_024,
        depth: 64,
    };

    /// Most bytes that an archive of this length may unpack to.
    fn unpacked(&self, archive_bytes: usize) -> u64 {
        let by_ratio = (archive_bytes as u64).saturating_mul(self.ratio).saturating_add(1 << 20);
        self.total_bytes.min(by_ratio)
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// Somebody may execute it.
        executable: bool,
    },
    /// A symbolic link; its target stands in place of contents.
    Link,
    /// Another name of an earlier entry, which has the contents.
    HardLink {
        /// That entry's name.
        to: String,
    },
}

/// A file or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name with `/`, without `./` at the start.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Contents, or the target of a symbolic link.
    pub bytes: Vec<u8>,
}

/// What an archive says beside its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The comment of a tar's global header, or of a zip: `git archive` writes the commit there.
    pub comment: Option<String>,
    /// Bytes other than zero after the end; no program that unpacks looks at them.
    pub trailing_bytes: u64,
}

/// Why an archive is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) String);

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(reason.into()))
}

/// Reads an archive; the first bytes say which kind it is. `visit` sees every file and link in the archive's order; folders are left out.
///
/// # Errors
/// [`Refused`] with the reason; `visit` may have seen some entries by then.
pub fn read(archive: &[u8], limits: &Limits, visit: &mut dyn FnMut(Entry)) -> Result<About, Refused> {
    let mut names = Names { limits, seen: BTreeSet::new(), entries: 0 };
    let most = limits.unpacked(archive.len());
    if archive.starts_with(b"PK\x03\x04") || archive.starts_with(b"PK\x05\x06") {
        return zip::read(archive, most, &mut names, visit);
    }
    if archive.starts_with(&[0x1f, 0x8b]) {
        return tar::read(&mut Source::new(MultiGzDecoder::new(archive), most), &mut names, visit);
    }
    if archive.starts_with(b"\xfd7zXZ\0") {
        let reader = XzReader::new_mem_limit(archive, true, XZ_MEMORY_KIB);
        return tar::read(&mut Source::new(reader, most), &mut names, visit);
    }
    if archive.starts_with(b"BZh") || archive.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return refuse("bzip2 and zstd are not read; unpack it to a plain .tar first");
    }
    tar::read(&mut Source::new(archive, most), &mut names, visit)
}

/// Unpacked bytes, counted.
struct Source<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Source<R> {
    const fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most }
    }

    /// As many bytes as are there, up to the buffer's length.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Refused> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return refuse(format!("it cannot be unpacked: {error}")),
            }
        }
        match self.left.checked_sub(filled as u64) {
            Some(left) => self.left = left,
            None => return refuse("it unpacks to more bytes than its length allows; it may be made to fill memory"),
        }
        Ok(filled)
    }

    /// Exactly so many bytes.
    fn take(&mut self, length: u64, name: &str) -> Result<Vec<u8>, Refused> {
        // Checked before memory is asked for.
        let length = match usize::try_from(length) {
            Ok(length) if length as u64 <= self.left => length,
            _ => return refuse(format!("'{name}' says that it has {length} bytes, more than the archive may have")),
        };
        let mut out = vec![0; length];
        if self.fill(&mut out)? < length {
            return refuse(format!("it ends inside '{name}'"));
        }
        Ok(out)
    }
}

/// The names seen so far.
struct Names<'a> {
    limits: &'a Limits,
    seen: BTreeSet<String>,
    entries: usize,
}

impl Names<'_> {
    /// Counts an entry of any kind.
    fn count(&mut self) -> Result<(), Refused> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return refuse(format!("it has more than {} entries", self.limits.entries));
        }
        Ok(())
    }

    /// A name as it is compared; refused when it leads out of the folder.
    fn clean(&self, name: &[u8]) -> Result<String, Refused> {
        let text = String::from_utf8_lossy(name);
        let shown = || super::hidden::escape(&text).chars().take(200).collect::<String>();
        if name.len() > self.limits.name_bytes {
            return refuse(format!("a name has {} bytes; at most {} are read", name.len(), self.limits.name_bytes));
        }
        let drive = name.get(1) == Some(&b':') && name[0].is_ascii_alphabetic();
        if text.starts_with(['/', '\\']) || drive || name.contains(&0) {
            return refuse(format!("the name '{}' is absolute or holds a zero byte", shown()));
        }
        if text.split(['/', '\\']).any(|part| part == "..") {
            return refuse(format!("the name '{}' leads out of the archive", shown()));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.len() > self.limits.depth {
            return refuse(format!("the name '{}' has more than {} folders", shown(), self.limits.depth));
        }
        Ok(parts.join("/"))
    }

    /// The name of a file or link, which no other may have.
    fn enter(&mut self, name: &[u8]) -> Result<String, Refused> {
        let path = self.clean(name)?;
        if path.is_empty() {
            return refuse("an entry has no name");
        }
        if !self.seen.insert(path.clone()) {
            return refuse(format!("two entries are named '{}'", super::hidden::escape(&path)));
        }
        Ok(path)
    }

    fn check_size(&self, size: u64, name: &str) -> Result<(), Refused> {
        if size > self.limits.file_bytes {
            return refuse(format!("'{name}' has {size} bytes; at most {} are read", self.limits.file_bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
