//! Reads a repository through the `git` program: plumbing commands only, with hooks, filters, pagers and external diffs off, so that a
//! hostile repository runs nothing. Nothing is written to it.

use crate::exit::{CliError, CliResult};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Most commits in a range.
const MAX_COMMITS: usize = 200_000;
/// Largest output of one command, in bytes.
const MAX_OUTPUT_BYTES: u64 = 2 << 30;
/// Largest object that is read, in bytes.
const MAX_OBJECT_BYTES: u64 = 256 << 20;
/// The empty tree has the same content everywhere; git knows it without storing it.
const EMPTY_TREE: [&str; 2] =
    ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"];

/// A repository.
pub(super) struct Git {
    root: PathBuf,
    sha256: bool,
}

/// Two ends of a range, as commit ids.
pub(super) struct Range {
    /// `None`: before the first commit.
    pub(super) from: Option<String>,
    /// Included.
    pub(super) to: String,
}

/// A file that differs.
pub(super) struct Changed {
    /// Path from the root.
    pub(super) path: String,
    /// Object before.
    pub(super) old: Option<String>,
    /// Object after.
    pub(super) new: Option<String>,
    /// One of the two is a submodule.
    pub(super) submodule: bool,
}

/// An entry of a tree.
pub(super) struct Leaf {
    /// Path from the root.
    pub(super) path: String,
    /// Object.
    pub(super) id: String,
    /// Mode in octal: `100644`, `100755`, `120000` for a link, `160000` for a submodule.
    pub(super) mode: String,
}

/// A commit that is not a merge.
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) parents: Vec<String>,
    pub(super) author_name: String,
    pub(super) author_address: String,
    pub(super) author_unix_seconds: i64,
    pub(super) committer_unix_seconds: i64,
    pub(super) message: String,
    /// Lines added, as `git` counts them.
    pub(super) added: u64,
    pub(super) changed: Vec<Changed>,
}

