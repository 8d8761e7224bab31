use super::*;
use proptest::prelude::*;
use standstill_statement::Class;

const DAY: u32 = 86_400;

/// H100 SXM: 1,979e12 in 8 bits, 989.4e12 in 16, 700 W, 70 W idle.
const CHIP: ChipLimits = ChipLimits {
    peak_ops_per_second: 1_979_000_000_000_000,
    sixteen_bit_ops_per_second: 989_400_000_000_000,
    design_watts: 700,
    idle_least_watts: 70,
    idle_most_watts: 70,
};

fn key(number: usize) -> Hash32 {
    Hash32::of(&number.to_be_bytes())
}

/// A day: 60,000 s in `class` at 40 % of the 16-bit peak and 500 W on average, the rest idle at 80 W.
fn busy(number: usize, window: u64, class: Class) -> DeviceAccount {
    let mut seconds = [0; Class::COUNT];
    seconds[class.index()] = 60_000;
    seconds[Class::Idle.index()] = 26_400;
    let mut petaops = [0; Class::WORKING];
    // A little different for every device and window, as real work is.
    let jitter = u32::try_from(number * 1_013 % 3_000 + usize::try_from(window).unwrap() * 7).unwrap();
    petaops[class.index()] = 23_000 + jitter;
    let energy = 32_000 + jitter / 10;
    let used = u64::from(energy) * 1_000_000;
    let start = 5_000_000_000 + 40_000_000_000 * window;
    DeviceAccount {
        device: key(number),
        counter_start_millijoules: Some(start),
        counter_end_millijoules: Some(start + used),
        seconds,
        petaops,
        energy_kilojoules: energy,
        evidence: Hash32::of(format!("{number}/{window}").as_bytes()),
    }
}

struct World {
    account: GroupAccount,
    registered: Vec<Hash32>,
    others: Vec<GroupAccount>,
    power: Option<PowerReading>,
}

impl World {
    fn new(class: Class) -> Self {
        let group = |window| GroupAccount {
            group: 3,
            window,
            devices: (0..8).map(|number| busy(number, window, class)).collect(),
        };
        let (mut before, account, mut after) = (group(4), group(5), group(6));
        for number in 0..8 {
            before.devices[number].counter_end_millijoules = account.devices[number].counter_start_millijoules;
            let used = u64::from(before.devices[number].energy_kilojoules) * 1_000_000;
            before.devices[number].counter_start_millijoules =
                account.devices[number].counter_start_millijoules.map(|start| start - used);
            let end = account.devices[number].counter_end_millijoules;
            after.devices[number].counter_start_millijoules = end;
        }
        Self { account, registered: (0..8).map(key).collect(), others: vec![before, after], power: None }
    }

    fn case(&self) -> Case<'_> {
        Case {
            window_seconds: DAY,
            registered: Some(&self.registered),
            chip: CHIP,
            others: &self.others,
            power: self.power,
            tolerances: Tolerances::default(),
        }
    }

    fn examine(&self) -> Examination {
        examine(&self.account, &self.case())
    }

    fn code(&self) -> String {
        let found = self.examine();
        assert_eq!(found.item.reason, found.details.first().map_or("", |first| first.reason.code()));
        found.item.reason
    }

    /// Energy and counters of one device consistently set.
    fn set_energy(&mut self, number: usize, kilojoules: u32) {
        let device = &mut self.account.devices[number];
        device.energy_kilojoules = kilojoules;
        device.counter_end_millijoules =
            device.counter_start_millijoules.map(|start| start + u64::from(kilojoules) * 1_000_000);
        self.others.truncate(1);
    }

    fn reading(&self, factor_per_mille: u64) -> PowerReading {
        let sum: u64 = self.account.devices.iter().map(|device| u64::from(device.energy_kilojoules)).sum();
        let expected = 20_000 + sum * 1_120 / 1_000;
        PowerReading {
            energy_kilojoules: expected * factor_per_mille / 1_000,
            base_kilojoules: 20_000,
            overhead_per_mille: 120,
            tolerance_per_mille: 30,
        }
    }
}

#[test]
fn an_honest_group_matches_in_every_class() {
    for class in Class::ALL.into_iter().take(Class::WORKING) {
        let mut world = World::new(class);
        let found = world.examine();
        assert_eq!(
            (found.item.outcome, found.item.reason.as_str()),
            (Outcome::Match, ""),
            "{class}: {:?}",
            found.details
        );
        assert!(!found.item.power_reading);
        world.power = Some(world.reading(1_010));
        let found = world.examine();
        assert_eq!(found.item.outcome, Outcome::Match, "{:?}", found.details);
        assert!(found.item.power_reading);
    }
}

