//! Attacks on devices: one chip for two, chips left out, and openings that do not fit.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use curve25519_dalek::{RistrettoPoint, Scalar};
use standstill_agreement::Fill;
use standstill_seal::blob::{Bytes, FleetBlob};
use standstill_seal::commitment::{PointBytes, commit};
use standstill_seal::range::{Encoded, LANE, SLACK, Sequence};
use standstill_seal::record::{FLEET_RECORD_BYTES, decode_fleet_all, encode_fleet, records_root};
use standstill_seal::{
    FleetContext, FleetProof, FleetRef, Opening, OpeningError, PrivateHistory, SealError, check_opening, clashes,
    open_group, seal_fleet, seal_window, verify_fleet,
};
use standstill_statement::Hash32;
use standstill_statement::body::Mode;
use world::forger::Forger;
use world::*;

fn opening(group: u32) -> Opening {
    let input = inputs(20_000, 4_000, 10).into_iter().find(|input| input.group == group).unwrap();
    open_group(&master(), &context(3, Mode::Sealed), fleet(), &input).unwrap()
}

fn check(group: u32, opening: &Opening) -> Result<standstill_seal::OpenedGroup, OpeningError> {
    check_opening(&context(3, Mode::Sealed), fleet(), &honest().blob, group, opening)
}

#[test]
fn honest_openings_agree() {
    for group in 0..4 {
        let opened = check(group, &Opening::from_bytes(&opening(group).to_bytes().unwrap()).unwrap()).unwrap();
        assert_eq!(opened.class_seconds.iter().sum::<u64>(), opened.leaves.len() as u64 * DAY);
    }
}

#[test]
fn opening_reveals_one_groups_key_only() {
    let (first, second) = (opening(0), opening(1));
    assert_ne!(first.window_key, second.window_key);
    let mut wrong = second.clone();
    wrong.window_key = first.window_key;
    assert!(matches!(check(1, &wrong), Err(OpeningError::LeafRoot { group: 1 })));
}

#[test]
fn changed_leaf() {
    let change: [fn(&mut standstill_seal::LeafValues); 6] = [
        |leaf| leaf.petaops[0] -= 1,
        |leaf| leaf.counter_end_millijoules = None,
        |leaf| leaf.counter_start_millijoules = Some(0),
        |leaf| leaf.run_petaops.clear(),
        |leaf| leaf.evidence_root = Hash32::of(b"made up"),
        |leaf| leaf.class_seconds.swap(0, 6),
    ];
    for change in change {
        let mut opening = opening(0);
        change(&mut opening.leaves[3]);
        assert!(matches!(check(0, &opening), Err(OpeningError::LeafRoot { .. })));
    }
}

#[test]
fn leaves_that_do_not_add_up_to_the_commitment() {
    // The leaf root is of the shown leaves, the commitment of other values: a lab that lies to the inspector only.
    let mut shown = inputs(20_000, 4_000, 10);
    shown[0].leaves[0].energy_kilojoules += 1;
    let mut forger = Forger::new(&context(3, Mode::Sealed), &shown);
    forger.values[0][15] -= 1;
    let (blob, _) = forger.forge();
    let mut opening = opening(0);
    opening.leaves.clone_from(&shown[0].leaves);
    let result = check_opening(&context(3, Mode::Sealed), fleet(), &world::forger::encode(&blob), 0, &opening);
    assert!(matches!(result, Err(OpeningError::Commitment { group: 0, lane: 15, .. })));
}

#[test]
fn clash_of_two_leaves_in_one_group() {
    let mut groups = registrations();
    groups[0].devices[1] = groups[0].devices[0];
    assert!(matches!(
        seal_fleet(&master(), &fleet_context(), &groups, table(), &mut rng(1)),
        Err(SealError::Input { .. })
    ));
    let mut opening = opening(0);
    opening.leaves[1].device = opening.leaves[0].device;
    assert!(matches!(check(0, &opening), Err(OpeningError::DeviceTwice { group: 0, .. })));
}

#[test]
fn clash_of_one_device_in_two_groups() {
    let mut groups = registrations();
    groups[1].devices[0] = groups[0].devices[0];
    assert!(matches!(
        seal_fleet(&master(), &fleet_context(), &groups, table(), &mut rng(1)),
        Err(SealError::Input { .. })
    ));
    let (first, mut second) = (check(0, &opening(0)).unwrap(), check(1, &opening(1)).unwrap());
    assert!(clashes(&[first.clone(), second.clone()]).is_empty());
    second.leaves[2].device = first.leaves[5].device;
    assert_eq!(clashes(&[first.clone(), second]), [(first.leaves[5].device, 0, 1)]);
}

