//! Accounting against decisions.

use super::journal::Home;
use crate::journal::{Pending, Recorded, decision_id};
use crate::phase::Phase;
use crate::reconcile::{Kind, Reconciliation, Tolerance, reconcile};
use crate::samples::{NOW, gate, job, terms};
use crate::slurm::{Accounted, parse_accounting};
use crate::winddown::{Orders, notices};
use standstill_statement::{Class, GatePoint};

/// An allowed job, a refused one, and one that was decided on again at its start after the first decision.
fn decisions() -> Vec<Recorded> {
    let home = Home::new();
    let (open, paused) = (gate(Phase::Active), gate(Phase::Paused));
    let pending = |gate: &crate::Gate, nonce| Pending {
        job: job(),
        decision: gate.decide(&job(), NOW),
        nonce: [nonce; 16],
        earlier: None,
    };
    let (mut journal, _) = home.open();
    let first = journal.record(&open, &[pending(&open, 1)]).unwrap();
    journal.record(&paused, &[pending(&paused, 2)]).unwrap();
    let mut again = pending(&open, 3);
    again.decision = open.decide(&job(), NOW + 1000);
    again.job.point = GatePoint::Start;
    (again.job.accelerators, again.earlier) = (Some(16), Some(first[0]));
    journal.record(&open, &[again]).unwrap();
    drop(journal);
    home.open().1
}

fn record(decision: Option<&Recorded>) -> Accounted {
    Accounted {
        id: "7".to_owned(),
        shown_id: "7".to_owned(),
        start_unix_seconds: Some(NOW + 10),
        elapsed_seconds: 3600,
        account: "lab".to_owned(),
        user: "1001".to_owned(),
        place: "train".to_owned(),
        accelerators: Some(8),
        decision: decision.map(|item| decision_id(&item.statement)),
        ..Accounted::default()
    }
}

fn run(accounted: &[Accounted], decisions: &[Recorded]) -> Reconciliation {
    reconcile(&terms(), accounted, decisions, Tolerance::default())
}

