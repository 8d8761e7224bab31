//! The asking side: what Slurm's plugin and its start hook do, within a bounded time, and what they answer when no gate does.
//!
//! ```text
//! -> {"point":"submit","user_id":1001,...}\n
//! <- allow 0123456789abcdef01234567\n      the job may start; this goes into its admin comment
//! <- pass\n                                the job is not covered; nothing is recorded
//! <- deny <sentence>\n                     it may not
//! ```
//! One request and one answer for each connection. Anything else, and no answer in time, is no answer.

use super::request::Request;
use crate::error::GateError;
use crate::job::MAX_JOB_BYTES;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Longest answer, in bytes.
const MAX_ANSWER_BYTES: u64 = 4096;
/// Longest that a hook waits whatever the configuration says: Slurm's controller holds its locks meanwhile.
const MAX_WAIT_MILLISECONDS: u64 = 500;

/// Configuration of plugin and start hook (TOML).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookConfig {
    /// The gate's socket.
    #[serde(default = "default_socket")]
    pub socket: PathBuf,
    /// Longest wait for an answer, in milliseconds; 500 at most.
    #[serde(default = "default_wait")]
    pub wait_milliseconds: u64,
    /// Partitions without accelerators: their jobs start without a gate.
    #[serde(default)]
    pub plain_partitions: Vec<String>,
    /// Exempt work that starts without a gate, by who does it. Repeat the terms' exemptions here.
    #[serde(default, rename = "open")]
    pub open: Vec<Open>,
}

/// Who may start work without a gate; what is set must fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Account.
    #[serde(default)]
    pub account: Option<String>,
    /// User id.
    #[serde(default)]
    pub user_id: Option<u32>,
}

fn default_socket() -> PathBuf {
    PathBuf::from("/run/standstill/gate.sock")
}

const fn default_wait() -> u64 {
    450
}

impl Default for HookConfig {
    fn default() -> Self {
        Self {
            socket: default_socket(),
            wait_milliseconds: default_wait(),
            plain_partitions: Vec::new(),
            open: Vec::new(),
        }
    }
}

/// What a hook does with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Let it go on, and note this decision.
    Allow(String),
    /// Let it go on; there is nothing to note.
    Pass,
    /// Refuse it.
    Deny(String),
}

impl HookConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`GateError::Terms`] with the line, or when an entry of `open` names nobody.
    pub fn from_toml(text: &str) -> Result<Self, GateError> {
        let config: Self = toml::from_str(text).map_err(|error| GateError::Terms(error.to_string()))?;
        if config.open.iter().any(|open| open.account.is_none() && open.user_id.is_none()) {
            return Err(GateError::Terms(
                "an [[open]] names neither account nor user, so it would open to everybody".to_owned(),
            ));
        }
        Ok(config)
    }

    /// Asks the gate. Never takes longer than the configured wait, and always gives an answer.
    #[must_use]
    pub fn ask(&self, request: &Request) -> Answer {
        let wait = Duration::from_millis(self.wait_milliseconds.min(MAX_WAIT_MILLISECONDS));
        let (tell, told) = mpsc::channel();
        let (socket, line) = (self.socket.clone(), serde_json::to_vec(request).unwrap_or_default());
        // A thread of its own, because connecting to a socket whose queue is full waits without a limit. If it waits, it ends with the gate.
        let started = std::thread::Builder::new().name("standstill-ask".to_owned()).spawn(move || {
            let _ = tell.send(converse(&socket, &line, wait));
        });
        match started.ok().and_then(|_| told.recv_timeout(wait).ok()).flatten() {
            Some(answer) => answer,
            None => self.without_gate(request),
        }
    }

    /// What happens when no gate answers: listed work and work without accelerators goes on, everything else is refused.
    #[must_use]
    pub fn without_gate(&self, request: &Request) -> Answer {
        let fits = |open: &Open| {
            (open.account.is_some() || open.user_id.is_some())
                && open.account.as_ref().is_none_or(|account| request.account.as_ref() == Some(account))
                && open.user_id.is_none_or(|user_id| request.user_id == user_id)
        };
        if !request.may_use_accelerators(&self.plain_partitions) || self.open.iter().any(fits) {
            return Answer::Pass;
        }
        Answer::Deny(
            "the gate of the agreement does not answer, so work with accelerators does not start; tell the operator"
                .to_owned(),
        )
    }
}

