//! The load: a chain of signed statements, and many connections that send them or read tiles.

use super::client::Connection;
use crate::error::NodeError;
use standstill_statement::{Body, Hash32, Header, Heartbeat, Name, SigningKey, Statement};
use standstill_tlog::tile::{Kind, TileId};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Statements signed beforehand: heartbeats, the smallest statements that there are.
pub(super) struct Load {
    statements: Arc<Vec<Vec<u8>>>,
    /// Key that signed them, for the limits.
    pub(super) key: standstill_statement::PublicKey,
}

/// How long things took.
pub(super) struct Timing {
    pub(super) count: usize,
    pub(super) elapsed: Duration,
    /// Latencies in microseconds, sorted.
    pub(super) latencies: Vec<u32>,
}

impl Timing {
    /// Number per second.
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Latency in milliseconds that this part of the requests stayed below.
    pub(super) fn percentile_milliseconds(&self, per_mille: usize) -> f64 {
        let place = (self.latencies.len() * per_mille / 1000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(place).map_or(0.0, |latency| f64::from(*latency) / 1000.0)
    }
}

impl Load {
    /// Signs a chain of this many statements.
    pub(super) fn prepare(key: &SigningKey, agreement: Hash32, count: usize) -> Result<Self, NodeError> {
        let issuer = Name::new("bench").map_err(|error| NodeError::Broken(error.to_string()))?;
        let (mut statements, mut previous) = (Vec::with_capacity(count), None);
        for sequence in 0..count as u64 {
            let header = Header {
                agreement,
                issuer: issuer.clone(),
                sequence,
                previous,
                issued_unix_seconds: 1_793_491_200 + sequence,
                heads: Vec::new(),
            };
            let bytes = Statement { header, body: Body::Heartbeat(Heartbeat { window: sequence }) }.sign(key)?;
            previous = Some(Hash32::of(&bytes));
            statements.push(bytes);
        }
        Ok(Self { statements: Arc::new(statements), key: key.public() })
    }

    /// Length of one statement, envelope included.
    pub(super) fn statement_bytes(&self) -> usize {
        self.statements.last().map_or(0, Vec::len)
    }

    /// Some of the statements.
    pub(super) fn sample(&self, count: usize) -> &[Vec<u8>] {
        &self.statements[..count.min(self.statements.len())]
    }

    /// Sends all statements; every answer must be the right index.
    pub(super) async fn append(&self, address: SocketAddr, connections: usize) -> Result<Timing, NodeError> {
        many(address, self.statements.len(), connections, Append(Arc::clone(&self.statements))).await
    }

    /// Sends all statements to a log that does not know what a statement is; every answer must be a number.
    pub(super) async fn append_to_peer(&self, address: SocketAddr, connections: usize) -> Result<Timing, NodeError> {
        many(address, self.statements.len(), connections, AppendToPeer(Arc::clone(&self.statements))).await
    }
}

#[derive(Clone)]
struct Append(Arc<Vec<Vec<u8>>>);

impl Work for Append {
    async fn once<'a>(&'a self, connection: &'a mut Connection, number: usize) -> Result<(), NodeError> {
        let response = connection.request("POST", "/add", &self.0[number]).await?;
        let expected = format!("{{\"index\":{number},\"duplicate\":false}}\n");
        let body = connection.body(&response);
        if response.status == 200 && body == expected.as_bytes() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(body);
        Err(NodeError::Broken(format!("statement {number} was answered with {}: {text}", response.status)))
    }
}

#[derive(Clone)]
struct AppendToPeer(Arc<Vec<Vec<u8>>>);

impl Work for AppendToPeer {
    async fn once<'a>(&'a self, connection: &'a mut Connection, number: usize) -> Result<(), NodeError> {
        let response = connection.request("POST", "/add", &self.0[number]).await?;
        let body = String::from_utf8_lossy(connection.body(&response));
        if response.status == 200 && body.trim().parse::<u64>().is_ok() {
            return Ok(());
        }
        Err(NodeError::Broken(format!("the peer answered statement {number} with {}: {body}", response.status)))
    }
}

/// Reads full level-0 tiles, one after the other.
#[derive(Clone, Copy)]
pub(super) struct ReadTiles {
    /// Number of full tiles that there are.
    pub(super) tiles: usize,
}

impl Work for ReadTiles {
    async fn once<'a>(&'a self, connection: &'a mut Connection, number: usize) -> Result<(), NodeError> {
        let id = TileId { kind: Kind::Hashes(0), index: (number % self.tiles) as u64, width: 256 };
        let response = connection.request("GET", &format!("/{id}"), &[]).await?;
        if response.status == 200 && response.body_bytes == 8192 {
            return Ok(());
        }
        Err(NodeError::Broken(format!("{id} was answered with {}", response.status)))
    }
}

/// What every connection does with each number.
pub(super) trait Work: Clone + Send + Sync + 'static {
    /// One request and a look at its answer.
    fn once<'a>(
        &'a self,
        connection: &'a mut Connection,
        number: usize,
    ) -> impl Future<Output = Result<(), NodeError>> + Send + 'a;
}

/// Does `count` things over `connections` connections, each with one request under way.
pub(super) async fn many<W: Work>(
    address: SocketAddr,
    count: usize,
    connections: usize,
    work: W,
) -> Result<Timing, NodeError> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let begun = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let (next, work) = (Arc::clone(&next), work.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, NodeError>(latencies);
                    }
                    let sent = Instant::now();
                    work.once(&mut connection, number).await?;
                    latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(count);
    for task in tasks {
        let done = task.await.map_err(|error| NodeError::Broken(error.to_string()))?;
        latencies.extend(done?);
    }
    let elapsed = begun.elapsed();
    latencies.sort_unstable();
    Ok(Timing { count, elapsed, latencies })
}
