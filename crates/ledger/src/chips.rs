//! The chip table: dense peak operations per second per numeric format, memory and power of every accelerator model that a
//! fleet may register. Data, not code: `data/chips.toml`, one source per cell, hashed (`docs/formats/chips.md`).

mod parse;

use crate::interval::OpsInterval;
use standstill_statement::{Hash32, Name, NumericFormat};
use std::collections::BTreeMap;

/// Dense bf16/fp16 tensor operations per second of one H100 SXM5: the unit of [`ChipModel::h100e_16_millionths`].
pub const H100_16_BIT_OPS_PER_SECOND: u64 = 989_400_000_000_000;
/// Dense 8-bit tensor operations per second of one H100 SXM5: the unit of [`ChipModel::h100e_8_millionths`].
pub const H100_8_BIT_OPS_PER_SECOND: u64 = 1_979_000_000_000_000;

/// The chip table is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChipError {
    /// Not TOML of the table's layout.
    #[error("chip table, line {line}: {what}")]
    Layout {
        /// Line, from 1; 0 when the whole file is meant.
        line: usize,
        /// What the parser says.
        what: String,
    },
    /// A row breaks a rule of the table.
    #[error("chip table, row '{chip}': {what}")]
    Row {
        /// Row id.
        chip: String,
        /// The rule and the remedy.
        what: String,
    },
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Publisher and title.
    pub title: String,
    /// Address; empty when the source is another file of the table's own list.
    pub url: String,
}

/// One accelerator model. Peaks are dense (no structured sparsity), per device as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipModel {
    /// Id in fleets and statements, for example `h100-sxm5`.
    pub id: Name,
    /// Other names: DCGM `modelName`, `nvidia-smi`, MLPerf, Slurm GRES. Compared by letters and digits only.
    pub aliases: Vec<String>,
    /// Dense peak per numeric format in the order of [`NumericFormat::ALL`]; `None` when the table has no sourced figure.
    pub peak_ops_per_second: [Option<u64>; NumericFormat::COUNT],
    /// Accelerator memory, bytes.
    pub memory_bytes: u64,
    /// Thermal design power of one device, watts.
    pub tdp_watts: u32,
    /// Power of one device without work, watts; `None` when no source states it.
    pub idle_watts: Option<u32>,
    /// Source id per cell: `bf16`, `fp8`, ..., `memory`, `tdp`, `idle`.
    pub sources: BTreeMap<String, String>,
    /// Reasons for figures that look wrong at first sight.
    pub notes: Vec<String>,
    /// Name of the row in Epoch AI's hardware list that the figures are compared with; `None` when it has none.
    pub epoch_name: Option<String>,
}

impl ChipModel {
    /// Dense peak of one format, operations per second.
    #[must_use]
    pub const fn peak(&self, format: NumericFormat) -> Option<u64> {
        self.peak_ops_per_second[format.index()]
    }

    /// The highest dense peak over all formats: the audited upper bound of what one second can do. At least 1.
    #[must_use]
    pub fn highest_peak_ops_per_second(&self) -> u64 {
        self.peak_ops_per_second.iter().flatten().copied().max().unwrap_or(1)
    }

    /// Dense 16-bit peak (bf16, else fp16), operations per second; the reference of best estimates. 0 when the model has none.
    #[must_use]
    pub fn reference_peak_ops_per_second(&self) -> u64 {
        self.peak(NumericFormat::Bf16).or(self.peak(NumericFormat::Fp16)).unwrap_or(0)
    }

    /// Dense 8-bit peak (the higher of fp8 and int8, else the 16-bit one), operations per second.
    #[must_use]
    pub fn eight_bit_peak_ops_per_second(&self) -> u64 {
        let eight = self.peak(NumericFormat::Fp8).max(self.peak(NumericFormat::Int8));
        eight.unwrap_or_else(|| self.reference_peak_ops_per_second())
    }

    /// H100-equivalents by dense 16-bit peak, in millionths of an H100 SXM5 (989.4e12 per second), rounded down.
    #[must_use]
    pub fn h100e_16_millionths(&self) -> u64 {
        millionths(self.reference_peak_ops_per_second(), H100_16_BIT_OPS_PER_SECOND)
    }

