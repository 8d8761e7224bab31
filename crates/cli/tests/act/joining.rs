//! `init`, `join`, `ratify`, `seal`, `open`, `withdraw` before activation.

use crate::world::{LABS, ROLES, START, World};

/// Folders of all roles, and what is refused while they are made.
pub(crate) fn folders(world: &mut World) {
    for lab in LABS {
        world.expect(&["lab", "init", lab, "--party", lab], 0);
    }
    world.expect(&["audit", "init", "auditor", "--name", "auditor"], 0);
    for (id, kind) in ROLES {
        let told = world.expect(&["act", "init", id, "--id", id, "--kind", kind], 0);
        assert!(told.contains("standstill act join"), "{told}");
        let public = std::fs::read_to_string(world.at().join(id).join("public.toml")).unwrap();
        assert!(public.contains(kind) && public.contains("ed25519:"), "{public}");
    }
    let again = ["act", "init", "board", "--id", "board", "--kind", "adjudicator"];
    world.refused(&again, 2, &["holds a role already", "choose another folder"]);
    let misnamed = ["act", "init", "new", "--id", "The Board", "--kind", "adjudicator"];
    world.refused(&misnamed, 2, &["is not a name"]);
    world.refused(&["act", "init", "new", "--id", "new", "--kind", "party"], 2, &["possible values"]);

    // Before joining nobody can say anything, and each is told the command of its own kind.
    world.refused(&["act", "ratify", "north"], 2, &["not bound to an agreement", "standstill lab join north"]);
    let rule = ["act", "rule", "board", "cleared", "--case", &"11".repeat(32), "--text", "x"];
    world.refused(&rule, 2, &["not bound to an agreement", "standstill act join board"]);

    let terms = world.terms();
    let path = world.at().join("agreement.toml");
    std::fs::write(&path, &terms).unwrap();
    world.expect(&["agreement", "check", "agreement.toml"], 0);
    let stranger = ["act", "init", "stranger", "--id", "stranger", "--kind", "evaluator"];
    world.expect(&stranger, 0);
    let join = ["act", "join", "stranger", "--agreement", "agreement.toml"];
    world.refused(&join, 2, &["does not name 'stranger'", "ask for the terms that do"]);
    let double = ["act", "init", "double", "--id", "board", "--kind", "adjudicator"];
    world.expect(&double, 0);
    let join = ["act", "join", "double", "--agreement", "agreement.toml"];
    world.refused(&join, 2, &["names 'board' with other keys", "Ask for terms"]);
    world.refused(&["act", "join", "board", "--agreement", "none.toml"], 4, &["none.toml"]);
    for (id, _) in ROLES {
        let told = world.expect(&["act", "join", id, "--agreement", "agreement.toml"], 0);
        assert!(told.contains("is bound to"), "{told}");
    }
    std::fs::write(world.at().join("other.toml"), terms.replace("Pause, then", "Halt, then")).unwrap();
    let other = ["act", "join", "board", "--agreement", "other.toml"];
    world.refused(&other, 2, &["is bound to another agreement", "Use a new folder"]);
    for lab in LABS {
        world.expect(&["lab", "join", lab, "--agreement", "agreement.toml", "--mode", "open"], 0);
    }
    world.expect(&["audit", "join", "auditor", "--agreement", "agreement.toml"], 0);
    world.tick();
}

/// From the first ratification to four bound parties.
pub(crate) fn commitments(world: &mut World) {
    let state = |world: &World, lab: &str| world.party(lab)["phase"].as_str().unwrap().to_owned();
    let hash = "11".repeat(32);
    let seal = |lab: &'static str| ["seal", lab, "--entry-round", "0", "--valid-until", "2026-11-03T00:00:00Z"];
    world.hour(6);
    world.no(&["ratify", "board"], 2, &["only parties ratify", "standstill agreement show"]);
    world.no(&seal("west"), 2, &["has not ratified", "standstill agreement status bundle"]);
    world.no(&["withdraw", "west", "--reason", "No."], 2, &["nothing to withdraw", "agreement status"]);
    for lab in LABS {
        let hash = world.say(&["ratify", lab]);
        world.moved(&hash, &format!("party/{lab}"), "open");
    }
    world.no(&["ratify", "north"], 2, &["has ratified these terms already", "standstill act seal"]);

    world.hour(12);
    world.no(&["seal", "north", "--entry-round", "12", "--valid-until", "1793664000"], 2, &["after the end"]);
    world.no(&["seal", "north", "--entry-round", "0", "--valid-until", "soon"], 2, &["is not a time", "write"]);
    let odd = ["seal", "north", "--entry-round", "0", "--valid-until", "1793664000", "--condition", "{\"most\":1}"];
    world.no(&odd, 2, &["--condition", "write for example"]);
    world.no(&seal("auditor"), 2, &["only parties commit themselves", "standstill agreement show"]);
    world.refused(
        &["act", "seal", "north", "--entry-round", "99", "--valid-until", "1793664000"],
        2,
        &["after the end"],
    );
    for lab in LABS {
        world.say(&seal(lab));
        let missing = world.status()["missing"].to_string();
        assert!(missing.contains(&format!("{lab} has not opened its offer")), "{missing}");
    }
    world.no(&seal("north"), 2, &["second seal", "agreement status"]);
    world.refused(&[&["act"][..], &seal("north")].concat(), 2, &["has sealed an offer for entry round 0 already"]);
    // An offer that has bound nobody is taken back at once, and the same lab comes back in a later round.
    let offers = "north/private/offers/round-0.offer";
    assert!(world.at().join(offers).exists());

    let told = world.expect(&["act", "open", "north", "--entry-round", "0"], 0);
    let round: u64 = told.split("round ").nth(2).unwrap().split(' ').next().unwrap().parse().unwrap();
    let (before, file) = (world.round(round - 1), world.round(round));
    world.refused(&["act", "open", "north", "--entry-round", "12"], 2, &["after the end"]);
    world.no(&["open", "north", "--entry-round", "0", "--beacon", "none.json"], 4, &["none.json"]);
    world.no(&["open", "north", "--entry-round", "0", "--beacon", &before], 2, &["is closed by beacon round", "fetch"]);
    world.no(
        &["open", "north", "--entry-round", "1", "--beacon", &file],
        2,
        &["sealed nothing", "standstill act seal"],
    );
    world.no(
        &["open", "board", "--entry-round", "0", "--beacon", &file],
        2,
        &["only parties commit themselves", "show"],
    );
    world.no(&["raise", "north", "rsi", "--evidence", &hash], 2, &["its issuer is not bound", "agreement status"]);
    world.hour(25);
    for lab in LABS {
        let hash = world.say(&["open", lab, "--entry-round", "0", "--beacon", &file]);
        world.moved(&hash, &format!("party/{lab}"), "armed");
    }
    // The openings close six hours after the beacon round; then the set is computed, and an hour of notice runs.
    world.hour(30);
    world.now += 120;
    world.tick();
    assert_eq!(LABS.map(|lab| state(world, lab)), ["notice"; 4]);
    assert!(LABS.iter().all(|lab| world.party(lab)["bound"] == true));
    let late = ["seal", "north", "--entry-round", "2", "--valid-until", "1793664000"];
    world.no(&late, 2, &["bound already", "agreement status"]);
    world.no(&["open", "north", "--entry-round", "0", "--beacon", &file], 2, &["opens no seal", "agreement status"]);
    world.hour(32);
    world.tick();
    assert_eq!(LABS.map(|lab| state(world, lab)), ["active"; 4], "at {}", world.now - START);
}