#[test]
fn attack_partial_opening() {
    let mut world = World::new(Class::Inference);
    world.account.devices.pop();
    assert_eq!(world.code(), "fleet-devices");
}

#[test]
fn attack_unregistered_swapped_or_doubled_device() {
    let mut world = World::new(Class::Inference);
    world.account.devices[2].device = key(99);
    assert_eq!(world.code(), "fleet-devices");
    let mut world = World::new(Class::Inference);
    world.account.devices[2] = busy(3, 5, Class::Inference);
    assert_eq!(world.code(), "fleet-devices");
    assert_eq!(world.examine().details.iter().filter(|found| found.reason == Reason::FleetDevices).count(), 2);
}

#[test]
fn attack_time_and_capacity() {
    let mut world = World::new(Class::Pretraining);
    world.account.devices[0].seconds[Class::Idle.index()] -= 1;
    assert_eq!(world.code(), "class-time");
    let mut world = World::new(Class::Pretraining);
    // 60,000 s × 1.979 petaops/s
    world.account.devices[0].petaops[Class::Pretraining.index()] = 118_740;
    assert_eq!(world.code(), "");
    world.account.devices[0].petaops[Class::Pretraining.index()] = 118_741;
    assert_eq!(world.code(), "capacity");
    let mut world = World::new(Class::Pretraining);
    world.account.devices[0].petaops[Class::Evaluation.index()] = 1;
    assert_eq!(world.code(), "capacity", "operations in a class without time");
}

#[test]
fn attack_counter_that_does_not_continue() {
    for (index, before) in [(0, true), (1, false)] {
        let mut world = World::new(Class::Inference);
        let device = &mut world.others[index].devices[4];
        let counter = if before { &mut device.counter_end_millijoules } else { &mut device.counter_start_millijoules };
        *counter = counter.map(|value| value + 1);
        let found = world.examine();
        assert_eq!(found.item.reason, "counter-gap");
        assert_eq!(found.details[0].device, Some(4));
        // A new fleet declaration may number the groups anew; the device stays the same.
        world.others[index].group = 8;
        assert_eq!(world.code(), "counter-gap");
    }
}

#[test]
fn a_declared_reset_is_honest_and_a_hidden_one_is_not() {
    let mut world = World::new(Class::Inference);
    let device = &mut world.account.devices[1];
    device.counter_start_millijoules = Some(0);
    device.counter_end_millijoules = Some(u64::from(device.energy_kilojoules) * 1_000_000);
    world.others[1].devices[1].counter_start_millijoules = device.counter_end_millijoules;
    assert_eq!(world.code(), "counter-gap");
    let seconds = &mut world.account.devices[1].seconds;
    (seconds[Class::Idle.index()], seconds[Class::Unaccounted.index()]) = (26_000, 400);
    assert_eq!(world.code(), "");
    // Energy that appears between windows is no reset, whatever is unaccounted.
    world.account.devices[1].counter_start_millijoules = Some(u64::MAX / 2);
    world.account.devices[1].counter_end_millijoules = Some(u64::MAX / 2 + 32_000_000_000);
    assert_eq!(world.code(), "counter-gap");
}

#[test]
fn attack_counter_backwards_or_missing_inside_the_window() {
    let mut world = World::new(Class::Inference);
    world.others.clear();
    world.account.devices[1].counter_end_millijoules = Some(1);
    assert_eq!(world.code(), "counter-reset");
    world.account.devices[1].counter_end_millijoules = None;
    assert_eq!(world.code(), "counter-reset");
    world.account.devices[1].counter_start_millijoules = None;
    assert_eq!(world.code(), "", "a source without counters is judged by its power");
}

#[test]
fn attack_under_reported_energy() {
    let mut world = World::new(Class::Pretraining);
    world.account.devices[1].energy_kilojoules /= 2;
    assert_eq!(world.code(), "energy-counter");
}

/// The operations are taken out of the account; the energy stays, because the counters are checked.
#[test]
fn attack_under_reported_operations_with_busy_energy() {
    let mut world = World::new(Class::Pretraining);
    for device in &mut world.account.devices {
        device.petaops[Class::Pretraining.index()] /= 20;
    }
    assert_eq!(world.code(), "energy-unexplained");
    // Half of the operations missing is inside what honest inefficiency explains: not seen, and the limits page says so.
    let mut half = World::new(Class::Pretraining);
    for device in &mut half.account.devices {
        device.petaops[Class::Pretraining.index()] /= 2;
    }
    assert_eq!(half.code(), "");
}

