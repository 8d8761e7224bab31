//! Honest accounts pass every check, in both modes, with the same bytes on any number of threads.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod world;

use standstill_seal::{History, PrivateHistory, PrivateWindow, Total, memory_key, private_window, verify_window};
use standstill_statement::body::Mode;
use standstill_statement::{Class, Hash32};
use world::*;

#[test]
fn sealed_mode_passes_and_shows_nothing() {
    let sealed = honest();
    let verdict = verify(&context(3, Mode::Sealed), &report(sealed), &sealed.blob);
    assert!(all_pass(&verdict), "{:?}", verdict.checks);
    let ids: Vec<String> = verdict.checks.iter().map(|check| check.id.to_string()).collect();
    assert_eq!(ids, ["layout", "range", "conservation", "physical-bound", "runs"]);
    assert!(verdict.public.unwrap().opened().is_none());
}

#[test]
fn open_mode_shows_the_totals() {
    let sealed = honest_open();
    let verdict = verify(&context(3, Mode::Open), &report(sealed), &sealed.blob);
    assert!(all_pass(&verdict), "{:?}", verdict.checks);
    let public = verdict.public.unwrap();
    let opened = public.opened().unwrap();
    assert_eq!(opened.get(Total::Devices), 19);
    assert_eq!(opened.get(Total::Seconds(Class::Pretraining)), 19 * 20_000);
    assert_eq!(opened.get(Total::Petaops(Class::Pretraining)), 19 * 4_000);
    assert_eq!(opened.runs, [19 * 3_000, 19 * 1_000, 0]);
    let seconds: u64 = Class::ALL.iter().map(|class| opened.get(Total::Seconds(*class))).sum();
    assert_eq!(seconds, 19 * DAY);
    assert_eq!(sealed.private.total(Total::Devices), 19);
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let seal_on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| seal(&context(3, Mode::Sealed), &inputs(20_000, 4_000, 10), &[], &PrivateHistory::new()).blob)
    };
    assert_eq!(seal_on(1), seal_on(3));
    assert_eq!(seal_on(2), honest().blob);
    let verdict_on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| verify(&context(3, Mode::Sealed), &report(honest()), &honest().blob))
    };
    assert_eq!(verdict_on(1), verdict_on(4));
}

#[test]
fn the_labs_own_totals_survive_a_file_and_a_loss() {
    let private = &honest().private;
    let again = PrivateWindow::from_bytes(&private.to_bytes().unwrap()).unwrap();
    assert!(again == *private);
    let made =
        private_window(&master(), &context(3, Mode::Sealed), fleet(), &inputs(20_000, 4_000, 10), &runs()).unwrap();
    assert!(made == *private);
    assert!(PrivateWindow::from_bytes(&private.to_bytes().unwrap()[1..]).is_err());
}

#[test]
fn a_verdict_and_its_memory_key_can_be_stored() {
    let sealed = honest_open();
    let verdict = verify(&context(3, Mode::Open), &report(sealed), &sealed.blob);
    let bytes = standstill_statement::canonical::to_vec(&verdict).unwrap();
    assert_eq!(standstill_statement::canonical::from_slice::<standstill_seal::WindowVerdict>(&bytes).unwrap(), verdict);
    let key = |mode, blob| memory_key(&context(3, mode), fleet(), &[], &History::new(), &report(sealed), blob).unwrap();
    assert_eq!(key(Mode::Open, Hash32::of(&sealed.blob)), key(Mode::Open, Hash32::of(&sealed.blob)));
    assert_ne!(key(Mode::Open, Hash32::of(&sealed.blob)), key(Mode::Sealed, Hash32::of(&sealed.blob)));
    assert_ne!(key(Mode::Open, Hash32::of(&sealed.blob)), key(Mode::Open, Hash32::of(b"other")));
    assert!(all_pass(&verify_window(
        &context(3, Mode::Open),
        fleet(),
        &[],
        &History::new(),
        &report(sealed),
        &sealed.blob
    )));
}
