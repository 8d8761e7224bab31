//! `standstill signal scan` on facts that need more than one version of a file: lines that come from AI changes, and release archives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ADA: &str = "Ada <ada@example.org>";
const CLAUDE: &str = "Claude <noreply@anthropic.com>";

/// A repository whose commits are a day apart.
struct Repo {
    folder: tempfile::TempDir,
    day: u32,
}

fn run(program: &str, arguments: &[&str], at: &Path, day: u32) -> Output {
    let date = format!("{} +0000", 1_735_689_600 + i64::from(day) * 86_400);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(at).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_COMMITTER_NAME", "Ada").env("GIT_COMMITTER_EMAIL", "ada@example.org");
    command.env("GIT_COMMITTER_DATE", &date).env("GIT_AUTHOR_DATE", &date).output().unwrap()
}

impl Repo {
    fn new() -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap(), day: 0 };
        std::fs::create_dir(repo.at()).unwrap();
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    fn at(&self) -> PathBuf {
        self.folder.path().join("r")
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let output = run("git", arguments, &self.at(), self.day);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.at().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&mut self, author: &str, message: &str) -> String {
        self.day += 1;
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "--author", author, "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn standstill(&self, arguments: &[&str]) -> (i32, String) {
        let output = run(env!("CARGO_BIN_EXE_standstill"), arguments, self.folder.path(), 0);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    }

    fn scan(&self, arguments: &[&str]) -> (i32, String) {
        self.standstill(&[&["signal", "scan", "r"], arguments].concat())
    }
}

fn body(name: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "    {name}_{at} = compute(first_{at}, {at})").unwrap();
        text
    })
}

