//! Fleet files in TOML and CSV. Both name the line that they refuse.

use super::{Custody, CustodyChange, Device, Fleet, FleetError, MAX_CUSTODY_CHANGES, MAX_DEVICES};
use serde::Deserialize;
use standstill_statement::Name;

/// Largest fleet file: 4,000,000 devices of 128 bytes.
const MAX_BYTES: usize = 512 << 20;
const COLUMNS: [&str; 5] = ["key", "model", "site", "area", "domain"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    device: Vec<toml::Spanned<Row>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    key: String,
    model: Name,
    site: Name,
    area: Name,
    domain: Name,
    #[serde(default)]
    custody: Vec<CustodyChange>,
}

fn limit(text: &str) -> Result<(), FleetError> {
    if text.len() > MAX_BYTES { Err(FleetError::File(format!("larger than {MAX_BYTES} bytes"))) } else { Ok(()) }
}

pub(super) fn toml(text: &str) -> Result<Fleet, FleetError> {
    limit(text)?;
    let line_of = |offset: usize| text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| FleetError::Line {
        line: error.span().map_or(1, |span| line_of(span.start)),
        what: format!("{}; each [[device]] has key, model, site, area, domain and perhaps custody", error.message()),
    })?;
    let mut lines: Vec<(String, usize)> = Vec::with_capacity(file.device.len().min(MAX_DEVICES));
    let mut devices = Vec::with_capacity(file.device.len().min(MAX_DEVICES));
    for row in file.device {
        let offset = row.span().start;
        let Row { key, model, site, area, domain, custody } = row.into_inner();
        lines.push((key.clone(), offset));
        devices.push(Device { key, model, site, area, domain, custody });
    }
    Fleet::new(devices).map_err(|error| place(error, &lines, line_of))
}

pub(super) fn csv(text: &str) -> Result<Fleet, FleetError> {
    limit(text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| FleetError::File(error.to_string()))?.clone();
    let names: Vec<&str> = header.iter().collect();
    if names.get(..5) != Some(&COLUMNS[..]) || names.len() > 6 || (names.len() == 6 && names[5] != "custody") {
        let what =
            format!("header is '{}'; write 'key,model,site,area,domain' and perhaps ',custody'", names.join(","));
        return Err(FleetError::Line { line: 1, what: what.chars().take(300).collect() });
    }
    let mut devices = Vec::new();
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| FleetError::File(error.to_string()))?;
        let line = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(usize::MAX));
        let device = row(&record).map_err(|what| FleetError::Line { line, what })?;
        lines.push((device.key.clone(), line));
        devices.push(device);
        if devices.len() > MAX_DEVICES {
            return Err(FleetError::File(format!("more than {MAX_DEVICES} devices; split the party's fleet by site")));
        }
    }
    Fleet::new(devices).map_err(|error| place(error, &lines, |line| line))
}

fn row(record: &csv::StringRecord) -> Result<Device, String> {
    if !(5..=6).contains(&record.len()) {
        return Err(format!("{} fields instead of 5 or 6", record.len()));
    }
    let name = |index: usize| Name::new(&record[index]).map_err(|error| format!("{}: {error}", COLUMNS[index]));
    Ok(Device {
        key: record[0].to_owned(),
        model: name(1)?,
        site: name(2)?,
        area: name(3)?,
        domain: name(4)?,
        custody: custody(record.get(5).unwrap_or_default())?,
    })
}

fn custody(text: &str) -> Result<Vec<CustodyChange>, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| {
        let (window, state) = part.split_once(':')?;
        Some(CustodyChange { from_window: window.trim().parse().ok()?, state: Custody::from_name(state.trim())? })
    };
    let refuse = |part: &str| {
        let words: Vec<_> = Custody::ALL.iter().map(|state| state.name()).collect();
        let part: String = part.chars().take(60).collect();
        format!("custody '{part}' is not 'window:state' with a state of {}", words.join(", "))
    };
    parts.take(MAX_CUSTODY_CHANGES + 1).map(|part| read(part).ok_or_else(|| refuse(part))).collect()
}

/// Adds the (last) line of the device that a whole-fleet rule refused.
fn place(error: FleetError, lines: &[(String, usize)], line_of: impl Fn(usize) -> usize) -> FleetError {
    match error {
        FleetError::Device { device, what } => match lines.iter().rfind(|(key, _)| *key == device) {
            Some(&(_, offset)) => FleetError::Line { line: line_of(offset), what: format!("device {device} {what}") },
            None => FleetError::Device { device, what },
        },
        other => other,
    }
}
