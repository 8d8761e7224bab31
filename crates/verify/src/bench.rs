//! Measuring the verifier on a world of its own making. Nothing here takes part in a verdict.

pub mod world;
