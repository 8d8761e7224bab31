use super::*;
use crate::vkey;
use proptest::prelude::*;
use standstill_statement::{Class, Hash32, Name, SigningKey};
use standstill_tlog::note::KeyType;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn log(id: &str, seed: u8) -> Option<String> {
    Some(vkey::write(&format!("logs.example/{id}"), KeyType::Ed25519, seed))
}

fn key(seed: u8) -> Option<standstill_statement::PublicKey> {
    Some(SigningKey::from_seed([seed; 32]).public())
}

fn filled() -> Template {
    Template {
        title: "Frontier training standstill, \"90\" days".to_owned(),
        start_unix_seconds: 1_793_491_200,
        term_windows: 90,
        parties: vec![(name("north"), log("north", 1), key(2)), (name("south"), log("south", 3), key(4))],
        roles: vec![
            (RoleKind::Auditor, name("auditor"), log("auditor", 5), key(6)),
            (RoleKind::Inspector, name("inspector"), log("inspector", 7), key(8)),
        ],
        witnesses: (1..=3u8)
            .map(|i| {
                (name(&format!("w{i}")), Some(vkey::write(&format!("w{i}.example"), KeyType::CosignatureV1, 10 + i)))
            })
            .collect(),
    }
}

fn file() -> String {
    Agreement::template(&filled())
}

#[track_caller]
fn parse(text: &str) -> Agreement {
    match Agreement::parse(text) {
        Ok(agreement) => agreement,
        Err(problems) => panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()),
    }
}

#[test]
fn the_template_is_valid_once_filled_in() {
    let agreement = parse(&file());
    assert_eq!(agreement.title, "Frontier training standstill, \"90\" days");
    assert_eq!(agreement.start_unix_seconds, 1_793_491_200);
    let window = WindowTerms {
        window_seconds: 86_400,
        slot_seconds: 3_600,
        report_within_seconds: 43_200,
        grace_seconds: 86_400,
    };
    assert_eq!(agreement.window, window);
    assert_eq!(agreement.scope.strict_flop, 10u128.pow(24));
    assert_eq!(agreement.scope.exempt, [Class::Inference, Class::Evaluation]);
    let ids: Vec<&str> = agreement.limits.iter().map(|limit| limit.id.as_str()).collect();
    assert_eq!(ids, ["dark", "run", "train"]);
    let [dark, run, train] = agreement.limits.as_slice() else { panic!() };
    assert_eq!(dark.bounds[&Phase::Paused], Bound::OfCapacity { numerator: 1, denominator: 1000 });
    assert!(train.charge_unaccounted && !dark.charge_unaccounted && !run.charge_unaccounted);
    assert_eq!(run.bounds[&Phase::Normal], Bound::AtMost(10u128.pow(24)));
    assert_eq!(train.bounds[&Phase::Slowed], Bound::OfBaseline { numerator: 1, denominator: 2 });
    assert_eq!(agreement.audit.beacon.public_key, QUICKNET_PUBLIC_KEY);
    assert!(agreement.witnesses.ends_with("group quorum-group 2 w1 w2 w3\nquorum quorum-group\n"));
}

#[test]
fn an_unfilled_template_points_at_each_mark() {
    let mut template = filled();
    template.parties[0].1 = None;
    template.parties[1].2 = None;
    template.witnesses[2].1 = None;
    let text = Agreement::template(&template);
    let problems = Agreement::parse(&text).unwrap_err();
    let marked: Vec<usize> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains('<') && !line.starts_with('#'))
        .map(|(i, _)| i + 1)
        .collect();
    assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), marked, "{problems:#?}");
    assert!(problems[..2].iter().all(|p| p.rule == Rule::BadKey));
    assert_eq!(problems[2].rule, Rule::BadPolicy);
}

