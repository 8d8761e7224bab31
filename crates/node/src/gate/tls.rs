//! HTTPS for the webhook. Certificate and key are read again when their files change, so that a renewal needs no restart.

use crate::error::NodeError;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Longest handshake, and longest wait for a request's headers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most connections at once.
const CONNECTIONS: usize = 1024;

/// An HTTPS listener.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Listens and serves until dropped.
    ///
    /// # Errors
    /// [`NodeError::Config`] when certificate and key cannot be used together, [`NodeError::Io`] when the address is taken.
    pub async fn start(listen: SocketAddr, certificate: &Path, key: &Path, router: Router) -> Result<Self, NodeError> {
        crate::tls::prepare();
        let identity = Identity::open(certificate, key)?;
        let listener = TcpListener::bind(listen).await.map_err(NodeError::io("listen on", listen))?;
        let address = listener.local_addr().map_err(NodeError::io("listen on", listen))?;
        Ok(Self { address, task: tokio::spawn(accept(listener, identity, router)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, mut identity: Identity, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PATIENCE);
    let builder = Arc::new(builder);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let (acceptor, builder, router) = (identity.acceptor(), Arc::clone(&builder), router.clone());
        tokio::spawn(async move {
            serve(acceptor, stream, &builder, router).await;
            drop(place);
        });
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, builder: &Builder<TokioExecutor>, router: Router) {
    match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let service = TowerToHyperService::new(router);
            // Whatever ends a connection early is the client's doing.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        }
        Ok(Err(error)) => tracing::info!(%error, "a TLS handshake failed"),
        Err(_) => {}
    }
}

/// Certificate and key with the times of their files.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    seen: (Option<SystemTime>, Option<SystemTime>),
    config: Arc<ServerConfig>,
}

impl Identity {
    fn open(certificate: &Path, key: &Path) -> Result<Self, NodeError> {
        let config = Arc::new(load(certificate, key)?);
        let seen = (changed(certificate), changed(key));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), seen, config })
    }

    /// The acceptor for the next connection. A renewal that cannot be read is told and the old pair goes on.
    fn acceptor(&mut self) -> TlsAcceptor {
        let now = (changed(&self.certificate), changed(&self.key));
        if now != self.seen {
            self.seen = now;
            match load(&self.certificate, &self.key) {
                Ok(config) => self.config = Arc::new(config),
                Err(error) => tracing::error!(%error, "the new certificate cannot be used; the old one goes on"),
            }
        }
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn load(certificate: &Path, key: &Path) -> Result<ServerConfig, NodeError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain =
        chain.map_err(|error| NodeError::config(certificate, format!("no certificate chain in PEM: {error}")))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| NodeError::config(key, format!("no key in PEM: {error}")))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|error| NodeError::config(certificate, error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
