use crate::{Agreement, Rule};
use proptest::prelude::*;
use std::fmt::Write as _;

fn scenario(name: &str) -> &'static str {
    Agreement::scenarios().iter().find(|(known, _)| *known == name).unwrap().1
}

#[track_caller]
fn parse(text: &str) -> Agreement {
    Agreement::parse(text).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())
    })
}

/// Changes a scenario and expects exactly these rules, at lines that contain these texts.
#[track_caller]
fn refused(name: &str, from: &str, to: &str, expected: &[(Rule, &str)]) {
    let text = scenario(name);
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let problems = Agreement::parse(&text).expect_err(to);
    let shown = problems.iter().map(|problem| format!("{problem} [{}]\n", problem.rule)).collect::<String>();
    assert_eq!(problems.len(), expected.len(), "{shown}");
    for (problem, (rule, part)) in problems.iter().zip(expected) {
        let line = text.lines().nth(problem.line - 1).unwrap_or_default();
        assert!(problem.rule == *rule && line.contains(part), "expected {rule} at '{part}', found '{line}'\n{shown}");
        assert!(!problem.remedy.is_empty() && problem.problem.len() < 400, "{problem}");
    }
}

const CONDITION: &str = "condition = { at_least = 3 }           # of the others";

#[test]
fn conditions_that_cannot_be_read() {
    let with = |condition: &str| format!("condition = {condition}");
    let refuse = |condition: &str, rule| refused("full-pause", CONDITION, &with(condition), &[(rule, "condition = ")]);
    refuse("{}", Rule::BadCondition);
    refuse("{ at_least = 2, includes = [\"south\"] }", Rule::BadCondition);
    refuse("{ all = [] }", Rule::BadCondition);
    refuse("{ any = [] }", Rule::BadCondition);
    refuse("{ includes = [] }", Rule::BadCondition);
    refuse("{ includes = [\"South\"] }", Rule::UnknownParty);
    refuse("{ includes = [\"auditor\"] }", Rule::UnknownParty);
    refuse("{ at_least = 0 }", Rule::OutOfRange);
    refuse("{ at_least = 65 }", Rule::OutOfRange);
    refuse("{ atleast = 3 }", Rule::UnknownField);
    refuse("{ share = \"101%\" }", Rule::BadValue);
    refuse("3", Rule::BadValue);
    refuse("{ all = 3 }", Rule::BadValue);
    refuse("{ any = [{ at_most = 3 }] }", Rule::NonMonotone);
    refuse("{ all = [{ at_least = 1 }, { exactly = 3 }] }", Rule::NonMonotone);
    let deep = format!("{}{{ at_least = 1 }}{}", "{ all = [".repeat(9), "] }".repeat(9));
    refuse(&deep, Rule::BadCondition);
    let wide = format!("{{ any = [{}] }}", "{ at_least = 1 }, ".repeat(128));
    refuse(&wide, Rule::BadCondition);
    let legal = format!("{}{{ at_least = 3 }}{}", "{ all = [".repeat(7), "] }".repeat(7));
    parse(&scenario("full-pause").replacen(CONDITION, &with(&legal), 1));
}

