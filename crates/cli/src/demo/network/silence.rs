//! Proving that somebody said nothing, without that somebody.

use super::{DAY_SECONDS, FORKER, HONEST, LOGS, Play, SILENT, world};
use crate::demo::world::START_UNIX_SECONDS;
use crate::exit::{CliError, CliResult};
use crate::folder;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for the monitor.
const WAIT: Duration = Duration::from_secs(30);

/// Moves the clock past the last deadline and waits until the monitor has fresh cosignatures of every log and the fork's evidence.
pub(super) fn wait_for_monitor(play: &mut Play) -> CliResult<()> {
    let now = START_UNIX_SECONDS + (world::DAYS + 4) * DAY_SECONDS;
    play.stage.borrow_mut().move_clock(now)?;
    let url = play.url("monitor")?;
    let started = Instant::now();
    loop {
        let (health, alarms) = (page(play, &format!("{url}/health"))?, page(play, &format!("{url}/alarms"))?);
        let fresh = LOGS
            .iter()
            .all(|name| health["logs"][name]["quorum_since"].as_u64().is_some_and(|since| since >= now - 3_600));
        let named = |finding: &Value| finding["kind"] == "fork" && finding["issuer"] == FORKER;
        let forked = alarms["findings"].as_array().is_some_and(|findings| findings.iter().any(named));
        // Two further rounds, so that the bundle on disk is of what the pages show.
        let rounds = health["rounds"].as_u64().unwrap_or(0);
        if fresh && forked && health["last_round_unix_seconds"].as_u64() == Some(now) {
            return until_round(play, &url, rounds + 2);
        }
        if started.elapsed() > WAIT {
            return Err(CliError::bug(format!("the monitor does not see what happened: {health} {alarms}")));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Waits until the monitor holds everything that a lab has published: what nobody else has read dies with its log.
pub(super) fn wait_for_copy(play: &Play, name: &str) -> CliResult<()> {
    let lab = play.cast.labs.iter().find(|lab| lab.issuer.id.as_str() == name);
    let size = lab.map_or(0, |lab| lab.issuer.entries().len() as u64);
    let (url, started) = (play.url("monitor")?, Instant::now());
    loop {
        let health = page(play, &format!("{url}/health"))?;
        if health["logs"][name]["size"].as_u64().is_some_and(|held| held >= size) {
            return until_round(play, &url, health["rounds"].as_u64().unwrap_or(0) + 1);
        }
        if started.elapsed() > WAIT {
            return Err(CliError::bug(format!("the monitor does not follow {name}: {health}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn until_round(play: &Play, url: &str, round: u64) -> CliResult<()> {
    let started = Instant::now();
    while page(play, &format!("{url}/health"))?["rounds"].as_u64().unwrap_or(0) < round {
        if started.elapsed() > WAIT {
            return Err(CliError::bug("the monitor makes no more rounds"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A JSON page; `/health` says 503 when a log forked, which is no error here.
fn page(play: &Play, url: &str) -> CliResult<Value> {
    let stage = play.stage.borrow();
    let answer = stage.wait(stage.http().look(url, 1 << 24)).map_err(crate::network::client_error)?;
    serde_json::from_slice(&answer.body).map_err(|error| CliError::bug(format!("{url}: {error}")))
}

/// A party said nothing on a window by a moment: what anybody needs to prove it from a copy of its log.
pub(in crate::demo) struct Silence<'a> {
    pub(in crate::demo) terms: &'a Path,
    pub(in crate::demo) party: &'a str,
    pub(in crate::demo) copy: &'a Path,
    pub(in crate::demo) window: u64,
    pub(in crate::demo) by_unix_seconds: u64,
    pub(in crate::demo) certificate: &'a Path,
}

impl Silence<'_> {
    /// Makes the certificate and checks it, with commands that `run` must see end well; gives what the first printed.
    pub(in crate::demo) fn prove(&self, mut run: impl FnMut(&[&str]) -> CliResult<String>) -> CliResult<String> {
        let [terms, copy, certificate] =
            [self.terms, self.copy, self.certificate].map(|path| path.display().to_string());
        let (by, question) = (self.by_unix_seconds.to_string(), format!("kind=report window={}", self.window));
        let of = ["--agreement", &terms, "--party", self.party];
        let about = ["--copy", &copy, "--question", &question, "--by", &by, "--out", &certificate];
        let made = run(&[&["log", "absence"][..], &of, &about].concat())?;
        run(&[&["log", "certificate", &certificate][..], &of].concat())?;
        Ok(made)
    }
}

/// Somebody with no key and no log makes both certificates from public bytes; gives the one about silence.
pub(super) fn certificates(play: &mut Play) -> CliResult<PathBuf> {
    let terms = play.terms();
    let copy = play.out.join(format!("{SILENT}-copy"));
    folder::copy_tree(&play.home("monitor").join("bundle/logs").join(SILENT), &copy, &|_| true)?;
    let (silence, speech) =
        (play.out.join(format!("{SILENT}-silent.certificate")), play.out.join(format!("{HONEST}-report.certificate")));
    let proof = Silence {
        terms: Path::new(&terms),
        party: SILENT,
        copy: &copy,
        window: world::DAYS - 1,
        by_unix_seconds: START_UNIX_SECONDS + world::DAYS * DAY_SECONDS + DAY_SECONDS / 2,
        certificate: &silence,
    };
    let deadline = proof.by_unix_seconds.to_string();
    let made = proof.prove(|arguments| play.expect(arguments, 0))?;
    let speech_text = speech.display().to_string();
    play.say(&format!(
        "Anyone can prove the silence, offline and for ever: {}",
        made.lines().next().unwrap_or_default()
    ));
    let (index, url) = (report_index(play)?, play.url(HONEST)?);
    let own = play.out.join(format!("{HONEST}-copy")).display().to_string();
    let made = play.expect(
        &[
            "log",
            "published",
            "--agreement",
            &terms,
            "--party",
            HONEST,
            "--url",
            &url,
            "--copy",
            &own,
            "--index",
            &index,
            "--by",
            &deadline,
            "--out",
            &speech_text,
        ],
        0,
    )?;
    play.expect(&["log", "certificate", &speech_text, "--agreement", &terms, "--party", HONEST], 0)?;
    play.say(&format!("And the opposite for the honest lab: {}", made.lines().next().unwrap_or_default()));
    Ok(silence)
}

/// Where the monitor's index says that the honest lab's last report is.
fn report_index(play: &Play) -> CliResult<String> {
    let url = format!("{}/index?issuer={HONEST}&kind=report&window={}", play.url("monitor")?, world::DAYS - 1);
    let found = page(play, &url)?;
    let index = found["lines"][0]["index"].as_u64();
    index
        .map(|index| index.to_string())
        .ok_or_else(|| CliError::bug(format!("the monitor's index has no such report: {found}")))
}
