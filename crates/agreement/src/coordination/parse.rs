//! The optional sections from the TOML tree to a draft.

use super::read_condition::{condition, method, predicate};
use super::{
    Accountancy, Certificate, Clocks, Conduct, Coordination, Detect, Gate, Inspection, LegalBasis, Lift, Pledge,
    Raiser, ResumptionStep, Trigger, Votes,
};
use crate::amount;
use crate::condition::{Condition, Shares};
use crate::fraction::Fraction;
use crate::parse::{Placed, classes, moment, name, placed, word};
use crate::problem::Rule;
use crate::read::{Report, Table};
use crate::terms::{Party, Phase, RoleKind};
use crate::vkey::Vkey;
use standstill_statement::Name;

/// Longest clock: ten years.
const MAX_CLOCK: u64 = 3_660 * 86_400;
/// Most triggers, gates, certificates of a gate and raisers of a trigger.
const MAX_ENTRIES: usize = 32;
/// Largest weight of a party and largest total.
const MAX_WEIGHT: u64 = 1_000_000_000_000_000;

/// What could be read; `None` where a problem was reported or the field is absent.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) legal_basis: Option<LegalBasis>,
    pub(crate) corrupt_witnesses: Option<u32>,
    pub(crate) detect: Option<Detect>,
    pub(crate) accountancy: Option<Accountancy>,
    pub(crate) gates: Vec<Placed<Gate>>,
    pub(crate) valid_until_unix_seconds: Option<u64>,
    pub(crate) renew: Option<Fraction>,
    pub(crate) shares: Option<(u64, String)>,
    pub(crate) clocks: Option<Clocks>,
    pub(crate) grace_seconds: Option<u64>,
    pub(crate) withdraw_seconds: Option<u64>,
    pub(crate) votes: Option<Votes>,
    pub(crate) inspection: Option<Inspection>,
    pub(crate) resumption: Vec<Placed<ResumptionStep>>,
    pub(crate) triggers: Vec<Placed<Trigger>>,
    /// Some section asks for an agreement that runs itself.
    pub(crate) conducts: bool,
}

/// What a party says about itself; `None` where it says nothing or a problem was reported.
#[derive(Default)]
pub(crate) struct PledgeDraft {
    pub(crate) condition: Option<Condition>,
    pub(crate) stay: Option<Condition>,
    pub(crate) grace_seconds: Option<u64>,
    pub(crate) withdraw_seconds: Option<u64>,
    pub(crate) weight: Option<u64>,
}

/// Fields of `[agreement]`.
pub(crate) fn head(table: &mut Table<'_>, draft: &mut Draft, report: &mut Report) {
    if table.get("legal_basis", report).is_some() {
        let known = LegalBasis::ALL.map(LegalBasis::name);
        draft.legal_basis = word(table, "legal_basis", &known, LegalBasis::from_name, report);
    }
    draft.renew = optional_fraction(table, "renew", report);
    let until = table.get("valid_until", report);
    draft.valid_until_unix_seconds = until.and_then(|field| moment(field, &table.path_of("valid_until"), report));
}

/// Fields of `[[party]]`.
pub(crate) fn pledge(table: &mut Table<'_>, report: &mut Report) -> PledgeDraft {
    let condition_field = table.get("condition", report);
    let stay = table.get("stay", report);
    let weight = table.get("weight", report);
    PledgeDraft {
        condition: condition_field.and_then(|field| condition(field, &table.path_of("condition"), report)),
        stay: stay.and_then(|field| condition(field, &table.path_of("stay"), report)),
        grace_seconds: optional_clock(table, "grace", report),
        withdraw_seconds: optional_clock(table, "withdraw", report),
        weight: weight.and_then(|field| field.within(&table.path_of("weight"), 1..=MAX_WEIGHT, report)),
    }
}

/// `corrupt` of `[witnesses]`.
pub(crate) fn witnesses(table: &mut Table<'_>, draft: &mut Draft, report: &mut Report) {
    let field = table.get("corrupt", report);
    let corrupt = field.and_then(|field| field.within(&table.path_of("corrupt"), 0..=256, report));
    draft.corrupt_witnesses = corrupt.and_then(|count| u32::try_from(count).ok());
}

