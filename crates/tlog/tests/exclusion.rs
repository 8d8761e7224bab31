//! "Published by `D`" and "absent by `D`" never both hold for the same entry, wherever up to `f` faulty witnesses sit, exactly while
//! `2k − n > f`. Every small case is enumerated; larger and nested policies are drawn at random.
//!
//! What is played: a log that signs whatever helps the adversary; honest witnesses that cosign only what extends what they cosigned, by clocks
//! that never run backwards but are otherwise arbitrary, with requests in any order; faulty witnesses that sign anything at any time.
//! The certificates are built from the resulting cosignatures and judged by the real code.
#![allow(clippy::unwrap_used, reason = "test code outside #[test] functions")]

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use standstill_tlog::certificate::{AbsenceCertificate, Claim, PublishedCertificate};
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::cosignature;
use standstill_tlog::merkle::{Tree, leaf_hash, verify_consistency};
use standstill_tlog::note::{KeyType, Note, NoteSignature, NoteSigner};
use standstill_tlog::policy::Policy;
use standstill_tlog::proof::LogProof;
use standstill_tlog::witness::FileWitness;
use std::collections::{BTreeSet, HashMap};

const DEADLINE: u64 = 1_000;
const SECRET: &[u8] = b"the entry in question";

/// The log's possible trees: common beginning, two that hold the entry, two that do not.
struct World {
    log: NoteSigner,
    trees: Vec<(Tree, Vec<Vec<u8>>, SignedCheckpoint)>,
}

/// Trees with the entry.
const WITH: [usize; 2] = [1, 2];
/// Trees without it.
const WITHOUT: [usize; 3] = [0, 3, 4];

impl World {
    fn new() -> Self {
        let log = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap();
        let list = |items: &[&[u8]]| items.iter().map(|item| item.to_vec()).collect::<Vec<_>>();
        let histories = [
            list(&[b"first"]),
            list(&[b"first", SECRET]),
            list(&[b"first", SECRET, b"third"]),
            list(&[b"first", b"another"]),
            list(&[b"first", b"another", b"third"]),
        ];
        let tree = |entries: Vec<Vec<u8>>| {
            let tree = Tree::from_leaves(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>());
            let signed = Checkpoint::new("log.example", tree.size(), tree.root()).sign(&log).unwrap();
            (tree, entries, signed)
        };
        Self { trees: histories.map(tree).into(), log }
    }

    /// Whether tree `next` may follow tree `known` for an honest witness, by the real consistency check and the best proof there is.
    fn extends(&self, known: Option<usize>, next: usize) -> bool {
        let (tree, _, signed) = &self.trees[next];
        let next = signed.checkpoint();
        let Some(known) = known else {
            return verify_consistency(0, next.size, &[], &Tree::new().root(), &next.root).is_ok();
        };
        let known = self.trees[known].2.checkpoint();
        let proof = tree.consistency_proof(known.size, next.size).unwrap_or_default();
        verify_consistency(known.size, next.size, &proof, &known.root, &next.root).is_ok()
    }

    fn note(&self, tree: usize, lines: &[NoteSignature]) -> Note {
        let mut note = self.trees[tree].2.note().clone();
        lines.iter().for_each(|line| note.add(line.clone()));
        note
    }

    fn published(&self, tree: usize, lines: &[NoteSignature], policy: &Policy) -> bool {
        let path = self.trees[tree].0.inclusion_proof(1, self.trees[tree].0.size()).unwrap();
        let proof = LogProof { extra: None, index: 1, path, checkpoint: self.note(tree, lines) };
        let certificate = PublishedCertificate { deadline_unix_seconds: DEADLINE, entry: SECRET.to_vec(), proof };
        certificate.verify(self.log.verifier(), policy).is_ok()
    }

    fn absent(&self, tree: usize, lines: &[NoteSignature], policy: &Policy) -> bool {
        let claim = Claim::NothingMatching { question: "the entry".into(), entries: self.trees[tree].1.clone() };
        let checkpoint = self.note(tree, lines);
        let certificate = AbsenceCertificate { deadline_unix_seconds: DEADLINE, claim, checkpoint };
        certificate.verify(self.log.verifier(), policy, &|_, entry| entry == SECRET).is_ok()
    }
}

fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("w{index}"), KeyType::CosignatureV1, &[100 + index; 32]).unwrap()
}

fn policy(groups: &str, witnesses: u8) -> Policy {
    let lines: String = (0..witnesses).map(|w| format!("witness w{w} {}\n", witness(w).verifier())).collect();
    Policy::parse(&(lines + groups)).unwrap()
}

fn threshold(witnesses: u8, needed: u8) -> Policy {
    let members: Vec<String> = (0..witnesses).map(|w| format!("w{w}")).collect();
    policy(&format!("group q {needed} {}\nquorum q\n", members.join(" ")), witnesses)
}

/// A cosignature of the model: which tree, and whether after the deadline.
type Line = (usize, bool);

