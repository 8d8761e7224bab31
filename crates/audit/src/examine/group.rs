//! Checks that need more than one device: the fleet, neighbouring windows, evidence used twice, the power feed, the profile.

use super::account::{DeviceAccount, GroupAccount, lowered, raised};
use super::{Case, Observation, Reason};
use standstill_statement::{Class, Hash32};
use std::collections::{BTreeMap, BTreeSet};

/// Least share of a group's devices that must look alike before the profile is flagged, per mille.
const PROFILE_DEVICES_PER_MILLE: usize = 900;

/// Spread of the rate over the devices below which they look synchronous, per mille of the highest rate.
const PROFILE_SPREAD_PER_MILLE: u128 = 50;

fn whole(reason: Reason, text: String) -> Observation {
    Observation { reason, device: None, text }
}

/// The opened devices are exactly the registered ones, each once, and none answers for another group of the same window. Without a
/// list only doubles can be seen here.
pub(super) fn devices(account: &GroupAccount, case: &Case<'_>) -> Vec<Observation> {
    let registered: Option<BTreeSet<&Hash32>> = case.registered.map(|devices| devices.iter().collect());
    let mut opened = BTreeSet::new();
    let mut observations = Vec::new();
    for (position, device) in account.devices.iter().enumerate() {
        let why = match (
            registered.as_ref().is_none_or(|devices| devices.contains(&device.device)),
            opened.insert(&device.device),
        ) {
            (false, _) => "is not registered in this group",
            (true, false) => "appears twice",
            (true, true) => continue,
        };
        let text = format!("device {} {why}", device.device.short());
        observations.push(Observation { reason: Reason::FleetDevices, device: Some(position), text });
    }
    let same_window = case.others.iter().filter(|other| other.window == account.window && other.group != account.group);
    for (other, leaf) in same_window.flat_map(|other| other.devices.iter().map(move |leaf| (other, leaf))) {
        if let Some(position) = account.devices.iter().position(|device| device.device == leaf.device) {
            let text = format!("device {} also answers for group {}", leaf.device.short(), other.group);
            observations.push(Observation { reason: Reason::FleetDevices, device: Some(position), text });
        }
    }
    let missing = registered.map_or(0, |registered| registered.difference(&opened).count());
    if missing > 0 {
        observations.push(whole(Reason::FleetDevices, format!("{missing} registered devices have no leaf")));
    }
    observations
}

/// Counters continue from window to window, for the neighbours that were opened before. Devices are matched by their key and not by
/// group number, which a change of the fleet may move.
pub(super) fn continuity(account: &GroupAccount, case: &Case<'_>) -> Vec<Observation> {
    let mut observations = Vec::new();
    for other in case.others {
        if other.window.checked_add(1) == Some(account.window) {
            observations.extend(join(other, account, account));
        } else if account.window.checked_add(1) == Some(other.window) {
            observations.extend(join(account, other, account));
        }
    }
    observations
}

/// `examined` is whichever of the two the finding is about; positions are in it.
fn join(earlier: &GroupAccount, later: &GroupAccount, examined: &GroupAccount) -> Vec<Observation> {
    let ends: BTreeMap<&Hash32, &DeviceAccount> =
        earlier.devices.iter().map(|device| (&device.device, device)).collect();
    let mut observations = Vec::new();
    for next in &later.devices {
        let Some(text) = ends.get(&next.device).and_then(|previous| broken(previous, next)) else { continue };
        let device = examined.devices.iter().position(|device| device.device == next.device);
        let text = format!("between windows {} and {}: {text}", earlier.window, later.window);
        observations.push(Observation { reason: Reason::CounterGap, device, text });
    }
    observations
}

fn broken(previous: &DeviceAccount, next: &DeviceAccount) -> Option<String> {
    let dark = |device: &DeviceAccount| device.seconds_in(Class::Unaccounted) > 0;
    match (previous.counter_end_millijoules, next.counter_start_millijoules) {
        (Some(end), Some(start)) if end == start => None,
        // A restart of the driver sets the counter to zero. The time around it must be unaccounted on one side.
        (Some(end), Some(start)) if start < end && (dark(previous) || dark(next)) => None,
        (Some(end), Some(start)) => Some(format!("the counter ends at {end} mJ and starts at {start} mJ")),
        (None, None) => None,
        _ if dark(previous) || dark(next) => None,
        _ => Some("the counter is missing on one side and no time is unaccounted".to_owned()),
    }
}

