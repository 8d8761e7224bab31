//! Two verifiers who hold different heads of the same logs never disagree on what each of them calls decided.
//!
//! Random histories with exact times; each verifier gets a random part of the heads of each log, so that it knows of each statement only an
//! interval in which it became public, and of some statements nothing. `VERIFIER_CASES` sets the number of histories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use standstill_agreement::runtime::bench::world::{DAY, HOUR, World};
use standstill_agreement::runtime::{Facts, Machine, Rule, Subject, Timeline, replay_with};
use standstill_agreement::{Agreement, Condition, Phase};
use standstill_statement::{
    Acknowledgement, Answer, BlobRef, Body, Choice, Clarification, Conclusion, Decimal, Dispute, Formula, Hash32,
    Inspected, InspectionRequest, LiftRequest, Matter, Name, Objection, Question, Ruling, RulingOutcome, Suspension,
    Withdrawal,
};
use std::collections::{BTreeMap, BTreeSet};

const LABS: [&str; 4] = ["east", "north", "south", "west"];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn lab(&mut self) -> Name {
        name(LABS[usize::try_from(self.below(4)).unwrap()])
    }
}

fn terms(random: &mut Random) -> Agreement {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let mut terms = Agreement::parse(text).unwrap();
    terms.term_windows = 16;
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = end;
    for pledge in conduct.pledges.values_mut() {
        pledge.condition = Condition::AtLeast(2);
        pledge.stay = Condition::AtLeast(2);
        pledge.grace_seconds = DAY;
        pledge.withdraw_seconds = 3 * DAY;
    }
    conduct.clocks.notice_seconds = DAY;
    conduct.clocks.clarification_seconds = 12 * HOUR;
    conduct.clocks.adjudication_seconds = DAY;
    conduct.clocks.freeze_on_outage_seconds = 2 * DAY;
    conduct.clocks.finding_seconds = 12 * HOUR;
    (conduct.inspection.block_within_seconds, conduct.inspection.access_seconds) = (6 * HOUR, 12 * HOUR);
    conduct.votes.within_seconds = DAY;
    conduct.votes.faulty = 0;
    conduct.resumption.iter_mut().for_each(|step| step.hold_seconds = DAY);
    for trigger in &mut conduct.triggers {
        trigger.hold_seconds = 6 * HOUR * random.below(3);
        trigger.lift.after_seconds = DAY;
        trigger.expires_seconds = 5 * DAY;
    }
    terms
}

/// Some vote, in an epoch that may be the open one.
fn votes(world: &mut World<'_>, random: &mut Random, at: u64, subject: Hash32) {
    let epoch = u32::try_from(random.below(3)).unwrap();
    let choice = if random.below(6) == 0 { Choice::No } else { Choice::Yes };
    for voter in LABS {
        let skips = random.below(4) == 0;
        if skips {
            continue;
        }
        world.vote(&name(voter), at + random.below(8 * HOUR), Matter::Lift, subject, epoch, choice);
    }
}

/// Reports, a few of them late or missing, none in an outage.
fn reports(world: &mut World<'_>, terms: &Agreement, random: &mut Random, quiet: impl Fn(u64) -> bool) {
    for window in 1..14 {
        for lab in LABS {
            let forgets = random.below(12) == 0;
            if !forgets && !quiet(window + 1) {
                let end = terms.window_bounds(window).1;
                world.report(&name(lab), window, end + random.below(2 * DAY));
            }
        }
    }
}

