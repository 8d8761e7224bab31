//! Following each audit from the draw to the finding.

use super::account::{Account, FleetFacts, Refusal};
use crate::bundle::Bundle;
use crate::record::{ByDeadline, Entry, IssuerLog, Record};
use crate::runtime;
use crate::verdict::{AuditStatus, EntryRef};
use standstill_agreement::RoleKind;
use standstill_audit::challenge::{self, Facts};
use standstill_audit::{AuditError, Beacon, Round, draw};
use standstill_statement::{Body, Challenge, FindingItem, Hash32, Outcome, Report, Response};
use std::collections::BTreeMap;

/// Why a challenge does not count.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) entry: EntryRef,
}

/// State of one drawn group's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    InTime,
    Missing,
    Pending,
    Unknown,
}

/// One drawn group.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) group: u32,
    pub(crate) answer: Answer,
    /// Outcome, reason code, whether there was a power reading, and the finding.
    pub(crate) finding: Option<(Outcome, String, bool, EntryRef)>,
}

/// A challenge that follows from the report that counts, the beacon and the terms.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) window: u64,
    pub(crate) report: EntryRef,
    pub(crate) challenge: EntryRef,
    pub(crate) groups_in_report: u32,
    pub(crate) deadline_unix_seconds: u64,
    pub(crate) drawn: Vec<Drawn>,
}

/// All audits of one party.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audits {
    pub(crate) valid: Vec<Audit>,
    pub(crate) refused: Vec<Refused>,
}

impl Audits {
    /// Follows every challenge of this party in every auditor's log.
    pub(crate) fn follow(bundle: &Bundle, record: &Record, log: &IssuerLog, account: &Account<'_>, as_of: u64) -> Self {
        let mut audits = Self::default();
        let beacon = runtime::beacon(&bundle.agreement);
        let replies = Replies::read(bundle, record, log);
        let mut weights = Weights::default();
        for auditor in role_logs(bundle, record, &[RoleKind::Auditor]) {
            for entry in &auditor.entries {
                let Body::Challenge(challenge) = &entry.signed.statement.body else { continue };
                if challenge.party != log.issuer {
                    continue;
                }
                let scene = Scene { bundle, log, account, auditor, entry, challenge, as_of, replies: &replies };
                let beacon = beacon.as_ref().map_err(|why| Refusal::Gap(why.clone()));
                match beacon.and_then(|beacon| scene.audit(beacon, &mut weights)) {
                    Ok(audit) => audits.valid.push(audit),
                    Err(refusal) => audits.refused.push(Refused { refusal, entry: auditor.reference(entry) }),
                }
            }
        }
        audits
    }

    /// The audits of one report.
    pub(crate) fn of_report(&self, report: &Hash32) -> impl Iterator<Item = &Audit> {
        self.valid.iter().filter(move |audit| audit.report.statement == *report)
    }
}

impl Audit {
    /// How it stands at the as-of time.
    pub(crate) fn status(&self) -> AuditStatus {
        let any = |test: &dyn Fn(&Drawn) -> bool| self.drawn.iter().any(test);
        let outcome = |drawn: &Drawn| drawn.finding.as_ref().map(|finding| finding.0);
        if any(&|d| d.answer == Answer::Missing || matches!(outcome(d), Some(Outcome::Mismatch | Outcome::NotOpened))) {
            AuditStatus::Failed
        } else if any(&|d| outcome(d) == Some(Outcome::Flagged)) {
            AuditStatus::Flagged
        } else if any(&|d| d.answer != Answer::InTime || d.finding.is_none()) {
            AuditStatus::Open
        } else {
            AuditStatus::Clean
        }
    }
}

/// One challenge and all that it must fit.
struct Scene<'a> {
    bundle: &'a Bundle,
    log: &'a IssuerLog,
    account: &'a Account<'a>,
    auditor: &'a IssuerLog,
    entry: &'a Entry,
    challenge: &'a Challenge,
    as_of: u64,
    replies: &'a Replies<'a>,
}

