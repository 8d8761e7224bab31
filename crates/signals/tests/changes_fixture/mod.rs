//! Git repositories made for a test, by the git program itself.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use standstill_signals::changes::table::Table;
use standstill_signals::changes::walk::{self, Options, Walked};
use standstill_signals::changes::{ChangesError, ClassTable, Identities, Method};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// First date of a fixture: 2025-01-01.
pub(crate) const START: i64 = 1_735_689_600;
pub(crate) const ADA: (&str, &str) = ("Ada", "ada@example.org");
pub(crate) const BOB: (&str, &str) = ("Bob", "bob@example.org");
pub(crate) const CLAUDE: (&str, &str) = ("Claude", "noreply@anthropic.com");

pub(crate) struct Repo {
    pub(crate) dir: tempfile::TempDir,
    clock: i64,
}

/// Runs git without any configuration of the machine.
pub(crate) fn git_in(dir: &Path, arguments: &[&str], envs: &[(&str, &str)]) -> String {
    let out = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("HOME", dir)
        .envs(envs.iter().copied())
        .output()
        .unwrap();
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}

/// Added and removed lines by commit.
pub(crate) type Counts = BTreeMap<String, (u64, u64)>;

/// The counts of `git log --numstat`; `options` go before the command and after it. Binary files have "-" in both places, and no lines.
pub(crate) fn numstat(dir: &Path, before: &[&str], after: &[&str]) -> Counts {
    let text = git_in(dir, &[before, &["log", "--numstat", "--format=commit %H"], after].concat(), &[]);
    let mut out = Counts::new();
    let mut id = String::new();
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("commit ") {
            id = found.to_owned();
            out.insert(id.clone(), (0, 0));
        } else if let Some((added, rest)) = line.split_once('\t') {
            let sum = out.get_mut(&id).unwrap();
            sum.0 += added.parse::<u64>().unwrap_or(0);
            sum.1 += rest.split('\t').next().unwrap().parse::<u64>().unwrap_or(0);
        }
    }
    out
}

/// The counts of a table.
pub(crate) fn counted(table: &Table) -> Counts {
    table.rows.iter().map(|row| (row.id.clone(), row.lines())).collect()
}

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self { dir: tempfile::tempdir().unwrap(), clock: START };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.path(), arguments, &[])
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    /// Commits everything one day after the last commit; gives the id.
    pub(crate) fn commit(&mut self, author: (&str, &str), message: &str) -> String {
        self.commit_by(author, author, message, &[])
    }

    pub(crate) fn commit_by(
        &mut self,
        author: (&str, &str),
        committer: (&str, &str),
        message: &str,
        more: &[&str],
    ) -> String {
        self.clock += 86_400;
        let date = format!("{} +0000", self.clock);
        self.git(&["add", "-A"]);
        let mut arguments = vec!["commit", "-q", "--allow-empty", "-m", message];
        arguments.extend(more);
        let envs = [
            ("GIT_AUTHOR_NAME", author.0),
            ("GIT_AUTHOR_EMAIL", author.1),
            ("GIT_COMMITTER_NAME", committer.0),
            ("GIT_COMMITTER_EMAIL", committer.1),
            ("GIT_AUTHOR_DATE", date.as_str()),
            ("GIT_COMMITTER_DATE", date.as_str()),
        ];
        git_in(self.path(), &arguments, &envs);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn note(&self, commit: &str, text: &str) {
        let file = self.dir.path().join(".git/note");
        std::fs::write(&file, text).unwrap();
        let envs = [
            ("GIT_AUTHOR_NAME", "n"),
            ("GIT_AUTHOR_EMAIL", "n@n"),
            ("GIT_COMMITTER_NAME", "n"),
            ("GIT_COMMITTER_EMAIL", "n@n"),
        ];
        git_in(self.path(), &["notes", "--ref", "ai", "add", "-f", "-F", file.to_str().unwrap(), commit], &envs);
    }
}

/// What a test varies.
pub(crate) struct Walk {
    pub(crate) method: Method,
    pub(crate) map: Option<String>,
    pub(crate) marks: Option<String>,
    pub(crate) threads: usize,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) head: Option<String>,
    pub(crate) traces: Option<Vec<u8>>,
    pub(crate) envelopes: Vec<(String, Vec<u8>)>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            method: Method::default(),
            map: None,
            marks: None,
            threads: 1,
            cache: None,
            head: None,
            traces: None,
            envelopes: Vec::new(),
        }
    }
}

impl Walk {
    pub(crate) fn try_run(&self, path: &Path) -> Result<(Walked, Method), ChangesError> {
        let marks = self.marks.as_deref().unwrap_or(Identities::builtin_text());
        let identities = Identities::with_marks(marks, self.map.as_deref().map(|map| ("ids.toml", map)))?;
        let classes = ClassTable::builtin()?;
        let method = walk::bind(&self.method, &classes, &identities);
        let options = Options {
            identities: &identities,
            classes: &classes,
            method: &method,
            head: self.head.as_deref(),
            threads: self.threads,
            cache: self.cache.as_deref(),
            traces: self.traces.as_deref(),
            envelopes: &self.envelopes,
            progress: &|_, _| {},
        };
        Ok((walk::walk(path, &options)?, method))
    }

    pub(crate) fn run(&self, path: &Path) -> (Walked, Method) {
        self.try_run(path).unwrap()
    }

    pub(crate) fn record(&self, path: &Path) -> standstill_signals::changes::Record {
        let (walked, method) = self.run(path);
        let table = walked.table.to_bytes().unwrap();
        standstill_signals::changes::recompute(&standstill_signals::changes::Inputs { method, table, runs: None })
            .unwrap()
    }
}