#[test]
fn the_same_leaf_in_two_groups() {
    // Group, index and period are part of the leaf, so group 1 cannot answer with leaves of group 0.
    let mut opening = opening(1);
    opening.leaves[0].device = device(0, 0);
    assert!(matches!(check(1, &opening), Err(OpeningError::FleetDevices { group: 1 })));
    let mut whole = self::opening(0);
    whole.group = 1;
    assert!(check(1, &whole).is_err());
}

#[test]
fn omitted_device() {
    let mut fewer = inputs(20_000, 4_000, 10);
    fewer[0].leaves.pop();
    let context = context(3, Mode::Sealed);
    let refused = seal_window(&master(), &context, fleet(), &fewer, &runs(), &[], &PrivateHistory::new(), &mut rng(1));
    assert!(matches!(refused, Err(SealError::Input { .. })));
    // A prover that goes on all the same has a day of seconds too few against the fleet's count.
    assert_eq!(Forger::new(&context, &fewer).failing(), ["conservation"]);
    let mut opening = opening(0);
    opening.leaves.pop();
    assert!(matches!(check(0, &opening), Err(OpeningError::FleetCount { group: 0 })));
}

#[test]
fn extra_device() {
    let mut opening = opening(0);
    let mut extra = opening.leaves[0].clone();
    extra.device = Hash32::of(b"ghost");
    opening.leaves.push(extra);
    assert!(matches!(check(0, &opening), Err(OpeningError::Capacity { leaves: 9, capacity: 8, .. })));
    let mut ghost = self::opening(3);
    let mut extra = self::opening(0).leaves[0].clone();
    extra.device = Hash32::of(b"ghost");
    ghost.leaves.push(extra);
    assert!(matches!(check(3, &ghost), Err(OpeningError::FleetCount { group: 3 })));
}

#[test]
fn opening_of_another_window_or_group() {
    let input = &inputs(20_000, 4_000, 10)[0];
    let other = open_group(&master(), &context(4, Mode::Sealed), fleet(), input).unwrap();
    assert!(matches!(check(0, &other), Err(OpeningError::WrongPeriod { .. })));
    assert!(matches!(check(1, &opening(0)), Err(OpeningError::WrongGroup(0))));
    assert!(matches!(check(9, &opening(0)), Err(OpeningError::WrongGroup(0))));
}

/// A fleet blob with a count of the forger's choice in group 0, proved as well as can be.
fn fleet_with_count(count: u64) -> (FleetBlob, FleetRef) {
    let context = fleet_context();
    let blob = FleetBlob::decode(&sealed_fleet().blob, 4).unwrap();
    let mut groups = decode_fleet_all(4, &blob.records.0).unwrap();
    let key = master().period(context.agreement, &context.party, context.period());
    let mut openings: Vec<(u64, Scalar)> = registrations()
        .iter()
        .map(|group| (group.devices.len() as u64, key.group(group.group).blinding(255, group.devices.len() as u64)))
        .collect();
    openings[0].0 = count;
    groups[0].count = PointBytes::of(&commit(&Scalar::from(count), &openings[0].1));
    let mut records = Vec::new();
    for (index, group) in (0..).zip(&groups) {
        encode_fleet(index, group, &mut records);
    }
    let declared = FleetRef { root: records_root(&records, FLEET_RECORD_BYTES), groups: 4 };
    let rests: Vec<(u64, Scalar)> =
        openings.iter().map(|(count, blinding)| (8u64.saturating_sub(*count), -blinding)).collect();
    openings.extend(rests);
    let points: Vec<_> = openings
        .iter()
        .map(|(value, blinding)| {
            let point = commit(&Scalar::from(*value), blinding);
            (point, PointBytes::of(&point))
        })
        .collect();
    let hash = context.hash(table().id(), 4, declared.root).unwrap();
    let sequence = Sequence { shape: LANE, context: hash, statement: "fleet-count", about: &[] };
    let range = sequence.prove(&points, &openings, &mut rng(3)).unwrap();
    let fill = fill_proof(&context, hash, &openings[..4], &points[..4]);
    (FleetBlob { version: 1, records: Bytes(records), range: Bytes(range), fill: Bytes(fill) }, declared)
}

/// A proof that devices are the agreed share of capacity, by the formula of the page about the format.
fn fill_proof(context: &FleetContext, hash: Hash32, counts: &[(u64, Scalar)], points: &[Encoded]) -> Vec<u8> {
    let share = context.least_devices;
    let capacity: u64 = registrations().iter().map(|group| u64::from(group.capacity_devices)).sum();
    let value = share.denominator * counts.iter().map(|(count, _)| count).sum::<u64>() - share.numerator * capacity;
    let blinding = Scalar::from(share.denominator) * counts.iter().map(|(_, blinding)| blinding).sum::<Scalar>();
    let point = commit(&Scalar::from(value), &blinding);
    let sum: RistrettoPoint = points.iter().map(|(point, _)| *point).sum();
    let derived =
        Scalar::from(share.denominator) * sum - commit(&Scalar::from(share.numerator * capacity), &Scalar::ZERO);
    assert_eq!(point, derived);
    let sequence = Sequence { shape: SLACK, context: hash, statement: "fleet-fill", about: &[] };
    sequence.prove(&[(point, PointBytes::of(&point))], &[(value, blinding)], &mut rng(4)).unwrap()
}