/// All join; then two weeks of acts at random times.
fn history<'t>(terms: &'t Agreement, random: &mut Random) -> World<'t> {
    let mut world = World::new(terms).unwrap();
    let offers: Vec<(Name, Option<Formula>)> = LABS.iter().map(|lab| (name(lab), None)).collect();
    world.join(0, &offers);
    let trigger = terms.conduct().unwrap().triggers.iter().find(|trigger| trigger.phase == Phase::Paused).unwrap();
    let reading = trigger.raise.readings().into_iter().find(|reading| reading.confidence.is_some()).unwrap();
    let metric = name(&reading.signal.to_string());
    let (mut evidence, mut raises, mut cases) = (Vec::new(), vec![Hash32::default()], vec![Hash32::default()]);
    let outage = (random.below(3) == 0).then(|| 3 + random.below(6));
    let quiet = |day: u64| outage.is_some_and(|from| day >= from && day < from + 3);
    let mut moments: Vec<u64> = (0..40).map(|_| world.at(2, 0) + random.below(12 * DAY)).collect();
    moments.sort_unstable();
    for at in moments {
        if quiet((at - world.at(0, 0)) / DAY) {
            continue;
        }
        let lab = random.lab();
        let pick = |list: &[Hash32], random: &mut Random| {
            let newest = list.len() as u64 - 1;
            list[usize::try_from(newest - random.below(2).min(newest)).unwrap()]
        };
        match random.below(12) {
            0 | 1 => {
                let by = name(["evaluator-1", "evaluator-2"][usize::try_from(random.below(2)).unwrap()]);
                let hours = [700_000, 300_000][usize::try_from(random.below(4) / 3).unwrap()];
                let values = [hours, hours + 50_000, hours + 99_000].map(|seconds| Decimal::new(seconds, 0));
                evidence.push(world.signal(&by, at, &metric, reading.method.unwrap(), values));
            }
            2 | 3 => raises.push(world.raise(&name("evaluator-1"), at, &trigger.id, &evidence)),
            4..=7 => {
                let subject = pick(&raises, random);
                votes(&mut world, random, at, subject);
            }
            8 => {
                let body = Suspension { suspended: random.below(2) == 0, reason: "x".to_owned() };
                world.say(&lab, at, Body::Suspension(body));
            }
            9 => {
                let body = Dispute {
                    respondent: random.lab(),
                    reason: name("balance-alarm"),
                    evidence: Vec::new(),
                    text: String::new(),
                };
                cases.push(world.say(&lab, at, Body::Dispute(body)));
            }
            10 => {
                let outcome = [RulingOutcome::Reviewed, RulingOutcome::Violation, RulingOutcome::Dismissed]
                    [usize::try_from(random.below(3)).unwrap()];
                let case = pick(&cases, random);
                world.say(&name("board"), at, Body::Ruling(Ruling { case, outcome, text: String::new() }));
                for voter in LABS {
                    world.vote(&name(voter), at + HOUR, Matter::Violation, case, 0, Choice::Yes);
                }
            }
            _ if random.below(3) == 0 => {
                world.say(&lab, at, Body::Withdrawal(Withdrawal { reason: String::new() }));
            }
            _ => {
                let body = Objection { request: Hash32::default(), text: String::new() };
                world.say(&lab, at, Body::Objection(body));
            }
        }
    }
    reports(&mut world, terms, random, quiet);
    world
}

/// Bursts in which much is said about one case, one inspection and one raise within hours, by everybody and in any order: an answer may come
/// before its question is public, a vote before the ruling that opens it.
fn bursts<'t>(terms: &'t Agreement, random: &mut Random) -> World<'t> {
    let mut world = World::new(terms).unwrap();
    let offers: Vec<(Name, Option<Formula>)> = LABS.iter().map(|lab| (name(lab), None)).collect();
    world.join(0, &offers);
    let mut matter = Hash32::default();
    let mut evidence = Vec::new();
    for _ in 0..3 + random.below(5) {
        let begins = world.at(2, 0) + random.below(11 * DAY);
        let mut burst =
            Burst { terms, begins, matter, evidence: &mut evidence, raise: Hash32::default(), case: matter };
        burst.play(&mut world, random);
        matter = burst.case;
    }
    reports(&mut world, terms, random, |_| false);
    world
}

struct Burst<'a> {
    terms: &'a Agreement,
    begins: u64,
    /// The case of the burst before.
    matter: Hash32,
    evidence: &'a mut Vec<Hash32>,
    raise: Hash32,
    case: Hash32,
}

