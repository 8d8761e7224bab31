//! The play on the network: every role has a folder, keys and a log of its own, as a process; five witnesses are processes too. All of them
//! read the time from one file.

use super::gates::Desk;
use super::measured::Measurements;
use super::script::{DAY, FOUND, Gates, LABS, LIE_WINDOW, Line, SILENT, SILENT_WINDOW, Theatre};
use super::source::Public;
use super::terms::{self, ROLES};
use crate::args::NodeRole;
use crate::demo::audit_day;
use crate::demo::cast::{Cast, Cosigners};
use crate::demo::day;
use crate::demo::network::publish::Away;
use crate::demo::network::silence::Silence;
use crate::demo::network::stage::{self, Stage};
use crate::demo::world::START_UNIX_SECONDS;
use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::acting::entry_round_of;
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::{AuditorHome, power};
use standstill_agreement::RoleKind;
use standstill_node::client::Submitter;
use standstill_sim::World;
use standstill_statement::{Body, Hash32, Heartbeat, Mode, Name, Outcome};
use standstill_verify::runtime::{Replayed, replay};
use standstill_verify::{Bundle, InMemory, Limits, Options, Verdict, judge};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

const WITNESSES: [&str; 5] = ["w1", "w2", "w3", "w4", "w5"];

/// Everything on stage.
pub(super) struct Live {
    pub(super) out: PathBuf,
    pub(super) stage: Rc<RefCell<Stage>>,
    pub(super) cast: Cast,
    /// The second auditor; the two take turns in the cast's place.
    second: AuditorHome,
    /// Roles that only speak.
    others: BTreeMap<String, Issuer>,
    world: World,
    urls: BTreeMap<Name, String>,
    silent: Vec<String>,
    /// The auditors' own power readings, by lab and window.
    power: BTreeMap<(Name, u64), PathBuf>,
    memory: InMemory,
    pub(super) started: Instant,
    step: usize,
    pub(super) reports: usize,
    pub(super) decisions: usize,
}

impl Live {
    /// Makes everybody and starts all processes but `down` witnesses.
    pub(super) fn set_up(out: &Path, seed: u64, down: usize, measured: &Measurements) -> CliResult<Self> {
        let started = Instant::now();
        let ports = stage::addresses(WITNESSES.len() + LABS.len() + 1 + ROLES.len())?;
        let witness_ports: Vec<SocketAddr> = ports.iter().take(WITNESSES.len()).copied().collect();
        let world = World::new(seed, &terms::spec(START_UNIX_SECONDS)?).map_err(CliError::bug)?;
        let parties: Vec<(Name, Mode)> = world.labs().iter().map(|lab| (lab.spec.id.clone(), Mode::Open)).collect();
        let roles = RefCell::new(Vec::new());
        let mut cast = Cast::assemble_with(&parties, &WITNESSES, out, &|public| {
            roles.replace(make_roles(out)?);
            terms::live(public, &roles.borrow(), &witness_ports)
        })?;
        let text = folder::read_text(&out.join("agreement.toml"))?;
        let home = |id: &str| out.join("roles").join(id);
        let mut others = BTreeMap::new();
        for (id, kind) in ROLES {
            Issuer::join(&home(id), &text)?;
            if kind != RoleKind::Auditor {
                let issuer = Issuer::open(&home(id))?;
                for blob in measured.blobs(id) {
                    issuer.put_blob(blob)?;
                }
                issuer.put_blob(FOUND)?;
                others.insert(id.to_owned(), issuer);
            }
        }
        let second = AuditorHome::open(&home("auditor-2"))?;
        let stage = Rc::new(RefCell::new(Stage::new(out, START_UNIX_SECONDS - 3 * DAY)?));
        let logs = LABS.iter().copied().chain(["auditor"]).chain(ROLES.map(|(id, _)| id));
        let ports: Vec<(&str, SocketAddr)> = logs.zip(ports.into_iter().skip(WITNESSES.len())).collect();
        let url = |(id, port): &(&str, SocketAddr)| Some((Name::new(id).ok()?, format!("http://{port}")));
        let urls: BTreeMap<Name, String> = ports.iter().filter_map(url).collect();
        cast.witnesses = Cosigners::Away(Box::new(Away { stage: Rc::clone(&stage), urls: urls.clone() }));
        let mut live = Self {
            out: out.to_owned(),
            stage,
            cast,
            second,
            others,
            world,
            urls,
            silent: Vec::new(),
            power: BTreeMap::new(),
            memory: InMemory::default(),
            started,
            step: 0,
            reports: 0,
            decisions: 0,
        };
        // Any one may be away; the seed says which.
        let first = usize::try_from(seed % WITNESSES.len() as u64).map_err(CliError::bug)?;
        let awake = (0..WITNESSES.len()).skip(down).map(|place| (place + first) % WITNESSES.len());
        let awake = awake.filter_map(|place| Some((WITNESSES.get(place)?, witness_ports.get(place)?)));
        for (name, address) in awake {
            live.start(name, NodeRole::Witness, "witness", *address)?;
        }
        for (name, address) in &ports {
            live.start(name, NodeRole::Log, "log", *address)?;
        }
        live.tell(&format!(
            "{} logs and {} of {} witnesses run as processes; {} cosignatures make a quorum. Time is a file that all of them read, so that ten days pass in a minute.",
            ports.len(),
            WITNESSES.len() - down,
            WITNESSES.len(),
            terms::QUORUM
        ));
        live.introduce()?;
        Ok(live)
    }

