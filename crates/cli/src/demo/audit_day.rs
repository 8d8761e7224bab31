//! The audit of one day's reports: draw, challenge, openings, findings.

use super::cast::Cast;
use crate::exit::{CliError, CliResult};
use crate::role::auditor::{Power, Published};
use crate::role::power::SiteFacts;
use standstill_statement::{Hash32, Name};

const HOUR_SECONDS: u64 = 3_600;

/// What the auditor knows of the generated sites: the generator adds 220 W of host power per accelerator and no other losses.
pub(crate) const SITE: SiteFacts =
    SiteFacts { base_watts_per_device: 220, whole_node: false, overhead_per_mille: 0, tolerance_per_mille: 30 };

/// Draws from every lab's report on a window that ended at `end`, has the labs answer, and files findings. `power` holds the auditor's own
/// readings per lab. Gives the number of groups opened.
pub(crate) fn play(cast: &mut Cast, window: u64, end: u64, power: &[Power], site: &SiteFacts) -> CliResult<usize> {
    let names: Vec<Name> = cast.labs.iter().map(|lab| lab.issuer.id.clone()).collect();
    play_with(cast, &names, window, end, power, site)
}

/// As [`play`], for some labs only; `power` is in their order.
pub(crate) fn play_with(
    cast: &mut Cast,
    names: &[Name],
    window: u64,
    end: u64,
    power: &[Power],
    site: &SiteFacts,
) -> CliResult<usize> {
    let challenges = challenge(cast, names, window, end)?;
    respond(cast, names, end)?;
    let none = Power::new();
    let mut opened = 0;
    for (index, (name, challenge)) in names.iter().zip(challenges).enumerate() {
        opened += examine(cast, name, challenge, power.get(index).unwrap_or(&none), site, end)?;
    }
    cast.witnesses.cosign(&mut cast.auditor.issuer, end + 18 * HOUR_SECONDS + 60)?;
    Ok(opened)
}

fn challenge(cast: &mut Cast, names: &[Name], window: u64, end: u64) -> CliResult<Vec<Hash32>> {
    let mut challenges = Vec::new();
    for name in names {
        let home = cast.out.join("roles").join(name.as_str());
        let published = Published::read(&home, &cast.auditor.issuer.agreement, name)?;
        let number = cast.auditor.required_round(&published, window)?;
        let round = cast.beacon.sign(number).map_err(CliError::bug)?;
        challenges.push(cast.auditor.challenge(&published, window, &round, end + 13 * HOUR_SECONDS)?);
        if !cast.rounds.contains(&round) {
            cast.rounds.push(round);
        }
    }
    cast.witnesses.cosign(&mut cast.auditor.issuer, end + 13 * HOUR_SECONDS + 60)?;
    Ok(challenges)
}

fn respond(cast: &mut Cast, names: &[Name], end: u64) -> CliResult<()> {
    let asked = cast.auditor.issuer.entries().to_vec();
    for lab in cast.labs.iter_mut().filter(|lab| names.contains(&lab.issuer.id)) {
        let open: Vec<_> = lab.open_challenges(&asked).into_iter().cloned().collect();
        for challenge in &open {
            lab.respond(challenge, &[], end + 15 * HOUR_SECONDS, &mut cast.rng)?;
        }
        cast.witnesses.cosign(&mut lab.issuer, end + 15 * HOUR_SECONDS + 60)?;
    }
    Ok(())
}

fn examine(
    cast: &mut Cast,
    name: &Name,
    challenge: Hash32,
    power: &Power,
    site: &SiteFacts,
    end: u64,
) -> CliResult<usize> {
    let home = cast.out.join("roles").join(name.as_str());
    let published = Published::read(&home, &cast.auditor.issuer.agreement, name)?;
    let examined = cast.auditor.examine(&published, challenge, power, site, end + 18 * HOUR_SECONDS)?;
    Ok(examined.map_or(0, |examined| examined.len()))
}