impl Burst<'_> {
    fn when(&self, random: &mut Random) -> u64 {
        self.begins + random.below(2) * 20 * HOUR + random.below(9 * HOUR)
    }

    fn play(&mut self, world: &mut World<'_>, random: &mut Random) {
        let conduct = self.terms.conduct().unwrap();
        let trigger = conduct.triggers.iter().find(|trigger| trigger.phase == Phase::Paused).unwrap();
        let reading = trigger.raise.readings().into_iter().find(|reading| reading.confidence.is_some()).unwrap();
        let metric = name(&reading.signal.to_string());
        let (accuser, respondent) = (random.lab(), random.lab());
        let dispute = Dispute {
            respondent: respondent.clone(),
            reason: name("balance-alarm"),
            evidence: Vec::new(),
            text: String::new(),
        };
        self.case = world.say(&accuser, self.when(random), Body::Dispute(dispute));
        let case = if random.below(5) == 0 { self.matter } else { self.case };
        let question = Question { party: respondent.clone(), case: Some(case), text: String::new() };
        let question = world.say(&accuser, self.when(random), Body::Question(question));
        let asks = ["auditor", "inspector", "north"][usize::try_from(random.below(3)).unwrap()];
        let request = InspectionRequest {
            party: respondent.clone(),
            case: (random.below(2) == 0).then_some(case),
            text: String::new(),
        };
        let request = world.say(&name(asks), self.when(random), Body::Inspection(request));
        for _ in 0..2 + random.below(3) {
            let by = name(["evaluator-1", "evaluator-2"][usize::try_from(random.below(2)).unwrap()]);
            let base = [700_000, 500_000, 300_000][usize::try_from(random.below(4) / 2).unwrap()];
            let values = [base, base + 50_000, base + 150_000].map(|seconds| Decimal::new(seconds, 0));
            self.evidence.push(world.signal(&by, self.when(random), &metric, reading.method.unwrap(), values));
        }
        let by = ["evaluator-1", "north", "west"][usize::try_from(random.below(3)).unwrap()];
        self.raise = world.raise(&name(by), self.when(random), &trigger.id, self.evidence);
        for _ in 0..4 + random.below(12) {
            let at = self.when(random);
            self.one(world, random, at, (case, question, request), &respondent);
        }
    }

    fn one(
        &self,
        world: &mut World<'_>,
        random: &mut Random,
        at: u64,
        (case, question, request): (Hash32, Hash32, Hash32),
        respondent: &Name,
    ) {
        let text = String::new;
        let all = |world: &mut World<'_>, random: &mut Random, matter, subject, epoch| {
            for voter in LABS {
                if random.below(4) > 0 {
                    world.vote(&name(voter), at + random.below(3 * HOUR), matter, subject, epoch, Choice::Yes);
                }
            }
        };
        let answer = |question| Answer { question, text: text(), evidence: Vec::new(), attachment: None };
        match random.below(14) {
            0 => drop(world.say(respondent, at, Body::Answer(answer(case)))),
            1 => drop(world.say(respondent, at, Body::Answer(answer(question)))),
            2 => {
                let body = Clarification { subject: case, text: text(), attachment: None };
                world.say(respondent, at, Body::Clarification(body));
            }
            3..=5 => {
                use RulingOutcome::{Clarified, Cleared, Dismissed, Reviewed, Violation};
                let outcome = [Clarified, Cleared, Dismissed, Reviewed, Violation, Violation]
                    [usize::try_from(random.below(6)).unwrap()];
                let case = if random.below(5) == 0 { self.raise } else { case };
                world.say(&name("board"), at, Body::Ruling(Ruling { case, outcome, text: text() }));
            }
            6 => all(world, random, Matter::Violation, case, 0),
            7 => all(world, random, Matter::Expulsion, case, 0),
            8 => {
                let epoch = u32::try_from(random.below(2)).unwrap();
                all(world, random, Matter::Lift, self.raise, epoch);
            }
            9 => {
                for lab in LABS {
                    let body = Objection { request, text: text() };
                    world.say(&name(lab), at + random.below(3 * HOUR), Body::Objection(body));
                }
            }
            10 => {
                use Inspected::{Inconclusive, Indication, NoIndication, Refused};
                let outcome =
                    [Inconclusive, Indication, NoIndication, Refused][usize::try_from(random.below(4)).unwrap()];
                let body = Conclusion { request, outcome, report: BlobRef::of(b"report") };
                world.say(&name("inspector"), at, Body::Conclusion(body));
            }
            11 => {
                let body = Suspension { suspended: random.below(2) == 0, reason: text() };
                world.say(&random.lab(), at, Body::Suspension(body));
            }
            12 => {
                let phase = name("paused");
                let body = Acknowledgement { phase, cause: self.raise };
                world.say(&random.lab(), at, Body::Acknowledgement(body));
            }
            _ if random.below(3) == 0 => {
                world.say(&random.lab(), at, Body::Withdrawal(Withdrawal { reason: text() }));
            }
            _ => {
                let trigger = self.terms.conduct().unwrap().triggers[0].id.clone();
                let body = LiftRequest { trigger, raise: self.raise, evidence: Vec::new() };
                world.say(&random.lab(), at, Body::Lift(body));
            }
        }
    }
}