#[test]
fn predicates_that_cannot_be_read() {
    let raise = |text: &str| format!("raise = {text}");
    let from = "raise = { signal = \"unaccounted_share\", ge = 0.01, auditors = 1 }";
    let refuse = |text: &str, rule| refused("unaccounted-share", from, &raise(text), &[(rule, "raise = ")]);
    refuse("{ signal = \"unaccounted_share\", auditors = 1 }", Rule::BadTrigger);
    refuse("{ signal = \"unaccounted_share\", ge = 0.01, le = 0.5, auditors = 1 }", Rule::BadTrigger);
    refuse("{ signal = \"unaccounted_share\", ge = 0.01 }", Rule::BadTrigger);
    refuse("{ signal = \"unaccounted_share\", ge = 0.01, auditors = 1, parties = 2 }", Rule::BadTrigger);
    refuse("{ signal = \"unaccounted_share\", ge = 0.01, auditors = 0 }", Rule::OutOfRange);
    refuse("{ signal = \"unaccounted_share\", ge = 1.01, auditors = 1 }", Rule::BadValue);
    refuse("{ signal = \"incidents\", ge = 0, auditors = 1 }", Rule::OutOfRange);
    refuse("{ signal = \"run_flop\", ge = 0, auditors = 1 }", Rule::BadTrigger);
    refuse("{ signal = \"unaccounted_share\", ge = 0.01, auditors = 1, confidence = 0.5 }", Rule::BadTrigger);
    refuse("{ signal = \"horizon_p51\", ge = \"1h\", auditors = 1 }", Rule::BadValue);
    refuse("{ signal = \"eval:\", ge = 0.5, auditors = 1 }", Rule::BadValue);
    refuse("{ signal = \"horizon_p50\", ge = \"1h\", auditors = 1 }", Rule::BadTrigger);
    refuse("{ signal = \"horizon_p50\", ge = \"3h\", auditors = 1, method = \"00\" }", Rule::BadValue);
    refuse("{ not = { signal = \"incidents\", ge = 1, auditors = 1 } }", Rule::NonMonotone);
    refuse("{ all = [] }", Rule::BadTrigger);
    refuse("{ signal = \"incidents\", ge = 1, auditors = 2 }", Rule::UnknownRole);
    let deep =
        format!("{}{{ signal = \"incidents\", ge = 1, auditors = 1 }}{}", "{ all = [".repeat(5), "] }".repeat(5));
    refuse(&deep, Rule::BadTrigger);
    let many = format!("{{ any = [{}] }}", "{ signal = \"incidents\", ge = 1, auditors = 1 }, ".repeat(17));
    refuse(&many, Rule::TooMany);
}

#[test]
fn sections_that_do_not_fit_together() {
    refused("full-pause", "renew = \"2/3\"", "", &[(Rule::MissingField, "[agreement]")]);
    refused("full-pause", "renew = \"2/3\"", "renew = \"1/3\"", &[(Rule::BadVote, "renew")]);
    refused(
        "full-pause",
        "legal_basis = \"unilateral-conditional\"",
        "legal_basis = \"handshake\"",
        &[(Rule::BadValue, "handshake")],
    );
    refused("full-pause", "stay = { at_least = 2 }\n", "", &[(Rule::MissingField, "condition")]);
    refused("full-pause", "access = \"6d\"", "access = \"24h\"", &[(Rule::BadVote, "block_within")]);
    refused("full-pause", "finding = \"72h\"", "", &[(Rule::MissingField, "[clock]")]);
    refused(
        "full-pause",
        "freeze_on_outage = \"14d\"",
        "freeze_on_outage = \"120d\"",
        &[(Rule::ShortRetention, "retention"), (Rule::BadExpiry, "freeze_on_outage")],
    );
    refused(
        "full-pause",
        "[[resumption]]\nphase = \"slowed\"\nhold = \"14d\"\n",
        "",
        &[(Rule::BadResumption, "[trigger.rsi]")],
    );
    refused(
        "full-pause",
        "phase = \"slowed\"\nhold",
        "phase = \"paused\"\nhold",
        &[(Rule::BadResumption, "phase = \"paused\"")],
    );
    refused("full-pause", "hold = \"14d\"", "hold = \"91d\"", &[(Rule::BadResumption, "[[resumption]]")]);
    refused("full-pause", "after = \"30d\"", "after = \"60d\"", &[(Rule::MissingLift, "lift = ")]);
    refused("full-pause", "vote = \"2/3\", after", "vote = \"1/2\", after", &[(Rule::BadVote, "lift = ")]);
    refused(
        "full-pause",
        "who_may_raise = [\"party\", \"evaluator\"]",
        "who_may_raise = []",
        &[(Rule::BadTrigger, "who_may_raise")],
    );
    refused(
        "full-pause",
        "who_may_raise = [\"party\", \"evaluator\"]",
        "who_may_raise = [\"anyone\"]",
        &[(Rule::UnknownRole, "who_may_raise")],
    );
    refused("full-pause", "probability = 0.95", "probability = 1", &[(Rule::WeakAudit, "detect")]);
    refused("full-pause", "sensitivity = 0.9", "sensitivity = 0", &[(Rule::OutOfRange, "detect")]);
    refused("full-pause", "flop = 1e24, prob", "flop = 0, prob", &[(Rule::OutOfRange, "detect")]);
    refused(
        "full-pause",
        "false_alarms_per_year = 0.05",
        "false_alarms_per_year = 0",
        &[(Rule::BadValue, "false_alarms")],
    );
    refused("full-pause", "[trigger.rsi]", "[trigger.RSI]", &[(Rule::BadValue, "[trigger.RSI]")]);
    refused("staged-resumption", "total = 1500000 ", "total = 1100000 ", &[(Rule::OutOfRange, "total")]);
    refused("staged-resumption", "weight = 400000\n", "", &[(Rule::MissingField, "[[party]]")]);
    refused(
        "staged-resumption",
        "condition = { share = \"60%\" }",
        "condition = { share = \"80%\" }",
        &[(Rule::Unreachable, "80%")],
    );
}

