//! The decision: phases, and each way in which a gate of this kind is known to fail open.

mod journal;
mod kubernetes;
mod never;
mod reconcile;
mod slurm;

use crate::clause::{CLAUSES, Effect};
use crate::job::{Declared, Job};
use crate::phase::Phase;
use crate::samples::{NOW, gate, job, name, situation, terms};
use crate::situation::{Held, Situation};
use crate::terms::{Cover, Terms};
use crate::{Decision, Gate};
use standstill_statement::{Class, Coverage, Hash32};

fn clauses(decision: &Decision) -> Vec<&str> {
    decision.clauses.iter().map(standstill_statement::Name::as_str).collect()
}

fn changed(change: impl FnOnce(&mut Job)) -> Job {
    let mut job = job();
    change(&mut job);
    job
}

fn told(change: impl FnOnce(&mut Situation)) -> Gate {
    let mut situation = situation(Phase::Slowed { level: 1 });
    change(&mut situation);
    let mut gate = Gate::new(terms()).unwrap();
    gate.learn(Held::new(situation).unwrap()).unwrap();
    gate
}

fn refused(gate: &Gate, job: &Job) -> Vec<String> {
    let decision = gate.decide(job, NOW);
    assert!(!decision.allows(), "{decision:?}");
    assert_eq!(decision.expires_unix_seconds, 0);
    assert!(decision.sentence.starts_with("refused (phase "), "{}", decision.sentence);
    clauses(&decision).into_iter().map(str::to_owned).collect()
}