/// `detect` of `[audit]`.
pub(crate) fn audit(table: &mut Table<'_>, draft: &mut Draft, report: &mut Report) {
    if table.get("detect", report).is_none() {
        return;
    }
    let mut table = table.table("detect", report);
    let flop = amount_of(&mut table, "flop", "1e24", report);
    let probability = fraction(&mut table, "probability", "0.95", report);
    let within_seconds = clock(&mut table, "within", "\"30d\"", report);
    let site_flop_per_day = amount_of(&mut table, "site_flop_per_day", "3.5e24", report);
    let sensitivity = fraction(&mut table, "sensitivity", "0.9", report);
    table.finish(report);
    let detect = |flop, probability, within_seconds, site_flop_per_day, sensitivity| Detect {
        flop,
        probability,
        within_seconds,
        site_flop_per_day,
        sensitivity,
    };
    if let (Some(flop), Some(probability), Some(within), Some(site), Some(sensitivity)) =
        (flop, probability, within_seconds, site_flop_per_day, sensitivity)
    {
        draft.detect = Some(detect(flop, probability, within, site, sensitivity));
    }
}

/// All other sections. Called after the parties were read, because their fields tell whether the agreement runs itself.
pub(crate) fn sections(root: &mut Table<'_>, parties: &[String], draft: &mut Draft, report: &mut Report) {
    accountancy(root, draft, report);
    let gates = root.tables("gate", MAX_ENTRIES, report);
    draft.gates = placed(gates, report, gate);
    let own =
        ["clock", "vote", "inspection", "resumption", "trigger", "shares"].map(|name| root.get(name, report).is_some());
    let of_party = ["condition", "stay", "grace", "withdraw", "weight"];
    draft.conducts = own.contains(&true)
        || report.has("agreement.renew")
        || report.has("agreement.valid_until")
        || parties.iter().any(|path| of_party.iter().any(|field| report.has(&format!("{path}.{field}"))));
    if !draft.conducts {
        return;
    }
    draft.clocks = clocks(root.table("clock", report), draft, report);
    draft.votes = votes(root.table("vote", report), report);
    draft.inspection = inspection(root.table("inspection", report), report);
    if root.get("shares", report).is_some() {
        draft.shares = shares(root.table("shares", report), report);
    }
    let steps = root.tables("resumption", MAX_ENTRIES, report);
    draft.resumption = placed(steps, report, step);
    triggers(root, draft, report);
}

/// The sections as they count, with lists in canonical order and defaults filled in; `None` when something was not read.
pub(crate) fn finish(draft: Draft, parties: &[Placed<(Party, Vkey, PledgeDraft)>]) -> Option<Coordination> {
    let mut gates: Vec<Gate> = draft.gates.into_iter().map(|gate| gate.value).collect();
    gates.sort_by(|a, b| a.id.cmp(&b.id));
    let mut coordination = Coordination {
        legal_basis: draft.legal_basis,
        corrupt_witnesses: draft.corrupt_witnesses,
        detect: draft.detect,
        accountancy: draft.accountancy,
        gates,
        conduct: None,
    };
    if !draft.conducts {
        return Some(coordination);
    }
    let (grace_seconds, withdraw_seconds) = (draft.grace_seconds?, draft.withdraw_seconds?);
    let pledge = |party: &Placed<(Party, Vkey, PledgeDraft)>| {
        let own = &party.value.2;
        let pledge = Pledge {
            condition: own.condition.clone().unwrap_or(Condition::ALWAYS),
            stay: own.stay.clone().unwrap_or(Condition::ALWAYS),
            grace_seconds: own.grace_seconds.unwrap_or(grace_seconds),
            withdraw_seconds: own.withdraw_seconds.unwrap_or(withdraw_seconds),
        };
        (party.value.0.id.clone(), pledge)
    };
    let weights = parties.iter().filter_map(|party| Some((party.value.0.id.clone(), party.value.2.weight?)));
    let shares = draft.shares.map(|(total, source)| Shares { weights: weights.collect(), total, source });
    let mut triggers: Vec<Trigger> = draft.triggers.into_iter().map(|trigger| trigger.value).collect();
    triggers.sort_by(|a, b| a.id.cmp(&b.id));
    coordination.conduct = Some(Conduct {
        valid_until_unix_seconds: draft.valid_until_unix_seconds?,
        renew: draft.renew?,
        pledges: parties.iter().map(pledge).collect(),
        shares: shares.unwrap_or_default(),
        clocks: draft.clocks?,
        votes: draft.votes?,
        inspection: draft.inspection?,
        resumption: draft.resumption.into_iter().map(|step| step.value).collect(),
        triggers,
    });
    Some(coordination)
}