#[test]
fn times_phases_and_bounds() {
    let agreement = parse(&file());
    assert_eq!(agreement.window_bounds(0), (1_793_491_200, 1_793_577_600));
    assert_eq!(agreement.report_deadline(0), 1_793_577_600 + 43_200);
    assert_eq!(agreement.grace_deadline(0), 1_793_577_600 + 43_200 + 86_400);
    assert_eq!(agreement.end_unix_seconds(), 1_793_491_200 + 90 * 86_400);
    assert_eq!(agreement.window_of(1_793_491_199), None);
    assert_eq!(agreement.window_of(1_793_577_599), Some(0));
    assert_eq!(agreement.window_of(1_793_577_600), Some(1));
    assert_eq!(agreement.window_of(agreement.end_unix_seconds()), None);
    assert_eq!((agreement.phase_at(0), agreement.phase_at(29), agreement.phase_at(30)), ("normal", "normal", "slowed"));
    assert_eq!(agreement.phase_at(u64::MAX), "slowed");
    let train = &agreement.limits[2];
    assert_eq!(agreement.bound_at(train, 29), &Bound::Unlimited);
    assert_eq!(agreement.bound_at(train, 30), &Bound::OfBaseline { numerator: 1, denominator: 2 });
    let mut bare = train.clone();
    bare.bounds.clear();
    assert_eq!(agreement.bound_at(&bare, 0), &Bound::AtMost(0), "a missing bound allows nothing");
    assert_eq!(agreement.window_bounds(u64::MAX).0, u64::MAX, "no overflow");
    assert!(agreement.issuer(&name("inspector")).is_some() && agreement.issuer(&name("nobody")).is_none());
}

/// Changes the file and expects exactly these rules, at lines that contain these texts.
#[track_caller]
fn refused(from: &str, to: &str, expected: &[(Rule, &str)]) {
    let text = file();
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let problems = Agreement::parse(&text).expect_err(to);
    let found: Vec<(Rule, &str)> =
        problems.iter().map(|p| (p.rule, text.lines().nth(p.line - 1).unwrap_or_default())).collect();
    let shown = problems.iter().map(|p| format!("{p}\n")).collect::<String>();
    assert_eq!(found.len(), expected.len(), "{shown}");
    for ((rule, line), (expected_rule, part)) in found.iter().zip(expected) {
        assert!(
            rule == expected_rule && line.contains(part),
            "{rule} at '{line}', expected {expected_rule} at '{part}'\n{shown}"
        );
    }
    for problem in &problems {
        assert!(!problem.remedy.is_empty() && problem.problem.len() < 400, "{problem}");
    }
}

#[test]
fn unknown_and_missing_fields() {
    refused("slot = ", "slots = ", &[(Rule::MissingField, "[window]"), (Rule::UnknownField, "slots = ")]);
    refused("title = ", "colour = 1\ntitle = ", &[(Rule::UnknownField, "colour")]);
    refused("[baseline]", "[reward]\nx = 1\n[baseline]", &[(Rule::UnknownField, "[reward]")]);
    refused("delay = \"10m\"", "", &[(Rule::MissingField, "[audit]")]);
    refused("term_windows = 90", "", &[(Rule::BadTerm, "[agreement]")]);
    let text = file().replacen("slot = ", "slott = ", 1);
    let problems = Agreement::parse(&text).unwrap_err();
    assert!(problems.iter().any(|p| p.remedy == "did you mean 'slot'?"), "{problems:?}");
}

#[test]
fn bad_values() {
    refused("title = \"", "title = \"\\n", &[(Rule::BadValue, "title")]);
    refused("start = 2026-11-01T00:00:00Z", "start = 2026-11-01", &[(Rule::BadValue, "start")]);
    refused("start = 2026-11-01T00:00:00Z", "start = 2026-11-01T00:00:00+01:00", &[(Rule::BadValue, "start")]);
    refused("start = 2026-11-01T00:00:00Z", "start = \"2026-11-01T00:00:00Z\"", &[(Rule::BadValue, "start")]);
    refused("length = \"1d\"", "length = 1", &[(Rule::BadValue, "length")]);
    refused("monitored_flop = 1e22", "monitored_flop = 1.5", &[(Rule::BadValue, "monitored")]);
    refused("monitored_flop = 1e22", "monitored_flop = nan", &[(Rule::BadValue, "monitored")]);
    refused("monitored_flop = 1e22", "monitored_flop = 1e25", &[(Rule::OutOfRange, "strict")]);
    refused("register_h100e = 16", "register_h100e = -1", &[(Rule::BadValue, "register")]);
    refused("register_h100e = 16", "register_h100e = 0", &[(Rule::OutOfRange, "register")]);
    refused("groups_per_report = 8", "groups_per_report = 4000", &[(Rule::OutOfRange, "groups")]);
    refused("per = \"window\"", "per = \"week\"", &[(Rule::BadValue, "week")]);
    refused("kind = \"auditor\"", "kind = \"judge\"", &[(Rule::BadValue, "judge")]);
    refused("id = \"north\"", "id = \"North\"", &[(Rule::BadValue, "North")]);
    refused("public_key = \"83", "public_key = \"c3", &[(Rule::BadValue, "c3cf")]);
    refused("rulebook = \"miri-treaty-2025\"", "rulebook = \"mine\"", &[(Rule::UnknownRulebook, "mine")]);
    let table = crate::known::chip_tables()[0].to_string();
    refused(&table, &Hash32::of(b"x").to_string(), &[(Rule::UnknownChipTable, "chip_table")]);
    refused(&table, &table.to_uppercase(), &[(Rule::BadValue, "chip_table")]);
}

