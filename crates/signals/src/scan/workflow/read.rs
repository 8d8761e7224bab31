//! Reads workflows and actions from YAML.

use super::super::yaml::{Node, Value, YamlError};
use super::expression::{self, fences};
use super::matrix::{Matrix, Place};
use super::model::{Access, Job, Permissions, Step, Workflow};
use std::collections::BTreeMap;

impl Permissions {
    fn read(node: Option<&Node>) -> Self {
        let Some(node) = node else { return Self::Unsaid };
        match &node.value {
            Value::Scalar { text, .. } => match text.as_str() {
                "write-all" => Self::All(Access::Write),
                "read-all" => Self::All(Access::Read),
                _ => Self::Scopes(BTreeMap::new()),
            },
            _ => Self::Scopes(
                node.entries()
                    .iter()
                    .filter_map(|(key, value)| Some((key.text()?.to_owned(), access(value.text()?))))
                    .collect(),
            ),
        }
    }
}

fn access(word: &str) -> Access {
    match word {
        "write" => Access::Write,
        "read" => Access::Read,
        _ => Access::None,
    }
}

fn texts(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Scalar { text, .. } => vec![text.clone()],
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        Value::Mapping(entries) => entries.iter().flat_map(|(_, value)| texts(value)).collect(),
    }
}

fn map(node: Option<&Node>) -> BTreeMap<String, String> {
    node.map_or_else(BTreeMap::new, |node| {
        node.entries()
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text()?.to_owned())))
            .collect()
    })
}

fn place(node: Option<&Node>) -> Option<Place> {
    let node = node?;
    Some(Place { text: node.text()?.to_owned(), line: node.line })
}

fn default_shell(node: &Node) -> Option<Place> {
    place(node.get("defaults").and_then(|defaults| defaults.get("run")).and_then(|run| run.get("shell")))
}

/// All scalars below a node that hold an expression.
fn expressions(node: &Node, out: &mut Vec<Place>) {
    match &node.value {
        Value::Scalar { text, .. } if text.contains("${{") => out.push(Place { text: text.clone(), line: node.line }),
        Value::Scalar { .. } => {}
        Value::Sequence(items) => items.iter().for_each(|item| expressions(item, out)),
        Value::Mapping(entries) => entries.iter().for_each(|(_, value)| expressions(value, out)),
    }
}

fn condition(node: &Node) -> Option<(String, bool)> {
    match &node.get("if")?.value {
        Value::Scalar { text, block, .. } => Some((text.clone(), *block)),
        _ => None,
    }
}

/// True for `true` and for expressions, whose value is not known here.
fn may_be_true(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.is_true() || node.text().is_some_and(|text| text.contains("${{")))
}

fn step(node: &Node) -> Step {
    let own = |key: &str| node.get_text(key).map(str::to_owned);
    let first_line =
        |text: String| text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let label = own("id")
        .or_else(|| own("name"))
        .or_else(|| own("uses"))
        .or_else(|| own("run").map(first_line))
        .unwrap_or_default();
    Step {
        label,
        uses: own("uses"),
        run: own("run"),
        condition: condition(node),
        continue_on_error: may_be_true(node.get("continue-on-error")),
        with: map(node.get("with")),
        with_lines: node
            .get("with")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.line)))
            .collect(),
        env: map(node.get("env")),
        unseen: ["with", "env"]
            .iter()
            .filter_map(|key| place(node.get(key)).filter(|place| place.text.contains("${{")))
            .collect(),
        shell: place(node.get("shell")),
        line: node.line,
        run_line: node.get("run").map_or(node.line, |run| run.line),
    }
}

/// Labels of `runs-on`, with those that a matrix puts there.
fn machines(node: &Node, matrix: &Matrix) -> Vec<String> {
    let mut labels = node.get("runs-on").map(texts).unwrap_or_default();
    let mut more = Vec::new();
    for label in &labels {
        for fence in fences(label) {
            let Some(expression) = expression::parse(fence.inside) else { continue };
            let mut contexts = Vec::new();
            expression.flows(&mut contexts);
            for context in contexts {
                if let Some(path) = context.strip_prefix("matrix.") {
                    more.extend(matrix.of(path).0.into_iter().map(|place| place.text.clone()));
                }
            }
            // A list of labels that an expression gives.
            if fence.inside.contains("self-hosted") {
                more.push("self-hosted".to_owned());
            }
        }
    }
    labels.extend(more);
    labels
}

/// The job's container and its services: images and registry passwords.
fn containers(node: &Node) -> (Vec<Place>, Vec<Place>) {
    let services = node.get("services").map(Node::entries).unwrap_or_default().iter().map(|(_, service)| service);
    let (mut images, mut passwords) = (Vec::new(), Vec::new());
    for container in node.get("container").into_iter().chain(services) {
        images.extend(place(Some(container)).or_else(|| place(container.get("image"))));
        passwords.extend(place(container.get("credentials").and_then(|given| given.get("password"))));
    }
    (images, passwords)
}

