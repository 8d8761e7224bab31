//! How the agreement runs, over HTTP: the same as `standstill agreement status --json` and `timeline --json` print for the monitor's bundle.
//!
//! | route | answer |
//! |---|---|
//! | `GET /agreement/status?at=` | phase, who is bound, what is due and what is missing |
//! | `GET /agreement/timeline?at=` | every transition with its causes, and statements without effect |
//! | `GET /openapi.json` | `docs/api/monitor.openapi.json` |
//!
//! `at` is in Unix seconds; without it, the latest time at which a quorum cosigned anything. Nothing here is believed: whoever doubts an
//! answer runs the same replay on the bundle. Statements are submitted to the log of their issuer (`POST /add`).

use crate::error::NodeError;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use standstill_agreement::Agreement;
use standstill_agreement::runtime::{Facts, Machine, Timeline, replay_with};
use standstill_verify::{Bundle, Limits, runtime};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The description that is served and checked in.
const DOCUMENT: &str = include_str!("../../../../docs/api/monitor.openapi.json");

/// What a bundle says about the agreement.
#[derive(Debug)]
pub(super) struct Known {
    terms: Agreement,
    facts: Facts,
    /// Latest time at which a quorum cosigned anything, in seconds since the Unix epoch.
    latest_unix_seconds: u64,
}

impl Known {
    /// Reads a bundle. Slow: every signature is checked.
    pub(super) fn read(folder: &Path) -> Result<Self, NodeError> {
        let broken =
            |error: standstill_verify::VerifyError| NodeError::Broken(format!("{}: {error}", folder.display()));
        let bundle = Bundle::open(folder, Limits::default()).map_err(broken)?;
        let (facts, latest_unix_seconds) = runtime::facts_and_time(&bundle);
        Ok(Self { terms: bundle.agreement().clone(), facts, latest_unix_seconds })
    }

    /// `None` when the terms only follow a schedule.
    fn answer(&self, what: Page, at: Option<u64>) -> Option<serde_json::Value> {
        let machine = Machine::new(&self.terms)?;
        let timeline: Timeline = replay_with(&machine, &self.facts, at.unwrap_or(self.latest_unix_seconds));
        let value = match what {
            Page::Status => serde_json::to_value(timeline.status(&machine)),
            Page::Timeline => serde_json::to_value(timeline.view()),
        };
        value.ok()
    }
}

/// What the pages show; empty before the first bundle.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(Arc<Mutex<Option<Arc<Known>>>>);

impl Shelf {
    pub(super) fn put(&self, known: Known) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
    }

    fn take(&self) -> Option<Arc<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Clone, Copy)]
enum Page {
    Status,
    Timeline,
}

#[derive(Deserialize)]
struct Moment {
    at: Option<u64>,
}

#[derive(Serialize)]
struct Refused {
    error: &'static str,
}

pub(super) fn router(shelf: Shelf) -> Router {
    Router::new()
        .route("/agreement/status", get(status))
        .route("/agreement/timeline", get(timeline))
        .route("/openapi.json", get(document))
        .with_state(shelf)
}

async fn status(State(shelf): State<Shelf>, Query(moment): Query<Moment>) -> Response {
    page(&shelf, Page::Status, moment.at).await
}

async fn timeline(State(shelf): State<Shelf>, Query(moment): Query<Moment>) -> Response {
    page(&shelf, Page::Timeline, moment.at).await
}

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

async fn page(shelf: &Shelf, what: Page, at: Option<u64>) -> Response {
    let Some(known) = shelf.take() else {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "no bundle has been read yet; name one with 'bundle' in monitor.toml, and ask again after the first round",
        );
    };
    match tokio::task::spawn_blocking(move || known.answer(what, at)).await {
        Ok(Some(value)) => json(StatusCode::OK, &value),
        Ok(None) => refuse(
            StatusCode::NOT_FOUND,
            "the terms only follow a schedule, so nothing happens by statements; see: standstill agreement show",
        ),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the replay did not end; see this node's log"),
    }
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    json(status, &serde_json::to_value(Refused { error }).unwrap_or_default())
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

#[cfg(test)]
mod tests;
