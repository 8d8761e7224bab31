//! What acts: a person, an AI system or a service.

use serde::{Deserialize, Serialize};

/// What acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    /// An account that nothing marks as a machine.
    Person,
    /// An AI system.
    Ai,
    /// A forge or an automaton without a model.
    Service,
}