    fn start(&self, name: &str, role: NodeRole, word: &str, address: SocketAddr) -> CliResult<()> {
        let home = self.out.join("roles").join(name);
        let (text, terms, listen) =
            (home.display().to_string(), self.out.join("agreement.toml").display().to_string(), address.to_string());
        let arguments = ["node", "init", "--role", word, "--home", &text, "--agreement", &terms, "--listen", &listen];
        self.expect(&arguments, 0)?;
        let path = home.join(format!("{word}.toml"));
        if word == "log" {
            let tuned = folder::read_text(&path)? + "\n[tuning]\ncheckpoint_milliseconds = 50\n";
            folder::write(&path, tuned.as_bytes())?;
        }
        self.stage.borrow_mut().node(name, role, &path, address)
    }

    /// Runs a command of this program that must end with this exit code; gives what it printed.
    pub(super) fn expect(&self, arguments: &[&str], exit: i32) -> CliResult<String> {
        let (code, text) = self.stage.borrow().command(arguments)?;
        if code == Some(exit) {
            return Ok(text);
        }
        Err(CliError::bug(format!("standstill {} ended with {code:?} instead of {exit}: {text}", arguments.join(" "))))
    }

    /// Labs declare what they have; everybody else says that it is there.
    fn introduce(&mut self) -> CliResult<()> {
        for index in 0..self.world.labs().len() {
            let lab = &self.world.labs()[index];
            let (fleet, runs) = (lab.fleet().map_err(CliError::bug)?, lab.runs());
            self.cast.declare(index, &fleet, runs)?;
        }
        let now = START_UNIX_SECONDS - DAY;
        let speakers: Vec<String> =
            ["auditor"].iter().map(ToString::to_string).chain(ROLES.map(|(id, _)| id.to_owned())).collect();
        for id in speakers {
            self.with(&id, |issuer| issuer.state(Body::Heartbeat(Heartbeat { window: 0 }), now, Vec::new()))?;
            self.cosign(&id, now)?;
        }
        Ok(())
    }