#[test]
fn gates_that_do_not_fit() {
    refused(
        "capability-gate",
        "before = [\"pretraining\", \"posttraining\"]",
        "before = []",
        &[(Rule::BadGate, "before")],
    );
    refused(
        "capability-gate",
        "before = [\"pretraining\", \"posttraining\"]",
        "before = [\"idle\"]",
        &[(Rule::BadGate, "before")],
    );
    refused("capability-gate", "signers = 2", "signers = 4", &[(Rule::UnknownRole, "[[gate.certificate]]")]);
    refused("capability-gate", "id = \"safety-case-z\"", "id = \"alignment-y\"", &[(Rule::DuplicateId, "[[gate]]")]);
    refused("capability-gate", "valid = \"90d\"", "valid = \"0d\"", &[(Rule::ZeroClock, "valid")]);
}

/// Two parties that wait for each other are in together; two that wait for a third that waits for nobody else are named each.
#[test]
fn circles_are_no_problem_and_dead_ends_are() {
    let text = scenario("full-pause").replacen(CONDITION, "condition = { includes = [\"south\"] }", 1);
    let text = text.replacen("stay = { at_least = 2 }", "stay = { at_least = 1 }", 1);
    parse(&text);
    let single = scenario("full-pause").replace("at_least = 3", "at_least = 64");
    let problems = Agreement::parse(&single).unwrap_err();
    assert!(problems.iter().all(|problem| problem.rule == Rule::Unreachable) && problems.len() == 4, "{problems:#?}");
}

/// One party makes no agreement that runs itself, because the accused would be the only voter.
#[test]
fn one_party_alone_cannot_vote() {
    let text = scenario("full-pause");
    let (from, to) =
        (text.find("[[party]]\nid = \"south\"").unwrap(), text.find("# Independent of every party").unwrap());
    let text =
        format!("{}{}", &text[..from], &text[to..]).replace(CONDITION, "").replace("stay = { at_least = 2 }", "");
    let problems = Agreement::parse(&text).unwrap_err();
    assert!(matches!(problems.as_slice(), [only] if only.rule == Rule::AccusedOnly), "{problems:#?}");
}

/// Spellings of one meaning.
const SAME: &[(&str, &str)] = &[
    (
        "{ all = [{ at_least = 2 }, { includes = [\"south\"] }] }",
        "{ all = [{ includes = [\"south\"] }, { at_least = 2 }] }",
    ),
    ("share = \"60%\"", "share = 0.6"),
    ("share = \"60%\"", "share = \"3/5\""),
    ("notice = \"72h\"", "notice = \"3d\""),
    ("resume = \"2/3\"", "resume = \"4/6\""),
    ("who_may_raise = [\"party\", \"evaluator\"]", "who_may_raise = [\"evaluator\", \"party\"]"),
    ("ge = 0.5,", "ge = \"50%\","),
    ("within = \"72h\"\n", "within = \"72h\"\nfaulty = 0\n"),
    ("[[party]]\nid = \"west\"", "[[party]]\ngrace = \"14d\"\nwithdraw = \"60d\"\nid = \"west\""),
];