/// Everything that one honest witness can have cosigned in the end, over all orders of requests and clocks on either side of `D`.
fn honest_outcomes(world: &World) -> BTreeSet<BTreeSet<Line>> {
    let mut outcomes = BTreeSet::new();
    let mut open = vec![(None, false, BTreeSet::new())];
    let mut seen = BTreeSet::new();
    while let Some((known, late, lines)) = open.pop() {
        if !seen.insert((known, late, lines.clone())) {
            continue;
        }
        outcomes.insert(lines.clone());
        for next in (0..world.trees.len()).filter(|next| world.extends(known, *next)) {
            for after in [false, true].into_iter().filter(|after| *after || !late) {
                let mut lines = lines.clone();
                lines.insert((next, after));
                open.push((Some(next), after, lines));
            }
        }
    }
    // What is part of another outcome gives the adversary nothing more.
    let all = outcomes.clone();
    outcomes.retain(|lines| !all.iter().any(|other| other != lines && lines.is_subset(other)));
    outcomes
}

/// The real certificates for one set of witnesses, remembered: which witnesses' lines the adversary holds decides everything.
struct Judge<'a> {
    world: &'a World,
    policy: Policy,
    signers: Vec<NoteSigner>,
    known: HashMap<(usize, bool, u32, u32), bool>,
}

impl<'a> Judge<'a> {
    fn new(world: &'a World, n: u8, k: u8) -> Self {
        Self { world, policy: threshold(n, k), signers: (0..n).map(witness).collect(), known: HashMap::new() }
    }

    /// Whether a certificate holds under a tree that these witnesses cosigned at `D` and one second later. All their lines are on the
    /// note: a line of the other side must not help.
    fn holds(&mut self, tree: usize, absent: bool, early: u32, late: u32) -> bool {
        let Self { world, policy, signers, known } = self;
        *known.entry((tree, absent, early, late)).or_insert_with(|| {
            let text = world.trees[tree].2.note().text().to_owned();
            let mut lines = Vec::new();
            for (index, signer) in signers.iter().enumerate() {
                for (set, time) in [(early, DEADLINE), (late, DEADLINE + 1)] {
                    if set >> index & 1 == 1 {
                        lines.push(cosignature::sign(signer, time, &text).unwrap());
                    }
                }
            }
            if absent { world.absent(tree, &lines, policy) } else { world.published(tree, &lines, policy) }
        })
    }

    /// Whether both certificates exist when each honest witness signed its outcome and the faulty ones everything.
    fn both(&mut self, faulty: u32, honest: &[(u32, &BTreeSet<Line>)]) -> bool {
        let signed = |tree: usize, after: bool| {
            let signed = honest.iter().filter(|(_, lines)| lines.contains(&(tree, after)));
            faulty | signed.map(|(witness, _)| witness).sum::<u32>()
        };
        let mut some = |trees: &[usize], absent| {
            trees.iter().any(|tree| self.holds(*tree, absent, signed(*tree, false), signed(*tree, true)))
        };
        some(&WITH, false) && some(&WITHOUT, true)
    }
}

/// All schedules of one (n, k, f): for every placement of faulty witnesses and every outcome of each honest one.
fn some_schedule_gives_both(judge: &mut Judge<'_>, outcomes: &[BTreeSet<Line>], f: u32) -> bool {
    let n = judge.signers.len();
    (0_u32..1 << n).filter(|faulty| faulty.count_ones() == f).any(|faulty| {
        let honest: Vec<u32> = (0..n).map(|w| 1 << w).filter(|w| faulty & w == 0).collect();
        let choices = outcomes.len().pow(u32::try_from(honest.len()).unwrap());
        (0..choices).any(|mut choice| {
            let pick = honest.iter().map(|witness| {
                let outcome = &outcomes[choice % outcomes.len()];
                choice /= outcomes.len();
                (*witness, outcome)
            });
            judge.both(faulty, &pick.collect::<Vec<_>>())
        })
    })
}

#[test]
fn the_certificates_exclude_each_other_exactly_while_quorums_share_an_honest_witness() {
    let world = World::new();
    let outcomes: Vec<_> = honest_outcomes(&world).into_iter().collect();
    assert!(outcomes.len() >= 4, "{outcomes:?}");
    let (mut excluded, mut possible) = (0, 0);
    for n in 1..=5_u8 {
        for k in 1..=n {
            let mut judge = Judge::new(&world, n, k);
            for f in 0..=n {
                let safe = 2 * i32::from(k) - i32::from(n) > i32::from(f);
                let both = some_schedule_gives_both(&mut judge, &outcomes, u32::from(f));
                assert_eq!(both, !safe, "n={n} k={k} f={f}");
                assert_eq!(threshold(n, k).faults_to_split() > usize::from(f), safe, "n={n} k={k} f={f}");
                if safe { excluded += 1 } else { possible += 1 }
            }
        }
    }
    assert!(excluded >= 20 && possible >= 20, "{excluded} {possible}");
}

