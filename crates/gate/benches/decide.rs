//! How long a decision takes: `cargo bench -p standstill-gate`. The bar is 5 ms for a decision with its signature.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench may fail loudly")]

use standstill_gate::journal::{Journal, Owner, Pending};
use standstill_gate::terms::{Chip, Cover, Exemption, Place, Purpose};
use standstill_gate::{Cap, Gate, Held, Job, Measure, Phase, Run, Scheduler, Situation, Terms};
use standstill_statement::{Class, GatePoint, Hash32, Name, SigningKey};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner};
use std::io::Write as _;
use std::time::{Duration, Instant};

const NOW: u64 = 1_800_000_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Terms with so many exemptions and partitions.
fn terms(entries: usize) -> Terms {
    let exemptions = (0..entries)
        .map(|index| Exemption {
            id: name(&format!("exempt-{index}")),
            purpose: Purpose::Inference,
            accounts: vec![format!("serving-{index}")],
            users: Vec::new(),
            places: Vec::new(),
            accelerators: 64,
            accelerators_together: 1000,
            seconds: None,
            system: false,
        })
        .collect();
    let places = (0..entries).map(|index| Place {
        name: format!("place-{index}"),
        accelerators_per_node: 8,
        nodes: 1000,
        constrained: true,
        longest_seconds: None,
    });
    Terms {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        hold_seconds: 3600,
        decision_seconds: 86_400,
        clock_tolerance_seconds: 300,
        stop_when_paused: vec![Class::Pretraining, Class::Posttraining],
        suspended_may_start: false,
        cover: Cover::default(),
        chips: vec![Chip { model: "h100".to_owned(), gigaops_per_second: 3_958_000 }],
        exemptions,
        harmless_resources: Vec::new(),
        places: places.collect(),
    }
}

/// A situation with so many caps and declared runs.
fn situation(caps: usize, runs: usize) -> Situation {
    let caps = (0..caps).map(|index| Cap {
        id: name(&format!("cap-{index:04}")),
        measure: Measure::Petaops,
        classes: vec![Class::Pretraining, Class::Posttraining],
        allowed: Some(u64::MAX),
        used: 0,
    });
    let runs = (0..runs).map(|index| Run {
        run: name(&format!("run-{index:06}")),
        class: Class::Posttraining,
        from_window: 0,
        ended: false,
        planned_petaops: u64::MAX,
        used_petaops: 0,
        lineage_petaops: 0,
        lineage_allowed_petaops: None,
        certificates_missing: Vec::new(),
    });
    Situation {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        phase: Phase::Slowed { level: 1 },
        phase_since_unix_seconds: NOW - 86_400,
        window: 3,
        as_of_unix_seconds: NOW - 60,
        caps: caps.collect(),
        runs: runs.collect(),
    }
}

fn job() -> Job {
    Job {
        scheduler: Scheduler::Slurm,
        cluster: name("bench"),
        point: GatePoint::Submit,
        reference: String::new(),
        account: "lab".to_owned(),
        user: "1001".to_owned(),
        place: "place-0".to_owned(),
        accelerators: Some(8),
        models: vec!["h100".to_owned()],
        seconds: Some(3600),
        class: Some(Class::Posttraining),
        run: Some(name("run-000000")),
        exempt: None,
        unreadable: Vec::new(),
    }
}

/// Median and 99th percentile of so many calls.
fn time(count: usize, mut call: impl FnMut(usize)) -> (Duration, Duration) {
    let mut took: Vec<Duration> = (0..count)
        .map(|index| {
            let start = Instant::now();
            call(index);
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    (took[count / 2], took[count * 99 / 100])
}

fn row(sizes: &str, what: &str, (median, high): (Duration, Duration)) {
    let micros = |duration: Duration| duration.as_nanos() as f64 / 1000.0;
    println!("{sizes:34} {what:36} {:>10.1} {:>10.1}", micros(median), micros(high));
}

fn journal() -> (tempfile::TempDir, Journal) {
    // Beside the build, on the disk: a folder in memory would make syncing look free.
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let signer = NoteSigner::generate("standstill/bench", KeyType::Ed25519).unwrap();
    FileLog::create(&dir.path().join("log"), &signer).unwrap();
    let owner = Owner { issuer: name("north-gate"), gate: name("bench"), agreement: Hash32::of(b"agreement") };
    let (journal, _) = Journal::open(dir.path(), owner, SigningKey::from_seed([1; 32]), &signer).unwrap();
    (dir, journal)
}

/// The floor: two short writes, each synced, as a decision needs (its opening, then its entry).
fn syncs() -> (Duration, Duration) {
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut files = ["a", "b"].map(|name| std::fs::File::create(dir.path().join(name)).unwrap());
    time(400, |_| {
        for file in &mut files {
            file.write_all(&[1; 600]).unwrap();
            file.sync_data().unwrap();
        }
    })
}

fn main() {
    let engine = if cfg!(feature = "cedar") { "clauses and Cedar" } else { "clauses" };
    println!("judged by: {engine}\n{:34} {:36} {:>10} {:>10}", "sizes", "what", "p50 us", "p99 us");
    for (entries, caps, runs, let_pass) in [(1, 2, 2, 0), (10, 16, 1_000, 1_000), (1_000, 1_024, 65_536, 100_000)] {
        let sizes = format!("{entries} exempt, {caps} caps, {runs} runs, {let_pass} let pass");
        let mut gate = Gate::new(terms(entries)).unwrap();
        let loaded = Instant::now();
        gate.learn(Held::new(situation(caps, runs)).unwrap()).unwrap();
        let loaded = loaded.elapsed();
        for index in 0..let_pass {
            let decision = gate.decide(&job(), NOW);
            gate.passed(&job(), &decision, Hash32::of(&usize::to_be_bytes(index)), None);
        }
        let count = if cfg!(feature = "cedar") { 2_000 } else { 20_000 };
        row(&sizes, "decide", time(count, |_| drop(std::hint::black_box(gate.decide(&job(), NOW)))));
        let (_dir, mut journal) = journal();
        let pending = |index: usize| Pending {
            job: job(),
            decision: gate.decide(&job(), NOW),
            nonce: (index as u128).to_be_bytes(),
            earlier: None,
        };
        row(
            &sizes,
            "decide, sign",
            time(2_000, |index| {
                journal.sign(&gate, &pending(index)).unwrap();
            }),
        );
        journal.commit().unwrap();
        row(
            &sizes,
            "decide, sign, durable",
            time(400, |index| drop(journal.record(&gate, &[pending(index)]).unwrap())),
        );
        let batch = time(40, |_| {
            let batch: Vec<Pending> = (0..64).map(pending).collect();
            journal.record(&gate, &batch).unwrap();
        });
        row(&sizes, "the same, each of 64 at once", (batch.0 / 64, batch.1 / 64));
        row(&sizes, "two synced writes alone", syncs());
        println!("{sizes:34} {:36} {:>10.1}", "learn a situation", loaded.as_nanos() as f64 / 1000.0);
    }
}