    fn issuer(&mut self, id: &str) -> CliResult<&mut Issuer> {
        let unknown = || CliError::bug(format!("{id} is not on stage"));
        if let Some(lab) = self.cast.labs.iter_mut().find(|lab| lab.issuer.id.as_str() == id) {
            return Ok(&mut lab.issuer);
        }
        match id {
            "auditor" => Ok(&mut self.cast.auditor.issuer),
            "auditor-2" => Ok(&mut self.second.issuer),
            _ => self.others.get_mut(id).ok_or_else(unknown),
        }
    }

    fn with<R>(&mut self, id: &str, act: impl FnOnce(&mut Issuer) -> CliResult<R>) -> CliResult<R> {
        act(self.issuer(id)?)
    }

    fn cosign(&mut self, id: &str, at: u64) -> CliResult<()> {
        let cast = &mut self.cast;
        let issuer = match id {
            "auditor" => &mut cast.auditor.issuer,
            "auditor-2" => &mut self.second.issuer,
            _ => match cast.labs.iter_mut().find(|lab| lab.issuer.id.as_str() == id) {
                Some(lab) => &mut lab.issuer,
                None => self.others.get_mut(id).ok_or_else(|| CliError::bug(format!("{id} is not on stage")))?,
            },
        };
        cast.witnesses.cosign(issuer, at).map(|_| ())
    }

    fn everybody(&self) -> Vec<String> {
        self.urls.keys().map(ToString::to_string).collect()
    }

    /// Hands a log's last head to the witnesses again. Anyone can: it takes no key and no help from the log.
    fn refresh(&mut self, id: &str, at: u64) -> CliResult<()> {
        self.stage.borrow_mut().move_clock(at)?;
        let stage = Rc::clone(&self.stage);
        self.with(id, |issuer| {
            let stage = stage.borrow();
            stage.wait(crate::network::refresh(issuer, stage.http())).map(|_| ())
        })
    }

    fn bundle_now(&self) -> CliResult<Bundle> {
        let homes = self.everybody();
        Bundle::from_source(Box::new(Public::new(&self.out, homes)), Limits::default()).map_err(CliError::bug)
    }

    fn verdict(&self, bundle: &Bundle, at: u64) -> Verdict {
        judge(bundle, &Options { as_of_unix_seconds: Some(at) }, &self.memory)
    }

    fn lab_index(&self, id: &str) -> CliResult<usize> {
        let found = self.cast.labs.iter().position(|lab| lab.issuer.id.as_str() == id);
        found.ok_or_else(|| CliError::bug(format!("there is no lab {id}")))
    }

    fn heard(&self) -> Vec<Name> {
        let labs = self.cast.labs.iter().map(|lab| lab.issuer.id.clone());
        labs.filter(|id| !self.silent.iter().any(|silent| silent == id.as_str())).collect()
    }
}

fn make_roles(out: &Path) -> CliResult<Vec<(PublicHalf, RoleKind)>> {
    let mut made = Vec::new();
    for (id, kind) in ROLES {
        let (home, name) = (out.join("roles").join(id), Name::new(id).map_err(CliError::bug)?);
        let public = match kind {
            RoleKind::Auditor => AuditorHome::create(&home, &name, &mut crate::random::generator()?)?,
            _ => Issuer::create(&home, kind.name(), &name)?,
        };
        made.push((public, kind));
    }
    Ok(made)
}

impl Theatre for Live {
    fn say(&mut self, id: &str, at: u64, line: &Line, again: bool) -> CliResult<Hash32> {
        self.refresh(id, at)?;
        let hash = match line {
            Line::Ratify => self.with(id, |issuer| issuer.ratify(at))?,
            Line::Seal { round, offer } => self.with(id, |issuer| issuer.seal_offer(*round, offer, at))?,
            Line::Open { round } => {
                let index = self.lab_index(id)?;
                let wanted = entry_round_of(&self.cast.labs[index].issuer.agreement, *round)?.beacon_round;
                let beacon = self.cast.beacon.sign(wanted).map_err(CliError::bug)?;
                if !self.cast.rounds.contains(&beacon) {
                    folder::write(&self.out.join(format!("beacon/{wanted}.json")), beacon.to_json().as_bytes())?;
                    self.cast.rounds.push(beacon);
                }
                self.with(id, |issuer| issuer.open_offer(*round, &beacon, at))?
            }
            Line::State(body) => self.with(id, |issuer| issuer.state(body.clone(), at, Vec::new()))?,
        };
        self.cosign(id, at)?;
        if again {
            self.repeat(id)?;
        }
        Ok(hash)
    }

