//! A live Prometheus server, asked for raw readings.
//!
//! Plain HTTP (a server on the lab's own network; put TLS in front with the lab's own proxy). For each metric and hour the server is asked
//! `query?query=<metric>[<span>s]&time=<end>`, which returns the stored readings with their own times, never `query_range`, which resamples.
//! Neighbouring spans share their boundary reading in Prometheus 2; a reading that comes twice with the same value is counted once.

use std::io::Read;
use std::time::Duration;

use super::dcgm_series::Quantity;
use super::fault::TextLimits;
use super::range_api;
use super::rows::Collector;
use crate::MeterError;

/// What to ask a server for.
#[derive(Debug, Clone)]
pub struct LiveQuery {
    /// Base address, such as `http://127.0.0.1:9090`.
    pub address: String,
    /// First moment wanted, Unix milliseconds.
    pub start_ms: i64,
    /// Last moment wanted, Unix milliseconds.
    pub end_ms: i64,
    /// Span of one question; an hour of 10,000 devices at 10 s is 3.6 million readings a metric. Milliseconds.
    pub span_ms: i64,
    /// Label matchers inside the braces, such as `cluster="a"`; empty for none.
    pub matchers: String,
    /// Largest answer accepted.
    pub limits: TextLimits,
}

impl LiveQuery {
    /// A query of the given time range with spans of one hour.
    #[must_use]
    pub fn new(address: impl Into<String>, start_ms: i64, end_ms: i64) -> Self {
        LiveQuery {
            address: address.into(),
            start_ms,
            end_ms,
            span_ms: 3_600_000,
            matchers: String::new(),
            limits: TextLimits { file_bytes: 1 << 30, ..TextLimits::default() },
        }
    }
}

/// Asks a server for every metric that the meter uses. Returns the number of readings.
///
/// # Errors
/// [`MeterError::Server`] when the server cannot be reached or answers with an error, [`MeterError::Malformed`] when its answer does not
/// parse. Nothing is retried here: a half-read range would look like a gap.
pub fn collect(query: &LiveQuery, into: &mut Collector) -> Result<u64, MeterError> {
    if query.end_ms <= query.start_ms || query.span_ms < 1_000 {
        return Err(server(&query.address, "the time range is empty or the span is under a second"));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(120)))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut used = 0;
    for metric in Quantity::metric_names() {
        let mut end_ms = query.start_ms;
        while end_ms < query.end_ms {
            let start_ms = end_ms;
            end_ms = (start_ms + query.span_ms).min(query.end_ms);
            let body = ask(&agent, query, metric, start_ms, end_ms)?;
            used += range_api::collect(&body, &query.limits, into)
                .map_err(|fault| fault.in_file(&query.address, "an answer of the Prometheus API"))?;
        }
    }
    Ok(used)
}

fn ask(
    agent: &ureq::Agent,
    query: &LiveQuery,
    metric: &str,
    start_ms: i64,
    end_ms: i64,
) -> Result<Vec<u8>, MeterError> {
    let seconds = (end_ms - start_ms + 999) / 1000;
    let braces = if query.matchers.is_empty() { String::new() } else { format!("{{{}}}", query.matchers) };
    let expression = format!("{metric}{braces}[{seconds}s]");
    let time = format!("{}.{:03}", end_ms.div_euclid(1000), end_ms.rem_euclid(1000));
    let address = format!("{}/api/v1/query", query.address.trim_end_matches('/'));
    let response = agent
        .get(&address)
        .query("query", &expression)
        .query("time", &time)
        .call()
        .map_err(|e| server(&address, &e.to_string()))?;
    let status = response.status().as_u16();
    let most = query.limits.file_bytes as u64;
    let mut body = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(most + 1)
        .read_to_end(&mut body)
        .map_err(|e| server(&address, &e.to_string()))?;
    if body.len() as u64 > most {
        return Err(server(&address, &format!("the answer is larger than {most} bytes; ask for shorter spans")));
    }
    // 400 and 422 carry the reason as JSON, which the parser of answers reports; anything else is no Prometheus.
    if !matches!(status, 200 | 400 | 422 | 503) {
        return Err(server(&address, &format!("HTTP status {status}")));
    }
    Ok(body)
}

fn server(address: &str, what: &str) -> MeterError {
    MeterError::Server { address: address.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_server_is_named() {
        // Port 9 (discard) on loopback: refused at once where nothing listens.
        let query = LiveQuery::new("http://127.0.0.1:9", 0, 1_000);
        let error = collect(&query, &mut Collector::new()).expect_err("nothing listens");
        assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
    }

    #[test]
    fn an_empty_range_is_refused() {
        assert!(collect(&LiveQuery::new("http://127.0.0.1:9", 5, 5), &mut Collector::new()).is_err());
    }
}