/// The model's honest witness accepts exactly what the witness of this crate accepts, over all request sequences of three.
#[test]
fn the_honest_witness_of_the_model_is_the_real_one() {
    let world = World::new();
    let requests: Vec<Line> = (0..world.trees.len()).flat_map(|tree| [(tree, false), (tree, true)]).collect();
    // Memory instead of a disk where there is one: thousands of syncs.
    let memory = std::path::Path::new("/dev/shm");
    for first in &requests {
        for second in &requests {
            let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
            let mut real = FileWitness::create(&folder.path().join("w"), &witness(0)).unwrap();
            let (mut known, mut late) = (None, false);
            for (tree, after) in [first, second] {
                let accepted = world.extends(known, *tree) && (*after || !late);
                assert_eq!(ask(&mut real, &world, *tree, *after), accepted, "{first:?} {second:?}");
                if accepted {
                    (known, late) = (Some(*tree), *after);
                }
            }
            // Every third request, by what each would be answered now; only refusals leave the state as it is.
            for (tree, after) in &requests {
                if !(world.extends(known, *tree) && (*after || !late)) {
                    assert!(!ask(&mut real, &world, *tree, *after), "{first:?} {second:?} {tree} {after}");
                }
            }
        }
    }
}

fn ask(real: &mut FileWitness, world: &World, tree: usize, after: bool) -> bool {
    let (proofs, _, signed) = &world.trees[tree];
    let old = real.known_size(world.log.verifier()).unwrap();
    let proof = proofs.consistency_proof(old, signed.checkpoint().size).unwrap_or_default();
    let time = DEADLINE + u64::from(after);
    real.cosign(time, old.min(signed.checkpoint().size), &proof, &signed.to_bytes(), world.log.verifier()).is_ok()
}

/// One random schedule: requests in any order, clocks that jump forward by anything, and the lines that came of it.
fn play(world: &World, faulty: u32, witnesses: u8, requests: &[(u8, u8, u16)]) -> Vec<Vec<NoteSignature>> {
    let mut lines = vec![Vec::new(); world.trees.len()];
    let mut states: Vec<(Option<usize>, u64)> = vec![(None, DEADLINE - 40); usize::from(witnesses)];
    let mut sign = |tree: usize, w: u8, time| {
        let text = world.trees[tree].2.note().text();
        lines[tree].push(cosignature::sign(&witness(w), time, text).unwrap());
    };
    for w in (0..witnesses).filter(|w| faulty >> w & 1 == 1) {
        for tree in 0..world.trees.len() {
            [DEADLINE, DEADLINE + 1].into_iter().for_each(|time| sign(tree, w, time));
        }
    }
    for (w, tree, delay) in requests {
        let (w, tree) = (w % witnesses, usize::from(*tree) % world.trees.len());
        let (known, clock) = &mut states[usize::from(w)];
        *clock += u64::from(delay % 50);
        if faulty >> w & 1 == 0 && world.extends(*known, tree) {
            *known = Some(tree);
            sign(tree, w, *clock);
        }
    }
    lines
}

fn both_hold(world: &World, lines: &[Vec<NoteSignature>], policy: &Policy) -> bool {
    WITH.iter().any(|tree| world.published(*tree, &lines[*tree], policy))
        && WITHOUT.iter().any(|tree| world.absent(*tree, &lines[*tree], policy))
}

/// The first `count` of a random order of the witnesses, as a set.
fn placement(order: &[u32], among: std::ops::Range<u8>, count: usize) -> u32 {
    let mut ranked: Vec<u8> = among.collect();
    ranked.sort_by_key(|w| order[usize::from(*w)]);
    ranked.into_iter().take(count).map(|w| 1_u32 << w).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn larger_sets_exclude_too(
        shape in prop::sample::select(vec![(7_u8, 5_u8, 2_usize), (10, 7, 3), (13, 9, 4)]),
        order in prop::collection::vec(any::<u32>(), 13),
        requests in prop::collection::vec(any::<(u8, u8, u16)>(), 20..160),
    ) {
        let world = World::new();
        let (n, k, f) = shape;
        let lines = play(&world, placement(&order, 0..n, f), n, &requests);
        prop_assert!(!both_hold(&world, &lines, &threshold(n, k)));
    }

    /// Two classes under `all`: one class may be corrupt altogether as long as the other is safe.
    #[test]
    fn one_safe_class_is_enough(
        order in prop::collection::vec(any::<u32>(), 7),
        requests in prop::collection::vec(any::<(u8, u8, u16)>(), 20..120),
    ) {
        let world = World::new();
        let classes = policy("group labs 3 w0 w1 w2 w3\ngroup others 2 w4 w5 w6\ngroup q all labs others\nquorum q\n", 7);
        let faulty = 0b111_0000 | placement(&order, 0..4, 1);
        let lines = play(&world, faulty, 7, &requests);
        prop_assert!(!both_hold(&world, &lines, &classes));
    }
}

/// The random player can find the contradiction where there is one, so the two tests above could fail.
#[test]
fn random_schedules_find_both_certificates_when_too_many_lie() {
    let world = World::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let requests = prop::collection::vec(any::<(u8, u8, u16)>(), 20..160);
    // 5 of 7 with three liars: the two honest ones that are needed on each side exist.
    let found = (0..200).any(|_| {
        let requests = requests.new_tree(&mut runner).unwrap().current();
        both_hold(&world, &play(&world, 0b111, 7, &requests), &threshold(7, 5))
    });
    assert!(found);
}
