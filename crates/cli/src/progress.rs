//! Progress for what may take more than two seconds: on standard error, only on a terminal, gone when done.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A progress line. Silent when standard error is not a terminal.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts a line for `total` steps of `unit`; 0 when the number is not known.
    #[must_use]
    pub fn start(doing: &str, total: u64, unit: &str) -> Self {
        let bar = ProgressBar::new(total);
        if std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = if total == 0 {
            format!("{{spinner}} {{msg}} {{human_pos}} {unit} ({{elapsed}})")
        } else {
            format!("{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit} ({{eta}})")
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_message(doing.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// Moves on by `steps`.
    pub fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Sets the position.
    pub fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Says what is being done now.
    pub fn say(&self, doing: &str) {
        self.0.set_message(doing.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
