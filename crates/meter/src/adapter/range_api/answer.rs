//! The JSON of the HTTP API. Values are strings; times are numbers of seconds with up to three decimals; labels must not repeat.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::adapter::decimal::{self, Reading};
use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// Labels of one series at most.
const MOST_LABELS: usize = 128;

/// A parsed answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// All series of the answer.
    pub series: Vec<Series>,
    /// What the server warned about.
    pub warnings: Vec<String>,
}

/// One series: its labels (`__name__` among them) and its readings as (Unix milliseconds, text).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Readings in the order of the answer, times strictly rising.
    pub values: Vec<(i64, String)>,
}

impl Series {
    /// The metric's name; empty when an expression dropped it.
    pub fn name(&self) -> &str {
        self.labels.get("__name__").map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
struct RawAnswer {
    status: String,
    #[serde(default)]
    data: Option<RawData>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct RawData {
    #[serde(rename = "resultType")]
    kind: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct RawSeries {
    metric: Labels,
    #[serde(default)]
    values: Vec<(serde_json::Number, String)>,
    #[serde(default)]
    value: Option<(serde_json::Number, String)>,
    #[serde(default)]
    histograms: Vec<de::IgnoredAny>,
}

/// Parses one answer.
///
/// # Errors
/// A [`Fault`] when the bytes are not the API's JSON, the server reports an error, the answer is a scalar or string, times do not rise, or
/// a limit is passed.
pub fn parse(bytes: &[u8], limits: &TextLimits) -> Result<Answer, Fault> {
    let text = limits.text(bytes)?;
    let raw: RawAnswer = serde_json::from_str(text).map_err(|e| json_fault(&e))?;
    if raw.status != "success" {
        let what =
            format!("the server answered {}: {}", excerpt(&raw.status), excerpt(raw.error.as_deref().unwrap_or("")));
        return Err(Fault::whole(what, "repeat the query"));
    }
    let Some(data) = raw.data else {
        return Err(Fault::whole("an answer without data", "repeat the query"));
    };
    if !matches!(data.kind.as_str(), "matrix" | "vector") {
        let what = format!("a result of type {}", excerpt(&data.kind));
        return Err(Fault::whole(what, "query a metric, such as DCGM_FI_PROF_PIPE_TENSOR_ACTIVE[1h]"));
    }
    let raw_series: Vec<RawSeries> = serde_json::from_value(data.result).map_err(|e| json_fault(&e))?;
    let mut answer = Answer { series: Vec::with_capacity(raw_series.len().min(4096)), warnings: raw.warnings };
    let mut rows = 0;
    for raw in raw_series {
        rows += raw.values.len() + 1;
        limits.row(0, rows)?;
        answer.series.push(series(raw)?);
    }
    Ok(answer)
}

fn series(raw: RawSeries) -> Result<Series, Fault> {
    let mut values = Vec::with_capacity(raw.values.len());
    for (time, text) in raw.values.into_iter().chain(raw.value) {
        let Ok(Reading::Scaled(time)) = decimal::scaled(&time.to_string(), 3) else {
            return Err(Fault::whole("a time that is no number", "repeat the query"));
        };
        let time_ms = i64::try_from(time).map_err(|_| Fault::whole("a time out of range", "repeat the query"))?;
        if values.last().is_some_and(|(before, _)| *before >= time_ms) {
            return Err(Fault::whole(format!("times do not rise at {time_ms} ms"), "save one answer per file"));
        }
        values.push((time_ms, text));
    }
    if values.is_empty() && !raw.histograms.is_empty() {
        return Err(Fault::whole("a native histogram", "query a gauge or counter"));
    }
    Ok(Series { labels: raw.metric.0, values })
}

fn json_fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line() as u64, error.column() as u64);
    Fault::at(line, column, format!("not the API's JSON: {error}"), "save the answer unchanged, one per file")
}

/// A map of strings that refuses a name given twice (plain maps keep the last, and two readers may then see two devices).
struct Labels(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels, each once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            if labels.len() >= MOST_LABELS {
                return Err(de::Error::custom(format!("more than {MOST_LABELS} labels")));
            }
            if labels.contains_key(&name) {
                return Err(de::Error::custom(format!("label {} stands twice", excerpt(&name))));
            }
            labels.insert(name, value);
        }
        Ok(Labels(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Answer, Fault> {
        parse(text.as_bytes(), &TextLimits::default())
    }

    #[test]
    fn times_are_exact_to_the_millisecond() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"m"},"values":[[1795198179.123,"1"],[1795198180,"2"]]}]}}"#;
        let answer = read(text).expect("answer");
        assert_eq!(answer.series[0].values, [(1_795_198_179_123, "1".to_owned()), (1_795_198_180_000, "2".to_owned())]);
    }

    #[test]
    fn server_errors_are_said() {
        let fault = read(r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#).expect_err("error");
        assert!(fault.to_string().contains("query timed out"), "{fault}");
    }

    #[test]
    fn malformed_answers_are_refused() {
        for text in [
            "",
            "[]",
            r#"{"status":"success"}"#,
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,2]]}]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"UUID":"a"},"values":[[2,"1"],[1,"1"]]}]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"UUID":"a"},"values":[[1,"1"],[1,"2"]]}]}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{}"#, "[".repeat(100_000));
        assert!(read(&deep).is_err());
    }

    proptest! {
        #[test]
        fn cut_answers_never_panic(cut in 0_usize..200) {
            let text = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m","UUID":"G"},"value":[1.5,"NaN"]}]}}"#;
            let cut = cut.min(text.len());
            let _ = parse(&text.as_bytes()[..cut], &TextLimits::default());
        }
    }
}