/// The work is booked as idle time, operations and all.
#[test]
fn attack_busy_chips_booked_as_idle() {
    let mut world = World::new(Class::Pretraining);
    for device in &mut world.account.devices {
        device.petaops = [0; Class::WORKING];
        device.seconds = [0; Class::COUNT];
        device.seconds[Class::Idle.index()] = DAY;
    }
    assert_eq!(world.code(), "busy-idle");
    for device in &mut world.account.devices {
        device.seconds.swap(Class::Idle.index(), Class::Down.index());
    }
    assert_eq!(world.code(), "busy-idle");
}

#[test]
fn energy_outside_physics() {
    let mut world = World::new(Class::Inference);
    world.set_energy(0, 70_000);
    assert_eq!(world.code(), "energy-above-design");
    // A device without rest is accused once and not twice.
    let mut world = World::new(Class::Inference);
    world.account.devices[0].seconds = [0; Class::COUNT];
    world.account.devices[0].seconds[Class::Inference.index()] = DAY;
    world.set_energy(0, 70_000);
    assert_eq!(world.examine().details.len(), 1);
    let mut world = World::new(Class::Inference);
    world.set_energy(0, 1_000);
    assert_eq!(world.code(), "energy-below-idle");
}

#[test]
fn attack_replayed_telemetry() {
    let mut world = World::new(Class::Inference);
    world.account.devices[2].evidence = world.others[0].devices[2].evidence;
    assert_eq!(world.code(), "replayed-telemetry");
    // One device's evidence behind two devices of the same window.
    let mut world = World::new(Class::Inference);
    world.account.devices[2].evidence = world.account.devices[3].evidence;
    assert_eq!(world.code(), "replayed-telemetry");
    // The same leaf again with fresh evidence, power-only source.
    let mut world = World::new(Class::Inference);
    for group in world.others.iter_mut().chain([&mut world.account]) {
        for device in &mut group.devices {
            (device.counter_start_millijoules, device.counter_end_millijoules) = (None, None);
        }
    }
    assert_eq!(world.code(), "");
    let old = world.others[0].devices[2].clone();
    world.account.devices[2] = DeviceAccount { evidence: world.account.devices[2].evidence, ..old };
    assert_eq!(world.code(), "replayed-telemetry");
}

/// One chip answers in two groups that were drawn from the same report.
#[test]
fn attack_one_chip_for_two_groups() {
    let mut world = World::new(Class::Inference);
    let other = |number| GroupAccount { group: 4, window: 5, devices: vec![busy(number, 5, Class::Inference)] };
    world.others = vec![other(20)];
    assert_eq!(world.code(), "");
    world.others = vec![other(3)];
    assert_eq!(world.code(), "fleet-devices");
    world.others[0].devices[0].device = key(20);
    assert_eq!(world.code(), "replayed-telemetry");
}

/// A device that is off has the same empty evidence every day.
#[test]
fn silent_devices_are_no_replay() {
    let mut world = World::new(Class::Inference);
    for group in world.others.iter_mut().chain([&mut world.account]) {
        for device in &mut group.devices[..2] {
            (device.petaops, device.seconds, device.energy_kilojoules) = ([0; Class::WORKING], [0; Class::COUNT], 0);
            device.seconds[Class::Down.index()] = DAY;
            (device.counter_start_millijoules, device.counter_end_millijoules) = (None, None);
            device.evidence = Hash32::default();
        }
    }
    assert_eq!(world.code(), "");
}

#[test]
fn attack_ghost_chips_on_the_feed() {
    let mut world = World::new(Class::Inference);
    world.power = Some(world.reading(1_125));
    let found = world.examine();
    assert_eq!((found.item.reason.as_str(), found.item.outcome), ("power-surplus", Outcome::Mismatch));
    assert!(found.item.power_reading);
    world.power = Some(world.reading(900));
    assert_eq!(world.code(), "power-deficit");
    // Inside the stated tolerance of 30 per mille there is no finding, in either direction.
    for factor in [975, 1_000, 1_029] {
        world.power = Some(world.reading(factor));
        assert_eq!(world.code(), "", "{factor}");
    }
}

#[test]
fn time_without_telemetry_may_have_used_power() {
    let mut world = World::new(Class::Inference);
    for device in &mut world.account.devices {
        (device.seconds[Class::Idle.index()], device.seconds[Class::Unaccounted.index()]) = (0, 26_400);
    }
    world.power = Some(world.reading(1_200));
    assert_eq!(world.code(), "");
}

