//! The little of Slurm that is used: a job's description, its memory for texts, its log.

use standstill_gate::slurm::Request;
use standstill_statement::GatePoint;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

#[allow(
    dead_code,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "made by bindgen from slurm/slurm.h"
)]
mod header {
    include!(concat!(env!("OUT_DIR"), "/slurm.rs"));
}

/// Slurm's version number.
pub(crate) const VERSION: u32 = header::SLURM_VERSION_NUMBER;
/// All is well.
pub(crate) const SUCCESS: c_int = 0;
/// Something is wrong with the plugin.
pub(crate) const ERROR: c_int = -1;
/// `ESLURM_ACCESS_DENIED`; the number is part of Slurm's protocol.
pub(crate) const ACCESS_DENIED: c_int = 2002;

/// Longest text that is taken from a job's description, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

unsafe extern "C" {
    /// Copies a text into memory that Slurm frees.
    fn slurm_xstrdup(text: *const c_char) -> *mut c_char;
    /// Frees such memory and puts null into the place.
    fn slurm_xfree(place: *mut *mut c_void);
    fn slurm_error(format: *const c_char, ...) -> c_int;
    fn slurm_info(format: *const c_char, ...);
}

/// A job's description as Slurm lays it out.
#[repr(transparent)]
pub struct JobDescription(header::job_desc_msg_t);

/// A text in Slurm's own memory.
pub(crate) fn text(text: &str) -> *mut c_char {
    let clean: Vec<u8> = text.bytes().filter(|byte| *byte != 0).collect();
    let clean = CString::new(clean).unwrap_or_default();
    // SAFETY: the argument ends with a zero byte and lives until the call returns; Slurm copies it.
    unsafe { slurm_xstrdup(clean.as_ptr()) }
}

/// Writes to the controller's log.
pub(crate) fn log_error(message: &str) {
    let message = CString::new(message.replace('\0', "")).unwrap_or_default();
    // SAFETY: both texts end with a zero byte, and the format takes exactly one text.
    unsafe { slurm_error(c"%s".as_ptr(), message.as_ptr()) };
}

/// Writes to the controller's log.
pub(crate) fn log_info(message: &str) {
    let message = CString::new(message.replace('\0', "")).unwrap_or_default();
    // SAFETY: both texts end with a zero byte, and the format takes exactly one text.
    unsafe { slurm_info(c"%s".as_ptr(), message.as_ptr()) };
}

/// A text of the description; bytes that are no UTF-8 are replaced, so they can match nothing that is listed.
///
/// # Safety
/// `text` is null or points to bytes that end with a zero byte.
unsafe fn read(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    // Cut texts keep a mark that makes them unreadable as a list of resources, rather than a shorter list that reads well.
    let cut = if bytes.len() > MAX_TEXT_BYTES { ",gres:too-long:" } else { "" };
    Some(String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT_BYTES)]).into_owned() + cut)
}

fn number(value: u32) -> Option<u32> {
    (value != header::NO_VAL).then_some(value)
}

fn small(value: u16) -> Option<u32> {
    (u32::from(value) != header::NO_VAL16).then_some(u32::from(value))
}

impl JobDescription {
    /// What the gate is asked.
    ///
    /// # Safety
    /// Each text of the description is null or ends with a zero byte.
    pub(crate) unsafe fn request(&self, point: GatePoint) -> Request {
        let job = &self.0;
        // SAFETY: the caller's promise, for each of them.
        let text = |text: *const c_char| unsafe { read(text) };
        let mut request = Request::empty(point, job.user_id);
        request.job_id = number(job.job_id).filter(|id| *id != 0).or_else(|| first_number(text(job.job_id_str)));
        request.account = text(job.account);
        request.partition = text(job.partition);
        request.comment = text(job.comment);
        request.min_nodes = number(job.min_nodes);
        request.max_nodes = number(job.max_nodes).filter(|most| *most != header::INFINITE && *most != 0);
        request.tasks = number(job.num_tasks);
        request.tasks_per_node = small(job.ntasks_per_node).filter(|count| *count != 0);
        request.sockets_per_node = small(job.sockets_per_node).filter(|count| *count != 0);
        request.tres_per_job = text(job.tres_per_job);
        request.tres_per_node = text(job.tres_per_node);
        request.tres_per_socket = text(job.tres_per_socket);
        request.tres_per_task = text(job.tres_per_task);
        request.time_limit_minutes = number(job.time_limit);
        request.array = text(job.array_inx);
        // 0: the nodes are the job's alone; 2 and 3: its user's or its group's alone. 1: it shares them.
        request.exclusive = matches!(job.shared, 0 | 2 | 3) && point == GatePoint::Submit || job.shared == 0 && point == GatePoint::Modify;
        request
    }

    /// The administrator's comment.
    ///
    /// # Safety
    /// It is null or ends with a zero byte.
    pub(crate) unsafe fn admin_comment(&self) -> Option<String> {
        // SAFETY: the caller's promise.
        unsafe { read(self.0.admin_comment) }
    }

    /// Replaces the administrator's comment.
    ///
    /// # Safety
    /// The present one is null or of Slurm's own memory.
    pub(crate) unsafe fn set_admin_comment(&mut self, comment: &str) {
        // SAFETY: a pointer to a text of Slurm's memory; the place is null afterwards.
        unsafe { slurm_xfree((&raw mut self.0.admin_comment).cast()) };
        self.0.admin_comment = text(comment);
    }
}

/// The job id in a text such as `12_3`.
fn first_number(text: Option<String>) -> Option<u32> {
    let text = text?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
