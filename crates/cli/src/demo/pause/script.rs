//! What happens in the pause, as decisions of its roles. It knows no processes, files or network: a [`Theatre`] carries the statements, either
//! real ones on the network or facts in memory, so both play the same story by the same decisions.

use super::measured::{EVALUATORS, Measurements};
use super::terms::EPOCH_HOURS;
use crate::exit::{CliError, CliResult};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use standstill_agreement::runtime::{Rule, Subject};
use standstill_statement::{
    Acknowledgement, Answer, BlobRef, Body, Choice, Commitment, Conclusion, Dispute, Hash32, Inspected,
    InspectionRequest, Matter, Name, Objection, Ruling, RulingOutcome, TriggerRaise, Vote, Withdrawal,
};
use standstill_verify::runtime::Replayed;

pub(super) const LABS: [&str; 4] = ["north", "south", "east", "west"];
/// The lab that reports less than it does.
pub(super) const LIAR: &str = "south";
/// The lab that falls silent.
pub(super) const SILENT: &str = "west";
/// Window that the liar reports wrongly while the slowdown still allows it something.
pub(super) const LIE_WINDOW: u64 = 3;
/// First window that the silent lab does not report.
pub(super) const SILENT_WINDOW: u64 = 5;
/// Windows that are played.
pub(super) const WINDOWS: u64 = 10;

pub(super) const HOUR: u64 = 3_600;
pub(super) const DAY: u64 = 24 * HOUR;
/// Longest delay of a message, in seconds.
const LATEST: u64 = 15 * 60;

/// Where the story is played.
pub(super) trait Theatre {
    /// Makes a statement public at a time: when this returns, a quorum has cosigned it. `again` hands the same bytes over twice.
    fn say(&mut self, issuer: &str, at: u64, line: &Line, again: bool) -> CliResult<Hash32>;
    /// Every log's last head is cosigned once more, so that what it does not hold is known not to be public.
    fn tick(&mut self, at: u64) -> CliResult<()>;
    /// The labs report on a window that is over.
    fn reports(&mut self, window: u64, at: u64) -> CliResult<()>;
    /// The auditors draw from those reports, the labs answer, the auditors find.
    fn audits(&mut self, window: u64, end: u64) -> CliResult<()>;
    /// The finding that a report of a lab is wrong, in the log of this auditor.
    fn finding(&mut self, party: &str, window: u64) -> CliResult<Option<Hash32>>;
    /// A lab's log goes away for good.
    fn fall_silent(&mut self, party: &str) -> CliResult<()>;
    /// What follows from everything that is public at a time.
    fn view(&mut self, at: u64) -> CliResult<Replayed>;
    /// Asks every lab's gate about a job that trains and one that serves.
    fn gates(&mut self, at: u64, expect: Gates) -> CliResult<()>;
    /// Proves that the silent lab published no report.
    fn prove_silence(&mut self, by: u64) -> CliResult<()>;
    /// For people.
    fn tell(&mut self, text: &str);
}

/// What a gate must say to a job that trains; one that serves always starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gates {
    Allow,
    Refuse,
}

/// What somebody says.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "at most four are there at once")]
pub(super) enum Line {
    Ratify,
    Seal { round: u32, offer: Commitment },
    Open { round: u32 },
    State(Body),
}

/// Delays, repetitions and the order of messages, from a seed.
pub(super) struct Weather {
    rng: Option<ChaCha20Rng>,
}

impl Weather {
    /// Calm without a seed.
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self { rng: seed.map(ChaCha20Rng::seed_from_u64) }
    }

    fn delay(&mut self) -> u64 {
        self.rng.as_mut().map_or(0, |rng| rng.next_u64() % LATEST)
    }

    fn again(&mut self) -> bool {
        self.rng.as_mut().is_some_and(|rng| rng.next_u64().is_multiple_of(3))
    }
}

/// The story, told to a theatre.
pub(super) struct Script<'t, T> {
    pub(super) theatre: &'t mut T,
    pub(super) weather: Weather,
    pub(super) start: u64,
    pub(super) measured: &'t Measurements,
}

