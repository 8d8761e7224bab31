//! The same play without processes: statements are facts with the times at which five simulated witnesses would have cosigned them. One of
//! the witnesses lies and dates everything back. Many seeds can be played in the time that one live play takes.

use super::measured::Measurements;
use super::script::{DAY, Gates, HOUR, LABS, LIAR, Line, SILENT, Script, Theatre, WINDOWS, Weather};
use super::terms::{self, QUORUM};
use crate::exit::{CliError, CliResult};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use standstill_agreement::Agreement;
use standstill_agreement::runtime::{Fact, Facts, Machine, Timeline, replay_with};
use standstill_statement::{
    BlobRef, Body, CommitmentOpening, CommitmentSeal, Hash32, Heartbeat, Mode, Name, Ratification, Report,
};
use standstill_verify::runtime::Replayed;
use std::collections::BTreeMap;

const WITNESSES: usize = 5;
/// How far the lying witness dates back, in seconds.
const BACK: u64 = 30 * DAY;

/// Facts under construction.
pub(super) struct Simulated<'t> {
    terms: &'t Agreement,
    machine: Machine<'t>,
    rng: ChaCha20Rng,
    /// Witnesses that are away.
    down: usize,
    facts: Facts,
    next: BTreeMap<Name, u64>,
    /// Last time at which a quorum cosigned each log's head.
    seen: BTreeMap<Name, u64>,
    silent: Vec<String>,
}

/// What came of one seed.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) timeline: Hash32,
    pub(super) transitions: usize,
    pub(super) statements: usize,
}

/// Plays one seed and checks that everybody sees the same.
pub(super) fn play(seed: u64, down: usize, measured: &Measurements) -> CliResult<Played> {
    let terms = terms::simulated()?;
    let machine = Machine::new(&terms).ok_or_else(|| CliError::bug("the terms do not run themselves"))?;
    let mut theatre = Simulated {
        terms: &terms,
        machine,
        rng: ChaCha20Rng::seed_from_u64(seed ^ 0x5eed_0000_0000_0000),
        down,
        facts: Facts::default(),
        next: BTreeMap::new(),
        seen: BTreeMap::new(),
        silent: Vec::new(),
    };
    theatre.introduce()?;
    let start = terms.start_unix_seconds;
    let end = Script { theatre: &mut theatre, weather: Weather::new(Some(seed)), start, measured }.play()?;
    theatre.check(&end.timeline)?;
    Ok(Played {
        timeline: end.timeline.hash(),
        transitions: end.timeline.transitions.len(),
        statements: theatre.facts.statements.len(),
    })
}