fn accountancy(root: &mut Table<'_>, draft: &mut Draft, report: &mut Report) {
    if root.get("accountancy", report).is_none() {
        return;
    }
    let mut table = root.table("accountancy", report);
    let field = table.need("false_alarms_per_year", "0.05", report);
    let path = table.path_of("false_alarms_per_year");
    draft.accountancy = field.and_then(|field| {
        let text = match field.value {
            toml::de::DeValue::String(text) => text.as_ref(),
            toml::de::DeValue::Float(float) => float.as_str(),
            toml::de::DeValue::Integer(integer) => integer.as_str(),
            _ => "",
        };
        let millionths = amount::millionths(text).and_then(|value| u64::try_from(value).ok());
        let millionths = millionths.filter(|value| (1..=365_000_000).contains(value));
        let wanted = "more than 0 and at most 365, with at most six decimals, for example 0.05";
        let millionths = millionths.or_else(|| field.refuse(&path, wanted, report))?;
        Some(Accountancy { false_alarms_per_year_millionths: millionths })
    });
    table.finish(report);
}

fn gate(table: &mut Table<'_>, report: &mut Report) -> Option<Gate> {
    let id = name(table, "id", "\"long-horizon\"", report);
    let before = table.need("before", "[\"pretraining\", \"posttraining\"]", report);
    let classes = before.and_then(|field| classes(field, &table.path_of("before"), report));
    let from_flop = match table.get("from_flop", report) {
        None => Some(0),
        Some(field) => field.whole(&table.path_of("from_flop"), report),
    };
    let when = match table.get("when", report) {
        None => Some(None),
        Some(field) => predicate(field, &table.path_of("when"), report).map(Some),
    };
    let certificates = table.tables("certificate", MAX_ENTRIES, report);
    let certificates = placed(certificates, report, certificate);
    let mut certificates: Vec<Certificate> = certificates.into_iter().map(|placed| placed.value).collect();
    certificates.sort_by(|a, b| a.id.cmp(&b.id));
    Some(Gate { id: id?, classes: classes?, from_flop: from_flop?, when: when?, certificates })
}

fn certificate(table: &mut Table<'_>, report: &mut Report) -> Option<Certificate> {
    let id = name(table, "id", "\"alignment-y\"", report);
    let by = word(table, "by", &RoleKind::ALL.map(RoleKind::name), RoleKind::from_name, report);
    let signers = count(table, "signers", "2", 1..=64, report);
    let method = method(table, report);
    let valid_seconds = clock(table, "valid", "\"180d\"", report);
    Some(Certificate { id: id?, by: by?, signers: signers?, method, valid_seconds: valid_seconds? })
}

fn clocks(mut table: Table<'_>, draft: &mut Draft, report: &mut Report) -> Option<Clocks> {
    let notice_seconds = clock(&mut table, "notice", "\"72h\"", report);
    let winding_down_seconds = clock(&mut table, "winding_down", "\"10d\"", report);
    let clarification_seconds = clock(&mut table, "clarification", "\"48h\"", report);
    let finding_seconds = clock(&mut table, "finding", "\"72h\"", report);
    let adjudication_seconds = clock(&mut table, "adjudication", "\"7d\"", report);
    let freeze_on_outage_seconds = clock(&mut table, "freeze_on_outage", "\"14d\"", report);
    draft.grace_seconds = clock(&mut table, "grace", "\"14d\"", report);
    draft.withdraw_seconds = clock(&mut table, "withdraw", "\"90d\"", report);
    table.finish(report);
    Some(Clocks {
        notice_seconds: notice_seconds?,
        winding_down_seconds: winding_down_seconds?,
        clarification_seconds: clarification_seconds?,
        finding_seconds: finding_seconds?,
        adjudication_seconds: adjudication_seconds?,
        freeze_on_outage_seconds: freeze_on_outage_seconds?,
    })
}

fn votes(mut table: Table<'_>, report: &mut Report) -> Option<Votes> {
    let finding = fraction(&mut table, "finding", "\"2/3\"", report);
    let expel = fraction(&mut table, "expel", "\"2/3\"", report);
    let resume = fraction(&mut table, "resume", "\"2/3\"", report);
    let within_seconds = clock(&mut table, "within", "\"72h\"", report);
    let faulty = match table.get("faulty", report) {
        None => Some(0),
        Some(field) => field.within(&table.path_of("faulty"), 0..=63, report),
    };
    table.finish(report);
    Some(Votes {
        finding: finding?,
        expel: expel?,
        resume: resume?,
        within_seconds: within_seconds?,
        faulty: u32::try_from(faulty?).ok()?,
    })
}

