//! Checks of one device by itself: time, capacity, counters, power.

use super::account::{ChipLimits, DeviceAccount, lowered, raised};
use super::{Case, Observation, Reason};
use standstill_statement::Class;

const OPS_PER_PETAOP: u128 = 1_000_000_000_000_000;
const JOULES_PER_KILOJOULE: u128 = 1_000;
const MILLIJOULES_PER_KILOJOULE: u64 = 1_000_000;

/// Every observation on one device.
pub(super) fn observe(position: usize, device: &DeviceAccount, case: &Case<'_>) -> Vec<Observation> {
    let checks = [
        class_time(device, case),
        capacity(device, case),
        counter_reset(device, case),
        energy_counter(device, case),
        energy_above_design(device, case),
        busy_idle(device, case),
        energy_below_idle(device, case),
        energy_unexplained(device, case),
    ];
    let place = |(reason, text)| Observation { reason, device: Some(position), text };
    checks.into_iter().flatten().map(place).collect()
}

type Check = Option<(Reason, String)>;

fn class_time(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let (total, window) = (device.total_seconds(), u64::from(case.window_seconds));
    (total != window).then(|| (Reason::ClassTime, format!("{total} s over all classes in a window of {window} s")))
}

/// Peak × seconds, rounded up to whole petaops because leaves round up.
fn most_petaops(ops_per_second: u64, seconds: u64) -> u128 {
    (u128::from(ops_per_second) * u128::from(seconds)).div_ceil(OPS_PER_PETAOP)
}

fn capacity(device: &DeviceAccount, case: &Case<'_>) -> Check {
    Class::ALL.into_iter().take(Class::WORKING).find_map(|class| {
        let seconds = device.seconds_in(class);
        let most = most_petaops(case.chip.peak_ops_per_second, seconds);
        let reported = u128::from(device.petaops[class.index()]);
        (reported > most).then(|| {
            (Reason::Capacity, format!("{reported} petaops of {class} in {seconds} s; the peak allows {most}"))
        })
    })
}

/// A lost or reset counter is honest only when the time that it leaves dark is in `unaccounted`.
fn counter_reset(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let off = device.seconds_in(Class::Down) >= u64::from(case.window_seconds);
    if off || device.seconds_in(Class::Unaccounted) > 0 {
        return None;
    }
    match (device.counter_start_millijoules, device.counter_end_millijoules) {
        (Some(start), Some(end)) if end >= start => None,
        // A source without any counter (power only) is judged by its power.
        (None, None) => None,
        (Some(start), Some(end)) => Some((
            Reason::CounterReset,
            format!("the counter runs from {start} mJ back to {end} mJ and no time is unaccounted"),
        )),
        _ => Some((Reason::CounterReset, "the counter is missing at one end and no time is unaccounted".to_owned())),
    }
}

fn energy_counter(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let (start, end) = (device.counter_start_millijoules?, device.counter_end_millijoules?);
    let counted = u128::from(end.checked_sub(start)?.div_ceil(MILLIJOULES_PER_KILOJOULE));
    let reported = u128::from(device.energy_kilojoules);
    let tolerance = case.tolerances.counter_per_mille;
    // One kilojoule beyond the tolerance for the rounding of a nearly idle device.
    let agrees = reported <= raised(counted, tolerance) + 1 && counted <= raised(reported, tolerance) + 1;
    (!agrees).then(|| (Reason::EnergyCounter, format!("{reported} kJ reported, the counters differ by {counted} kJ")))
}

fn kilojoules(watts: u32, seconds: u64) -> u128 {
    (u128::from(watts) * u128::from(seconds)).div_ceil(JOULES_PER_KILOJOULE)
}

fn energy_above_design(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let window = u64::from(case.window_seconds);
    let most = raised(kilojoules(case.chip.design_watts, window), case.tolerances.design_per_mille) + 1;
    let reported = u128::from(device.energy_kilojoules);
    (reported > most).then(|| (Reason::EnergyAboveDesign, format!("{reported} kJ; design power allows {most} kJ")))
}

