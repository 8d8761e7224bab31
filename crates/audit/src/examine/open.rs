//! From the published ciphertext to an account that reproduces its commitments, or to the finding why there is none.

use super::{GroupAccount, Reason, finding};
use crate::challenge::Answer;
use crate::confide::{self, InspectorKey, Purpose};
use standstill_seal::{Opening, OpeningError, PublicFleet, WindowContext, check_opening};
use standstill_statement::FindingItem;

/// What an inspector holds an answer against.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The inspector's key, whose public half is in the challenge.
    pub key: &'a InspectorKey,
    /// Agreement, challenge and group.
    pub purpose: Purpose,
    /// The report's context.
    pub context: &'a WindowContext,
    /// The verified fleet that the report is drawn up against.
    pub fleet: &'a PublicFleet,
    /// The blob of the verified report.
    pub report_blob: &'a [u8],
}

/// Decrypts the answer for one drawn group and checks it against fleet and report. `ciphertext` is the published blob, whose hash the
/// caller has checked, or `None` when there is none.
///
/// A late opening is still read, so that the inspector can see what it says, but its finding is `late-response`: pass
/// [`Answer::InTime`] to examine it privately.
///
/// # Errors
/// The finding for the group when there is nothing to examine: no answer, late, unreadable, of another group or window, or not
/// what was committed. `Ok(None)` when the deadline is still ahead.
pub fn open(ask: &Ask<'_>, answer: Answer, ciphertext: Option<&[u8]>) -> Result<Option<GroupAccount>, FindingItem> {
    let group = ask.purpose.group;
    let refuse = |reason| finding(group, reason);
    match answer {
        Answer::Pending => return Ok(None),
        Answer::Missing => return Err(refuse(Reason::NoResponse)),
        Answer::LeftOut => return Err(refuse(Reason::GroupNotOpened)),
        Answer::Late => return Err(refuse(Reason::LateResponse)),
        Answer::InTime => {}
    }
    let ciphertext = ciphertext.ok_or_else(|| refuse(Reason::Unreadable))?;
    let plaintext = confide::decrypt(ask.key, &ask.purpose, ciphertext).map_err(|_| refuse(Reason::Unreadable))?;
    let opening = Opening::from_bytes(&plaintext).map_err(|_| refuse(Reason::Unreadable))?;
    let opened = check_opening(ask.context, ask.fleet, ask.report_blob, group, &opening);
    let opened = opened.map_err(|error| refuse(reason_of(&error)))?;
    Ok(Some(GroupAccount::of(&opened, ask.context.window)))
}

/// The code for each way in which an opening fails its commitment.
fn reason_of(error: &OpeningError) -> Reason {
    match error {
        OpeningError::Unreadable(_) | OpeningError::Report(_) => Reason::Unreadable,
        OpeningError::WrongPeriod { .. } | OpeningError::WrongGroup(_) => Reason::WrongOpening,
        OpeningError::Capacity { .. }
        | OpeningError::DeviceTwice { .. }
        | OpeningError::FleetDevices { .. }
        | OpeningError::FleetCount { .. } => Reason::FleetDevices,
        // Anything added to the seal later is a failure to reproduce the commitment until it has a code of its own.
        _ => Reason::Commitment,
    }
}