impl Git {
    /// Opens the repository that a folder belongs to.
    ///
    /// # Errors
    /// No repository, or no git.
    pub(super) fn open(path: &Path) -> CliResult<Self> {
        let mut git = Self { root: path.to_owned(), sha256: false };
        let format = git.text(&["rev-parse", "--show-object-format"])?;
        git.sha256 = format.trim() == "sha256";
        Ok(git)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"]);
        command.arg("--no-pager").arg("-C").arg(&self.root).args(arguments);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(name);
        }
        // Missing objects are reported, never fetched; replacement refs would show another history than the ids say.
        for (name, value) in
            [("GIT_OPTIONAL_LOCKS", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_NO_REPLACE_OBJECTS", "1"), ("LC_ALL", "C")]
        {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, command: &mut Command) -> CliResult<Child> {
        command.spawn().map_err(|error| {
            CliError::unreadable(format!("cannot run git: {error}; install git, or scan a folder without a range"))
        })
    }

    fn bytes(&self, arguments: &[&str]) -> CliResult<Vec<u8>> {
        let mut child = self.start(&mut self.command(arguments))?;
        let errors = child.stderr.take().map(|pipe| {
            std::thread::spawn(move || {
                let mut text = String::new();
                // What cannot be read here only shortens the message.
                let _ = pipe.take(1 << 14).read_to_string(&mut text);
                text
            })
        });
        let mut out = Vec::new();
        let fail = |error: std::io::Error| CliError::unreadable(format!("git: {error}"));
        if let Some(pipe) = child.stdout.take() {
            pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut out).map_err(fail)?;
        }
        let status = child.wait().map_err(fail)?;
        let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if out.len() as u64 > MAX_OUTPUT_BYTES {
            return Err(CliError::unreadable("the range is too long for one scan; scan it in parts"));
        }
        if status.success() {
            return Ok(out);
        }
        let said = said.lines().next().unwrap_or("it gave no reason").to_owned();
        Err(CliError::unreadable(format!("{}: git {}: {said}", self.root.display(), arguments.first().unwrap_or(&""))))
    }

    fn text(&self, arguments: &[&str]) -> CliResult<String> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments)?).into_owned())
    }

    /// The commit of a name.
    ///
    /// # Errors
    /// A name that is none.
    pub(super) fn commit(&self, name: &str) -> CliResult<String> {
        let peeled = format!("{name}^{{commit}}");
        let id = self.text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]).map_err(|_| {
            CliError::unreadable(format!(
                "{}: '{name}' names no commit; write A..B, A...B or one commit",
                self.root.display()
            ))
        })?;
        Ok(id.trim().to_owned())
    }

    /// Reads `A..B`, `A...B` (from where they part), or one commit (against its first parent).
    ///
    /// # Errors
    /// An end that names no commit.
    pub(super) fn range(&self, text: &str) -> CliResult<Range> {
        let named = |name: &str| if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() };
        if let Some((from, to)) = text.split_once("...") {
            let (from, to) = (self.commit(&named(from))?, self.commit(&named(to))?);
            let base = self.text(&["merge-base", &from, &to])?;
            return Ok(Range { from: Some(base.trim().to_owned()), to });
        }
        if let Some((from, to)) = text.split_once("..") {
            return Ok(Range { from: Some(self.commit(&named(from))?), to: self.commit(&named(to))? });
        }
        let to = self.commit(text)?;
        let line = self.text(&["rev-list", "--parents", "-n", "1", &to])?;
        Ok(Range { from: line.split_whitespace().nth(1).map(str::to_owned), to })
    }

    /// Whether one commit is the other or before it. A commit that is not here is not.
    ///
    /// # Errors
    /// When git cannot be run.
    pub(super) fn is_ancestor(&self, first: &str, second: &str) -> CliResult<bool> {
        let mut command = self.command(&["merge-base", "--is-ancestor", first, second]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.map_err(|error| CliError::unreadable(format!("cannot run git: {error}; install git")))?;
        Ok(status.success())
    }

    /// Commits of a range's history that a commit includes; `None` when it is not here.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn reached(&self, commit: &str, range: &Range) -> CliResult<Option<Vec<String>>> {
        let Ok(commit) = self.commit(commit) else { return Ok(None) };
        let not = range.from.as_ref().map(|from| format!("^{from}"));
        let mut arguments = vec!["rev-list", "--no-merges", &commit];
        arguments.extend(not.as_deref());
        arguments.push("--");
        Ok(Some(self.text(&arguments)?.lines().map(str::to_owned).collect()))
    }

    /// Files that differ between two commits.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn changes(&self, from: Option<&str>, to: &str) -> CliResult<Vec<Changed>> {
        let from = from.unwrap_or(EMPTY_TREE[usize::from(self.sha256)]);
        let out = self.bytes(&[
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            from,
            to,
        ])?;
        let mut parts = out.split(|byte| *byte == 0);
        let mut changed = Vec::new();
        while let Some(head) = parts.next().filter(|head| !head.is_empty()) {
            changed.push(raw(&String::from_utf8_lossy(head), parts.next().unwrap_or_default())?);
        }
        Ok(changed)
    }

    /// All files, links and submodules of a commit's tree.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn tree(&self, commit: &str) -> CliResult<Vec<Leaf>> {
        let out = self.bytes(&["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let leaf = |line: &[u8]| {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            let head = String::from_utf8_lossy(&line[..tab]);
            let mut words = head.split(' ');
            let (mode, _, id) = (words.next()?, words.next()?, words.next()?);
            let path = String::from_utf8_lossy(&line[tab + 1..]).into_owned();
            Some(Leaf { path, id: id.to_owned(), mode: mode.to_owned() })
        };
        let lines = out.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let leaves: Option<Vec<Leaf>> = lines.map(leaf).collect();
        leaves.ok_or_else(|| CliError::unreadable("git ls-tree wrote a line that is not known"))
    }

    /// Commits of a range that are not merges, oldest first: parents before children, else by committer date.
    ///
    /// # Errors
    /// When git fails, or there are too many.
    pub(super) fn commits(&self, range: &Range) -> CliResult<Vec<Commit>> {
        let not = range.from.as_ref().map(|from| format!("^{from}"));
        let mut arguments = vec!["--numstat", &range.to];
        arguments.extend(not.as_deref());
        self.log(&arguments)
    }

    /// The newest `most` commits that a commit reaches and that are not merges, oldest first; without counts of lines.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn earlier(&self, to: &str, most: usize) -> CliResult<Vec<Commit>> {
        self.log(&[&format!("--max-count={most}"), to])
    }

    fn log(&self, more: &[&str]) -> CliResult<Vec<Commit>> {
        let mut arguments = vec![
            "log",
            "-z",
            "--no-merges",
            "--date-order",
            "--reverse",
            "--no-show-signature",
            "--no-renames",
            "-r",
            "--raw",
            "--no-abbrev",
            "--no-ext-diff",
            "--no-textconv",
            "--root",
            "--no-mailmap",
            "--encoding=UTF-8",
            "--format=%x02%H%x01%P%x01%an%x01%ae%x01%at%x01%ct%x01%B%x03",
        ];
        arguments.extend(more);
        arguments.push("--");
        let out = self.bytes(&arguments)?;
        let mut commits = Vec::new();
        // A message may hold any byte but NUL; the head of a commit starts at a NUL or the first byte, then \x02.
        let mut parts = out.split(|byte| *byte == 0).peekable();
        while let Some(part) = parts.next() {
            if part.first() == Some(&2) {
                if commits.len() >= MAX_COMMITS {
                    return Err(CliError::unreadable(format!(
                        "the range has more than {MAX_COMMITS} commits; scan it in parts"
                    )));
                }
                commits.push(head(&String::from_utf8_lossy(part))?);
                continue;
            }
            let Some(commit) = commits.last_mut() else { continue };
            // git puts a line feed between the message and the first file.
            let part = part.strip_prefix(b"\n").unwrap_or(part);
            if part.first() == Some(&b':') {
                commit.changed.push(raw(&String::from_utf8_lossy(part), parts.next().unwrap_or_default())?);
            } else if let Some(added) = part.split(|byte| *byte == b'\t').next() {
                commit.added += std::str::from_utf8(added).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        Ok(commits)
    }

    /// A reader of objects; one process for all of them.
    ///
    /// # Errors
    /// When git cannot be run.
    pub(super) fn blobs(&self) -> CliResult<Blobs> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child = self.start(command.stdin(Stdio::piped()).stderr(Stdio::null()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(answer)) => Ok(Blobs { child, ask: Some(ask), answer: BufReader::new(answer) }),
            _ => Err(CliError::bug("git was started without pipes")),
        }
    }
}

