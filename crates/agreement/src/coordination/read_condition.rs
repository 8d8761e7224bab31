//! Conditions and predicates from TOML: inline tables with one test each.

use super::predicate::{self, Compare, Predicate, Reading, Signal, Unit};
use crate::amount;
use crate::condition::{Condition, MAX_DEPTH, MAX_PARTS};
use crate::fraction::Fraction;
use crate::problem::Rule;
use crate::read::{Field, Report, Table};
use crate::terms::RoleKind;
use standstill_statement::{Hash32, Name};
use std::collections::BTreeSet;
use toml::de::DeValue;

/// What people write when they want a condition to stop holding as others join. No such test exists; the message says why.
const NOT_MONOTONE: [&str; 13] = [
    "not",
    "none",
    "none_of",
    "at_most",
    "exactly",
    "excludes",
    "without",
    "fewer_than",
    "unless",
    "xor",
    "majority",
    "share_of_joined",
    "share_of_members",
];

/// A condition; what cannot be read is reported.
pub(crate) fn condition(field: Field<'_>, path: &str, report: &mut Report) -> Option<Condition> {
    let mut condition = Reader { parts: MAX_PARTS, report }.condition(field, path, MAX_DEPTH)?;
    condition.normalise();
    Some(condition)
}

/// A predicate over evidence; what cannot be read is reported.
pub(crate) fn predicate(field: Field<'_>, path: &str, report: &mut Report) -> Option<Predicate> {
    let mut parts = predicate::MAX_READINGS;
    let mut predicate = read_predicate(field, path, predicate::MAX_DEPTH, &mut parts, report)?;
    predicate.normalise();
    Some(predicate)
}

struct Reader<'r> {
    /// Parts that may still be used.
    parts: usize,
    report: &'r mut Report,
}

impl Reader<'_> {
    fn condition(&mut self, field: Field<'_>, path: &str, depth: usize) -> Option<Condition> {
        self.spend(field, path, 1)?;
        let mut table = field.into_table(path.to_owned(), self.report);
        self.one_test(&table, field, path)?;
        let condition = self.test(&mut table, path, depth);
        if condition.is_some() {
            table.finish(self.report);
        }
        condition
    }

    /// A condition is one test; two side by side would leave open whether both are meant or either.
    fn one_test(&mut self, table: &Table<'_>, field: Field<'_>, path: &str) -> Option<()> {
        let keys = table.keys();
        let wrong = keys.iter().find(|(key, _)| NOT_MONOTONE.contains(key));
        if let Some((key, offset)) = wrong {
            let problem = format!(
                "'{path}.{key}' could stop holding when more parties join, so activation would have no single answer"
            );
            let remedy = "say who must be in: at_least, includes, share (of a fixed total), all, any";
            self.report.add(*offset, Rule::NonMonotone, problem, remedy);
            return None;
        }
        if keys.len() == 1 || !matches!(field.value, DeValue::Table(_)) {
            return Some(());
        }
        let problem = match keys.len() {
            0 => format!("'{path}' is empty"),
            count => format!("'{path}' has {count} tests"),
        };
        let remedy = "write one test, for example { at_least = 3 }, or several in { all = [{ … }, { … }] }";
        self.report.add(field.offset, Rule::BadCondition, problem, remedy);
        None
    }

    fn test(&mut self, table: &mut Table<'_>, path: &str, depth: usize) -> Option<Condition> {
        if let Some(field) = table.get("at_least", self.report) {
            let count = field.within(&table.path_of("at_least"), 1..=64, self.report)?;
            return Some(Condition::AtLeast(u32::try_from(count).ok()?));
        }
        if let Some(field) = table.get("includes", self.report) {
            return self.includes(field, &table.path_of("includes")).map(Condition::Includes);
        }
        if let Some(field) = table.get("share", self.report) {
            return field.fraction(&table.path_of("share"), self.report).map(Condition::Share);
        }
        if let Some(field) = table.get("all", self.report) {
            return self.list(field, &table.path_of("all"), depth).map(Condition::All);
        }
        if let Some(field) = table.get("any", self.report) {
            return self.list(field, &table.path_of("any"), depth).map(Condition::Any);
        }
        for (key, offset) in table.keys() {
            let shown: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
            let remedy = "the tests are at_least, includes, share, all, any";
            self.report.add(offset, Rule::UnknownField, format!("'{path}' has the unknown test '{shown}'"), remedy);
        }
        None
    }

    fn includes(&mut self, field: Field<'_>, path: &str) -> Option<BTreeSet<Name>> {
        let wanted = "a list of parties, for example [\"south\"]";
        let texts = field.texts(path, 64, wanted, self.report)?;
        self.spend(field, path, texts.len())?;
        if texts.is_empty() {
            self.report.add(
                field.offset,
                Rule::BadCondition,
                format!("'{path}' names nobody"),
                "name at least one party",
            );
            return None;
        }
        let name = |(offset, text): (usize, &str)| {
            let name = Name::new(text).ok();
            match &name {
                Some(name) => self.report.mentioned_parties.push((path.to_owned(), offset, name.clone())),
                None => {
                    let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
                    let problem = format!("'{path}' names '{shown}', which is no name");
                    self.report.add(offset, Rule::UnknownParty, problem, "name a [[party]] by its id");
                }
            }
            name
        };
        texts.into_iter().map(name).collect()
    }

    fn list(&mut self, field: Field<'_>, path: &str, depth: usize) -> Option<Vec<Condition>> {
        let Some(depth) = depth.checked_sub(1) else {
            let problem = format!("'{path}' is nested more than {MAX_DEPTH} deep");
            self.report.add(
                field.offset,
                Rule::BadCondition,
                problem,
                "write the condition with fewer levels of all and any",
            );
            return None;
        };
        let entries =
            field.entries(path, MAX_PARTS, "a list of conditions, for example [{ at_least = 3 }]", self.report)?;
        if entries.is_empty() {
            self.report.add(
                field.offset,
                Rule::BadCondition,
                format!("'{path}' is empty"),
                "write at least one condition in it",
            );
            return None;
        }
        let entry = |(index, field)| self.condition(field, &format!("{path}[{index}]"), depth);
        entries.into_iter().enumerate().map(entry).collect()
    }

    fn spend(&mut self, field: Field<'_>, path: &str, parts: usize) -> Option<()> {
        let left = self.parts.checked_sub(parts);
        self.parts = left.unwrap_or(0);
        if left.is_none() {
            let problem = format!("'{path}' makes the condition larger than {MAX_PARTS} parts");
            self.report.add(field.offset, Rule::BadCondition, problem, "say it in fewer words");
        }
        left.map(|_| ())
    }
}

