//! The capability horizon, after METR.
pub mod bootstrap;
pub mod date;
pub mod draws;
pub mod error;
pub mod fit;
pub mod frontier;
pub mod index;
pub mod method;
pub mod published;
pub mod quantile;
pub mod results;
pub mod suite;
mod yaml;
