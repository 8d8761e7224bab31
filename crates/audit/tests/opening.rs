//! The whole course of an audit on a small sealed party: report, draw, encrypted openings, examination; and each way in which an
//! answer can be wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, outside #[test] functions")]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use standstill_audit::challenge::{self, Answer, Facts};
use standstill_audit::confide::{self, InspectorKey, Purpose};
use standstill_audit::draw;
use standstill_audit::examine::{Ask, Case, ChipLimits, GroupAccount, Tolerances, examine, open};
use standstill_audit::{Beacon, DemoBeacon};
use standstill_ledger::ChipTable;
use standstill_seal::{
    FleetContext, FleetRef, GroupInput, GroupRegistration, LeafValues, MasterSecret, Opening, PrivateHistory,
    PublicFleet, WindowContext, open_group, seal_fleet, seal_window, verify_fleet,
};
use standstill_statement::{Hash32, Mode, Name, Outcome};

const DAY: u64 = 86_400;
const START: u64 = 1_800_000_000;
const AGREEMENT: Hash32 = Hash32([1; 32]);
const CHALLENGE: Hash32 = Hash32([2; 32]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(3)
}

fn device(group: u32, index: usize) -> Hash32 {
    Hash32::of(format!("device {group}/{index}").as_bytes())
}

/// A day of serving at 400 W on average; the counter moves by what is reported.
fn leaf(group: u32, index: usize, window: u64) -> LeafValues {
    let energy = 34_560 + u32::try_from(index).unwrap();
    let start = window * 34_570_000_000;
    let mut class_seconds = [0; 9];
    (class_seconds[3], class_seconds[6]) = (80_000, 6_400);
    LeafValues {
        device: device(group, index),
        counter_start_millijoules: Some(start),
        counter_end_millijoules: Some(start + u64::from(energy) * 1_000_000),
        class_seconds,
        petaops: [0, 0, 0, 9_000 + u32::try_from(index).unwrap(), 0, 0],
        energy_kilojoules: energy,
        run_petaops: Vec::new(),
        evidence_root: Hash32::of(format!("{group}/{index}/{window}").as_bytes()),
    }
}

struct Party {
    master: MasterSecret,
    table: ChipTable,
    fleet: PublicFleet,
    inspector: InspectorKey,
}

impl Party {
    fn new() -> Self {
        let master = MasterSecret::from_bytes([7; 32]);
        let table = ChipTable::builtin().unwrap();
        let registration = |group: u32| GroupRegistration {
            group,
            site: name("site-1"),
            area: name(&format!("rack-{group}")),
            model: name("h100-sxm5"),
            capacity_devices: 4,
            devices: (0..4).map(|index| device(group, index)).collect(),
        };
        let context = FleetContext {
            agreement: AGREEMENT,
            party: name("north"),
            revision: 0,
            from_window: 0,
            window_seconds: DAY,
            least_devices: standstill_seal::Fill::NONE,
        };
        let sealed = seal_fleet(&master, &context, &[registration(0), registration(1)], &table, &mut rng()).unwrap();
        let declared = FleetRef { root: sealed.root, groups: sealed.groups };
        let fleet = verify_fleet(&context, declared, &sealed.blob, &table).unwrap();
        Self { master, table, fleet, inspector: InspectorKey::from_seed(&[9; 32]) }
    }

    fn context(&self, window: u64) -> WindowContext {
        WindowContext {
            agreement: AGREEMENT,
            party: name("north"),
            window,
            window_start_unix_seconds: START + window * DAY,
            window_end_unix_seconds: START + (window + 1) * DAY,
            revision: 0,
            mode: Mode::Sealed,
            fleet_statement: Hash32([5; 32]),
            fleet_root: self.fleet.root(),
            chip_table: self.table.id(),
            rulebook: name("miri-treaty-2025"),
            previous_statement: None,
        }
    }

    fn input(group: u32, window: u64) -> GroupInput {
        GroupInput { group, leaves: (0..4).map(|index| leaf(group, index, window)).collect() }
    }

    fn report(&self, window: u64) -> Vec<u8> {
        let groups = [Self::input(0, window), Self::input(1, window)];
        let history = PrivateHistory::new();
        let context = self.context(window);
        seal_window(&self.master, &context, &self.fleet, &groups, &[], &[], &history, &mut rng()).unwrap().blob
    }

    fn opening(&self, group: u32, window: u64) -> Opening {
        open_group(&self.master, &self.context(window), &self.fleet, &Self::input(group, window)).unwrap()
    }

    /// Encrypts any opening as the answer for group 0 and gives the finding's code; empty when it reaches the examination.
    fn code(&self, report: &[u8], opening: &Opening) -> String {
        self.answer(report, Answer::InTime, Some(&self.encrypt(0, opening))).err().unwrap_or_default()
    }

    fn encrypt(&self, group: u32, opening: &Opening) -> Vec<u8> {
        let purpose = Purpose { agreement: AGREEMENT, challenge: CHALLENGE, group };
        let bytes = opening.to_bytes().unwrap();
        confide::encrypt(&self.inspector.public().unwrap(), &purpose, &bytes, &mut rng()).unwrap()
    }

