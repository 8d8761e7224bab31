//! The listener of every role: limits on connections and slow clients, and an orderly end.

pub(crate) mod body;
pub(crate) mod direct;

use crate::error::NodeError;
use axum::Router;
use direct::{Direct, Outcome};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Limits of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most open connections; further ones wait to be accepted.
    pub connections: usize,
    /// Longest time for a request's headers, also between two requests of one connection.
    pub header: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, header: Duration::from_secs(15) }
    }
}

/// A listener with its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<Duration>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens and serves until stopped or dropped.
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub async fn start(listen: SocketAddr, router: Router, limits: Limits) -> Result<Self, NodeError> {
        Self::start_with(listen, router, limits, None).await
    }

    /// As [`Server::start`], with one kind of request answered directly.
    pub(crate) async fn start_with(
        listen: SocketAddr,
        router: Router,
        limits: Limits,
        direct: Option<Arc<dyn Direct>>,
    ) -> Result<Self, NodeError> {
        let listener = TcpListener::bind(listen).await.map_err(NodeError::io("listen on", listen))?;
        let address = listener.local_addr().map_err(NodeError::io("listen on", listen))?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, router, limits, direct, stopped));
        Ok(Self { address, stop: Some(stop), task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, lets requests under way finish for at most `patience`, and ends.
    pub async fn stop(&mut self, patience: Duration) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(patience);
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on a listener until `shutdown` resolves; requests under way may then go on for `patience`.
pub async fn until(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    patience: Duration,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = oneshot::channel();
    let end = async {
        shutdown.await;
        let _ = stop.send(patience);
    };
    tokio::join!(accept(listener, router, limits, None, stopped), end);
}

async fn accept(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    direct: Option<Arc<dyn Direct>>,
    mut stopped: oneshot::Receiver<Duration>,
) {
    let places = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let (ending, end) = watch::channel(false);
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header).keep_alive(true);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(limits.header).max_concurrent_streams(256);
    let builder = Arc::new(builder);
    let mut connections = JoinSet::new();
    let patience = loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = tokio::select! {
            stream = next(&listener) => stream,
            patience = &mut stopped => break patience.unwrap_or_default(),
        };
        let service = TowerToHyperService::new(router.clone());
        let builder = Arc::clone(&builder);
        let watcher = graceful.watcher();
        let (direct, end) = (direct.clone(), end.clone());
        connections.spawn(async move {
            let (stream, read) = match direct {
                None => (stream, Vec::new()),
                Some(direct) => match direct::serve(stream, &direct, limits.header, end).await {
                    Outcome::Over => return,
                    Outcome::Other(stream, read) => (stream, read),
                },
            };
            let (reading, writing) = stream.into_split();
            let stream = tokio::io::join(std::io::Cursor::new(read).chain(reading), writing);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // Whatever ends a connection early is the client's doing and told to the client, if at all.
            let _ = watcher.watch(connection.into_owned()).await;
            drop(place);
        });
    };
    let _ = ending.send(true);
    let _ = tokio::time::timeout(patience, async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    })
    .await;
    connections.shutdown().await;
}

/// The next connection. Out of file handles, it waits until some are free again.
async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
