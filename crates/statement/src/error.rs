//! Why a statement is refused.

use crate::canonical::CanonicalError;
use crate::ids::Name;

/// A statement or a key was refused. Each variant says what is wrong and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Over the size limit.
    #[error("a statement of {length} bytes, and at most {limit} are allowed; move the large part to a blob")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The envelope is not deterministic CBOR tagged 18.
    #[error("not a COSE_Sign1 envelope: {0}")]
    Envelope(CanonicalError),
    /// The envelope's structure or headers are not those of the profile.
    #[error("envelope outside the profile: {0}; see docs/formats/statement.md, \"Envelope\"")]
    Profile(&'static str),
    /// The payload is not a statement.
    #[error("the payload is not a statement: {0}")]
    Payload(CanonicalError),
    /// The content type names another kind than the payload holds.
    #[error(
        "the content type '{content_type}' does not fit the payload, which is a {kind}; the statement was altered or mislabelled"
    )]
    Kind {
        /// Content type in the envelope, shortened.
        content_type: String,
        /// Kind of the payload.
        kind: &'static str,
    },
    /// The envelope's issuer is not the payload's.
    #[error("the envelope is from '{claimed}' and the payload from '{issuer}'; a statement speaks for one issuer only")]
    Issuer {
        /// `iss` claim, shortened.
        claimed: String,
        /// Issuer in the payload.
        issuer: Name,
    },
    /// The envelope's subject is not the payload's agreement and kind.
    #[error(
        "the envelope's subject is '{claimed}' and the payload needs '{expected}'; the statement belongs to another agreement"
    )]
    Subject {
        /// `sub` claim, shortened.
        claimed: String,
        /// What it must be.
        expected: String,
    },
    /// Signed by a key that the caller did not list.
    #[error(
        "signed with key id {key_id}, which is not among the {known} keys given; check that the agreement lists the signer's current key"
    )]
    UnknownKey {
        /// Key id in the envelope, hexadecimal.
        key_id: String,
        /// Number of keys given.
        known: usize,
    },
    /// A key that an earlier statement of the issuer retired.
    #[error(
        "signed with key id {key_id}, which the issuer's own statement {by} retired; sign with a key that is still in force"
    )]
    Retired {
        /// Key id in the envelope, hexadecimal.
        key_id: String,
        /// Sequence of the rotation.
        by: u64,
    },
    /// The signature is not valid under strict Ed25519.
    #[error(
        "the signature does not verify under key {key_id} (strict Ed25519); the bytes are not what the signer signed"
    )]
    Signature {
        /// Key id in the envelope, hexadecimal.
        key_id: String,
    },
    /// The statement is from someone else, or under another agreement, than the caller expects.
    #[error("{what} is '{found}', expected '{expected}'; the statement was made for another place")]
    Unexpected {
        /// Which of agreement, issuer and kind.
        what: &'static str,
        /// In the statement.
        found: String,
        /// What the caller expects.
        expected: String,
    },
    /// A field has a value that its kind does not allow.
    #[error("{kind} from '{issuer}': field {field}: {problem}")]
    Field {
        /// Kind of the statement.
        kind: &'static str,
        /// Who made it.
        issuer: Name,
        /// Which field.
        field: &'static str,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// A key text cannot be read. The text itself is never repeated.
    #[error("not a {what}: {problem}")]
    Key {
        /// Public or secret key.
        what: &'static str,
        /// What is wrong and what is expected.
        problem: &'static str,
    },
    /// The operating system gave no randomness.
    #[error(
        "the operating system gave no random bytes for a new key: {0}; try again on a machine with a working random device"
    )]
    Randomness(String),
}
