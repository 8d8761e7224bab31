//! Terms, situations and jobs for tests.

use crate::decide::Gate;
use crate::job::{Job, Scheduler};
use crate::phase::Phase;
use crate::situation::{Cap, Held, Measure, Run, Situation};
use crate::terms::{Chip, Cover, Exemption, Place, Purpose, Terms};
use standstill_statement::{Class, GatePoint, Hash32, Name};

pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Serving by account, saving by user, the cluster's own services.
fn exemptions() -> Vec<Exemption> {
    let serving = Exemption {
        id: name("serving"),
        purpose: Purpose::Inference,
        accounts: vec!["serving".to_owned()],
        users: Vec::new(),
        places: Vec::new(),
        accelerators: 64,
        accelerators_together: 100,
        seconds: None,
        system: false,
    };
    let save = Exemption {
        id: name("save"),
        purpose: Purpose::WindDown,
        accounts: vec!["lab".to_owned()],
        users: vec!["1000".to_owned()],
        accelerators: 8,
        accelerators_together: 16,
        seconds: Some(3600),
        ..serving.clone()
    };
    let system = Exemption {
        id: name("system"),
        purpose: Purpose::Safety,
        accounts: vec!["kube-system".to_owned()],
        users: vec!["system:serviceaccount:kube-system:daemon-set-controller".to_owned()],
        system: true,
        ..serving.clone()
    };
    vec![serving, save, system]
}

pub(crate) fn terms() -> Terms {
    Terms {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        hold_seconds: 3600,
        decision_seconds: 86_400,
        clock_tolerance_seconds: 60,
        stop_when_paused: vec![
            Class::Posttraining,
            Class::Experiment,
            Class::Inference,
            Class::Evaluation,
            Class::Other,
        ],
        suspended_may_start: false,
        cover: Cover::default(),
        chips: vec![
            Chip { model: "h100".to_owned(), gigaops_per_second: 2_000_000 },
            Chip { model: "a100".to_owned(), gigaops_per_second: 600_000 },
        ],
        exemptions: exemptions(),
        harmless_resources: vec!["nic".to_owned(), "rdma/hca".to_owned()],
        places: vec![
            Place {
                name: "train".to_owned(),
                accelerators_per_node: 8,
                nodes: 100,
                constrained: true,
                longest_seconds: None,
            },
            Place {
                name: "open".to_owned(),
                accelerators_per_node: 8,
                nodes: 4,
                constrained: false,
                longest_seconds: Some(7200),
            },
            Place {
                name: "cpu".to_owned(),
                accelerators_per_node: 0,
                nodes: 10,
                constrained: false,
                longest_seconds: None,
            },
        ],
    }
}

pub(crate) fn situation(phase: Phase) -> Situation {
    let cap = |id: &str, measure, classes: &[Class], allowed| Cap {
        id: name(id),
        measure,
        classes: classes.to_vec(),
        allowed,
        used: 0,
    };
    let run = |run: &str, class| Run {
        run: name(run),
        class,
        from_window: 0,
        ended: false,
        planned_petaops: 10_000_000,
        used_petaops: 0,
        lineage_petaops: 0,
        lineage_allowed_petaops: Some(100_000_000),
        certificates_missing: Vec::new(),
    };
    Situation {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        phase,
        phase_since_unix_seconds: NOW - 86_400,
        window: 3,
        as_of_unix_seconds: NOW - 60,
        caps: vec![
            cap("dark", Measure::ChipSeconds, &[Class::Experiment], Some(1_000_000)),
            cap("train", Measure::Petaops, &[Class::Pretraining, Class::Posttraining], Some(5_000_000)),
        ],
        runs: vec![run("alpha", Class::Pretraining), run("beta", Class::Posttraining)],
    }
}

/// A gate that knows this phase.
pub(crate) fn gate(phase: Phase) -> Gate {
    let mut gate = Gate::new(terms()).unwrap();
    gate.learn(Held::new(situation(phase)).unwrap()).unwrap();
    gate
}

/// Eight H100 for an hour on a declared run: 57,600 petaops.
pub(crate) fn job() -> Job {
    Job {
        scheduler: Scheduler::Slurm,
        cluster: name("loop"),
        point: GatePoint::Submit,
        reference: String::new(),
        account: "lab".to_owned(),
        user: "1001".to_owned(),
        place: "train".to_owned(),
        accelerators: Some(8),
        models: vec!["h100".to_owned()],
        seconds: Some(3600),
        class: Some(Class::Posttraining),
        run: Some(name("beta")),
        exempt: None,
        unreadable: Vec::new(),
    }
}
