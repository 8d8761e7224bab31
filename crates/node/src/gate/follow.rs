//! Where the situation comes from.

use super::config::Source;
use super::desk::Desk;
use super::metrics::Metrics;
use crate::client::{Http, HttpLimits};
use crate::error::NodeError;
use standstill_gate::situation::MAX_SITUATION_BYTES;
use standstill_gate::{Held, Situation};
use standstill_tlog::durable::read_limited;
use std::sync::Arc;
use std::time::Duration;

/// Looks for a newer situation, again and again. What is found wrong is told; what is gone by stays.
#[derive(Debug)]
pub struct Follower {
    source: Source,
    http: Http,
    desk: Desk,
    metrics: Arc<Metrics>,
}

impl Follower {
    /// Follows a source.
    ///
    /// # Errors
    /// [`NodeError::Broken`] when the HTTP library cannot start.
    pub fn new(source: Source, desk: Desk, metrics: Arc<Metrics>) -> Result<Self, NodeError> {
        let limits = HttpLimits { attempts: 1, request: Duration::from_secs(10), ..HttpLimits::default() };
        let http = Http::new(limits).map_err(|error| NodeError::Broken(error.to_string()))?;
        Ok(Self { source, http, desk, metrics })
    }

    /// One look.
    ///
    /// # Errors
    /// Why there is no newer situation.
    pub async fn look(&self) -> Result<(), String> {
        let result = self.fetch_and_learn().await;
        if let Err(problem) = &result {
            tracing::warn!(%problem, "no newer situation");
        }
        self.metrics.source(&result);
        result
    }

    async fn fetch_and_learn(&self) -> Result<(), String> {
        let bytes = match (&self.source.file, &self.source.url) {
            (Some(file), _) => read_limited(file, "situation bytes", MAX_SITUATION_BYTES as u64)
                .map_err(|error| error.to_string())?
                .ok_or_else(|| format!("there is no {}", file.display()))?,
            (None, Some(url)) => {
                let answer = self.http.get(url, MAX_SITUATION_BYTES as u64).await.map_err(|error| error.to_string())?;
                answer.ok_or_else(|| format!("{url} has no situation"))?
            }
            (None, None) => return Err("no source is configured".to_owned()),
        };
        let held = Situation::from_json(&bytes).and_then(Held::new).map_err(|error| error.to_string())?;
        self.desk.learn(held).await
    }

    /// Looks until the task is ended.
    pub async fn run(self) {
        let pause = Duration::from_secs(self.source.poll_seconds.max(1));
        loop {
            tokio::time::sleep(pause).await;
            let _ = self.look().await;
        }
    }
}
