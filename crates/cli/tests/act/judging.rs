//! `question`, `answer`, `clarify`, `dispute`, `rule`, `inspect`, `object`, `conclude`, and the votes on a violation and an expulsion.

use crate::world::{World, find};

fn dispute<'a>(by: &'a str, against: &'a str, evidence: &'a str) -> Vec<&'a str> {
    vec!["dispute", by, "--respondent", against, "--reason", "rumour", "--evidence", evidence, "--text", "See there."]
}

fn rule<'a>(outcome: &'a str, case: &'a str) -> Vec<&'a str> {
    vec!["rule", "board", outcome, "--case", case, "--text", "Because."]
}

fn stage(world: &World, case: &str) -> String {
    find(&world.status()["cases"], "case", case)["stage"].as_str().unwrap().to_owned()
}

/// A question and its answer; a case that is explained, and one without merit.
pub(crate) fn questions(world: &mut World) {
    let unknown = "11".repeat(32);
    let ask =
        |by: &'static str, party: &'static str| ["question", by, "--party", party, "--text", "What is in hall 3?"];
    world.no(&ask("north", "south"), 2, &["only within an open case", "agreement status"]);
    world.no(&ask("auditor", "board"), 2, &["who is not a party", "agreement show"]);
    let question = world.say(&ask("auditor", "north"));
    world.moved(&question, &format!("question/{question}"), "asked");
    assert_eq!(find(&world.status()["questions"], "question", &question)["party"], "north");

    let answer = |by: &'static str, to: &str| ["answer", by, "--to", to, "--text", "Nothing."].map(str::to_owned);
    let no = |world: &World, verb: &[String], why: &[&str]| {
        world.no(&verb.iter().map(String::as_str).collect::<Vec<_>>(), 2, why);
    };
    no(world, &answer("south", &question), &["answers for somebody else", "agreement status"]);
    no(world, &answer("north", &unknown), &["answers no question and no case"]);
    no(world, &answer("inspector", &question), &["only parties answer", "agreement show"]);
    let given = answer("north", &question);
    let with = ["--attachment", "none.pdf"];
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    world.no(&[&given[..], &with].concat(), 4, &["none.pdf"]);
    let hash = world.say(&given);
    world.moved(&hash, &format!("question/{question}"), "answered");
    assert_eq!(world.status()["questions"], serde_json::json!([]));
    world.no(&given, 2, &["or again"]);

    world.no(&dispute("evaluator-1", "south", &unknown), 2, &["they do not accuse", "agreement show"]);
    world.no(&dispute("north", "inspector", &unknown), 2, &["who is not a party", "agreement show"]);
    world.no(&dispute("north", "north", &unknown), 2, &["body.dispute.respondent", "put it right"]);
    let long = "x".repeat(70_000);
    let endless = ["question", "auditor", "--party", "north", "--text", &long];
    world.no(&endless, 2, &["body.question.text", "put it right"]);
    let case = world.say(&dispute("north", "south", &question));
    world.moved(&case, &format!("case/{case}"), "signal");
    world.no(&dispute("north", "south", &question), 2, &["already has an open case", "agreement status"]);
    let clarify = ["clarify", "south", "--subject", &case, "--text", "A sensor was replaced."];
    world.no(
        &["clarify", "south", "--subject", &unknown, "--text", "x"],
        2,
        &["has no statement", "agreement timeline"],
    );
    world.no(&["clarify", "south", "--subject", "case", "--text", "x"], 2, &["'case' is not a statement hash"]);
    let mut by_north = rule("reviewed", &case);
    by_north[1] = "north";
    world.no(&by_north, 2, &["only adjudicators rule", "agreement show"]);
    world.no(&rule("reviewed", &unknown), 2, &["rules on no case", "agreement status"]);
    let hash = world.say(&rule("reviewed", &case));
    world.moved(&hash, &format!("case/{case}"), "reviewed");
    world.no(&rule("reviewed", &case), 2, &["past its review"]);
    world.no(&rule("violation", &case), 2, &["has not been heard"]);
    let hash = world.say(&clarify);
    world.moved(&hash, &format!("case/{case}"), "answered");
    let hash = world.say(&rule("clarified", &case));
    world.moved(&hash, &format!("case/{case}"), "clarified");
    world.no(&rule("cleared", &case), 2, &["the case is over"]);

    // A case without merit costs its accuser a token, of which each lab has two a year.
    for respondent in ["east", "south"] {
        let grudge = world.say(&dispute("west", respondent, &question));
        let hash = world.say(&rule("dismissed", &grudge));
        world.moved(&hash, &format!("case/{grudge}"), "dismissed");
    }
    world.no(&dispute("west", "north", &question), 2, &["used up its quota for the year", "agreement status"]);
}

