//! The capability horizon, after METR.