    /// H100-equivalents by dense 8-bit peak, else 16-bit (Epoch AI's definition), in millionths of an H100 SXM5
    /// (1,979e12 per second), rounded down.
    #[must_use]
    pub fn h100e_8_millionths(&self) -> u64 {
        millionths(self.eight_bit_peak_ops_per_second(), H100_8_BIT_OPS_PER_SECOND)
    }

    /// The peak that bounds an entry: that of the evidenced format, else the highest. `None` when the evidenced format has no cell.
    #[must_use]
    pub fn bounding_peak(&self, format: Option<NumericFormat>) -> Option<u64> {
        match format {
            Some(format) => self.peak(format),
            None => Some(self.highest_peak_ops_per_second()),
        }
    }

    /// Operations of allocated time with no other evidence than (perhaps) the format.
    /// A format without a cell gives no evidence, so the highest peak bounds it.
    #[must_use]
    pub fn allocation(&self, format: Option<NumericFormat>, milliseconds: u64) -> OpsInterval {
        let peak = self.bounding_peak(format).unwrap_or_else(|| self.highest_peak_ops_per_second());
        OpsInterval::allocation(peak, self.reference_peak_ops_per_second(), milliseconds)
    }

    /// Operations of tensor-active time (integral of millionths over milliseconds), with format evidence if there is any.
    #[must_use]
    pub fn counters(&self, format: Option<NumericFormat>, active_micro_ms: u128) -> OpsInterval {
        let peak = self.bounding_peak(format).unwrap_or_else(|| self.highest_peak_ops_per_second());
        let reference =
            format.and_then(|format| self.peak(format)).unwrap_or_else(|| self.reference_peak_ops_per_second());
        OpsInterval::counters(peak, reference, active_micro_ms)
    }

    /// The charge of unaccounted time.
    #[must_use]
    pub fn unaccounted(&self, milliseconds: u64) -> OpsInterval {
        OpsInterval::unaccounted(self.highest_peak_ops_per_second(), milliseconds)
    }
}

fn millionths(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1_000_000 / u128::from(whole)).unwrap_or(u64::MAX)
}

/// What of a name is compared.
fn normal(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace("(r)", "").replace("(tm)", "");
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A versioned set of chip models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipTable {
    version: String,
    id: Hash32,
    sources: BTreeMap<String, Source>,
    chips: Vec<ChipModel>,
    aliases: BTreeMap<String, usize>,
}

impl ChipTable {
    /// The table that ships with this version.
    ///
    /// # Errors
    /// Only when the shipped file itself is broken, which a test excludes.
    pub fn builtin() -> Result<Self, ChipError> {
        Self::parse(include_str!("../data/chips.toml"))
    }

    /// Reads a table, refusing rows without sources, sparse peaks, repeated names, and an 8-bit to 16-bit ratio that is not
    /// about 2 without a note.
    ///
    /// # Errors
    /// [`ChipError`] naming the line or row.
    pub fn parse(text: &str) -> Result<Self, ChipError> {
        parse::table(text)
    }

    /// SHA-256 of the domain prefix and the exact bytes of the file; agreements name the table by it.
    #[must_use]
    pub const fn id(&self) -> Hash32 {
        self.id
    }

    /// Version line of the file, for people.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The row of that id.
    #[must_use]
    pub fn get(&self, id: &Name) -> Option<&ChipModel> {
        self.aliases.get(&normal(id.as_str())).map(|&index| &self.chips[index]).filter(|chip| &chip.id == id)
    }

    /// The row of that id or alias. Only letters and digits are compared, without case, and `(R)` or `(TM)` is left out:
    /// "NVIDIA H100-SXM5-80GB" and "nvidia h100 sxm5 80gb" are one name.
    #[must_use]
    pub fn by_alias(&self, name: &str) -> Option<&ChipModel> {
        self.aliases.get(&normal(name)).map(|&index| &self.chips[index])
    }

    /// All rows, sorted by id.
    #[must_use]
    pub fn chips(&self) -> &[ChipModel] {
        &self.chips
    }

    /// The source of that id.
    #[must_use]
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.get(id)
    }
}
