//! `job_submit/standstill`: asks a gate before Slurm takes a job, and before it changes one.
//!
//! Slurm calls these functions while it holds its locks, so every wait is bounded (half a second at most), and it loads them into its own
//! process, so every panic is caught. When no gate answers, jobs that may use accelerators are refused, and listed work goes on
//! (`standstill_gate::slurm::hook`).
//!
//! What it never sees: jobs that were queued before it was installed or before a pause (`PrologSlurmctld` does), steps inside a running
//! allocation, and whoever takes it out of `slurm.conf` (the reconciliation with accounting does).

mod slurm;

use slurm::{JobDescription, log_error, log_info};
use standstill_gate::journal::COMMENT_PREFIX;
use standstill_gate::slurm::{Answer, HookConfig, Request};
use standstill_statement::GatePoint;
use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// Name for people; Slurm reads this symbol.
#[unsafe(no_mangle)]
pub static plugin_name: [u8; 34] = *b"Standstill gate: may this job go?\0";
/// Type and name; Slurm reads this symbol.
#[unsafe(no_mangle)]
pub static plugin_type: [u8; 22] = *b"job_submit/standstill\0";
/// The release that this plugin was built for; Slurm refuses another.
#[unsafe(no_mangle)]
pub static plugin_version: u32 = slurm::VERSION;

/// Where the configuration is, unless `STANDSTILL_SLURM_GATE` in the controller's environment says otherwise.
const CONFIG: &str = "/etc/standstill/slurm-gate.toml";
/// What is said when something here is broken: refused, because nothing is known of the job.
const BROKEN: &str = "the gate's plugin failed on this job, so it does not start; tell the operator";

static HOOK: OnceLock<HookConfig> = OnceLock::new();

/// Reads the configuration. One that cannot be read opens nothing: the socket is where it always is, and no work is listed.
fn hook() -> &'static HookConfig {
    HOOK.get_or_init(|| {
        let path = std::env::var("STANDSTILL_SLURM_GATE").unwrap_or_else(|_| CONFIG.to_owned());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                log_error(&format!("job_submit/standstill: {path}: {error}; no work is listed as open"));
                return HookConfig::default();
            }
        };
        HookConfig::from_toml(&text).unwrap_or_else(|error| {
            log_error(&format!("job_submit/standstill: {path}: {error}; no work is listed as open"));
            HookConfig::default()
        })
    })
}

/// Called when the controller loads the plugin.
#[unsafe(no_mangle)]
pub extern "C" fn init() -> c_int {
    let loaded = catch_unwind(|| log_info(&format!("job_submit/standstill: asks {}", hook().socket.display())));
    if loaded.is_ok() { slurm::SUCCESS } else { slurm::ERROR }
}

/// Called when the controller unloads it.
#[unsafe(no_mangle)]
pub extern "C" fn fini() -> c_int {
    slurm::SUCCESS
}

/// Called for every job that is handed in.
///
/// # Safety
/// Slurm passes a job's description that is valid and its own for the time of the call, and a place for a message or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn job_submit(description: *mut JobDescription, _user_id: u32, message: *mut *mut c_char) -> c_int {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise; a null pointer gives none.
        let Some(job) = (unsafe { description.as_mut() }) else { return Answer::Deny(BROKEN.to_owned()) };
        // SAFETY: the texts of a job's description are null or end with a zero byte.
        let request = unsafe { job.request(GatePoint::Submit) };
        let answer = hook().ask(&request);
        // SAFETY: as above; the comment is Slurm's own memory and is replaced by such.
        unsafe { note(job, &answer) };
        answer
    }));
    // SAFETY: the caller's promise about the place for a message.
    unsafe { tell(answer.unwrap_or_else(|_| Answer::Deny(BROKEN.to_owned())), message) }
}

/// Called for every change of a job. The description holds only what is to change; the record of the job is of a type that Slurm's public
/// headers do not give, so the gate goes by what it decided when the job started.
///
/// # Safety
/// As [`job_submit`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn job_modify(
    description: *mut JobDescription,
    _record: *mut c_void,
    _user_id: u32,
    message: *mut *mut c_char,
) -> c_int {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise; a null pointer gives none.
        let Some(job) = (unsafe { description.as_mut() }) else { return Answer::Deny(BROKEN.to_owned()) };
        // SAFETY: the texts of a job's description are null or end with a zero byte.
        let request = unsafe { job.request(GatePoint::Modify) };
        if matters(&request) { hook().ask(&request) } else { Answer::Pass }
    }));
    // SAFETY: the caller's promise about the place for a message.
    unsafe { tell(answer.unwrap_or_else(|_| Answer::Deny(BROKEN.to_owned())), message) }
}

/// Whether a change can make a job larger, longer, or something else than was decided on. Priorities, holds and releases do not.
fn matters(request: &Request) -> bool {
    let texts = [
        &request.account,
        &request.partition,
        &request.comment,
        &request.tres_per_job,
        &request.tres_per_node,
        &request.tres_per_socket,
        &request.tres_per_task,
        &request.array,
    ];
    let numbers = [
        request.min_nodes,
        request.max_nodes,
        request.tasks,
        request.tasks_per_node,
        request.sockets_per_node,
        request.time_limit_minutes,
    ];
    texts.iter().any(|text| text.is_some()) || numbers.iter().any(Option::is_some) || request.exclusive
}

/// Writes the decision into the administrator's comment, which accounting keeps. Whatever the submitter wrote there that looks like a decision
/// is taken out.
///
/// # Safety
/// The description's texts are Slurm's own memory or null.
unsafe fn note(job: &mut JobDescription, answer: &Answer) {
    // SAFETY: the caller's promise.
    let present = unsafe { job.admin_comment() }.unwrap_or_default();
    let kept: Vec<&str> = present.split_whitespace().filter(|word| !word.contains(COMMENT_PREFIX)).collect();
    let mark = match answer {
        Answer::Allow(id) => Some(format!("{COMMENT_PREFIX}{id}")),
        Answer::Pass | Answer::Deny(_) => None,
    };
    if mark.is_none() && !present.contains(COMMENT_PREFIX) {
        return;
    }
    let words: Vec<&str> = kept.into_iter().chain(mark.as_deref()).collect();
    // SAFETY: the caller's promise.
    unsafe { job.set_admin_comment(&words.join(" ")) };
}

/// The code that Slurm gets, with a message for the user when the job is refused.
///
/// # Safety
/// `message` is null or a place where Slurm expects a text of its own memory.
unsafe fn tell(answer: Answer, message: *mut *mut c_char) -> c_int {
    match answer {
        Answer::Allow(_) | Answer::Pass => slurm::SUCCESS,
        Answer::Deny(sentence) => {
            // SAFETY: the caller's promise; null is not written to.
            if let Some(place) = unsafe { message.as_mut() } {
                *place = slurm::text(&sentence);
            }
            slurm::ACCESS_DENIED
        }
    }
}
