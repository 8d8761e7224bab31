//! What a labelled GPU series means: which quantity, of which device, for which workload.
//!
//! Names are those of NVIDIA's dcgm-exporter (`etc/default-counters.csv`, `etc/dcp-metrics-included.csv`) and of DCGM 4.6.0, which renamed
//! the ratios and added raw counters. Label names differ between exporter versions (`Hostname`/`hostname`, `UUID`/`gpu_uuid`,
//! `modelName`/`model_name`); a device is keyed by its UUID, never by its index or host.

/// A quantity that the meter uses. Everything else in a scrape (clocks, temperatures, utilisation in percent) is counted and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Energy since boot in millijoules; a counter, which restarts when the driver reloads.
    Energy,
    /// Board power in milliwatts; a gauge.
    Power,
    /// Share of cycles in which any tensor pipe was active, in 1e-6; a gauge, the mean of the exporter's last period.
    TensorActive,
    /// Share of cycles in which the memory interface was busy, in 1e-6; a gauge.
    DramActive,
    /// Cycles elapsed on the multiprocessors; a raw counter (DCGM 4.6.0).
    CyclesElapsed,
    /// Cycles in which any tensor pipe was active; a raw counter (DCGM 4.6.0).
    TensorCycles,
}

impl Quantity {
    /// The quantity behind a metric name, old or new; `None` for metrics that the meter does not use.
    pub fn of_metric(name: &str) -> Option<Quantity> {
        let field = name.strip_prefix("DCGM_FI_").unwrap_or(name);
        match field.strip_suffix("_total").unwrap_or(field) {
            "DEV_TOTAL_ENERGY_CONSUMPTION" => Some(Quantity::Energy),
            "DEV_POWER_USAGE" | "DEV_BOARD_POWER_WATTS" => Some(Quantity::Power),
            "PROF_PIPE_TENSOR_ACTIVE" | "PROF_TENSOR_UTIL_RATIO" => Some(Quantity::TensorActive),
            "PROF_DRAM_ACTIVE" | "PROF_DRAM_UTIL_RATIO" => Some(Quantity::DramActive),
            "PROF_SM_CYCLES_ELAPSED_TOTAL" => Some(Quantity::CyclesElapsed),
            "PROF_MMA_CYCLES_ACTIVE_TOTAL" => Some(Quantity::TensorCycles),
            _ => None,
        }
    }

    /// Metric names to ask a server for, old and new.
    pub fn metric_names() -> &'static [&'static str] {
        &[
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            "DCGM_FI_DEV_POWER_USAGE",
            "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
            "DCGM_FI_PROF_DRAM_ACTIVE",
            "DCGM_FI_DEV_BOARD_POWER_WATTS",
            "DCGM_FI_PROF_TENSOR_UTIL_RATIO",
            "DCGM_FI_PROF_DRAM_UTIL_RATIO",
            "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL",
            "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL",
        ]
    }

    /// Power of ten by which a reading is multiplied: watts to milliwatts, ratios to millionths; counters stay as they are.
    pub fn scale(self) -> u32 {
        match self {
            Quantity::Energy | Quantity::CyclesElapsed | Quantity::TensorCycles => 0,
            Quantity::Power => 3,
            Quantity::TensorActive | Quantity::DramActive => 6,
        }
    }

    /// Largest value that is not a unit confusion: a ratio above 1 is a percentage, 100 kW is no board's power.
    pub fn largest(self) -> i128 {
        match self {
            Quantity::Power => 100_000_000,
            Quantity::TensorActive | Quantity::DramActive => 1_000_000,
            Quantity::Energy | Quantity::CyclesElapsed | Quantity::TensorCycles => i128::from(u64::MAX),
        }
    }

    /// True for monotonic counters, whose difference is exact over any gap.
    pub fn is_counter(self) -> bool {
        matches!(self, Quantity::Energy | Quantity::CyclesElapsed | Quantity::TensorCycles)
    }
}

/// A hardware slice of a device (multi-instance GPU).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    /// `GPU_I_ID`, as the exporter writes it.
    pub id: String,
    /// Compute slices of the profile (`3g.40gb` is 3 of 7); `None` when the profile is missing or unknown.
    pub slices: Option<u32>,
}

/// Slices that a whole device is divided into (A100, H100, H200, B200).
pub const SLICES_PER_DEVICE: u32 = 7;

/// Whom a series is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Identity {
    /// The device's vendor UUID (`GPU-…`).
    pub device: String,
    /// The slice, when the series is about one.
    pub instance: Option<Instance>,
    /// Model as the exporter names it (`NVIDIA L40S`); may be absent.
    pub model: Option<String>,
    /// Host as the exporter names it; may be absent.
    pub host: Option<String>,
    /// Slurm job (`hpc_job`) or Kubernetes `namespace/pod`; absent when the exporter does not map devices to workloads.
    pub workload: Option<String>,
}

