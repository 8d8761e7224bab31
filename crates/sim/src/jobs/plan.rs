//! Drawing the job mix.

use super::{Job, JobState, Role};
use crate::fitted;
use crate::random::Stream;
use crate::spec::{LabSpec, WorldSpec};
use standstill_statement::{Class, Name};

/// Devices per node.
const NODE: u32 = 8;
const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;

/// All jobs of a lab, by id.
pub(crate) fn plan(seed: u64, world: &WorldSpec, lab: &LabSpec) -> Vec<Job> {
    let mut plan = Plan {
        random: Stream::new(seed, &format!("jobs/{}", lab.id)),
        lab,
        end_ms: u64::from(world.days) * DAY_MS,
        step_ms: MINUTE_MS.max(u64::from(world.period_ms)),
        jobs: Vec::new(),
    };
    let nodes = lab.devices / NODE;
    let [training, tuning, serving] = fitted::POOLS_PER_MILLE.map(|share| (nodes * share / 1000).max(1) * NODE);
    plan.training(0, training);
    plan.tuning(training, tuning);
    plan.serving(training + tuning, serving);
    plan.research(training + tuning + serving, lab.devices);
    plan.maintain(lab.devices);
    plan.jobs.sort_by_key(|job| (job.start_ms, job.first_device));
    for (index, job) in plan.jobs.iter_mut().enumerate() {
        job.id = 1000 + index as u64;
    }
    plan.jobs
}

struct Plan<'a> {
    random: Stream,
    lab: &'a LabSpec,
    end_ms: u64,
    step_ms: u64,
    jobs: Vec<Job>,
}

/// What a lane runs, before its times are known.
struct Kind<'a> {
    name: &'a str,
    class: Class,
    run: Option<&'a str>,
    role: Role,
}

