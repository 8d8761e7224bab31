//! Whether the audits can find what the terms say they find, in the time that they say.

use crate::amount::duration;
use crate::fraction::Fraction;
use crate::parse::Draft;
use crate::problem::Rule;
use crate::read::Report;
use crate::sampling::Question;
use crate::terms::{Audit, WindowTerms};

/// Most draws that a report can have.
const MOST_DRAWS: u64 = 400;

pub(super) fn check(draft: &Draft, report: &mut Report) {
    let (Some(detect), Some(audit), Some(window)) = (draft.coordination.detect, &draft.audit, &draft.window) else {
        return;
    };
    let path = |field: &str| format!("audit.detect.{field}");
    for (field, value) in [("probability", detect.probability), ("sensitivity", detect.sensitivity)] {
        if value == Fraction::ZERO {
            let problem = format!("'{}' is 0", path(field));
            report.at(&path(field), Rule::OutOfRange, problem, "write more than 0, for example 0.9");
            return;
        }
    }
    if detect.probability == Fraction::ONE {
        let problem = "no number of draws finds a hidden run with certainty";
        report.at(&path("probability"), Rule::WeakAudit, problem, "write less than 1, for example 0.95");
        return;
    }
    if audit.least_devices.numerator == 0 {
        let problem = "registered capacity may consist of empty groups, which would draw every check onto themselves";
        report.at(&path("probability"), Rule::WeakAudit, problem, "add least_devices = \"90% of capacity\" to [audit]");
        return;
    }
    enough_draws(&question(&detect, audit), audit, window, report);
    // In whole hours, rounded up, for people.
    let lag = lag_seconds(window, audit).div_ceil(3_600) * 3_600;
    if detect.within_seconds < lag {
        let problem = format!(
            "a run is to be found within {}, and the last answer about a window may come {} after the window began",
            duration(detect.within_seconds),
            duration(lag)
        );
        report.at(
            &path("within"),
            Rule::WeakAudit,
            problem,
            format!("write at least \"{}\", or shorten the deadlines", duration(lag)),
        );
    }
}

fn enough_draws(question: &Question, audit: &Audit, window: &WindowTerms, report: &mut Report) {
    let drawn = u64::from(audit.groups_per_report);
    let needed = question.draws_per(window.window_seconds).unwrap_or(u64::MAX);
    if needed <= drawn {
        return;
    }
    let problem = format!("{drawn} draws from each report do not reach the stated probability; it needs {needed}");
    let remedy = if needed <= MOST_DRAWS {
        format!(
            "write groups_per_report = {needed}, or ask for less: a lower probability, a larger run, a smaller site"
        )
    } else {
        format!(
            "a report has at most {MOST_DRAWS} draws: choose shorter windows, a lower probability, a larger run or a smaller site"
        )
    };
    report.at("audit.detect.probability", Rule::WeakAudit, problem, remedy);
}

/// The question that the terms ask.
pub(crate) fn question(detect: &crate::coordination::Detect, audit: &Audit) -> Question {
    let fill = audit.least_devices;
    Question {
        flop: detect.flop,
        site_flop_per_day: detect.site_flop_per_day,
        probability: detect.probability,
        sensitivity: detect.sensitivity,
        devices: Fraction::new(fill.numerator, fill.denominator).unwrap_or(Fraction::ZERO),
    }
}

/// From the start of a window to the last moment at which a drawn group of it may be answered, in seconds.
pub(crate) fn lag_seconds(window: &WindowTerms, audit: &Audit) -> u64 {
    crate::check::evidence_seconds(window, audit).iter().map(|(_, seconds)| seconds).sum()
}
