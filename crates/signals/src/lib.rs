//! Signals: measured facts about how far capability has come and how much AI builds AI, in a form that a trigger can rest on.
//!
//! | module | question it answers |
//! |---|---|
//! | [`changes`] | how much of a repository do AI systems write, who reviews it, and which runs use it? |
//! | [`horizon`] | how long are the tasks that a model completes half of the time, how fast does that grow, and has a trigger fired? |
//! | [`scan`] | does a tree or a change hide text, weaken its own checks, or forge who made it? |
//! | [`claim`] | how is such a result signed, and how does anybody compute it again? |
//!
//! Every result is a record that names its inputs by SHA-256 and its method by hash, so that anybody can compute it again and get the
//! same bytes.

pub mod changes;
pub mod claim;
pub mod horizon;
pub mod scan;