    fn tick(&mut self, at: u64) -> CliResult<()> {
        self.everybody().iter().try_for_each(|id| self.refresh(id, at))
    }

    fn reports(&mut self, window: u64, at: u64) -> CliResult<()> {
        self.tick(at)?;
        let replayed = self.view(at)?;
        for id in self.heard() {
            let index = self.lab_index(id.as_str())?;
            let telemetry = self.out.join("telemetry").join(id.as_str());
            let day = u32::try_from(window).map_err(CliError::bug)?;
            let files = self.world.write_day(&telemetry, index, day).map_err(CliError::unreadable)?;
            self.power.insert((id.clone(), window), files.power.clone());
            let lab = &mut self.cast.labs[index];
            lab.in_force = Some(replayed.timeline.terms_for(&lab.issuer.agreement, &id));
            let (ledger, _) = day::meter(lab, &files, window)?;
            let sources = vec!["dcgm-parquet".to_owned(), "sacct-parsable".to_owned()];
            let published = lab.report(&ledger, sources, at, &mut self.cast.rng)?;
            self.reports += 1;
            if !published.over.is_empty() && window == LIE_WINDOW + 1 {
                let rules: Vec<String> = published.over.iter().map(|over| over.rule.to_string()).collect();
                self.tell(&format!("{id} trains on in the pause. Its report on window {window} has no proof of {}, because none exists.", rules.join(", ")));
            }
            self.cosign(id.as_str(), at)?;
        }
        Ok(())
    }

    fn audits(&mut self, window: u64, end: u64) -> CliResult<()> {
        let (first, second): (Vec<Name>, Vec<Name>) =
            self.heard().into_iter().partition(|id| ["north", "east"].contains(&id.as_str()));
        for (turn, labs) in [first, second].into_iter().enumerate() {
            if turn == 1 {
                std::mem::swap(&mut self.cast.auditor, &mut self.second);
            }
            let done = self.audit(window, end, &labs);
            if turn == 1 {
                std::mem::swap(&mut self.cast.auditor, &mut self.second);
            }
            done?;
        }
        for round in &self.cast.rounds {
            folder::write(&self.out.join(format!("beacon/{}.json", round.round)), round.to_json().as_bytes())?;
        }
        Ok(())
    }

    fn finding(&mut self, party: &str, window: u64) -> CliResult<Option<Hash32>> {
        let index = self.lab_index(party)?;
        let reports = crate::role::reading::reports(self.cast.labs[index].issuer.entries());
        let report = reports.into_iter().find(|(_, report)| report.window == window).map(|(entry, _)| entry.hash);
        let entries = self.second.issuer.entries();
        let challenge = entries.iter().find(|entry| match &entry.statement.body {
            Body::Challenge(challenge) => Some(challenge.report) == report,
            _ => false,
        });
        let wrong = entries.iter().find(|entry| match &entry.statement.body {
            Body::Finding(finding) => {
                Some(finding.challenge) == challenge.map(|entry| entry.hash)
                    && finding.items.iter().any(|item| item.outcome == Outcome::Mismatch)
            }
            _ => false,
        });
        Ok(wrong.map(|entry| entry.hash))
    }

    fn fall_silent(&mut self, party: &str) -> CliResult<()> {
        self.silent.push(party.to_owned());
        self.stage.borrow_mut().kill(party)
    }

