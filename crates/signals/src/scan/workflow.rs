//! GitHub workflows: what they may do, when they run and what they check, as they stand and against an earlier version.

mod compare;
mod model;
mod snapshot;

pub use compare::compare;
pub use model::{Access, Job, Permissions, Step, Workflow};
pub use snapshot::check;

use super::yaml::YamlError;

/// Reads a workflow.
///
/// # Errors
/// [`YamlError`] with the line, also when the document is no workflow.
pub fn read(bytes: &[u8]) -> Result<Workflow, YamlError> {
    Workflow::from_yaml(&super::yaml::parse(bytes)?)
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
