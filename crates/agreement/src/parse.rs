//! From the TOML tree to a draft: every section is read even when another one is wrong.

use crate::amount;
use crate::coordination::parse::{self as coordination, PledgeDraft};
use crate::policy::{self, Policy};
use crate::problem::Rule;
use crate::read::{Field, Report, Table};
use crate::terms::{
    Audit, Baseline, Beacon, Bound, Fill, Limit, Measure, Party, Per, Phase, PhaseStep, Role, RoleKind, Scope,
    WindowTerms,
};
use crate::vkey::{self, Vkey};
use standstill_statement::{Class, Hash32, Name, PublicKey, time};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeValue;
use toml::value::Offset;

/// Most parties, roles, limits and phases each.
const MAX_ENTRIES: usize = 64;
/// Most statement keys of one holder.
const MAX_KEYS: usize = 16;
const DAY: u64 = 86_400;
const YEAR: u64 = 366 * DAY;

/// What could be read; `None` where a problem was reported.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) title: Option<String>,
    pub(crate) start_unix_seconds: Option<u64>,
    pub(crate) term_windows: Option<u64>,
    pub(crate) rulebook: Option<Name>,
    pub(crate) chip_table: Option<Hash32>,
    pub(crate) window: Option<WindowTerms>,
    pub(crate) scope: Option<Scope>,
    pub(crate) parties: Vec<Placed<(Party, Vkey, PledgeDraft)>>,
    pub(crate) roles: Vec<Placed<(Role, Vkey)>>,
    pub(crate) witnesses: Option<Policy>,
    pub(crate) limits: Vec<Placed<Limit>>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) phases: Vec<Placed<PhaseStep>>,
    pub(crate) audit: Option<Audit>,
    pub(crate) coordination: coordination::Draft,
    /// All parties could be read, so that their number and names can be relied on.
    pub(crate) parties_known: bool,
    /// All roles could be read.
    pub(crate) roles_known: bool,
}

/// A value and the path of its section, as in `limit[2]`.
pub(crate) struct Placed<T> {
    pub(crate) path: String,
    pub(crate) value: T,
}

/// Reads all sections.
pub(crate) fn draft(mut root: Table<'_>, text: &str, report: &mut Report) -> Draft {
    let mut draft = Draft::default();
    head(root.table("agreement", report), &mut draft, report);
    draft.window = window(root.table("window", report), report);
    draft.scope = scope(root.table("scope", report), report);
    let parties = root.tables("party", MAX_ENTRIES, report);
    let party_paths: Vec<String> = parties.iter().map(|table| table.path.clone()).collect();
    draft.parties = placed(parties, report, |table, report| {
        let pledge = coordination::pledge(table, report);
        let (id, log, statement_keys) = holder(table, report)?;
        Some((Party { id, log: log.0, statement_keys }, log.1, pledge))
    });
    draft.parties_known = draft.parties.len() == party_paths.len();
    let roles = root.tables("role", MAX_ENTRIES, report);
    let written = roles.len();
    draft.roles = placed(roles, report, role);
    draft.roles_known = draft.roles.len() == written;
    draft.witnesses = witnesses(root.table("witnesses", report), text, &mut draft.coordination, report);
    let limits = root.tables("limit", MAX_ENTRIES, report);
    draft.limits = placed(limits, report, limit);
    draft.baseline = baseline(&mut root, report);
    let phases = root.tables("phase", MAX_ENTRIES, report);
    draft.phases = placed(phases, report, phase_step);
    draft.audit = audit(root.table("audit", report), &mut draft.coordination, report);
    coordination::sections(&mut root, &party_paths, &mut draft.coordination, report);
    root.finish(report);
    bounds_of_named_phases(&mut draft, report);
    draft
}

/// `max` of a limit speaks about every phase: the three basic ones, and each level that some line of the file names.
fn bounds_of_named_phases(draft: &mut Draft, report: &Report) {
    let named: Vec<Phase> = draft.named_phases().into_iter().collect();
    for limit in draft.limits.iter_mut().filter(|limit| report.has(&format!("{}.max", limit.path))) {
        let Some(bound) = limit.value.bounds.get(&Phase::Normal).copied() else { continue };
        limit.value.bounds.extend(named.iter().map(|phase| (*phase, bound)));
    }
}

