//! `measure`, `raise`, `acknowledge`, `lift`, `vote`, `suspend`, `resume`, `withdraw`.

use crate::world::{LABS, METHOD, World, find};

/// Two evaluators measure, a lab raises, everybody is paused.
pub(crate) fn raise(world: &mut World) {
    std::fs::write(world.at().join("result.json"), "{\"runs\":[]}").unwrap();
    let measure = |by: &'static str, value: &'static str| {
        [
            "measure",
            by,
            "--metric",
            "horizon_p50",
            "--value",
            value,
            "--interval",
            "648000..828000",
            "--method",
            METHOD,
            "--result",
            "result.json",
        ]
    };
    let hash = "11".repeat(32);
    world.hour(33);
    world.no(&measure("board", "720000"), 2, &["count no measurement of its issuer", "standstill agreement show"]);
    world.no(&measure("evaluator-1", "many"), 2, &["'many' is not a decimal number", "for example"]);
    world.no(
        &[&measure("evaluator-1", "1")[..6], &["--interval", "9..1", "--method", METHOD, "--result", "result.json"]]
            .concat(),
        2,
        &["low end is above its high end", "put it right"],
    );
    world.no(&[&measure("evaluator-1", "1")[..10], &["--result", "none.json"]].concat(), 4, &["none.json"]);
    let evidence = ["evaluator-1", "evaluator-2"].map(|by| world.say(&measure(by, "720000")));
    let named = ["--evidence", &evidence[0], "--evidence", &evidence[1]];

    world.no(&[&["raise", "board", "rsi"][..], &named].concat(), 2, &["do not let its issuer raise", "agreement show"]);
    world.no(&[&["raise", "north", "sirens"][..], &named].concat(), 2, &["no such trigger", "agreement show"]);
    world.no(&["raise", "north", "rsi", "--evidence", "abc"], 2, &["'abc' is not a statement hash", "64 hexadecimal"]);
    let raise = world.say(&[&["raise", "north", "rsi"][..], &named].concat());
    for by in [&raise, &evidence[0], &evidence[1]] {
        world.moved(by, "trigger/rsi", "acting");
    }
    world.moved(&raise, "agreement", "paused");

    world.no(
        &["acknowledge", "north", "slowed", "--cause", &raise],
        2,
        &["north is paused now, and not slowed", "status"],
    );
    world.no(
        &["acknowledge", "north", "paused", "--cause", &hash],
        2,
        &["has no statement", "agreement timeline bundle"],
    );
    world.no(
        &["acknowledge", "board", "paused", "--cause", &raise],
        2,
        &["only parties acknowledge", "agreement show"],
    );
    assert_eq!(world.party("north")["acknowledged"], serde_json::Value::Null);
    world.say(&["acknowledge", "north", "paused", "--cause", &raise]);
    assert_eq!(world.party("north")["acknowledged"], "paused");
}

/// Somebody asks for a lift, three of four vote for it, and the steps back begin.
pub(crate) fn lift(world: &mut World) {
    let trigger = |world: &World, name: &str| find(&world.status()["triggers"], "trigger", name);
    let raise = trigger(world, "rsi")["raise"].as_str().unwrap().to_owned();
    let wrong = "11".repeat(32);
    world.no(&["lift", "east", "rsi", "--raise", &wrong], 2, &["no such raise is in force", "agreement status bundle"]);
    world.no(&["lift", "east", "horizon", "--raise", &raise], 2, &["no such raise is in force"]);
    world.no(&["lift", "east", "sirens", "--raise", &raise], 2, &["no such trigger", "agreement show"]);
    world.say(&["lift", "east", "rsi", "--raise", &raise]);
    assert_eq!(trigger(world, "rsi")["lift_asked_by"], serde_json::json!(["east"]));

    let vote = |by: &'static str, choice: &'static str, epoch: &'static str| {
        let raise = raise.clone();
        move |matter: &'static str| {
            ["vote", by, matter, choice, "--subject", &raise, "--epoch", epoch].map(str::to_owned).to_vec()
        }
    };
    let words = |vote: Vec<String>| vote;
    let no = |world: &World, vote: Vec<String>, why: &[&str]| {
        let vote: Vec<&str> = vote.iter().map(String::as_str).collect();
        world.no(&vote, 2, why);
    };
    // Two hours must pass before the first epoch.
    no(world, vote("north", "yes", "0")("lift"), &["no vote on it is open", "agreement status bundle"]);
    world.hour(36);
    no(world, vote("board", "yes", "0")("lift"), &["only bound parties do", "agreement show"]);
    no(world, vote("north", "yes", "1")("lift"), &["votes in epoch 1, and epoch 0 was open"]);
    no(world, vote("north", "yes", "0")("violation"), &["there is no such case"]);
    no(world, vote("north", "yes", "0")("renewal"), &["it renews another agreement"]);
    no(world, vote("north", "maybe", "0")("lift"), &["possible values"]);
    for lab in ["north", "south"] {
        let vote = words(vote(lab, "yes", "0")("lift"));
        world.say(&vote.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(world.status()["phase"], "paused", "two of four are not enough");
        no(world, vote, &["repeats an earlier vote"]);
    }
    let last = vote("east", "yes", "0")("lift");
    let hash = world.say(&last.iter().map(String::as_str).collect::<Vec<_>>());
    world.moved(&hash, "trigger/rsi", "quiet");
    world.moved(&hash, "agreement", "resuming-1");
    no(world, vote("west", "yes", "0")("lift"), &["no such raise is in force"]);
}