fn allowed(gate: &Gate, job: &Job) -> Vec<String> {
    let decision = gate.decide(job, NOW);
    assert!(decision.allows(), "{decision:?}");
    assert_eq!(decision.expires_unix_seconds, NOW + 86_400);
    clauses(&decision).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_declared_job_by_phase() {
    for phase in Phase::ALL {
        let gate = gate(phase);
        let decision = gate.decide(&job(), NOW);
        let expected = match phase {
            Phase::Draft | Phase::Open | Phase::Armed | Phase::Ended => (true, "not-bound"),
            Phase::Active => (true, "in-force"),
            Phase::Slowed { .. } | Phase::Resuming { .. } => (true, "slowed-within-caps"),
            Phase::Paused => (false, "paused"),
            Phase::Suspended => (false, "suspended"),
        };
        assert_eq!((decision.allows(), clauses(&decision)[0]), expected, "{phase}");
        assert_eq!(decision.coverage, Coverage::Covered);
    }
}

#[test]
fn exempt_and_uncovered_work_goes_on_in_every_phase_and_without_one() {
    let exempt = changed(|j| {
        (j.account, j.class, j.run, j.exempt) = ("serving".into(), Some(Class::Inference), None, Some(name("serving")));
    });
    let small = changed(|j| (j.accelerators, j.class, j.run) = (Some(0), None, None));
    let lost = Gate::new(terms()).unwrap();
    for gate in Phase::ALL.map(gate).iter().chain([&lost]) {
        assert_eq!(allowed(gate, &exempt), ["exempt.serving"]);
        assert_eq!(allowed(gate, &small), ["uncovered"]);
    }
    // And when the situation is long out of date.
    let decision = gate(Phase::Active).decide(&exempt, NOW + 1_000_000);
    assert!(decision.allows());
}

#[test]
fn an_exemption_is_for_those_whom_the_scheduler_knows_and_not_for_a_label() {
    let gate = gate(Phase::Paused);
    let serving = |change: fn(&mut Job)| {
        changed(|j| {
            (j.account, j.class, j.run, j.exempt) =
                ("serving".into(), Some(Class::Inference), None, Some(name("serving")));
            change(j);
        })
    };
    assert!(gate.decide(&serving(|_| ()), NOW).allows());
    for (what, job) in [
        ("another account", serving(|j| j.account = "lab".into())),
        ("no account", serving(|j| j.account.clear())),
        ("too large", serving(|j| j.accelerators = Some(65))),
        ("size unknown", serving(|j| j.accelerators = None)),
        ("unlisted", serving(|j| j.exempt = Some(name("other")))),
        ("no claim", serving(|j| j.exempt = None)),
        ("trains", serving(|j| j.class = Some(Class::Posttraining))),
        ("has a run", serving(|j| j.run = Some(name("beta")))),
        ("unreadable", serving(|j| j.unreadable.push("class=?".into()))),
    ] {
        assert!(!gate.decide(&job, NOW).allows(), "{what}");
    }
    let save = |seconds| {
        changed(|j| {
            (j.user, j.class, j.run, j.exempt, j.seconds) =
                ("1000".into(), Some(Class::Other), None, Some(name("save")), seconds);
        })
    };
    assert!(gate.decide(&save(Some(3600)), NOW).allows());
    assert!(!gate.decide(&save(Some(3601)), NOW).allows());
    assert!(!gate.decide(&save(None), NOW).allows(), "no time limit");
}

#[test]
fn many_exempt_jobs_together_are_not_exempt() {
    let mut gate = gate(Phase::Paused);
    let serving = changed(|j| {
        (j.account, j.class, j.run, j.exempt) = ("serving".into(), Some(Class::Inference), None, Some(name("serving")));
        j.accelerators = Some(60);
    });
    let first = gate.decide(&serving, NOW);
    gate.passed(&serving, &first, Hash32::of(b"1"), None);
    assert!(refused(&gate, &serving).contains(&"paused".to_owned()));
    assert!(gate.decide(&serving, NOW + 86_401).allows(), "the next day");
}

#[test]
fn a_lost_node_holds_the_phase_for_the_stated_time_and_then_closes() {
    let gate = gate(Phase::Active);
    let as_of = NOW - 60;
    assert!(gate.decide(&job(), as_of + 3600).allows());
    let late = gate.decide(&job(), as_of + 3601);
    assert_eq!(clauses(&late), ["phase-stale"]);
    // Draft and ended do not stay open for ever either: nobody knows what came after.
    assert!(!super::samples::gate(Phase::Draft).decide(&job(), as_of + 3601).allows());
    assert_eq!(refused(&Gate::new(terms()).unwrap(), &job()), ["phase-unknown"]);
}

#[test]
fn a_clock_that_is_set_back_does_not_open_the_gate() {
    let gate = gate(Phase::Active);
    let as_of = NOW - 60;
    assert!(gate.decide(&job(), as_of - 60).allows());
    assert_eq!(clauses(&gate.decide(&job(), as_of - 61)), ["clock-behind"]);
    assert_eq!(clauses(&gate.decide(&job(), 0)), ["clock-behind"]);
    assert_eq!(clauses(&gate.decide(&job(), u64::MAX)), ["phase-stale"]);
}

#[test]
fn an_older_or_foreign_situation_is_not_learned() {
    let mut gate = gate(Phase::Paused);
    let mut learn = |change: fn(&mut Situation)| {
        let mut other = situation(Phase::Active);
        change(&mut other);
        gate.learn(Held::new(other).unwrap()).map_err(|error| error.to_string())
    };
    assert!(learn(|s| s.as_of_unix_seconds -= 1).unwrap_err().contains("older"));
    assert!(learn(|_| ()).unwrap_err().contains("contradicts"));
    assert!(learn(|s| s.party = name("south")).unwrap_err().contains("serves 'north'"));
    assert!(learn(|s| s.agreement = Hash32::of(b"x")).is_err());
    assert!(learn(|s| s.as_of_unix_seconds += 1).is_ok());
}

#[test]
fn runs_and_classes() {
    let gate = gate(Phase::Active);
    let refused = |change: fn(&mut Job)| refused(&gate, &changed(change));
    assert_eq!(refused(|j| j.run = None), ["run-missing"]);
    assert_eq!(refused(|j| j.run = Some(name("gamma"))), ["run-undeclared"]);
    assert_eq!(refused(|j| j.class = Some(Class::Pretraining)), ["run-class"]);
    assert_eq!(refused(|j| j.class = None), ["class-missing", "run-class"]);
    assert_eq!(refused(|j| j.class = Some(Class::Idle)), ["class-missing", "run-class"]);
    assert_eq!(
        refused(|j| j.accelerators = None),
        ["cap-exceeded.train", "lineage-exceeded", "plan-exceeded", "size-unknown"]
    );
    assert_eq!(refused(|j| j.unreadable.push("gres:tpu".into())), ["unreadable"]);
    let slowed = |change: fn(&mut Situation)| super::tests::refused(&told(change), &job());
    assert_eq!(slowed(|s| s.runs[1].from_window = 4), ["run-early"]);
    assert_eq!(slowed(|s| s.runs[1].ended = true), ["run-ended"]);
    assert_eq!(
        slowed(|s| s.runs[1].certificates_missing = vec![name("y"), name("z")]),
        ["certificate-missing.y", "certificate-missing.z"]
    );
    assert_eq!(slowed(|s| s.runs[1].used_petaops = 9_942_401), ["plan-exceeded"]);
    assert_eq!(slowed(|s| s.runs[1].lineage_petaops = 99_942_401), ["lineage-exceeded"]);
    assert_eq!(slowed(|s| s.runs.clear()), ["run-undeclared"]);
}

#[test]
fn caps_are_exact_at_the_edge() {
    // Eight H100 for an hour at 2e15 a second: 57,600 petaops.
    assert_eq!(gate(Phase::Active).decide(&job(), NOW).petaops, 57_600);
    assert_eq!(allowed(&told(|s| s.caps[1].used = 5_000_000 - 57_600), &job()), ["slowed-within-caps"]);
    assert_eq!(refused(&told(|s| s.caps[1].used = 5_000_000 - 57_599), &job()), ["cap-exceeded.train"]);
    assert_eq!(refused(&told(|s| s.caps[1].used = u64::MAX), &job()), ["cap-exceeded.train"]);
    assert_eq!(allowed(&told(|s| s.caps[1].allowed = None), &job()), ["slowed-within-caps"]);
    assert_eq!(refused(&told(|s| drop(s.caps.remove(1))), &job()), ["cap-missing"]);
    let endless = changed(|j| j.seconds = None);
    let reasons = refused(&told(|_| ()), &endless);
    assert!(reasons.contains(&"time-unlimited".to_owned()), "{reasons:?}");
    let huge = changed(|j| (j.accelerators, j.seconds) = (Some(u64::MAX), Some(u64::MAX)));
    assert!(refused(&told(|_| ()), &huge).contains(&"cap-exceeded.train".to_owned()));
}

#[test]
fn two_jobs_that_fit_one_by_one_do_not_both_start() {
    let mut gate = told(|s| s.caps[1].used = 5_000_000 - 2 * 57_600 + 1);
    let first = gate.decide(&job(), NOW);
    assert!(first.allows());
    gate.passed(&job(), &first, Hash32::of(b"1"), None);
    assert_eq!(refused(&gate, &job()), ["cap-exceeded.train"]);
    // The same job at its start is not counted twice.
    assert!(gate.decide_again(&job(), NOW, &Hash32::of(b"1")).allows());
    // A newer situation counts what was let pass before it.
    let mut newer = situation(Phase::Slowed { level: 1 });
    newer.as_of_unix_seconds = NOW + 1;
    gate.learn(Held::new(newer).unwrap()).unwrap();
    assert!(gate.decide(&job(), NOW + 1).allows());
}

#[test]
fn a_pause_of_one_class_lets_declared_runs_of_another_go_on() {
    let mut gate = Gate::new(terms()).unwrap();
    gate.learn(Held::new(situation(Phase::Paused)).unwrap()).unwrap();
    let pretraining = changed(|j| (j.class, j.run) = (Some(Class::Pretraining), Some(name("alpha"))));
    assert_eq!(allowed(&gate, &pretraining), ["paused-other-class"]);
    assert_eq!(refused(&gate, &changed(|j| j.class = Some(Class::Pretraining))), ["run-class"]);
    assert_eq!(
        refused(&gate, &changed(|j| (j.class, j.run) = (Some(Class::Pretraining), None))),
        ["paused-undeclared", "run-missing"]
    );
}

#[test]
fn splitting_a_job_does_not_make_it_small() {
    let with = |cover| Terms { cover, ..terms() };
    let mut gate = Gate::new(with(Cover { accelerators: 16, petaops: None, together_seconds: 3600 })).unwrap();
    gate.learn(Held::new(situation(Phase::Paused)).unwrap()).unwrap();
    let small = changed(|j| (j.class, j.run) = (None, None));
    let first = gate.decide(&small, NOW);
    assert_eq!((first.allows(), first.coverage), (true, Coverage::Uncovered));
    gate.passed(&small, &first, Hash32::of(b"1"), None);
    assert!(refused(&gate, &small).contains(&"paused".to_owned()), "the second half");
    assert!(
        gate.decide(&changed(|j| (j.class, j.run, j.user) = (None, None, "7".into())), NOW).allows(),
        "somebody else"
    );
    assert!(gate.decide(&small, NOW + 3601).allows(), "an hour later");
    // A label makes a job covered whatever its size.
    assert_eq!(gate.decide(&changed(|j| j.run = None), NOW + 3601).coverage, Coverage::Covered);

    let mut gate =
        Gate::new(with(Cover { accelerators: 1000, petaops: Some(100_000), together_seconds: 3600 })).unwrap();
    gate.learn(Held::new(situation(Phase::Paused)).unwrap()).unwrap();
    let first = gate.decide(&small, NOW);
    assert!(first.allows());
    gate.passed(&small, &first, Hash32::of(b"1"), None);
    assert!(!gate.decide(&small, NOW).allows(), "two times 57,600");
    assert!(
        !gate.decide(&changed(|j| (j.class, j.run, j.seconds, j.user) = (None, None, None, "7".into())), NOW).allows(),
        "endless"
    );
}

#[test]
fn an_unknown_model_counts_with_the_highest_peak() {
    let petaops = |models: &[&str]| {
        let job = changed(|j| j.models = models.iter().map(ToString::to_string).collect());
        crate::facts::petaops(&terms(), &job)
    };
    assert_eq!(petaops(&["a100"]), 17_280);
    for models in [&["h100"][..], &[], &["b300"], &["a100", "h100"], &["a100", "b300"]] {
        assert_eq!(petaops(models), 57_600, "{models:?}");
    }
    let bare = Terms { chips: Vec::new(), ..terms() };
    assert_eq!(crate::facts::petaops(&bare, &job()), 576_000);
}

/// The refusals only say why: taking them all away lets nothing more pass.
#[test]
fn permits_state_everything_that_they_need() {
    for seed in 0..200_000_u64 {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Each fact is true in about 15 of 16 cases.
        let bit = |index: u32| (mixed.rotate_left(index * 7) & 15) != 0;
        let phase = [None].into_iter().chain(Phase::ALL.map(Some)).nth(usize::try_from(seed % 10).unwrap()).unwrap();
        let facts = crate::facts::Facts {
            phase,
            known: bit(0),
            fresh: bit(1),
            clock_sound: bit(2),
            covered: bit(3),
            exempt: !bit(4),
            readable: bit(5),
            size_known: bit(6),
            time_known: bit(7),
            class_known: bit(8),
            class_stopped: seed % 3 == 0,
            suspended_may_start: seed % 7 == 0,
            run_needed: bit(9),
            run_named: bit(10),
            run_declared: bit(11),
            run_class: bit(12),
            run_begun: bit(13),
            run_open: bit(14),
            certificates: bit(15),
            plan_kept: bit(16),
            lineage_kept: bit(17),
            caps_named: bit(18),
            caps_kept: bit(19),
        };
        let permits = CLAUSES.iter().any(|clause| clause.effect == Effect::Permit && (clause.holds)(&facts));
        let (allows, ids) = crate::clause::judge(&facts);
        assert_eq!(allows, permits, "{facts:?}");
        // Every refusal has a reason, but for facts that no job and situation give.
        let possible = facts.known == facts.phase.is_some()
            && (facts.size_known || facts.covered)
            && (facts.run_named || !facts.run_declared);
        assert!(!ids.is_empty() || !possible, "{facts:?}");
    }
}

#[test]
fn every_clause_decides_somewhere_and_has_a_citation() {
    for clause in CLAUSES {
        assert!(!clause.cites.is_empty() && !clause.sentence.is_empty());
        assert_eq!(CLAUSES.iter().filter(|other| other.id == clause.id).count(), 1);
        assert_eq!(crate::clause::name(clause.id).as_str(), clause.id);
    }
}

#[test]
fn terms_that_would_fail_open_are_refused() {
    let refused = |change: fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        terms.check().map_err(|error| error.to_string()).unwrap_err()
    };
    assert!(refused(|t| t.exemptions[0].accounts.clear()).contains("any job could claim it"));
    assert!(refused(|t| t.exemptions[2].users.clear()).contains("names no users"));
    assert!(refused(|t| t.cover.accelerators = 0).contains("at least 1"));
    assert!(refused(|t| t.exemptions[1].id = name("serving")).contains("twice"));
    assert!(refused(|t| t.places[0].nodes = 0).contains("no nodes"));
    let text = toml::to_string(&terms()).unwrap();
    assert_eq!(Terms::from_toml(&text).unwrap(), terms());
    assert!(Terms::from_toml(&text.replace("hold_seconds", "hold")).is_err());
    assert!(Terms::from_toml("").is_err());
}