fn converse(socket: &Path, line: &[u8], wait: Duration) -> Option<Answer> {
    if line.is_empty() || line.len() > MAX_JOB_BYTES {
        return None;
    }
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    stream.set_write_timeout(Some(wait)).ok()?;
    stream.write_all(&[line, b"\n"].concat()).ok()?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_ANSWER_BYTES)).read_line(&mut answer).ok()?;
    read_answer(&answer)
}

/// Reads an answer; `None` when it is none of the three.
#[must_use]
pub fn read_answer(line: &str) -> Option<Answer> {
    let line = line.strip_suffix('\n')?;
    if line == "pass" {
        return Some(Answer::Pass);
    }
    if let Some(id) = line.strip_prefix("allow ") {
        let legal = id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        return legal.then(|| Answer::Allow(id.to_owned()));
    }
    line.strip_prefix("deny ").map(|sentence| Answer::Deny(crate::printable(sentence)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use standstill_statement::GatePoint;
    use std::os::unix::net::UnixListener;

    fn request(gpus: bool) -> Request {
        let mut request = Request::empty(GatePoint::Submit, 1001);
        request.partition = Some("cpu".to_owned());
        request.account = Some("lab".to_owned());
        request.tres_per_node = gpus.then(|| "gres:gpu:8".to_owned());
        request
    }

    fn config(socket: PathBuf) -> HookConfig {
        HookConfig {
            socket,
            wait_milliseconds: 200,
            plain_partitions: vec!["cpu".to_owned()],
            open: vec![Open { account: Some("serving".to_owned()), user_id: None }],
        }
    }

    /// A gate that answers with these bytes, or closes, or never answers (`None`).
    fn answering(bytes: Option<&'static [u8]>) -> (tempfile::TempDir, HookConfig) {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let mut line = String::new();
                let _ = BufReader::new(&stream).read_line(&mut line);
                match bytes {
                    Some(bytes) => drop(stream.write_all(bytes)),
                    None => open.push(stream),
                }
            }
        });
        (dir, config(socket))
    }

    #[test]
    fn a_gate_that_answers_decides() {
        let id = "0123456789abcdef01234567";
        let (_dir, config) = answering(Some(b"allow 0123456789abcdef01234567\n"));
        assert_eq!(config.ask(&request(true)), Answer::Allow(id.to_owned()));
        let (_dir, config) = answering(Some(b"deny the agreement is PAUSED\n"));
        assert_eq!(config.ask(&request(true)), Answer::Deny("the agreement is PAUSED".to_owned()));
        let (_dir, config) = answering(Some(b"pass\n"));
        assert_eq!(config.ask(&request(true)), Answer::Pass);
    }

    #[test]
    fn no_answer_and_rubbish_refuse_work_with_accelerators_and_nothing_else() {
        let answers: [Option<&'static [u8]>; 8] = [
            None,
            Some(b""),
            Some(b"allow"),
            Some(b"allow x\n"),
            Some(b"allowed\n"),
            Some(b"pass"),
            Some(b"PASS\n"),
            Some(&[0xff; 5000]),
        ];
        for bytes in answers {
            let (_dir, config) = answering(bytes);
            let start = std::time::Instant::now();
            assert!(matches!(config.ask(&request(true)), Answer::Deny(_)), "{bytes:?}");
            assert!(start.elapsed() < Duration::from_millis(500), "{bytes:?} took {:?}", start.elapsed());
            assert_eq!(config.ask(&request(false)), Answer::Pass, "{bytes:?}");
        }
        let down = config(PathBuf::from("/nonexistent/gate.sock"));
        assert!(matches!(down.ask(&request(true)), Answer::Deny(_)));
        let serving = Request { account: Some("serving".to_owned()), ..request(true) };
        assert_eq!(down.ask(&serving), Answer::Pass, "listed work fails open");
        let unlisted = Request { account: None, ..request(true) };
        assert!(matches!(down.ask(&unlisted), Answer::Deny(_)));
    }

    #[test]
    fn configurations() {
        assert_eq!(HookConfig::from_toml("").unwrap(), HookConfig::default());
        assert!(HookConfig::from_toml("[[open]]\n").is_err());
        assert!(HookConfig::from_toml("sockets = 1").is_err());
        let slow = HookConfig { wait_milliseconds: 60_000, ..answering(None).1 };
        let start = std::time::Instant::now();
        assert!(matches!(slow.ask(&request(true)), Answer::Deny(_)));
        assert!(start.elapsed() < Duration::from_millis(900));
    }
}
