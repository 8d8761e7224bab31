//! What an absence certificate may ask about statements: `kind=report window=5`.
//!
//! An entry answers when it is a valid statement of the log's own issuer under the agreement and every item is true of it. Bytes that are no such
//! statement answer nothing: a party cannot hide its silence behind rubbish in its own log.

use super::ClientError;
use standstill_statement::{Hash32, Keyring, Kind, Name, PublicKey};
use std::fmt;

/// Whose statements count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// Agreement id.
    pub agreement: Hash32,
    /// The log's party or role.
    pub issuer: Name,
    /// Keys that may sign for it when its log begins.
    pub keys: Vec<PublicKey>,
}

/// A question: items that must all be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    text: String,
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Kind(Kind),
    Statement(Hash32),
    /// A field of the body: number, text or hash in hexadecimal.
    Field(String, String),
}

impl Question {
    /// Reads a question: items `kind=<kind>`, `statement=<64 hex digits>` and `<field>=<value>`, separated by one space each. A field
    /// is one of the body's own (`docs/formats/statement.md`) that holds a number, a text or a hash.
    ///
    /// # Errors
    /// [`ClientError::Question`] with what would be right.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let refused = |problem: String| ClientError::Question { question: text.to_owned(), problem };
        let items = text.split(' ').map(|item| parse_item(item).map_err(refused)).collect::<Result<Vec<_>, _>>()?;
        let described = items.iter().any(|item| matches!(item, Item::Kind(_) | Item::Statement(_)));
        if !described {
            return Err(refused(
                "it needs kind=<kind> or statement=<hash>, so that a field says of what it is".to_owned(),
            ));
        }
        Ok(Self { text: text.to_owned(), items })
    }

    /// Whether the next entry of this speaker's log answers. The keyring is that of the entries before it.
    #[must_use]
    pub fn matches(&self, speaker: &Speaker, keyring: &mut Keyring, entry: &[u8]) -> bool {
        let Ok(signed) = keyring.verify_next(entry) else { return false };
        if signed.expect(&speaker.agreement, &speaker.issuer).is_err() {
            return false;
        }
        let body = serde_json::to_value(&signed.statement.body).unwrap_or_default();
        let fields = body.get(signed.statement.kind().name());
        self.items.iter().all(|item| match item {
            Item::Kind(kind) => signed.statement.kind() == *kind,
            Item::Statement(hash) => Hash32::of(entry) == *hash,
            Item::Field(name, wanted) => match fields.and_then(|fields| fields.get(name)) {
                Some(serde_json::Value::String(text)) => text == wanted,
                Some(serde_json::Value::Number(number)) => number.to_string() == *wanted,
                _ => false,
            },
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_item(item: &str) -> Result<Item, String> {
    let form = || format!("'{item}' is not an item; write for example: kind=report window=5");
    let (name, value) = item.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(form)?;
    match name {
        "kind" => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == value);
            let known = || Kind::ALL.map(Kind::name).join(", ");
            kind.map(Item::Kind)
                .ok_or_else(|| format!("'{value}' is not a kind of statement; it is one of {}", known()))
        }
        "statement" => {
            value.parse().map(Item::Statement).map_err(|_| format!("'{value}' is not 64 lower-case hexadecimal digits"))
        }
        _ if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
            Ok(Item::Field(name.to_owned(), value.to_owned()))
        }
        _ => Err(form()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use standstill_statement::{Body, Header, Heartbeat, SigningKey, Statement};

    fn heartbeat(window: u64, key: &SigningKey, issuer: &str) -> Vec<u8> {
        let header = Header {
            agreement: Hash32([7; 32]),
            issuer: Name::new(issuer).unwrap(),
            sequence: 0,
            previous: None,
            issued_unix_seconds: 1,
            heads: Vec::new(),
        };
        Statement { header, body: Body::Heartbeat(Heartbeat { window }) }.sign(key).unwrap()
    }

    #[test]
    fn it_counts_only_the_speakers_own_valid_statements() {
        let (key, other) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
        let issuer = Name::new("north").unwrap();
        let speaker = Speaker { agreement: Hash32([7; 32]), issuer, keys: vec![key.public()] };
        let ask = |text: &str, entry: &[u8]| {
            Question::parse(text).unwrap().matches(&speaker, &mut Keyring::new(&speaker.keys), entry)
        };
        let entry = heartbeat(5, &key, "north");
        assert!(ask("kind=heartbeat window=5", &entry) && ask("kind=heartbeat", &entry));
        assert!(ask(&format!("statement={}", Hash32::of(&entry)), &entry));
        assert!(!ask("kind=heartbeat window=6", &entry) && !ask("kind=report window=5", &entry));
        assert!(!ask("kind=heartbeat run=5", &entry));
        assert!(!ask("kind=heartbeat", &heartbeat(5, &other, "north")), "a forged signature");
        assert!(!ask("kind=heartbeat", &heartbeat(5, &key, "south")), "another issuer");
        assert!(!ask("kind=heartbeat", b"rubbish"));
    }

    #[test]
    fn malformed_questions_say_what_would_be_right() {
        for text in [
            "",
            "window=5",
            "kind=",
            "kind=novel",
            "kind=report  window=5",
            "kind=report Window=5",
            "statement=00",
            "report",
        ] {
            assert!(matches!(Question::parse(text), Err(ClientError::Question { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_without_panic(text: String) {
            let _ = Question::parse(&text);
        }
    }
}