/// Most energy that the time outside the weight-changing and exploratory classes can have used.
fn most_elsewhere(device: &DeviceAccount, case: &Case<'_>) -> u128 {
    let other_work = [Class::Inference, Class::Evaluation, Class::Other, Class::Unaccounted];
    let seconds = other_work.into_iter().map(|class| device.seconds_in(class)).sum();
    let work = raised(kilojoules(case.chip.design_watts, seconds), case.tolerances.design_per_mille);
    work + most_at_rest(device, case)
}

fn most_at_rest(device: &DeviceAccount, case: &Case<'_>) -> u128 {
    let seconds = device.seconds_in(Class::Idle) + device.seconds_in(Class::Down);
    raised(kilojoules(case.chip.idle_most_watts, seconds), case.tolerances.idle_above_per_mille)
}

fn busy_idle(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let training = training_seconds(device);
    let most = most_elsewhere(device, case)
        + raised(kilojoules(case.chip.design_watts, training), case.tolerances.design_per_mille)
        + 1;
    let reported = u128::from(device.energy_kilojoules);
    let rest = device.seconds_in(Class::Idle) + device.seconds_in(Class::Down);
    let text = || format!("{reported} kJ; {rest} s of rest and full power for all other time explain {most} kJ");
    (rest > 0 && reported > most).then(|| (Reason::BusyIdle, text()))
}

fn energy_below_idle(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let dark = device.seconds_in(Class::Down) + device.seconds_in(Class::Unaccounted);
    let in_service = device.total_seconds().saturating_sub(dark);
    let least = lowered(kilojoules(case.chip.idle_least_watts, in_service), case.tolerances.idle_below_per_mille);
    let reported = u128::from(device.energy_kilojoules);
    if device.is_unmetered() && least > 0 {
        return Some((Reason::NoEnergy, format!("no energy is metered for {in_service} s of service")));
    }
    let text = || format!("{reported} kJ in {in_service} s of service; an idle chip uses at least {least} kJ");
    (reported < least).then(|| (Reason::EnergyBelowIdle, text()))
}

fn training_seconds(device: &DeviceAccount) -> u64 {
    [Class::Pretraining, Class::Posttraining, Class::Experiment].into_iter().map(|class| device.seconds_in(class)).sum()
}

/// Energy that only training can have used must come with operations. The bound is generous (a twentieth of the 16-bit peak per
/// second of full power by default): it catches an account whose operations are missing, not one that is a factor of two low.
fn energy_unexplained(device: &DeviceAccount, case: &Case<'_>) -> Check {
    let training = training_seconds(device);
    if training == 0 {
        return None;
    }
    let idle = raised(kilojoules(case.chip.idle_most_watts, training), case.tolerances.idle_above_per_mille);
    let spent = u128::from(device.energy_kilojoules).saturating_sub(most_elsewhere(device, case) + idle);
    let least = least_petaops(spent, &case.chip, case.tolerances.least_rate_per_mille)?;
    let classes = [Class::Pretraining, Class::Posttraining, Class::Experiment];
    let reported: u128 = classes.into_iter().map(|class| u128::from(device.petaops[class.index()])).sum();
    let text = || format!("{reported} petaops of training; {spent} kJ above idle stand for at least {least}");
    (reported < least).then(|| (Reason::EnergyUnexplained, text()))
}

/// Seconds of full dynamic power that the energy stands for, times the least rate.
fn least_petaops(spent_kilojoules: u128, chip: &ChipLimits, rate_per_mille: u16) -> Option<u128> {
    let dynamic_watts = u128::from(chip.design_watts.checked_sub(chip.idle_least_watts)?);
    let ops_per_second = u128::from(chip.sixteen_bit_ops_per_second) * u128::from(rate_per_mille) / 1_000;
    let joules = spent_kilojoules * JOULES_PER_KILOJOULE;
    (joules * ops_per_second).checked_div(dynamic_watts * OPS_PER_PETAOP)
}
