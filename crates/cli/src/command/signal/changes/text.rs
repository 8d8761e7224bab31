//! A change record for people.

use standstill_signals::changes::Record;
use standstill_signals::changes::chain::Chain;
use standstill_signals::changes::identity::Nature;
use standstill_signals::changes::method::{ShareOf, Unattributed};
use standstill_signals::changes::review::Coverage;
use standstill_signals::changes::signature::{Checked, Scheme, Signed};
use standstill_signals::changes::table::Source;
use standstill_signals::changes::tally::{Share, Tally};
use std::fmt::Write as _;

/// Most persons and missing objects that are shown; the record has all.
const SHOWN: usize = 20;

/// Writing to a string cannot fail, so that its result is dropped.
macro_rules! say {
    ($out:expr, $($words:tt)*) => {{ let _ = writeln!($out, $($words)*); }};
}

/// The record as text.
pub(super) fn of(record: &Record) -> String {
    let mut out = String::new();
    head(&mut out, record);
    months(&mut out, record);
    classes(&mut out, record);
    persons(&mut out, record);
    review(&mut out, record);
    quarters(&mut out, record);
    attestations(&mut out, record);
    chains(&mut out, record);
    if !record.remarks.is_empty() {
        say!(out, "\nRemarks");
        for remark in &record.remarks {
            say!(out, "  {}: {}", remark.kind, remark.text);
        }
    }
    say!(out, "\n{}", sentence(record));
    out
}

fn head(out: &mut String, record: &Record) {
    let (method, history) = (&record.method, &record.history);
    say!(out, "Method {}, hash {}", method.name, record.method_hash);
    let unattributed = match method.unattributed {
        Unattributed::Ai => "AI's in the upper bound",
        Unattributed::Person => "a person's",
    };
    say!(
        out,
        "  unattributed changes count as {unattributed}; {} families of sources for the lower bound",
        method.families
    );
    say!(
        out,
        "History from {}: {} commits, {} merges, {} outside the months that count",
        history.head,
        history.commits,
        history.merges,
        history.outside
    );
    for (name, state) in &history.stores {
        say!(out, "  read {name} ({state})");
    }
    for missing in history.missing.iter().take(SHOWN) {
        say!(out, "  MISSING {:?} {}, needed by {}", missing.kind, missing.id, missing.needed_by);
    }
    for id in history.shallow.iter().take(SHOWN) {
        say!(out, "  SHALLOW: the history ends at {id}");
    }
    let hidden = history.missing.len().saturating_sub(SHOWN) + history.shallow.len().saturating_sub(SHOWN);
    if hidden > 0 {
        say!(out, "  and {hidden} more, all in the record");
    }
}

/// `12.3 to 45.6 %`.
fn percent(share: Option<Share>) -> String {
    let number = |millionths: u64| format!("{}.{}", millionths / 10_000, millionths % 10_000 / 1_000);
    match share {
        None => "-".to_owned(),
        Some(share) => format!("{} to {} %", number(share.low_millionths), number(share.high_millionths)),
    }
}

fn line(out: &mut String, name: &str, tally: &Tally) {
    say!(
        out,
        "{name:<18} {:>7} {:>6} {:>6} {:>10} {:>10} {:>9}  {:<18} {}",
        tally.commits,
        tally.ai_commits,
        tally.ai_commits_agreed,
        tally.added,
        tally.deleted,
        tally.ai_added,
        percent(tally.commit_share()),
        percent(tally.line_share())
    );
}

fn columns(out: &mut String, first: &str) {
    say!(
        out,
        "\n{first:<18} {:>7} {:>6} {:>6} {:>10} {:>10} {:>9}  {:<18} AI share of lines",
        "changes",
        "AI",
        "agreed",
        "added",
        "removed",
        "AI added",
        "AI share of changes"
    );
}

fn months(out: &mut String, record: &Record) {
    columns(out, "month");
    for month in &record.months {
        line(out, &month.month.to_string(), &month.all);
    }
    line(out, "all", &record.all);
    let by: Vec<String> = Source::ALL
        .iter()
        .zip(record.all.by_source)
        .filter(|(_, count)| *count > 0)
        .map(|(source, count)| format!("{} {count}", source.name()))
        .collect();
    if !by.is_empty() {
        say!(out, "AI changes by source: {}", by.join(", "));
    }
}

fn classes(out: &mut String, record: &Record) {
    columns(out, "path class");
    for (class, tally) in &record.classes {
        line(out, class.name(), tally);
    }
}

fn persons(out: &mut String, record: &Record) {
    let mut list: Vec<_> = record.persons.iter().collect();
    list.sort_by(|a, b| (b.authored.commits, &a.person).cmp(&(a.authored.commits, &b.person)));
    columns(out, "author");
    for figures in list.iter().filter(|figures| figures.authored.commits > 0).take(SHOWN) {
        let nature = match figures.person.nature {
            Nature::Person => "",
            Nature::Ai => " (AI)",
            Nature::Service => " (bot)",
        };
        line(out, &format!("{}{nature}", figures.person.id), &figures.authored);
    }
    if list.len() > SHOWN {
        say!(out, "{} more are in the record", list.len() - SHOWN);
    }
}

fn coverage(out: &mut String, name: &str, coverage: &Coverage) {
    say!(
        out,
        "{name:<28} {:>8} {:>10} {:>7} {:>10} {:>9} {:>11} {:>8}",
        coverage.changes,
        coverage.by_person,
        coverage.by_two,
        coverage.by_machine,
        coverage.by_author,
        coverage.trace_only,
        coverage.unseen
    );
}

