//! The routes of a mirror.
//!
//! | route | answer |
//! |---|---|
//! | `POST /add-checkpoint` | tlog-mirror: the pending checkpoint; nothing is signed |
//! | `POST /add-entries` | tlog-mirror; `Content-Encoding: gzip` is accepted |
//! | `GET /<sha256 hex of origin>/checkpoint`, `/checkpoints/<size>`, `/tile/…`, `/blob/<sha256 hex>` | the copy |
//! | `GET /alarms`, `/alarms/<name>.note` | contradictions found in pending checkpoints |
//! | `GET /health`, `GET /metrics` | for the operator |

use super::body::BodyReader;
use super::pull;
use super::service::MirrorService;
use crate::serve::{self, Limits};
use crate::witness::Answer;
use crate::witness::http::{PATIENCE, alarm_file, alarm_list};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use standstill_tlog::note::MAX_NOTE_BYTES;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Longest add-checkpoint body. Uploads have no limit of their own: they are read piece by piece.
const MAX_BODY_BYTES: usize = MAX_NOTE_BYTES + 64 * 64;

/// The routes over a running mirror.
pub fn router(service: Arc<MirrorService>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
        .route("/add-entries", post(add_entries).layer(DefaultBodyLimit::disable()))
        .route("/{origin}/{*path}", get(file))
        .route("/alarms", get(alarms))
        .route("/alarms/{file}", get(alarm))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(service)
}

/// Serves, and looks at the logs that have a url every `interval`, until `shutdown` resolves.
///
/// # Errors
/// None at present: a connection that fails is its client's matter.
pub async fn serve(
    service: Arc<MirrorService>,
    listener: TcpListener,
    interval: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let puller = tokio::spawn(pull::run(Arc::clone(&service), interval, wait(stopped)));
    serve::until(listener, router(service), Limits::default(), PATIENCE, shutdown).await;
    let _ = stop.send(true);
    let _ = puller.await;
    Ok(())
}

async fn wait(mut stopped: tokio::sync::watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn add_checkpoint(State(service): State<Arc<MirrorService>>, body: Bytes) -> Answer {
    service.add_checkpoint(&body).await
}

async fn add_entries(State(service): State<Arc<MirrorService>>, headers: HeaderMap, body: Body) -> Response {
    let encoding =
        headers.get(header::CONTENT_ENCODING).map_or("identity", |value| value.to_str().unwrap_or("unreadable"));
    let answer = match encoding {
        "identity" => service.add_entries(BodyReader::new(body, false)).await,
        "gzip" => service.add_entries(BodyReader::new(body, true)).await,
        _ => Answer::sentence(415, "the content encoding is neither gzip nor none"),
    };
    let mut response = answer.into_response();
    response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// Content type and caching of a file of the copy.
fn kind(path: &str) -> (&'static str, &'static str) {
    match path.split('/').next() {
        Some("tile" | "blob") => ("application/octet-stream", "public, max-age=31536000, immutable"),
        _ => ("text/plain; charset=utf-8", "no-cache"),
    }
}

async fn file(State(service): State<Arc<MirrorService>>, Path((origin, path)): Path<(String, String)>) -> Response {
    let missing = || Answer::sentence(404, "it is not held here").into_response();
    let Some(file) = service.served(&origin, &path) else { return missing() };
    let (content_type, caching) = kind(&path);
    match tokio::fs::read(file).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, caching)], bytes).into_response(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the file could not be read\n").into_response(),
    }
}

async fn alarms(State(service): State<Arc<MirrorService>>) -> Response {
    alarm_list(service.alarms())
}

async fn alarm(State(service): State<Arc<MirrorService>>, Path(file): Path<String>) -> Response {
    alarm_file(service.alarms(), &file)
}

async fn health(State(service): State<Arc<MirrorService>>) -> Answer {
    if service.is_open() {
        Answer::sentence(200, "ok")
    } else {
        Answer::sentence(
            503,
            "the record of pending checkpoints is closed; nothing is signed until the operator looks at it",
        )
    }
}

async fn metrics(State(service): State<Arc<MirrorService>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, service.metrics_text()).into_response()
}
