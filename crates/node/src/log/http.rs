//! The log over HTTP: submission, C2SP tlog-tiles for readers, blobs, state.

use super::Refusal;
use super::blobs;
use super::chain;
use super::condition::{State, count, set};
use super::running::Shared;
use super::tiles;
use crate::serve::direct::{Answer, Direct, LaterAnswer};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State as Extract};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use axum::routing::{get, post};
use standstill_statement::MAX_STATEMENT_BYTES;
use standstill_tlog::tile::{Kind, TileId, encode_bundle, encode_hashes};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";
/// For what never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// For the newest checkpoint.
const SHORT: &str = "public, max-age=1";
const EXPECTED_SEQUENCE: &str = "standstill-expected-sequence";

type Log = Extract<Arc<Shared>>;
type Reply = Result<Response<Body>, Refusal>;

/// All routes of a log.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/add", post(add))
        .route("/checkpoint", get(checkpoint))
        .route("/uncosigned-checkpoint", get(uncosigned))
        .route("/checkpoints/{size}", get(old_checkpoint))
        .route("/tile/{*path}", get(tile))
        .route("/blob/{sha256}", get(blobs::get).put(blobs::put))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .fallback(async || -> Reply {
            Err(Refusal::new(404, "there is nothing here; a log has /add, /checkpoint, /checkpoints/<size>, /tile/..., /blob/<sha256>, /health and /metrics"))
        })
        .method_not_allowed_fallback(async || -> Reply { Err(Refusal::new(405, "this place takes another method: POST /add, PUT /blob/<sha256>, GET for the rest")) })
        .with_state(shared)
}

impl Refusal {
    /// Header fields beside those of every response.
    fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let expected = self.expected_sequence.map(|number| (EXPECTED_SEQUENCE, number.to_string()));
        let again = (self.status == 503).then(|| ("retry-after", "1".to_owned()));
        expected.into_iter().chain(again)
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let mut response = answer(TEXT, "no-store", format!("{}\n", self.message));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.fields() {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// Submissions in the usual form, which need not go through the router.
#[derive(Debug)]
pub(super) struct Submissions(pub(super) Arc<Shared>);

impl Direct for Submissions {
    fn path(&self) -> &'static str {
        "/add"
    }

    fn max_body_bytes(&self) -> usize {
        MAX_STATEMENT_BYTES
    }

    fn body_patience(&self) -> Duration {
        Duration::from_secs(self.0.setup.tuning.body_seconds)
    }

    fn answer(&self, body: Vec<u8>) -> LaterAnswer<'_> {
        Box::pin(async move { told(&self.0, self.0.add(body).await) })
    }

    fn late(&self) -> Answer {
        told(&self.0, Err(too_slow()))
    }
}

/// What the submitter is told, and the count of refusals.
fn told(log: &Shared, added: Result<super::Added, Refusal>) -> Answer {
    match added {
        Ok(added) => {
            let body = format!("{{\"index\":{},\"duplicate\":{}}}\n", added.index, added.duplicate);
            Answer { status: 200, kind: JSON, fields: Vec::new(), body }
        }
        Err(refusal) => {
            count(&log.condition.metrics.refused, 1);
            let fields = refusal.fields().collect();
            Answer { status: refusal.status, kind: TEXT, fields, body: format!("{}\n", refusal.message) }
        }
    }
}

fn too_slow() -> Refusal {
    Refusal::new(408, "the statement did not arrive in time; send it again")
}

/// A response with status 200.
pub(super) fn answer(kind: &'static str, cache: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

async fn add(Extract(log): Log, request: Request<Body>) -> Reply {
    let added = take(&log, request).await;
    match added {
        Ok(added) => {
            let body = format!("{{\"index\":{},\"duplicate\":{}}}\n", added.index, added.duplicate);
            Ok(answer(JSON, "no-store", body))
        }
        Err(refusal) => {
            count(&log.condition.metrics.refused, 1);
            Err(refusal)
        }
    }
}

async fn take(log: &Shared, request: Request<Body>) -> Result<super::Added, Refusal> {
    let length = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_STATEMENT_BYTES as u64) {
        return Err(chain::too_long());
    }
    let patience = Duration::from_secs(log.setup.tuning.body_seconds);
    let body = tokio::time::timeout(patience, to_bytes(request.into_body(), MAX_STATEMENT_BYTES)).await;
    let body = body.map_err(|_| too_slow())?;
    let body = body.map_err(|error| match std::error::Error::source(&error) {
        Some(cause) if cause.to_string().contains("limit") => chain::too_long(),
        _ => Refusal::new(400, "the statement did not arrive whole; send it again"),
    })?;
    log.add(body.to_vec()).await
}

