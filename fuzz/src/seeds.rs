//! Valid inputs, made by the project's own encoders where there are any.

mod records;
mod telemetry;

pub use records::*;
pub use telemetry::*;
