//! Which column of an export means what: DCGM names before and after 4.6, `nvidia-smi`, Prometheus labels, plain words.

use crate::MeterError;
use std::collections::BTreeMap;

/// What a column can mean to the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Device key: the vendor's UUID.
    Device,
    /// Time of the reading.
    Time,
    /// Job that held the device.
    Job,
    /// Tensor-pipe activity, gauge.
    TensorActive,
    /// Memory-interface activity, gauge.
    DramActive,
    /// Power, gauge.
    Power,
    /// Energy, counter.
    Energy,
    /// Cycles with a tensor pipe active, counter.
    CyclesActive,
    /// Elapsed cycles, counter.
    CyclesElapsed,
}

impl Meaning {
    /// All meanings.
    pub const ALL: [Self; 9] = [
        Self::Device,
        Self::Time,
        Self::Job,
        Self::TensorActive,
        Self::DramActive,
        Self::Power,
        Self::Energy,
        Self::CyclesActive,
        Self::CyclesElapsed,
    ];

    /// The word for `--column <word>=<column>`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Time => "time",
            Self::Job => "job",
            Self::TensorActive => "tensor-active",
            Self::DramActive => "dram-active",
            Self::Power => "power",
            Self::Energy => "energy",
            Self::CyclesActive => "cycles-active",
            Self::CyclesElapsed => "cycles-elapsed",
        }
    }

    /// The meaning of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meaning| meaning.word() == word)
    }

    /// Names taken without being told, most trusted first; compared without case and without the prefix `DCGM_FI_`.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Device => &["uuid", "gpu_uuid", "device_uuid", "device", "gpu", "node", "hostname", "instance"],
            Self::Time => &["time_ms", "t_ms", "timestamp_ms", "timestamp", "time", "ts"],
            Self::Job => &["job", "hpc_job", "job_id", "jobid", "slurm_job", "pod_uid", "pod"],
            Self::TensorActive => &["prof_tensor_util_ratio", "prof_pipe_tensor_active", "tensor_active", "tensor"],
            Self::DramActive => &["prof_dram_util_ratio", "prof_dram_active", "dram_active", "dram"],
            Self::Power => {
                &["dev_board_power_watts", "dev_power_usage", "power_watts", "power_usage", "watts", "power"]
            }
            Self::Energy => &["dev_total_energy_consumption", "energy_mj", "energy_millijoules", "energy"],
            Self::CyclesActive => &["prof_mma_cycles_active_total", "tensor_cycles_active_total", "cycles_active"],
            Self::CyclesElapsed => &["prof_sm_cycles_elapsed_total", "cycles_elapsed"],
        }
    }
}

/// Metrics that look useful and are not: part of a name, what it is, and what to do.
const REFUSED: [(&str, &str, &str); 6] = [
    ("nvlink", "NVLink traffic in bytes per second", "leave it out: traffic is no operation count"),
    ("pcie", "PCIe traffic in bytes per second", "leave it out: traffic is no operation count"),
    (
        "dev_gpu_util",
        "the share of time in which any kernel ran",
        "use PROF_PIPE_TENSOR_ACTIVE or PROF_TENSOR_UTIL_RATIO",
    ),
    (
        "gr_engine",
        "the share of time in which a context was bound",
        "use PROF_PIPE_TENSOR_ACTIVE or PROF_TENSOR_UTIL_RATIO",
    ),
    ("mem_copy_util", "a copy-engine percentage", "use PROF_DRAM_ACTIVE or PROF_DRAM_UTIL_RATIO"),
    ("sm_occupancy", "resident warps, not work", "use PROF_PIPE_TENSOR_ACTIVE or PROF_TENSOR_UTIL_RATIO"),
];

/// Columns named by the operator; everything else is found by name.
pub type Overrides = BTreeMap<Meaning, String>;

/// Position of each meaning in a file's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    positions: BTreeMap<Meaning, usize>,
}

