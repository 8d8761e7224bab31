//! One device, one day: samples of activity, power and energy.

use crate::fitted::{self, Profile};
use crate::jobs::Job;
use crate::random::Stream;
use standstill_statement::Class;

/// One reading. It speaks for the stretch since the reading before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Unix milliseconds.
    pub(crate) time_ms: i64,
    /// Tensor activity as it was, millionths.
    pub(crate) true_tensor_micro: u32,
    /// Tensor activity as exported, millionths.
    pub(crate) tensor_micro: u32,
    /// Memory activity, millionths.
    pub(crate) dram_micro: u32,
    /// True power, milliwatts.
    pub(crate) milliwatts: u32,
    /// Power as exported, milliwatts; the exported counter is its integral.
    pub(crate) reported_milliwatts: u32,
    /// Exported energy counter, millijoules.
    pub(crate) counter_millijoules: u64,
    /// Position of the job in the lab's list.
    pub(crate) job: Option<usize>,
    /// False inside a gap.
    pub(crate) exported: bool,
}

/// Samples of one device from midnight to midnight, both included.
pub(crate) struct DeviceDay {
    pub(crate) samples: Vec<Sample>,
}

/// What a device-day is made from.
pub(crate) struct DayInput<'a> {
    pub(crate) seed: u64,
    pub(crate) lab: &'a str,
    pub(crate) device: u32,
    pub(crate) day: u32,
    /// Start of the day, milliseconds since the world's start and Unix milliseconds.
    pub(crate) day_ms: u64,
    pub(crate) day_unix_ms: i64,
    pub(crate) period_ms: u32,
    pub(crate) tdp_milliwatts: u32,
    pub(crate) idle_milliwatts: u32,
    pub(crate) jobs: &'a [Job],
    /// The device's jobs that touch the day, in order of time.
    pub(crate) own: &'a [usize],
}

/// Largest deviation of a reading's time from its nominal second, milliseconds.
const JITTER_MS: u32 = 400;
const DAY_MS: u32 = 86_400_000;

impl DeviceDay {
    /// Draws the day. Counters are zero until [`DeviceDay::count`].
    pub(crate) fn draw(input: &DayInput<'_>) -> Self {
        let mut random = Stream::new(input.seed, &format!("device/{}/{}/{}", input.lab, input.device, input.day));
        let steps = DAY_MS / input.period_ms;
        let mut samples = Vec::with_capacity(steps as usize + 1);
        let mut load = Load::default();
        let mut cursor = 0;
        for step in 0..=steps {
            let nominal = u64::from(step) * u64::from(input.period_ms);
            // The label is that of the stretch that ends here.
            let moment = (input.day_ms + nominal).saturating_sub(1);
            while cursor < input.own.len() && input.jobs[input.own[cursor]].end_ms <= moment {
                cursor += 1;
            }
            let held = |job: &usize| input.jobs[*job].start_ms <= moment && input.jobs[*job].class.can_operate();
            let job = input.own.get(cursor).copied().filter(held);
            let jitter =
                if step == 0 || step == steps || nominal % 3_600_000 == 0 { 0 } else { random.below(JITTER_MS) };
            let time_ms = input.day_unix_ms.saturating_add_unsigned(nominal + u64::from(jitter));
            let mut sample = work(input, job, &mut load, &mut random, step);
            sample.time_ms = time_ms;
            samples.push(sample);
        }
        let mut day = Self { samples };
        day.steady_boundaries(input);
        day.gap(&mut random);
        day
    }

    /// Readings at a change of job carry no jitter, so that truth and metering agree to the millisecond.
    fn steady_boundaries(&mut self, input: &DayInput<'_>) {
        for index in 1..self.samples.len() {
            if self.samples[index].job != self.samples[index - 1].job {
                let nominal = (index as u64 - 1) * u64::from(input.period_ms);
                self.samples[index - 1].time_ms = input.day_unix_ms.saturating_add_unsigned(nominal);
            }
        }
    }

    /// At most one gap a day, never at midnight, where two files meet.
    fn gap(&mut self, random: &mut Stream) {
        let (chance, (low, high)) = fitted::GAP;
        let (hit, start, length) = (random.below(1000) < chance, random.below(1000), random.between(low, high));
        if hit && self.samples.len() > 2 * high as usize {
            let room = self.samples.len() - high as usize - 2;
            let start = 1 + room * start as usize / 1000;
            for sample in &mut self.samples[start..start + length as usize] {
                sample.exported = false;
            }
        }
    }

