//! The `standstill` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    standstill_cli::main()
}