fn kinds(result: &Reconciliation) -> Vec<Kind> {
    result.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_job_with_its_decision_fits_and_one_without_is_a_bypass() {
    let decisions = decisions();
    let good = run(&[record(Some(&decisions[0]))], &decisions);
    assert_eq!((good.covered, good.matched, good.violated()), (1, 1, false));
    assert!(good.findings.is_empty(), "{:?}", good.findings);
    // Either decision of the chain will do, and the larger size at the start was decided on.
    let larger = Accounted { accelerators: Some(16), ..record(Some(&decisions[2])) };
    assert!(run(&[larger], &decisions).findings.is_empty());

    let bypass = run(&[record(None), record(Some(&decisions[0]))], &decisions);
    assert_eq!(kinds(&bypass), [Kind::Bypass]);
    assert!(bypass.violated() && bypass.findings[0].sentence.contains("8 accelerators for 3600 s"));
}

/// What a hook lets pass when no gate answers is noted, not accused; but only for those who are listed, and only up to the size listed.
#[test]
fn listed_work_without_a_decision_is_noted() {
    let serving = |count| Accounted { account: "serving".to_owned(), accelerators: Some(count), ..record(None) };
    let result = run(&[serving(64)], &[]);
    assert_eq!((kinds(&result), result.violated()), (vec![Kind::OpenWithoutGate], false));
    assert_eq!(kinds(&run(&[serving(65)], &[])), [Kind::Bypass]);
}

#[test]
fn each_thing_that_does_not_fit() {
    let decisions = decisions();
    let one = |change: fn(&mut Accounted)| {
        let mut changed = record(Some(&decisions[0]));
        change(&mut changed);
        kinds(&run(&[changed], &decisions))
    };
    assert_eq!(one(|r| r.accelerators = Some(17)), [Kind::Larger]);
    assert_eq!(one(|r| r.elapsed_seconds = 3721), [Kind::Longer]);
    assert_eq!(one(|r| r.elapsed_seconds = 3720), []);
    assert_eq!(one(|r| r.user = "0".into()), [Kind::OtherOwner]);
    assert_eq!(one(|r| r.account = "serving".into()), [Kind::OtherOwner]);
    assert_eq!(one(|r| r.start_unix_seconds = Some(NOW - 100)), [Kind::StartedBefore]);
    assert_eq!(one(|r| r.start_unix_seconds = Some(NOW + 90_000)), [Kind::Expired]);
    assert_eq!(one(|r| r.accelerators = None), [Kind::Unreadable]);
    assert_eq!(one(|r| r.decision = Some("0".repeat(24))), [Kind::UnknownDecision, Kind::Unused]);
    assert_eq!(one(|r| r.start_unix_seconds = None), [Kind::Unused]);
    assert_eq!(kinds(&run(&[record(Some(&decisions[1]))], &decisions)), [Kind::Refused, Kind::Unused]);
    let mut closed = decisions.clone();
    closed.iter_mut().for_each(|item| item.job = None);
    let result = run(&[record(Some(&closed[0]))], &closed);
    assert_eq!((kinds(&result), result.violated()), (vec![Kind::Unopened], false));
}

#[test]
fn one_decision_serves_one_submission() {
    let decisions = decisions();
    let named = |id: &str, shown: &str| Accounted {
        id: id.to_owned(),
        shown_id: shown.to_owned(),
        ..record(Some(&decisions[0]))
    };
    assert_eq!(kinds(&run(&[named("7", "7"), named("8", "8")], &decisions)), [Kind::DecisionReused]);
    // Tasks of an array, and the earlier run of a requeued job, are one submission.
    assert!(run(&[named("7", "7_1"), named("8", "7_2"), named("7", "7_1")], &decisions).findings.is_empty());
}

#[test]
fn a_job_that_could_reach_accelerators_is_covered_too() {
    let decisions = decisions();
    let plain = |place: &str| Accounted { place: place.to_owned(), accelerators: Some(0), ..record(None) };
    let result = run(&[plain("train"), plain("cpu")], &[]);
    assert_eq!((result.uncovered, result.covered), (2, 0));
    assert_eq!(kinds(&run(&[plain("open")], &[])), [Kind::Bypass]);
    assert_eq!(run(&[], &decisions).decisions, 3);
}

#[test]
fn accounting_exports() {
    let header = "JobIDRaw|JobID|State|Start|End|ElapsedRaw|Account|UID|Partition|AllocTRES|AdminComment";
    let id = "0123456789abcdef01234567";
    let text = format!(
        "{header}\n7|7|COMPLETED|100|200|100|lab|1001|train|cpu=4,gres/gpu:h100=8,gres/gpu=8|standstill:{id}\n7.batch|7.batch|COMPLETED|100|200|100|lab|||cpu=4|\n8|8|PENDING|Unknown|Unknown|0|lab|0|train||a|b standstill:{id}\n"
    );
    let found = parse_accounting(&text, &[]).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].accelerators, found[0].decision.as_deref()), (Some(8), Some(id)));
    assert_eq!((found[1].start_unix_seconds, found[1].decision.as_deref()), (None, Some(id)));
    for broken in [
        String::new(),
        text.replace("|AdminComment\n", "|Comment\n"),
        text.replace("|100|200|", "|2026-11-01T00:00:00|200|"),
        text.replace("UID", "User"),
        format!("{header}\n7|7\n"),
    ] {
        assert!(parse_accounting(&broken, &[]).is_err(), "{broken}");
    }
}

#[test]
fn running_jobs_are_told_when_the_agreement_stops_them() {
    let mut running = job();
    running.reference = "7".to_owned();
    let mut serving = running.clone();
    (serving.reference, serving.account) = ("8".to_owned(), "serving".to_owned());
    (serving.class, serving.run, serving.exempt) =
        (Some(Class::Inference), None, Some(crate::samples::name("serving")));
    let mut other = running.clone();
    (other.reference, other.run, other.class) =
        ("9".to_owned(), Some(crate::samples::name("alpha")), Some(Class::Pretraining));
    let all = [running, serving, other];
    let orders = Orders { deadline_seconds: 87_000, ..Orders::default() };
    let told = notices(&gate(Phase::Paused), &orders, &all, NOW);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].job.as_str(), told[0].deadline_unix_seconds), ("7", NOW + 600));
    assert_eq!(told[0].commands[1], ["scancel", "--batch", "--signal=USR1", "7"]);
    assert!(told[0].commands[0][3].contains("end by 2027-01-15 08:10:00 UTC"), "{:?}", told[0].commands);
    assert_eq!(notices(&gate(Phase::Paused), &orders, &all, NOW + 600)[0].commands, [["scancel", "7"]]);
    assert!(notices(&gate(Phase::Active), &orders, &all, NOW).is_empty());
    assert!(Orders { end: vec![Vec::new()], ..orders }.check().is_err());
}