    fn answer(&self, report: &[u8], answer: Answer, ciphertext: Option<&[u8]>) -> Result<Option<GroupAccount>, String> {
        let purpose = Purpose { agreement: AGREEMENT, challenge: CHALLENGE, group: 0 };
        let context = self.context(5);
        let ask = Ask { key: &self.inspector, purpose, context: &context, fleet: &self.fleet, report_blob: report };
        open(&ask, answer, ciphertext).map_err(|item| {
            assert_eq!(item.group, 0);
            assert!(matches!(item.outcome, Outcome::Mismatch | Outcome::NotOpened));
            item.reason
        })
    }
}

#[test]
fn an_honest_party_from_draw_to_finding() {
    let party = Party::new();
    let demo = DemoBeacon::from_seed(&[4; 32]).unwrap();
    let beacon: Beacon = demo.beacon(1_700_000_000, 30).unwrap();
    let weights = draw::fleet_weights(&party.fleet, &party.table).unwrap();
    assert_eq!(weights, [4 * 1_979_000_000_000_000; 2]);
    let (party_name, report) = (name("north"), party.report(5));
    let facts = Facts {
        agreement: AGREEMENT,
        party: &party_name,
        report: Hash32::of(&report),
        report_index: 8,
        draw_after_unix_seconds: START + 6 * DAY,
        beacon: &beacon,
        delay_seconds: 60,
        weights: &weights,
        groups_per_report: 2,
        respond_within_seconds: DAY,
    };
    let round = demo.sign(challenge::required_round(&facts).unwrap()).unwrap();
    let mut groups = challenge::determine(&facts, &round).unwrap().groups;
    groups.sort_unstable();
    assert_eq!(groups, [0, 1]);

    let account =
        party.answer(&report, Answer::InTime, Some(&party.encrypt(0, &party.opening(0, 5)))).unwrap().unwrap();
    let model = party.table.get(&name("h100-sxm5")).unwrap();
    let case = Case {
        window_seconds: 86_400,
        registered: None,
        chip: ChipLimits::of(model),
        others: &[],
        power: None,
        tolerances: Tolerances::default(),
    };
    let found = examine(&account, &case);
    assert_eq!((found.item.outcome, found.details.len()), (Outcome::Match, 0), "{:?}", found.details);
}

#[test]
fn attack_answers_that_do_not_come() {
    let party = Party::new();
    let report = party.report(5);
    let good = party.encrypt(0, &party.opening(0, 5));
    let code = |answer, bytes| party.answer(&report, answer, bytes).unwrap_err();
    assert_eq!(code(Answer::Missing, None), "no-response");
    assert_eq!(code(Answer::Late, Some(&good)), "late-response");
    assert_eq!(code(Answer::LeftOut, None), "group-not-opened");
    assert_eq!(code(Answer::InTime, None), "unreadable");
    assert_eq!(code(Answer::InTime, Some(&good[..good.len() - 1])), "unreadable");
    assert_eq!(party.answer(&report, Answer::Pending, None), Ok(None));
}

#[test]
fn attack_opening_of_another_group_or_window() {
    let party = Party::new();
    let report = party.report(5);
    // Encrypted for group 1 and sent for group 0.
    let moved = party.encrypt(1, &party.opening(1, 5));
    assert_eq!(party.answer(&report, Answer::InTime, Some(&moved)).unwrap_err(), "unreadable");
    // Group 1's opening encrypted for group 0, and the same with the number changed.
    let mut other = party.opening(1, 5);
    assert_eq!(party.code(&report, &other), "wrong-opening");
    other.group = 0;
    assert_eq!(party.code(&report, &other), "fleet-devices");
    // Yesterday's opening, and the same with the period changed.
    let mut yesterday = party.opening(0, 4);
    assert_eq!(party.code(&report, &yesterday), "wrong-opening");
    yesterday.period = party.opening(0, 5).period;
    assert_eq!(party.code(&report, &yesterday), "commitment");
}

#[test]
fn attack_changed_or_partial_leaves() {
    let party = Party::new();
    let report = party.report(5);
    let good = party.opening(0, 5);
    assert_eq!(party.code(&report, &good), "");
    let change = |edit: &dyn Fn(&mut Opening)| {
        let mut opening = good.clone();
        edit(&mut opening);
        party.code(&report, &opening)
    };
    assert_eq!(change(&|opening| drop(opening.leaves.pop())), "fleet-devices");
    assert_eq!(change(&|opening| opening.leaves[1] = opening.leaves[0].clone()), "fleet-devices");
    assert_eq!(change(&|opening| opening.leaves[1].device = device(9, 9)), "fleet-devices");
    assert_eq!(change(&|opening| opening.leaves.swap(0, 1)), "fleet-devices");
    assert_eq!(change(&|opening| opening.leaves[0].petaops[3] -= 1), "commitment");
    assert_eq!(change(&|opening| opening.leaves[0].counter_end_millijoules = None), "commitment");
    assert_eq!(change(&|opening| opening.leaves[0].evidence_root = Hash32([0; 32])), "commitment");
    assert_eq!(change(&|opening| opening.window_key = Hash32([0; 32])), "commitment");
    // Another report's blob behind the same statement.
    assert_eq!(party.code(&party.report(6), &good), "commitment");
    assert_eq!(party.code(b"no blob", &good), "unreadable");
}
