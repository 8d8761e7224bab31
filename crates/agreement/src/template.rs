//! Agreement files: a commented one to start from, and a plain one for programs.

use crate::amount;
use crate::coordination::plain;
use crate::known;
use crate::terms::{Agreement, Bound, Limit, RoleKind};
use standstill_statement::{Name, PublicKey, time};
use std::fmt::Write as _;

/// Public key of the drand chain `quicknet` (chain hash `52db9ba7…e971`, scheme `bls-unchained-g1-rfc9380`, round 1 at 1692803367,
/// a round every 3 s), as its operators publish it.
pub const QUICKNET_PUBLIC_KEY: &str = concat!(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451",
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
);

/// What `standstill agreement new` fills in. Keys that are not known yet become `<…>` marks, which [`Agreement::parse`] points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// One line for people.
    pub title: String,
    /// Start of window 0, in seconds since the Unix epoch.
    pub start_unix_seconds: u64,
    /// Number of windows of one day; at least 31 for the schedule of the template (30 windows of baseline, then slowed).
    pub term_windows: u64,
    /// Parties with the verifier key of their log and their statement key, when known.
    pub parties: Vec<(Name, Option<String>, Option<PublicKey>)>,
    /// Roles, likewise.
    pub roles: Vec<(RoleKind, Name, Option<String>, Option<PublicKey>)>,
    /// Witnesses with their verifier keys, when known. More than half of them make a quorum.
    pub witnesses: Vec<(Name, Option<String>)>,
}

impl Agreement {
    /// A commented file for a slowdown to half of the baseline; valid once the marks are filled in.
    #[must_use]
    pub fn template(from: &Template) -> String {
        let mut out = String::new();
        head(from, &mut out);
        for (id, log, key) in &from.parties {
            holder("party", None, id, log.as_deref(), key.as_ref(), &mut out);
        }
        out.push_str("# Independent of every party. The inspector reads openings, the adjudicator decides disputes.\n");
        for (kind, id, log, key) in &from.roles {
            holder("role", Some(*kind), id, log.as_deref(), key.as_ref(), &mut out);
        }
        witnesses(&from.witnesses, &mut out);
        out.push_str(LIMITS);
        out.push_str(&AUDIT.replace("QUICKNET", QUICKNET_PUBLIC_KEY));
        out
    }

    /// The terms as a plain file: [`Agreement::parse`] gives the same terms back.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        plain_head(self, &mut out);
        for party in &self.parties {
            line(&mut out, "\n[[party]]");
            plain_holder(&party.id, &party.log, &party.statement_keys, &mut out);
            plain::party(&self.coordination, &party.id, &mut out);
        }
        for role in &self.roles {
            line(&mut out, &format!("\n[[role]]\nkind = \"{}\"", role.kind.name()));
            plain_holder(&role.id, &role.log, &role.statement_keys, &mut out);
        }
        line(&mut out, &format!("\n[witnesses]\npolicy = \"\"\"\n{}\"\"\"", self.witnesses));
        plain::witnesses(&self.coordination, &mut out);
        for limit in &self.limits {
            plain_limit(limit, &mut out);
        }
        line(&mut out, &format!("\n[baseline]\nwindows = {}", self.baseline.windows));
        for step in &self.phases {
            line(&mut out, &format!("\n[[phase]]\nname = \"{}\"\nfrom_window = {}", step.phase, step.from_window));
        }
        plain_audit(self, &mut out);
        plain::sections(&self.coordination, &mut out);
        out
    }
}

