//! Which action a step uses, and whether the name is what it seems.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::model::Step;

/// Actions that most repositories use; a name one letter off is not a coincidence. Owner and repository.
const POPULAR: [(&str, &[&str]); 31] = [
    (
        "actions",
        &[
            "checkout",
            "cache",
            "setup-node",
            "setup-python",
            "setup-java",
            "setup-go",
            "setup-dotnet",
            "upload-artifact",
            "download-artifact",
            "github-script",
            "labeler",
            "stale",
            "deploy-pages",
            "configure-pages",
            "upload-pages-artifact",
            "create-github-app-token",
            "attest-build-provenance",
            "dependency-review-action",
        ],
    ),
    ("docker", &["login-action", "build-push-action", "setup-buildx-action", "setup-qemu-action", "metadata-action"]),
    ("github", &["codeql-action"]),
    ("codecov", &["codecov-action"]),
    ("softprops", &["action-gh-release"]),
    ("peter-evans", &["create-pull-request"]),
    ("peaceiris", &["actions-gh-pages"]),
    ("pypa", &["gh-action-pypi-publish", "cibuildwheel"]),
    ("astral-sh", &["setup-uv", "ruff-action", "ruff-pre-commit"]),
    ("pre-commit", &["pre-commit-hooks", "mirrors-mypy", "action"]),
    ("asottile", &["pyupgrade", "add-trailing-comma"]),
    ("psf", &["black", "black-pre-commit-mirror"]),
    ("pycqa", &["flake8", "isort", "bandit", "pylint"]),
    ("dtolnay", &["rust-toolchain"]),
    ("swatinem", &["rust-cache"]),
    ("taiki-e", &["install-action"]),
    ("aws-actions", &["configure-aws-credentials", "amazon-ecr-login"]),
    ("azure", &["login", "cli"]),
    ("google-github-actions", &["auth", "setup-gcloud"]),
    ("hashicorp", &["setup-terraform", "vault-action"]),
    ("goreleaser", &["goreleaser-action"]),
    ("golangci", &["golangci-lint-action"]),
    ("sigstore", &["cosign-installer"]),
    ("ossf", &["scorecard-action"]),
    ("aquasecurity", &["trivy-action", "setup-trivy"]),
    ("dorny", &["paths-filter"]),
    ("ruby", &["setup-ruby"]),
    ("pnpm", &["action-setup"]),
    ("denoland", &["setup-deno"]),
    ("oven-sh", &["setup-bun"]),
    ("anthropics", &["claude-code-action"]),
];

/// True for references that can be moved: anything but a full commit hash, an image digest or a path of the same repository.
pub(in super::super) fn is_loose(uses: &str) -> bool {
    // `$/` is the same repository at the same commit.
    if uses.starts_with("./") || uses.starts_with("$/") {
        return false;
    }
    if let Some(image) = uses.strip_prefix("docker://") {
        return !super::is_pinned(image);
    }
    uses.split_once('@').is_none_or(|(_, reference)| !is_hash(reference))
}

fn is_hash(reference: &str) -> bool {
    matches!(reference.len(), 40 | 64) && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn check(step: &Step, found: &mut Vec<Finding>) {
    let Some(uses) = step.uses.as_deref() else { return };
    if is_loose(uses) {
        found.push(Finding::new(id::CI_UNPINNED, step.line, 0, uses));
    }
    if uses.starts_with("docker://") || uses.starts_with("./") || uses.starts_with("$/") {
        return;
    }
    let name = uses.split('@').next().unwrap_or(uses);
    // Forgejo and Gitea take whole addresses.
    let name = name.split_once("://").map_or(name, |(_, rest)| rest.split_once('/').map_or(rest, |(_, path)| path));
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let message = "the name of the action has parts that lead nowhere or elsewhere";
        found.push(Finding::new(id::CI_OBFUSCATED_USES, step.line, 0, message).showing(uses));
    }
    lookalike(name, step.line, found);
}

/// A name `owner/repository…` of GitHub that resembles a popular one.
pub(in super::super) fn lookalike(name: &str, line: u32, found: &mut Vec<Finding>) {
    let lower = name.to_lowercase();
    let mut parts = lower.split('/');
    if let (Some(owner), Some(repository)) = (parts.next(), parts.next())
        && let Some(popular) = imitated(owner, repository)
    {
        let message = format!("{name} is not {popular}/{repository}");
        found.push(Finding::new(id::CI_LOOKALIKE, line, 0, message));
    }
}

/// The owner that this one resembles, when the repository's name is that owner's.
fn imitated(owner: &str, repository: &str) -> Option<&'static str> {
    if POPULAR.iter().any(|(popular, _)| *popular == owner) {
        return None;
    }
    POPULAR
        .iter()
        .find(|(popular, repositories)| repositories.contains(&repository) && one_off(owner, popular))
        .map(|(popular, _)| *popular)
}

/// One letter more, less or different, or two neighbours swapped.
fn one_off(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a == b || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (left, right) = (&a[start..a.len() - end], &b[start..b.len() - end]);
    match (left, right) {
        ([] | [_], [] | [_]) => true,
        ([x, y], [v, w]) => x == w && y == v,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_off() {
        for name in ["action", "cations", "acti0ns", "actiions", "ations"] {
            assert_eq!(imitated(name, "checkout"), Some("actions"), "{name}");
        }
        assert_eq!(imitated("dokcer", "login-action"), Some("docker"));
    }

    #[test]
    fn other_names() {
        for (owner, repository) in [
            ("actions", "chckout"),
            ("action", "other"),
            ("example", "checkout"),
            ("actions-rs", "checkout"),
            ("actoin", "checkout"),
        ] {
            assert_eq!(imitated(owner, repository), None, "{owner}/{repository}");
        }
    }
}
