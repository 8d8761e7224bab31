//! `standstill signal`.

mod changes;
mod horizon;

use crate::args::SignalCommand;
use crate::exit::CliResult;

pub(super) fn run(command: SignalCommand) -> CliResult {
    match command {
        SignalCommand::Changes(args) => changes::run(&args),
        SignalCommand::Horizon(args) => horizon::run(&args),
    }
}
