//! The run-time as a whole: from sealed commitments to the end of the term.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

mod activation;
mod cases;
mod evasions;
mod life;
mod order;
mod settled;
mod stay;
mod windows;
mod world;
