//! The demonstration on the network: four logs, five witnesses of which one lies, and a monitor, as processes of this machine on loopback ports.
//!
//! Everything is real but the telemetry (made by `standstill-sim`), the beacon (one key holder), and the time: all processes read it from one file, so that
//! days pass in seconds. Statements, logs, witnesses, certificates and the bundle are what a real agreement would have.

mod fork;
pub(crate) mod liar;
pub(crate) mod publish;
pub(crate) mod silence;
pub(crate) mod stage;
mod world;

use crate::args::NodeRole;
use crate::demo::cast::{Cast, Cosigners};
use crate::demo::world::START_UNIX_SECONDS;
use crate::demo::{Played, day};
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use publish::Away;
use stage::Stage;
use standstill_sim::World;
use standstill_statement::{Mode, Name};
use standstill_verify::{Forgetful, Outcome, Verdict, render};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// The lab that forks.
const FORKER: &str = "south";
/// The lab that falls silent.
const SILENT: &str = "east";
/// The lab that does what it agreed to.
const HONEST: &str = "north";
/// The witness that lies.
const LIAR: &str = "w5";
/// The witness that is killed for a day.
const ABSENT: &str = "w2";

const WITNESSES: [&str; 5] = ["w1", "w2", "w3", "w4", LIAR];
const LOGS: [&str; 4] = [HONEST, SILENT, FORKER, "auditor"];
const DAY_SECONDS: u64 = 86_400;

/// Everything on stage.
struct Play {
    out: PathBuf,
    stage: Rc<RefCell<Stage>>,
    cast: Cast,
    world: World,
    addresses: BTreeMap<String, SocketAddr>,
    started: Instant,
    step: usize,
}

/// Plays the whole story into `out` and judges the bundle at its end.
pub(crate) fn play(out: &Path) -> CliResult {
    let out = std::path::absolute(out).map_err(|error| CliError::file("find", out, &error))?;
    let mut play = Play::set_up(&out)?;
    play.days_with_accidents()?;
    play.fork_and_silence()?;
    let certificate = silence::certificates(&mut play)?;
    let bundle = out.join("bundle");
    play.collect(&bundle)?;
    play.stage.borrow_mut().clear();
    let verdict = crate::command::verdict_of(&bundle, &Forgetful)?;
    folder::write(&out.join("report.html"), render::html(&verdict).as_bytes())?;
    print!("\n{}", render::text(&verdict));
    check(&verdict)?;
    play.after(&bundle, &certificate);
    Ok(Exit::Ok)
}

impl Play {
    fn set_up(out: &Path) -> CliResult<Self> {
        let started = Instant::now();
        let ports = stage::addresses(WITNESSES.len() + LOGS.len() + 1)?;
        let names = WITNESSES.iter().chain(&LOGS).chain(&["monitor"]).map(ToString::to_string);
        let addresses: BTreeMap<String, SocketAddr> = names.zip(ports).collect();
        let witness_addresses: Vec<SocketAddr> =
            WITNESSES.iter().filter_map(|name| addresses.get(*name).copied()).collect();
        let world = World::new(1, &world::spec()?).map_err(CliError::bug)?;
        let parties: Vec<(Name, Mode)> = world.labs().iter().map(|lab| (lab.spec.id.clone(), Mode::Open)).collect();
        let mut cast =
            Cast::assemble_with(&parties, &WITNESSES, out, &|public| world::terms(public, &witness_addresses))?;
        let stage = Rc::new(RefCell::new(Stage::new(out, START_UNIX_SECONDS - 3 * DAY_SECONDS)?));
        let url = |name: &str| addresses.get(name).map(|address| format!("http://{address}"));
        let urls = LOGS.iter().filter_map(|name| Some((Name::new(name).ok()?, url(name)?))).collect();
        cast.witnesses = Cosigners::Away(Box::new(Away { stage: Rc::clone(&stage), urls }));
        let mut play = Self { out: out.to_owned(), stage, cast, world, addresses, started, step: 0 };
        play.start_everybody()?;
        Ok(play)
    }

    fn address(&self, name: &str) -> CliResult<SocketAddr> {
        self.addresses.get(name).copied().ok_or_else(|| CliError::bug(format!("{name} has no address")))
    }

    fn url(&self, name: &str) -> CliResult<String> {
        Ok(format!("http://{}", self.address(name)?))
    }

    fn home(&self, name: &str) -> PathBuf {
        self.out.join("roles").join(name)
    }

    fn terms(&self) -> String {
        self.out.join("agreement.toml").display().to_string()
    }

    /// Says what happens.
    fn say(&mut self, text: &str) {
        self.step += 1;
        println!("{:2}. [{:4.1} s] {text}", self.step, self.started.elapsed().as_secs_f32());
    }

