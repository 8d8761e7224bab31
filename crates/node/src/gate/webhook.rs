//! Kubernetes' side: `POST /admit` over HTTPS; and the pages for the operator.
//!
//! | route | where | answer |
//! |---|---|---|
//! | `POST /admit` | webhook | an `AdmissionReview` with the answer, always with status 200 when the review could be read |
//! | `GET /health` | both | 200 when covered work can be decided on, else 503; JSON |
//! | `GET /metrics` | operator's address | Prometheus text |

use super::config::Webhook;
use super::desk::{Desk, Question};
use super::metrics::Metrics;
use crate::clock::Clock;
use crate::error::NodeError;
use crate::serve;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use standstill_gate::Terms;
use standstill_gate::kubernetes::Review;
use standstill_gate::kubernetes::review::{MAX_REVIEW_BYTES, Subject, answer, refusal};
use standstill_statement::Name;
use std::net::SocketAddr;
use std::sync::Arc;

/// What the pages need.
#[derive(Debug)]
pub struct Pages {
    /// The desk.
    pub desk: Desk,
    /// Terms.
    pub terms: Terms,
    /// Cluster.
    pub cluster: Name,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Health and metrics.
pub fn operator(pages: Arc<Pages>) -> Router {
    Router::new().route("/health", get(health)).route("/metrics", get(metrics)).with_state(pages)
}

/// The webhook.
pub fn admission(pages: Arc<Pages>) -> Router {
    Router::new()
        .route("/admit", post(admit))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(MAX_REVIEW_BYTES))
        .with_state(pages)
}

async fn health(State(pages): State<Arc<Pages>>) -> Response {
    let health = pages.metrics.health(pages.terms.hold_seconds, pages.clock.unix_seconds());
    let status = if health.problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &serde_json::json!(health))
}

async fn metrics(State(pages): State<Arc<Pages>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.text()).into_response()
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn admit(State(pages): State<Arc<Pages>>, body: Bytes) -> Response {
    let review = match Review::from_json(&body) {
        Ok(review) => review,
        Err(error) => {
            pages.metrics.unreadable();
            return json(StatusCode::BAD_REQUEST, &serde_json::json!({ "error": error.to_string() }));
        }
    };
    let uid = review.request.uid.clone();
    let Subject::Job(job) = review.subject(&pages.terms, &pages.cluster) else {
        return json(StatusCode::OK, &answer(&uid, None));
    };
    let mut question = Question::new(*job);
    question.dry = review.request.dry_run == Some(true);
    question.own = Some(review.request.object_uid().unwrap_or(&uid).to_owned());
    if review.request.operation != "CREATE" && review.request.old_object.is_object() {
        // What an update makes of an object is decided on as a whole.
        question.job.point = standstill_statement::GatePoint::Submit;
    }
    // Controllers act for everybody and are known to the server; a user who writes an owner into an object is none.
    question.inherits = review.request.user_info.username.starts_with("system:serviceaccount:kube-system:");
    question.owners = review.request.owner_uids().take(16).map(str::to_owned).collect();
    match pages.desk.ask(question).await {
        None => json(StatusCode::OK, &refusal(&uid, "the gate is overrun; try again")),
        Some(told) => {
            let decision = told.decision.as_ref().map(|decision| (decision, told.id.as_str()));
            json(StatusCode::OK, &answer(&uid, decision))
        }
    }
}

/// A webhook that listens.
#[derive(Debug)]
pub enum Listening {
    /// Plain HTTP on this machine.
    Plain(serve::Server),
    /// HTTPS.
    #[cfg(feature = "tls")]
    Encrypted(super::tls::Server),
}

impl Listening {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the address cannot be taken, or certificate and key cannot be used.
    pub async fn start(webhook: &Webhook, pages: Arc<Pages>) -> Result<Self, NodeError> {
        #[cfg(feature = "tls")]
        if let (Some(certificate), Some(key)) = (&webhook.certificate, &webhook.key) {
            let server = super::tls::Server::start(webhook.listen, certificate, key, admission(pages)).await?;
            return Ok(Self::Encrypted(server));
        }
        let server = serve::Server::start(webhook.listen, admission(pages), serve::Limits::default()).await?;
        Ok(Self::Plain(server))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Plain(server) => server.address(),
            #[cfg(feature = "tls")]
            Self::Encrypted(server) => server.address(),
        }
    }
}
