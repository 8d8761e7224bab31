//! Terms broken by hand: each file of `testdata/broken/` has one fault, named in its first line. `check` must give exactly one problem, of the
//! rule, at the line and with the remedy that stand here; `expected.txt` has the whole messages (`UPDATE_GOLDEN=1` writes it anew).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::{Agreement, Rule};
use std::fmt::Write as _;

/// File, rule, what stands in the line, part of the remedy.
#[rustfmt::skip]
const BROKEN: &[(&str, Rule, &str, &str)] = &[
    ("01-non-monotone-not", Rule::NonMonotone, "not = {", "at_least, includes, share"),
    ("02-non-monotone-share", Rule::NonMonotone, "share_of_joined", "fixed total"),
    ("03-stay-stricter", Rule::StayStricter, "stay = { share = \"61%\" }", "make 'stay' hold"),
    ("04-stay-stricter-hidden", Rule::StayStricter, "includes = [\"east\"]", "fewer names"),
    ("05-no-lift", Rule::MissingLift, "[trigger.rsi]", "add lift ="),
    ("06-lift-without-gap", Rule::MissingLift, "lift = {", "with a gap"),
    ("07-no-adjudicator", Rule::MissingAdjudicator, "[trigger.rsi]", "add adjudicate"),
    ("08-adjudicator-unknown", Rule::UnknownRole, "adjudicate = \"court\"", "kind \"adjudicator\""),
    ("09-adjudicator-is-a-party", Rule::UnknownRole, "adjudicate = \"north\"", "kind \"adjudicator\""),
    ("10-half-the-witnesses", Rule::UnsafeQuorum, "group quorum-group 3", "more than half"),
    ("11-too-many-corrupt", Rule::UnsafeQuorum, "corrupt = 3", "corrupt = 2"),
    ("12-short-retention", Rule::ShortRetention, "retention_days = 30", "write at least 36"),
    ("13-no-end", Rule::BadTerm, "[agreement]", "add term_windows"),
    ("14-weak-audit", Rule::WeakAudit, "detect = {", "groups_per_report = 13"),
    ("15-hopeless-audit", Rule::WeakAudit, "detect = {", "shorter windows"),
    ("16-diluted-audit", Rule::WeakAudit, "detect = {", "least_devices"),
    ("17-late-audit", Rule::WeakAudit, "detect = {", "write at least"),
    ("18-unknown-class", Rule::BadClass, "\"rl\"", "the classes are"),
    ("19-two-rulebooks", Rule::TwoRulebooks, "rulebook = [", "agreement.rulebook counts"),
    ("20-other-rulebook", Rule::TwoRulebooks, "rulebook = \"epoch\"", "remove it"),
    ("21-unknown-party", Rule::UnknownParty, "souht", "name one of east, south, west"),
    ("22-own-name", Rule::UnknownParty, "includes = [\"north\"]", "name one of east, south, west"),
    ("23-accused-alone-raises", Rule::AccusedOnly, "who_may_raise = [\"north\"]", "add"),
    ("24-accused-quorum", Rule::AccusedOnly, "raise = {", "not parties"),
    ("25-zero-clock", Rule::ZeroClock, "clarification = \"0h\"", "clarification = \"48h\""),
    ("26-expiry-beyond-term", Rule::BadExpiry, "expires = \"91d\"", "write at most"),
    ("27-no-expiry", Rule::BadExpiry, "[trigger.rsi]", "add expires"),
    ("28-unreachable", Rule::Unreachable, "condition = {", "ask for less"),
    ("29-contradicting-votes", Rule::BadVote, "resume = \"1/2\"", "resume = \"3/4\""),
    ("30-minority-blocks", Rule::BadVote, "block = \"1/4\"", "more than 1/2"),
    ("31-resumption-backwards", Rule::BadResumption, "phase = \"slowed-2\"", "severest level to the mildest"),
    ("32-looser-when-severer", Rule::LooserWhenSeverer, "phase = { normal", "at most that of"),
    ("33-bound-missing", Rule::MissingBound, "phase = { normal", "add slowed-2"),
    ("34-too-few-evaluators", Rule::UnknownRole, "evaluators = 4", "ask for fewer"),
    ("35-no-method", Rule::BadTrigger, "ai_led_share", "add method"),
    ("36-gate-without-certificates", Rule::BadGate, "[[gate]]", "add [[gate.certificate]]"),
    ("37-share-of-what", Rule::MissingField, "condition = {", "add [shares]"),
    ("38-late-activation", Rule::BadExpiry, "valid_until", "lapse earlier"),
    ("39-trigger-slows-nobody", Rule::BadTrigger, "for = \"normal\"", "slowed"),
    ("40-baseline-in-phase", Rule::BadBaseline, "from_window = 20", "window 30 or later"),
];

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/broken")
}

#[test]
fn each_fault_is_named_with_its_line_and_remedy() {
    let mut golden = String::new();
    let mut wrong = String::new();
    for (name, rule, line, remedy) in BROKEN {
        let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
        let what = text.lines().next().unwrap().strip_prefix("# Breaks: ").unwrap();
        let Err(problems) = Agreement::parse(&text) else {
            _ = writeln!(wrong, "{name}: accepted");
            continue;
        };
        _ = writeln!(golden, "{name}: {what}");
        for problem in &problems {
            _ = writeln!(golden, "  {problem} [{}]", problem.rule);
        }
        let [problem] = problems.as_slice() else {
            _ = writeln!(wrong, "{name}: {problems:#?}");
            continue;
        };
        let found = text.lines().nth(problem.line - 1).unwrap_or_default();
        if problem.rule != *rule || !found.contains(line) || !problem.remedy.contains(remedy) {
            _ = writeln!(
                wrong,
                "{name}: expected {rule} at '{line}' with '{remedy}', found at '{found}': {problem} [{}]",
                problem.rule
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let path = folder().join("expected.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &golden).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), golden, "if meant, run with UPDATE_GOLDEN=1");
}

#[test]
fn every_file_is_listed() {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "toml"));
    assert_eq!(files.count(), BROKEN.len());
    assert!(BROKEN.len() >= 30);
}