#[test]
fn dilution_by_empty_groups() {
    // Groups without devices would be drawn like others; the terms say how much of the capacity may be empty.
    let half = FleetContext { least_devices: Fill { numerator: 1, denominator: 2 }, ..fleet_context() };
    let all = FleetContext { least_devices: Fill { numerator: 1, denominator: 1 }, ..fleet_context() };
    let registered: usize = registrations().iter().map(|group| group.devices.len()).sum();
    let capacity: usize = registrations().iter().map(|group| usize::from(group.capacity_devices)).sum();
    assert!(registered * 2 >= capacity && registered < capacity);
    let sealed = seal_fleet(&master(), &half, &registrations(), table(), &mut rng(1)).unwrap();
    let declared = FleetRef { root: sealed.root, groups: sealed.groups };
    assert!(verify_fleet(&half, declared, &sealed.blob, table()).is_ok());
    // The lab's own program refuses; a proof for a smaller share does not serve for a larger one, nor one for another statement.
    let refused = seal_fleet(&master(), &all, &registrations(), table(), &mut rng(1));
    assert!(refused.unwrap_err().to_string().contains("register less empty capacity"));
    assert!(matches!(verify_fleet(&all, declared, &sealed.blob, table()), Err(SealError::FleetProof { .. })));
    let mut blob = FleetBlob::decode(&sealed.blob, 4).unwrap();
    blob.fill = FleetBlob::decode(&sealed_fleet().blob, 4).unwrap().fill;
    let bytes = standstill_statement::canonical::to_vec(&blob).unwrap();
    let refused = verify_fleet(&half, declared, &bytes, table());
    assert!(matches!(refused, Err(SealError::FleetProof { what: FleetProof::Fill, .. })));
    blob.fill = Bytes(Vec::new());
    let bytes = standstill_statement::canonical::to_vec(&blob).unwrap();
    assert!(verify_fleet(&half, declared, &bytes, table()).is_err());
}

#[test]
fn dilution_by_a_count_above_the_capacity() {
    // More devices than registered would give hours to hide in that no draw is weighted for.
    let verify = |count| {
        let (blob, declared) = fleet_with_count(count);
        let bytes = standstill_statement::canonical::to_vec(&blob).unwrap();
        verify_fleet(&fleet_context(), declared, &bytes, table())
    };
    assert!(verify(8).is_ok());
    assert!(matches!(verify(9), Err(SealError::FleetProof { .. })));
}

#[test]
fn dilution_by_capacity_above_the_format() {
    let mut groups = registrations();
    groups[0].capacity_devices = 129;
    assert!(seal_fleet(&master(), &fleet_context(), &groups, table(), &mut rng(1)).is_err());
    let mut blob = FleetBlob::decode(&sealed_fleet().blob, 4).unwrap();
    blob.records.0[4..6].copy_from_slice(&129u16.to_be_bytes());
    let declared = FleetRef { root: records_root(&blob.records.0, FLEET_RECORD_BYTES), groups: 4 };
    let bytes = standstill_statement::canonical::to_vec(&blob).unwrap();
    assert!(matches!(verify_fleet(&fleet_context(), declared, &bytes, table()), Err(SealError::FleetBlob { .. })));
}

#[test]
fn padding_groups_look_like_groups_in_use() {
    let groups = fleet().groups();
    assert_eq!(groups[3].capacity_devices, groups[0].capacity_devices);
    assert_ne!(groups[3].devices_root, groups[0].devices_root);
    assert_ne!(groups[3].count, groups[0].count);
    let opened = check(3, &opening(3)).unwrap();
    assert!(opened.leaves.is_empty() && opened.class_seconds == [0; 9]);
}

#[test]
fn capacity_changed_after_the_declaration() {
    // Capacity is what draws are weighted with: lowering it in the blob breaks root and proof.
    let mut blob = FleetBlob::decode(&sealed_fleet().blob, 4).unwrap();
    blob.records.0[5] = 9;
    let bytes = standstill_statement::canonical::to_vec(&blob).unwrap();
    let declared = FleetRef { root: sealed_fleet().root, groups: 4 };
    assert!(matches!(verify_fleet(&fleet_context(), declared, &bytes, table()), Err(SealError::FleetRoot { .. })));
    let declared = FleetRef { root: records_root(&blob.records.0, FLEET_RECORD_BYTES), groups: 4 };
    assert!(matches!(verify_fleet(&fleet_context(), declared, &bytes, table()), Err(SealError::FleetProof { .. })));
}
