//! Exit codes and the one error type of the command line.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Exit codes of every command (DESIGN.md section 13); part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Verified, or done.
    Ok = 0,
    /// The agreement was violated.
    Violated = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Neither verified nor violated: something is missing.
    CannotConclude = 3,
    /// An input could not be read.
    Unreadable = 4,
    /// A peer could not be reached.
    Network = 5,
    /// Two histories of one log were seen.
    Fork = 6,
    /// A defect of Standstill.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What went wrong, what to do, and the exit code. Printed to standard error as `standstill: MESSAGE`.
#[derive(Debug)]
pub struct CliError {
    /// One or more sentences; the last says what to do next.
    pub message: String,
    /// Exit code.
    pub exit: Exit,
}

impl CliError {
    /// An input that could not be read.
    pub fn unreadable(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), exit: Exit::Unreadable }
    }

    /// A command line that cannot be carried out as written.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), exit: Exit::Usage }
    }

    /// A defect: something that this program made is refused by this program.
    pub fn bug(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), exit: Exit::Bug }
    }

    /// A file operation failed.
    pub fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::unreadable(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// Any error of a library crate, with the file or thing that it concerns.
    pub fn about(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::unreadable(format!("{what}: {error}"))
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

/// Result of a command.
pub type CliResult<T = Exit> = Result<T, CliError>;
