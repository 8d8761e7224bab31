//! `standstill signal horizon`.

use crate::args::HorizonArgs;
use crate::exit::{CliError, CliResult};

pub(super) fn run(_args: &HorizonArgs) -> CliResult {
    Err(CliError::usage("signal horizon is being built; it will be here within the day"))
}
