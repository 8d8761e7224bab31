//! `standstill signal`.

mod horizon;

use crate::args::SignalCommand;
use crate::exit::CliResult;

pub(super) fn run(command: SignalCommand) -> CliResult {
    match command {
        SignalCommand::Horizon(args) => horizon::run(&args),
    }
}
