//! A witness that lies: it cosigns whatever it is given, both branches of a fork included, and dates it back.
//! It exists so that the demonstration and its test have something to survive.
//!
//! It does not date forward. With five witnesses and a quorum of four, that would be as bad as being away, and one witness is away for a day: two
//! troubles at once are more than such a quorum survives in time.

use crate::exit::{CliError, CliResult, Exit};
use crate::secret_file;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use standstill_node::clock::{Clock, FileClock};
use standstill_tlog::cosignature;
use standstill_tlog::note::{Note, NoteSigner};
use standstill_tlog::witness::AddCheckpoint;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// How far its times are back, in seconds.
const BACK_SECONDS: u64 = 30 * 86_400;

struct Liar {
    signer: NoteSigner,
    clock: FileClock,
}

/// Runs until it is killed.
pub(crate) fn run(key: &Path, listen: SocketAddr, clock: &Path) -> CliResult {
    let signer =
        NoteSigner::from_file_text(&secret_file::read(key)?).map_err(|error| CliError::about(key.display(), error))?;
    let liar = Arc::new(Liar { signer, clock: FileClock::new(clock) });
    let router =
        Router::new().route("/health", get(async || "ok")).route("/add-checkpoint", post(cosign)).with_state(liar);
    crate::network::runtime()?.block_on(async {
        let network = |error: std::io::Error| CliError {
            message: format!("cannot listen on {listen}: {error}"),
            exit: Exit::Network,
        };
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(network)?;
        axum::serve(listener, router).await.map_err(network)?;
        Ok(Exit::Ok)
    })
}

/// Neither signature nor proof nor its own record matters to it.
async fn cosign(State(liar): State<Arc<Liar>>, body: Bytes) -> Response {
    let line = AddCheckpoint::parse(&body).ok().and_then(|request| {
        let note = Note::parse(&request.checkpoint).ok()?;
        let time = liar.clock.unix_seconds().saturating_sub(BACK_SECONDS);
        cosignature::sign(&liar.signer, time, note.text()).ok()
    });
    line.map_or_else(|| StatusCode::BAD_REQUEST.into_response(), |line| format!("{line}\n").into_response())
}