fn review(out: &mut String, record: &Record) {
    let review = &record.review;
    say!(
        out,
        "\n{:<28} {:>8} {:>10} {:>7} {:>10} {:>9} {:>11} {:>8}",
        "review",
        "changes",
        "by person",
        "by two",
        "by machine",
        "by author",
        "trace only",
        "unseen"
    );
    coverage(out, "all", &review.all);
    coverage(out, "AI", &review.ai);
    coverage(out, "AI, oversight, gates, CI", &review.ai_oversight);
    coverage(out, "AI, training", &review.ai_training);
    say!(out, "Changes on which no person is seen at all: {}", review.without_person);
    let capacity = &record.capacity;
    if capacity.reviewer_days > 0 {
        say!(
            out,
            "Review capacity: {} of {} reviewer-days exceed {} lines; {} of {} reviewed lines lie beyond",
            capacity.implausible_days,
            capacity.reviewer_days,
            capacity.lines_per_day,
            capacity.lines_beyond,
            capacity.lines
        );
    }
    if review.signed_approval + review.two_party_signed > 0 {
        say!(
            out,
            "Approved by a verified signature of another person: {}; said to be reviewed by two parties, signed: {}",
            review.signed_approval,
            review.two_party_signed
        );
    }
    if let Some(log) = &record.history.reference_log {
        say!(
            out,
            "gittuf's log: {} entries, {} for {}, newest {}",
            log.entries,
            log.for_branch,
            log.branch.as_deref().unwrap_or("no branch"),
            log.newest.as_deref().unwrap_or("-")
        );
    }
    for (signed, count) in &record.signatures {
        let (scheme, result) = signature(*signed);
        say!(out, "Signatures, {scheme}: {count} {result}");
    }
}

/// Kind and result of a signature, in words.
const fn signature(signed: Signed) -> (&'static str, &'static str) {
    let scheme = match signed.scheme {
        Scheme::Ssh => "SSH",
        Scheme::Gpg => "OpenPGP",
        Scheme::X509 => "X.509",
        Scheme::Unknown => "of no known kind",
    };
    let result = match signed.checked {
        Checked::NotVerified => "cannot be judged: the key is not in the map, or the kind is not read",
        Checked::Good => "good, by a key of the map",
        Checked::UnknownKey => "hold, by a key that is not in the map",
        Checked::Bad => "do not hold",
        Checked::Weak => "refused as weak (MD5, SHA-1, short RSA key)",
        Checked::KeyNotValid => "by a key of the map that was not valid then",
    };
    (scheme, result)
}

fn quarters(out: &mut String, record: &Record) {
    say!(out, "\n{:<10} {:>10} {:>10} {:>18}  of baseline", "quarter", "lines", "engineers", "lines per engineer");
    for quarter in &record.quarters {
        let per = quarter.lines_per_engineer.map_or_else(|| "-".to_owned(), |lines| lines.to_string());
        let ratio = quarter
            .of_baseline_thousandths
            .map_or_else(|| "-".to_owned(), |ratio| format!("{}.{:03}", ratio / 1_000, ratio % 1_000));
        let source = if quarter.by_roster { " (roster)" } else { "" };
        say!(out, "{:<10} {:>10} {:>10} {per:>18}  {ratio}{source}", quarter.quarter, quarter.lines, quarter.engineers);
    }
}

fn attestations(out: &mut String, record: &Record) {
    let figures = &record.attestations;
    if figures.claimed_lines + figures.unreadable_commits == 0 {
        return;
    }
    say!(
        out,
        "\nAttested AI lines: {} of {} lie inside the diff; {} commits have lines outside it",
        figures.inside_lines,
        figures.claimed_lines,
        figures.rejected_commits
    );
    for (reason, lines) in &figures.rejected_lines {
        say!(out, "  rejected, {reason:?}: {lines}");
    }
}

fn chains(out: &mut String, record: &Record) {
    let show = |out: &mut String, chain: &Chain| {
        say!(
            out,
            "  {} ran {}: {} changes first run here, {} by AI, {} of them to training code, {} of those unreviewed{}",
            chain.run,
            chain.commit.get(..12).unwrap_or(&chain.commit),
            chain.changes,
            chain.ai_changes,
            chain.ai_training,
            chain.ai_training_unreviewed,
            if chain.closed { "; CLOSED: no person is seen from change to run" } else { "" }
        );
        if !chain.unknown_links.is_empty() {
            say!(out, "    not known: {}", chain.unknown_links.join(", "));
        }
        if !chain.feeds.is_empty() {
            say!(out, "    its checkpoint wrote code of: {}", chain.feeds.join(", "));
        }
    };
    if let Some(chains) = &record.chains {
        say!(out, "\nFrom change to checkpoint");
        for chain in chains {
            show(out, chain);
        }
    }
}

fn sentence(record: &Record) -> String {
    let what = match record.method.share_of {
        ShareOf::Commits => "changes",
        ShareOf::Lines => "added lines",
    };
    if !record.is_complete() {
        return "CANNOT SAY: objects are missing, so that no share holds for the whole history.".to_owned();
    }
    match record.share() {
        None => "No change counts, so that there is no share.".to_owned(),
        Some(share) => format!("AI wrote {} of the {what} under this method.", percent(Some(share))),
    }
}
