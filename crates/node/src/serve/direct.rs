//! One kind of request answered without the general HTTP machinery: `POST` to one path with a short body, over HTTP/1.1.
//!
//! A profile of the log's server showed 13 of its 36 microseconds beside the signature check in the general machinery. What is read here is
//! one narrow form: `POST <path> HTTP/1.1`, one `Content-Length`, no transfer coding, no expectation, nothing about the connection but
//! keeping it. A connection that brings anything else, malformed requests included, is handed to hyper with every byte that was not yet
//! answered, and stays there. So there is one judge of what HTTP is; this one only recognises what both read alike (RFC 9112, section 6.3).

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

/// Longest request head that is read here, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Most header fields that are read here.
const MAX_FIELDS: usize = 32;
/// Room of a connection's buffer at rest, in bytes.
const ROOM_BYTES: usize = 2 * 1024;

/// An answer, later.
pub(crate) type LaterAnswer<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What answers these requests.
pub(crate) trait Direct: Send + Sync + 'static {
    /// The path, as in the request line.
    fn path(&self) -> &'static str;
    /// Longest body that is taken here, in bytes; longer ones go the general way.
    fn max_body_bytes(&self) -> usize;
    /// Longest time for a body to arrive.
    fn body_patience(&self) -> Duration;
    /// Answers one request.
    fn answer(&self, body: Vec<u8>) -> LaterAnswer<'_>;
    /// The answer to a body that did not arrive in time; the connection ends with it.
    fn late(&self) -> Answer;
}

/// A response that no cache may keep.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// `Content-Type`.
    pub(crate) kind: &'static str,
    /// Further header fields.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Body.
    pub(crate) body: String,
}

/// How a connection went on.
pub(super) enum Outcome {
    /// It ended.
    Over,
    /// It brought something else: the stream, and what was read of it and not answered.
    Other(TcpStream, Vec<u8>),
}

/// A request whose head is complete.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    head_bytes: usize,
    body_bytes: usize,
}

/// What the bytes at the beginning of a connection, or behind a request, are.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The beginning of what may be such a request.
    Part,
    /// Such a request; its body may still be on its way.
    Request(Head),
    /// Something else.
    Other,
}

/// Looks for a request of the one form at the beginning of `bytes`.
fn look(bytes: &[u8], path: &str, max_body_bytes: usize) -> Seen {
    let line = [b"POST ", path.as_bytes(), b" HTTP/1.1\r\n"];
    let mut rest = bytes;
    for part in line {
        let known = part.len().min(rest.len());
        if rest[..known] != part[..known] {
            return Seen::Other;
        }
        rest = &rest[known..];
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let head_bytes = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD_BYTES => return Seen::Part,
        _ => return Seen::Other,
    };
    match body_length(request.headers).filter(|length| *length <= max_body_bytes) {
        Some(body_bytes) => Seen::Request(Head { head_bytes, body_bytes }),
        None => Seen::Other,
    }
}

/// The length of the body when the fields leave no doubt about it; `None` for whatever needs more thought.
fn body_length(fields: &[httparse::Header<'_>]) -> Option<usize> {
    let mut length = None;
    for field in fields {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let digits = field.value.len() <= 9 && field.value.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(field.value).ok().filter(|_| digits && length.is_none())?;
            length = Some(text.parse().ok()?);
        } else if is("connection") {
            field.value.eq_ignore_ascii_case(b"keep-alive").then_some(())?;
        } else if is("transfer-encoding") || is("expect") || is("upgrade") || is("te") || is("trailer") {
            return None;
        }
    }
    length
}

/// Serves a connection until it ends or brings something else.
pub(super) async fn serve(
    mut stream: TcpStream,
    direct: &Arc<dyn Direct>,
    head_patience: Duration,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let (mut buffer, mut out) = (Vec::with_capacity(ROOM_BYTES), Vec::new());
    let mut clock = Deadline::new(head_patience);
    loop {
        let head = match look(&buffer, direct.path(), direct.max_body_bytes()) {
            Seen::Other => return Outcome::Other(stream, buffer),
            Seen::Request(head) => head,
            Seen::Part => {
                let more = tokio::select! {
                    biased;
                    read = stream.read_buf(&mut buffer) => read.is_ok_and(|count| count > 0),
                    () = clock.passed() => false,
                    _ = stop.wait_for(|stop| *stop), if buffer.is_empty() => false,
                };
                if more {
                    continue;
                }
                return Outcome::Over;
            }
        };
        let whole = head.head_bytes + head.body_bytes;
        if buffer.len() < whole {
            clock.restart(direct.body_patience(), true);
            while buffer.len() < whole {
                let more = tokio::select! {
                    biased;
                    read = stream.read_buf(&mut buffer) => read.is_ok_and(|count| count > 0),
                    () = clock.passed() => {
                        write(&mut out, &direct.late(), true);
                        let _ = stream.write_all(&out).await;
                        false
                    }
                };
                if !more {
                    return Outcome::Over;
                }
            }
        }
        let body = buffer[head.head_bytes..whole].to_vec();
        let answer = direct.answer(body).await;
        let last = *stop.borrow();
        write(&mut out, &answer, last);
        if stream.write_all(&out).await.is_err() || last {
            return Outcome::Over;
        }
        buffer.drain(..whole);
        if buffer.capacity() > 4 * ROOM_BYTES && buffer.is_empty() {
            buffer = Vec::with_capacity(ROOM_BYTES);
        }
        clock.restart(head_patience, false);
    }
}

/// A deadline that moves with every request, over one timer that is only set anew when it goes off or would go off too late.
struct Deadline {
    at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    fn new(after: Duration) -> Self {
        let at = Instant::now() + after;
        Self { at, timer: Box::pin(tokio::time::sleep_until(at)) }
    }

    fn restart(&mut self, after: Duration, exact: bool) {
        let at = Instant::now() + after;
        self.at = at;
        if exact || self.timer.deadline() > at {
            self.timer.as_mut().reset(at);
        }
    }

    async fn passed(&mut self) {
        loop {
            self.timer.as_mut().await;
            if Instant::now() >= self.at {
                return;
            }
            self.timer.as_mut().reset(self.at);
        }
    }
}

/// Writes a response, with the same fields that hyper and the router give it.
fn write(out: &mut Vec<u8>, answer: &Answer, last: bool) {
    use std::io::Write as _;
    out.clear();
    let reason = axum::http::StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncache-control: no-store\r\n",
        answer.status,
        reason.unwrap_or("-"),
        answer.kind
    );
    for (name, value) in &answer.fields {
        let _ = write!(out, "{name}: {value}\r\n");
    }
    if last {
        out.extend_from_slice(b"connection: close\r\n");
    }
    let _ = write!(out, "content-length: {}\r\n", answer.body.len());
    extend_with_date(out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(answer.body.as_bytes());
}

/// The `Date` field (RFC 9110, section 6.6.1), formatted once a second on each thread.
fn extend_with_date(out: &mut Vec<u8>) {
    use std::cell::RefCell;
    thread_local! {
        static LAST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    LAST.with_borrow_mut(|(of, text)| {
        if *of != second || text.is_empty() {
            *of = second;
            text.clear();
            let _ = write!(text, "date: {}\r\n", httpdate::HttpDate::from(now));
        }
        out.extend_from_slice(text.as_bytes());
    });
}

#[cfg(test)]
mod tests;