impl Scene<'_> {
    fn audit(&self, beacon: &Beacon, weights: &mut Weights) -> Result<Audit, Refusal> {
        let (reported, report) = self.counted()?;
        self.head_is_a_root()?;
        let weights = weights.of(self.bundle, self.account, &report.fleet)?;
        let facts = self.facts(beacon, reported, report, weights);
        let round = self.round(&facts)?;
        challenge::check(self.challenge, &facts, &round).map_err(|error| match error {
            AuditError::Challenge { why, .. } => Refusal::Breach(why),
            other => Refusal::Gap(other.to_string()),
        })?;
        // Without a time of publication there is no deadline, and nothing that the party could have missed.
        let published = self.auditor.published(self.entry.index);
        let published = published.ok_or_else(|| {
            Refusal::Gap("it is not shown to be public: no quorum has cosigned a head with it".to_owned())
        })?;
        let within = self.bundle.agreement.audit.respond_within_seconds;
        Ok(self.followed(reported, report, challenge::deadline(self.challenge, published, within)))
    }

    /// The report, when it is the one that counts for its window. One draw per window: a challenge of any other revision is no audit
    /// of it. That is no breach by the auditor, from whom the party may have hidden a later revision.
    fn counted(&self) -> Result<(&Entry, &Report), Refusal> {
        let (party, short) = (&self.challenge.party, self.challenge.report.short());
        let reported = self.log.by_hash(&self.challenge.report);
        let reported = reported
            .ok_or_else(|| Refusal::Gap(format!("it is about report {short}…, which is not in {party}'s log")))?;
        let Body::Report(report) = &reported.signed.statement.body else {
            return Err(Refusal::Breach(format!("it is about entry {}, which is no report", reported.index)));
        };
        let window = report.window;
        // Before such a head the party may still show or hide revisions, knowing what the beacon drew.
        if !self.log.silent_at(self.bundle.agreement.grace_deadline(window)) {
            return Err(Refusal::Gap(format!(
                "no cosigned head from after window {window}'s grace deadline shows which report counts; have {party}'s log cosigned again"
            )));
        }
        let facts = self.account.windows.get(&window);
        match facts.and_then(|facts| facts.counted.as_ref()) {
            Some(counted) if counted.entry.index == reported.index => Ok((reported, report)),
            Some(counted) => Err(Refusal::Gap(format!(
                "it is about revision {} in entry {}, but the report that counts for window {window} is revision {} in entry {}",
                report.revision, reported.index, counted.report.revision, counted.entry.index
            ))),
            None => Err(Refusal::Gap(format!(
                "it is about entry {}, which is not shown to be the report that counts for window {window}",
                reported.index
            ))),
        }
    }

    /// The head that the challenge names must be of this log. Nothing is drawn from it, but another root under the log's key would be a
    /// fork.
    fn head_is_a_root(&self) -> Result<(), Refusal> {
        let named = &self.challenge.head;
        let root = named.root.short();
        Err(Refusal::Gap(match self.log.has_root(named) {
            Some(true) => return Ok(()),
            Some(false) => format!(
                "it names a head of size {} with root {root}…, which is no root of the log in this bundle; ask for the signed checkpoint: \
                 two signed heads would prove a fork",
                named.size
            ),
            None => format!(
                "it names a head of size {}, which the entries in this bundle do not reach; fetch the log up to that size",
                named.size
            ),
        }))
    }

    fn facts<'b>(&'b self, beacon: &'b Beacon, reported: &Entry, report: &Report, weights: &'b [u64]) -> Facts<'b> {
        let terms = &self.bundle.agreement.audit;
        Facts {
            agreement: self.bundle.agreement_id,
            party: &self.log.issuer,
            report: self.challenge.report,
            report_index: reported.index,
            draw_after_unix_seconds: self.bundle.agreement.grace_deadline(report.window),
            beacon,
            delay_seconds: terms.delay_seconds,
            weights,
            groups_per_report: terms.groups_per_report,
            respond_within_seconds: terms.respond_within_seconds,
        }
    }

    /// The beacon round. The terms alone fix its number, so that another one is the auditor's breach.
    fn round(&self, facts: &Facts<'_>) -> Result<Round, Refusal> {
        let gap = |why: String| Refusal::Gap(why);
        let required = challenge::required_round(facts).map_err(|error| gap(error.to_string()))?;
        if self.challenge.round != required {
            return Err(Refusal::Breach(format!(
                "it uses beacon round {}; by the terms only round {required} may draw from this window",
                self.challenge.round
            )));
        }
        let path = format!("beacon/{required}.json");
        let bytes =
            self.bundle.source.read(&path, self.bundle.limits.note_bytes).map_err(|error| gap(error.to_string()))?;
        let bytes =
            bytes.ok_or_else(|| gap(format!("{path} is not in the bundle; fetch that round from the beacon")))?;
        Round::parse_json(&bytes).map_err(|error| gap(format!("{path}: {error}")))
    }

    fn followed(&self, reported: &Entry, report: &Report, deadline_unix_seconds: u64) -> Audit {
        let hash = self.entry.signed.hash;
        let responses = self.replies.responses.get(&hash).map_or(&[][..], Vec::as_slice);
        let findings = self.replies.findings.get(&hash);
        let drawn = self.challenge.groups.iter().map(|group| Drawn {
            group: *group,
            answer: self.answer(*group, responses, deadline_unix_seconds),
            finding: findings.and_then(|findings| findings.get(group)).cloned(),
        });
        Audit {
            window: report.window,
            report: self.log.reference(reported),
            challenge: self.auditor.reference(self.entry),
            groups_in_report: report.groups,
            deadline_unix_seconds,
            drawn: drawn.collect(),
        }
    }

    fn answer(&self, group: u32, responses: &[(&Entry, &Response)], deadline: u64) -> Answer {
        let opens = |response: &Response| response.items.iter().any(|item| item.group == group);
        let times = responses
            .iter()
            .filter(|(_, response)| opens(response))
            .map(|(entry, _)| self.log.public_by(entry.index, deadline));
        let times: Vec<ByDeadline> = times.collect();
        if times.contains(&ByDeadline::Yes) {
            Answer::InTime
        } else if self.as_of <= deadline {
            Answer::Pending
        } else if times.contains(&ByDeadline::Unknown) || !self.log.silent_at(deadline) {
            Answer::Unknown
        } else {
            Answer::Missing
        }
    }
}

