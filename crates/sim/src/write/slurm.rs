//! Slurm accounting in the layout of `sacct -P` of Slurm 22.05, and the mapping that a prolog would write.

use crate::civil::timestamp;
use crate::fitted;
use crate::jobs::Job;
use crate::world::{Lab, World};
use standstill_statement::Class;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const DAY_MS: u64 = 86_400_000;
const HEADER: &str = "JobIDRaw|JobID|JobName|User|Account|Partition|State|ExitCode|Submit|Start|End|ElapsedRaw|AllocNodes|AllocCPUS|\
ReqTRES|AllocTRES|NodeList|Comment|AdminComment|Cluster|SubmitLine\n";

/// Records of the jobs that touch the day, as known at its end: a job that goes on is RUNNING with an unknown end.
pub(super) fn accounting(world: &World, lab: &Lab, day: u32) -> String {
    let mut text = String::from(HEADER);
    for job in on_day(lab, day) {
        Record::of(world, lab, &job, day).write(&mut text);
    }
    text
}

fn on_day(lab: &Lab, day: u32) -> impl Iterator<Item = Job> {
    let (start, end) = (u64::from(day) * DAY_MS, u64::from(day + 1) * DAY_MS);
    lab.declared_jobs().into_iter().filter(move |job| job.start_ms < end && start < job.end_ms)
}

/// `{"job id": ["device key", ...]}` for the jobs of the day.
pub(super) fn mapping(lab: &Lab, day: u32) -> String {
    let keys = |job: &Job| {
        let range = job.first_device as usize..(job.first_device + job.devices) as usize;
        let mut keys: Vec<&str> = lab.devices[range].iter().map(|device| device.key.as_str()).collect();
        keys.sort_unstable();
        serde_json::json!(keys)
    };
    let map: BTreeMap<String, serde_json::Value> =
        on_day(lab, day).map(|job| (job.id.to_string(), keys(&job))).collect();
    let mut text = serde_json::json!(map).to_string();
    text.push('\n');
    text
}

struct Record<'a> {
    job: &'a Job,
    gres: String,
    nodes: u32,
    account: &'static str,
    state: &'static str,
    submit: String,
    start: String,
    end: String,
    elapsed_seconds: u64,
    node_list: String,
    cluster: &'a str,
}

impl<'a> Record<'a> {
    fn of(world: &World, lab: &'a Lab, job: &'a Job, day: u32) -> Self {
        let unix = |ms: u64| world.spec().start_unix_seconds + ms / 1000;
        let day_end = u64::from(day + 1) * DAY_MS;
        let running = job.end_ms > day_end;
        let (first, last) = (job.first_device / 8 + 1, (job.first_device + job.devices - 1) / 8 + 1);
        let prefix = &lab.spec.id;
        Self {
            job,
            gres: lab.chip.id.as_str().split('-').next().unwrap_or_default().to_owned(),
            nodes: last - first + 1,
            account: account(job.class),
            state: if running { "RUNNING" } else { job.state.name() },
            // Median queue time of GPU jobs on Kalos: 17 s (Acme cluster summary).
            submit: timestamp(unix(job.start_ms).saturating_sub(17)),
            start: timestamp(unix(job.start_ms)),
            end: if running { "Unknown".to_owned() } else { timestamp(unix(job.end_ms)) },
            elapsed_seconds: (job.end_ms.min(day_end) - job.start_ms) / 1000,
            node_list: if first == last { format!("{prefix}{first}") } else { format!("{prefix}[{first}-{last}]") },
            cluster: lab.spec.id.as_str(),
        }
    }

    /// The job's line, then its batch step's and (for gangs over several nodes) the first step's, all carrying TRES as Slurm does.
    fn write(&self, text: &mut String) {
        let Self { job, gres, nodes, account, state, submit, start, end, elapsed_seconds, node_list, cluster } = self;
        let (id, name, gpus, cpus) = (job.id, &job.name, job.devices, job.devices * 8);
        let code = if *state == "FAILED" { "1:0" } else { "0:0" };
        let required = format!("billing={cpus},cpu={cpus},gres/gpu={gpus},mem={}M,node={nodes}", gpus * 100_000);
        let allocated = format!("billing={cpus},cpu={cpus},gres/gpu:{gres}={gpus},gres/gpu={gpus},node={nodes}");
        let _ = writeln!(
            text,
            "{id}|{id}|{name}|user|{account}|main|{state}|{code}|{submit}|{start}|{end}|{elapsed_seconds}|{nodes}|{cpus}|{required}|\
             {allocated}|{node_list}|||{cluster}|{}",
            self.submit_line()
        );
        let step = |text: &mut String, step: &str, name: &str, line: &str| {
            let tres = format!("cpu={cpus},gres/gpu:{gres}={gpus},gres/gpu={gpus},mem=0,node={nodes}");
            let _ = writeln!(
                text,
                "{id}.{step}|{id}.{step}|{name}||{account}||{state}|{code}|{start}|{start}|{end}|{elapsed_seconds}|{nodes}|{cpus}||\
                 {tres}|{node_list}|||{cluster}|{line}"
            );
        };
        step(text, "batch", "batch", "");
        if *nodes > 1 {
            step(text, "0", "train", "srun train");
        }
    }

    /// The class and run are in `--comment`, the only place that survives without `job_comment` in the accounting store.
    fn submit_line(&self) -> String {
        let Self { job, nodes, account, .. } = self;
        let minutes = (job.end_ms - job.start_ms) / 60_000 * fitted::REQUESTED_PER_MILLE / 1000 + 1;
        let run = job.run.as_ref().map(|run| format!(" run={run}")).unwrap_or_default();
        let per_node = job.devices.min(8);
        format!(
            "sbatch -A {account} -J {} -N{nodes} --gpus-per-node={per_node} -t {minutes} --comment=class={}{run} --wrap {}",
            job.name, job.class, job.name
        )
    }
}

const fn account(class: Class) -> &'static str {
    match class {
        Class::Pretraining => "pretrain",
        Class::Posttraining => "posttrain",
        Class::Inference => "serving",
        _ => "research",
    }
}
