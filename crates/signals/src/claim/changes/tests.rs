//! What a forger does to a signed ledger of changes: each test says which part of the check catches it, or openly that none does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::changes::Method;
use crate::changes::table::tests::{history, row};
use crate::changes::table::{Row, Source};
use crate::claim;
use standstill_statement::{BlobRef, Hash32, Name, Reading};

fn subject(metric: &str) -> Subject {
    Subject { metric: Name::new(metric).unwrap(), party: Some(Name::new("north").unwrap()) }
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = (0..6).map(|number| row(number, 100)).collect();
    rows[2].sources = vec![Source::Trailer];
    rows
}

fn table(rows: Vec<Row>, method: &Method) -> Vec<u8> {
    let mut table = history(rows);
    table.header.method_hash = hex::encode(method.hash().unwrap());
    table.to_bytes().unwrap()
}

fn made(rows: Vec<Row>, method: Method) -> Prepared {
    let table = table(rows, &method);
    let record = recompute(&Inputs { method, table: table.clone(), runs: None }).unwrap();
    changes(&subject("ai_authored_share"), &table, None, &record).unwrap()
}

fn honest() -> Prepared {
    made(rows(), Method::default())
}

fn caught(claim: &Prepared) -> Option<Part> {
    match claim::check(&claim.signal, &claim.inputs, &claim.result, &|_| Err("no beacon".to_owned()), 1) {
        Ok(()) => None,
        Err(Fault::Differs(part, _)) => Some(part),
        Err(Fault::Unknown(why)) => panic!("{why}"),
    }
}

#[test]
fn an_honest_ledger_is_computed_again() {
    let claim = honest();
    assert_eq!(caught(&claim), None);
    assert_eq!(claim.signal.kind, SignalKind::Changes);
    let Reading::Value(measured) = &claim.signal.reading else { panic!("{:?}", claim.signal.reading) };
    let interval = measured.interval.as_ref().unwrap();
    assert!(interval.low.compare(0, 0).is_gt() && interval.high.compare(1, 0).is_eq());
}

#[test]
fn inputs_and_metric_must_be_the_records() {
    let (one, method) = (table(rows(), &Method::default()), Method::default());
    let record = recompute(&Inputs { method, table: one.clone(), runs: None }).unwrap();
    assert!(changes(&subject("rd_speedup"), &one, None, &record).is_err());
    assert!(changes(&subject("ai_led_share"), &one[1..], None, &record).is_err());
    assert!(changes(&subject("ai_led_share"), &one, Some(b"{}"), &record).is_err());
}

/// Attribution taken out of the table under the honest record.
#[test]
fn a_changed_table_is_caught() {
    let mut claim = honest();
    let mut forged = rows();
    forged[2].sources.clear();
    claim.inputs = vec![table(forged, &Method::default())];
    // Its length differs from what the record names; with the length kept, the digest does.
    assert_eq!(caught(&claim), Some(Part::Inputs));
    let mut claim = honest();
    let at = claim.inputs[0].len() - 3;
    claim.inputs[0][at] ^= 1;
    assert_eq!(caught(&claim), Some(Part::Result));
}

#[test]
fn a_changed_record_is_caught() {
    let mut claim = honest();
    let text = String::from_utf8(claim.result.clone()).unwrap();
    let forged = text.replacen("\"ai-commits\": 1", "\"ai-commits\": 0", 1);
    assert_ne!(text, forged);
    claim.result = forged.into_bytes();
    assert_eq!(caught(&claim), Some(Part::Result));
    claim.result = text.replace('\n', " ").into_bytes();
    assert_eq!(caught(&claim), Some(Part::Result), "another form of the same record");
}

#[test]
fn another_method_reading_or_part_is_caught() {
    let mut claim = honest();
    claim.signal.method = Hash32::of(b"pinned by the terms");
    assert_eq!(caught(&claim), Some(Part::Method));
    let mut claim = honest();
    claim.signal.metric = Name::new("ai_led_share").unwrap();
    assert_eq!(caught(&claim), Some(Part::Reading), "the right figure under another metric");
    let mut claim = honest();
    claim.inputs.push(b"more".to_vec());
    assert_eq!(caught(&claim), Some(Part::Inputs));
    let mut claim = honest();
    claim.inputs.clear();
    assert_eq!(caught(&claim), Some(Part::Inputs));
    assert_eq!(honest().signal.inputs, [BlobRef::of(&honest().inputs[0])]);
}

/// Attribution taken out before everything was computed. **Not caught** here: the figure does follow from the table. Only the repository
/// shows it (`signal changes --against`).
#[test]
fn a_table_that_was_forged_first_is_not_caught() {
    let mut forged = rows();
    forged[2].sources.clear();
    assert_eq!(caught(&made(forged, Method::default())), None);
}
