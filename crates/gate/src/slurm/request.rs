//! What the plugin and the start hook send: one JSON object on one line.

use super::resources::{array_tasks, wanted};
use crate::error::GateError;
use crate::job::{Declared, Job, MAX_JOB_BYTES, Scheduler};
use crate::terms::{Place, Terms};
use serde::{Deserialize, Serialize};
use standstill_statement::{GatePoint, Name};

/// A job as Slurm describes it. A field that Slurm leaves open is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// When in the job's life.
    pub point: GatePoint,
    /// Job id; none at submission.
    #[serde(default)]
    pub job_id: Option<u32>,
    /// User id, as munge has authenticated it.
    pub user_id: u32,
    /// Account.
    #[serde(default)]
    pub account: Option<String>,
    /// Partition, or several with commas between.
    #[serde(default)]
    pub partition: Option<String>,
    /// The job's comment.
    #[serde(default)]
    pub comment: Option<String>,
    /// The administrator's comment: where the gate's own id stands.
    #[serde(default)]
    pub admin_comment: Option<String>,
    /// Least number of nodes.
    #[serde(default)]
    pub min_nodes: Option<u32>,
    /// Most nodes.
    #[serde(default)]
    pub max_nodes: Option<u32>,
    /// Tasks.
    #[serde(default)]
    pub tasks: Option<u32>,
    /// Tasks on each node.
    #[serde(default)]
    pub tasks_per_node: Option<u32>,
    /// Sockets on each node.
    #[serde(default)]
    pub sockets_per_node: Option<u32>,
    /// Resources of the whole job.
    #[serde(default)]
    pub tres_per_job: Option<String>,
    /// Resources of each node.
    #[serde(default)]
    pub tres_per_node: Option<String>,
    /// Resources of each socket.
    #[serde(default)]
    pub tres_per_socket: Option<String>,
    /// Resources of each task.
    #[serde(default)]
    pub tres_per_task: Option<String>,
    /// What was given to the job; at its start only.
    #[serde(default)]
    pub tres_allocated: Option<String>,
    /// Longest time in minutes; `null` for the partition's default.
    #[serde(default)]
    pub time_limit_minutes: Option<u32>,
    /// Array.
    #[serde(default)]
    pub array: Option<String>,
    /// The job takes its nodes whole.
    #[serde(default)]
    pub exclusive: bool,
}