impl Draft {
    /// Phases that the schedule, a trigger or a step of resumption can bring about.
    pub(crate) fn named_phases(&self) -> BTreeSet<Phase> {
        let scheduled = self.phases.iter().map(|step| step.value.phase);
        let triggered = self.coordination.triggers.iter().map(|trigger| trigger.value.phase);
        let resumed = self.coordination.resumption.iter().map(|step| step.value.phase);
        scheduled.chain(triggered).chain(resumed).collect()
    }
}

/// Reads each table of a list, and reports its unknown fields whether or not it could be read.
pub(crate) fn placed<'t, T>(
    tables: Vec<Table<'t>>,
    report: &mut Report,
    mut read: impl FnMut(&mut Table<'t>, &mut Report) -> Option<T>,
) -> Vec<Placed<T>> {
    let one = |mut table: Table<'t>| {
        let value = read(&mut table, report);
        let path = table.path.clone();
        table.finish(report);
        value.map(|value| Placed { path, value })
    };
    tables.into_iter().filter_map(one).collect()
}

fn head(mut table: Table<'_>, draft: &mut Draft, report: &mut Report) {
    draft.title = title(&mut table, report);
    let start = table.need("start", "2026-11-01T00:00:00Z", report);
    draft.start_unix_seconds = start.and_then(|field| moment(field, &table.path_of("start"), report));
    draft.term_windows = match table.get("term_windows", report) {
        Some(field) => field.within(&table.path_of("term_windows"), 1..=100_000, report),
        None => {
            let remedy = "add term_windows = 90, the number of windows after which the agreement ends";
            report.at(&table.path, Rule::BadTerm, "the agreement has no end", remedy);
            None
        }
    };
    draft.rulebook = name(&mut table, "rulebook", "\"miri-treaty-2025\"", report);
    if let Some(rulebook) = &draft.rulebook {
        report.name_thresholds(rulebook);
    }
    coordination::head(&mut table, &mut draft.coordination, report);
    let chip_table = table.need("chip_table", "\"<64 hexadecimal digits>\"", report);
    draft.chip_table = chip_table.and_then(|field| {
        let (path, wanted) = (table.path_of("chip_table"), "the chip table's id, 64 lower-case hexadecimal digits");
        let text = field.text(&path, wanted, report)?;
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match text.parse() {
            Ok(hash) if lower => Some(hash),
            _ => field.refuse(&path, wanted, report),
        }
    });
    table.finish(report);
}

fn title(table: &mut Table<'_>, report: &mut Report) -> Option<String> {
    let field = table.need("title", "\"Frontier training standstill, 90 days\"", report)?;
    let (path, wanted) = (table.path_of("title"), "one line of 1 to 200 characters");
    let text = field.text(&path, wanted, report)?;
    let legal = !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if legal { Some(text.to_owned()) } else { field.refuse(&path, wanted, report) }
}

/// A UTC date and time, to the second.
pub(crate) fn moment(field: Field<'_>, path: &str, report: &mut Report) -> Option<u64> {
    let wanted = "a UTC time without quotes, for example 2026-11-01T00:00:00Z";
    let parts = match field.value {
        DeValue::Datetime(value) => (value.date, value.time, value.offset),
        _ => (None, None, None),
    };
    let (Some(date), Some(clock), Some(Offset::Z)) = parts else { return field.refuse(path, wanted, report) };
    let whole = clock.nanosecond.is_none_or(|part| part == 0);
    let second = u64::from(clock.second.unwrap_or(0));
    let days = time::days_from_civil(u64::from(date.year), u64::from(date.month), u64::from(date.day));
    match days {
        Some(days) if whole && second < 60 => {
            Some(days * DAY + u64::from(clock.hour) * 3_600 + u64::from(clock.minute) * 60 + second)
        }
        _ => field.refuse(path, wanted, report),
    }
}

pub(crate) fn name(
    table: &mut Table<'_>,
    field_name: &'static str,
    example: &str,
    report: &mut Report,
) -> Option<Name> {
    let field = table.need(field_name, example, report)?;
    let (path, wanted) = (table.path_of(field_name), "1 to 64 characters of a-z, 0-9, '-', '.' or '_', in quotes");
    let text = field.text(&path, wanted, report)?;
    Name::new(text).ok().or_else(|| field.refuse(&path, wanted, report))
}

