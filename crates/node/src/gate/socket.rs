//! Slurm's side: one request and one answer for each connection (`standstill_gate::slurm::hook` is the other end).

use super::desk::{Desk, Question, Told};
use super::metrics::Metrics;
use crate::error::NodeError;
use standstill_gate::Terms;
use standstill_gate::job::MAX_JOB_BYTES;
use standstill_gate::journal::id_in_comment;
use standstill_gate::slurm::Request;
use standstill_statement::{GatePoint, Name};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Longest that a request may take to arrive. The asking side gives up after half a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most connections at once.
const CONNECTIONS: usize = 512;

/// What is needed to answer.
#[derive(Debug)]
pub struct Socket {
    /// The desk.
    pub desk: Desk,
    /// Terms.
    pub terms: Terms,
    /// Cluster.
    pub cluster: Name,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// Takes the place of a socket that an earlier run left, and of nothing else.
///
/// # Errors
/// [`NodeError::Io`] when something else is there, or another gate answers at that place.
pub fn listen(path: &Path, mode: u32) -> Result<UnixListener, NodeError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(NodeError::io("make folder", parent.display()))?;
    }
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                let problem = std::io::Error::new(std::io::ErrorKind::AddrInUse, "another gate answers there");
                return Err(NodeError::io("listen on", path.display())(problem));
            }
            std::fs::remove_file(path).map_err(NodeError::io("remove the old socket", path.display()))?;
        }
        Ok(_) => {
            let problem =
                std::io::Error::new(std::io::ErrorKind::AlreadyExists, "something that is no socket is there");
            return Err(NodeError::io("listen on", path.display())(problem));
        }
        Err(_) => {}
    }
    // Bound under another name and moved when its mode is set, so that nobody connects in between.
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let listener = UnixListener::bind(&new).map_err(NodeError::io("listen on", path.display()))?;
    let set = std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode));
    set.and_then(|()| std::fs::rename(&new, path)).map_err(NodeError::io("listen on", path.display()))?;
    Ok(listener)
}

impl Socket {
    /// Answers until the task is ended.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let this = Arc::clone(&self);
                    tokio::spawn(async move {
                        let _ = tokio::time::timeout(PATIENCE, this.converse(stream)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    async fn converse(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.split();
        let mut line = Vec::new();
        BufReader::new(reading.take(MAX_JOB_BYTES as u64 + 1)).read_until(b'\n', &mut line).await?;
        let answer = self.answer(&line).await;
        writing.write_all(answer.as_bytes()).await
    }

    /// The answer to one line.
    pub async fn answer(&self, line: &[u8]) -> String {
        let Some(line) = line.strip_suffix(b"\n") else {
            self.metrics.unreadable();
            return "deny the gate could not read the request\n".to_owned();
        };
        let request = match Request::from_line(line) {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(%error, "a request cannot be read");
                self.metrics.unreadable();
                return "deny the gate could not read the request; plugin and gate may be of different versions\n"
                    .to_owned();
            }
        };
        let mut question = Question::new(request.job(&self.terms, &self.cluster));
        question.noted = request.admin_comment.as_deref().and_then(id_in_comment).map(str::to_owned);
        question.own = request.job_id.filter(|_| request.point != GatePoint::Submit).map(|id| id.to_string());
        if request.point == GatePoint::Modify {
            // The administrator's comment of a change is what somebody wants it to be.
            question.noted = None;
        }
        let Some(told) = self.desk.ask(question).await else {
            return "deny the gate is overrun; submit again\n".to_owned();
        };
        line_of(&told)
    }
}

fn line_of(told: &Told) -> String {
    match &told.decision {
        None => "pass\n".to_owned(),
        Some(decision) if decision.allows() && told.id.is_empty() => "pass\n".to_owned(),
        Some(decision) if decision.allows() => format!("allow {}\n", told.id),
        Some(decision) => {
            let mark = if told.id.is_empty() { String::new() } else { format!(" [decision {}]", told.id) };
            format!("deny {}{mark}\n", decision.sentence)
        }
    }
}