pub(crate) fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn head(from: &Template, out: &mut String) {
    let chip_table =
        known::chip_tables().first().map_or_else(|| "<id of the chip table>".to_owned(), ToString::to_string);
    // Writing to a string cannot fail.
    _ = write!(
        out,
        r#"# Terms of a standstill. Check with: standstill agreement check <this file>
# The id of the agreement is a hash over its meaning: comments and spacing do not count, every value does.

[agreement]
title = {title}
start = {start}            # window 0 begins here, UTC
term_windows = {term}                     # then the agreement ends; there is no agreement without end
rulebook = "miri-treaty-2025"          # what counts as FLOP; or {rulebooks}
chip_table = "{chip_table}"   # peaks of each chip model

[window]
length = "1d"                          # one report per window
slot = "1h"                            # the ledger's resolution; divides the window
report_within = "12h"                  # cosigned by a quorum of witnesses this long after the window's end
grace = "24h"                          # after that, late; after this too, missing

[scope]
register_h100e = 16                    # clusters from this size on are registered, in H100-equivalents
monitored_flop = 1e22                  # runs from this size on are declared before they start
strict_flop = 1e24                     # runs from this size on fall under the strict rules
exempt = ["inference", "evaluation"]   # no limit binds these classes; their time is accounted all the same

# One section for each party. 'standstill key new' makes a key, 'standstill key show' prints the lines for here.
"#,
        title = quoted(&from.title),
        start = toml_time(from.start_unix_seconds),
        term = from.term_windows,
        rulebooks = known::rulebooks()
            .iter()
            .filter(|name| **name != "miri-treaty-2025")
            .copied()
            .collect::<Vec<_>>()
            .join(", "),
    );
}

fn holder(
    section: &str,
    kind: Option<RoleKind>,
    id: &Name,
    log: Option<&str>,
    key: Option<&PublicKey>,
    out: &mut String,
) {
    line(out, &format!("[[{section}]]"));
    if let Some(kind) = kind {
        line(out, &format!("kind = \"{}\"", kind.name()));
    }
    line(out, &format!("id = \"{id}\""));
    let log = log.map_or_else(|| format!("<verifier key of the log of {id}>"), str::to_owned);
    line(out, &format!("log = {}", quoted(&log)));
    let key = key.map_or_else(|| format!("<statement key of {id}>"), ToString::to_string);
    line(out, &format!("statement_keys = [\"{key}\"]\n"));
}

fn witnesses(witnesses: &[(Name, Option<String>)], out: &mut String) {
    out.push_str("# C2SP tlog-policy. More than half must cosign, so that no log can show two histories.\n");
    line(out, "[witnesses]\npolicy = \"\"\"");
    for (id, key) in witnesses {
        let key = key.clone().unwrap_or_else(|| format!("<verifier-key-of-{id}>"));
        line(out, &format!("witness {id} {key}"));
    }
    let names = witnesses.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ");
    line(out, &format!("group quorum-group {} {names}\nquorum quorum-group\n\"\"\"\n", witnesses.len() / 2 + 1));
}

const LIMITS: &str = r#"# A limit counts one measure over some classes. Unaccounted time is charged at the chips' peak, so that a gap never helps.
[[limit]]
id = "train"
measure = "flop"                       # or "chip_seconds"
class = ["pretraining", "posttraining", "experiment"]
per = "window"                         # or "term" (adds up) or "lineage" (one run with its ancestors)
phase = { normal = "none", slowed = "50% of baseline", paused = 0 }

[[limit]]
id = "run"
measure = "flop"
per = "lineage"
max = 1e24                             # the same in every phase

[[limit]]
id = "dark"
measure = "chip_seconds"
class = ["unaccounted"]
per = "window"
max = "0.1% of capacity"

[baseline]
windows = 30                           # the first windows, all in phase "normal"

[[phase]]
name = "normal"
from_window = 0

[[phase]]
name = "slowed"
from_window = 30

"#;

const AUDIT: &str = r#"[audit]
groups_per_report = 8                  # groups of chips drawn from each report
respond_within = "24h"
retention_days = 45                    # at least window + report + grace + draw + answer
delay = "10m"                          # from the quorum's cosignature to the beacon round that draws
least_devices = "90% of capacity"      # every fleet proves it, so that empty groups do not draw the checks onto themselves

[audit.beacon]
name = "quicknet"                      # drand, League of Entropy
public_key = "QUICKNET"
genesis_unix_seconds = 1692803367
period_seconds = 3
"#;

