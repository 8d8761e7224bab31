//! No covered job starts while paused, whatever it looks like.

use crate::job::{Job, Scheduler};
use crate::phase::Phase;
use crate::samples::{NOW, gate, name, terms};
use crate::slurm::Request;
use proptest::prelude::*;
use standstill_statement::{Class, Coverage, GatePoint, Name};

fn any_name() -> impl Strategy<Value = Option<Name>> {
    prop::option::of(prop::sample::select(vec!["alpha", "beta", "serving", "save", "system", "x"]).prop_map(name))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("lab".to_owned()),
        Just("serving ".to_owned()),
        Just("SERVING".to_owned()),
        Just("kube-system".to_owned()),
        Just("system:serviceaccount:default:daemon-set-controller".to_owned()),
        ".{0,20}",
    ]
}

fn any_job() -> impl Strategy<Value = Job> {
    let sizes = prop_oneof![Just(None), (1..u64::MAX).prop_map(Some), (1..70_u64).prop_map(Some)];
    let seconds = prop::option::of(prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0..100_000_u64]);
    let class = prop::option::of(prop::sample::select(
        Class::ALL.into_iter().filter(|class| *class != Class::Pretraining).collect::<Vec<_>>(),
    ));
    let point = prop::sample::select(vec![GatePoint::Submit, GatePoint::Start, GatePoint::Modify]);
    let unreadable = prop::collection::vec(".{0,10}", 0..3);
    let texts = (any_text(), any_text(), any_text(), any_text());
    (texts, sizes, seconds, class, any_name(), any_name(), point, unreadable).prop_map(
        |((reference, account, user, place), accelerators, seconds, class, run, exempt, point, unreadable)| Job {
            scheduler: Scheduler::Other,
            cluster: name("loop"),
            point,
            reference,
            account,
            user,
            place,
            accelerators,
            models: Vec::new(),
            seconds,
            class,
            run,
            exempt,
            unreadable,
        },
    )
}

thread_local! {
    // Made once: with Cedar, making one reads and validates all policies.
    static PAUSED: crate::Gate = gate(Phase::Paused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Pretraining is left out: these terms do not stop it. `serving` and `save` are listed for others than these accounts and users.
    #[test]
    fn a_covered_job_never_starts_while_paused(job in any_job(), now in NOW - 200..NOW + 10_000) {
        let decision = PAUSED.with(|gate| gate.decide(&job, now));
        prop_assert_eq!(decision.coverage, Coverage::Covered);
        prop_assert!(!decision.allows(), "{:?} {:?}", job, decision);
        prop_assert!(!decision.clauses.is_empty());
    }

    /// Any request of Slurm that has accelerators in any of its fields is refused while paused.
    #[test]
    fn a_slurm_request_with_accelerators_never_passes(
        count in 1..1_000_000_u64,
        field in 0..5_usize,
        spelling in prop::sample::select(vec!["gres:gpu:N", "gres/gpu:N", "gres/gpu=N", "gpu:N", "gres:gpu:h100:N", "gres:shard:N", "gres:tpu:N", "gres:N"]),
        noise in "[a-z:,=/0-9]{0,30}",
        comment in prop::option::of(".{0,40}"),
        array in prop::option::of("[-0-9,:%]{0,12}"),
        exclusive in any::<bool>(),
        nodes in prop::option::of(any::<u32>()),
        minutes in prop::option::of(any::<u32>()),
        partition in prop::option::of(prop::sample::select(vec!["train", "open", "cpu", "train,cpu", "none", ""])),
    ) {
        let mut request = Request::empty(GatePoint::Submit, 1001);
        let text = format!("{},{noise}", spelling.replace('N', &count.to_string()));
        let place = [
            &mut request.tres_per_job, &mut request.tres_per_node, &mut request.tres_per_socket,
            &mut request.tres_per_task, &mut request.tres_allocated,
        ];
        for (index, slot) in place.into_iter().enumerate() {
            if index == field {
                *slot = Some(text.clone());
            }
        }
        (request.comment, request.array, request.exclusive) = (comment, array, exclusive);
        (request.min_nodes, request.time_limit_minutes, request.account) = (nodes, minutes, Some("lab".to_owned()));
        request.partition = partition.map(str::to_owned);
        let line = serde_json::to_vec(&request).unwrap();
        let job = Request::from_line(&line).unwrap().job(&terms(), &name("loop"));
        let decision = PAUSED.with(|gate| gate.decide(&job, NOW));
        prop_assert!(!decision.allows(), "{:?} {:?}", request, job);
        prop_assert!(request.may_use_accelerators(&["cpu".to_owned()]));
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Request::from_line(&bytes);
        let _ = Job::from_json(&bytes);
        let _ = crate::Situation::from_json(&bytes);
        let _ = crate::kubernetes::Review::from_json(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = crate::Terms::from_toml(&text);
        let _ = crate::slurm::parse_accounting(&text, &[]);
        let _ = crate::journal::id_in_comment(&text);
        let _ = crate::slurm::resources::array_tasks(&text);
        let _ = crate::slurm::resources::time_limit_seconds(&text);
        let _ = crate::slurm::resources::wanted(&text, &[]);
    }
}