/// `:oldmode newmode old new status` and a path.
fn raw(head: &str, path: &[u8]) -> CliResult<Changed> {
    let mut words = head.trim_start_matches(':').split(' ');
    let (Some(old_mode), Some(new_mode), Some(old), Some(new)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(CliError::unreadable(format!("git wrote a line that is not known: '{head}'")));
    };
    let object = |mode: &str, id: &str| (mode.bytes().any(|digit| digit != b'0')).then(|| id.to_owned());
    Ok(Changed {
        path: String::from_utf8_lossy(path).into_owned(),
        old: object(old_mode, old),
        new: object(new_mode, new),
        submodule: old_mode == "160000" || new_mode == "160000",
    })
}

fn head(text: &str) -> CliResult<Commit> {
    let inner = text.trim_start_matches('\u{2}');
    let inner = inner.rsplit_once('\u{3}').map_or(inner, |(inner, _)| inner);
    let fields: Vec<&str> = inner.splitn(7, '\u{1}').collect();
    let [id, parents, name, address, authored, committed, message] = fields[..] else {
        return Err(CliError::unreadable(
            "git wrote a commit that is not known; its author's name holds control characters",
        ));
    };
    let seconds = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
    Ok(Commit {
        id: id.to_owned(),
        parents: parents.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        author_name: name.to_owned(),
        author_address: address.to_owned(),
        author_unix_seconds: seconds(authored),
        committer_unix_seconds: seconds(committed),
        message: message.to_owned(),
        added: 0,
        changed: Vec::new(),
    })
}

/// Objects, one after the other.
pub(super) struct Blobs {
    child: Child,
    ask: Option<ChildStdin>,
    answer: BufReader<ChildStdout>,
}

impl Blobs {
    /// The bytes of an object; `None` when the repository lacks it.
    ///
    /// # Errors
    /// When git stops, or the object is larger than any file that a scan reads.
    pub(super) fn get(&mut self, id: &str) -> CliResult<Option<Vec<u8>>> {
        let fail = |error: std::io::Error| CliError::unreadable(format!("git cat-file: {error}"));
        let Some(ask) = &mut self.ask else { return Err(CliError::bug("the reader of objects was closed")) };
        writeln!(ask, "{id}").and_then(|()| ask.flush()).map_err(fail)?;
        let mut line = String::new();
        self.answer.read_line(&mut line).map_err(fail)?;
        let mut words = line.split_whitespace();
        let (Some(_), Some(kind), Some(size)) = (words.next(), words.next(), words.next()) else { return Ok(None) };
        let size: u64 = size.parse().map_err(|_| CliError::unreadable(format!("git cat-file: '{}'", line.trim())))?;
        if size > MAX_OBJECT_BYTES {
            return Err(CliError::unreadable(format!(
                "object {id} ({kind}) has {size} bytes; at most {MAX_OBJECT_BYTES} are read"
            )));
        }
        let mut bytes = Vec::new();
        (&mut self.answer).take(size).read_to_end(&mut bytes).map_err(fail)?;
        let mut end = [0];
        self.answer.read_exact(&mut end).map_err(fail)?;
        Ok(Some(bytes))
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // Closing its input ends the process.
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}