fn plain_head(terms: &Agreement, out: &mut String) {
    let (window, scope) = (&terms.window, &terms.scope);
    let length = amount::duration;
    line(
        out,
        &format!("[agreement]\ntitle = {}\nstart = {}", quoted(&terms.title), toml_time(terms.start_unix_seconds)),
    );
    line(
        out,
        &format!(
            "term_windows = {}\nrulebook = \"{}\"\nchip_table = \"{}\"",
            terms.term_windows, terms.rulebook, terms.chip_table
        ),
    );
    plain::head(&terms.coordination, out);
    line(
        out,
        &format!(
            "\n[window]\nlength = \"{}\"\nslot = \"{}\"",
            length(window.window_seconds),
            length(window.slot_seconds)
        ),
    );
    line(
        out,
        &format!(
            "report_within = \"{}\"\ngrace = \"{}\"",
            length(window.report_within_seconds),
            length(window.grace_seconds)
        ),
    );
    line(out, &format!("\n[scope]\nregister_h100e = {}", scope.register_h100e));
    line(out, &format!("monitored_flop = \"{}\"\nstrict_flop = \"{}\"", scope.monitored_flop, scope.strict_flop));
    line(out, &format!("exempt = [{}]", list(&scope.exempt)));
}

pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(|item| format!("\"{}\"", item.to_string())).collect::<Vec<_>>().join(", ")
}

fn plain_holder(id: &Name, log: &str, keys: &[PublicKey], out: &mut String) {
    line(out, &format!("id = \"{id}\"\nlog = {}\nstatement_keys = [{}]", quoted(log), list(keys)));
}

fn plain_limit(limit: &Limit, out: &mut String) {
    line(out, &format!("\n[[limit]]\nid = \"{}\"\nmeasure = \"{}\"", limit.id, limit.measure.name()));
    line(out, &format!("class = [{}]\nper = \"{}\"", list(&limit.classes), limit.per.name()));
    line(out, &format!("charge_unaccounted = {}", limit.charge_unaccounted));
    let bounds = limit.bounds.iter().map(|(phase, bound)| format!("{phase} = \"{}\"", bound_text(bound)));
    line(out, &format!("phase = {{ {} }}", bounds.collect::<Vec<_>>().join(", ")));
}

/// A bound as the file spells it.
pub(crate) fn bound_text(bound: &Bound) -> String {
    match *bound {
        Bound::Unlimited => "none".to_owned(),
        Bound::AtMost(amount) => amount::scientific(amount),
        Bound::OfBaseline { numerator, denominator } => {
            format!("{} of baseline", amount::percent(numerator, denominator))
        }
        Bound::OfCapacity { numerator, denominator } => {
            format!("{} of capacity", amount::percent(numerator, denominator))
        }
    }
}

fn plain_audit(terms: &Agreement, out: &mut String) {
    let (audit, beacon) = (&terms.audit, &terms.audit.beacon);
    line(out, &format!("\n[audit]\ngroups_per_report = {}", audit.groups_per_report));
    line(out, &format!("respond_within = \"{}\"", amount::duration(audit.respond_within_seconds)));
    plain::audit(&terms.coordination, out);
    line(
        out,
        &format!("retention_days = {}\ndelay = \"{}\"", audit.retention_days, amount::duration(audit.delay_seconds)),
    );
    let fill = audit.least_devices;
    line(out, &format!("least_devices = \"{} of capacity\"", amount::percent(fill.numerator, fill.denominator)));
    line(out, &format!("\n[audit.beacon]\nname = \"{}\"\npublic_key = \"{}\"", beacon.name, beacon.public_key));
    line(
        out,
        &format!("genesis_unix_seconds = {}\nperiod_seconds = {}", beacon.genesis_unix_seconds, beacon.period_seconds),
    );
}

/// A TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(crate) fn toml_time(unix_seconds: u64) -> String {
    time::utc(unix_seconds).replacen(' ', "T", 1).replace(" UTC", "Z")
}