/// The beacon of the terms.
/// Weights by fleet declaration. Many reports name one declaration, and anybody can log many challenges of one report.
#[derive(Default)]
struct Weights(BTreeMap<Hash32, Result<Vec<u64>, Refusal>>);

impl Weights {
    fn of(&mut self, bundle: &Bundle, account: &Account<'_>, fleet: &Hash32) -> Result<&[u64], Refusal> {
        let compute = || weights(bundle, account.fleets.iter().find(|facts| facts.entry.signed.hash == *fleet));
        self.0.entry(*fleet).or_insert_with(compute).as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }
}

/// Registered capacity of each group at its model's peak.
fn weights(bundle: &Bundle, fleet: Option<&FleetFacts<'_>>) -> Result<Vec<u64>, Refusal> {
    let gap = |why: &str| Refusal::Gap(why.to_owned());
    let proved = fleet
        .and_then(|fleet| fleet.proved.as_ref().ok())
        .ok_or_else(|| gap("the report's fleet declaration could not be accepted"))?;
    let weight = |group: &standstill_seal::PublicGroup| {
        let model =
            bundle.chips.get(&group.model).ok_or_else(|| gap("a group's chip model is not in the chip table"))?;
        draw::weight(u32::from(group.capacity_devices), model.highest_peak_ops_per_second())
            .map_err(|error| Refusal::Gap(error.to_string()))
    };
    proved.groups().iter().map(weight).collect()
}

/// Logs of roles of these kinds.
pub(crate) fn role_logs<'a>(bundle: &'a Bundle, record: &'a Record, kinds: &[RoleKind]) -> Vec<&'a IssuerLog> {
    let roles = bundle.agreement.roles.iter().filter(|role| kinds.contains(&role.kind));
    roles.filter_map(|role| record.log(&role.id)).collect()
}

