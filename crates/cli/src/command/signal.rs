//! `standstill signal`.

mod changes;
mod horizon;
mod scan;
mod sign;

use crate::args::SignalCommand;
use crate::exit::CliResult;

pub(super) fn run(command: SignalCommand) -> CliResult {
    match command {
        SignalCommand::Changes(args) => changes::run(&args),
        SignalCommand::Horizon(args) => horizon::run(&args),
        SignalCommand::Scan(args) => scan::run(&args),
    }
}