async fn checkpoint(Extract(log): Log) -> Reply {
    let none = || {
        Refusal::new(
            404,
            "no checkpoint has a quorum of cosignatures yet; see /health, and /uncosigned-checkpoint for what is signed",
        )
    };
    let public = log.gatherer.public().ok_or_else(none)?;
    Ok(answer(TEXT, SHORT, public.bytes.clone()))
}

async fn uncosigned(Extract(log): Log) -> Reply {
    let head = Arc::clone(&log.heads.borrow());
    Ok(answer(TEXT, SHORT, head.signed.to_bytes()))
}

async fn old_checkpoint(Extract(log): Log, Path(size): Path<String>) -> Reply {
    let missing = || Refusal::new(404, "no checkpoint of that size has been published; sizes are decimal numbers");
    let number: u64 = size.parse().ok().filter(|number: &u64| number.to_string() == size).ok_or_else(missing)?;
    let found = log.setup.store.read(&format!("checkpoints/{number}")).await.map_err(unreadable)?;
    Ok(answer(TEXT, SHORT, found.ok_or_else(missing)?))
}

async fn tile(Extract(log): Log, Path(path): Path<String>) -> Reply {
    let missing = || {
        Refusal::new(
            404,
            "there is no such tile under the newest checkpoint, or its name is not tile/<level>/<index>[.p/<width>]",
        )
    };
    let id = TileId::parse(&format!("tile/{path}")).map_err(|_| missing())?;
    let head_size = log.heads.borrow().size();
    // Partial tiles are part of a wider one, so what counts is what the tree has at this place.
    let present =
        TileId::in_tree(id.kind, id.index, head_size).filter(|now| now.width >= id.width).ok_or_else(missing)?;
    if let Some(bytes) = log.cache.get(id) {
        return Ok(answer(BYTES, FOREVER, bytes));
    }
    let bytes = Bytes::from(read_tile(&log, id, present).await?);
    log.cache.put(id, &bytes);
    Ok(answer(BYTES, FOREVER, bytes))
}

/// Hash tiles come from the tree in memory; bundles from the store, and a partial one that is gone from the wider one.
async fn read_tile(log: &Shared, id: TileId, present: TileId) -> Result<Vec<u8>, Refusal> {
    if let Kind::Hashes(_) = id.kind {
        let hashes = tiles::hashes(&log.tree(), id);
        return Ok(encode_hashes(&hashes.ok_or_else(|| Refusal::new(404, "there is no such tile"))?));
    }
    let store = log.setup.store.as_ref();
    if let Some(bytes) = store.read(&id.to_string()).await.map_err(unreadable)? {
        return Ok(bytes);
    }
    let mut entries = tiles::read_bundle(store, present).await.map_err(unreadable)?;
    entries.truncate(usize::from(id.width));
    encode_bundle(&entries).map_err(|error| Refusal::new(500, error.to_string()))
}

/// The answer when the store fails for a reader.
pub(super) fn unreadable(error: crate::store::StoreError) -> Refusal {
    tracing::warn!(%error, "cannot read from the store");
    Refusal::new(503, "the log's storage cannot be read now; try again")
}

async fn health(Extract(log): Log) -> Reply {
    let health = log.health();
    let body = serde_json::to_vec(&health).map_err(|error| Refusal::new(500, error.to_string()))?;
    let mut response = answer(JSON, "no-store", body);
    if health.state == State::Refusing {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

async fn metrics(Extract(log): Log) -> Reply {
    let metrics = &log.condition.metrics;
    set(&metrics.refusing, u64::from(log.condition.refusal().is_some()));
    if metrics.cosigned_size.load(Ordering::Relaxed) == 0 {
        set(&metrics.cosigned_size, log.gatherer.public().map_or(0, |public| public.size));
    }
    Ok(answer("text/plain; version=0.0.4; charset=utf-8", "no-store", metrics.text()))
}