/// A lab says that it does not keep the agreement, and takes that back.
pub(crate) fn suspend(world: &mut World) {
    world.no(&["resume", "west", "--reason", "All is well."], 2, &["it changes nothing", "agreement status"]);
    world.no(&["suspend", "auditor", "--reason", "x"], 2, &["only parties suspend themselves", "agreement show"]);
    world.no(&["resume", "board", "--reason", "x"], 2, &["only parties suspend themselves", "agreement show"]);
    let hash = world.say(&["suspend", "west", "--reason", "A rival breaks it."]);
    world.moved(&hash, "party/west", "suspended");
    assert_eq!(world.party("west")["verified"], false);
    world.no(&["suspend", "west", "--reason", "Still."], 2, &["it changes nothing"]);
    let hash = world.say(&["resume", "west", "--reason", "It was a mistake."]);
    world.moved(&hash, "party/west", "paused");
    assert_eq!(world.party("west")["verified"], true);
}

/// Those who want it go on for another term; one gives notice.
pub(crate) fn renew_and_leave(world: &mut World) {
    let status = world.status();
    let (id, ends) = (status["agreement"].as_str().unwrap().to_owned(), status["ends_unix_seconds"].as_u64().unwrap());
    assert_eq!(status["renewals"], 0);
    let vote =
        |by: &'static str, epoch: &'static str| ["vote", by, "renewal", "yes", "--subject", &id, "--epoch", epoch];
    world.no(&vote("north", "1"), 2, &["votes in epoch 1, and epoch 0 was open"]);
    // South was expelled.
    world.no(&vote("south", "0"), 2, &["only bound parties do"]);
    world.say(&vote("north", "0"));
    let hash = world.say(&vote("east", "0"));
    world.moved(&hash, "agreement", "renewed");
    let status = world.status();
    assert_eq!((status["renewals"].as_u64(), status["ends_unix_seconds"].as_u64() > Some(ends)), (Some(1), true));

    world.no(&["withdraw", "inspector", "--reason", "x"], 2, &["only parties withdraw", "agreement show"]);
    world.no(&["withdraw", "south", "--reason", "x"], 2, &["nothing to withdraw", "agreement status"]);
    let hash = world.say(&["withdraw", "west", "--reason", "Costs."]);
    world.moved(&hash, "party/west", "withdrawing");
    let due = world.status()["due"].to_string();
    assert!(due.contains("its withdrawal takes effect"), "{due}");
    world.no(&["withdraw", "west", "--reason", "Costs."], 2, &["given notice already", "agreement status"]);
    // What one has said and not published yet counts too, though no bundle has it.
    let now = world.now.to_string();
    world.expect(&["act", "withdraw", "east", "--reason", "Costs.", "--bundle", "bundle", "--issued", &now], 0);
    world.no(&["withdraw", "east", "--reason", "Costs."], 2, &["given notice already"]);
    assert!(LABS.iter().filter(|lab| world.party(lab)["bound"] == true).count() == 3);
}
