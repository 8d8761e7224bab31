//! The chip-time ledger: in every window each registered accelerator accounts for each of its slots, to the millisecond.
//!
//! Pure data and arithmetic: no clock, no network, no randomness, no floating point in any figure that decides.
//! Implements DESIGN.md section 7; the formats are in `docs/formats/ledger.md` and `docs/formats/chips.md`.
//!
//! - [`chips`]: versioned, hashed table of dense peaks, one source per cell.
//! - [`fleet`]: registered devices, their custody over time, and the groups in which they are sealed.
//! - [`interval`]: an operation figure is an interval with named evidence, never a number.
//! - [`window`]: the ledger of one window, its invariants, totals, alarms and encoding.
//! - [`units`]: whole seconds, petaops and kilojoules per device, as the seal commits to them.
//! - [`lineage`]: the causal graph of training runs and the 6·N·D cross-check.
//! - [`rulebook`]: one raw record, several legal totals.

pub mod alarm;
pub mod chips;
pub mod error;
pub mod fleet;
pub mod interval;
pub mod lineage;
pub mod rulebook;
pub mod units;
pub mod window;

pub use alarm::{Alarm, AlarmKind};
pub use chips::{ChipModel, ChipTable};
pub use error::LedgerError;
pub use fleet::{Custody, CustodyChange, Device, Fleet, Group};
pub use interval::{Evidence, OpsInterval};
pub use lineage::Lineage;
pub use rulebook::{OperationRecord, Rulebook};
pub use units::DeviceUnits;
pub use window::{DeviceWindow, SlotEntry, Totals, WindowLedger, WindowSpec};
