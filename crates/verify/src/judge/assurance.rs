//! What clean audits show, with the formula.

use super::party::Case;
use crate::render::words;
use crate::verdict::Assurance;
use standstill_audit::bound::{PartsPerMillion, undetected_share};
use standstill_statement::Outcome;

/// The assurance statement of a party's audits.
pub(crate) fn of(case: &Case<'_>) -> Assurance {
    let drawn = || case.audits.valid.iter().flat_map(|audit| &audit.drawn);
    let agreed = || drawn().filter_map(|drawn| drawn.finding.as_ref()).filter(|finding| finding.0 == Outcome::Match);
    let failed = drawn().any(|drawn| {
        matches!(drawn.finding.as_ref().map(|finding| finding.0), Some(Outcome::Mismatch | Outcome::NotOpened))
    });
    let opened = agreed().count() as u64;
    let share = u32::try_from(opened).ok().filter(|count| *count > 0 && !failed);
    let share = share.and_then(|count| undetected_share(count, PartsPerMillion::CONFIDENCE_95).ok());
    Assurance {
        groups: case.audits.valid.iter().map(|audit| u64::from(audit.groups_in_report)).sum(),
        opened,
        with_power_reading: agreed().filter(|finding| finding.2).count() as u64,
        undetected_share_ppm: share.map(PartsPerMillion::parts),
        sentence: sentence(opened, failed, share),
        formula: "1 − 0.05^(1/n) ≈ 3/n for n clean draws, weighted by registered capacity".to_owned(),
    }
}

fn sentence(opened: u64, failed: bool, share: Option<PartsPerMillion>) -> String {
    match share {
        _ if failed => "a drawn group did not agree or was not opened, so no bound follows".to_owned(),
        None => "nothing was opened and found to agree, so no bound follows".to_owned(),
        Some(share) => format!(
            "{} clean: at 95 % confidence, a steady misreporting of more than {share} of registered capacity would have been drawn; a shorter burst may not",
            words::counted(opened, "opened group")
        ),
    }
}
