//! A small HTTP/1.1 client for one connection: as little processor time as possible, so that the server is what is measured.

use crate::error::NodeError;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest response that is read, in bytes.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// One kept connection.
pub(super) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

/// A response: its status, and where its body lies in the connection's buffer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body_bytes: usize,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, NodeError> {
        let stream = TcpStream::connect(address).await.map_err(NodeError::io("connect to", address))?;
        stream.set_nodelay(true).map_err(NodeError::io("set up", address))?;
        Ok(Self { stream, out: Vec::new(), buffer: Vec::new() })
    }

    /// Sends one request and reads the whole response.
    pub(super) async fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response, NodeError> {
        self.out.clear();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n", body.len());
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(body);
        self.stream.write_all(&self.out).await.map_err(NodeError::io("send to", "the log"))?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.map_err(NodeError::io("read from", "the log"))?;
            if let Some((response, total)) = parse(&self.buffer)?
                && self.buffer.len() >= total
            {
                return Ok(response);
            }
            if read == 0 || self.buffer.len() > MAX_RESPONSE_BYTES {
                return Err(NodeError::Broken("the log ended the connection before its answer was whole".to_owned()));
            }
        }
    }

    /// Body of the last response.
    pub(super) fn body(&self, response: &Response) -> &[u8] {
        &self.buffer[self.buffer.len() - response.body_bytes..]
    }
}

fn length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(": ")?;
    value.parse().ok().filter(|_| name.eq_ignore_ascii_case("content-length"))
}

/// Status, body length and whole length of a response whose head is complete.
fn parse(bytes: &[u8]) -> Result<Option<(Response, usize)>, NodeError> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let malformed = || NodeError::Broken("the log's answer is not HTTP/1.1 with a length".to_owned());
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
    let length = head.lines().find_map(length);
    let body_bytes = length.ok_or_else(malformed)?;
    Ok(Some((Response { status, body_bytes }, end + 4 + body_bytes)))
}