fn job(key: &Node, node: &Node) -> Job {
    let matrix = Matrix::read(node);
    let (images, passwords) = containers(node);
    let mut texts_with_expressions = Vec::new();
    expressions(node, &mut texts_with_expressions);
    let machine = node.get("runs-on");
    Job {
        id: key.text().unwrap_or_default().to_owned(),
        permissions: Permissions::read(node.get("permissions")),
        condition: condition(node),
        continue_on_error: may_be_true(node.get("continue-on-error")),
        runs_on: machines(node, &matrix),
        runs_on_line: machine.map_or(key.line, |node| node.line),
        machine_group: machine.is_some_and(|node| node.get("group").is_some()),
        matrix,
        images,
        passwords,
        cache_mode: place(node.get("cache-mode")),
        shell: default_shell(node),
        outputs: map(node.get("outputs")),
        texts: texts_with_expressions,
        needs: node.get("needs").map(texts).unwrap_or_default(),
        uses: node.get_text("uses").map(str::to_owned),
        inherits_secrets: node.get_text("secrets") == Some("inherit"),
        environment: node.get("environment").is_some(),
        env: map(node.get("env")),
        steps: node.get("steps").map(|steps| steps.items().iter().map(step).collect()).unwrap_or_default(),
        line: key.line,
    }
}

fn triggers(node: &Node) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let filters = |value: &Node| {
        value.entries().iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), texts(value)))).collect()
    };
    match &node.value {
        Value::Scalar { text, .. } => BTreeMap::from([(text.clone(), BTreeMap::new())]),
        Value::Sequence(items) => {
            items.iter().filter_map(|item| Some((item.text()?.to_owned(), BTreeMap::new()))).collect()
        }
        Value::Mapping(entries) => {
            entries.iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), filters(value)))).collect()
        }
    }
}

/// Inputs of a called or started workflow, and of an action. An input that one event gives as free text is free.
fn inputs(on: Option<&Node>, root: &Node) -> BTreeMap<String, bool> {
    let mut out = BTreeMap::new();
    let events = ["workflow_call", "workflow_dispatch"].iter().filter_map(|event| on?.get(event)?.get("inputs"));
    for input in events.chain(root.get("inputs")).flat_map(Node::entries) {
        let Some(name) = input.0.text() else { continue };
        let fixed = matches!(input.1.get_text("type"), Some("boolean" | "number" | "choice" | "environment"));
        let before = out.entry(name.to_lowercase()).or_insert(fixed);
        *before &= fixed;
    }
    out
}

impl Workflow {
    /// Reads a workflow or a composite action.
    ///
    /// # Errors
    /// [`YamlError`] when the document is neither.
    pub fn from_yaml(root: &Node) -> Result<Self, YamlError> {
        // YAML 1.1 readers turn the key `on` into true; ours keeps the word.
        let on = root.get("on");
        let runs = root.get("runs");
        if root.get("jobs").is_none() && runs.is_none() {
            return Err(YamlError { line: root.line, reason: "no jobs: not a workflow".to_owned() });
        }
        let composite = runs.is_some() && on.is_none();
        let jobs = match (composite, runs) {
            (true, Some(runs)) => {
                let key = Node {
                    value: Value::Scalar { text: "runs".to_owned(), plain: true, block: false },
                    line: runs.line,
                    column: 1,
                };
                let mut only = job(&key, runs);
                // An action that is an image.
                only.images.extend(place(runs.get("image")).and_then(|image| {
                    Some(Place { text: image.text.strip_prefix("docker://")?.to_owned(), line: image.line })
                }));
                vec![only]
            }
            _ => root
                .get("jobs")
                .map(|jobs| jobs.entries().iter().map(|(key, value)| job(key, value)).collect())
                .unwrap_or_default(),
        };
        let mut outside = Vec::new();
        for (_, value) in root.entries().iter().filter(|(key, _)| !matches!(key.text(), Some("jobs" | "runs"))) {
            expressions(value, &mut outside);
        }
        Ok(Self {
            triggers: on.map(triggers).unwrap_or_default(),
            triggers_line: on.map_or(0, |node| node.line),
            permissions: Permissions::read(root.get("permissions")),
            permissions_line: root.get("permissions").map_or(0, |node| node.line),
            env: map(root.get("env")),
            jobs,
            composite,
            inputs: inputs(on, root),
            cache_mode: place(root.get("cache-mode")),
            shell: default_shell(root),
            texts: outside,
            lines: u32::MAX,
        })
    }
}