/// Reads who a series is about from its labels, in any of the spellings that exporters have used.
///
/// The label `job` is Prometheus' scrape job, not a workload, and is ignored. When the server renamed clashing labels, `exported_pod` is the
/// workload and `pod` the exporter itself.
///
/// # Errors
/// A sentence that says which label is missing: without the UUID a value cannot be charged to a device.
pub fn identity<K: AsRef<str>, V: AsRef<str>>(labels: &[(K, V)]) -> Result<Identity, String> {
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            labels
                .iter()
                .find(|(k, v)| k.as_ref() == *name && !v.as_ref().is_empty())
                .map(|(_, v)| v.as_ref().to_owned())
        })
    };
    let Some(device) = find(&["UUID", "uuid", "gpu_uuid", "GPU_UUID"]) else {
        return Err("the series has no UUID label (UUID, uuid or gpu_uuid)".to_owned());
    };
    let instance = find(&["GPU_I_ID", "gpu_i_id"]).map(|id| Instance {
        id,
        slices: find(&["GPU_I_PROFILE", "gpu_i_profile"]).as_deref().and_then(profile_slices),
    });
    Ok(Identity {
        device,
        instance,
        model: find(&["modelName", "model_name", "modelname"]),
        host: find(&["Hostname", "hostname"]),
        workload: workload(&find),
    })
}

fn workload(find: &dyn Fn(&[&str]) -> Option<String>) -> Option<String> {
    if let Some(job) = find(&["exported_hpc_job", "hpc_job"]) {
        return Some(job);
    }
    if let Some(pod) = find(&["exported_pod"]) {
        let namespace = find(&["exported_namespace"]).unwrap_or_else(|| "default".to_owned());
        return Some(format!("{namespace}/{pod}"));
    }
    let pod = find(&["pod"])?;
    Some(format!("{}/{pod}", find(&["namespace"])?))
}

/// Compute slices of a profile name such as `1g.10gb`, `3g.40gb` or `1g.12gb+me`.
pub fn profile_slices(profile: &str) -> Option<u32> {
    let (slices, _) = profile.split_once("g.")?;
    slices.parse().ok().filter(|n| (1..=SLICES_PER_DEVICE).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_names_mean_the_same() {
        for (old, new) in [
            ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_PROF_TENSOR_UTIL_RATIO"),
            ("DCGM_FI_PROF_DRAM_ACTIVE", "DCGM_FI_PROF_DRAM_UTIL_RATIO"),
            ("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS"),
        ] {
            assert_eq!(Quantity::of_metric(old), Quantity::of_metric(new));
            assert!(Quantity::of_metric(old).is_some());
        }
        // OpenMetrics appends `_total` to counters.
        assert_eq!(Quantity::of_metric("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total"), Some(Quantity::Energy));
        assert_eq!(Quantity::of_metric("DCGM_FI_DEV_GPU_UTIL"), None);
        assert!(Quantity::metric_names().iter().all(|name| Quantity::of_metric(name).is_some()));
    }

    #[test]
    fn label_spellings_agree() {
        let old = identity(&[("UUID", "GPU-1"), ("Hostname", "n1"), ("modelName", "NVIDIA L4")]).expect("old");
        let new = identity(&[("gpu_uuid", "GPU-1"), ("hostname", "n1"), ("model_name", "NVIDIA L4")]).expect("new");
        assert_eq!(old, new);
        assert!(identity(&[("gpu", "0"), ("Hostname", "n1")]).is_err());
    }

    #[test]
    fn scrape_job_is_not_a_workload() {
        let series = identity(&[("UUID", "GPU-1"), ("job", "dcgm-exporter"), ("instance", "n1:9400")]).expect("series");
        assert_eq!(series.workload, None);
    }

    #[test]
    fn renamed_pod_labels_name_the_workload() {
        let labels = [
            ("UUID", "G"),
            ("pod", "dcgm-exporter-x"),
            ("namespace", "monitoring"),
            ("exported_pod", "train-0"),
            ("exported_namespace", "ml"),
        ];
        assert_eq!(identity(&labels).expect("series").workload.as_deref(), Some("ml/train-0"));
        assert_eq!(identity(&[("UUID", "G"), ("pod", ""), ("namespace", "")]).expect("idle").workload, None);
    }

    #[test]
    fn instance_profiles() {
        assert_eq!(profile_slices("1g.10gb"), Some(1));
        assert_eq!(profile_slices("3g.40gb"), Some(3));
        assert_eq!(profile_slices("1g.12gb+me"), Some(1));
        assert_eq!(profile_slices("9g.1gb"), None);
        assert_eq!(profile_slices("weird"), None);
    }
}