/// One of a closed list of words.
pub(crate) fn word<T>(
    table: &mut Table<'_>,
    field_name: &'static str,
    known: &[&str],
    read: impl Fn(&str) -> Option<T>,
    report: &mut Report,
) -> Option<T> {
    let wanted = format!("one of {}", known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "));
    let field = table.need(field_name, &format!("\"{}\"", known[0]), report)?;
    let path = table.path_of(field_name);
    let text = field.text(&path, &wanted, report)?;
    read(text).or_else(|| field.refuse(&path, &wanted, report))
}

fn length(
    table: &mut Table<'_>,
    field_name: &'static str,
    example: &str,
    range: std::ops::RangeInclusive<u64>,
    report: &mut Report,
) -> Option<u64> {
    let field = table.need(field_name, example, report)?;
    field.seconds(&table.path_of(field_name), range, report)
}

fn number(
    table: &mut Table<'_>,
    field_name: &'static str,
    example: &str,
    range: std::ops::RangeInclusive<u64>,
    report: &mut Report,
) -> Option<u64> {
    let field = table.need(field_name, example, report)?;
    field.within(&table.path_of(field_name), range, report)
}

fn window(mut table: Table<'_>, report: &mut Report) -> Option<WindowTerms> {
    let window_seconds = length(&mut table, "length", "\"1d\"", 60..=31 * DAY, report);
    let slot_seconds = length(&mut table, "slot", "\"1h\"", 60..=DAY, report);
    let report_within_seconds = length(&mut table, "report_within", "\"12h\"", 1..=31 * DAY, report);
    let grace_seconds = length(&mut table, "grace", "\"24h\"", 0..=31 * DAY, report);
    table.finish(report);
    Some(WindowTerms {
        window_seconds: window_seconds?,
        slot_seconds: slot_seconds?,
        report_within_seconds: report_within_seconds?,
        grace_seconds: grace_seconds?,
    })
}

fn scope(mut table: Table<'_>, report: &mut Report) -> Option<Scope> {
    let register_h100e = number(&mut table, "register_h100e", "16", 1..=1_000_000_000, report);
    let monitored_flop = flop(&mut table, "monitored_flop", "1e22", report);
    let strict_flop = flop(&mut table, "strict_flop", "1e24", report);
    let exempt = table.get("exempt", report);
    let exempt = exempt.map_or(Some(Vec::new()), |field| classes(field, &table.path_of("exempt"), report));
    table.finish(report);
    let (monitored_flop, strict_flop) = (monitored_flop?, strict_flop?);
    if strict_flop < monitored_flop {
        let problem = "'scope.strict_flop' is below 'scope.monitored_flop'";
        report.at("scope.strict_flop", Rule::OutOfRange, problem, "strict rules apply to the larger runs; raise it");
        return None;
    }
    Some(Scope { register_h100e: register_h100e?, monitored_flop, strict_flop, exempt: exempt? })
}

fn flop(table: &mut Table<'_>, field_name: &'static str, example: &str, report: &mut Report) -> Option<u128> {
    table.need(field_name, example, report)?.whole(&table.path_of(field_name), report)
}

/// Classes in wire order; unknown and repeated ones are reported.
pub(crate) fn classes(field: Field<'_>, path: &str, report: &mut Report) -> Option<Vec<Class>> {
    let names = Class::ALL.map(Class::name);
    let wanted = "a list of classes, for example [\"pretraining\", \"posttraining\"]";
    let mut classes = Vec::new();
    let mut good = true;
    for (offset, text) in field.texts(path, Class::COUNT, wanted, report)? {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        let refused = match Class::from_name(text) {
            Some(class) if !classes.contains(&class) => {
                classes.push(class);
                continue;
            }
            Some(_) => (format!("'{path}' names the class '{shown}' twice"), "name it once".to_owned()),
            None => {
                let remedy = match crate::read::nearest(text, &names.into_iter().collect()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the classes are {}", names.join(", ")),
                };
                (format!("'{path}' names '{shown}', which is not a class"), remedy)
            }
        };
        report.add(offset, Rule::BadClass, refused.0, refused.1);
        good = false;
    }
    classes.sort();
    good.then_some(classes)
}

type Holder = (Name, (String, Vkey), Vec<PublicKey>);

/// What parties and roles share: id, log, statement keys.
fn holder(table: &mut Table<'_>, report: &mut Report) -> Option<Holder> {
    let id = name(table, "id", "\"north\"", report);
    let log = table.need("log", "\"<verifier key of the log>\"", report);
    let log = log.and_then(|field| {
        let path = table.path_of("log");
        let text = field.text(&path, "the log's verifier key in quotes", report)?;
        match vkey::read(text, vkey::Purpose::Log) {
            Ok(key) => Some((text.to_owned(), key)),
            Err(problem) => {
                let remedy = "copy the line that the log's 'vkey' file holds";
                report.add(field.offset, Rule::BadKey, format!("'{path}' {problem}"), remedy);
                None
            }
        }
    });
    let keys = table.need("statement_keys", "[\"ed25519:<base64>\"]", report);
    let keys = keys.and_then(|field| statement_keys(field, &table.path_of("statement_keys"), report));
    Some((id?, log?, keys?))
}

fn statement_keys(field: Field<'_>, path: &str, report: &mut Report) -> Option<Vec<PublicKey>> {
    let mut keys: Vec<PublicKey> = Vec::new();
    let mut good = true;
    for (offset, text) in field.texts(path, MAX_KEYS, "a list of keys like \"ed25519:<base64>\"", report)? {
        let (rule, problem) = match text.parse::<PublicKey>() {
            Ok(key) if keys.contains(&key) => (Rule::SharedKey, format!("'{path}' has a key twice")),
            Ok(key) if key.is_usable() => {
                keys.push(key);
                continue;
            }
            Ok(_) => {
                (Rule::BadKey, format!("'{path}' has a key that is no point of the curve or that anybody can sign for"))
            }
            Err(error) => (Rule::BadKey, format!("'{path}': {error}")),
        };
        report.add(offset, rule, problem, "put in the line that 'standstill key show' prints");
        good = false;
    }
    if good && keys.is_empty() {
        report.add(field.offset, Rule::BadKey, format!("'{path}' is empty"), "list at least one statement key");
        return None;
    }
    keys.sort();
    good.then_some(keys)
}

fn role(table: &mut Table<'_>, report: &mut Report) -> Option<(Role, Vkey)> {
    let kinds = RoleKind::ALL.map(RoleKind::name);
    let kind = word(table, "kind", &kinds, RoleKind::from_name, report);
    let (id, log, statement_keys) = holder(table, report)?;
    Some((Role { kind: kind?, id, log: log.0, statement_keys }, log.1))
}

fn witnesses(mut table: Table<'_>, text: &str, draft: &mut coordination::Draft, report: &mut Report) -> Option<Policy> {
    coordination::witnesses(&mut table, draft, report);
    let field = table.need("policy", "\"\"\"(a C2SP tlog-policy)\"\"\"", report);
    let path = table.path_of("policy");
    table.finish(report);
    let field = field?;
    let content = field.text(&path, "a witness policy between triple quotes", report)?;
    let problems = match policy::read(content) {
        Ok(policy) => return Some(policy),
        Err(problems) => problems,
    };
    for found in problems {
        let offset = line_within(text, field.offset, found.line);
        let remedy = "see docs/formats/agreement.md, \"Witness policy\"";
        report.add(offset, Rule::BadPolicy, format!("witness policy: {}", found.problem), remedy);
    }
    None
}

/// Offset of a line within a triple-quoted string that starts at `offset`; its first line stands after the opening quotes' newline.
pub(crate) fn line_within(text: &str, offset: usize, line: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    let opened = rest.strip_prefix("\"\"\"").or_else(|| rest.strip_prefix("'''"));
    let skip = line + usize::from(opened.is_some_and(|rest| rest.starts_with(['\n', '\r'])));
    let starts = rest.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
    offset + std::iter::once(0).chain(starts).nth(skip).unwrap_or(0)
}

fn limit(table: &mut Table<'_>, report: &mut Report) -> Option<Limit> {
    let id = name(table, "id", "\"train\"", report);
    let measures = [Measure::Flop, Measure::ChipSeconds];
    let measure = word(
        table,
        "measure",
        &measures.map(Measure::name),
        |text| measures.into_iter().find(|m| m.name() == text),
        report,
    );
    let periods = [Per::Window, Per::Lineage, Per::Term];
    let per =
        word(table, "per", &periods.map(Per::name), |text| periods.into_iter().find(|p| p.name() == text), report);
    let classes = limit_classes(table, per, report);
    let charge = table.get("charge_unaccounted", report);
    let charge = charge.map(|field| match field.value {
        DeValue::Boolean(flag) => Some(*flag),
        _ => field.refuse(&table.path_of("charge_unaccounted"), "true or false", report),
    });
    let bounds = bounds(table, report);
    rulebook_of_limit(table, report);
    // Unaccounted time belongs to no run, so that only totals of a party can be charged with it.
    let default = measure? == Measure::Flop && per? != Per::Lineage;
    let charge_unaccounted = charge.unwrap_or(Some(default))?;
    Some(Limit { id: id?, measure: measure?, classes: classes?, per: per?, charge_unaccounted, bounds: bounds? })
}

/// A limit may repeat the agreement's rulebook for readers; the check compares. Nothing is kept, because there is one rulebook for all.
fn rulebook_of_limit(table: &mut Table<'_>, report: &mut Report) {
    let Some(field) = table.get("rulebook", report) else { return };
    let path = table.path_of("rulebook");
    match field.value {
        DeValue::String(text) => report.repeated_rulebooks.push((path, text.to_string())),
        DeValue::Array(_) => {
            let problem = format!("'{path}' names more than one rulebook, and each gives another total");
            let remedy = "remove it; agreement.rulebook counts every limit";
            report.add(field.offset, Rule::TwoRulebooks, problem, remedy);
        }
        _ => _ = field.refuse::<()>(&path, "the name of the agreement's rulebook, or nothing", report),
    }
}

/// The classes of a limit; a limit on lineages has the three that can train when it names none.
fn limit_classes(table: &mut Table<'_>, per: Option<Per>, report: &mut Report) -> Option<Vec<Class>> {
    if per == Some(Per::Lineage) && table.get("class", report).is_none() {
        return Some(vec![Class::Pretraining, Class::Posttraining, Class::Experiment]);
    }
    let field = table.need("class", "[\"pretraining\", \"posttraining\"]", report)?;
    let path = table.path_of("class");
    let classes = classes(field, &path, report)?;
    if classes.is_empty() {
        report.add(field.offset, Rule::BadClass, format!("'{path}' is empty"), "name at least one class");
        return None;
    }
    Some(classes)
}

/// `max = …` for every phase, or `phase = { normal = …, … }`.
fn bounds(table: &mut Table<'_>, report: &mut Report) -> Option<BTreeMap<Phase, Bound>> {
    let max = table.get("max", report);
    let phase = table.get("phase", report);
    let limit = table.path.clone();
    match (max, phase) {
        (Some(field), None) => {
            let bound = bound(field, &table.path_of("max"), report)?;
            Some(Phase::BASE.into_iter().map(|phase| (phase, bound)).collect())
        }
        (None, Some(_)) => phase_bounds(table.table("phase", report), report),
        (Some(field), Some(_)) => {
            let problem = format!("[{limit}] has both 'max' and 'phase'");
            report.add(
                field.offset,
                Rule::BadBound,
                problem,
                "keep 'max' for one bound in every phase, or 'phase' for one each",
            );
            None
        }
        (None, None) => {
            let remedy = "add max = 1e24, or phase = { normal = \"none\", slowed = \"50% of baseline\", paused = 0 }";
            report.at(&limit, Rule::MissingBound, format!("[{limit}] has no bound"), remedy);
            None
        }
    }
}

fn phase_bounds(mut table: Table<'_>, report: &mut Report) -> Option<BTreeMap<Phase, Bound>> {
    let mut bounds = BTreeMap::new();
    let mut good = true;
    for phase in Phase::ALL {
        let Some(field) = table.get(phase.name(), report) else { continue };
        match bound(field, &table.path_of(phase.name()), report) {
            Some(bound) => _ = bounds.insert(phase, bound),
            None => good = false,
        }
    }
    table.finish(report);
    good.then_some(bounds)
}

fn bound(field: Field<'_>, path: &str, report: &mut Report) -> Option<Bound> {
    let bound = match field.value {
        DeValue::String(text) => amount::bound(text).or_else(|| report.threshold(text).map(Bound::AtMost)),
        DeValue::Integer(number) if number.radix() == 10 => amount::bound(number.as_str()),
        DeValue::Float(number) => amount::bound(number.as_str()),
        _ => None,
    };
    let wanted = "a whole number like 0 or 1e24, \"none\", \"50% of baseline\" or \"0.1% of capacity\" (at most 1000%, two decimals)";
    bound.or_else(|| field.refuse(path, wanted, report))
}

fn baseline(root: &mut Table<'_>, report: &mut Report) -> Option<Baseline> {
    if root.get("baseline", report).is_none() {
        return Some(Baseline { windows: 0 });
    }
    let mut table = root.table("baseline", report);
    let windows = number(&mut table, "windows", "30", 0..=100_000, report);
    table.finish(report);
    Some(Baseline { windows: windows? })
}

fn phase_step(table: &mut Table<'_>, report: &mut Report) -> Option<PhaseStep> {
    let phase = word(table, "name", &Phase::ALL.map(Phase::name), Phase::from_name, report);
    let from_window = number(table, "from_window", "0", 0..=100_000, report);
    Some(PhaseStep { phase: phase?, from_window: from_window? })
}

fn audit(mut table: Table<'_>, draft: &mut coordination::Draft, report: &mut Report) -> Option<Audit> {
    coordination::audit(&mut table, draft, report);
    let beacon = beacon(table.table("beacon", report), report);
    let groups = number(&mut table, "groups_per_report", "8", 1..=400, report);
    let respond_within_seconds = length(&mut table, "respond_within", "\"24h\"", 1..=31 * DAY, report);
    let retention_days = number(&mut table, "retention_days", "45", 1..=3_660, report);
    let delay_seconds = length(&mut table, "delay", "\"10m\"", 0..=31 * DAY, report);
    let least_devices = fill(&mut table, report);
    table.finish(report);
    Some(Audit {
        beacon: beacon?,
        groups_per_report: u32::try_from(groups?).ok()?,
        respond_within_seconds: respond_within_seconds?,
        retention_days: retention_days?,
        delay_seconds: delay_seconds?,
        least_devices: least_devices?,
    })
}

/// The share of capacity that must be devices; nothing is asked when the field is absent.
fn fill(table: &mut Table<'_>, report: &mut Report) -> Option<Fill> {
    let Some(field) = table.get("least_devices", report) else { return Some(Fill::NONE) };
    let path = table.path_of("least_devices");
    let wanted = "a share like \"90% of capacity\", at most 100%";
    let bound = field.text(&path, wanted, report).map(amount::bound)?;
    match bound {
        Some(Bound::OfCapacity { numerator, denominator }) if numerator <= denominator => {
            Some(Fill { numerator, denominator })
        }
        _ => field.refuse(&path, wanted, report),
    }
}

fn beacon(mut table: Table<'_>, report: &mut Report) -> Option<Beacon> {
    let name = name(&mut table, "name", "\"quicknet\"", report);
    let public_key = table.need("public_key", "\"<192 hexadecimal digits>\"", report).and_then(|field| {
        let (path, wanted) = (table.path_of("public_key"), "the chain's public key, 192 lower-case hexadecimal digits");
        let text = field.text(&path, wanted, report)?;
        let legal = text.len() == 192 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // The first bit marks a compressed point, the second the point at infinity, for which anybody can sign.
        let compressed = matches!(text.bytes().next(), Some(b'8' | b'9' | b'a' | b'b'));
        if legal && compressed { Some(text.to_owned()) } else { field.refuse(&path, wanted, report) }
    });
    let genesis = number(&mut table, "genesis_unix_seconds", "1692803367", 1..=time::MAX_UNIX_SECONDS, report);
    let period = number(&mut table, "period_seconds", "3", 1..=YEAR, report);
    table.finish(report);
    Some(Beacon { name: name?, public_key: public_key?, genesis_unix_seconds: genesis?, period_seconds: period? })
}