#[test]
fn windows_and_deadlines_that_do_not_fit() {
    refused("slot = \"1h\"", "slot = \"5h\"", &[(Rule::BadWindow, "slot")]);
    refused("slot = \"1h\"", "slot = \"1m\"", &[(Rule::BadWindow, "slot")]);
    refused("report_within = \"12h\"", "report_within = \"30m\"", &[(Rule::BadWindow, "report_within")]);
    refused("respond_within = \"24h\"", "respond_within = \"30m\"", &[(Rule::BadWindow, "respond_within")]);
    refused("retention_days = 45", "retention_days = 3", &[(Rule::ShortRetention, "retention_days = 3")]);
    refused("term_windows = 90", "term_windows = 0", &[(Rule::OutOfRange, "term_windows")]);
    refused("start = 2026-11-01", "start = 9999-11-01", &[(Rule::BadTerm, "term_windows")]);
}

#[test]
fn ids_and_keys_have_one_holder() {
    refused("id = \"south\"", "id = \"north\"", &[(Rule::DuplicateId, "north")]);
    refused("id = \"auditor\"", "id = \"north\"", &[(Rule::DuplicateId, "north")]);
    refused("id = \"dark\"", "id = \"run\"", &[(Rule::DuplicateId, "run")]);
    let show = |seed| key(seed).unwrap().to_string();
    refused(&show(4), &show(2), &[(Rule::SharedKey, "statement_keys")]);
    refused(&show(6), &show(2), &[(Rule::SharedKey, "statement_keys")]);
    refused(&show(2), &show(1), &[(Rule::SharedKey, "log = ")]);
    refused(&show(2), &show(11), &[(Rule::SharedKey, "policy")]);
    let twice = format!("{}\", \"{}", show(2), show(2));
    refused(&show(2), &twice, &[(Rule::SharedKey, "statement_keys")]);
    refused(&show(2), "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &[(Rule::BadKey, "statement_keys")]);
    refused(&show(2), "ed25519:short", &[(Rule::BadKey, "statement_keys")]);
    refused(&format!("[\"{}\"]", show(2)), "[]", &[(Rule::BadKey, "statement_keys")]);
    refused(&log("south", 3).unwrap(), &log("north", 3).unwrap(), &[(Rule::DuplicateId, "log")]);
    refused(&log("south", 3).unwrap(), "logs.example/south+00000000+AAAA", &[(Rule::BadKey, "log")]);
}

#[test]
fn limits_that_could_not_be_judged() {
    let classes = "class = [\"pretraining\", \"posttraining\", \"experiment\"]";
    refused(classes, "class = [\"pretrainning\"]", &[(Rule::BadClass, "pretrainning")]);
    refused(classes, "class = [\"pretraining\", \"pretraining\"]", &[(Rule::BadClass, "pretraining")]);
    refused(classes, "class = []", &[(Rule::BadClass, "class")]);
    refused(classes, "class = [\"idle\"]", &[(Rule::BadClass, "idle")]);
    refused(classes, "class = [\"inference\"]", &[(Rule::ExemptClass, "inference")]);
    refused(classes, "", &[(Rule::MissingField, "[[limit]]")]);
    let phase = "phase = { normal = \"none\", slowed = \"50% of baseline\", paused = 0 }";
    refused(phase, "phase = { normal = \"none\" }", &[(Rule::MissingBound, "phase")]);
    refused(phase, "", &[(Rule::MissingBound, "[[limit]]")]);
    refused(phase, &format!("{phase}\nmax = 0"), &[(Rule::BadBound, "max")]);
    refused(phase, "phase = { normal = \"none\", slowed = \"some\" }", &[(Rule::BadValue, "some")]);
    refused(
        phase,
        "phase = { normal = \"none\", slow = 0 }",
        &[(Rule::UnknownField, "slow"), (Rule::MissingBound, "slow")],
    );
    refused(phase, "max = \"10% of capacity\"", &[(Rule::BadBound, "capacity"); 1]);
    refused(phase, "phase = { normal = \"none\", slowed = 1_000_000_000_000_001 }", &[(Rule::BadBound, "slowed")]);
    refused(phase, "phase = { normal = \"none\", slowed = \"1001% of baseline\" }", &[(Rule::BadValue, "1001")]);
    refused("max = \"0.1% of capacity\"", "max = \"101% of capacity\"", &[(Rule::OutOfRange, "101%")]);
    refused("max = \"0.1% of capacity\"", "max = 1e19", &[(Rule::OutOfRange, "1e19")]);
    refused("max = 1e24", "max = \"50% of baseline\"", &[(Rule::BadBound, "50%")]);
    refused("per = \"lineage\"", "per = \"lineage\"\ncharge_unaccounted = true", &[(Rule::BadBound, "charge")]);
    refused("per = \"lineage\"", "per = \"lineage\"\nclass = [\"other\"]", &[(Rule::BadClass, "other")]);
    refused(
        "measure = \"flop\"\nper = \"lineage\"",
        "measure = \"chip_seconds\"\nper = \"lineage\"",
        &[(Rule::BadBound, "measure"), (Rule::OutOfRange, "1e24")],
    );
    refused(
        "class = [\"unaccounted\"]",
        "class = [\"unaccounted\"]\ncharge_unaccounted = true",
        &[(Rule::BadBound, "charge")],
    );
}

#[test]
fn baselines_and_schedules() {
    refused("windows = 30 ", "windows = 0 ", &[(Rule::BadBaseline, "phase = {")]);
    refused("from_window = 30", "from_window = 29", &[(Rule::BadBaseline, "from_window = 29")]);
    refused("from_window = 30", "from_window = 90", &[(Rule::BadSchedule, "from_window = 90")]);
    refused("from_window = 0", "from_window = 1", &[(Rule::BadSchedule, "from_window = 1")]);
    refused("name = \"slowed\"", "name = \"normal\"", &[(Rule::BadSchedule, "from_window = 30")]);
    refused("normal = \"none\", slowed", "normal = \"90% of baseline\", slowed", &[(Rule::BadBaseline, "90%")]);
    let second = "[[phase]]\nname = \"paused\"\nfrom_window = 30\n\n[audit]";
    refused("[audit]", second, &[(Rule::BadSchedule, "from_window = 30")]);
    let text = file().replacen("term_windows = 90", "term_windows = 20", 1);
    let rules: Vec<Rule> = Agreement::parse(&text).unwrap_err().iter().map(|p| p.rule).collect();
    assert_eq!(rules, [Rule::BadBaseline, Rule::BadSchedule]);
}

#[test]
fn witness_policies() {
    refused("group quorum-group 2 ", "group quorum-group 1 ", &[(Rule::UnsafeQuorum, "group quorum-group 1")]);
    refused("group quorum-group 2 ", "group quorum-group any ", &[(Rule::UnsafeQuorum, "group quorum-group any")]);
    refused("quorum quorum-group", "quorum none", &[(Rule::BadPolicy, "quorum none")]);
    refused("w2 w3\n", "w2 w4\n", &[(Rule::BadPolicy, "w4")]);
    refused("witness w2 w2.example", "witness w2 w2.exampl", &[(Rule::BadPolicy, "w2.exampl")]);
}

#[test]
fn empty_and_broken_files() {
    let problems = Agreement::parse("").unwrap_err();
    assert!(problems.len() >= 8 && problems.iter().all(|p| p.line == 1), "{problems:#?}");
    let problems = Agreement::parse("a = \nb = 1\nc = [").unwrap_err();
    assert!(problems.iter().all(|p| p.rule == Rule::Syntax) && problems[0].line == 1, "{problems:#?}");
    let problems = Agreement::parse(&" ".repeat(MAX_FILE_BYTES + 1)).unwrap_err();
    assert_eq!(problems[0].rule, Rule::Syntax);
    let deep = format!("a = {}", "[".repeat(200_000));
    assert!(Agreement::parse(&deep).is_err());
    let many = "[[party]]\n".repeat(10_000);
    assert!(Agreement::parse(&many).unwrap_err().len() < 300);
    for kind in ["party = 1", "party = [1]", "limit = {}", "witnesses = []", "window = \"1d\"", "audit = 2026-01-01"] {
        assert!(Agreement::parse(kind).unwrap_err().iter().any(|p| p.rule == Rule::BadValue), "{kind}");
    }
}

#[test]
fn canonical_json_is_what_rfc_8785_says() {
    let agreement = parse(&file());
    let text = agreement.canonical_json();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    // serde_json keeps maps sorted and writes no spaces, and the terms have no numbers, so it is an independent writer here.
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    assert!(!text.contains(": ") && text.starts_with("{\"audit\":{\"beacon\":"));
    assert_eq!(agreement.id(), Hash32::of(format!("standstill/1/agreement\0{text}").as_bytes()));
}

#[test]
fn plain_files_give_the_same_terms() {
    let agreement = parse(&file());
    let again = parse(&agreement.to_toml());
    assert_eq!(again, agreement);
    assert_eq!(again.id(), agreement.id());
}

/// Comments, spacing, order of keys and sections, and the spelling of amounts do not count.
#[test]
fn the_id_is_over_the_meaning() {
    let id = parse(&file()).id();
    let same = [
        file().lines().map(|line| format!("{}\n", line.split("  #").next().unwrap_or_default())).collect::<String>(),
        file().replace(" = ", "    =  ").replace('\n', "\r\n"),
        file().replace("1e24", "1000000000000000000000000").replace("1e22", "10.0e21"),
        file().replace("max = 1e24", "phase = { paused = \"1e24\", normal = 1e24, slowed = 1000e21 }"),
        file().replace("length = \"1d\"", "length = \"24h\"").replace("50%", "50.0%"),
        file().replace("[\"inference\", \"evaluation\"]", "[\"evaluation\", \"inference\"]"),
        file().replacen("per = \"window\"", "per = \"window\"\ncharge_unaccounted = true", 1),
    ];
    for (index, text) in same.iter().enumerate() {
        assert_eq!(parse(text).id(), id, "{index}");
    }
    let sections: Vec<String> = file().split("\n[").map(|part| format!("[{}", part.trim_start_matches('['))).collect();
    assert!(sections.len() > 10);
    let mut template = filled();
    template.parties.reverse();
    template.roles.reverse();
    assert_eq!(parse(&Agreement::template(&template)).id(), id);
}

#[test]
fn the_id_depends_on_every_value() {
    let mut ids = vec![parse(&file()).id()];
    for (from, to) in [
        ("Frontier", "frontier"),
        ("start = 2026-11-01", "start = 2026-11-02"),
        ("term_windows = 90", "term_windows = 91"),
        ("\"miri-treaty-2025\"", "\"epoch\""),
        ("length = \"1d\"", "length = \"2d\""),
        ("slot = \"1h\"", "slot = \"2h\""),
        ("report_within = \"12h\"", "report_within = \"13h\""),
        ("grace = \"24h\"", "grace = \"25h\""),
        ("register_h100e = 16", "register_h100e = 17"),
        ("monitored_flop = 1e22", "monitored_flop = 10000000000000000000001"),
        ("strict_flop = 1e24", "strict_flop = 2e24"),
        ("\"inference\", ", ""),
        ("id = \"north\"", "id = \"nord\""),
        ("logs.example/north", ""),
        ("kind = \"auditor\"", "kind = \"evaluator\""),
        ("group quorum-group 2", "group quorum-group 3"),
        ("id = \"train\"", "id = \"training\""),
        (", \"experiment\"]", "]"),
        ("phase = {", "charge_unaccounted = false\nphase = {"),
        ("\"50% of baseline\"", "\"49.99% of baseline\""),
        ("paused = 0", "paused = \"none\""),
        ("max = 1e24", "max = 1000000001e15"),
        ("\"0.1% of capacity\"", "\"0.2% of capacity\""),
        ("windows = 30 ", "windows = 29 "),
        ("from_window = 30", "from_window = 31"),
        ("groups_per_report = 8", "groups_per_report = 9"),
        ("respond_within = \"24h\"", "respond_within = \"23h\""),
        ("retention_days = 45", "retention_days = 46"),
        ("delay = \"10m\"", "delay = \"11m\""),
        ("name = \"quicknet\"", "name = \"othernet\""),
        ("public_key = \"83cf", "public_key = \"83ce"),
        ("= 1692803367", "= 1692803368"),
        ("period_seconds = 3", "period_seconds = 4"),
    ] {
        let text = match from {
            "logs.example/north" => file().replace(&log("north", 1).unwrap(), &log("other", 1).unwrap()),
            _ => file().replacen(from, to, 1),
        };
        assert_ne!(text, file(), "{from}");
        // The comment column moves, which must not matter; the value must.
        ids.push(parse(&text).id());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn the_page_for_people_fits_a_screen_and_names_the_figures() {
    let page = parse(&file()).show();
    for part in [
        "2026-11-01 00:00:00 UTC to 2027-01-30 00:00:00 UTC, 90 windows of 1d",
        "normal in windows 0 to 29, slowed in windows 30 to 89",
        "2 of 3 (w1, w2, w3) must cosign",
        "while slowed: at most 50% of the party's mean over the first 30 windows",
        "at most 1e24 FLOP (10,000 H100 at 40 % for",
        "at most 0.1% of the registered chip-seconds",
        "first: 2026-11-02 12:00:00 UTC",
    ] {
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "'{part}' in\n{page}");
    }
    assert!(page.lines().count() <= 40 && page.lines().all(|line| line.chars().count() <= 110), "{page}");
}

proptest! {
    /// Any file gives terms or at least one problem with a line, and never a panic.
    #[test]
    fn any_text_is_answered(text in "\\PC*") {
        if let Err(problems) = Agreement::parse(&text) {
            prop_assert!(!problems.is_empty() && problems.iter().all(|p| p.line >= 1));
        }
    }

    /// A file with one line removed, doubled or cut is answered; when it is accepted, writing it out gives the same terms.
    #[test]
    fn damaged_files_are_answered(line in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), how in 0u8..4) {
        let text = file();
        let lines: Vec<&str> = text.lines().collect();
        let place = line.index(lines.len());
        let mut damaged: Vec<String> = lines.iter().map(ToString::to_string).collect();
        match how {
            0 => drop(damaged.remove(place)),
            1 => damaged.insert(place, lines[place].to_owned()),
            2 => damaged[place] = lines[place].chars().take(cut.index(lines[place].chars().count().max(1))).collect(),
            _ => damaged.truncate(place),
        }
        match Agreement::parse(&damaged.join("\n")) {
            Ok(agreement) => prop_assert_eq!(parse(&agreement.to_toml()), agreement),
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn terms_come_back_from_plain_files(
        title in "[ -~]{1,50}[!-~]", start in 0u64..10_000_000_000, term in 31u64..5_000, slots in 1u64..48, slot in 1u64..24,
        flop in 0u128..1_000_000_000_000, percent in (1u64..1_000, 1u64..100), days in 70u64..3_000, charge: bool,
    ) {
        let mut agreement = parse(&file());
        agreement.title = title;
        agreement.start_unix_seconds = start;
        agreement.term_windows = term;
        agreement.window.slot_seconds = slot * 600;
        agreement.window.window_seconds = slots * slot * 600;
        agreement.window.report_within_seconds = slot * 600 + start % 1_000;
        agreement.audit.respond_within_seconds = slot * 600 + start % 999;
        agreement.audit.retention_days = days;
        agreement.limits[1].bounds.insert(Phase::Slowed, Bound::AtMost(flop * 1_000_000_000_000_000));
        agreement.limits[2].charge_unaccounted = charge;
        let text = format!("{}.{:02}% of baseline", percent.0, percent.1);
        agreement.limits[2].bounds.insert(Phase::Slowed, amount::bound(&text).unwrap());
        let again = parse(&agreement.to_toml());
        prop_assert_eq!(again.canonical_json(), agreement.canonical_json());
        prop_assert_eq!(again, agreement);
    }
}