/// Evidence stands for one device in one window. Leaves of the same device in two windows cannot be equal while it works.
pub(super) fn replay(account: &GroupAccount, case: &Case<'_>) -> Vec<Observation> {
    let mut observations = Vec::new();
    let mut seen: BTreeMap<&Hash32, u64> = BTreeMap::new();
    let others = case.others.iter().filter(|other| (other.window, other.group) != (account.window, account.group));
    for (other, device) in others.clone().flat_map(|other| other.devices.iter().map(move |device| (other, device))) {
        if !device.is_silent() {
            seen.insert(&device.evidence, other.window);
        }
    }
    for (position, device) in account.devices.iter().enumerate().filter(|(_, device)| !device.is_silent()) {
        let earlier = seen.insert(&device.evidence, account.window);
        let copy = others.clone().find(|other| other.devices.iter().any(|leaf| same_work(leaf, device)));
        let window = earlier.or_else(|| copy.map(|other| other.window));
        if let Some(window) = window {
            let text = format!("the same evidence or the same figures stand in window {window}");
            observations.push(Observation { reason: Reason::ReplayedTelemetry, device: Some(position), text });
        }
    }
    observations
}

/// Same device, same counters and figures to the last unit, with work in them.
fn same_work(left: &DeviceAccount, right: &DeviceAccount) -> bool {
    left.device == right.device
        && left.total_petaops() > 0
        && left.counter_start_millijoules == right.counter_start_millijoules
        && left.counter_end_millijoules == right.counter_end_millijoules
        && left.seconds == right.seconds
        && left.petaops == right.petaops
        && left.energy_kilojoules == right.energy_kilojoules
}

/// The feed's reading against what the devices account for. Time without telemetry may have used up to design power.
pub(super) fn power(account: &GroupAccount, case: &Case<'_>) -> Vec<Observation> {
    let Some(reading) = case.power else { return Vec::new() };
    // A group whose source meters no energy is flagged for that; there is no sum to compare the feed with.
    if account.devices.iter().all(DeviceAccount::is_unmetered) {
        return Vec::new();
    }
    let reported: u128 = account.devices.iter().map(|device| u128::from(device.energy_kilojoules)).sum();
    let dark_seconds: u64 = account.devices.iter().map(|device| device.seconds_in(Class::Unaccounted)).sum();
    let dark = (u128::from(case.chip.design_watts) * u128::from(dark_seconds)).div_ceil(1_000);
    let expected = |energy: u128| u128::from(reading.base_kilojoules) + raised(energy, reading.overhead_per_mille);
    let most = raised(expected(reported + dark), reading.tolerance_per_mille);
    let least = lowered(expected(reported), reading.tolerance_per_mille);
    let read = u128::from(reading.energy_kilojoules);
    let text = || format!("the feed read {read} kJ; the group's {reported} kJ explain {least} to {most} kJ");
    let reason = match (read > most, read < least) {
        (true, _) => Reason::PowerSurplus,
        (_, true) => Reason::PowerDeficit,
        _ => return Vec::new(),
    };
    vec![whole(reason, text())]
}

/// Serving that runs all devices of a group at the same high rate looks like training. Batch prefill looks like that too, so that
/// this is a reason to look and nothing more.
pub(super) fn profile(account: &GroupAccount, case: &Case<'_>) -> Vec<Observation> {
    [Class::Inference, Class::Evaluation, Class::Other]
        .into_iter()
        .filter_map(|class| synchronous(account, case, class).map(|text| whole(Reason::ClassProfile, text)))
        .collect()
}

fn synchronous(account: &GroupAccount, case: &Case<'_>, class: Class) -> Option<String> {
    // Operations per second while in the class, per million of the 16-bit peak.
    let rate = |device: &DeviceAccount| -> Option<u128> {
        let seconds = device.seconds_in(class);
        let long = seconds * 4 >= u64::from(case.window_seconds);
        let ops = u128::from(device.petaops[class.index()]) * 1_000_000_000_000_000;
        // A figure at the bound (chip time x highest peak, less rounding) comes from allocation, not from activity: it says nothing here.
        let bound = u128::from(case.chip.peak_ops_per_second) * u128::from(seconds);
        let measured = ops * 100 < bound * 99;
        let peak = u128::from(case.chip.sixteen_bit_ops_per_second) * u128::from(seconds);
        if long && measured { (ops * 1_000_000).checked_div(peak) } else { None }
    };
    let threshold = u128::from(case.tolerances.profile_rate_per_mille) * 1_000;
    let rates: Vec<u128> = account.devices.iter().filter_map(rate).filter(|rate| *rate >= threshold).collect();
    let (lowest, highest) = (*rates.iter().min()?, *rates.iter().max()?);
    let most_devices = rates.len() >= 2 && rates.len() * 1_000 >= account.devices.len() * PROFILE_DEVICES_PER_MILLE;
    let alike = (highest - lowest) * 1_000 <= highest * PROFILE_SPREAD_PER_MILLE;
    (most_devices && alike).then(|| {
        let (count, per_cent) = (rates.len(), lowest / 10_000);
        format!("{count} devices run {class} at {per_cent} % of their 16-bit peak and within 5 % of each other, as training does")
    })
}
