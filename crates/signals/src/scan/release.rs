//! A release archive against the tree of the revision that it says to be, after the backdoor in xz (CVE-2024-3094): the part that started it was
//! in the archive only.
//!
//! Both sides are names with SHA-256; the archive's common top folder is taken off. Generated files that belong into a release are accepted one
//! by one with the allow-list, so that each has a reason.

use super::finding::Finding;
use super::opaque::short;
use super::paths::{Kind, PathTable, extension, file_name};
use super::rules::id;
use std::collections::BTreeMap;

/// One file or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// SHA-256 of the contents, or of a link's target.
    pub sha256: [u8; 32],
    /// Somebody may execute it.
    pub is_executable: bool,
    /// A symbolic link.
    pub is_link: bool,
}

/// The folder that all names of an archive begin with, with its slash; empty when they share none.
#[must_use]
pub fn top_folder<'a>(mut names: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(first) = names.next() else { return "" };
    let Some(end) = first.find('/') else { return "" };
    let top = &first[..=end];
    if names.all(|name| name.starts_with(top)) { top } else { "" }
}

/// What a difference weighs: what runs or steers a build most, text for people least.
fn rule(paths: &PathTable, path: &str, item: &Item) -> &'static str {
    let ending = extension(path);
    let name = file_name(path).to_ascii_lowercase();
    let steers =
        matches!(ending.as_deref(), Some("sh" | "m4" | "ac" | "am" | "in" | "cmake" | "mk" | "mak" | "bat" | "ps1"))
            || [
                "configure",
                "makefile",
                "gnumakefile",
                "config.guess",
                "config.sub",
                "ltmain.sh",
                "install-sh",
                "depcomp",
                "missing",
                "compile",
            ]
            .contains(&name.as_str());
    let hides = paths.is_test(path) && paths.has_opaque_ending(path);
    if paths.is_build(path) || steers || hides || item.is_executable {
        id::RELEASE_DIFFERS
    } else if is_text(paths, path) && !item.is_link {
        id::RELEASE_TEXT
    } else {
        id::RELEASE_FILE
    }
}

