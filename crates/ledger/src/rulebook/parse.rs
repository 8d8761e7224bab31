//! Reading rulebook files.

use super::{Ancestors, Rulebook, RulebookError, Threshold, Weight};
use serde::Deserialize;
use standstill_statement::{Class, Hash32, Name, NumericFormat};
use std::collections::BTreeMap;

/// Largest rulebook file, bytes.
const MAX_BYTES: usize = 1 << 18;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: Name,
    title: String,
    citations: Vec<String>,
    counts: Vec<Class>,
    ancestors: String,
    weights: BTreeMap<NumericFormat, [u64; 2]>,
    weight_unknown: [u64; 2],
    threshold: Vec<ThresholdRow>,
    #[serde(default)]
    readings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdRow {
    name: Name,
    ops: String,
    meaning: String,
}

pub(super) fn rulebook(text: &str) -> Result<Rulebook, RulebookError> {
    if text.len() > MAX_BYTES {
        return Err(whole(format!("larger than {MAX_BYTES} bytes")));
    }
    let file: File = toml::from_str(text).map_err(|error| RulebookError::Layout {
        line: error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1),
        what: error.message().to_owned(),
    })?;
    let mut counts_class = [false; Class::COUNT];
    for class in &file.counts {
        counts_class[class.index()] = true;
    }
    if file.citations.is_empty() || !counts_class[Class::Unaccounted.index()] {
        return Err(whole("a rulebook needs a citation and must count 'unaccounted'"));
    }
    let mut weights = [Weight { numerator: 1, denominator: 1 }; NumericFormat::COUNT];
    for (format, pair) in &file.weights {
        weights[format.index()] = weight(*pair)?;
    }
    let ancestors = match file.ancestors.as_str() {
        "all" => Ancestors::All,
        "none" => Ancestors::None,
        other => return Err(whole(format!("ancestors = '{other}'; write 'all' or 'none'"))),
    };
    Ok(Rulebook {
        id: file.id,
        title: file.title,
        citations: file.citations,
        counts_class,
        weights,
        weight_unknown: weight(file.weight_unknown)?,
        ancestors,
        thresholds: file.threshold.into_iter().map(threshold).collect::<Result<_, _>>()?,
        readings: file.readings,
        hash: Hash32::of(&[b"standstill/1/rulebook\0", text.as_bytes()].concat()),
    })
}

fn weight([numerator, denominator]: [u64; 2]) -> Result<Weight, RulebookError> {
    if numerator == 0 || denominator == 0 || numerator > 1000 || denominator > 1000 {
        return Err(whole(format!("weight [{numerator}, {denominator}] is not a fraction of numbers from 1 to 1000")));
    }
    Ok(Weight { numerator, denominator })
}

/// `1e25`, `3.333e24` or plain digits, exactly; more digits than the exponent carries are refused.
fn threshold(row: ThresholdRow) -> Result<Threshold, RulebookError> {
    let refuse = || whole(format!("threshold '{}': '{}' is not a whole number of operations", row.name, row.ops));
    let (mantissa, exponent) = row.ops.split_once('e').unwrap_or((&row.ops, "0"));
    let (whole_part, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: u32 = exponent.parse().map_err(|_| refuse())?;
    let places = u32::try_from(fraction.len()).map_err(|_| refuse())?;
    let zeros = exponent.checked_sub(places).ok_or_else(refuse)?;
    let digits: u128 = format!("{whole_part}{fraction}").parse().map_err(|_| refuse())?;
    let ops = 10u128.checked_pow(zeros).and_then(|power| digits.checked_mul(power)).ok_or_else(refuse)?;
    Ok(Threshold { name: row.name, ops, meaning: row.meaning })
}

fn whole(what: impl Into<String>) -> RulebookError {
    RulebookError::Layout { line: 0, what: what.into() }
}