impl Simulated<'_> {
    fn issuers(&self) -> Vec<Name> {
        let parties = self.terms.parties.iter().map(|party| party.id.clone());
        parties.chain(self.terms.roles.iter().map(|role| role.id.clone())).collect()
    }

    fn introduce(&mut self) -> CliResult<()> {
        let at = self.terms.start_unix_seconds - DAY;
        for id in self.issuers() {
            self.publish(&id, at, Body::Heartbeat(Heartbeat { window: 0 }))?;
        }
        Ok(())
    }

    /// Time at which a quorum had cosigned what was handed over at a time: honest witnesses take up to some seconds, the liar dates back.
    fn quorum_time(&mut self, at: u64) -> CliResult<u64> {
        let mut times: Vec<u64> = (0..WITNESSES).skip(self.down).map(|_| at + self.rng.next_u64() % 5).collect();
        if let Some(liar) = times.last_mut() {
            *liar = at.saturating_sub(BACK);
        }
        times.sort_unstable();
        times.get(QUORUM - 1).copied().ok_or_else(|| CliError::usage("too many witnesses are down for a quorum"))
    }

    fn publish(&mut self, id: &Name, at: u64, body: Body) -> CliResult<Hash32> {
        let published = self.quorum_time(at)?;
        let index = *self.next.entry(id.clone()).and_modify(|next| *next += 1).or_insert(0);
        let statement = Hash32::of(format!("{} {id} {index} {body:?}", self.machine.agreement_id()).as_bytes());
        // Its log's last head was cosigned once more just before; that is the latest moment at which it was not public.
        let not_before = if index == 0 { 0 } else { published };
        self.facts.statements.push(Fact {
            agreement: self.machine.agreement_id(),
            issuer: id.clone(),
            index,
            statement,
            published_unix_seconds: published,
            not_before_unix_seconds: not_before,
            body,
        });
        self.seen.insert(id.clone(), published);
        Ok(statement)
    }

    fn salt(party: &Name) -> Hash32 {
        Hash32::of(format!("salt of {party}").as_bytes())
    }

    fn randomness(round: u64) -> Hash32 {
        Hash32::of(format!("round {round}").as_bytes())
    }

    fn line(&mut self, id: &Name, line: &Line) -> CliResult<Body> {
        let agreement = self.machine.agreement_id();
        Ok(match line {
            Line::Ratify => Body::Ratification(Ratification { witnesses: Hash32::of(self.terms.witnesses.as_bytes()) }),
            Line::Seal { round, offer } => {
                let seal = offer.seal(&agreement, id, &Self::salt(id)).map_err(CliError::bug)?;
                Body::Commitment(CommitmentSeal { entry_round: *round, seal })
            }
            Line::Open { round } => {
                let known = self.machine.entry_round(*round).ok_or_else(|| CliError::bug("no such round"))?;
                let sealed = self.facts.statements.iter().find(|fact| {
                    fact.issuer == *id && matches!(&fact.body, Body::Commitment(seal) if seal.entry_round == *round)
                });
                let sealed = sealed.ok_or_else(|| CliError::bug("nothing was sealed"))?;
                let randomness = Self::randomness(known.beacon_round);
                self.facts.beacon.insert(known.beacon_round, randomness);
                Body::Opening(CommitmentOpening {
                    commitment: sealed.statement,
                    offer: super::script::offer(self.terms.start_unix_seconds),
                    salt: Self::salt(id),
                    beacon_round: known.beacon_round,
                    randomness,
                })
            }
            Line::State(body) => body.clone(),
        })
    }

    /// The same facts as another observer has them: in another order, some of them twice.
    fn as_another_has_them(&mut self, facts: &Facts) -> Facts {
        let mut other = facts.clone();
        let copies: Vec<Fact> =
            facts.statements.iter().filter(|_| self.rng.next_u64().is_multiple_of(4)).cloned().collect();
        other.statements.extend(copies);
        for place in (1..other.statements.len()).rev() {
            let with = usize::try_from(self.rng.next_u64() % (place as u64 + 1)).unwrap_or(0);
            other.statements.swap(place, with);
        }
        other
    }

    /// What somebody knows who has seen nothing later than a moment.
    fn until(&self, moment: u64) -> Facts {
        let mut known = self.facts.clone();
        known.statements.retain(|fact| fact.published_unix_seconds <= moment);
        known.shown_until = self.issuers().into_iter().map(|id| (id, moment.saturating_sub(1))).collect();
        known
    }

    /// Everybody gets the same timeline, whatever the order; what an earlier observer calls decided stays so; nobody is bound who did not say
    /// so; and the pause was lifted only with its quorum.
    fn check(&mut self, end: &Timeline) -> CliResult<()> {
        let whole = self.shown(end.as_of_unix_seconds);
        let machine = self.machine.clone();
        for _ in 0..3 {
            let other = self.as_another_has_them(&whole);
            if replay_with(&machine, &other, end.as_of_unix_seconds).hash() != end.hash() {
                return Err(CliError::bug("two observers of the same facts see two timelines"));
            }
        }
        // Two observers with a part each, who then meet.
        let (mut one, mut two) = (whole.clone(), whole.clone());
        one.statements.retain(|fact| fact.index % 3 != 0);
        two.statements.retain(|fact| fact.index % 3 == 0 || fact.index % 2 == 0);
        two.merge(&one);
        if replay_with(&machine, &two, end.as_of_unix_seconds).hash() != end.hash() {
            return Err(CliError::bug("two observers who exchanged what they knew see two timelines"));
        }
        for _ in 0..8 {
            let moment = self.terms.start_unix_seconds + self.rng.next_u64() % (WINDOWS * DAY);
            let early = replay_with(&machine, &self.until(moment), moment);
            let decided: Vec<_> = early.transitions.iter().filter(|transition| transition.decided).collect();
            let stays = decided.iter().zip(&end.transitions).all(|(a, b)| {
                (a.at_unix_seconds, &a.subject, &a.to, &a.causes) == (b.at_unix_seconds, &b.subject, &b.to, &b.causes)
            });
            if !stays {
                return Err(CliError::bug(format!("what was decided at {moment} is no longer so at the end")));
            }
        }
        let bound = end.state.bound();
        let left = bound.iter().any(|party| party.as_str() == LIAR);
        if left || bound.len() + 1 != LABS.len() || end.settled_until_unix_seconds + 1 < end.as_of_unix_seconds {
            let settled = end.settled_until_unix_seconds;
            return Err(CliError::bug(format!(
                "at the end {bound:?} are bound, settled until {settled}: {:?}",
                end.unsettled
            )));
        }
        Ok(())
    }

    fn shown(&self, at: u64) -> Facts {
        let mut facts = self.facts.clone();
        facts.statements.retain(|fact| fact.published_unix_seconds <= at);
        facts.shown_until = self.seen.iter().map(|(id, until)| (id.clone(), until.saturating_sub(1))).collect();
        facts
    }
}

