//! Four labs, their roles and three witnesses as folders of one machine, with terms whose clocks are hours. Commands are processes of the
//! binary; only the witnesses are asked in this process, because their time is the story's.

use serde_json::Value;
use standstill_agreement::{Agreement, Beacon, Condition, Party, Phase, Role, RoleKind};
use standstill_audit::{DemoBeacon, Round};
use standstill_cli::bundle::{Sources, collect};
use standstill_cli::role::issuer::PublicHalf;
use standstill_cli::role::witnesses;
use standstill_statement::{Hash32, Name};
use standstill_tlog::witness::FileWitness;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const START: u64 = 1_793_491_200;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 24 * HOUR;
pub(crate) const LABS: [&str; 4] = ["east", "north", "south", "west"];
pub(crate) const METHOD: &str = "76d0e5b264d83b26442561f378f62effcfc1f20f0a0d0865de5b12320b7837d0";
const WITNESSES: [&str; 3] = ["w1", "w2", "w3"];
/// Roles with folders, by the kind that `act init` takes; the auditor has a command of its own.
pub(crate) const ROLES: [(&str, &str); 4] =
    [("board", "adjudicator"), ("evaluator-1", "evaluator"), ("evaluator-2", "evaluator"), ("inspector", "inspector")];

pub(crate) struct World {
    folder: tempfile::TempDir,
    witnesses: Vec<FileWitness>,
    beacon: DemoBeacon,
    rounds: Vec<Round>,
    /// The story's time, in seconds since the Unix epoch.
    pub(crate) now: u64,
    /// Verbs with the exit codes with which they ended.
    pub(crate) played: RefCell<BTreeSet<(String, i32)>>,
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

impl World {
    /// An empty folder with three witnesses.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for id in WITNESSES {
            witnesses::create(&at.join(id), &name(id)).unwrap();
        }
        let witnesses = WITNESSES.iter().map(|id| witnesses::open(&at.join(id)).unwrap()).collect();
        let beacon = DemoBeacon::from_seed(&[7; 32]).unwrap();
        Self { folder, witnesses, beacon, rounds: Vec::new(), now: START, played: RefCell::default() }
    }

    pub(crate) fn at(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the time to so many hours after the start.
    pub(crate) fn hour(&mut self, hour: u64) {
        assert!(START + hour * HOUR >= self.now, "time goes on");
        self.now = START + hour * HOUR;
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standstill"));
        let cache = self.at().join("cache");
        let output = command.args(arguments).current_dir(self.at()).env("XDG_CACHE_HOME", cache).output().unwrap();
        if let (["act", verb, ..], Some(exit)) = (arguments, output.status.code()) {
            self.played.borrow_mut().insert(((*verb).to_owned(), exit));
        }
        output
    }

    #[track_caller]
    pub(crate) fn expect(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "standstill {}\n{text}", arguments.join(" "));
        text
    }

    /// A command that must be refused: with this exit code and these words, on one line, and without a trace in any file.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str], exit: i32, words: &[&str]) {
        let before = self.files();
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = arguments.join(" ");
        assert_eq!(output.status.code(), Some(exit), "standstill {line}\n{told}");
        assert!(output.stdout.is_empty(), "standstill {line}\n{}", String::from_utf8_lossy(&output.stdout));
        for word in words {
            assert!(told.contains(word), "'{word}' after standstill {line}\n{told}");
        }
        // Refusals of the argument parser have lines of their own; ours is one.
        if let Some(rest) = told.strip_prefix("standstill: ") {
            assert_eq!(rest.trim_end().lines().count(), 1, "{told}");
        } else {
            assert!(told.starts_with("error: "), "{told}");
        }
        assert_eq!(before, self.files(), "standstill {line} changed something");
    }

    /// As [`World::refused`], for a verb that is tried against what is public, at the story's time.
    #[track_caller]
    pub(crate) fn no(&self, verb: &[&str], exit: i32, words: &[&str]) {
        let now = self.now.to_string();
        let told = [&["act"], verb, &["--bundle", "bundle", "--issued", &now]].concat();
        self.refused(&told, exit, words);
    }

    /// A verb that is let through; what it says is cosigned by all witnesses within the minute, and everybody has it. Gives its hash.
    #[track_caller]
    pub(crate) fn say(&mut self, verb: &[&str]) -> String {
        let issuer = verb[1].to_owned();
        self.cosign(&issuer);
        self.now += 60;
        let now = self.now.to_string();
        let mut arguments = [&["act"], verb, &["--issued", &now, "--json"]].concat();
        if self.at().join("bundle").exists() {
            arguments.extend(["--bundle", "bundle"]);
        }
        let said: Value = serde_json::from_str(&self.expect(&arguments, 0)).unwrap();
        assert_eq!(said["issuer"], issuer.as_str());
        self.cosign(&issuer);
        self.collect();
        said["statement"].as_str().unwrap().to_owned()
    }

    fn cosign(&mut self, id: &str) {
        let home = self.folder.path().join(id);
        let key = PublicHalf::read(&home).unwrap().vkey.parse().unwrap();
        for witness in &mut self.witnesses {
            witnesses::ask_folder(witness, &home.join("log"), &key, self.now).unwrap();
        }
    }

    /// Everybody's last head is cosigned again, so that all is settled up to now.
    pub(crate) fn tick(&mut self) {
        for id in everybody() {
            self.cosign(id);
        }
        self.collect();
    }

    fn collect(&self) {
        let out = self.at().join("bundle");
        if out.exists() {
            std::fs::remove_dir_all(&out).unwrap();
        }
        let homes = everybody().into_iter().map(|id| self.at().join(id)).collect();
        let agreement = self.at().join("agreement.toml");
        collect(&Sources { agreement, homes, rounds: self.rounds.clone(), forks: Vec::new() }, &out).unwrap();
    }

    /// A round of the beacon as a file, for everybody.
    pub(crate) fn round(&mut self, round: u64) -> String {
        let signed = self.beacon.sign(round).unwrap();
        let file = format!("{round}.json");
        std::fs::write(self.at().join(&file), signed.to_json()).unwrap();
        if !self.rounds.contains(&signed) {
            self.rounds.push(signed);
        }
        file
    }

    pub(crate) fn status(&self) -> Value {
        let at = self.now.to_string();
        serde_json::from_str(&self.expect(&["agreement", "status", "bundle", "--json", "--at", &at], 0)).unwrap()
    }

    pub(crate) fn party(&self, id: &str) -> Value {
        find(&self.status()["parties"], "party", id)
    }

    /// The change of a subject to a word that this statement caused.
    #[track_caller]
    pub(crate) fn moved(&self, by: &str, subject: &str, to: &str) {
        let at = self.now.to_string();
        let text = self.expect(&["agreement", "timeline", "bundle", "--json", "--at", &at], 0);
        let timeline: Value = serde_json::from_str(&text).unwrap();
        let caused = |change: &&Value| {
            change["causes"].as_array().unwrap().iter().any(|cause| cause["statement"] == by)
                && change["subject"] == subject
                && change["to"] == to
        };
        let all = timeline["transitions"].as_array().unwrap();
        assert!(all.iter().any(|change| caused(&change)), "{subject} -> {to} by {by} in\n{timeline:#}");
        assert_eq!(timeline["ignored"], serde_json::json!([]), "what is let through has an effect");
    }

    /// Paths and contents of everything but caches.
    fn files(&self) -> Vec<(PathBuf, Hash32)> {
        let (mut found, mut folders) = (Vec::new(), vec![self.at().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    if path != self.at().join("cache") {
                        folders.push(path);
                    }
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.push((path, Hash32::of(&bytes)));
                }
            }
        }
        found.sort();
        found
    }

    /// The terms, with the keys of the folders that are there.
    pub(crate) fn terms(&self) -> String {
        let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
        let mut terms = Agreement::parse(text).unwrap();
        terms.start_unix_seconds = START;
        terms.term_windows = 12;
        (terms.window.report_within_seconds, terms.window.grace_seconds) = (6 * HOUR, 6 * HOUR);
        terms.baseline.windows = 2;
        let public = |id: &str| PublicHalf::read(&self.at().join(id)).unwrap();
        let keys = |public: &PublicHalf| vec![public.statement_key.as_ref().unwrap().parse().unwrap()];
        let party = |id: &&str| {
            let public = public(id);
            Party { id: name(id), log: public.vkey.clone(), statement_keys: keys(&public) }
        };
        terms.parties = LABS.iter().map(party).collect();
        let role = |id: &str, kind: RoleKind| {
            let public = public(id);
            Role { kind, id: name(id), log: public.vkey.clone(), statement_keys: keys(&public) }
        };
        let kind = |word: &str| RoleKind::ALL.into_iter().find(|kind| kind.name() == word).unwrap();
        terms.roles = ROLES.iter().map(|(id, word)| role(id, kind(word))).collect();
        terms.roles.push(role("auditor", RoleKind::Auditor));
        terms.roles.sort_by(|a, b| a.id.cmp(&b.id));
        let witness = |id: &&str| format!("witness {id} {}\n", public(id).vkey);
        let witnesses: String = WITNESSES.iter().map(witness).collect();
        terms.witnesses = format!("{witnesses}group three 2 {}\nquorum three\n", WITNESSES.join(" "));
        terms.audit.beacon = Beacon {
            name: name(DemoBeacon::NAME),
            public_key: hex::encode(self.beacon.public_key_bytes().unwrap()),
            genesis_unix_seconds: START - 30 * DAY,
            period_seconds: 3,
        };
        hours(&mut terms);
        terms.to_toml()
    }
}