#[test]
fn lines_that_a_person_moves_stay_with_the_ai_change() {
    let mut repo = Repo::new();
    repo.put("README", "a\n");
    repo.commit(ADA, "Start");
    repo.put("src/a.py", &format!("def a():\n{}", body("x", 40)));
    let ai = repo.commit(CLAUDE, "Compute");
    // Removed in one change and added elsewhere in the next one.
    repo.put("src/a.py", "def a():\n    return 1\n");
    repo.commit(ADA, "Take it out");
    repo.put("lib/b.py", &format!("def b():\n{}", body("x", 40)));
    let moved = repo.commit(ADA, "Add b");
    let (code, text) = repo.scan(&["HEAD~3..HEAD"]);
    assert_eq!(code, 0, "{text}");
    // `def b():` is too short to tell.
    let message = format!(
        "commit {}: warn [laundering-moved] 40 of 40 telling added lines were in AI changes before (0 laid out, 40 moved or copied); most are of {}",
        &moved[..10],
        &ai[..10]
    );
    assert!(text.contains(&message), "{message}\n{text}");
    assert_eq!(text.matches("[laundering-").count(), 1, "taking lines out is nobody's: {text}");
    // The same change by AI, or with its trailer, hides nothing.
    repo.put("lib/c.py", &body("x", 40));
    repo.commit(ADA, "Copy\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    assert_eq!(repo.scan(&["HEAD~4..HEAD"]).1.matches("[laundering-").count(), 1);
    // A range that begins after AI's change does not know its lines …
    assert!(!repo.scan(&["HEAD~2..HEAD"]).1.contains("laundering-"));
    // … but the ledger does.
    let (code, text) = repo.standstill(&["signal", "changes", "r", "--table", "t.jsonl"]);
    assert_eq!(code, 0, "{text}");
    let (_, text) = repo.scan(&["HEAD~3..HEAD~1", "--ledger", "t.jsonl"]);
    assert!(text.contains("laundering-moved"), "the file is in the range: {text}");
    // Where AI's file is not in the range, its lines are not read: the bound.
    let (_, text) = repo.scan(&["HEAD~2..HEAD~1", "--ledger", "t.jsonl"]);
    assert!(!text.contains("laundering-moved"), "{text}");
}

#[test]
fn a_persons_own_work_is_not_laundering() {
    let mut repo = Repo::new();
    repo.put("src/own.py", &body("own", 40));
    repo.commit(ADA, "Start");
    // AI moves the person's lines, and the person moves them back.
    repo.git(&["mv", "src/own.py", "src/moved.py"]);
    repo.commit(CLAUDE, "Move");
    repo.git(&["mv", "src/moved.py", "src/own.py"]);
    repo.commit(ADA, "Move back");
    // AI adds 19 lines, which the person copies: too few.
    repo.put("src/few.py", &body("few", 19));
    repo.commit(CLAUDE, "Few");
    repo.put("lib/few.py", &body("few", 19));
    repo.commit(ADA, "Copy few");
    // AI's 30 lines among 10 of the person's: three in four.
    repo.put("src/ai.py", &body("ai", 30));
    repo.commit(CLAUDE, "More");
    repo.put("lib/mixed.py", &(body("ai", 30) + &body("mine", 10)));
    repo.commit(ADA, "Mix");
    // A person lays out the own file.
    repo.put("src/own.py", &body("own", 40).replace("    ", "\t"));
    repo.commit(ADA, "Tabs");
    let (code, text) = repo.scan(&["HEAD~7..HEAD"]);
    assert!(code == 0 && text.contains("(7 commits)") && !text.contains("laundering-"), "{text}");
}

#[test]
fn a_persons_new_layout_stays_with_the_ai_change() {
    let mut repo = Repo::new();
    repo.put("README", "a\n");
    repo.commit(ADA, "Start");
    repo.put("src/a.py", &body("x", 40));
    let ai = repo.commit(CLAUDE, "Compute");
    repo.put("src/a.py", &body("x", 40).replace("    ", "\t").replace(", ", ","));
    repo.commit(ADA, "Tabs");
    let tall =
        body("x", 40).replace("(first", "(\n        first").replace(", ", ",\n        ").replace(")\n", ",\n    )\n");
    repo.put("src/a.py", &tall);
    repo.commit(ADA, "Break lines");
    repo.put("src/a.py", &tall.replace("compute", "guess"));
    repo.commit(ADA, "Real work");
    let (code, text) = repo.scan(&["HEAD~4..HEAD"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches("warn [laundering-format]").count(), 2, "{text}");
    assert!(text.contains(&format!("40 of 40 telling added lines are lines of AI changes, laid out anew (40 laid out, 0 moved or copied); most are of {}", &ai[..10])), "{text}");
    assert_eq!(text.matches("[laundering-").count(), 2, "{text}");
}

/// A repository as xz's is laid out; gives its first commit.
fn project() -> (Repo, String) {
    let mut repo = Repo::new();
    repo.put("src/a.c", "int a;\n");
    repo.put("configure.ac", "AC_INIT\n");
    repo.put(
        "CMakeLists.txt",
        "check_c_source_compiles(\"\n#include <a.h>\nint main(void) { return 0; }\n\"\nHAVE_A)\n",
    );
    repo.put("tests/a.c", "int main;\n");
    std::os::unix::fs::symlink("src/a.c", repo.at().join("a-link.c")).unwrap();
    let head = repo.commit(ADA, "Start");
    (repo, head)
}

#[test]
fn releases_are_compared_with_their_tree() {
    let (mut repo, head) = project();
    for (format, name) in [("tar", "good.tar"), ("tar.gz", "good.tar.gz"), ("zip", "good.zip")] {
        let out = repo.folder.path().join(name);
        repo.git(&["archive", "--format", format, "--prefix=xz-1.0/", "-o", out.to_str().unwrap(), "HEAD"]);
        let (code, text) = repo.scan(&["--release", name]);
        assert!(code == 0 && text.contains("0 block, 0 high, 0 warn, 0 note"), "{name}: {text}");
    }
    // The release of another commit says so.
    repo.put("src/b.c", "int b;\n");
    repo.commit(ADA, "Later");
    let (code, text) = repo.scan(&["--release", "good.tar"]);
    assert!(code == 0 && text.contains(&format!("the archive names commit {} as its origin", &head[..10])), "{text}");
    assert!(repo.scan(&["--release", "good.tar", "--from", "note"]).1.contains("src/b.c: note [release-file-missing]"));
    let (code, text) = repo.scan(&["HEAD~1", "--release", "good.tar"]);
    assert!(code == 0 && text.contains("0 high, 0 warn, 0 note"), "{text}");

    for (arguments, code, words) in [
        (&["HEAD~1..HEAD", "--release", "good.tar"][..], 2, "is a range"),
        (&["--release", "good.tar", "--commits"], 2, "--commits"),
        (&["--release", "r/CMakeLists.txt"], 4, "it is no tar, tar.gz, tar.xz or zip"),
        (&["--release", "gone.tar"], 4, "gone.tar"),
        (&["nowhere", "--release", "good.tar"], 4, "names no commit"),
    ] {
        let (found, text) = repo.scan(arguments);
        assert!(found == code && text.contains(words), "{arguments:?}: {text}");
    }
    let out = run("tar", &["-cPf", "../out.tar", "--transform", "s,^,../,", "configure.ac"], &repo.at(), 0);
    if out.status.success() {
        let (code, text) = repo.scan(&["--release", "out.tar"]);
        assert!(code == 4 && text.contains("'../configure.ac' leads out of the archive"), "{text}");
    }
}

/// What was done to xz: a macro, a generated script, a changed file, and a probe that cannot compile.
#[test]
fn what_only_the_release_has_is_found() {
    let (mut repo, _) = project();
    repo.put("src/b.c", "int b;\n");
    repo.commit(ADA, "Later");
    let release = repo.folder.path().join("xz-1.0");
    repo.git(&["worktree", "add", "-q", "--detach", release.to_str().unwrap(), "HEAD"]);
    std::fs::remove_file(release.join(".git")).unwrap();
    let write = |path: &str, text: &str| {
        std::fs::create_dir_all(release.join(path).parent().unwrap()).unwrap();
        std::fs::write(release.join(path), text).unwrap();
    };
    write("m4/build-to-host.m4", "AC_DEFUN([gl_BUILD_TO_HOST])\n");
    write("configure", "#!/bin/sh\n");
    write("src/b.c", "int b2;\n");
    write("doc/api.html", "<p>\n");
    write(
        "CMakeLists.txt",
        "check_c_source_compiles(\"\n#include <a.h>\n.\nint main(void) { return 0; }\n\"\nHAVE_A)\n",
    );
    std::fs::remove_file(release.join("tests/a.c")).unwrap();
    let tar = run("tar", &["-czf", "bad.tar.gz", "xz-1.0"], repo.folder.path(), 0);
    if !tar.status.success() {
        println!("skipped: there is no tar program");
        return;
    }
    let (code, text) = repo.scan(&["--release", "bad.tar.gz", "--from", "note", "--sarif", "f.sarif"]);
    assert_eq!(code, 1, "{text}");
    for line in [
        "m4/build-to-host.m4: block [release-differs] a file that the tree does not have",
        "configure: block [release-differs] a file that the tree does not have",
        "CMakeLists.txt: block [release-differs] differs from the tree",
        "CMakeLists.txt:3:1: high [probe-broken] a lone '.'",
        "src/b.c: high [release-file-differs] differs from the tree",
        "doc/api.html: warn [release-text-differs]",
        "tests/a.c: note [release-file-missing]",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("a-link.c") && !text.contains("src/a.c"), "{text}");
    assert!(std::fs::read_to_string(repo.folder.path().join("f.sarif")).unwrap().contains("m4/build-to-host.m4"));
    // Generated files are accepted one by one, each with its reason.
    let entry = |path: &str| {
        format!("[[allow]]\nrule = \"release-differs\"\npath = \"{path}\"\nreason = \"made by autoconf 2.72\"\n")
    };
    std::fs::write(repo.folder.path().join("allow.toml"), format!("version = 1\n{}", entry("configure"))).unwrap();
    let (code, text) = repo.scan(&["--release", "bad.tar.gz", "--allow", "allow.toml", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, report["counts"]["block"].as_u64()), (1, Some(2)), "{text}");
    let configure =
        report["findings"].as_array().unwrap().iter().find(|found| found["path"] == "configure").unwrap().clone();
    assert_eq!(configure["exempt"], "allowed: made by autoconf 2.72");
    assert!(report["subject"].as_str().unwrap().starts_with("bad.tar.gz (SHA-256 "));
}
