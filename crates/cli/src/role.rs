//! Who acts: a lab, an auditor, a witness; each with a folder of its own.
//!
//! ```text
//! <home>/public.toml       what others need to know: name, log key, statement key
//! <home>/keys/*.key        secrets, mode 0600
//! <home>/agreement.toml    the terms, once joined
//! <home>/log/              the role's transparency log (C2SP layout; all but `.state` is public)
//! <home>/blobs/<sha256>    what statements refer to
//! <home>/private/          a lab's fleet and ledgers; never leaves the lab
//! ```

pub mod acting;
pub mod auditor;
pub mod issuer;
pub mod lab;
pub mod lab_report;
pub mod power;
pub mod reading;
pub mod rotation;
pub(crate) mod situation;
pub mod witnesses;

pub use auditor::AuditorHome;
pub use issuer::Issuer;
pub use lab::Lab;
pub use rotation::rotate_key;
pub use witnesses::Witnesses;
