use super::*;
use crate::samples;

#[test]
fn a_report_reads_well() {
    let expected = "\
Report by north
---------------
window          3
revision        1 (corrects an earlier report)
mode            sealed: proofs only
fleet           declaration FLEET
groups          1,024
report root     ROOT
seal            4 bytes, blob SEAL
runs            alpha, beta
sources         dcgm-counters, slurm

agreement       AGREEMENT
issuer          north
sequence        1 (after PREVIOUS)
issued          2026-11-01 00:00:01 UTC (the issuer's own claim)
heads seen      logs.example/north: 12 entries, root HEAD
                logs.example/south: 1 entries, root SOUTH
";
    let full = |text: &str| Hash32::of(text.as_bytes()).to_string();
    let short = |text: &str| Hash32::of(text.as_bytes()).short();
    let expected = expected
        .replace("FLEET", &short("fleet"))
        .replace("ROOT", &full("report root"))
        .replace("SEAL", &full("seal"))
        .replace("AGREEMENT", &full("agreement"))
        .replace("PREVIOUS", &short("previous"))
        .replace("HEAD", &short("root"))
        .replace("SOUTH", &short("south"));
    assert_eq!(text(&samples::statements()[1]), expected);
}

#[test]
fn every_kind_names_its_figures() {
    let pages: Vec<String> = samples::statements().iter().map(text).collect();
    for (page, parts) in pages.iter().zip([
        vec!["Fleet declaration by north", "1,024 (padding included)", "window 0", "first in the log"],
        vec!["Report by north"],
        vec![
            "2.5e23 operations",
            "70,000,000,000 parameters",
            "12,000,000,000 parameters per token",
            "not said",
            "alpha",
        ],
        vec!["7, 2, 9, 1", "20000000", "2026-11-03 00:00:00 UTC"],
        vec!["group 7: 9 bytes, blob ", "2 groups"],
        vec![
            "1 match, 1 mismatch, 1 not opened, 1 flagged",
            "group 2: MISMATCH (commitment)",
            "group 7: match, with a power reading",
        ],
        vec!["Heartbeat by north", "window          3"],
        vec!["Alarm by north", "logs.example/south shows two histories", "12 entries", "8 bytes, blob "],
        vec!["Freeze by north", "ends with this entry", "the disk is lost", "logs.example/north-2+1+A"],
        vec!["Key rotation by north", "the next statement on"],
        vec!["Succession by north", "goes on for a frozen one", "12 entries, root "],
        vec!["Ratification by north", "policy "],
        vec!["Sealed commitment by north", "entry round     0"],
        vec![
            "(at least 2 others) and ((others hold at least 60.0000 % of listed compute) or (with east,",
            "south))",
            "2027-11-01 00:00:00 UTC",
            "33562612",
        ],
        vec!["capability horizon", "horizon_p50", "601200", "400000 to 950000.5 at 90.0000 %", "4 bytes, blob "],
        vec!["Trigger raised by north", "rsi"],
        vec!["Lift request by north", "rsi", "none"],
        vec!["lifting a trigger", "epoch           3", "YES"],
        vec!["paused"],
        vec!["Question by north", "south", "Which jobs ran on pod 7?"],
        vec!["Answer by north", "A burn-in test; see the run list.", "8 bytes, blob "],
        vec!["Discrepancy case by north", "balance-alarm", "4 % below metered power"],
        vec!["reviewed: the case has merit"],
        vec!["Inspection request by north", "Power meters of hall 2"],
        vec!["Objection by north", "against         inspection "],
        vec!["no indication of a breach at what was shown", "17 bytes, blob "],
        vec!["Withdrawal by north", "A change of law."],
        vec!["no longer keeps the agreement"],
        vec!["One rack was counted twice.", "attachment      none"],
        vec![
            "Gate decision by north",
            "slurm-1, for north",
            "allowed until 2026-11-01 02:26:40 UTC, asked at submit",
            "slowed.2 (as of",
            "in-force",
        ],
    ]) {
        for part in parts {
            assert!(page.contains(part), "'{part}' in\n{page}");
        }
        assert!(page.lines().all(|line| line.chars().count() <= 120), "{page}");
    }
}

#[test]
fn a_signed_page_has_the_full_hash_and_long_lists_are_counted() {
    let statement = samples::statements().remove(1);
    let bytes = statement.sign(&samples::key()).unwrap();
    let page = signed(&crate::verify(&bytes, &[samples::key().public()]).unwrap());
    assert!(page.contains(&Hash32::of(&bytes).to_string()) && page.contains("signature valid"));
    let mut page = Page::default();
    page.list("items", &(0..30).map(|i| i.to_string()).collect::<Vec<_>>());
    assert!(page.out.ends_with("and 10 more\n"));
    assert_eq!(page.out.lines().count(), SHOWN + 1);
}

#[test]
fn every_sample_has_a_page() {
    assert_eq!(samples::statements().len(), crate::Kind::ALL.len());
    let kinds: Vec<crate::Kind> = samples::statements().iter().map(Statement::kind).collect();
    assert_eq!(kinds, crate::Kind::ALL);
}

#[test]
fn figures() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!(operations(0), "0 operations");
    assert_eq!(operations(1), "1e15 operations");
    assert_eq!(operations(1_050), "1.05e18 operations");
}