/// Documents and translations by their endings, and files without one.
fn is_text(paths: &PathTable, path: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "md", "markdown", "txt", "rst", "adoc", "tex", "texi", "info", "html", "htm", "css", "svg", "po", "pot", "1",
        "3", "5", "8",
    ];
    paths.kind(path, b"") == Kind::Prose && extension(path).is_none_or(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Findings, in order of path. Names are without the top folder.
#[must_use]
pub fn compare(paths: &PathTable, archive: &BTreeMap<String, Item>, tree: &BTreeMap<String, Item>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut push = |rule, path: &str, message: String| {
        let mut finding = Finding::new(rule, 0, 0, message);
        path.clone_into(&mut finding.path);
        found.push(finding);
    };
    for (path, item) in archive {
        let what = |item: &Item| if item.is_link { "a link" } else { "a file" };
        match tree.get(path) {
            Some(other) if other.is_link != item.is_link => push(
                rule(paths, path, item),
                path,
                format!("{} in the archive, {} in the tree", what(item), what(other)),
            ),
            Some(other) if other.sha256 == item.sha256 => {}
            Some(_) => push(
                rule(paths, path, item),
                path,
                format!("differs from the tree; SHA-256 here {}", short(&hex::encode(item.sha256))),
            ),
            None => push(
                rule(paths, path, item),
                path,
                format!("{} that the tree does not have; SHA-256 {}", what(item), short(&hex::encode(item.sha256))),
            ),
        }
    }
    for path in tree.keys().filter(|path| !archive.contains_key(*path)) {
        push(id::RELEASE_MISSING, path, "in the tree and not in the archive".to_owned());
    }
    found
}

/// A hard link of the archive: what it names has the contents.
#[must_use]
pub fn hard_link(path: &str, to: &str) -> Finding {
    let mut finding = Finding::new(id::RELEASE_FILE, 0, 0, format!("a hard link to '{to}'; a tree has none"));
    path.clone_into(&mut finding.path);
    finding
}

/// Bytes after the archive's end.
#[must_use]
pub fn trailing(bytes: u64) -> Finding {
    Finding::new(id::RELEASE_DIFFERS, 0, 0, format!("{bytes} bytes other than zero stand after the archive's end"))
}

/// The archive's comment names a commit, and it is another one.
#[must_use]
pub fn other_commit(comment: &str, commit: &str) -> Option<Finding> {
    let is_id = matches!(comment.len(), 40 | 64) && comment.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && !comment.eq_ignore_ascii_case(commit)).then(|| {
        let message = format!("the archive names commit {} as its origin, not {}", short(comment), short(commit));
        Finding::new(id::RELEASE_FILE, 0, 0, message)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn map(list: &[(&str, u8)]) -> BTreeMap<String, Item> {
        let item = |byte| Item { sha256: [byte; 32], is_executable: false, is_link: false };
        list.iter().map(|(path, byte)| ((*path).to_owned(), item(*byte))).collect()
    }

    fn found(archive: &[(&str, u8)], tree: &[(&str, u8)]) -> Vec<(&'static str, String)> {
        let paths = PathTable::builtin().unwrap();
        compare(&paths, &map(archive), &map(tree)).into_iter().map(|found| (found.rule, found.path)).collect()
    }

    #[test]
    fn what_steers_the_build_weighs_most() {
        let tree = [("a.c", 1), ("README", 1), ("tests/run.c", 1)];
        assert!(found(&tree, &tree).is_empty());
        for (path, rule) in [
            // The file that started the backdoor.
            ("m4/build-to-host.m4", id::RELEASE_DIFFERS),
            ("configure", id::RELEASE_DIFFERS),
            ("build-aux/ltmain.sh", id::RELEASE_DIFFERS),
            ("src/Makefile.in", id::RELEASE_DIFFERS),
            ("tests/files/good-large.lzma", id::RELEASE_DIFFERS),
            ("src/b.c", id::RELEASE_FILE),
            ("po/de.gmo", id::RELEASE_FILE),
            ("ChangeLog", id::RELEASE_TEXT),
            ("man/xz.1", id::RELEASE_TEXT),
            ("doc/api.html", id::RELEASE_TEXT),
        ] {
            let mut archive = tree.to_vec();
            archive.push((path, 3));
            assert_eq!(found(&archive, &tree), [(rule, path.to_owned())]);
        }
        assert_eq!(
            found(&[("a.c", 9), ("README", 1), ("tests/run.c", 1)], &tree),
            [(id::RELEASE_FILE, "a.c".to_owned())]
        );
        assert_eq!(found(&tree[..2], &tree), [(id::RELEASE_MISSING, "tests/run.c".to_owned())]);
    }

    #[test]
    fn links_and_executables_are_no_plain_text() {
        let paths = PathTable::builtin().unwrap();
        let item = |is_executable, is_link| Item { sha256: [1; 32], is_executable, is_link };
        let rule = |archive: Item, tree: Option<Item>| {
            let tree = tree.map(|item| BTreeMap::from([("NOTES".to_owned(), item)])).unwrap_or_default();
            compare(&paths, &BTreeMap::from([("NOTES".to_owned(), archive)]), &tree).first().map(|found| found.rule)
        };
        assert_eq!(rule(item(false, false), None), Some(id::RELEASE_TEXT));
        assert_eq!(rule(item(true, false), None), Some(id::RELEASE_DIFFERS));
        assert_eq!(rule(item(false, true), None), Some(id::RELEASE_FILE));
        assert_eq!(rule(item(false, true), Some(item(false, false))), Some(id::RELEASE_FILE), "a link for a file");
        assert_eq!(rule(item(false, true), Some(item(false, true))), None);
    }

    #[test]
    fn the_top_folder_is_what_all_share() {
        assert_eq!(top_folder(["xz-5.6.1/a", "xz-5.6.1/m4/b"].into_iter()), "xz-5.6.1/");
        assert_eq!(top_folder(["xz-5.6.1/a", "xz/b"].into_iter()), "");
        assert_eq!(top_folder(["a"].into_iter()), "");
        assert_eq!(top_folder(std::iter::empty()), "");
    }

    #[test]
    fn another_origin_is_told() {
        let (ours, other) = ("a".repeat(40), "b".repeat(40));
        assert!(other_commit(&ours.to_uppercase(), &ours).is_none() && other_commit("hello", &ours).is_none());
        assert_eq!(other_commit(&other, &ours).unwrap().rule, id::RELEASE_FILE);
    }
}
