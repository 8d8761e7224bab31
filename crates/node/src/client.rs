//! Reading logs over HTTP: verified copy on disk, tailing, alarms with evidence, submission, certificates for offline use.
//!
//! | module | what |
//! |---|---|
//! | [`http`] | requests with limits on size and time, repeated where that is safe |
//! | [`copy`] | a log's verified copy in the layout of `docs/formats/tlog.md`; never fetched twice |
//! | [`follow`] | one log, step by step: only new bundles are fetched, every step is checked against all entries before it |
//! | [`alarm`] | forks and what comes near them, with the evidence kept |
//! | [`submit`] | blobs and statements, safe against lost answers |
//! | [`refresh`] | asking the policy's witnesses to cosign a checkpoint again |
//! | [`question`] | what an absence certificate may ask about statements |
//! | [`certify`] | certificates and proofs from a copy |
//!
//! Plain HTTP is enough for correctness: every byte that is believed is signed or hashed. Whoever wants confidentiality of what is read puts a
//! reverse proxy with TLS in front.

pub mod alarm;
pub mod certify;
pub mod copy;
mod error;
pub mod follow;
pub mod http;
pub mod question;
pub mod refresh;
pub mod submit;

pub use alarm::{Alarm, AlarmKind};
pub use copy::LogCopy;
pub use error::ClientError;
pub use follow::{Follower, Step};
pub use http::{Answer, Http, HttpLimits};
pub use question::Question;
pub use submit::{Accepted, Submitter};
