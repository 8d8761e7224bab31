//! The fitted constants and where each comes from. Figures were computed from the published files; no row of them is here.
//!
//! | figure | source |
//! |---|---|
//! | gang sizes, durations | AcmeTrace, Kalos cluster, converted job list of 319 jobs over 90 days (CC-BY-4.0) |
//! | end states | AcmeTrace, cluster summary, Kalos row, 19,907 GPU jobs |
//! | requested over used wall time | NREL Eagle, 1,000 jobs (BSD-3) |
//! | load of conversation serving | Mooncake conversation trace, 12,031 requests in 59 min (Apache-2.0) |
//! | load of code serving | Azure LLM inference trace 2023 (code), 8,819 requests in 57 min (CC-BY-4.0) |
//! | power by kind of work, its spread, idle floor | MLPerf power logs, training v4.0/v5.0 and inference v4.1/v5.1 (Apache-2.0) |
//!
//! What no published trace of this kind gives is assumed, and marked so: shares of the pools, pauses between jobs, tensor and
//! memory activity by kind of work, maintenance, gaps, counter resets.

use standstill_statement::Class;

/// Run time of a job in seconds at thousandths of the distribution. AcmeTrace Kalos (converted): p5 31.5 s (raised to one
/// sample), p25 90 s, p50 498 s, p75 5,019 s, p90 87,500 s, p95 236,530 s, p99 543,530 s.
pub const RUN_TIME_SECONDS: [(u32, u64); 8] =
    [(0, 60), (50, 60), (250, 90), (500, 498), (750, 5_019), (900, 87_500), (950, 236_530), (990, 543_530)];

/// Gang sizes up to one node with their counts. AcmeTrace Kalos (converted): 89, 11, 14 and 22 of 319 jobs.
pub const SMALL_GANGS: [(u32, u32); 4] = [(1, 89), (2, 11), (4, 14), (8, 22)];

/// Share of jobs that complete, are cancelled, fail, in thousandths. AcmeTrace summary, Kalos, GPU jobs: 0.541, 0.062, 0.397.
pub const END_STATES_PER_MILLE: [u32; 3] = [541, 62, 397];

/// Requested over used wall time in thousandths, median. NREL Eagle: used over requested has median 0.340.
pub const REQUESTED_PER_MILLE: u64 = 2_943;

/// Coefficient of variation of requests per minute, thousandths. Mooncake conversation: 0.119, lag-1 autocorrelation 0.30,
/// highest minute 1.21 of the mean.
pub const CONVERSATION_LOAD_CV_PER_MILLE: i64 = 119;
/// Lag-1 autocorrelation of conversation load, thousandths.
pub const CONVERSATION_LOAD_MEMORY_PER_MILLE: i64 = 303;
/// Coefficient of variation of requests per minute, thousandths. Azure code trace: 1.04, highest minute 4.18 of the mean.
pub const CODE_LOAD_CV_PER_MILLE: i64 = 1_041;

/// Standard deviation of whole-node power within a synchronous training run, thousandths of its mean. MLPerf v4.0, GPT-3 on
/// 64 nodes, one node: 0.054.
pub const TRAINING_POWER_CV_PER_MILLE: i64 = 54;

/// Power of a node that is not the accelerators', per accelerator, milliwatts. MLPerf: an 8×H200 server between requests draws
/// 312 W per accelerator at the wall (5th percentile), of which about 75 W are the accelerator's own.
pub const NODE_OVERHEAD_MILLIWATTS: u64 = 220_000;

/// Power of an accelerator without work, thousandths of its TDP: 75 W of 700 W. The B200 log's lowest reading (3,049 W for a node of
/// eight, less overhead) gives 0.16; the H100 and H200 figure is taken for all. Assumed where the chip table has no idle power.
pub const IDLE_PER_MILLE_OF_TDP: u32 = 107;

/// Noise of the area power meter, thousandths of a reading (one standard deviation). Assumed; a class-0.5 instrument.
pub const METER_NOISE_PER_MILLE: i64 = 5;

/// What work looks like in telemetry: mean tensor activity and memory activity in thousandths, mean power in thousandths of the
/// range from idle to TDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Tensor-pipe activity, thousandths. Assumed.
    pub tensor_per_mille: u32,
    /// Memory-interface activity, thousandths. Assumed.
    pub dram_per_mille: u32,
    /// Power above idle, thousandths of TDP less idle.
    pub power_per_mille: u32,
}

/// Profile of a class. Power: GPT-3 training 856 W per H100 at the wall, less overhead 636 W of 700 W; LoRA fine-tuning 727 W, so
/// 507 W; H200 serving 596 W, so 376 W (medians over MLPerf runs). Experiments and evaluation are assumed between.
#[must_use]
pub const fn profile(class: Class) -> Profile {
    let (tensor_per_mille, dram_per_mille, power_per_mille) = match class {
        Class::Pretraining => (430, 380, 898),
        Class::Posttraining => (330, 420, 691),
        Class::Experiment => (220, 300, 500),
        Class::Inference => (110, 620, 482),
        Class::Evaluation => (260, 340, 560),
        Class::Other => (20, 250, 300),
        Class::Idle | Class::Down | Class::Unaccounted => (0, 0, 0),
    };
    Profile { tensor_per_mille, dram_per_mille, power_per_mille }
}

/// Shares of the pools in thousandths of a lab's nodes: pretraining, post-training, serving; the rest is research. Assumed.
pub const POOLS_PER_MILLE: [u32; 3] = [500, 125, 250];
/// Pause between two jobs on the same devices, seconds: least and most. Assumed (Acme: median queue time 17 s, mean 214 s).
pub const PAUSE_SECONDS: (u32, u32) = (60, 600);
/// Chance of a maintenance stop of a node per day, thousandths, and its length in minutes. Assumed.
pub const MAINTENANCE: (u32, (u32, u32)) = (20, (60, 240));
/// Chance of a gap in a device's samples per day, thousandths, and its length in minutes. Assumed: 0.04 % of the time.
pub const GAP: (u32, (u32, u32)) = (80, (4, 10));
/// Chance of a counter reset (driver reload) of a device per day, in 10,000. Assumed.
pub const RESET_PER_TEN_THOUSAND: u32 = 4;
/// Shares of research jobs that are experiments, evaluations and other work, thousandths. Assumed.
pub const RESEARCH_PER_MILLE: [u32; 3] = [550, 350, 100];
