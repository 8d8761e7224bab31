//! Canonical JSON (RFC 8785) of the terms. Every number is a decimal string, so that no reader's floats can change the meaning.

use crate::coordination::{Coordination, canonical as optional};
use crate::terms::{Agreement, Bound, Limit};
use standstill_statement::{Class, Hash32, Name, PublicKey};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Domain of the agreement id.
const DOMAIN: &[u8] = b"standstill/1/agreement\0";

/// The part of JSON that terms need. All keys are ASCII, for which byte order is RFC 8785's order of UTF-16 units.
pub(crate) enum Json {
    Text(String),
    Flag(bool),
    List(Vec<Json>),
    Map(BTreeMap<&'static str, Json>),
}

impl Agreement {
    /// The terms as RFC 8785 JSON: one text for one meaning. `docs/formats/agreement.md` lists the fields.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        let mut out = String::new();
        terms(self).write(&mut out);
        out
    }

    /// The agreement's id: SHA-256(`standstill/1/agreement\0` ‖ canonical JSON).
    #[must_use]
    pub fn id(&self) -> Hash32 {
        Hash32::of(&[DOMAIN, self.canonical_json().as_bytes()].concat())
    }
}

pub(crate) fn map<const N: usize>(fields: [(&'static str, Json); N]) -> Json {
    Json::Map(fields.into_iter().collect())
}

pub(crate) fn text(value: impl ToString) -> Json {
    Json::Text(value.to_string())
}

pub(crate) fn list<T>(items: &[T], item: impl Fn(&T) -> Json) -> Json {
    Json::List(items.iter().map(item).collect())
}

fn terms(agreement: &Agreement) -> Json {
    let Agreement {
        title, start_unix_seconds, term_windows, rulebook, chip_table, window, scope, parties, roles, ..
    } = agreement;
    let Agreement { witnesses, limits, baseline, phases, audit, coordination, .. } = agreement;
    let fixed = map([
        ("audit", audit_terms(audit, coordination)),
        ("baseline", map([("windows", text(baseline.windows))])),
        ("chip_table", text(chip_table)),
        ("format", text("standstill-agreement/1")),
        ("limits", list(limits, limit)),
        (
            "parties",
            list(parties, |party| {
                let mut fields = holder(&party.id, &party.log, &party.statement_keys).into_iter().collect();
                optional::party(coordination, &party.id, &mut fields);
                Json::Map(fields)
            }),
        ),
        ("phases", list(phases, |step| map([("from_window", text(step.from_window)), ("name", text(step.phase))]))),
        (
            "roles",
            list(roles, |role| {
                let [id, log, keys] = holder(&role.id, &role.log, &role.statement_keys);
                map([id, ("kind", text(role.kind.name())), log, keys])
            }),
        ),
        ("rulebook", text(rulebook)),
        (
            "scope",
            map([
                ("exempt", classes(&scope.exempt)),
                ("monitored_flop", text(scope.monitored_flop)),
                ("register_h100e", text(scope.register_h100e)),
                ("strict_flop", text(scope.strict_flop)),
            ]),
        ),
        ("start_unix_seconds", text(start_unix_seconds)),
        ("term_windows", text(term_windows)),
        ("title", text(title)),
        (
            "window",
            map([
                ("grace_seconds", text(window.grace_seconds)),
                ("report_within_seconds", text(window.report_within_seconds)),
                ("slot_seconds", text(window.slot_seconds)),
                ("window_seconds", text(window.window_seconds)),
            ]),
        ),
        ("witnesses", text(witnesses)),
    ]);
    let Json::Map(mut fields) = fixed else { return fixed };
    optional::terms(coordination, &mut fields);
    Json::Map(fields)
}

fn audit_terms(audit: &crate::terms::Audit, coordination: &Coordination) -> Json {
    let beacon = &audit.beacon;
    let detect = coordination.detect.as_ref().map(|detect| ("detect", optional::detect(detect)));
    let fixed = [
        (
            "beacon",
            map([
                ("genesis_unix_seconds", text(beacon.genesis_unix_seconds)),
                ("name", text(&beacon.name)),
                ("period_seconds", text(beacon.period_seconds)),
                ("public_key", text(&beacon.public_key)),
            ]),
        ),
        ("delay_seconds", text(audit.delay_seconds)),
        ("groups_per_report", text(audit.groups_per_report)),
        (
            "least_devices",
            map([
                ("denominator", text(audit.least_devices.denominator)),
                ("numerator", text(audit.least_devices.numerator)),
            ]),
        ),
        ("respond_within_seconds", text(audit.respond_within_seconds)),
        ("retention_days", text(audit.retention_days)),
    ];
    Json::Map(fixed.into_iter().chain(detect).collect())
}

fn holder(id: &Name, log: &str, keys: &[PublicKey]) -> [(&'static str, Json); 3] {
    [("id", text(id)), ("log", text(log)), ("statement_keys", list(keys, |key| text(key)))]
}

pub(crate) fn classes(classes: &[Class]) -> Json {
    list(classes, |class| text(class.name()))
}

fn limit(limit: &Limit) -> Json {
    let bounds = limit.bounds.iter().map(|(phase, value)| (phase.name(), bound(value))).collect();
    map([
        ("bounds", Json::Map(bounds)),
        ("charge_unaccounted", Json::Flag(limit.charge_unaccounted)),
        ("classes", classes(&limit.classes)),
        ("id", text(&limit.id)),
        ("measure", text(limit.measure.name())),
        ("per", text(limit.per.name())),
    ])
}

fn bound(bound: &Bound) -> Json {
    let fraction = |of: &str, numerator: u64, denominator: u64| {
        map([("denominator", text(denominator)), ("numerator", text(numerator)), ("of", text(of))])
    };
    match *bound {
        Bound::Unlimited => text("none"),
        Bound::AtMost(amount) => map([("at_most", text(amount))]),
        Bound::OfBaseline { numerator, denominator } => fraction("baseline", numerator, denominator),
        Bound::OfCapacity { numerator, denominator } => fraction("capacity", numerator, denominator),
    }
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// RFC 8785 section 3.2.2.2: the short escapes, `\u00xx` for other control characters, everything else as it is.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            c if c < ' ' => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
}
