//! Rules of signed-note, one test each.

use super::*;
use proptest::prelude::*;

/// The example of the specification and its key.
const EXAMPLE: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(name, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn key(name: &str, seed: u8) -> VerifierKey {
    signer(name, seed).verifier().clone()
}

#[test]
fn the_specification_example_parses_and_splits_at_the_last_blank_line() {
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    assert!(note.text().ends_with("\n\ned è subito sera.\n"));
    assert_eq!(note.signatures().len(), 1);
    assert_eq!(note.to_string(), EXAMPLE);
}

#[test]
fn a_signed_note_verifies_and_a_changed_one_does_not() {
    let note = Note::sign("hello\n", &signer("a", 1)).unwrap();
    assert_eq!(note.verify(&[key("a", 1)]).unwrap(), vec![Verified { key: 0, time_unix_seconds: 0 }]);
    let changed = Note::parse(note.to_string().replace("hello", "hallo").as_bytes()).unwrap();
    assert!(matches!(changed.verify(&[key("a", 1)]), Err(TlogError::BadSignature { .. })));
}

#[test]
fn unknown_keys_are_ignored_but_a_known_one_is_needed() {
    let mut note = Note::sign("hello\n", &signer("a", 1)).unwrap();
    note.add(signer("b", 2).sign("other text\n").unwrap());
    assert_eq!(note.verify(&[key("a", 1)]).unwrap().len(), 1);
    assert!(matches!(note.verify(&[key("c", 3)]), Err(TlogError::NoKnownSignature { .. })));
    assert!(matches!(note.verify(&[]), Err(TlogError::NoKnownSignature { .. })));
    // The same name with another key, and the same key under another name, are both unknown.
    assert!(note.verify(&[key("a", 9)]).is_err());
    assert!(note.verify(&[key("z", 1)]).is_err());
}

#[test]
fn one_failing_known_signature_refuses_the_whole_note() {
    let mut note = Note::sign("hello\n", &signer("a", 1)).unwrap();
    note.add(signer("b", 2).sign("other text\n").unwrap());
    assert!(matches!(note.verify(&[key("a", 1), key("b", 2)]), Err(TlogError::BadSignature { .. })));
    // A repeated line of one key must verify as well.
    let mut repeated = Note::sign("hello\n", &signer("a", 1)).unwrap();
    repeated.add(signer("a", 1).sign("other text\n").unwrap());
    assert!(repeated.verify(&[key("a", 1)]).is_err());
}

#[test]
fn breaches_of_the_format_are_refused() {
    let good = Note::sign("hello\n", &signer("a", 1)).unwrap().to_string();
    let line = good.lines().last().unwrap().to_owned();
    let bad = [
        String::new(),
        "hello\n".into(),
        "hello\n\n".into(),
        format!("hello\n{line}\n"),
        format!("hello\n\n{line}"),
        format!("hello\n\n{line}\n\n"),
        format!("hello\n\n{line}\nrubbish\n"),
        format!("hel\tlo\n\n{line}\n"),
        format!("hello\r\n\n{line}\n"),
        format!("hello\n\n{}\n", line.replace("— ", "- ")),
        format!("hello\n\n{}\n", line.replace("— a ", "— a+b ")),
        format!("hello\n\n{}\n", line.replace("— a ", "— a\u{a0}b ")),
        format!("hello\n\n{}\n", line.replace("— a ", "—  ")),
        format!("hello\n\n{}\n", line.trim_end_matches('=')),
        "hello\n\n— a AAAA\n".into(),
        "hello\n\n— a AAAAAA==\n".into(),
    ];
    for text in bad {
        assert!(matches!(Note::parse(text.as_bytes()), Err(TlogError::Note(_))), "{text:?}");
    }
    assert!(Note::parse(b"hello\xff\n\n").is_err());
    assert!(Note::new("no newline", vec![signer("a", 1).sign("x\n").unwrap()]).is_err());
    assert!(Note::new("x\n", vec![]).is_err());
}

#[test]
fn limits_hold_and_sixteen_signatures_are_accepted() {
    let mut note = Note::sign("hello\n", &signer("a", 1)).unwrap();
    for i in 1..MAX_SIGNATURES {
        note.add(signer(&format!("k{i}"), 3).sign("hello\n").unwrap());
    }
    assert_eq!(Note::parse(&note.to_bytes()).unwrap().signatures().len(), MAX_SIGNATURES);
    note.add(signer("last", 3).sign("hello\n").unwrap());
    assert!(matches!(Note::parse(&note.to_bytes()), Err(TlogError::TooLarge { .. })));
    assert!(matches!(Note::parse(&vec![b'a'; MAX_NOTE_BYTES + 1]), Err(TlogError::TooLarge { .. })));
}

#[test]
fn decimals_are_canonical() {
    assert_eq!(parse_decimal("0"), Some(0));
    assert_eq!(parse_decimal("9223372036854775807"), Some(i64::MAX as u64));
    for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "9223372036854775808", "99999999999999999999", "1e3", "١"] {
        assert_eq!(parse_decimal(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn any_bytes_parse_or_fail_without_panic_and_what_parses_prints_the_same(bytes: Vec<u8>) {
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_text_survives_signing(lines in proptest::collection::vec("[ -~]{0,12}", 1..6)) {
        let text = lines.join("\n") + "\n";
        let note = Note::sign(&text, &signer("a", 1)).unwrap();
        let again = Note::parse(&note.to_bytes()).unwrap();
        prop_assert_eq!(again.text(), text);
        prop_assert!(again.verify(&[key("a", 1)]).is_ok());
    }
}