impl Columns {
    /// Finds the columns of a file.
    ///
    /// # Errors
    /// [`MeterError::MissingColumn`] without device, time or any reading, or when a named column is absent;
    /// [`MeterError::WrongMetric`] when a named column holds something else.
    pub fn find(place: &str, found: &[String], overrides: &Overrides) -> Result<Self, MeterError> {
        let missing = |wanted| MeterError::MissingColumn { place: place.to_owned(), wanted, found: listed(found) };
        let mut positions = BTreeMap::new();
        for meaning in Meaning::ALL {
            let at = match overrides.get(&meaning) {
                Some(name) => {
                    refuse_wrong_metric(place, name, meaning)?;
                    Some(found.iter().position(|column| column == name).ok_or_else(|| missing(meaning.word()))?)
                }
                None => by_name(found, meaning),
            };
            positions.extend(at.map(|at| (meaning, at)));
        }
        for needed in [Meaning::Device, Meaning::Time] {
            if !positions.contains_key(&needed) {
                return Err(missing(needed.word()));
            }
        }
        let cycles = positions.contains_key(&Meaning::CyclesActive) && positions.contains_key(&Meaning::CyclesElapsed);
        let readings = [Meaning::TensorActive, Meaning::DramActive, Meaning::Power, Meaning::Energy, Meaning::Job];
        if !cycles && !readings.iter().any(|meaning| positions.contains_key(meaning)) {
            return Err(missing(Meaning::TensorActive.word()));
        }
        if !cycles {
            positions.remove(&Meaning::CyclesActive);
            positions.remove(&Meaning::CyclesElapsed);
        }
        Ok(Self { positions })
    }

    /// Position of a meaning's column.
    #[must_use]
    pub fn get(&self, meaning: Meaning) -> Option<usize> {
        self.positions.get(&meaning).copied()
    }

    /// Positions in use, ascending.
    #[must_use]
    pub fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.positions.values().copied().collect();
        used.sort_unstable();
        used
    }
}

/// Columns in words, at most 40 of them.
fn listed(found: &[String]) -> String {
    let shown: Vec<String> = found.iter().take(40).map(|name| name.chars().take(64).collect()).collect();
    let more = if found.len() > 40 { format!(" and {} more", found.len() - 40) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn plain(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    lower.strip_prefix("dcgm_fi_").map_or_else(|| lower.clone(), str::to_owned)
}

fn by_name(found: &[String], meaning: Meaning) -> Option<usize> {
    let found: Vec<String> = found.iter().map(|name| plain(name)).collect();
    meaning.names().iter().find_map(|known| found.iter().position(|name| name == known))
}

fn refuse_wrong_metric(place: &str, column: &str, wanted: Meaning) -> Result<(), MeterError> {
    let reading = !matches!(wanted, Meaning::Device | Meaning::Time | Meaning::Job);
    match REFUSED.iter().find(|(part, ..)| reading && plain(column).contains(part)) {
        None => Ok(()),
        Some(&(_, is, remedy)) => Err(MeterError::WrongMetric {
            place: place.to_owned(),
            column: column.to_owned(),
            is,
            wanted: wanted.word(),
            remedy,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn finds_old_and_new_dcgm_names() {
        let old = names(
            "Timestamp UUID hpc_job DCGM_FI_PROF_PIPE_TENSOR_ACTIVE DCGM_FI_PROF_DRAM_ACTIVE DCGM_FI_DEV_POWER_USAGE",
        );
        let new = names(
            "Timestamp UUID hpc_job DCGM_FI_PROF_TENSOR_UTIL_RATIO DCGM_FI_PROF_DRAM_UTIL_RATIO DCGM_FI_DEV_BOARD_POWER_WATTS",
        );
        for found in [old, new] {
            let columns = Columns::find("x", &found, &Overrides::new()).unwrap();
            assert_eq!(columns.used(), [0, 1, 2, 3, 4, 5]);
            assert_eq!(columns.get(Meaning::TensorActive), Some(3));
        }
        let counters = names("ts uuid PROF_MMA_CYCLES_ACTIVE_TOTAL PROF_SM_CYCLES_ELAPSED_TOTAL");
        assert_eq!(Columns::find("x", &counters, &Overrides::new()).unwrap().get(Meaning::CyclesElapsed), Some(3));
    }

    #[test]
    fn names_what_is_missing_and_what_there_is() {
        let error =
            Columns::find("day.parquet", &names("uuid tensor_active"), &Overrides::new()).unwrap_err().to_string();
        assert!(
            error.contains("no column for time; found: uuid, tensor_active") && error.contains("--column time="),
            "{error}"
        );
        let error = Columns::find("day.csv", &names("uuid ts fan"), &Overrides::new()).unwrap_err().to_string();
        assert!(error.contains("tensor-active"), "{error}");
    }

    #[test]
    fn refuses_traffic_and_gpu_utilisation_as_activity() {
        let found = names("uuid ts DCGM_FI_PROF_NVLINK_TX_BYTES DCGM_FI_DEV_GPU_UTIL");
        for (meaning, column) in [(Meaning::Energy, &found[2]), (Meaning::TensorActive, &found[3])] {
            let overrides = Overrides::from([(meaning, column.clone())]);
            assert!(matches!(Columns::find("x", &found, &overrides), Err(MeterError::WrongMetric { .. })));
        }
    }
}