impl Theatre for Simulated<'_> {
    fn say(&mut self, issuer: &str, at: u64, line: &Line, again: bool) -> CliResult<Hash32> {
        let id = Name::new(issuer).map_err(CliError::bug)?;
        let body = self.line(&id, line)?;
        let hash = self.publish(&id, at, body)?;
        if again {
            let last = self.facts.statements.last().cloned();
            self.facts.statements.extend(last);
        }
        Ok(hash)
    }

    fn tick(&mut self, at: u64) -> CliResult<()> {
        self.seen = self.issuers().into_iter().map(|id| (id, at)).collect();
        Ok(())
    }

    fn reports(&mut self, window: u64, at: u64) -> CliResult<()> {
        self.tick(at)?;
        let silent = self.silent.clone();
        for lab in LABS.iter().filter(|lab| !silent.iter().any(|silent| silent == *lab)) {
            let report = Report {
                window,
                revision: 0,
                mode: Mode::Sealed,
                fleet: Hash32::default(),
                groups: 1,
                root: Hash32::default(),
                seal: BlobRef::of(b"seal"),
                runs: Vec::new(),
                sources: Vec::new(),
            };
            let id = Name::new(lab).map_err(CliError::bug)?;
            self.publish(&id, at, Body::Report(report))?;
        }
        Ok(())
    }

    fn audits(&mut self, _: u64, end: u64) -> CliResult<()> {
        let auditor = Name::new("auditor-2").map_err(CliError::bug)?;
        self.publish(&auditor, end + 18 * HOUR, Body::Heartbeat(Heartbeat { window: 0 })).map(|_| ())
    }

    fn finding(&mut self, party: &str, window: u64) -> CliResult<Option<Hash32>> {
        // What an audit finds is not simulated here; the run-time only takes its hash as evidence of a case.
        Ok(Some(Hash32::of(format!("finding on {party} in {window}").as_bytes())))
    }

    fn fall_silent(&mut self, party: &str) -> CliResult<()> {
        self.silent.push(party.to_owned());
        Ok(())
    }

    fn view(&mut self, at: u64) -> CliResult<Replayed> {
        let facts = self.shown(at);
        let facts = self.as_another_has_them(&facts);
        let timeline = replay_with(&self.machine, &facts, at);
        Ok(Replayed { status: timeline.status(&self.machine), timeline })
    }

    fn gates(&mut self, at: u64, expect: Gates) -> CliResult<()> {
        // Gates are real in the live play; here only what they go by is looked at.
        let seen = self.view(at)?;
        let paused = seen.status.parties.iter().filter(|party| party.party.as_str() != SILENT);
        let all = paused.map(|party| party.phase == "paused").collect::<Vec<_>>();
        if all.iter().any(|paused| *paused != (expect == Gates::Refuse)) {
            return Err(CliError::bug(format!("the phases at {at} are not those that the gates should go by")));
        }
        Ok(())
    }

    fn prove_silence(&mut self, _: u64) -> CliResult<()> {
        Ok(())
    }

    fn tell(&mut self, _: &str) {}
}