    fn view(&mut self, at: u64) -> CliResult<Replayed> {
        self.stage.borrow_mut().move_clock(at)?;
        replay(&self.bundle_now()?, Some(at)).ok_or_else(|| CliError::bug("the terms do not run themselves"))
    }

    fn gates(&mut self, at: u64, expect: Gates) -> CliResult<()> {
        self.tick(at)?;
        let (replayed, bundle) = (self.view(at)?, self.bundle_now()?);
        let verdict = self.verdict(&bundle, at);
        let mut told = Vec::new();
        for id in self.heard() {
            let desk = Desk { out: &self.out, bundle: &bundle, replayed: &replayed, verdict: &verdict, at };
            let asked = desk.prepare(&id)?;
            for (arguments, exit) in asked.commands(expect == Gates::Refuse) {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                told.push(self.expect(&arguments, exit)?);
                self.decisions += 1;
            }
        }
        let first = |text: &String| text.lines().next().unwrap_or_default().to_owned();
        if let (Some(train), Some(serve)) = (told.first().map(first), told.get(1).map(first)) {
            let count = told.len() / 2;
            self.tell(&format!("{count} gates are asked about a Slurm job that trains: \"{train}\" And about one that serves: \"{serve}\""));
        }
        Ok(())
    }

    fn prove_silence(&mut self, by: u64) -> CliResult<()> {
        let copy = self.out.join(format!("{SILENT}-copy"));
        folder::copy_tree(&self.out.join("roles").join(SILENT).join("log"), &copy, &|path| {
            !path.starts_with(".state")
        })?;
        let silence = Silence {
            terms: &self.out.join("agreement.toml"),
            party: SILENT,
            copy: &copy,
            window: SILENT_WINDOW,
            by_unix_seconds: by,
            certificate: &self.out.join(format!("{SILENT}-silent.certificate")),
        };
        let made = silence.prove(|arguments| self.expect(arguments, 0))?;
        self.tell(&format!(
            "Anyone can prove the silence, without {SILENT}: {}",
            made.lines().next().unwrap_or_default()
        ));
        Ok(())
    }

    fn tell(&mut self, text: &str) {
        self.step += 1;
        println!("{:2}. [{:4.1} s] {text}", self.step, self.started.elapsed().as_secs_f32());
    }
}

impl Live {
    fn audit(&mut self, window: u64, end: u64, labs: &[Name]) -> CliResult<()> {
        let mut readings = Vec::new();
        for id in labs {
            let read = self.power.get(&(id.clone(), window));
            let path = read.ok_or_else(|| CliError::bug(format!("nobody metered {id}'s feed in window {window}")))?;
            readings.push(power::read_csv(path, &self.cast.auditor.issuer.agreement)?);
        }
        audit_day::play_with(&mut self.cast, labs, window, end, &readings, &audit_day::SITE).map(|_| ())
    }

    /// Hands the last statement over once more: the log must give it the same place.
    fn repeat(&mut self, id: &str) -> CliResult<()> {
        let name = Name::new(id).map_err(CliError::bug)?;
        let url = self.urls.get(&name).cloned().unwrap_or_default();
        let stage = Rc::clone(&self.stage);
        self.with(id, |issuer| {
            let contents = standstill_tlog::reader::read_log(
                &issuer.home.join("log"),
                issuer.log_key(),
                &standstill_tlog::reader::Limits::default(),
            );
            let last = contents.map_err(CliError::bug)?.entries.pop().unwrap_or_default();
            let stage = stage.borrow();
            let submitter = Submitter::new(stage.http().clone(), &url);
            let accepted = stage.wait(submitter.statement(&last)).map_err(crate::network::client_error)?;
            if accepted.duplicate {
                return Ok(());
            }
            Err(CliError::bug(format!("a repeated statement of {id} got another place")))
        })
    }

    /// Homes of everybody with a log.
    pub(super) fn homes(&self) -> Vec<PathBuf> {
        self.everybody().iter().map(|id| self.out.join("roles").join(id)).collect()
    }
}