/// Outcome, reason code, power reading and finding for each group of one challenge.
type Found = BTreeMap<u32, (Outcome, String, bool, EntryRef)>;

/// Everything that was said about one party's challenges, by challenge.
struct Replies<'a> {
    responses: BTreeMap<Hash32, Vec<(&'a Entry, &'a Response)>>,
    findings: BTreeMap<Hash32, Found>,
}

impl<'a> Replies<'a> {
    fn read(bundle: &'a Bundle, record: &'a Record, party: &'a IssuerLog) -> Self {
        let mut replies = Self { responses: BTreeMap::new(), findings: BTreeMap::new() };
        for entry in &party.entries {
            if let Body::Response(response) = &entry.signed.statement.body {
                replies.responses.entry(response.challenge).or_default().push((entry, response));
            }
        }
        let mut said = Vec::new();
        for log in role_logs(bundle, record, &[RoleKind::Auditor, RoleKind::Inspector]) {
            for entry in &log.entries {
                let Body::Finding(finding) = &entry.signed.statement.body else { continue };
                if finding.party == party.issuer {
                    let published = log.published(entry.index);
                    let items = finding.items.iter();
                    said.extend(items.map(|item| Said { published, challenge: finding.challenge, item, log, entry }));
                }
            }
        }
        // Stable, so that equal ones stay in the order of the terms and of the log.
        said.sort_by_key(|said| (said.published, said.item.outcome == Outcome::Flagged));
        for said in &said {
            merge(replies.findings.entry(said.challenge).or_default(), said);
        }
        replies
    }
}

/// One line of a finding, and when it was public; `None`, which is before all times, when the bundle does not show that it was.
struct Said<'a> {
    published: Option<u64>,
    challenge: Hash32,
    item: &'a FindingItem,
    log: &'a IssuerLog,
    entry: &'a Entry,
}

/// The worst finding counts; only a flag can be cleared, and only by a finding that was public later, in whichever log it stands.
fn merge(found: &mut Found, said: &Said<'_>) {
    let item = said.item;
    if let Some((Outcome::Mismatch | Outcome::NotOpened, ..)) = found.get(&item.group) {
        return;
    }
    let new = (item.outcome, item.reason.clone(), item.power_reading, said.log.reference(said.entry));
    found.insert(item.group, new);
}

/// A reason code of a finding in words; an unknown code is quoted.
pub(crate) fn reason_words(code: &str) -> String {
    let words = match code {
        "no-response" => "no answer was published by the deadline",
        "late-response" => "the answer came after the deadline",
        "group-not-opened" => "the answer leaves the group out",
        "unreadable" => "the opening could not be read",
        "wrong-opening" => "the opening is of another party, window or group",
        "commitment" => "the opening does not reproduce the committed record",
        "fleet-devices" => "the devices are not those of the fleet declaration",
        "class-time" => "a device's seconds do not add up to the window",
        "capacity" => "a device reports more operations than its peak allows",
        "counter-gap" => "an energy counter does not continue from window to window",
        "counter-reset" => "an energy counter went back and no time is unaccounted",
        "energy-counter" => "a device's energy is not the difference of its counters",
        "energy-above-design" => "more energy than the chips can draw",
        "busy-idle" => "more energy than idle and down time can use, with little or no work reported",
        "energy-below-idle" => "less energy than idle chips draw",
        "energy-unexplained" => "the energy of full work with next to no operations",
        "replayed-telemetry" => "the same telemetry stands behind two windows or two devices",
        "power-surplus" => "the independent meter saw more energy than the group accounts for",
        "power-deficit" => "the independent meter saw less energy than the group reports",
        "class-profile" => "the profile is unusual for the declared class",
        "no-energy" => "no energy was metered, so nothing physical could be compared",
        other => return format!("reason '{}'", other.chars().take(64).collect::<String>()),
    };
    format!("{words} ({code})")
}
