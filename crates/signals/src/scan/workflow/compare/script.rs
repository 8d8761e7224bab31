//! A script against its earlier version.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::model::Step;

/// Check commands that left a script.
pub(super) fn compare(old: &str, new: &str, step: &Step, found: &mut Vec<Finding>) {
    let emptied = step.checks() && !old.trim().is_empty() && matches!(new.trim(), "" | "true" | ":" | "exit 0");
    if emptied {
        found.push(Finding::new(
            id::CI_CONDITION_DISABLED,
            step.run_line,
            0,
            format!("step '{}' does nothing now", step.label),
        ));
        return;
    }
    for command in [
        "cargo test",
        "cargo clippy",
        "cargo deny",
        "cargo audit",
        "pytest",
        "npm test",
        "npm run lint",
        "go test",
        "go vet",
        "mypy",
        "ruff check",
        "make check",
        "make test",
        "cosign verify",
        "pre-commit run",
    ] {
        if old.contains(command) && !new.contains(command) {
            found.push(Finding::new(
                id::CI_STEP_REMOVED,
                step.run_line,
                0,
                format!("step '{}' no longer runs '{command}'", step.label),
            ));
        }
    }
    for flag in
        ["--require-hashes", "--locked", "--frozen", "-D warnings", "--fail-under", "--strict", "--error-exitcode"]
    {
        if old.contains(flag) && !new.contains(flag) {
            found.push(Finding::new(
                id::CI_STEP_REMOVED,
                step.run_line,
                0,
                format!("step '{}' dropped {flag}", step.label),
            ));
        }
    }
}