    fn start_everybody(&mut self) -> CliResult<()> {
        for name in WITNESSES.iter().filter(|name| **name != LIAR) {
            let config = self.configure(name, "witness", &[], &[])?;
            let address = self.address(name)?;
            self.stage.borrow_mut().node(name, NodeRole::Witness, &config, address)?;
        }
        let (key, clock) = (self.home(LIAR).join("keys/witness.key"), self.stage.borrow().clock().to_owned());
        let address = self.address(LIAR)?;
        let (key, clock, listen) = (key.display().to_string(), clock.display().to_string(), address.to_string());
        let arguments = ["demo", "liar", "--key", &key, "--listen", &listen, "--clock", &clock];
        self.stage.borrow_mut().start(LIAR, &arguments, address)?;
        for name in LOGS {
            let config = self.configure(name, "log", &[], &[("", "\n[tuning]\ncheckpoint_milliseconds = 100\n")])?;
            let address = self.address(name)?;
            self.stage.borrow_mut().node(name, NodeRole::Log, &config, address)?;
        }
        self.start_monitor()?;
        let logs = LOGS.join(", ");
        self.say(&format!(
            "{} logs ({logs}), {} witnesses and a monitor run. {} cosignatures make a quorum. {LIAR} lies: it cosigns anything and dates it back.",
            LOGS.len(),
            WITNESSES.len(),
            world::QUORUM
        ));
        Ok(())
    }

