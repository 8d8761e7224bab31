//! The terms in plain words, on one screen.

use crate::amount::{duration, percent, scientific};
use crate::terms::{Agreement, Bound, Limit, Measure, Per, Phase};
use standstill_statement::{Class, time};
use std::fmt::Write as _;

/// Width of the label column.
const LABEL: usize = 12;
/// Width at which text is broken.
const WIDTH: usize = 100;

impl Agreement {
    /// Says who is bound to what, until when, and who watches; for people.
    #[must_use]
    pub fn show(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        _ = writeln!(out, "{}\n{}\n", self.title, "=".repeat(self.title.chars().count().min(WIDTH)));
        item(&mut out, "id", &self.id().to_string());
        item(&mut out, "term", &self.term_words());
        if let Some(basis) = self.coordination.legal_basis {
            item(&mut out, "basis", basis.name());
        }
        item(&mut out, "parties", &names(self.parties.iter().map(|party| party.id.to_string())));
        item(&mut out, "roles", &names(self.roles.iter().map(|role| format!("{} ({})", role.id, role.kind.name()))));
        item(&mut out, "witnesses", &self.witness_words());
        out.push_str("\nWhat is bound\n");
        for limit in &self.limits {
            self.limit_words(limit, &mut out);
        }
        crate::coordination::words::show(&self.coordination, &mut out);
        out.push_str("\nHow it is checked\n");
        item(&mut out, "reports", &self.report_words());
        item(&mut out, "draws", &self.audit_words());
        item(&mut out, "scope", &self.scope_words());
        item(&mut out, "counted by", &format!("rulebook {}, chip table {}", self.rulebook, self.chip_table.short()));
        out
    }

    fn term_words(&self) -> String {
        let start = time::utc(self.start_unix_seconds);
        let (end, length) = (time::utc(self.end_unix_seconds()), duration(self.window.window_seconds));
        let phases = self.phases.iter().enumerate().map(|(index, step)| {
            let last = self.phases.get(index + 1).map_or(self.term_windows, |next| next.from_window).saturating_sub(1);
            format!("{} in windows {} to {last}", step.phase, step.from_window)
        });
        format!("{start} to {end}, {} windows of {length}: {}", self.term_windows, names(phases))
    }

    fn witness_words(&self) -> String {
        let policy = crate::policy::read(&self.witnesses);
        policy.map_or_else(|_| "unreadable policy".to_owned(), |policy| format!("{} must cosign", policy.quorum.words))
    }

    fn limit_words(&self, limit: &Limit, out: &mut String) {
        let unit = match limit.measure {
            Measure::Flop => "FLOP",
            Measure::ChipSeconds => "chip-seconds",
        };
        let over = match limit.per {
            Per::Window => format!("in each window of {}", duration(self.window.window_seconds)),
            Per::Lineage => "for each run with its ancestors, over the whole term".to_owned(),
            Per::Term => "from the first window on".to_owned(),
        };
        let classes = names(limit.classes.iter().map(|class: &Class| class.name().to_owned()));
        let charge = match (limit.charge_unaccounted, limit.measure) {
            (true, Measure::Flop) => "; unaccounted time counts at the chips' peak",
            (true, Measure::ChipSeconds) => "; unaccounted time counts too",
            _ => "",
        };
        item(out, limit.id.as_str(), &format!("{unit} of {classes}, {over}{charge}"));
        for phase in Phase::ALL.iter().filter(|phase| self.can_occur(**phase)) {
            let bound = limit.bounds.get(phase).unwrap_or(&Bound::AtMost(0));
            _ = writeln!(
                out,
                "{:LABEL$}  while {:7} {}",
                "",
                format!("{phase}:"),
                self.bound_words(bound, unit, limit.measure)
            );
        }
    }

    /// Whether the schedule, a trigger or a step of resumption names the phase.
    fn can_occur(&self, phase: Phase) -> bool {
        self.phases.iter().any(|step| step.phase == phase)
            || self.conduct().is_some_and(|conduct| conduct.phases().any(|named| named == phase))
    }

    fn bound_words(&self, bound: &Bound, unit: &str, measure: Measure) -> String {
        match *bound {
            Bound::Unlimited => "no limit".to_owned(),
            Bound::AtMost(0) => "none at all".to_owned(),
            Bound::AtMost(amount) => format!("at most {} {unit}{}", scientific(amount), at_rate(amount, measure)),
            Bound::OfBaseline { numerator, denominator } => {
                let windows = self.baseline.windows;
                format!(
                    "at most {} of the party's mean over the first {windows} windows",
                    percent(numerator, denominator)
                )
            }
            Bound::OfCapacity { numerator, denominator } => {
                format!("at most {} of the registered chip-seconds", percent(numerator, denominator))
            }
        }
    }

    fn report_words(&self) -> String {
        let window = &self.window;
        let (due, grace) = (duration(window.report_within_seconds), duration(window.grace_seconds));
        let first = time::utc(self.report_deadline(0));
        format!(
            "due {due} after each window (first: {first}), late for {grace} more, then missing; slots of {}",
            duration(window.slot_seconds)
        )
    }

    fn audit_words(&self) -> String {
        let audit = &self.audit;
        let (respond, delay) = (duration(audit.respond_within_seconds), duration(audit.delay_seconds));
        let fill = audit.least_devices;
        let fill = match fill.numerator {
            0 => {
                "no lower bound on the devices in registered capacity, so empty groups may dilute the draws".to_owned()
            }
            _ => format!(
                "each fleet proves that devices are at least {} of its capacity",
                percent(fill.numerator, fill.denominator)
            ),
        };
        format!(
            "{} groups of each report, by beacon {} at least {delay} after the report is cosigned; answer within {respond}; evidence kept {} days; {fill}",
            audit.groups_per_report, audit.beacon.name, audit.retention_days,
        )
    }

    fn scope_words(&self) -> String {
        let scope = &self.scope;
        let exempt = names(scope.exempt.iter().map(|class| class.name().to_owned()));
        format!(
            "register clusters from {} H100-equivalents on; declare runs from {} FLOP on, strict rules from {} FLOP on; exempt: {exempt}",
            scope.register_h100e,
            scientific(scope.monitored_flop),
            scientific(scope.strict_flop),
        )
    }
}

/// How long 10,000 H100 at 40 % utilisation take for it (989.4e12 dense bf16 operations per second), so that a number means something.
fn at_rate(amount: u128, measure: Measure) -> String {
    const OPERATIONS_PER_HOUR: u128 = 10_000 * 9_894 * 100_000_000_000 * 3_600 * 4 / 10;
    match measure {
        Measure::Flop => {
            let tenths = amount.saturating_mul(10) / OPERATIONS_PER_HOUR;
            let hours = tenths / 10;
            match hours {
                0 => String::new(),
                1..100 => format!(" (10,000 H100 at 40 % for {hours}.{} h)", tenths % 10),
                _ => format!(" (10,000 H100 at 40 % for {} days)", hours / 24),
            }
        }
        Measure::ChipSeconds if amount >= 86_400 => format!(" ({} chip-days)", amount / 86_400),
        Measure::ChipSeconds => String::new(),
    }
}

pub(crate) fn names(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// A label and a text broken into lines of [`WIDTH`].
pub(crate) fn item(out: &mut String, label: &str, text: &str) {
    let mut line = format!("{label:LABEL$} ");
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            _ = writeln!(out, "{}", line.trim_end());
            line = format!("{:LABEL$} ", "");
        }
        line.push(' ');
        line.push_str(word);
        empty = false;
    }
    _ = writeln!(out, "{}", line.trim_end());
}