fn name(text: &str) -> CliResult<Name> {
    Name::new(text).map_err(CliError::bug)
}

impl<T: Theatre> Script<'_, T> {
    /// Plays everything and gives what follows at the end.
    pub(super) fn play(&mut self) -> CliResult<Replayed> {
        self.commit()?;
        self.slow()?;
        self.pause()?;
        self.find_out()?;
        self.silence()?;
        self.resume()?;
        self.day(WINDOWS, |_| Ok(()))?;
        let end = self.at(WINDOWS, 20);
        self.theatre.tick(end)?;
        self.theatre.view(end)
    }

    fn at(&self, day: u64, hour: u64) -> u64 {
        self.start + day * DAY + hour * HOUR
    }

    /// Several statements at about one time: each is late by what the weather says, so they come in another order than they were made.
    fn together(&mut self, at: u64, lines: Vec<(&str, Line)>) -> CliResult<Vec<Hash32>> {
        let mut order: Vec<(u64, usize)> = (0..lines.len()).map(|index| (self.weather.delay(), index)).collect();
        order.sort_unstable();
        let mut hashes = vec![Hash32::default(); lines.len()];
        for (place, (delay, index)) in order.into_iter().enumerate() {
            let (issuer, line) = &lines[index];
            let again = self.weather.again();
            hashes[index] = self.theatre.say(issuer, at + delay + place as u64, line, again)?;
        }
        Ok(hashes)
    }

    fn one(&mut self, at: u64, issuer: &str, body: Body) -> CliResult<Hash32> {
        let hashes = self.together(at, vec![(issuer, Line::State(body))])?;
        Ok(hashes.first().copied().unwrap_or_default())
    }

    /// Morning and evening of a day: reports on the day before, whatever happens in between, and the audits of those reports.
    fn day(&mut self, day: u64, between: impl FnOnce(&mut Self) -> CliResult<()>) -> CliResult<()> {
        self.theatre.reports(day - 1, self.at(day, 2))?;
        between(self)?;
        self.theatre.audits(day - 1, self.at(day, 0))
    }

    fn expect(&mut self, at: u64, parties: &[&str], phase: &str) -> CliResult<Replayed> {
        let seen = self.theatre.view(at)?;
        for party in parties {
            let found = seen.status.parties.iter().find(|status| status.party.as_str() == *party);
            let word = found.map_or("nobody", |status| status.phase.as_str());
            if word != phase {
                return Err(CliError::bug(format!("{party} is {word} at {at}, and {phase} is what should have come")));
            }
        }
        Ok(seen)
    }

    fn commit(&mut self) -> CliResult<()> {
        let (ratify, seal) = (self.at(0, 6), self.at(0, 12));
        self.together(ratify, LABS.map(|lab| (lab, Line::Ratify)).to_vec())?;
        let offer = offer(self.start);
        self.together(seal, LABS.map(|lab| (lab, Line::Seal { round: 0, offer: offer.clone() })).to_vec())?;
        self.theatre.tell("Four labs ratify and seal their offers. Nobody can see who binds itself, or change what it has sealed. Their conditions in the terms differ: north wants two others and south, south two others with 40 % of the compute, east others with 60 %, west all three others.");
        let open = self.at(1, 1);
        self.together(open, LABS.map(|lab| (lab, Line::Open { round: 0 })).to_vec())?;
        self.day(1, |script| {
            let seen = script.expect(script.at(1, 8), &LABS, "notice")?;
            let bound = seen.status.parties.iter().filter(|party| party.bound).count();
            script.theatre.tell(&format!("The beacon closes the seals and all four open. The greatest set whose conditions hold is computed by everybody alike: {bound} of 4 are bound. Duties begin after twelve hours of notice."));
            Ok(())
        })
    }

    /// Both evaluators sign what they measured.
    fn measure(&mut self, at: u64, step: usize) -> CliResult<Vec<Hash32>> {
        let mut lines = Vec::new();
        for evaluator in EVALUATORS {
            let signal = self.measured.of(evaluator, step)?.signal.clone();
            lines.push((evaluator, Line::State(Body::Signal(signal))));
        }
        self.together(at, lines)
    }

    fn raise(&mut self, at: u64, by: &str, trigger: &str, mut evidence: Vec<Hash32>) -> CliResult<Hash32> {
        evidence.sort();
        let trigger = name(trigger)?;
        self.one(at, by, Body::Raise(TriggerRaise { trigger, evidence }))
    }

    fn acknowledge(&mut self, at: u64, phase: &str, cause: Hash32) -> CliResult<()> {
        let body = Body::Acknowledgement(Acknowledgement { phase: name(phase)?, cause });
        self.together(at, LABS.map(|lab| (lab, Line::State(body.clone()))).to_vec()).map(|_| ())
    }

    fn slow(&mut self) -> CliResult<()> {
        self.day(2, |script| {
            script.expect(script.at(2, 3), &LABS, "active")?;
            script.theatre.gates(script.at(2, 4), Gates::Allow)?;
            script.theatre.tell("The agreement is in force and nothing is slowed: every gate lets a declared training job of eight accelerators start.");
            let evidence = script.measure(script.at(2, 8), 0)?;
            let raise = script.raise(script.at(2, 9), "north", "horizon", evidence)?;
            script.expect(script.at(2, 10), &LABS, "slowed")?;
            script.acknowledge(script.at(2, 11), "slowed", raise)?;
            let figures = script.measured.words(0)?;
            script.theatre.tell(&format!("Two evaluators measure time horizons of {figures}, each from its own runs of a made-up system. The trigger 'horizon' says 40: north raises it with both signatures as evidence, and all four are slowed to half of their baseline."));
            Ok(())
        })
    }

    fn pause(&mut self) -> CliResult<()> {
        self.day(3, |script| {
            let evidence = script.measure(script.at(3, 8), 1)?;
            let raise = script.raise(script.at(3, 9), "evaluator-1", "rsi", evidence)?;
            script.expect(script.at(3, 10), &LABS, "paused")?;
            script.acknowledge(script.at(3, 11), "paused", raise)?;
            let figures = script.measured.words(1)?;
            script.theatre.tell(&format!("A day later there is a stronger system: {figures}. The trigger 'rsi' says 167: training is paused. Running work has six hours to wind down."));
            script.theatre.gates(script.at(3, 12), Gates::Refuse)
        })
    }

    fn find_out(&mut self) -> CliResult<()> {
        self.day(4, |_| Ok(()))?;
        let finding = self.theatre.finding(LIAR, LIE_WINDOW)?;
        let finding = finding.ok_or_else(|| CliError::bug("the audit did not find the wrong report"))?;
        self.theatre.tell(&format!("The draw opens {LIAR}'s report on window {LIE_WINDOW}. It accounts for less energy than the auditor's own meter on the feed saw: a mismatch, signed and logged."));
        let dispute = |respondent: &str, reason: &str, evidence, text: &str| -> CliResult<Body> {
            Ok(Body::Dispute(Dispute {
                respondent: name(respondent)?,
                reason: name(reason)?,
                evidence: vec![evidence],
                text: text.to_owned(),
            }))
        };
        let case = self.one(
            self.at(4, 20),
            "auditor-2",
            dispute(
                LIAR,
                "power-mismatch",
                finding,
                "The independent meter saw more energy than the report accounts for.",
            )?,
        )?;
        let grudge = self.one(self.at(4, 21), SILENT, dispute("north", "rumour", finding, "Somebody said so.")?)?;
        self.day(5, |script| script.adjudicate(case, grudge))?;
        self.convict(case)
    }

    fn adjudicate(&mut self, case: Hash32, grudge: Hash32) -> CliResult<()> {
        let rule =
            |case, outcome, text: &str| Line::State(Body::Ruling(Ruling { case, outcome, text: text.to_owned() }));
        let rulings = vec![
            ("board", rule(case, RulingOutcome::Reviewed, "A signed finding: the lab is asked.")),
            ("board", rule(grudge, RulingOutcome::Dismissed, "No evidence against this lab.")),
        ];
        self.together(self.at(5, 3), rulings)?;
        let answer = Answer {
            question: case,
            text: "A sensor was replaced.".to_owned(),
            evidence: Vec::new(),
            attachment: None,
        };
        self.one(self.at(5, 8), LIAR, Body::Answer(answer))?;
        self.together(
            self.at(5, 11),
            vec![("board", rule(case, RulingOutcome::Violation, "A sensor does not explain every group of a window."))],
        )?;
        Ok(())
    }

    fn convict(&mut self, case: Hash32) -> CliResult<()> {
        let vote = Body::Vote(Vote { matter: Matter::Violation, subject: case, epoch: 0, choice: Choice::Yes });
        let voters = LABS.iter().filter(|lab| **lab != LIAR).map(|lab| (*lab, Line::State(vote.clone())));
        self.together(self.at(5, 19), voters.collect())?;
        let seen = self.theatre.view(self.at(5, 20))?;
        let over = seen.status.cases.iter().find(|status| status.case == case).map(|status| status.stage);
        if over != Some("violation") {
            return Err(CliError::bug(format!("the case against {LIAR} is at {over:?}")));
        }
        self.theatre.tell(&format!("The second auditor opens a case. The board finds merit and asks; {LIAR} answers that a sensor was replaced; the board rules against it, and two votes of the other three make it a violation. {SILENT}'s own case against north has no evidence, is dismissed, and costs it a token."));
        Ok(())
    }

    fn silence(&mut self) -> CliResult<()> {
        self.theatre.fall_silent(SILENT)?;
        self.day(6, |script| {
            let reason = "The others hold us to a sensor.".to_owned();
            script.one(script.at(6, 7), LIAR, Body::Withdrawal(Withdrawal { reason }))?;
            script.theatre.tell(&format!(
                "{LIAR} gives notice of withdrawal. Its limits and reports bind it for three more days."
            ));
            Ok(())
        })?;
        let (deadline, now) = (self.at(SILENT_WINDOW + 1, 12), self.at(6, 20));
        self.theatre.tick(now)?;
        let seen = self.theatre.view(now)?;
        let silent = seen.status.parties.iter().find(|party| party.party.as_str() == SILENT);
        if silent.is_none_or(|party| party.missing_reports != [SILENT_WINDOW] || party.verified) {
            return Err(CliError::bug(format!("nobody noticed that {SILENT} is silent")));
        }
        self.theatre.tell(&format!("{SILENT} pulls the plug on its log. Its report on window {SILENT_WINDOW} is missing, and it no longer counts as verified for the others."));
        self.theatre.prove_silence(deadline)
    }

    fn lift(&mut self, at: u64, trigger: &str) -> CliResult<()> {
        let seen = self.theatre.view(at)?;
        let votes = seen.timeline.state.open_lift_votes();
        let open = votes.iter().find(|vote| vote.trigger.as_str() == trigger && vote.opens_unix_seconds <= at);
        let open = open.ok_or_else(|| CliError::bug(format!("no vote to lift '{trigger}' is open")))?;
        // A vote that arrives after its epoch counts for nothing, so nobody begins one shortly before its end.
        if at + LATEST + HOUR > open.closes_unix_seconds {
            return Err(CliError::bug(format!("the epoch of {EPOCH_HOURS} hours is nearly over")));
        }
        let vote =
            Body::Vote(Vote { matter: Matter::Lift, subject: open.raise, epoch: open.epoch, choice: Choice::Yes });
        let voters = LABS.iter().filter(|lab| **lab != SILENT).map(|lab| (*lab, Line::State(vote.clone())));
        self.together(at, voters.collect()).map(|_| ())
    }

    fn resume(&mut self) -> CliResult<()> {
        self.day(7, |script| {
            script.lift(script.at(7, 10), "rsi")?;
            script.expect(script.at(7, 11), &["north", "east"], "resuming-1")?;
            script.theatre.tell("North, east and south vote to lift 'rsi': three of four, the quorum of resumption. The way back has steps: at most a quarter of the baseline for a day.");
            script.theatre.gates(script.at(7, 12), Gates::Allow)
        })?;
        self.day(8, |script| {
            script.expect(script.at(8, 12), &["north", "east"], "resuming-2")?;
            script.theatre.tell("Then half of it for another day.");
            Ok(())
        })?;
        self.day(9, |script| {
            let request = script.inspect()?;
            script.expect(script.at(9, 11), &["north", "east"], "slowed")?;
            script.lift(script.at(9, 11), "horizon")?;
            script.expect(script.at(9, 12), &["north", "east"], "active")?;
            script.theatre.gates(script.at(9, 12), Gates::Allow)?;
            script.theatre.tell(
                "The milder trigger still held them slowed; a vote lifts that one too, and the gates are open again.",
            );
            script.conclude(request)
        })
    }

    /// An inspection that one objection of three does not stop, in the middle of which the notice of the inspected lab runs out.
    fn inspect(&mut self) -> CliResult<Hash32> {
        let text = "The halls of the sites that it declared.".to_owned();
        let request = Body::Inspection(InspectionRequest { party: name(LIAR)?, case: None, text });
        let request = self.one(self.at(9, 3), "auditor-2", request)?;
        let text = "Whoever is next would have nothing left to hide.".to_owned();
        self.one(self.at(9, 4), "east", Body::Objection(Objection { request, text }))?;
        let seen = self.theatre.view(self.at(9, 5))?;
        let open = seen.status.inspections.iter().find(|open| open.request == request);
        let (given, needed) = open.map_or((0, 0), |open| (open.objections.len(), open.objections_needed));
        if open.is_none_or(|open| open.stage != "objecting") || (given, needed) != (1, 3) {
            return Err(CliError::bug(format!("{given} of {needed} objections are there, and 1 of 3 should be")));
        }
        let seen = self.theatre.view(self.at(9, 10))?;
        let open = seen.status.inspections.iter().find(|open| open.request == request).map(|open| open.stage);
        let liar = Subject::Party(name(LIAR)?);
        let left = seen.timeline.transitions.iter().rev().find(|change| change.subject == liar);
        if open != Some("access") || left.is_none_or(|change| change.to != "held") {
            return Err(CliError::bug(format!("the inspection is at {open:?}, and {LIAR} at {left:?}")));
        }
        self.theatre.tell(&format!("The second auditor asks to see {LIAR}'s halls. Inspections go ahead unless three quarters of the others object: east does, two more would be needed, and six hours later the doors are open. {LIAR}'s notice runs out in the middle of it. Nobody leaves an open inspection, so its withdrawal is held."));
        Ok(request)
    }

    fn conclude(&mut self, request: Hash32) -> CliResult<()> {
        let conclusion = Conclusion { request, outcome: Inspected::NoIndication, report: BlobRef::of(FOUND) };
        self.one(self.at(9, 13), "inspector", Body::Conclusion(conclusion))?;
        let seen = self.expect(self.at(9, 14), &[LIAR], "withdrawn")?;
        let ended = seen
            .timeline
            .transitions
            .iter()
            .find(|change| change.subject == Subject::Inspection(request) && change.rule == Rule::Concluded);
        if ended.is_none_or(|change| change.to != "no-indication") || !seen.status.inspections.is_empty() {
            return Err(CliError::bug(format!("the inspection ended as {ended:?}")));
        }
        self.theatre.tell(&format!("The inspector finds no further breach in the halls. That closes the inspection, and in the same second {LIAR} is out; the violation stays on its record, and it still reports on the day on which it left."));
        Ok(())
    }
}

/// What every lab offers: the condition that the terms have for it.
pub(super) const fn offer(start: u64) -> Commitment {
    Commitment { condition: None, valid_until_unix_seconds: start + 3 * DAY }
}

/// The inspector's report, as far as this demonstration has one.
pub(super) const FOUND: &[u8] = b"A demonstration: nobody went anywhere.\n";
