//! Watching logs: lag, forks, missing cosignatures.