impl Plan<'_> {
    fn whole(&self, ms: u64) -> u64 {
        (ms / self.step_ms).max(1) * self.step_ms
    }

    fn pause(&mut self) -> u64 {
        let (low, high) = fitted::PAUSE_SECONDS;
        let seconds = self.random.between(low, high);
        self.whole(u64::from(seconds) * 1000)
    }

    fn length(&mut self, low: u32, high: u32) -> u64 {
        let seconds = self.random.quantile(&fitted::RUN_TIME_SECONDS, low, high);
        self.whole(seconds * 1000)
    }

    fn state(&mut self) -> JobState {
        match self.random.weighted(fitted::END_STATES_PER_MILLE.into_iter()) {
            0 => JobState::Completed,
            1 => JobState::Cancelled,
            _ => JobState::Failed,
        }
    }

    fn push(&mut self, kind: &Kind<'_>, first_device: u32, devices: u32, start_ms: u64, end_ms: u64) {
        let end_ms = end_ms.min(self.end_ms);
        if start_ms >= end_ms || devices == 0 {
            return;
        }
        let state = self.state();
        let run = kind.run.and_then(|run| Name::new(run).ok());
        let (name, class, role) = (kind.name.to_owned(), kind.class, kind.role);
        self.jobs.push(Job { id: 0, name, class, run, first_device, devices, start_ms, end_ms, state, role });
    }

    /// One synchronous run on the whole pool, in segments between interruptions (the long quarter of Acme's run times), cut at
    /// midnight when the allowed level changes. Nodes beyond the level are the excess, idle in an honest lab.
    fn training(&mut self, first: u32, devices: u32) {
        let mut start_ms = 0;
        while start_ms < self.end_ms {
            let mut end_ms = start_ms + self.length(750, 900);
            let day = day_of(start_ms);
            let setting = |day: u32| (self.lab.level(day), self.lab.cheat(day));
            let change = (day + 1..=day_of(end_ms)).find(|next| setting(*next) != setting(day));
            if let Some(change) = change {
                end_ms = u64::from(change) * DAY_MS;
            }
            let allowed = devices / NODE * self.lab.level(day) / 1000 * NODE;
            let kind = Kind { name: "pretrain", class: Class::Pretraining, run: Some("pre-1"), role: Role::Training };
            self.push(&kind, first, allowed, start_ms, end_ms);
            self.excess(first + allowed, devices - allowed, start_ms, end_ms);
            start_ms = if change.is_some() { end_ms } else { end_ms + self.pause() };
        }
    }

    /// What an evader does with the nodes that ought to rest: one job per day.
    fn excess(&mut self, first: u32, devices: u32, start_ms: u64, end_ms: u64) {
        let Some(cheat) = self.lab.cheat(day_of(start_ms)) else { return };
        for day in day_of(start_ms)..=day_of(end_ms - 1) {
            let midnight = u64::from(day) * DAY_MS;
            let from = start_ms.max(midnight + u64::from(cheat.first_minute()) * MINUTE_MS);
            let to = end_ms.min(midnight + DAY_MS);
            let kind = Kind { name: "pretrain", class: Class::Pretraining, run: Some("pre-1"), role: Role::Excess };
            self.push(&kind, first, devices, from, to);
        }
    }

    /// Fine-tuning on lanes of two nodes (one in small pools).
    fn tuning(&mut self, first: u32, devices: u32) {
        let gang = if devices >= 4 * NODE { 2 * NODE } else { NODE };
        for (lane, at) in (first..first + devices).step_by(gang as usize).enumerate() {
            let devices = gang.min(first + devices - at);
            let run = format!("post-{}", lane + 1);
            let kind = Kind { name: "finetune", class: Class::Posttraining, run: Some(&run), role: Role::Plain };
            self.lane(&kind, at, devices, (500, 900));
        }
    }

    /// Replicas of one node each that stay up for days: conversation on even nodes, code completion on odd ones.
    fn serving(&mut self, first: u32, devices: u32) {
        for (replica, at) in (first..first + devices).step_by(NODE as usize).enumerate() {
            let name = if replica % 2 == 0 { "serve-chat" } else { "serve-code" };
            let kind = Kind { name, class: Class::Inference, run: None, role: Role::Plain };
            self.lane(&kind, at, NODE, (900, 990));
        }
    }

    /// Small gangs; every node is cut into lanes once, by drawing gang sizes until it is full.
    fn research(&mut self, first: u32, end: u32) {
        let mut at = first;
        while at < end {
            let left = NODE - at % NODE;
            let room = left.min(end - at);
            let fits = |(gang, count): &(u32, u32)| if *gang <= room { *count } else { 0 };
            let drawn = self.random.weighted(fitted::SMALL_GANGS.iter().map(fits));
            let gang = fitted::SMALL_GANGS[drawn].0;
            self.research_lane(at, gang);
            at += gang;
        }
    }

    fn research_lane(&mut self, at: u32, gang: u32) {
        let mut start_ms = self.pause();
        while start_ms < self.end_ms {
            let (name, class) = match self.random.weighted(fitted::RESEARCH_PER_MILLE.into_iter()) {
                0 => ("experiment", Class::Experiment),
                1 => ("evaluate", Class::Evaluation),
                _ => ("preprocess", Class::Other),
            };
            let end_ms = start_ms + self.length(0, 900);
            self.push(&Kind { name, class, run: None, role: Role::Plain }, at, gang, start_ms, end_ms);
            start_ms = end_ms + self.pause();
        }
    }

    fn lane(&mut self, kind: &Kind<'_>, at: u32, devices: u32, quantiles: (u32, u32)) {
        let mut start_ms = self.pause();
        while start_ms < self.end_ms {
            let end_ms = start_ms + self.length(quantiles.0, quantiles.1);
            self.push(kind, at, devices, start_ms, end_ms);
            start_ms = end_ms + self.pause();
        }
    }

    /// Maintenance stops of whole nodes outside the training pool's gang: whatever ran there ends before and starts anew after.
    fn maintain(&mut self, devices: u32) {
        let (chance, (low, high)) = fitted::MAINTENANCE;
        for day in 0..day_of(self.end_ms) {
            for node in 0..devices / NODE {
                if self.random.below(1000) >= chance {
                    continue;
                }
                let start = u64::from(day) * DAY_MS + u64::from(self.random.below(16 * 60)) * MINUTE_MS;
                let end = start + u64::from(self.random.between(low, high)) * MINUTE_MS;
                let (start, end) = (self.whole(start), self.whole(end));
                self.stop(node * NODE, start, end);
            }
        }
    }

    /// A stop is skipped where a gang larger than a node runs; else jobs on the node are cut around it.
    fn stop(&mut self, first: u32, start: u64, end: u64) {
        let hits = |job: &Job| job.overlaps(first, NODE, start, end);
        if self.jobs.iter().any(|job| hits(job) && (job.devices > NODE || job.class == Class::Down)) {
            return;
        }
        let (cut, mut kept): (Vec<Job>, Vec<Job>) = std::mem::take(&mut self.jobs).into_iter().partition(hits);
        for job in cut {
            kept.extend((job.start_ms < start).then(|| Job { end_ms: start, ..job.clone() }));
            kept.extend((job.end_ms > end).then_some(Job { start_ms: end, ..job }));
        }
        self.jobs = kept;
        let kind = Kind { name: "maintenance", class: Class::Down, run: None, role: Role::Plain };
        self.push(&kind, first, NODE, start, end);
    }
}

impl Job {
    /// True when the job uses one of `devices` devices from `first` on at some time in `[start, end)`.
    pub(crate) const fn overlaps(&self, first: u32, devices: u32, start_ms: u64, end_ms: u64) -> bool {
        self.first_device < first + devices
            && first < self.first_device + self.devices
            && self.start_ms < end_ms
            && start_ms < self.end_ms
    }
}

fn day_of(ms: u64) -> u32 {
    u32::try_from(ms / DAY_MS).unwrap_or(u32::MAX)
}