fn inspection(mut table: Table<'_>, report: &mut Report) -> Option<Inspection> {
    let block = fraction(&mut table, "block", "\"3/4\"", report);
    let block_within_seconds = clock(&mut table, "block_within", "\"24h\"", report);
    let access_seconds = clock(&mut table, "access", "\"6d\"", report);
    let quota = count(&mut table, "quota_per_party_per_year", "18", 1..=1_000, report);
    table.finish(report);
    Some(Inspection {
        block: block?,
        block_within_seconds: block_within_seconds?,
        access_seconds: access_seconds?,
        quota_per_party_per_year: quota?,
    })
}

fn shares(mut table: Table<'_>, report: &mut Report) -> Option<(u64, String)> {
    let total = table.need("total", "2000000", report);
    let total = total.and_then(|field| field.within(&table.path_of("total"), 1..=MAX_WEIGHT, report));
    let source = table.need("source", "\"declared H100-equivalents on 2026-10-01\"", report).and_then(|field| {
        let (path, wanted) =
            (table.path_of("source"), "one line of 1 to 200 characters: what is counted, and who says so");
        let text = field.text(&path, wanted, report)?;
        let legal = !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
        if legal { Some(text.to_owned()) } else { field.refuse(&path, wanted, report) }
    });
    table.finish(report);
    Some((total?, source?))
}

fn step(table: &mut Table<'_>, report: &mut Report) -> Option<ResumptionStep> {
    let phase = word(table, "phase", &Phase::ALL.map(Phase::name), Phase::from_name, report);
    let hold_seconds = clock(table, "hold", "\"7d\"", report);
    Some(ResumptionStep { phase: phase?, hold_seconds: hold_seconds? })
}

fn triggers(root: &mut Table<'_>, draft: &mut Draft, report: &mut Report) {
    for (id, offset, mut table) in root.named_tables("trigger", MAX_ENTRIES, report) {
        let path = table.path.clone();
        let id = Name::new(id).ok();
        if id.is_none() {
            let remedy = "use 1 to 64 characters of a-z, 0-9, '-', '.' or '_'";
            report.add(offset, Rule::BadValue, format!("[{path}] is no name"), remedy);
        }
        let trigger = trigger(id, &mut table, report);
        table.finish(report);
        draft.triggers.extend(trigger.map(|value| Placed { path, value }));
    }
}

fn trigger(id: Option<Name>, table: &mut Table<'_>, report: &mut Report) -> Option<Trigger> {
    let example = "{ any = [{ signal = \"ai_led_share\", ge = 0.5, evaluators = 2, method = \"<hash>\" }] }";
    let raise = table.need("raise", example, report);
    let raise = raise.and_then(|field| predicate(field, &table.path_of("raise"), report));
    let hold_seconds = match table.get("hold", report) {
        None => Some(0),
        Some(field) => field.seconds(&table.path_of("hold"), 0..=MAX_CLOCK, report),
    };
    let phase = word(table, "for", &Phase::ALL.map(Phase::name), Phase::from_name, report);
    let who_may_raise = raisers(table, report);
    let lift = lift(table, report);
    let adjudicate = adjudicator(table, report);
    let expires_seconds = expires(table, report);
    Some(Trigger {
        id: id?,
        raise: raise?,
        hold_seconds: hold_seconds?,
        phase: phase?,
        who_may_raise: who_may_raise?,
        lift: lift?,
        adjudicate: adjudicate?,
        expires_seconds: expires_seconds?,
    })
}

