//! The agreement at run time: who is bound, in which phase, what is due, as a pure function of cosigned logs.
//!
//! [`replay`] takes the terms and a set of [`Facts`] and gives a [`Timeline`]; [`Machine::step`] is the same one step at a time. No files,
//! no network, no clock: the only times are those at which a quorum of witnesses had cosigned a head that covers a statement.
//! `docs/formats/runtime.md` has the states, the clocks and the rules.

pub mod activation;
mod barred;
pub mod bench;
mod case;
mod clock;
mod fact;
mod in_force;
mod inspection;
mod machine;
mod membership;
mod phase;
mod replay;
mod settled;
mod state;
mod status;
mod transition;
mod trigger;
mod vote;
mod weigh;

pub use activation::EntryRound;
pub use case::CaseStage;
pub use fact::{Cause, Fact, Facts, Ignored, MAX_FACTS};
pub use inspection::InspectionStage;
pub use machine::{Event, Machine};
pub use phase::RunPhase;
pub use replay::{Timeline, replay, replay_with};
pub use state::{LiftVote, State};
pub use status::{CaseStatus, Due, PartyStatus, Status, TimelineView, TriggerStatus};
pub use transition::{Effect, Rule, Subject, Transition};
pub use weigh::{Outcome, preview};
