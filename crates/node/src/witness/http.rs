//! The routes of a witness.
//!
//! | route | answer |
//! |---|---|
//! | `POST /add-checkpoint` | tlog-witness |
//! | `POST /sign-subtree` | tlog-witness; 404 without an ML-DSA-44 key |
//! | `GET /<sha256 hex of origin>/checkpoint` | tlog-witness, monitoring |
//! | `GET /alarms` | JSON list |
//! | `GET /alarms/<name>.note`, `.statement` | evidence file, signed statement |
//! | `GET /health`, `GET /metrics` | for the operator |

use super::alarm::{Alarm, AlarmBook};
use super::service::{Answer, WitnessService};
use crate::serve::{self, Limits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use standstill_tlog::note::MAX_NOTE_BYTES;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long requests under way may go on after the end was asked for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Longest request body: a note and 63 proof lines.
const MAX_BODY_BYTES: usize = MAX_NOTE_BYTES + 64 * 64;

/// The routes over a running witness.
pub fn router(service: Arc<WitnessService>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/sign-subtree", post(sign_subtree))
        .route("/{origin}/checkpoint", get(checkpoint))
        .route("/alarms", get(alarms))
        .route("/alarms/{file}", get(alarm))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(service)
}

/// Serves until `shutdown` resolves, then finishes the requests at hand.
///
/// # Errors
/// None at present: a connection that fails is its client's matter.
pub async fn serve(
    service: Arc<WitnessService>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve::until(listener, router(service), Limits::default(), PATIENCE, shutdown).await;
    Ok(())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

async fn add_checkpoint(State(service): State<Arc<WitnessService>>, body: Bytes) -> Answer {
    service.add_checkpoint(&body).await
}

async fn sign_subtree(State(service): State<Arc<WitnessService>>, body: Bytes) -> Answer {
    service.sign_subtree(&body).await
}

async fn checkpoint(State(service): State<Arc<WitnessService>>, Path(origin): Path<String>) -> Response {
    match service.checkpoint(&origin).await {
        Some(bytes) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, Body::from(bytes.to_vec())).into_response()
        }
        None => Answer::sentence(404, "no checkpoint of such a log was cosigned here").into_response(),
    }
}

fn describe(alarm: &Alarm) -> serde_json::Value {
    serde_json::json!({
        "name": alarm.name,
        "origin": alarm.origin,
        "size": alarm.size,
        "first_root": hex::encode(alarm.roots[0]),
        "second_root": hex::encode(alarm.roots[1]),
        "found_unix_seconds": alarm.found_unix_seconds,
        "evidence": format!("alarms/{}.note", alarm.name),
        "statement": alarm.statement.as_ref().map(|_| format!("alarms/{}.statement", alarm.name)),
    })
}

async fn alarms(State(service): State<Arc<WitnessService>>) -> Response {
    alarm_list(service.alarms())
}

async fn alarm(State(service): State<Arc<WitnessService>>, Path(file): Path<String>) -> Response {
    alarm_file(service.alarms(), &file)
}

pub(crate) fn alarm_list(book: &AlarmBook) -> Response {
    let list: Vec<_> = book.list().iter().map(describe).collect();
    let body = serde_json::json!({ "alarms": list }).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

pub(crate) fn alarm_file(book: &AlarmBook, file: &str) -> Response {
    let found = file.rsplit_once('.').and_then(|(name, kind)| {
        let alarm = book.get(name)?;
        match kind {
            "note" => Some(("text/plain; charset=utf-8", alarm.evidence)),
            "statement" => Some(("application/vnd.standstill.alarm+cbor", alarm.statement?)),
            _ => None,
        }
    });
    match found {
        Some((kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => Answer::sentence(404, "there is no such alarm").into_response(),
    }
}

async fn health(State(service): State<Arc<WitnessService>>) -> Answer {
    if service.is_signing() {
        Answer::sentence(200, "ok")
    } else {
        Answer::sentence(503, "the record is closed; nothing is signed until the operator looks at it")
    }
}

async fn metrics(State(service): State<Arc<WitnessService>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, service.metrics_text()).into_response()
}
