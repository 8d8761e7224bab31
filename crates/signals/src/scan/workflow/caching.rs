//! Which actions restore a cache, asked or unasked. The table states what the actions' own `action.yml` files said in November 2026.

use super::expression::{self, Expression, Literal};
use super::model::{Step, Workflow};

/// How a step comes to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// The action is a cache, or the step asks for one.
    Asked,
    /// The action caches when nothing is said.
    Unasked,
}

/// When an action caches.
#[derive(Clone, Copy, Debug)]
enum When {
    /// Whenever it is used.
    Used,
    /// Unless this input is true; the action is a cache.
    Unless(&'static str),
    /// Also when nothing is said, unless this input is false.
    Default(&'static str),
    /// Also when nothing is said, unless this input is true.
    DefaultUnless(&'static str),
    /// When this input is set.
    Set(&'static str),
}

/// Actions in lower case.
const ACTIONS: [(&str, When); 24] = [
    ("actions/cache", When::Unless("lookup-only")),
    ("actions/cache/restore", When::Unless("lookup-only")),
    ("swatinem/rust-cache", When::Unless("lookup-only")),
    ("mozilla-actions/sccache-action", When::Used),
    ("nix-community/cache-nix-action", When::Used),
    ("awalsh128/cache-apt-pkgs-action", When::Used),
    ("ramsey/composer-install", When::DefaultUnless("ignore-cache")),
    ("oven-sh/setup-bun", When::DefaultUnless("no-cache")),
    ("gradle/actions/setup-gradle", When::DefaultUnless("cache-disabled")),
    ("astral-sh/setup-uv", When::Default("enable-cache")),
    ("actions/setup-go", When::Default("cache")),
    ("actions/setup-node", When::Default("package-manager-cache")),
    ("mlugg/setup-zig", When::Default("use-cache")),
    ("determinatesystems/magic-nix-cache-action", When::Default("use-gha-cache")),
    ("actions-rust-lang/setup-rust-toolchain", When::Default("cache")),
    ("jdx/mise-action", When::Default("cache")),
    ("actions/setup-python", When::Set("cache")),
    ("actions/setup-java", When::Set("cache")),
    ("actions/setup-dotnet", When::Set("cache")),
    ("graalvm/setup-graalvm", When::Set("cache")),
    ("pnpm/setup", When::Set("cache")),
    ("ruby/setup-ruby", When::Set("bundler-cache")),
    ("pyo3/maturin-action", When::Set("sccache")),
    ("docker/setup-buildx-action", When::Set("version")),
];

/// Inputs that ask for a cache in any action.
const ASKING: [&str; 7] =
    ["cache", "enable-cache", "use-cache", "package-manager-cache", "cache-from", "cache-to", "sccache"];

/// Major version that a reference names, if it names one.
fn major(reference: &str) -> Option<u32> {
    reference.strip_prefix('v').unwrap_or(reference).split('.').next()?.parse().ok().filter(|major| *major < 1_000)
}

/// What an input says about caching: `None` when it is not set. `tagged`: releases are built when a tag is pushed, and never else.
fn says(step: &Step, input: &str, tagged: bool) -> Option<bool> {
    let value = step.with.get(input)?;
    if let Some(expression) = expression::whole(value).and_then(expression::parse) {
        let known = |part: &Expression| if tagged { on_a_tag(part) } else { None };
        return Some(expression.truth(&known).unwrap_or(true));
    }
    Some(!matches!(value.to_ascii_lowercase().as_str(), "" | "false" | "no" | "never" | "none" | "0"))
}

/// What holds when a tag is pushed, which is when a release is built.
fn on_a_tag(expression: &Expression) -> Option<bool> {
    let is = |expression: &Expression, wanted: &str| matches!(expression, Expression::Context(parts) if expression::path(parts) == wanted);
    let text = |expression: &Expression| match expression {
        Expression::Literal(Literal::Text(text)) => Some(text.to_lowercase()),
        _ => None,
    };
    match expression {
        Expression::Call(name, arguments) if name == "startswith" => match arguments.as_slice() {
            [context, prefix] if is(context, "github.ref") => Some(text(prefix)?.starts_with("refs/tags/")),
            _ => None,
        },
        Expression::Binary(operator, context, value) => {
            let same = match text(value)?.as_str() {
                "push" if is(context, "github.event_name") => true,
                value if is(context, "github.ref_type") => value == "tag",
                _ => return None,
            };
            match operator {
                super::expression::Operator::Equal => Some(same),
                super::expression::Operator::Unequal => Some(!same),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Step {
    /// Whether the step restores a cache when its workflow builds a release.
    #[must_use]
    pub fn caching(&self, workflow: &Workflow) -> Option<Caching> {
        let tagged = !workflow.releases_by_branch();
        let says = |step: &Self, input: &str| says(step, input, tagged);
        let (name, reference) = self.uses.as_deref()?.split_once('@')?;
        let name = name.to_lowercase();
        let when = ACTIONS.iter().find(|(action, _)| *action == name).map(|(_, when)| *when);
        let own = match when {
            Some(When::Used) => Some(Caching::Asked),
            Some(When::Unless(input)) => (says(self, input) != Some(true)).then_some(Caching::Asked),
            Some(When::DefaultUnless(input)) => (says(self, input) != Some(true)).then_some(Caching::Unasked),
            Some(When::Default(input)) => match says(self, input) {
                Some(false) => return None,
                // `auto` stopped meaning yes with version 10 of setup-uv.
                Some(true) if self.with.get(input).is_some_and(|value| value == "auto") => {
                    unasked(&name, reference).then_some(Caching::Unasked)
                }
                Some(true) => Some(Caching::Asked),
                None => unasked(&name, reference).then_some(Caching::Unasked),
            },
            Some(When::Set("version")) => {
                // Buildx caches its own binary when it installs a stated version.
                (says(self, "version") == Some(true) && says(self, "cache-binary") != Some(false))
                    .then_some(Caching::Unasked)
            }
            Some(When::Set(input)) => (says(self, input) == Some(true)).then_some(Caching::Asked),
            None => None,
        };
        // The strongest word counts: `cache: npm` beside a default is asking.
        if own != Some(Caching::Asked)
            && ASKING.iter().any(|input| {
                says(self, input) == Some(true) && self.with.get(*input).is_none_or(|value| value != "auto")
            })
        {
            return Some(Caching::Asked);
        }
        own
    }
}

/// False for versions of an action that are known to wait until they are asked.
fn unasked(action: &str, reference: &str) -> bool {
    match (action, major(reference)) {
        ("astral-sh/setup-uv", Some(major)) => major < 10,
        ("actions/setup-node", Some(major)) => major >= 5,
        ("actions/setup-go", Some(major)) => major >= 4,
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::read;
    use super::*;

    fn caching(step: &str) -> Option<Caching> {
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - uses: {step}\n");
        let workflow = read(text.as_bytes()).unwrap();
        workflow.jobs[0].steps[0].caching(&workflow)
    }

    #[test]
    fn asked_and_unasked() {
        for step in [
            "actions/cache@v4",
            "Mozilla-Actions/sccache-action@0123",
            "actions/setup-node@v4\n        with: {cache: npm}",
            "actions/setup-python@v5\n        with: {cache: pip}",
            "astral-sh/setup-uv@v10\n        with: {enable-cache: true}",
            "docker/build-push-action@v6\n        with: {cache-from: type=gha}",
            "x/y@v1\n        with: {cache: '${{ github.ref }}'}",
        ] {
            assert_eq!(caching(step), Some(Caching::Asked), "{step}");
        }
        for step in [
            "actions/setup-go@v5",
            "actions/setup-node@v5",
            "astral-sh/setup-uv@v6",
            "astral-sh/setup-uv@v6\n        with: {enable-cache: auto}",
            "ramsey/composer-install@v3\n        with: {ignore-cache: false}",
            "docker/setup-buildx-action@v3\n        with: {version: latest}",
        ] {
            assert_eq!(caching(step), Some(Caching::Unasked), "{step}");
        }
    }

    #[test]
    fn switched_off() {
        for step in [
            "actions/cache@v4\n        with: {lookup-only: true}",
            "actions/setup-node@v4",
            "actions/setup-node@v6\n        with: {cache: '', package-manager-cache: false}",
            "actions/setup-java@v4",
            "astral-sh/setup-uv@v10.0.0",
            "astral-sh/setup-uv@v10.0.0\n        with: {enable-cache: auto}",
            "astral-sh/setup-uv@v6\n        with: {enable-cache: false}",
            "ramsey/composer-install@v3\n        with: {ignore-cache: yes}",
            "docker/setup-buildx-action@v3",
            "actions/checkout@v4",
        ] {
            assert_eq!(caching(step), None, "{step}");
        }
    }

    #[test]
    fn a_release_branch_is_no_tag() {
        let text = "on: {push: {branches: [release/*], tags: ['*']}}\njobs:\n  a:\n    steps:\n      - uses: PyO3/maturin-action@v1\n        with: {sccache: \"${{ !startsWith(github.ref, 'refs/tags/') }}\"}\n";
        let workflow = read(text.as_bytes()).unwrap();
        assert_eq!(workflow.jobs[0].steps[0].caching(&workflow), Some(Caching::Asked));
    }

    #[test]
    fn an_expression_is_judged_for_the_push_of_a_tag() {
        let with = |value: &str| {
            caching(&format!("PyO3/maturin-action@v1\n        with: {{sccache: \"${{{{ {value} }}}}\"}}"))
        };
        assert_eq!(with("startsWith(github.ref, 'refs/tags/')"), Some(Caching::Asked));
        assert_eq!(with("github.event_name == 'push' && github.ref_type == 'tag'"), Some(Caching::Asked));
        assert_eq!(with("github.actor == 'x'"), Some(Caching::Asked), "not known, so it may");
        assert_eq!(with("!startsWith(github.ref, 'refs/tags/')"), None);
        assert_eq!(with("!(github.event_name == 'push' && github.ref_type == 'tag')"), None);
    }
}
