//! Blobs beside the log: large parts of statements, by SHA-256. Only the party may put them, anybody may get them.

use super::Refusal;
use super::condition::count;
use super::http::{answer, unreadable};
use super::running::Shared;
use crate::serve::body::{discard, next_part};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Extract};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use standstill_statement::{Hash32, SigningKey};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Domain of the signature that allows an upload.
pub const UPLOAD_DOMAIN: &[u8] = b"standstill/1/blob-upload\0";

/// Bytes read from the store at a time.
const PART_BYTES: u64 = 1 << 20;

static UPLOADS: AtomicU64 = AtomicU64::new(0);

fn message(agreement: &Hash32, sha256: &Hash32, length_bytes: u64) -> Vec<u8> {
    [UPLOAD_DOMAIN, &agreement.0, &sha256.0, &length_bytes.to_be_bytes()].concat()
}

/// Value of the `Authorization` header that allows the upload of a blob: `Standstill <base64 of an Ed25519 signature by a statement key
/// over "standstill/1/blob-upload\0" ‖ agreement id ‖ SHA-256 ‖ length as u64 big-endian>`.
#[must_use]
pub fn upload_authorization(key: &SigningKey, agreement: &Hash32, sha256: &Hash32, length_bytes: u64) -> String {
    format!("Standstill {}", STANDARD.encode(key.sign(&message(agreement, sha256, length_bytes))))
}

/// `GET /blob/<sha256>`.
pub(super) async fn get(
    Extract(log): Extract<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response<Body>, Refusal> {
    let sha256 = parse(&name)?;
    let length = log.setup.store.blob_length(sha256).await.map_err(unreadable)?;
    let length = length.ok_or_else(|| Refusal::new(404, format!("this log does not hold blob {sha256}")))?;
    let store = Arc::clone(&log.setup.store);
    let parts = futures_util::stream::unfold(0, move |offset: u64| {
        let store = Arc::clone(&store);
        async move {
            if offset >= length {
                return None;
            }
            let part = store.read_blob(sha256, offset, PART_BYTES.min(length - offset)).await;
            let next = offset + part.as_ref().map_or(length, |part| (part.len() as u64).max(1));
            Some((part.map(Bytes::from).map_err(std::io::Error::other), next))
        }
    });
    let mut response =
        answer("application/octet-stream", "public, max-age=31536000, immutable", Body::from_stream(parts));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// `PUT /blob/<sha256>`: authorised before the body is read, hashed while it is written, kept only when the hash is right.
pub(super) async fn put(
    Extract(log): Extract<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let (head, mut body) = request.into_parts();
    let done = take(&log, &name, &head.headers, &mut body).await;
    if done.is_err() {
        discard(&mut body).await;
    }
    done
}

async fn take(log: &Shared, name: &str, headers: &HeaderMap, body: &mut Body) -> Result<Response<Body>, Refusal> {
    let sha256 = parse(name)?;
    let length = length(headers, log.setup.tuning.blob_bytes)?;
    authorize(log, headers, &sha256, length)?;
    let held = log.setup.store.blob_length(sha256).await.map_err(unreadable)?.is_some();
    let done = || Ok(answer("text/plain; charset=utf-8", "no-store", "held\n"));
    let _place = log
        .uploads
        .try_acquire()
        .map_err(|_| Refusal::new(503, "too many uploads at a time; try again in a moment"))?;
    let upload = Upload::new(&log.setup.upload_directory, &sha256);
    let patience = Duration::from_secs(log.setup.tuning.body_seconds);
    let received =
        tokio::time::timeout(patience, receive(body, length, if held { None } else { Some(&upload.0) })).await;
    let found = received.map_err(|_| Refusal::new(408, "the blob did not arrive in time; send it again"))??;
    if found != sha256 {
        return Err(Refusal::new(400, format!("the bytes sent have SHA-256 {found}, not {sha256}; nothing was kept")));
    }
    if !held {
        let kept = log.setup.store.put_blob(sha256, &upload.0).await;
        kept.map_err(|error| Refusal::new(503, error.to_string()))?;
        count(&log.condition.metrics.blobs, 1);
    }
    done()
}

fn parse(name: &str) -> Result<Hash32, Refusal> {
    let parsed: Option<Hash32> = name.parse().ok().filter(|hash: &Hash32| hash.to_string() == name);
    parsed.ok_or_else(|| Refusal::new(400, "a blob is named by 64 lower-case hexadecimal digits of its SHA-256"))
}

fn length(headers: &HeaderMap, limit: u64) -> Result<u64, Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length =
        length.ok_or_else(|| Refusal::new(411, "the request needs a Content-Length, which the signature covers"))?;
    if length > limit {
        return Err(Refusal::new(
            413,
            format!(
                "the blob has {length} bytes and this log takes at most {limit}; the operator can raise blob_bytes"
            ),
        ));
    }
    Ok(length)
}

fn authorize(log: &Shared, headers: &HeaderMap, sha256: &Hash32, length: u64) -> Result<(), Refusal> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Standstill "));
    let given = given.ok_or_else(|| {
        Refusal::new(401, "the upload needs the header 'Authorization: Standstill <base64 signature>'")
    })?;
    let signature: Option<[u8; 64]> = STANDARD.decode(given).ok().and_then(|bytes| bytes.try_into().ok());
    let signature = signature
        .ok_or_else(|| Refusal::new(400, "the signature in the Authorization header is not base64 of 64 bytes"))?;
    let message = message(&log.setup.agreement, sha256, length);
    if log.keyring().active().iter().any(|key| key.verifies(&message, &signature)) {
        return Ok(());
    }
    let text = "the upload is not signed by a statement key of this log's party, for this agreement, blob and length";
    Err(Refusal::new(403, text))
}

/// Reads the body to its end and hashes it; writes it when there is a place for it.
async fn receive(body: &mut Body, length: u64, path: Option<&PathBuf>) -> Result<Hash32, Refusal> {
    let failed = |error: std::io::Error| {
        Refusal::new(503, format!("the blob cannot be written: {error}; nothing was kept, try again"))
    };
    let mut file = match path {
        Some(path) => Some(tokio::fs::File::create(path).await.map_err(failed)?),
        None => None,
    };
    let (mut hasher, mut read) = (Sha256::new(), 0_u64);
    while let Some(part) = next_part(body).await {
        let part = part.map_err(|_| Refusal::new(400, "the blob did not arrive whole; send it again"))?;
        read += part.len() as u64;
        if read > length {
            return Err(Refusal::new(400, "the blob is longer than its Content-Length"));
        }
        hasher.update(&part);
        if let Some(file) = &mut file {
            file.write_all(&part).await.map_err(failed)?;
        }
    }
    if let Some(file) = &mut file {
        file.flush().await.map_err(failed)?;
    }
    if read != length {
        return Err(Refusal::new(400, format!("the blob ended after {read} of {length} bytes; send it again")));
    }
    Ok(Hash32(hasher.finalize().into()))
}

/// A file for an unfinished upload; removed when it was not taken over.
struct Upload(PathBuf);

impl Upload {
    fn new(directory: &FilePath, sha256: &Hash32) -> Self {
        let number = UPLOADS.fetch_add(1, Ordering::Relaxed);
        Self(directory.join(format!("{sha256}-{}-{number}", std::process::id())))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
