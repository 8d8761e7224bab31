//! A commit object as bytes, after git's `commit.c`: header lines, an empty line, the message.
//!
//! Header lines that go on carry a space in front. Unknown headers are skipped. Bytes that are not UTF-8 are replaced in names; ids
//! and dates must be exact.

use super::ChangesError;

/// Longest commit object that is read, in bytes.
pub const MAX_COMMIT_BYTES: usize = 4 << 20;
/// Most parents.
pub const MAX_PARENTS: usize = 4_096;

/// Who and when, as git writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// Name without surrounding white space.
    pub name: String,
    /// Address without angle brackets.
    pub email: String,
    /// Seconds since the Unix epoch; 0 when git wrote something unreadable.
    pub unix_seconds: i64,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Tree id, raw.
    pub tree: Vec<u8>,
    /// Parent ids, raw, in order.
    pub parents: Vec<Vec<u8>>,
    /// Author.
    pub author: Actor,
    /// Committer.
    pub committer: Actor,
    /// Signature with its armour, when the header has one.
    pub signature: Option<Vec<u8>>,
    /// Place of the signature header in the object: what was signed is the object without it.
    pub signature_at: Option<std::ops::Range<usize>>,
    /// Message.
    pub message: &'a [u8],
}

fn wrong(reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign("commit object", reason)
}

fn id(text: &[u8]) -> Result<Vec<u8>, ChangesError> {
    match hex::decode(text) {
        Ok(raw) if raw.len() == 20 || raw.len() == 32 => Ok(raw),
        _ => Err(wrong("an id is not 40 or 64 hexadecimal digits")),
    }
}

/// `Name <email> seconds zone`, as tolerant as git: the last `<` and `>` count.
#[must_use]
pub fn actor(line: &[u8]) -> Actor {
    let text = String::from_utf8_lossy(line);
    let Some(close) = text.rfind('>') else {
        return Actor { name: text.trim().to_owned(), ..Actor::default() };
    };
    let open = text[..close].find('<').unwrap_or(close);
    let email = text.get(open + 1..close).unwrap_or("").trim().to_owned();
    let unix_seconds = text[close + 1..].split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
    Actor { name: text[..open].trim().to_owned(), email, unix_seconds }
}

/// Reads a commit object without its `commit <size>\0` prefix.
///
/// # Errors
/// [`ChangesError::Foreign`] when tree, author or committer are missing, an id is no id, or a limit is exceeded.
pub fn parse(bytes: &[u8]) -> Result<Commit<'_>, ChangesError> {
    if bytes.len() > MAX_COMMIT_BYTES {
        return Err(wrong(format!("larger than {MAX_COMMIT_BYTES} bytes")));
    }
    let (mut tree, mut author, mut committer) = (None, None, None);
    let mut parents = Vec::new();
    let mut signature: Option<Vec<u8>> = None;
    let mut signature_at: Option<std::ops::Range<usize>> = None;
    let mut in_signature = false;
    let mut at = 0;
    loop {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        let line = &bytes[at..end];
        let next = (end + 1).min(bytes.len());
        if line.is_empty() {
            at = next;
            break;
        }
        if let Some(more) = line.strip_prefix(b" ") {
            if let (true, Some(text), Some(range)) = (in_signature, &mut signature, &mut signature_at) {
                text.push(b'\n');
                text.extend_from_slice(more);
                range.end = next;
            }
        } else {
            let space = memchr::memchr(b' ', line).unwrap_or(line.len());
            let (key, value) = (&line[..space], line.get(space + 1..).unwrap_or(b""));
            in_signature = false;
            match key {
                b"tree" if tree.is_none() => tree = Some(id(value)?),
                b"parent" if parents.len() >= MAX_PARENTS => {
                    return Err(wrong(format!("more than {MAX_PARENTS} parents")));
                }
                b"parent" => parents.push(id(value)?),
                b"author" if author.is_none() => author = Some(actor(value)),
                b"committer" if committer.is_none() => committer = Some(actor(value)),
                b"gpgsig" | b"gpgsig-sha256" if signature.is_none() => {
                    (signature, signature_at, in_signature) = (Some(value.to_vec()), Some(at..next), true);
                }
                _ => {}
            }
        }
        at = next;
        if at >= bytes.len() {
            break;
        }
    }
    Ok(Commit {
        tree: tree.ok_or_else(|| wrong("no tree"))?,
        parents,
        author: author.ok_or_else(|| wrong("no author"))?,
        committer: committer.ok_or_else(|| wrong("no committer"))?,
        signature,
        signature_at,
        message: &bytes[at..],
    })
}

impl Commit<'_> {
    /// What the signature is over: the object without the signature header.
    #[must_use]
    pub fn signed_bytes(&self, object: &[u8]) -> Option<Vec<u8>> {
        let range = self.signature_at.clone()?;
        Some([object.get(..range.start)?, object.get(range.end..)?].concat())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OBJECT: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
        parent 1111111111111111111111111111111111111111\n\
        author A <B> C <a@b.c> 1700000000 +0100\n\
        committer  D  <d@e.f> -5 +0000\n\
        gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----\n\
        encoding x\n\nSubject\n\nBody\n";

    #[test]
    fn headers_and_message() {
        let commit = parse(OBJECT.as_bytes()).unwrap();
        assert_eq!(commit.parents, [vec![0x11; 20]]);
        assert_eq!(commit.author.email, "B> C <a@b.c");
        assert_eq!(commit.author.unix_seconds, 1_700_000_000);
        assert_eq!(commit.committer, Actor { name: "D".to_owned(), email: "d@e.f".to_owned(), unix_seconds: -5 });
        assert_eq!(commit.message, b"Subject\n\nBody\n");
        let signed = commit.signed_bytes(OBJECT.as_bytes()).unwrap();
        assert!(!signed.windows(6).any(|bytes| bytes == b"gpgsig") && signed.windows(8).any(|b| b == b"encoding"));
        assert!(commit.signature.unwrap().ends_with(b"abc\n-----END SSH SIGNATURE-----"));
    }

    #[test]
    fn what_is_no_commit_is_refused() {
        for text in ["", "tree 12\n\n", "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx", "parent x\n"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..300) {
            let _ = parse(&bytes);
            let mut mixed = OBJECT.as_bytes().to_vec();
            let at = at.min(mixed.len());
            mixed.splice(at..at, bytes);
            if let Ok(commit) = parse(&mixed) {
                let _ = commit.signed_bytes(&mixed);
            }
        }
    }
}
