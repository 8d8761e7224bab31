//! JSON Lines, one run per line.

use super::super::error::{HorizonError, Place};
use super::{RawRun, Results, Run};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Largest accepted file, in bytes.
const MAX_BYTES: usize = 2 << 30;
/// Longest accepted line, in bytes. METR's are under 1 kB.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The fields that matter, in both schemas. Others are ignored. January 2025 has `score`, TH1.1 has `score_cont`.
#[derive(Deserialize)]
struct Row<'a> {
    run_id: Option<Value>,
    #[serde(borrow)]
    task_id: Cow<'a, str>,
    #[serde(borrow)]
    task_family: Cow<'a, str>,
    #[serde(borrow)]
    alias: Cow<'a, str>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    human_minutes: f64,
    #[serde(borrow, default)]
    human_source: Option<Cow<'a, str>>,
    score_binarized: f64,
    #[serde(default)]
    score_cont: Option<f64>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(borrow, default)]
    fatal_error_from: Option<Cow<'a, str>>,
    #[serde(default)]
    cheating: Option<bool>,
    #[serde(borrow, default)]
    scaffold: Option<Cow<'a, str>>,
    #[serde(default)]
    started_at: Option<f64>,
    #[serde(default)]
    completed_at: Option<f64>,
    #[serde(default)]
    invsqrt_task_weight: Option<f64>,
}

pub(super) fn read(results: &mut Results, file: &str, bytes: &[u8]) -> Result<(), HorizonError> {
    if bytes.len() > MAX_BYTES {
        return Err(HorizonError::TooLarge {
            place: Place::path(file, "size in bytes"),
            what: "the file",
            limit: MAX_BYTES,
        });
    }
    let mut any = false;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        any = true;
        let place = || Place::row(file, number + 1);
        if line.len() > MAX_LINE_BYTES {
            return Err(HorizonError::TooLarge { place: place(), what: "the line in bytes", limit: MAX_LINE_BYTES });
        }
        let row: Row<'_> =
            serde_json::from_slice(line).map_err(|error| HorizonError::malformed(place(), reason(&error)))?;
        add(results, &row, place)?;
    }
    if any {
        return Ok(());
    }
    Err(HorizonError::malformed(
        Place::path(file, "file"),
        "there is no run in it; the format is one JSON object per line",
    ))
}

/// A run-level line is one line to its reader, so that serde's "line 1" only confuses.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line 1 column").next().unwrap_or(&text);
    format!("not a run: {text} (column {})", error.column())
}

fn add(results: &mut Results, row: &Row<'_>, place: impl Fn() -> Place) -> Result<(), HorizonError> {
    if row.score_binarized != 0.0 && row.score_binarized != 1.0 {
        let why = format!("score_binarized is {}; it must be 0 or 1", row.score_binarized);
        return Err(HorizonError::malformed(place(), why));
    }
    let continuous = row.score_cont.or(row.score);
    let run_id = match &row.run_id {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let Some(run_id) = run_id else {
        return Err(HorizonError::malformed(
            place(),
            "run_id is missing; without it a repeated run cannot be told from two",
        ));
    };
    results.add(
        &RawRun {
            run_id: Some(&run_id),
            task: &row.task_id,
            family: &row.task_family,
            agent: &row.alias,
            model: row.model.as_deref(),
            minutes: row.human_minutes,
            minutes_source: row.human_source.as_deref(),
            scaffold: row.scaffold.as_deref(),
            times_milliseconds: whole(row.started_at).zip(whole(row.completed_at)),
            run: Run {
                task: 0,
                agent: 0,
                binarized: row.score_binarized,
                continuous,
                usage_limit: row.fatal_error_from.as_deref() == Some("usageLimits"),
                cheating: row.cheating.unwrap_or(false),
                scaffold: None,
                stored_weight: row.invsqrt_task_weight,
            },
        },
        place,
    )
}

/// Milliseconds since 1970 as a whole number; zero means "not recorded" in METR's files.
#[allow(clippy::cast_possible_truncation, reason = "checked: whole and below 2^53")]
fn whole(value: Option<f64>) -> Option<i64> {
    value.filter(|number| *number > 0.0 && *number < 9e15 && number.fract() == 0.0).map(|number| number as i64)
}
