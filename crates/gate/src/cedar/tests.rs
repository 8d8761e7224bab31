use super::*;
use crate::clause::{CLAUSES, Effect, judge};
use crate::samples::{NOW, gate, job};
use crate::{Phase, facts};
use proptest::prelude::*;

fn any_facts() -> impl Strategy<Value = Facts> {
    let phase = prop_oneof![Just(None), prop::sample::select(Phase::ALL.to_vec()).prop_map(Some)];
    // Mostly true, so that permits hold often enough to be compared.
    let yes = || prop::bool::weighted(0.9);
    (phase, prop::collection::vec(yes(), 22)).prop_map(|(phase, b)| Facts {
        phase,
        known: b[0],
        fresh: b[1],
        clock_sound: b[2],
        covered: b[3],
        exempt: !b[4],
        readable: b[5],
        size_known: b[6],
        time_known: b[7],
        class_known: b[8],
        class_stopped: !b[9],
        suspended_may_start: b[10],
        run_needed: b[11],
        run_named: b[12],
        run_declared: b[13],
        run_class: b[14],
        run_begun: b[15],
        run_open: b[16],
        certificates: b[17],
        plan_kept: b[18],
        lineage_kept: b[19],
        caps_named: b[20],
        caps_kept: b[21],
    })
}

/// Ids, effects and citations are those of the built-in clauses, one policy for each.
#[test]
fn the_policies_are_the_clauses() {
    let policies = Policies::built_in().unwrap();
    let mut found: Vec<_> = policies
        .policies
        .policies()
        .map(|policy| {
            let effect = if policy.effect() == cedar_policy::Effect::Permit { Effect::Permit } else { Effect::Forbid };
            (policy.id().to_string(), effect == Effect::Permit, policy.annotation("cites").unwrap().to_owned())
        })
        .collect();
    let mut wanted: Vec<_> = CLAUSES
        .iter()
        .map(|clause| (clause.id.to_owned(), clause.effect == Effect::Permit, clause.cites.to_owned()))
        .collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn cedar_and_the_clauses_agree(facts in any_facts()) {
        let policies = POLICY.with(std::rc::Rc::clone);
        let (allowed, mut ids) = judge(&facts);
        ids.sort_unstable();
        let (cedar, cited) = policies.judge(&facts).unwrap();
        prop_assert_eq!(cedar, allowed);
        prop_assert_eq!(cited, ids);
    }

    /// The refusals only say why: without them the same jobs pass.
    #[test]
    fn permits_alone_decide_the_same(facts in any_facts()) {
        let policies = PERMITS.with(std::rc::Rc::clone);
        let (allowed, _) = judge(&facts);
        prop_assert_eq!(policies.judge(&facts).unwrap().0, allowed);
    }
}

thread_local! {
    static POLICY: std::rc::Rc<Policies> = std::rc::Rc::new(Policies::built_in().unwrap());
    static PERMITS: std::rc::Rc<Policies> = {
        let parts: Vec<&str> = POLICIES.split("@id(").filter(|part| part.contains("permit (")).collect();
        let text: String = parts.iter().map(|part| format!("@id({part}")).collect();
        std::rc::Rc::new(Policies::new(&text, SCHEMA).unwrap())
    };
}

fn sample() -> Facts {
    facts::find(gate(Phase::Active).terms(), gate(Phase::Active).held(), &crate::allowed::Allowed::new(), &job(), NOW)
        .facts
}

/// Cedar's natural failing open: a missing attribute makes the forbid an error, and the permit alone allows.
#[test]
fn a_missing_fact_is_no_answer() {
    let policies = Policies::built_in().unwrap();
    let short = pairs(&sample()).into_iter().filter(|(key, _)| *key != "caps_kept");
    let context = Context::from_pairs(short.map(|(key, value)| (key.to_owned(), value))).unwrap();
    assert_eq!(policies.judge_context(context), None);
    let mut wrong = pairs(&sample());
    wrong[1].1 = RestrictedExpression::new_long(1);
    let context = Context::from_pairs(wrong.into_iter().map(|(key, value)| (key.to_owned(), value))).unwrap();
    assert_eq!(policies.judge_context(context), None, "a fact of another type");
    let mut more = pairs(&sample());
    more.push(("paused", RestrictedExpression::new_bool(false)));
    let context = Context::from_pairs(more.into_iter().map(|(key, value)| (key.to_owned(), value))).unwrap();
    assert_eq!(policies.judge_context(context), None, "a fact that nobody knows");
}

/// Cedar's other failing open: arithmetic that overflows in a forbid. A policy that can err is no answer, whatever the rest says.
#[test]
fn an_evaluation_error_is_no_answer() {
    let text = format!(
        "{POLICIES}\n@id(\"overflow\")\n@cites(\"test\")\nforbid (principal, action == Standstill::Action::\"start\", resource)\nwhen {{ context.known && 9223372036854775807 + 1 > 0 }};\n"
    );
    let policies = Policies::new(&text, SCHEMA).unwrap();
    assert_eq!(policies.judge(&sample()), None);
    assert!(Policies::built_in().unwrap().judge(&sample()).unwrap().0);
}

#[test]
fn policies_that_do_not_validate_are_refused() {
    assert!(Policies::new("permit (principal, action, resource);", SCHEMA).is_err(), "no id");
    let typo = POLICIES.replace("context.caps_kept", "context.caps_keep");
    assert!(Policies::new(&typo, SCHEMA).is_err(), "an unknown attribute");
    assert!(Policies::new("permit (", SCHEMA).is_err());
}