    fn start_monitor(&mut self) -> CliResult<()> {
        folder::make(&self.home("monitor"))?;
        folder::make(&self.out.join("beacon"))?;
        let mut arguments = Vec::new();
        for name in LOGS {
            arguments.extend(["--log".to_owned(), format!("{name}={}", self.url(name)?)]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let beacon = format!("beacon = {}", toml::Value::from(self.out.join("beacon").display().to_string()));
        let edits = [("# beacon = \"beacon\"", beacon.as_str()), ("poll_seconds = 10", "poll_seconds = 1")];
        let config = self.configure("monitor", "monitor", &arguments, &edits)?;
        let address = self.address("monitor")?;
        self.stage.borrow_mut().node("monitor", NodeRole::Monitor, &config, address)
    }

    /// Has `standstill node init` write a configuration, and changes it: an edit of nothing is added at the end.
    fn configure(&self, name: &str, role: &str, more: &[&str], edits: &[(&str, &str)]) -> CliResult<PathBuf> {
        let (home, terms, listen) =
            (self.home(name).display().to_string(), self.terms(), self.address(name)?.to_string());
        let mut arguments =
            vec!["node", "init", "--role", role, "--home", &home, "--agreement", &terms, "--listen", &listen];
        arguments.extend(more);
        self.expect(&arguments, 0)?;
        let path = self.home(name).join(format!("{role}.toml"));
        let mut text = folder::read_text(&path)?;
        for (from, to) in edits {
            if from.is_empty() {
                text.push_str(to);
            } else {
                text = text.replacen(from, to, 1);
            }
        }
        folder::write(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Runs a command of this program that must end with this exit code; gives what it printed.
    fn expect(&self, arguments: &[&str], exit: i32) -> CliResult<String> {
        let (code, text) = self.stage.borrow().command(arguments)?;
        if code == Some(exit) {
            return Ok(text);
        }
        Err(CliError::bug(format!("standstill {} ended with {code:?} instead of {exit}: {text}", arguments.join(" "))))
    }

    fn days_with_accidents(&mut self) -> CliResult<()> {
        for index in 0..self.world.labs().len() {
            let (fleet, runs) =
                (self.world.labs()[index].fleet().map_err(CliError::bug)?, self.world.labs()[index].runs());
            self.cast.declare(index, &fleet, runs)?;
        }
        self.say("Three labs declare their accelerators and their training runs. Every statement is in its party's log, cosigned by a quorum.");
        self.day(0, &[])?;
        self.say("Day 1: reports, draws, openings and findings, all over the network.");
        self.stage.borrow_mut().kill(ABSENT)?;
        self.day(1, &[])?;
        self.say(&format!(
            "Day 2, while witness {ABSENT} is killed (-9): the other four are enough, even with a liar among them."
        ));
        self.stage.borrow_mut().restart(ABSENT)?;
        let index = self.kill_after_acknowledgement()?;
        self.say(&format!(
            "The log of {HONEST} acknowledges statement {index} and is killed (-9) in the same moment. Started again, it holds the statement at the same index; {ABSENT} is back too."
        ));
        self.day(2, &[])?;
        self.say("Day 3: the slowdown holds from today on; all three labs report.");
        Ok(())
    }

    fn day(&mut self, window: u64, silent: &[&str]) -> CliResult<()> {
        let mut played = Played { bundle: PathBuf::new(), roles: PathBuf::new(), reports: 0, opened: 0, rows: 0 };
        day::play_without(&mut self.cast, &self.world, window, silent, &mut played)?;
        for round in &self.cast.rounds {
            folder::write(&self.out.join("beacon").join(format!("{}.json", round.round)), round.to_json().as_bytes())?;
        }
        Ok(())
    }

    /// Submits a statement, kills the log as soon as it has acknowledged, and submits the same bytes again after the restart.
    fn kill_after_acknowledgement(&mut self) -> CliResult<u64> {
        let now = START_UNIX_SECONDS + 2 * DAY_SECONDS + 20 * 3_600;
        self.stage.borrow_mut().move_clock(now)?;
        let url = self.url(HONEST)?;
        let lab = self.cast.labs.iter_mut().find(|lab| lab.issuer.id.as_str() == HONEST);
        let lab = lab.ok_or_else(|| CliError::bug("nobody is honest"))?;
        lab.heartbeat(2, now)?;
        let log = standstill_tlog::reader::read_log(
            &lab.issuer.home.join("log"),
            lab.issuer.log_key(),
            &standstill_tlog::reader::Limits::default(),
        );
        let statement = log.map_err(CliError::bug)?.entries.pop().unwrap_or_default();
        let mut stage = self.stage.borrow_mut();
        let submitter = standstill_node::client::Submitter::new(stage.http().clone(), &url);
        let first = stage.wait(submitter.statement(&statement)).map_err(crate::network::client_error)?;
        stage.kill(HONEST)?;
        stage.restart(HONEST)?;
        let second = stage.wait(submitter.statement(&statement)).map_err(crate::network::client_error)?;
        drop(stage);
        if first.duplicate || !second.duplicate || first.index != second.index {
            return Err(CliError::bug(format!("an acknowledged statement was lost: {first:?}, then {second:?}")));
        }
        self.cast.witnesses.cosign(&mut lab.issuer, now + 60)?;
        Ok(first.index)
    }

    fn fork_and_silence(&mut self) -> CliResult<()> {
        let told = fork::second_history(self)?;
        self.say(&told);
        silence::wait_for_copy(self, SILENT)?;
        self.stage.borrow_mut().kill(SILENT)?;
        self.day(3, &[SILENT])?;
        self.say(&format!("Day 4: {SILENT} pulls the plug on its log instead of reporting."));
        silence::wait_for_monitor(self)?;
        self.say("Four days later the monitor has handed every log's last checkpoint to the witnesses again, the dead one's too, and holds the fork's evidence.");
        Ok(())
    }

    /// The monitor's bundle, in a place of its own, so that nothing changes it any more.
    fn collect(&self, bundle: &Path) -> CliResult<()> {
        self.stage.borrow_mut().kill("monitor")?;
        folder::copy_tree(&self.home("monitor").join("bundle"), bundle, &|_| true)
    }

    fn after(&self, bundle: &Path, certificate: &Path) {
        let (out, bundle, terms) = (self.out.display(), bundle.display(), self.terms());
        println!(
            "\nPlayed in {:.0} s. The telemetry is generated, the beacon is the demonstration's own, and time was compressed; the rest is real.\n",
            self.started.elapsed().as_secs_f32()
        );
        println!("Check it again (exit code 6, a fork):   standstill verify {bundle}");
        println!("Why, for the honest lab:                standstill explain {bundle} {HONEST}/limit-train");
        println!("The fork's two signatures:              cat {bundle}/alarms/*.note");
        println!(
            "The silence, offline:                   standstill log certificate {} --agreement {terms} --party {SILENT}",
            certificate.display()
        );
        println!(
            "A log from tiles to cosignatures:       standstill log fsck {out}/roles/{HONEST}/log --agreement {terms} --vkey '{}'",
            self.vkey(HONEST)
        );
        println!("What each process said:                 ls {out}/logs");
        println!("Read the report:                        {out}/report.html");
    }

    fn vkey(&self, name: &str) -> String {
        let lab = self.cast.labs.iter().find(|lab| lab.issuer.id.as_str() == name);
        lab.map(|lab| lab.issuer.log_key().to_string()).unwrap_or_default()
    }
}

/// The demonstration fails when the verdict is not the one that happened.
fn check(verdict: &Verdict) -> CliResult<()> {
    let outcome =
        |name: &str| verdict.parties.iter().find(|party| party.party.as_str() == name).map(|party| party.outcome);
    let wanted = [(HONEST, Outcome::Verified), (SILENT, Outcome::Violated), (FORKER, Outcome::ForkSeen)];
    for (name, outcome_wanted) in wanted {
        let found = outcome(name);
        if found != Some(outcome_wanted) {
            return Err(CliError::bug(format!(
                "the verdict on {name} is {found:?}, and {outcome_wanted:?} is what happened"
            )));
        }
    }
    Ok(())
}
