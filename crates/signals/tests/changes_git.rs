//! The walk against `git log --numstat` on fixtures, and against incomplete, forged and damaged repositories.
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod changes_fixture;

use changes_fixture::{ADA, BOB, CLAUDE, Repo, Walk, counted, git_in, numstat};
use standstill_signals::changes::method::Renames;
use standstill_signals::changes::table::{Kind, Mark, Source};

/// A repository with everything that makes line counts differ between tools.
fn odd_repository() -> Repo {
    let mut repo = Repo::new();
    repo.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    repo.write("train/loop.py", "x = 1\n");
    repo.write("dir/deep/er/f.rs", "fn main() {}\n");
    repo.commit(ADA, "Root");
    repo.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9");
    repo.write("crlf.txt", "a\r\nb\r\n");
    repo.commit(ADA, "No newline at the end, and CRLF");
    repo.write("crlf.txt", "a\nb\n");
    repo.write("bin.dat", [1u8, 0, 2, 10, 3]);
    repo.commit(BOB, "Line endings, and a binary file");
    repo.write("bin.dat", "now text\n");
    repo.git(&["mv", "dir/deep/er/f.rs", "moved.rs"]);
    repo.commit(BOB, "Binary to text, and an exact rename");
    repo.git(&["mv", "a.txt", "b.txt"]);
    repo.write("b.txt", "1\n2\n3\n4\n5\nsix\n7\n8\n9\nten\n");
    repo.commit(ADA, "A rename with a change");
    std::fs::set_permissions(repo.path().join("b.txt"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    repo.commit(ADA, "Mode only");
    std::fs::remove_file(repo.path().join("train/loop.py")).unwrap();
    std::os::unix::fs::symlink("../b.txt", repo.path().join("train/loop.py")).unwrap();
    repo.commit(ADA, "A file becomes a link");
    std::fs::remove_dir_all(repo.path().join("train")).unwrap();
    repo.write("train", "a file where a folder was\n");
    repo.write("empty", "");
    repo.commit(ADA, "A folder becomes a file");
    let sub = "160000,1111111111111111111111111111111111111111,sub";
    repo.git(&["update-index", "--add", "--cacheinfo", sub]);
    let sneaky = ["commit", "-q", "-m", "Submodule"];
    let who = [
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@b"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@b"),
        ("GIT_COMMITTER_DATE", "1736600000 +0000"),
        ("GIT_AUTHOR_DATE", "1736600000 +0000"),
    ];
    git_in(repo.path(), &sneaky, &who);
    std::fs::create_dir_all(repo.path().join("sub")).unwrap();
    repo.git(&["checkout", "-q", "-b", "side", "HEAD~2"]);
    repo.write("side.txt", "s\n".repeat(50));
    repo.commit(BOB, "On a side branch");
    repo.git(&["checkout", "-q", "main"]);
    let merge = ["merge", "-q", "--no-ff", "-m", "Merge", "side"];
    let date = [("GIT_COMMITTER_DATE", "1737600000 +0000"), ("GIT_AUTHOR_DATE", "1737600000 +0000")];
    git_in(repo.path(), &merge, &[who[0], who[1], who[2], who[3], date[0], date[1]]);
    let mut text: Vec<String> = (0..400).map(|n| format!("line {}\n", n * 7 % 13)).collect();
    repo.write("large.txt", text.concat());
    repo.commit(ADA, "Many equal lines");
    text.rotate_left(37);
    text.truncate(300);
    text.insert(20, "new\n".to_owned());
    repo.write("large.txt", text.concat());
    repo.write("bad-utf8-\u{fffd}.txt", b"\xff\xfe no zero\n");
    repo.commit(ADA, "Moved lines");
    repo
}

#[test]
fn lines_are_those_of_git() {
    let repo = odd_repository();
    let (walked, _) = Walk::default().run(repo.path());
    assert_eq!(counted(&walked.table), numstat(repo.path(), &[], &["--no-renames"]));
    assert_eq!(walked.table.rows.iter().filter(|row| row.is_merge()).count(), 1);
    let exact = Walk {
        method: standstill_signals::changes::Method { renames: Renames::Exact, ..Default::default() },
        ..Walk::default()
    };
    assert_eq!(counted(&exact.run(repo.path()).0.table), numstat(repo.path(), &[], &["-M100%"]));
}

#[test]
fn threads_cache_and_packing_change_nothing() {
    let repo = odd_repository();
    let plain = Walk::default().run(repo.path()).0.table;
    let cache = tempfile::tempdir().unwrap();
    let with = |threads| Walk { threads, cache: Some(cache.path().to_owned()), ..Walk::default() };
    let first = with(4).run(repo.path()).0;
    assert_eq!((first.table == plain, first.from_cache), (true, 0));
    let again = with(2).run(repo.path()).0;
    assert_eq!((again.table == plain, again.counted, again.from_cache), (true, 0, plain.header.rows));
    // A branch first, so that the cache knows persons that the head's history does not have.
    let other = tempfile::tempdir().unwrap();
    let side = |head: Option<&str>| Walk {
        cache: Some(other.path().to_owned()),
        head: head.map(str::to_owned),
        ..Walk::default()
    };
    let main_first = side(None).run(repo.path()).0.table;
    let branch = side(Some("side")).run(repo.path()).0;
    assert_eq!((main_first == plain, branch.counted), (true, 0));
    assert_eq!(branch.table, Walk { head: Some("side".to_owned()), ..Walk::default() }.run(repo.path()).0.table);
    repo.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    repo.git(&["pack-refs", "--all"]);
    assert_eq!(Walk::default().run(repo.path()).0.table, plain, "packed");
}

#[test]
fn a_damaged_cache_costs_time_and_nothing_else() {
    let mut repo = odd_repository();
    let cache = tempfile::tempdir().unwrap();
    let walk = Walk { cache: Some(cache.path().to_owned()), ..Walk::default() };
    walk.run(repo.path());
    repo.write("more.txt", "more\n");
    repo.commit(ADA, "More");
    let plain = Walk::default().run(repo.path()).0.table;
    assert_eq!(walk.run(repo.path()).0.counted, 1);
    let parts = || {
        let key = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        let mut list: Vec<_> = std::fs::read_dir(key).unwrap().map(|item| item.unwrap().path()).collect();
        list.sort();
        list
    };
    assert_eq!(parts().len(), 2);
    let damages: [fn(&mut Vec<u8>); 3] = [|bytes| bytes.truncate(bytes.len() / 2), |bytes| bytes[100] ^= 1, Vec::clear];
    for damage in damages {
        let path = parts().pop().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(path, bytes).unwrap();
        let walked = walk.run(repo.path()).0;
        assert_eq!((walked.table == plain, walked.damaged.len()), (true, 1));
        let clean = walk.run(repo.path()).0;
        assert_eq!((clean.damaged.len(), clean.counted), (0, 0));
    }
    // A line that was forged together with its hash is believed: a cache is for its owner. The docs say so.
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let repo = odd_repository();
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    git_in(clone.path(), &["clone", "-q", "--depth", "2", &url, "c"], &[]);
    let path = clone.path().join("c");
    let (walked, _) = Walk::default().run(&path);
    assert!(!walked.table.header.shallow.is_empty());
    assert!(walked.table.rows.iter().any(|row| row.has(Mark::Incomplete)));
    let record = Walk::default().record(&path);
    assert!(!record.is_complete());
    assert_eq!(record.metric("ai_authored_share").unwrap().reason.as_deref(), Some("incomplete-history"));
}

#[test]
fn missing_objects_are_named() {
    let repo = odd_repository();
    let blob = repo.git(&["rev-parse", "HEAD:large.txt"]);
    let tree = repo.git(&["rev-parse", "main~2^{tree}"]);
    let commit = repo.git(&["rev-parse", "main~4"]);
    for (id, kind) in [(blob, Kind::Blob), (tree, Kind::Tree), (commit, Kind::Commit)] {
        let file = repo.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        let away = repo.path().join(".git/away");
        std::fs::rename(&file, &away).unwrap();
        let (walked, _) = Walk::default().run(repo.path());
        let missing = &walked.table.header.missing;
        assert!(missing.iter().any(|missing| missing.id == id && missing.kind == kind), "{kind:?}");
        assert!(walked.table.rows.iter().any(|row| row.has(Mark::Incomplete)), "{kind:?}");
        std::fs::rename(away, file).unwrap();
    }
    assert!(Walk::default().run(repo.path()).0.table.header.missing.is_empty());
}

#[test]
fn a_forged_object_and_a_replacement_are_seen_through() {
    let mut repo = Repo::new();
    repo.write("a", "1\n");
    let first = repo.commit(ADA, "One");
    repo.write("a", "2\n");
    repo.commit(CLAUDE, "Two");
    let honest = Walk::default().run(repo.path()).0.table;
    // A replacement object shows git another author for the same id.
    repo.git(&["checkout", "-q", "--detach", &first]);
    repo.write("a", "2\n");
    let mine = repo.commit(BOB, "Two");
    repo.git(&["checkout", "-q", "main"]);
    let head = repo.head();
    repo.git(&["replace", &head, &mine]);
    assert!(repo.git(&["log", "-1", "--format=%an"]).contains("Bob"));
    assert_eq!(Walk::default().run(repo.path()).0.table, honest);
    repo.git(&["replace", "-d", &head]);
    // An object file under the id of another commit.
    let place = |id: &str| repo.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let bytes = std::fs::read(place(&mine)).unwrap();
    std::fs::remove_file(place(&head)).unwrap();
    std::fs::write(place(&head), bytes).unwrap();
    let error = Walk::default().try_run(repo.path()).unwrap_err().to_string();
    assert!(error.contains("hashes to"), "{error}");
}

#[test]
fn heads_have_names() {
    let mut repo = Repo::new();
    let error = Walk::default().try_run(repo.path()).unwrap_err().to_string();
    assert!(error.contains("no commit, branch or tag 'HEAD'"), "{error}");
    repo.write("a", "1\n");
    let first = repo.commit(ADA, "One");
    let who = [("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@b")];
    git_in(repo.path(), &["tag", "-a", "-m", "t", "v1"], &who);
    repo.write("a", "2\n");
    repo.commit(ADA, "Two");
    for name in ["v1", "refs/tags/v1", first.as_str()] {
        assert_eq!(Walk { head: Some(name.to_owned()), ..Walk::default() }.run(repo.path()).0.table.header.head, first);
    }
    let error = Walk { head: Some("v2".to_owned()), ..Walk::default() }.try_run(repo.path()).unwrap_err();
    assert!(error.to_string().contains("'v2'"));
    let nowhere = tempfile::tempdir().unwrap();
    assert!(Walk::default().try_run(nowhere.path()).unwrap_err().to_string().contains("not a git repository"));
}

#[test]
fn sources_reach_the_table() {
    let mut repo = Repo::new();
    repo.write("train/a.py", "1\n2\n3\n");
    repo.commit(ADA, "Add\n\nCo-authored-by: Claude <noreply@anthropic.com>\nReviewed-by: Bob <bob@example.org>");
    repo.write("src/monitor/m.py", "1\n");
    repo.commit_by(CLAUDE, ("GitHub", "noreply@github.com"), "Add (#3)", &[]);
    repo.write("Cargo.lock", "1\n2\n");
    repo.commit(BOB, "Lock");
    let record = Walk::default().record(repo.path());
    assert_eq!(record.all.by_source, [1, 1, 0, 0, 0, 0]);
    assert_eq!((record.all.added, record.all.counted_lines, record.all.low_lines), (6, 4, 4));
    assert_eq!(
        (record.review.ai.by_person, record.review.ai_oversight.trace_only, record.review.without_person),
        (1, 1, 1)
    );
    let (walked, _) = Walk::default().run(repo.path());
    assert_eq!(walked.table.rows[0].sources, [Source::Trailer]);
    let text = String::from_utf8(walked.table.to_bytes().unwrap()).unwrap()
        + std::str::from_utf8(&record.to_bytes().unwrap()).unwrap();
    for secret in ["Ada", "ada@", "Bob", "bob@", "monitor", "a.py", "Add"] {
        assert!(!text.contains(secret), "the published files name {secret}");
    }
}

/// The head's attributes for every commit, as `git --attr-source=HEAD` takes them: the same in a working tree and in a bare clone.
#[test]
fn attributes_of_the_head_are_those_of_git() {
    let mut repo = Repo::new();
    repo.write("a.bin2", "1\n2\n");
    repo.write("Cargo.lock", "1\n2\n");
    repo.write("zero.dat", b"a\0b\nc\n");
    repo.write("x.py", "x = 1\n");
    repo.write("sub/x.q", "1\n");
    repo.write("sub/deep/y.q", "1\n");
    repo.commit(ADA, "No attributes yet");
    repo.write("sub/.gitattributes", "*.q binary\n/deep/*.q !diff\n");
    repo.write(
        ".gitattributes",
        "[attr]opaque -diff\n*.bin2 binary\n*.lock -diff text=auto\n*.dat diff\n*.py diff=python\nlink -diff\n*.gen opaque\n*.text eol=crlf\n",
    );
    repo.write("a.bin2", "1\n2\n3\n");
    repo.write("zero.dat", b"a\0b\nc\nd\n");
    repo.write("x.py", "x = 2\n");
    repo.write("sub/x.q", "1\n2\n");
    repo.write("sub/deep/y.q", "1\n2\n3\n");
    repo.write("a.gen", "1\n");
    repo.write("a.text", "1\n");
    std::os::unix::fs::symlink("a.gen", repo.path().join("link")).unwrap();
    repo.commit(BOB, "Attributes");
    repo.write("Cargo.lock", "3\n");
    std::fs::remove_file(repo.path().join("x.py")).unwrap();
    std::os::unix::fs::symlink("a.gen", repo.path().join("x.py")).unwrap();
    std::fs::remove_file(repo.path().join("link")).unwrap();
    repo.write("link", "a file now\n");
    repo.commit(ADA, "Links and files");
    let method = |attributes| {
        let method = standstill_signals::changes::Method { attributes, ..Default::default() };
        Walk { method, ..Walk::default() }
    };
    use standstill_signals::changes::method::Attributes;
    let bare = tempfile::tempdir().unwrap();
    git_in(repo.path(), &["clone", "-q", "--bare", ".", bare.path().to_str().unwrap()], &[]);
    let ours = counted(&method(Attributes::Head).run(repo.path()).0.table);
    let plain = ["-c", "core.attributesFile=/dev/null"];
    for path in [repo.path(), bare.path()] {
        let git = numstat(path, &[&plain[..], &["--attr-source=HEAD"]].concat(), &["--no-renames"]);
        assert_eq!(ours, git);
    }
    // Without: what git counts where no attributes are.
    let ignored = counted(&method(Attributes::Ignored).run(repo.path()).0.table);
    assert_eq!(ignored, numstat(bare.path(), &plain, &["--no-renames"]));
    assert_ne!(ours, ignored);
    // Rows in a cache belong to the attributes under which they were counted.
    let cache = tempfile::tempdir().unwrap();
    let cached = |repo: &Repo| {
        let walk = Walk { cache: Some(cache.path().to_owned()), ..method(Attributes::Head) };
        counted(&walk.run(repo.path()).0.table)
    };
    assert_eq!(cached(&repo), ours);
    repo.write(".gitattributes", "");
    repo.commit(ADA, "No attributes any more");
    let now = cached(&repo);
    assert_ne!(now[ours.keys().next().unwrap()], (0, 0));
    assert_eq!(now, numstat(repo.path(), &[&plain[..], &["--attr-source=HEAD"]].concat(), &["--no-renames"]));
}

/// Ten small trees that name each other ten times stand for ten thousand million folders.
#[test]
fn trees_that_multiply_are_refused() {
    let mut repo = Repo::new();
    repo.write("a", "1\n");
    repo.commit(ADA, "One");
    let mut tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    for _ in 0..10 {
        let listing: String = (0..10).map(|name| format!("040000 tree {tree}\tf{name}\n")).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), listing).unwrap();
        let mut make = std::process::Command::new("git");
        let made = make.arg("mktree").current_dir(repo.path()).stdin(file.reopen().unwrap()).output().unwrap();
        tree = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    }
    let who = ["AUTHOR", "COMMITTER"].map(|role| [format!("GIT_{role}_NAME"), format!("GIT_{role}_EMAIL")]);
    let who: Vec<(&str, &str)> = who.iter().flatten().map(|name| (name.as_str(), "ada@example.org")).collect();
    let commit = git_in(repo.path(), &["commit-tree", "-m", "Many", &tree], &who);
    repo.git(&["update-ref", "HEAD", &commit]);
    let error = Walk::default().try_run(repo.path()).unwrap_err().to_string();
    assert!(error.contains("folders to read"), "{error}");
}