/// An inspection that others stop, and one that finds nothing.
pub(crate) fn inspections(world: &mut World) {
    let unknown = "11".repeat(32);
    let ask = |by: &'static str, party: &'static str| ["inspect", by, "--party", party, "--text", "Power meters"];
    let object = |by: &'static str, request: &str| {
        ["object", by, "--request", request, "--text", "They were read last week."].map(str::to_owned).to_vec()
    };
    std::fs::write(world.at().join("report.txt"), "Nothing was found.").unwrap();
    let conclude = |by: &'static str, outcome: &'static str, request: &str| {
        ["conclude", by, outcome, "--request", request, "--report", "report.txt"].map(str::to_owned).to_vec()
    };
    let no = |world: &World, verb: Vec<String>, why: &[&str]| {
        world.no(&verb.iter().map(String::as_str).collect::<Vec<_>>(), 2, why);
    };
    let say = |world: &mut World, verb: Vec<String>| world.say(&verb.iter().map(String::as_str).collect::<Vec<_>>());
    world.no(&ask("evaluator-1", "south"), 2, &["they do not accuse", "agreement show"]);
    world.no(&ask("west", "south"), 2, &["used up its quota for the year"]);
    world.no(&ask("auditor", "inspector"), 2, &["who is not a party", "agreement show"]);
    world.no(&[&ask("auditor", "south")[..], &["--case", &unknown]].concat(), 2, &["there is no such case", "status"]);

    let stopped = world.say(&ask("auditor", "south"));
    world.moved(&stopped, &format!("inspection/{stopped}"), "objecting");
    world.no(&ask("auditor", "south"), 2, &["is open already", "agreement status"]);
    no(world, object("south", &stopped), &["neither the asking nor the accused party", "agreement status"]);
    no(world, object("board", &stopped), &["neither the asking nor the accused party", "agreement show"]);
    no(world, object("north", &unknown), &["there is no such inspection"]);
    for lab in ["north", "east"] {
        say(world, object(lab, &stopped));
    }
    let shown = find(&world.status()["inspections"], "request", &stopped);
    assert_eq!((&shown["objections"], &shown["objections_needed"]), (&serde_json::json!(["east", "north"]), &3.into()));
    let hash = say(world, object("west", &stopped));
    world.moved(&hash, &format!("inspection/{stopped}"), "blocked");
    no(world, conclude("inspector", "indication", &stopped), &["has not begun or is over", "agreement status"]);

    let open = world.say(&ask("north", "south"));
    no(world, conclude("inspector", "indication", &open), &["has not begun or is over"]);
    world.now += 3_700;
    no(world, object("east", &open), &["the time to object is over"]);
    no(world, conclude("board", "no-indication", &open), &["only inspectors conclude", "agreement show"]);
    no(world, conclude("inspector", "no-indication", &unknown), &["there is no such inspection"]);
    let mut lost = conclude("inspector", "no-indication", &open);
    lost[6] = "none.txt".to_owned();
    world.no(&lost.iter().map(String::as_str).collect::<Vec<_>>(), 4, &["none.txt"]);
    let hash = say(world, conclude("inspector", "no-indication", &open));
    world.moved(&hash, &format!("inspection/{open}"), "no-indication");
    // The request cost a token, and one more because nothing was found.
    world.no(&ask("north", "south"), 2, &["used up its quota for the year"]);
}

/// A case that an inspection takes to an indication, a violation by vote, and an expulsion.
pub(crate) fn a_violation(world: &mut World) {
    let resuming = world.status()["phase"].clone();
    assert_eq!(resuming, "resuming-1");
    let evidence = "22".repeat(32);
    let case = world.say(&dispute("auditor", "south", &evidence));
    world.say(&rule("reviewed", &case));
    let inspection = world.say(&["inspect", "inspector", "--party", "south", "--case", &case, "--text", "Hall 3"]);
    world.moved(&inspection, &format!("case/{case}"), "inspecting");
    world.no(&rule("cleared", &case), 2, &["being inspected", "agreement status"]);
    world.now += 3_700;
    let found = ["conclude", "inspector", "indication", "--request", &inspection, "--report", "report.txt"];
    let hash = world.say(&found);
    world.moved(&hash, &format!("case/{case}"), "indicated");
    // An indication ends the resumption: what was lifted holds again.
    world.moved(&hash, "agreement", "paused");
    let hash = world.say(&rule("violation", &case));
    world.moved(&hash, &format!("case/{case}"), "voting");

    let vote = |by: &'static str, matter: &'static str| {
        ["vote", by, matter, "yes", "--subject", &case].map(str::to_owned).to_vec()
    };
    let no = |world: &World, verb: Vec<String>, why: &[&str]| {
        world.no(&verb.iter().map(String::as_str).collect::<Vec<_>>(), 2, why);
    };
    let say = |world: &mut World, verb: Vec<String>| world.say(&verb.iter().map(String::as_str).collect::<Vec<_>>());
    no(world, vote("south", "violation"), &["never the accused", "agreement status"]);
    no(world, vote("north", "expulsion"), &["no vote on it is open"]);
    say(world, vote("north", "violation"));
    assert_eq!(stage(world, &case), "voting");
    let hash = say(world, vote("east", "violation"));
    world.moved(&hash, &format!("case/{case}"), "violation");
    assert_eq!(world.party("south")["violations"], serde_json::json!([case]));
    let shown = find(&world.status()["cases"], "case", &case);
    assert_eq!(shown["expulsion_epoch"], 0);
    no(world, vote("south", "expulsion"), &["never the accused"]);
    say(world, vote("north", "expulsion"));
    let hash = say(world, vote("west", "expulsion"));
    world.moved(&hash, "party/south", "withdrawn");
    assert_eq!(world.party("south")["bound"], false);
    world.no(&dispute("south", "north", &evidence), 2, &["its issuer is not bound", "agreement status"]);
    world.no(&dispute("auditor", "south", &evidence), 2, &["the respondent is not bound"]);
}