/// Other meanings.
const OTHER: &[(&str, &str)] = &[
    ("at_least = 2 }, { includes", "at_least = 3 }, { includes"),
    ("includes = [\"south\"]", "includes = [\"east\"]"),
    ("share = \"60%\"", "share = \"59%\""),
    ("stay = { at_least = 1 }", "stay = { at_least = 2 }"),
    ("weight = 500000", "weight = 500001"),
    ("total = 1500000 ", "total = 1500001 "),
    ("source = \"H100", "source = \"h100"),
    ("legal_basis = \"unilateral-conditional\"", "legal_basis = \"treaty\""),
    ("renew = \"2/3\"", "renew = \"3/4\""),
    ("valid_until = 2027-01-01", "valid_until = 2027-01-02"),
    ("corrupt = 2 ", "corrupt = 1 "),
    ("notice = \"72h\"", "notice = \"73h\""),
    ("winding_down = \"10d\"", "winding_down = \"9d\""),
    ("clarification = \"48h\"", "clarification = \"47h\""),
    ("finding = \"72h\"", "finding = \"71h\""),
    ("adjudication = \"7d\"", "adjudication = \"6d\""),
    ("freeze_on_outage = \"14d\"", "freeze_on_outage = \"13d\""),
    ("grace = \"14d\"", "grace = \"13d\""),
    ("withdraw = \"60d\"", "withdraw = \"59d\""),
    ("expel = \"2/3\"", "expel = \"3/4\""),
    ("resume = \"2/3\"", "resume = \"3/4\""),
    ("within = \"72h\"", "within = \"71h\""),
    ("block = \"3/4\"", "block = \"4/5\""),
    ("block_within = \"24h\"", "block_within = \"23h\""),
    ("access = \"6d\"", "access = \"5d\""),
    ("quota_per_party_per_year = 18", "quota_per_party_per_year = 17"),
    ("hold = \"7d\"", "hold = \"8d\""),
    ("ge = \"40h\"", "ge = \"41h\""),
    ("confidence = 0.9", "confidence = 0.8"),
    ("ge = 0.5, evaluators = 2", "ge = 0.5, evaluators = 1"),
    ("who_may_raise = [\"party\", \"evaluator\"]", "who_may_raise = [\"party\"]"),
    ("after = \"14d\"", "after = \"15d\""),
    ("expires = \"45d\"", "expires = \"44d\""),
    ("false_alarms_per_year = 0.05", "false_alarms_per_year = 0.051"),
    ("probability = 0.95", "probability = 0.94"),
    ("site_flop_per_day = 3.42e24", "site_flop_per_day = 3.41e24"),
    ("sensitivity = 0.9", "sensitivity = 0.91"),
    ("within = \"7d\"", "within = \"8d\""),
];

