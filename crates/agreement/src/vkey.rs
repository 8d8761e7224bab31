//! Verifier keys of logs and witnesses (C2SP signed-note), as the log crate reads them.

use standstill_tlog::TlogError;
use standstill_tlog::note::{KeyType, VerifierKey};

/// A verifier key whose key id was recomputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vkey {
    /// For a log, its origin.
    pub(crate) name: String,
    /// Public key bytes: 32 of Ed25519, 1312 of ML-DSA-44.
    pub(crate) key: Vec<u8>,
}

/// What a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A log's own key: plain Ed25519, which every reader of a public log understands.
    Log,
    /// A witness's key: Ed25519 or ML-DSA-44.
    Witness,
}

impl Purpose {
    fn fits(self, kind: KeyType) -> bool {
        match self {
            Self::Log => kind == KeyType::Ed25519,
            Self::Witness => kind.may_cosign(),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Log => "a log key (type 0x01)",
            Self::Witness => "a witness key (type 0x04 or 0x06)",
        }
    }
}

/// Reads a verifier key for one purpose.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that starts with the field's name.
pub(crate) fn read(text: &str, wanted: Purpose) -> Result<Vkey, String> {
    let key = VerifierKey::parse(text).map_err(|error| match error {
        TlogError::Key(problem) => format!("is refused: {problem}"),
        other => format!("is refused: {other}"),
    })?;
    if !wanted.fits(key.key_type()) {
        return Err(format!("is {}, and {} is needed", key.key_type().purpose(), wanted.words()));
    }
    // Statements name logs by origin, and they allow this alphabet only.
    if key.name().len() > 255 || !key.name().bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Err("has a name that is not 1 to 255 printable ASCII characters without space".to_owned());
    }
    Ok(Vkey { name: key.name().to_owned(), key: key.public_bytes().to_vec() })
}

/// The text form of a key of a test.
#[cfg(test)]
pub(crate) fn write(name: &str, kind: KeyType, seed: u8) -> String {
    VerifierKey::new(name, kind, &standstill_statement::SigningKey::from_seed([seed; 32]).public().0)
        .unwrap()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_keys_and_their_damage() {
        let key = standstill_statement::SigningKey::from_seed([1; 32]).public().0.to_vec();
        let text = write("north.example/log", KeyType::Ed25519, 1);
        let read = |text: &str| super::read(text, Purpose::Log);
        assert_eq!(read(&text), Ok(Vkey { name: "north.example/log".to_owned(), key }));
        assert!(super::read(&text, Purpose::Witness).unwrap_err().contains("0x04"));
        assert!(read(&text.replacen('n', "m", 1)).unwrap_err().contains("key id"));
        assert!(read(&write("nörth", KeyType::Ed25519, 1)).unwrap_err().contains("ASCII"));
        for text in ["", "a", "a+b", "+00000000+AAAA", "a+00000000+!", "a+00000000+AQ=="] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