/// Accounting alone meters no energy: that is missing evidence (flagged), not evidence of cheating, whatever the feed read.
#[test]
fn telemetry_without_energy_is_flagged_only() {
    let mut world = World::new(Class::Inference);
    world.others.clear();
    for device in &mut world.account.devices {
        device.energy_kilojoules = 0;
        (device.counter_start_millijoules, device.counter_end_millijoules) = (None, None);
    }
    assert_eq!(world.examine().item.outcome, Outcome::Flagged);
    assert_eq!(world.code(), "no-energy");
}

/// Figures bounded by allocation say nothing about activity: an honest serving lab without activity evidence is not flagged.
#[test]
fn the_bound_by_allocation_is_no_profile() {
    let mut world = World::new(Class::Inference);
    let peak = CHIP.peak_ops_per_second;
    for device in &mut world.account.devices {
        let ops = u128::from(peak) * u128::from(device.seconds_in(Class::Inference));
        device.petaops[Class::Inference.index()] = u32::try_from(ops / 1_000_000_000_000_000).unwrap();
    }
    assert_ne!(world.code(), "class-profile");
}

/// Serving at training's rate on all devices in step: flagged for a closer look, never a mismatch.
#[test]
fn relabelled_training_is_flagged_only() {
    let mut world = World::new(Class::Inference);
    for (number, device) in world.account.devices.iter_mut().enumerate() {
        device.petaops[Class::Inference.index()] = 24_000 + u32::try_from(number).unwrap();
    }
    let found = world.examine();
    assert_eq!((found.item.reason.as_str(), found.item.outcome), ("class-profile", Outcome::Flagged));
    // One device alone cannot be in step with others.
    let mut single = World::new(Class::Inference);
    single.account.devices.truncate(1);
    single.registered.truncate(1);
    single.account.devices[0].petaops[Class::Inference.index()] = 24_000;
    assert_eq!(single.code(), "");
    // Anything that is wrong outweighs the tripwire.
    world.account.devices[0].seconds[Class::Idle.index()] -= 1;
    assert_eq!(world.code(), "class-time");
    // The same figures as training are what training looks like.
    let mut honest = World::new(Class::Pretraining);
    for device in &mut honest.account.devices {
        device.petaops[Class::Pretraining.index()] = 24_000;
    }
    assert_eq!(honest.code(), "");
}

#[test]
fn padding_groups_match() {
    let empty = GroupAccount { group: 9, window: 1, devices: Vec::new() };
    let case = Case { registered: Some(&[]), others: &[], ..World::new(Class::Other).case() };
    let case = Case { power: None, ..case };
    assert_eq!(examine(&empty, &case).item.outcome, Outcome::Match);
}

#[test]
fn codes_are_unique_and_read_back() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        assert_eq!(finding(1, *reason).outcome, reason.outcome());
        assert!(reason.outcome() != Outcome::Match);
    }
    assert_eq!(Reason::from_code("fine"), None);
}

proptest! {
    /// No figure, however absurd, overflows or panics.
    #[test]
    fn absurd_figures_never_panic(
        seconds in any::<[u32; 9]>(), petaops in any::<[u32; 6]>(), energy in any::<u32>(),
        start in any::<Option<u64>>(), end in any::<Option<u64>>(), read in any::<u64>(), base in any::<u64>(), watts in any::<u32>(),
    ) {
        let mut world = World::new(Class::Other);
        world.power = Some(PowerReading { energy_kilojoules: read, base_kilojoules: base, overhead_per_mille: u16::MAX, tolerance_per_mille: u16::MAX });
        let device = &mut world.account.devices[0];
        (device.seconds, device.petaops, device.energy_kilojoules) = (seconds, petaops, energy);
        (device.counter_start_millijoules, device.counter_end_millijoules) = (start, end);
        let chip = ChipLimits { design_watts: watts, idle_least_watts: 0,
            idle_most_watts: u32::MAX, peak_ops_per_second: u64::MAX, sixteen_bit_ops_per_second: u64::MAX };
        let found = examine(&world.account, &Case { chip, ..world.case() });
        prop_assert!(found.details.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    /// The order of devices changes nothing in the finding.
    #[test]
    fn order_does_not_matter(swap in 0usize..8, broken in 0usize..8) {
        let mut world = World::new(Class::Inference);
        world.account.devices[broken].energy_kilojoules /= 3;
        let before = world.examine().item;
        world.account.devices.swap(0, swap);
        prop_assert_eq!(world.examine().item, before);
    }
}