/// What somebody knows who has some of the heads: of each log all entries up to the newest head at hand.
fn view(terms: &Agreement, whole: &Facts, random: &mut Random) -> Facts {
    let end = terms.end_unix_seconds();
    let exact = terms.start_unix_seconds + 2 * DAY;
    let mut view = Facts { beacon: whole.beacon.clone(), ..Facts::default() };
    let mut logs: BTreeMap<&Name, Vec<_>> = BTreeMap::new();
    for fact in &whole.statements {
        logs.entry(&fact.issuer).or_default().push(fact);
    }
    let density = 2 + random.below(8);
    for issuer in terms.parties.iter().map(|party| &party.id).chain(terms.roles.iter().map(|role| &role.id)) {
        let entries = logs.get(issuer).cloned().unwrap_or_default();
        // A head at each publication, and the same size again every six hours.
        let again = (0..64).map(|step| exact + step * 6 * HOUR);
        let mut heads: BTreeSet<u64> = entries.iter().map(|fact| fact.published_unix_seconds).chain(again).collect();
        heads.retain(|at| *at <= end && (*at < exact || random.below(density) > 0));
        if random.below(2) == 0 {
            heads.insert(end);
        }
        for fact in &entries {
            let Some(known) = heads.range(fact.published_unix_seconds..).next() else { continue };
            let before = heads.range(..fact.published_unix_seconds).next_back().copied().unwrap_or(0);
            let joining = fact.published_unix_seconds < exact;
            let before = if joining { fact.not_before_unix_seconds } else { before };
            let mut fact = (*fact).clone();
            fact.published_unix_seconds = *known;
            fact.not_before_unix_seconds = before;
            view.statements.push(fact);
        }
        view.shown_until.insert(issuer.clone(), heads.last().copied().unwrap_or(0));
    }
    view
}

type Substance<'a> = (&'a Subject, &'a str, &'a str, Rule, BTreeSet<Hash32>);

/// What is decided, without times. Changes of one moment have no order among themselves.
fn decided(timeline: &Timeline) -> Vec<Substance<'_>> {
    let decided = timeline.transitions.iter().filter(|transition| transition.decided);
    decided
        .map(|t| (&t.subject, t.from.as_str(), t.to.as_str(), t.rule, t.causes.iter().map(|c| c.statement).collect()))
        .collect()
}

fn explain(terms: &Agreement, truth: &Timeline, told: &Timeline, at: usize) {
    for (word, timeline) in [("truth", truth), ("told", told)] {
        println!(
            "{word}: settled until {}",
            timeline.settled_until_unix_seconds.saturating_sub(terms.start_unix_seconds)
        );
        for t in timeline.transitions.iter().skip(at.saturating_sub(6)).take(12) {
            let since = t.at_unix_seconds - terms.start_unix_seconds;
            let causes: Vec<String> = t.causes.iter().map(|c| format!("{}/{}", c.issuer, c.index)).collect();
            println!("  {since} {}: {} -> {} ({:?}) {causes:?} {}", t.subject, t.from, t.to, t.rule, t.decided);
        }
    }
}

#[test]
fn verifiers_with_different_heads_agree() {
    agree("two weeks", history);
}

#[test]
fn verifiers_with_different_heads_agree_on_bursts() {
    agree("bursts", bursts);
}

fn agree(what: &str, history: for<'t> fn(&'t Agreement, &mut Random) -> World<'t>) {
    let cases = std::env::var("VERIFIER_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(600u64);
    let first = std::env::var("VERIFIER_FIRST").ok().and_then(|text| text.parse().ok()).unwrap_or(0u64);
    let (mut compared, mut settled, mut all) = (0usize, 0usize, 0usize);
    for seed in first..first + cases {
        let mut random = Random(seed);
        let terms = terms(&mut random);
        let machine = Machine::new(&terms).unwrap();
        let whole = history(&terms, &mut random).facts();
        let truth = replay_with(&machine, &whole, terms.end_unix_seconds());
        let views: Vec<Timeline> = (0..3)
            .map(|_| replay_with(&machine, &view(&terms, &whole, &mut random), terms.end_unix_seconds()))
            .collect();
        let truth_without_times: Vec<Substance<'_>> = truth
            .transitions
            .iter()
            .map(|t| {
                (&t.subject, t.from.as_str(), t.to.as_str(), t.rule, t.causes.iter().map(|c| c.statement).collect())
            })
            .collect();
        for told in &views {
            let seen_decided = decided(told);
            all += truth_without_times.len();
            settled += seen_decided.len();
            for (at, (seen, true_one)) in seen_decided.iter().zip(&truth_without_times).enumerate() {
                compared += 1;
                if seen != true_one {
                    explain(&terms, &truth, told, at);
                }
                assert_eq!(seen, true_one, "seed {seed}, transition {at} of {}", seen_decided.len());
            }
            assert!(seen_decided.len() <= truth_without_times.len(), "seed {seed}");
        }
    }
    println!(
        "{what}: {cases} histories, 3 verifiers each: {compared} decided transitions compared, none different; {settled} of {all} decided"
    );
    assert!(settled * 5 > all, "what is decided is not next to nothing: {settled} of {all}");
}