impl Request {
    /// A request in which Slurm has left everything open.
    #[must_use]
    pub const fn empty(point: GatePoint, user_id: u32) -> Self {
        Self {
            point,
            job_id: None,
            user_id,
            account: None,
            partition: None,
            comment: None,
            admin_comment: None,
            min_nodes: None,
            max_nodes: None,
            tasks: None,
            tasks_per_node: None,
            sockets_per_node: None,
            tres_per_job: None,
            tres_per_node: None,
            tres_per_socket: None,
            tres_per_task: None,
            tres_allocated: None,
            time_limit_minutes: None,
            array: None,
            exclusive: false,
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// [`GateError::Request`] when it is too long or not JSON of this form.
    pub fn from_line(line: &[u8]) -> Result<Self, GateError> {
        if line.len() > MAX_JOB_BYTES {
            return Err(GateError::Request(format!("it has {} bytes, at most {MAX_JOB_BYTES}", line.len())));
        }
        serde_json::from_slice(line).map_err(|error| GateError::Request(error.to_string()))
    }

    /// Whether the job asks for a generic resource at all, or might reach one without asking: what a hook goes by when no gate answers.
    /// True when in doubt.
    #[must_use]
    pub fn may_use_accelerators(&self, plain_partitions: &[String]) -> bool {
        let asks =
            [&self.tres_per_job, &self.tres_per_node, &self.tres_per_socket, &self.tres_per_task, &self.tres_allocated]
                .into_iter()
                .flatten()
                .map(|text| wanted(text, &[]))
                .any(|found| found.accelerators > 0 || !found.unreadable.is_empty());
        let plain = self.partition.as_deref().is_some_and(|partitions| {
            partitions.split(',').all(|partition| plain_partitions.iter().any(|plain| plain == partition.trim()))
        });
        asks || !plain
    }

    /// The job that the request describes, as large as it can become.
    #[must_use]
    pub fn job(&self, terms: &Terms, cluster: &Name) -> Job {
        let declared = Declared::in_comment(self.comment.as_deref().unwrap_or_default());
        let mut size = Size { accelerators: Some(0), models: Vec::new(), unreadable: declared.unreadable };
        self.count(terms, &mut size);
        let seconds = self.seconds(terms);
        Job {
            scheduler: Scheduler::Slurm,
            cluster: cluster.clone(),
            point: self.point,
            reference: self.job_id.map(|id| id.to_string()).unwrap_or_default(),
            account: crate::shorten(self.account.as_deref().unwrap_or_default()),
            user: self.user_id.to_string(),
            place: crate::shorten(self.partition.as_deref().unwrap_or_default()),
            accelerators: size.accelerators,
            models: size.models,
            seconds,
            class: declared.class,
            run: declared.run,
            exempt: declared.exempt,
            unreadable: size.unreadable.into_iter().take(32).collect(),
        }
    }

    fn count(&self, terms: &Terms, size: &mut Size) {
        let places = self.places(terms);
        let nodes = self.nodes(places.as_deref());
        let tasks = self.tasks.map(u64::from).unwrap_or_else(|| nodes.saturating_mul(positive(self.tasks_per_node)));
        let sockets = nodes.saturating_mul(self.sockets_per_node.map_or(2, u64::from).max(1));
        size.add(self.tres_per_job.as_deref(), 1, terms);
        size.add(self.tres_per_node.as_deref(), nodes, terms);
        size.add(self.tres_per_socket.as_deref(), sockets, terms);
        size.add(self.tres_per_task.as_deref(), tasks.max(1), terms);
        size.add(self.tres_allocated.as_deref(), 1, terms);
        match places {
            // A place that nobody has described: what it holds cannot be told.
            None if !terms.places.is_empty() || self.exclusive => size.accelerators = None,
            None => {}
            Some(places) => {
                let reach = places.iter().filter(|place| self.exclusive || !place.constrained);
                let whole = reach.map(|place| nodes.saturating_mul(place.accelerators_per_node)).max();
                size.at_least(whole.unwrap_or(0));
            }
        }
        match self.array.as_deref().filter(|text| !text.trim().is_empty()).map(array_tasks) {
            None => {}
            Some(Some(tasks)) => size.accelerators = size.accelerators.map(|count| count.saturating_mul(tasks)),
            Some(None) => size.unknown("an array whose tasks cannot be counted"),
        }
    }

    /// The described places of the job; `None` when one of them is not described, or the partition is left open and nothing is.
    fn places<'a>(&self, terms: &'a Terms) -> Option<Vec<&'a Place>> {
        match self.partition.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(partitions) => partitions.split(',').map(|partition| terms.place(partition.trim())).collect(),
            // The default partition: any of them.
            None if terms.places.is_empty() => None,
            None => Some(terms.places.iter().collect()),
        }
    }

    /// Most nodes that the job can get.
    fn nodes(&self, places: Option<&[&Place]>) -> u64 {
        if let Some(most) = self.max_nodes.filter(|most| *most > 0) {
            return u64::from(most.max(self.min_nodes.unwrap_or(1)));
        }
        let least = positive(self.min_nodes).max(positive(self.tasks));
        let there = places.and_then(|places| places.iter().map(|place| place.nodes).max());
        // Without a bound on nodes, tasks may be spread over as many nodes as there are tasks, but not over more than exist.
        there.map_or(least, |there| least.min(there).max(positive(self.min_nodes)))
    }

    fn seconds(&self, terms: &Terms) -> Option<u64> {
        let asked =
            self.time_limit_minutes.filter(|minutes| *minutes != u32::MAX).map(|minutes| u64::from(minutes) * 60);
        let longest = self.places(terms).and_then(|places| {
            places
                .iter()
                .map(|place| place.longest_seconds)
                .collect::<Option<Vec<_>>>()
                .and_then(|all| all.into_iter().max())
        });
        match (asked, longest) {
            (Some(asked), Some(longest)) if self.point == GatePoint::Submit => Some(asked.min(longest)),
            (Some(asked), _) => Some(asked),
            (None, longest) => longest,
        }
    }
}

fn positive(value: Option<u32>) -> u64 {
    u64::from(value.unwrap_or(1).max(1))
}

struct Size {
    accelerators: Option<u64>,
    models: Vec<String>,
    unreadable: Vec<String>,
}

impl Size {
    fn add(&mut self, text: Option<&str>, times: u64, terms: &Terms) {
        let Some(text) = text else { return };
        let found = wanted(text, &terms.harmless_resources);
        for model in found.models {
            if !self.models.contains(&model) && self.models.len() < 32 {
                self.models.push(model);
            }
        }
        self.at_least(found.accelerators.saturating_mul(times));
        for item in found.unreadable {
            self.unknown(&item);
        }
    }

    fn at_least(&mut self, count: u64) {
        self.accelerators = self.accelerators.map(|present| present.max(count));
    }

    fn unknown(&mut self, what: &str) {
        self.accelerators = None;
        self.unreadable.push(crate::shorten(what));
    }
}