fn raisers(table: &mut Table<'_>, report: &mut Report) -> Option<Vec<Raiser>> {
    let field = table.need("who_may_raise", "[\"party\", \"evaluator\"]", report)?;
    let path = table.path_of("who_may_raise");
    let wanted = "a list of \"party\", kinds of roles, and ids of parties or roles";
    let mut raisers = Vec::new();
    for (offset, text) in field.texts(&path, MAX_ENTRIES, wanted, report)? {
        let raiser = match text {
            "party" => Some(Raiser::Parties),
            text => match RoleKind::from_name(text) {
                Some(kind) => Some(Raiser::Role(kind)),
                None => Name::new(text).ok().map(Raiser::Named),
            },
        };
        let Some(raiser) = raiser else {
            report.add(
                offset,
                Rule::BadValue,
                format!("'{path}' has an entry that is no name"),
                format!("write {wanted}"),
            );
            return None;
        };
        raisers.push(raiser);
    }
    if raisers.is_empty() {
        report.add(
            field.offset,
            Rule::BadTrigger,
            format!("nobody may raise [{}]", table.path),
            format!("write {wanted}"),
        );
        return None;
    }
    raisers.sort();
    raisers.dedup();
    Some(raisers)
}

fn lift(table: &mut Table<'_>, report: &mut Report) -> Option<Lift> {
    if table.get("lift", report).is_none() {
        let problem = format!("[{}] does not say what lifts it, so a pause would have no end", table.path);
        let remedy = "add lift = { vote = \"2/3\", after = \"30d\" }";
        report.at(&table.path, Rule::MissingLift, problem, remedy);
        return None;
    }
    let mut table = table.table("lift", report);
    let vote = fraction(&mut table, "vote", "\"2/3\"", report);
    let after_seconds = clock(&mut table, "after", "\"30d\"", report);
    let when = match table.get("when", report) {
        None => Some(None),
        Some(field) => predicate(field, &table.path_of("when"), report).map(Some),
    };
    table.finish(report);
    Some(Lift { vote: vote?, after_seconds: after_seconds?, when: when? })
}

fn adjudicator(table: &mut Table<'_>, report: &mut Report) -> Option<Name> {
    if table.get("adjudicate", report).is_some() {
        return name(table, "adjudicate", "\"board\"", report);
    }
    let problem = format!("[{}] does not say who decides disputes about it", table.path);
    report.at(
        &table.path,
        Rule::MissingAdjudicator,
        problem,
        "add adjudicate = \"board\", the id of an adjudicator role",
    );
    None
}

fn expires(table: &mut Table<'_>, report: &mut Report) -> Option<u64> {
    if table.get("expires", report).is_some() {
        return clock(table, "expires", "\"180d\"", report);
    }
    let problem = format!("[{}] never lapses once it is raised", table.path);
    report.at(&table.path, Rule::BadExpiry, problem, "add expires = \"60d\"; whoever may raise it can raise it again");
    None
}

fn count(
    table: &mut Table<'_>,
    field_name: &'static str,
    example: &str,
    range: std::ops::RangeInclusive<u64>,
    report: &mut Report,
) -> Option<u32> {
    let field = table.need(field_name, example, report)?;
    field.within(&table.path_of(field_name), range, report).and_then(|count| u32::try_from(count).ok())
}

fn amount_of(table: &mut Table<'_>, field_name: &'static str, example: &str, report: &mut Report) -> Option<u128> {
    let field = table.need(field_name, example, report)?;
    let path = table.path_of(field_name);
    let amount = field.whole(&path, report)?;
    if amount == 0 {
        report.add(field.offset, Rule::OutOfRange, format!("'{path}' is 0"), format!("write, for example, {example}"));
    }
    (amount > 0).then_some(amount)
}

fn fraction(table: &mut Table<'_>, field_name: &'static str, example: &str, report: &mut Report) -> Option<Fraction> {
    let field = table.need(field_name, example, report)?;
    field.fraction(&table.path_of(field_name), report)
}

fn optional_fraction(table: &mut Table<'_>, field_name: &'static str, report: &mut Report) -> Option<Fraction> {
    let field = table.get(field_name, report)?;
    field.fraction(&table.path_of(field_name), report)
}

/// A length that is longer than nothing.
fn clock(table: &mut Table<'_>, field_name: &'static str, example: &str, report: &mut Report) -> Option<u64> {
    let field = table.need(field_name, example, report)?;
    let path = table.path_of(field_name);
    let seconds = field.seconds(&path, 0..=MAX_CLOCK, report)?;
    if seconds == 0 {
        let problem = format!("'{path}' is 0, so nobody could keep it");
        report.add(field.offset, Rule::ZeroClock, problem, format!("write, for example, {field_name} = {example}"));
    }
    (seconds > 0).then_some(seconds)
}

fn optional_clock(table: &mut Table<'_>, field_name: &'static str, report: &mut Report) -> Option<u64> {
    table.get(field_name, report)?;
    clock(table, field_name, "\"14d\"", report)
}