/// The scenario's clocks, in hours.
fn hours(terms: &mut Agreement) {
    let rules = &mut terms.coordination;
    (rules.detect, rules.accountancy, rules.corrupt_witnesses) = (None, None, None);
    let conduct = rules.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = START + 3 * DAY;
    for pledge in conduct.pledges.values_mut() {
        (pledge.condition, pledge.stay) = (Condition::AtLeast(2), Condition::AtLeast(1));
        (pledge.grace_seconds, pledge.withdraw_seconds) = (2 * DAY, 2 * DAY);
    }
    let clocks = &mut conduct.clocks;
    (clocks.notice_seconds, clocks.winding_down_seconds) = (HOUR, HOUR);
    (clocks.clarification_seconds, clocks.finding_seconds) = (6 * HOUR, 6 * HOUR);
    (clocks.adjudication_seconds, clocks.freeze_on_outage_seconds) = (6 * HOUR, 2 * DAY);
    conduct.votes.within_seconds = 6 * HOUR;
    (conduct.inspection.block_within_seconds, conduct.inspection.access_seconds) = (HOUR, 2 * HOUR);
    conduct.inspection.quota_per_party_per_year = 2;
    conduct.resumption.iter_mut().for_each(|step| step.hold_seconds = DAY);
    for trigger in &mut conduct.triggers {
        assert!(trigger.phase > Phase::Normal);
        (trigger.lift.after_seconds, trigger.expires_seconds) = (2 * HOUR, 10 * DAY);
    }
}

/// Everybody with a log.
pub(crate) fn everybody() -> Vec<&'static str> {
    LABS.into_iter().chain(ROLES.map(|(id, _)| id)).chain(["auditor"]).collect()
}

/// The element of a list whose field has this value.
#[track_caller]
pub(crate) fn find(list: &Value, field: &str, value: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|element| element[field] == value);
    found.unwrap_or_else(|| panic!("no {field} '{value}' in {list:#}")).clone()
}