    /// Runs the counter from its value at the first reading, in microjoules, and returns its value at the last.
    /// A reset puts it to zero at the start of a stretch.
    pub(crate) fn count(&mut self, start_microjoules: u128, reset_before: Option<usize>) -> u128 {
        let mut counter = start_microjoules;
        let mut before_ms = self.samples.first().map_or(0, |sample| sample.time_ms);
        for (index, sample) in self.samples.iter_mut().enumerate() {
            if reset_before == Some(index) {
                counter = 0;
            }
            let elapsed_ms = sample.time_ms.abs_diff(before_ms);
            counter += u128::from(sample.reported_milliwatts) * u128::from(elapsed_ms);
            sample.counter_millijoules = u64::try_from(counter / 1000).unwrap_or(u64::MAX);
            before_ms = sample.time_ms;
        }
        counter
    }
}

/// Load of a serving replica, thousandths of its mean.
#[derive(Default)]
struct Load {
    deviation: i64,
}

impl Load {
    /// Conversation: a first-order process with Mooncake's variation and memory. Code: bursts with Azure's variation.
    fn next(&mut self, bursty: bool, random: &mut Stream) -> i64 {
        let draw = random.normal_millis();
        if bursty {
            // The square of a normal has mean 1 and variation 1.41; scaled towards the published 1.04.
            let square = draw * draw / 1000;
            return 1000 + (square - 1000) * fitted::CODE_LOAD_CV_PER_MILLE / 1414;
        }
        let memory = fitted::CONVERSATION_LOAD_MEMORY_PER_MILLE;
        // sqrt(1 - 0.303^2) = 0.953 keeps the variance.
        self.deviation =
            self.deviation * memory / 1000 + draw * fitted::CONVERSATION_LOAD_CV_PER_MILLE * 953 / 1_000_000;
        1000 + self.deviation
    }
}

fn work(input: &DayInput<'_>, job: Option<usize>, load: &mut Load, random: &mut Stream, step: u32) -> Sample {
    let mut sample = Sample {
        time_ms: 0,
        true_tensor_micro: 0,
        tensor_micro: 0,
        dram_micro: 0,
        milliwatts: 0,
        reported_milliwatts: 0,
        counter_millijoules: 0,
        job,
        exported: true,
    };
    let class = job.map_or(Class::Idle, |job| input.jobs[job].class);
    let factor = match (class, job) {
        (Class::Inference, Some(job)) => load.next(input.jobs[job].name == "serve-code", random).clamp(50, 3000),
        (Class::Posttraining, _) if step / 10 % 2 == 1 => 450, // rollouts: decode-like half of reinforcement learning
        (Class::Pretraining, _) if step % 30 == 29 => 700,     // checkpoint every half hour
        _ => 1000,
    };
    let noise = 1000 + random.normal_millis() * fitted::TRAINING_POWER_CV_PER_MILLE / 1000;
    let Profile { tensor_per_mille, dram_per_mille, power_per_mille } = fitted::profile(class);
    let scaled = |per_mille: u32, factor: i64| u32::try_from(i64::from(per_mille) * factor * noise / 1000).unwrap_or(0);
    sample.tensor_micro = scaled(tensor_per_mille, factor).min(1_000_000);
    sample.true_tensor_micro = sample.tensor_micro;
    sample.dram_micro = scaled(dram_per_mille, factor.midpoint(1000)).min(1_000_000);
    let range = u64::from(input.tdp_milliwatts - input.idle_milliwatts);
    let share = u64::from(scaled(power_per_mille, factor.midpoint(1000))).min(1_000_000);
    let above = u32::try_from(range * share / 1_000_000).unwrap_or(0);
    // A chip without work still wavers by about half a per cent.
    let idle =
        u32::try_from(i64::from(input.idle_milliwatts) * (9000 + noise) / 10_000).unwrap_or(input.idle_milliwatts);
    sample.milliwatts = idle + above;
    sample.reported_milliwatts = sample.milliwatts;
    sample
}