fn read_predicate(
    field: Field<'_>,
    path: &str,
    depth: usize,
    parts: &mut usize,
    report: &mut Report,
) -> Option<Predicate> {
    let mut table = field.into_table(path.to_owned(), report);
    let negation = table.keys().into_iter().find(|(key, _)| matches!(*key, "not" | "none" | "unless"));
    if let Some((word, negated)) = negation {
        let problem = format!("'{path}.{word}' would let more evidence take a trigger back");
        report.add(
            negated,
            Rule::NonMonotone,
            problem,
            "say what must be shown; use 'le' where 'ge' is denied, and 'lift' for the way back",
        );
        return None;
    }
    let lists = ["all", "any"].map(|word| table.get(word, report).map(|list| (word, list)));
    let predicate = match lists {
        [Some(_), Some((_, second))] => {
            let problem = format!("'{path}' has both 'all' and 'any'");
            report.add(second.offset, Rule::BadTrigger, problem, "put one inside the other");
            return None;
        }
        [Some((word, list)), None] | [None, Some((word, list))] => {
            let place = table.path_of(word);
            let parts = predicates(list, &place, depth, parts, report)?;
            if word == "all" { Predicate::All(parts) } else { Predicate::Any(parts) }
        }
        [None, None] => {
            let Some(left) = parts.checked_sub(1) else {
                let problem = format!("'{path}' is more than {} readings", predicate::MAX_READINGS);
                report.add(field.offset, Rule::TooMany, problem, "remove the rest");
                return None;
            };
            *parts = left;
            let reading = reading(&mut table, report);
            table.finish(report);
            report.readings.extend(reading.clone().map(|reading| (path.to_owned(), field.offset, reading)));
            return reading.map(Predicate::Reading);
        }
    };
    table.finish(report);
    Some(predicate)
}

fn predicates(
    list: Field<'_>,
    path: &str,
    depth: usize,
    parts: &mut usize,
    report: &mut Report,
) -> Option<Vec<Predicate>> {
    let Some(depth) = depth.checked_sub(1) else {
        let problem = format!("'{path}' is nested more than {} deep", predicate::MAX_DEPTH);
        report.add(list.offset, Rule::BadTrigger, problem, "write it with fewer levels of all and any");
        return None;
    };
    let wanted = "a list of readings, for example [{ signal = \"ai_led_share\", ge = 0.5, evaluators = 2, method = \"<hash>\" }]";
    let entries = list.entries(path, predicate::MAX_READINGS, wanted, report)?;
    if entries.is_empty() {
        report.add(list.offset, Rule::BadTrigger, format!("'{path}' is empty"), "write at least one reading in it");
        return None;
    }
    // Every entry is read, so that each problem is reported.
    let read: Vec<Option<Predicate>> = entries
        .into_iter()
        .enumerate()
        .map(|(index, field)| read_predicate(field, &format!("{path}[{index}]"), depth, parts, report))
        .collect();
    read.into_iter().collect()
}

