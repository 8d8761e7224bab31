use super::*;

fn scenario(name: &str) -> &'static str {
    Agreement::scenarios().iter().find(|(known, _)| *known == name).unwrap().1
}

#[track_caller]
fn parse(text: &str) -> Agreement {
    Agreement::parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Changes a scenario and gives the changes without the values.
#[track_caller]
fn changed(name: &str, from: &str, to: &str) -> Vec<(String, Direction)> {
    let text = scenario(name);
    assert!(text.contains(from), "{from}");
    let (old, new) = (parse(text), parse(&text.replacen(from, to, 1)));
    let direction =
        |changes: Vec<Change>| changes.into_iter().map(|change| (change.path, change.direction)).collect::<Vec<_>>();
    let there = direction(old.diff(&new));
    // The way back has the same paths and the opposite directions.
    let back: Vec<_> = direction(new.diff(&old)).into_iter().map(|(path, side)| (path, side.turned())).collect();
    assert_eq!(there, back);
    there
}

#[test]
fn directions_of_single_changes() {
    use Direction::{Looser, Open, Tighter};
    for (name, from, to, path, direction) in [
        ("full-pause", "slowed = 5e23", "slowed = 6e23", "limit.train.phase.slowed", Looser),
        ("full-pause", "normal = \"none\"", "normal = 1e24", "limit.train.phase.normal", Tighter),
        (
            "full-pause",
            "max = \"0.1% of capacity\"",
            "phase = { normal = \"0.1% of capacity\", slowed = \"0.1% of capacity\", paused = \"0.01% of capacity\" }",
            "limit.dark.phase.paused",
            Tighter,
        ),
        ("full-pause", "report_within = \"12h\"", "report_within = \"10h\"", "window.report_within", Tighter),
        ("full-pause", "exempt = [\"inference\", \"evaluation\"]", "exempt = [\"inference\"]", "scope.exempt", Tighter),
        ("full-pause", "groups_per_report = 16", "groups_per_report = 14", "audit.groups_per_report", Looser),
        (
            "full-pause",
            "condition = { at_least = 3 }",
            "condition = { at_least = 2 }",
            "party.north.condition",
            Tighter,
        ),
        ("full-pause", "stay = { at_least = 2 }", "stay = { at_least = 3 }", "party.north.stay", Looser),
        (
            "full-pause",
            "condition = { at_least = 3 }",
            "condition = { includes = [\"east\", \"south\", \"west\"] }",
            "party.north.condition",
            Open,
        ),
        ("full-pause", "ge = \"167h\"", "ge = \"40h\"", "trigger.rsi.raise", Tighter),
        ("full-pause", "ge = 0.5, evaluators = 2", "ge = 0.5, evaluators = 3", "trigger.rsi.raise", Looser),
        ("full-pause", "ge = 0.5, evaluators = 2", "ge = 0.6, evaluators = 1", "trigger.rsi.raise", Open),
        ("full-pause", "vote = \"2/3\", after", "vote = \"3/4\", after", "trigger.rsi.lift.vote", Tighter),
        ("full-pause", "block = \"3/4\"", "block = \"2/3\"", "inspection.block", Looser),
        ("full-pause", "title = \"Full", "title = \"A full", "agreement.title", Open),
        ("unaccounted-share", "le = 0.001", "le = 0.002", "trigger.dark.lift.when", Looser),
        ("capability-gate", "from_flop = 1e23", "from_flop = 1e22", "gate.beyond-8h.from_flop", Tighter),
        ("capability-gate", "signers = 2", "signers = 1", "gate.beyond-8h.certificate.alignment-y.signers", Looser),
    ] {
        assert_eq!(changed(name, from, to), [(path.to_owned(), direction)], "{from} -> {to}");
    }
}

#[test]
fn what_is_new_or_gone_is_one_change() {
    let text = scenario("capability-gate");
    let gate = &text[text.find("[[gate]]").unwrap()..];
    assert_eq!(changed("capability-gate", gate, ""), [("gate.beyond-8h".to_owned(), Direction::Looser)]);
    let run = "[[limit]]\nid = \"run\"";
    let other =
        "[[limit]]\nid = \"small\"\nmeasure = \"flop\"\nper = \"lineage\"\nmax = 1e23\n\n[[limit]]\nid = \"run\"";
    assert_eq!(changed("per-run-cap", run, other), [("limit.small".to_owned(), Direction::Tighter)]);
}

#[test]
fn a_file_does_not_differ_from_itself_and_says_who_is_affected() {
    for (name, text) in Agreement::scenarios() {
        let terms = parse(text);
        assert!(terms.diff(&terms).is_empty(), "{name}");
        assert!(parse(&terms.to_toml()).diff(&terms).is_empty(), "{name}");
    }
    let text = scenario("staged-resumption");
    let (old, new) = (parse(text), parse(&text.replacen("weight = 400000", "weight = 410000", 1)));
    let changes = old.diff(&new);
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!(change.affects, Affected::One(Name::new("south").unwrap()));
    assert_eq!(change.to_string(), "         party.south.weight: 4e5 -> 4.1e5  [south]");
}

/// Different canonical bytes always show as a change, so that a diff that is empty means one id.
#[test]
fn no_change_hides() {
    for (name, text) in Agreement::scenarios() {
        let old = parse(text);
        for (index, line) in text.lines().enumerate() {
            let Some(digit) = line.find(|c: char| c.is_ascii_digit() && c != '0') else { continue };
            let mut changed = line.to_owned();
            let next = if line.as_bytes()[digit] == b'1' { "2" } else { "1" };
            changed.replace_range(digit..=digit, next);
            let lines: Vec<&str> =
                text.lines().enumerate().map(|(at, line)| if at == index { changed.as_str() } else { line }).collect();
            let Ok(new) = Agreement::parse(&lines.join("\n")) else { continue };
            assert_eq!(old.diff(&new).is_empty(), old.id() == new.id(), "{name}: {changed}");
        }
    }
}
