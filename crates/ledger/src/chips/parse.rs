//! Reading the chip table and refusing what would make it wrong by a factor.

use super::{ChipError, ChipModel, ChipTable, Source};
use serde::Deserialize;
use standstill_statement::{Hash32, Name, NumericFormat};
use std::collections::BTreeMap;

/// Largest chip table, bytes.
const MAX_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    sources: BTreeMap<String, SourceRow>,
    chip: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    title: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Name,
    dense: bool,
    aliases: Vec<String>,
    #[serde(default)]
    epoch_name: Option<String>,
    peak: BTreeMap<String, Cell>,
    memory_bytes: Cell,
    tdp_watts: Cell,
    #[serde(default)]
    idle_watts: Option<Cell>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    value: u64,
    source: String,
}

pub(super) fn table(text: &str) -> Result<ChipTable, ChipError> {
    if text.len() > MAX_BYTES {
        return Err(ChipError::Layout { line: 0, what: format!("larger than {MAX_BYTES} bytes") });
    }
    let file: File = toml::from_str(text).map_err(|error| ChipError::Layout {
        line: error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1),
        what: error.message().to_owned(),
    })?;
    let sources = file.sources.into_iter().map(|(id, row)| (id, Source { title: row.title, url: row.url })).collect();
    let mut chips = file.chip.into_iter().map(|row| model(row, &sources)).collect::<Result<Vec<_>, _>>()?;
    chips.sort_by(|a, b| a.id.cmp(&b.id));
    let aliases = index(&chips)?;
    let id = Hash32::of(&[b"standstill/1/chips\0", text.as_bytes()].concat());
    Ok(ChipTable { version: file.version, id, sources, chips, aliases })
}

fn index(chips: &[ChipModel]) -> Result<BTreeMap<String, usize>, ChipError> {
    let mut names = BTreeMap::new();
    for (position, chip) in chips.iter().enumerate() {
        for alias in chip.aliases.iter().map(String::as_str).chain([chip.id.as_str()]) {
            if names.insert(super::normal(alias), position).is_some() {
                return Err(refuse(&chip.id, format!("the name '{alias}' is used twice; a name must mean one model")));
            }
        }
    }
    Ok(names)
}

fn model(row: Row, sources: &BTreeMap<String, Source>) -> Result<ChipModel, ChipError> {
    if !row.dense {
        return Err(refuse(
            &row.id,
            "dense = false; enter dense peaks (sheets often print 2:4-sparse ones, twice as high)",
        ));
    }
    let mut cited = BTreeMap::new();
    let mut cite = |name: &str, cell: &Cell| {
        if !sources.contains_key(&cell.source) {
            return Err(refuse(&row.id, format!("cell '{name}' cites '{}', which is not in [sources]", cell.source)));
        }
        cited.insert(name.to_owned(), cell.source.clone());
        Ok(cell.value)
    };
    let mut peaks = [None; NumericFormat::COUNT];
    for (name, cell) in &row.peak {
        let Some(format) = NumericFormat::from_name(name) else {
            return Err(refuse(&row.id, format!("'{name}' is not a numeric format")));
        };
        peaks[format.index()] = Some(cite(name, cell)?);
    }
    let memory_bytes = cite("memory", &row.memory_bytes)?;
    let tdp_watts = watts(&row.id, cite("tdp", &row.tdp_watts)?)?;
    let idle_watts = match &row.idle_watts {
        Some(cell) => Some(watts(&row.id, cite("idle", cell)?)?),
        None => None,
    };
    let chip = ChipModel {
        id: row.id,
        aliases: row.aliases,
        peak_ops_per_second: peaks,
        memory_bytes,
        tdp_watts,
        idle_watts,
        sources: cited,
        notes: row.notes,
        epoch_name: row.epoch_name,
    };
    check(&chip)?;
    Ok(chip)
}

fn watts(chip: &Name, value: u64) -> Result<u32, ChipError> {
    u32::try_from(value).map_err(|_| refuse(chip, format!("{value} W is not a power of one device")))
}

/// Ratio of the 8-bit to the 16-bit peak outside 1.9 to 2.1 is either sparse figures in one column or a real exception;
/// only a note tells which.
fn check(chip: &ChipModel) -> Result<(), ChipError> {
    use NumericFormat::{Bf16, Fp8, Fp16, Int8};
    if chip.peak(Bf16).or(chip.peak(Fp16)).is_none_or(|peak| peak == 0) {
        return Err(refuse(&chip.id, "no dense 16-bit peak; it is the reference of best estimates"));
    }
    let sixteen = u128::from(chip.reference_peak_ops_per_second());
    for format in [Fp8, Int8] {
        let Some(eight) = chip.peak(format).map(u128::from) else { continue };
        let usual = eight * 10 >= sixteen * 19 && eight * 10 <= sixteen * 21;
        if !usual && chip.notes.is_empty() {
            let what = format!(
                "{format} peak is not about twice the 16-bit peak; correct a sparse figure or add a note that says why"
            );
            return Err(refuse(&chip.id, what));
        }
    }
    if chip.idle_watts.is_some_and(|idle| idle >= chip.tdp_watts) {
        return Err(refuse(&chip.id, "idle power is not below TDP"));
    }
    Ok(())
}

fn refuse(chip: &Name, what: impl Into<String>) -> ChipError {
    ChipError::Row { chip: chip.to_string(), what: what.into() }
}