#[test]
fn situations_have_one_spelling() {
    let text = serde_json::to_vec(&situation(Phase::Resuming { step: 2 })).unwrap();
    let read = Situation::from_json(&text).unwrap();
    assert_eq!(read, situation(Phase::Resuming { step: 2 }));
    assert_ne!(read.hash().unwrap(), situation(Phase::Resuming { step: 1 }).hash().unwrap());
    let refused = |change: fn(&mut Situation)| {
        let mut situation = situation(Phase::Active);
        change(&mut situation);
        Situation::from_json(&serde_json::to_vec(&situation).unwrap()).is_err()
    };
    assert!(refused(|s| s.caps.reverse()));
    assert!(refused(|s| s.runs.reverse()));
    assert!(refused(|s| s.caps[0].classes.clear()));
    assert!(refused(|s| s.caps[1].classes.reverse()));
    // An unknown phase, a truncated file, an unknown field: no situation, and so no covered work.
    let text = String::from_utf8(text).unwrap();
    for broken in [
        text.replace("resuming", "relaxed"),
        text[..text.len() - 2].to_owned(),
        text.replace("\"window\"", "\"windows\""),
    ] {
        assert!(Situation::from_json(broken.as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn words_in_comments() {
    let read = Declared::in_comment("nightly class=rl,run=beta; owner=me");
    assert_eq!((read.class, read.run, read.unreadable.len()), (Some(Class::Posttraining), Some(name("beta")), 0));
    // A class that is given twice, or that nobody knows, cannot be read: the reader must not choose.
    for comment in
        ["class=inference class=pretraining", "class=idle", "class=Training", "run=../x", "exempt=", "run=a run=b"]
    {
        assert_eq!(Declared::in_comment(comment).unreadable.len(), 1, "{comment}");
    }
    assert!(Declared::in_comment("class=inference class=inference").unreadable.is_empty());
}
