//! GitHub workflows: what they may do, when they run and what they check, as they stand and against an earlier version.

mod caching;
mod compare;
pub mod expression;
mod facts;
mod machinery;
mod matrix;
mod model;
mod read;
mod snapshot;
mod stranger;

pub use caching::Caching;
pub use compare::compare;
pub use machinery::check as other;
pub use matrix::{Matrix, Place};
pub use model::{Access, Job, Permissions, Step, Workflow};
pub use snapshot::check;

use super::yaml::YamlError;

/// Reads a workflow.
///
/// # Errors
/// [`YamlError`] with the line, also when the document is no workflow.
pub fn read(bytes: &[u8]) -> Result<Workflow, YamlError> {
    let mut workflow = Workflow::from_yaml(&super::yaml::parse(bytes)?)?;
    workflow.lines = lines(bytes);
    Ok(workflow)
}

fn lines(bytes: &[u8]) -> u32 {
    u32::try_from(super::text::count_lines(bytes) + 1).unwrap_or(u32::MAX)
}

/// Brings findings of foreign text into order: a quoted or folded scalar may have more lines than the file, and what is shown must not hide anything.
fn settle(found: &mut [super::finding::Finding], lines: u32) {
    for finding in found {
        finding.line = finding.line.min(lines);
        finding.shown = finding.shown.take().map(|shown| super::hidden::escape(&shown));
    }
}

/// True for paths that GitHub, Forgejo or Gitea run as workflows.
#[must_use]
pub fn is_workflow(path: &str) -> bool {
    let folder = [".github/workflows/", ".forgejo/workflows/", ".gitea/workflows/"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder));
    folder.is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
}

/// True for composite actions.
#[must_use]
pub fn is_action(path: &str) -> bool {
    let name = super::paths::file_name(path);
    name == "action.yml" || name == "action.yaml"
}

#[cfg(test)]
mod tests;