/// Order and spelling of the optional sections do not count, and every value does.
#[test]
fn the_id_is_over_the_meaning() {
    let text = scenario("staged-resumption");
    let id = parse(text).id();
    for (from, to) in SAME {
        assert!(text.contains(from), "{from}");
        assert_eq!(parse(&text.replacen(from, to, 1)).id(), id, "{from} -> {to}");
    }
    let mut ids = vec![id];
    for (from, to) in OTHER {
        assert!(text.contains(from), "{from}");
        ids.push(parse(&text.replacen(from, to, 1)).id());
    }
    let gate = scenario("capability-gate");
    ids.push(parse(gate).id());
    for (from, to) in [
        ("ge = \"8h\"", "ge = \"9h\""),
        ("signers = 2", "signers = 1"),
        ("valid = \"90d\"", "valid = \"91d\""),
        ("from_flop = 1e23", "from_flop = 1e22"),
    ] {
        ids.push(parse(&gate.replacen(from, to, 1)).id());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// Files without the optional sections keep the keys of the canonical form as they were; `testdata/vectors/agreement/id.json` has the bytes.
#[test]
fn absent_sections_leave_no_key() {
    let mut terms = parse(scenario("halve-baseline"));
    terms.coordination = crate::Coordination::default();
    let json = terms.canonical_json();
    for key in ["conduct", "gates", "detect", "legal_basis", "accountancy", "corrupt", "stay", "weight"] {
        assert!(!json.contains(&format!("\"{key}")), "{key}");
    }
}

#[test]
fn the_page_for_people_says_who_binds_himself_and_what_lifts() {
    let page = parse(scenario("staged-resumption")).show();
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "north enters: at least 2 other parties are in and south is in; stays: at least 2 other parties are in",
        "rsi paused when horizon_p50 at least 167h at confidence 9/10 by 2 evaluators or ai_led_share at least 0.5 by 2 evaluators",
        "lifted by 2/3 of the bound after 30d; lapses after 45d; disputes: board",
        "way back slowed-2 for 7d, slowed for 7d",
        "while slowed-2: at most 25% of the party's mean",
        "go ahead unless 3/4 of the others object within 1d",
        "north 60d after notice, or 14d after 'stay' fails",
    ] {
        assert!(flat.contains(part), "'{part}' in\n{page}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 110), "{page}");
}

/// What the terms imply, on one screen, with figures that can be checked by hand.
#[test]
fn what_terms_imply() {
    let terms = parse(scenario("full-pause"));
    let implied = terms.implications();
    assert_eq!((implied.audits_per_day.to_string(), implied.needed_per_report), ("16".to_owned(), Some(13)));
    // 1 d + 12 h + 24 h + 10 min + 3 s + 24 h + 48 h + 6 d + 72 h + 7 d.
    assert_eq!(implied.worst_seconds(), 86_400 * 21 + 43_200 + 600 + 3);
    let page = implied.to_string();
    for part in [
        "audits       16 draws a day from each party; the stated probability needs 13 of the 16 in each report",
        "witnesses    2 corrupt witnesses cannot fork a log; 2 silent ones cannot stop it",
        "activation   as soon as 4 parties have committed (one group can); duties after 3d, bounds for running work after 13d",
        "nobody is bound without east, nor without north, nor without south, nor without west",
        "trigger      rsi: paused for 30d to 60d unless it is raised again",
        "outages      stop the clocks for at most 14d",
    ] {
        assert!(page.contains(part), "'{part}' in\n{page}");
    }
    let words: Vec<&str> = page.split_whitespace().collect();
    let tail = words.windows(2).any(|pair| pair == ["together", "21.50"]);
    assert!(tail && page.contains("35.50"), "{page}");
    assert!(page.lines().count() < 30 && page.lines().all(|line| line.chars().count() <= 120), "{page}");
}

fn scenarios() -> impl Strategy<Value = &'static str> {
    (0..Agreement::scenarios().len()).prop_map(|index| Agreement::scenarios()[index].1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// A scenario with one line removed, doubled, cut or with words exchanged is answered; accepted, its plain form says the same.
    #[test]
    fn damaged_scenarios_are_answered(text in scenarios(), line in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), how in 0u8..5) {
        let lines: Vec<&str> = text.lines().collect();
        let (place, second) = (line.index(lines.len()), other.index(lines.len()));
        let mut damaged: Vec<String> = lines.iter().map(ToString::to_string).collect();
        match how {
            0 => drop(damaged.remove(place)),
            1 => damaged.insert(place, lines[second].to_owned()),
            2 => damaged[place] = lines[place].chars().take(cut.index(lines[place].chars().count().max(1))).collect(),
            3 => damaged.swap(place, second),
            _ => {
                let words: Vec<&str> = lines[second].split(' ').collect();
                _ = write!(damaged[place], " {}", words[cut.index(words.len())]);
            }
        }
        match Agreement::parse(&damaged.join("\n")) {
            Ok(agreement) => {
                prop_assert_eq!(&parse(&agreement.to_toml()), &agreement);
                let _ = (agreement.implications().to_string(), agreement.show(), agreement.diff(&agreement));
            }
            Err(problems) => prop_assert!(!problems.is_empty() && problems.iter().all(|problem| problem.line >= 1)),
        }
    }

    /// Whatever stands for a condition or a predicate, the answer is terms or a problem.
    #[test]
    fn any_condition_is_answered(text in "[{}\\[\\]=,\" a-z_0-9.%/]{0,60}") {
        for (name, from) in [("full-pause", CONDITION), ("unaccounted-share", "raise = { signal = \"unaccounted_share\", ge = 0.01, auditors = 1 }")] {
            let field = from.split(' ').next().unwrap();
            let changed = scenario(name).replacen(from, &format!("{field} = {text}"), 1);
            if let Err(problems) = Agreement::parse(&changed) {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