fn reading(table: &mut Table<'_>, report: &mut Report) -> Option<Reading> {
    let signal = table.need("signal", "\"ai_led_share\"", report).and_then(|field| {
        let path = table.path_of("signal");
        let wanted = format!(
            "one of {}, or \"eval:<name>\"",
            Signal::closed_names().map(|name| format!("\"{name}\"")).join(", ")
        );
        let text = field.text(&path, &wanted, report)?;
        Signal::from_name(text).or_else(|| field.refuse(&path, &wanted, report))
    });
    let side = side(table, signal.as_ref(), report);
    let signers = signers(table, report);
    let method = method(table, report);
    if let (Some(signal), None) = (&signal, &method)
        && signal.needs_method()
        && table.get("method", report).is_none()
    {
        let problem = format!("'{}' reads '{signal}' without saying by which method", table.path);
        let remedy = "add method = \"<64 hexadecimal digits>\", the hash of the method file; the same data gives other figures by other methods";
        report.at(&table.path_of("signal"), Rule::BadTrigger, problem, remedy);
    }
    let confidence = match table.get("confidence", report) {
        None => Some(None),
        Some(field) => field.fraction(&table.path_of("confidence"), report).map(Some),
    };
    if let Some(Some(confidence)) = confidence
        && (confidence <= Fraction::HALF || confidence == Fraction::ONE)
    {
        let problem = format!("'{}' is {confidence}", table.path_of("confidence"));
        report.at(
            &table.path_of("confidence"),
            Rule::BadTrigger,
            problem,
            "write more than 0.5 and less than 1, for example 0.9",
        );
        return None;
    }
    let ((compare, threshold), (signers, quorum)) = (side?, signers?);
    Some(Reading { signal: signal?, compare, threshold, signers, quorum, method, confidence: confidence? })
}

fn side(table: &mut Table<'_>, signal: Option<&Signal>, report: &mut Report) -> Option<(Compare, u128)> {
    let sides =
        [Compare::AtLeast, Compare::AtMost].map(|side| table.get(side.name(), report).map(|field| (side, field)));
    let (compare, field) = match sides {
        [Some(side), None] | [None, Some(side)] => side,
        [None, None] => {
            let problem = format!("'{}' has no threshold", table.path);
            report.at(&table.path, Rule::BadTrigger, problem, "add ge = … (at least) or le = … (at most)");
            return None;
        }
        [Some(_), Some((_, second))] => {
            let problem = format!("'{}' has both 'ge' and 'le'", table.path);
            report.add(second.offset, Rule::BadTrigger, problem, "write two readings in { all = [ … ] }");
            return None;
        }
    };
    let path = table.path_of(compare.name());
    threshold(field, &path, signal?.unit(), report).map(|threshold| (compare, threshold))
}

fn threshold(field: Field<'_>, path: &str, unit: Unit, report: &mut Report) -> Option<u128> {
    match unit {
        Unit::Seconds => field.seconds(path, 1..=100 * 366 * 86_400, report).map(u128::from),
        Unit::Operations => field.whole(path, report),
        Unit::Count => field.within(path, 1..=1_000_000, report).map(u128::from),
        Unit::Share | Unit::Ratio => {
            let text = match field.value {
                DeValue::String(text) => text.as_ref(),
                DeValue::Float(float) => float.as_str(),
                DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
                _ => "",
            };
            let most = if unit == Unit::Share { 1_000_000 } else { 1_000_000_000_000 };
            let wanted = if unit == Unit::Share {
                "a share from 0 to 1 with at most six decimals, for example 0.5 or \"50%\""
            } else {
                "a multiple with at most six decimals, for example 3.0"
            };
            let value = amount::millionths(text).filter(|value| *value <= most);
            value.or_else(|| field.refuse(path, wanted, report))
        }
    }
}

/// `evaluators = 2`, `auditors = 1`, `inspectors = 1`, `adjudicators = 1` or `parties = 3`: exactly one of them.
fn signers(table: &mut Table<'_>, report: &mut Report) -> Option<(Option<RoleKind>, u32)> {
    const WORDS: [(&str, Option<RoleKind>); 5] = [
        ("evaluators", Some(RoleKind::Evaluator)),
        ("auditors", Some(RoleKind::Auditor)),
        ("inspectors", Some(RoleKind::Inspector)),
        ("adjudicators", Some(RoleKind::Adjudicator)),
        ("parties", None),
    ];
    let mut found = None;
    for (word, kind) in WORDS {
        let Some(field) = table.get(word, report) else { continue };
        let quorum = field.within(&table.path_of(word), 1..=64, report)?;
        if found.replace((kind, u32::try_from(quorum).ok()?)).is_some() {
            let problem = format!("'{}' names two kinds of signers", table.path);
            report.add(field.offset, Rule::BadTrigger, problem, "write one reading for each kind in { all = [ … ] }");
            return None;
        }
    }
    if found.is_none() {
        let problem = format!("'{}' does not say who signs the reading", table.path);
        report.at(&table.path, Rule::BadTrigger, problem, "add evaluators = 2, auditors = 1 or parties = 3");
    }
    found
}

/// A hash of 64 lower-case hexadecimal digits, when there is one.
pub(super) fn method(table: &mut Table<'_>, report: &mut Report) -> Option<Hash32> {
    let field = table.get("method", report)?;
    let (path, wanted) = (table.path_of("method"), "the hash of the method, 64 lower-case hexadecimal digits");
    let text = field.text(&path, wanted, report)?;
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let hash = text.parse().ok().filter(|_| lower);
    hash.or_else(|| field.refuse(&path, wanted, report))
}
