//! The matrix of a job: which values a `matrix.…` context can take.

use super::super::yaml::{Node, Value};
use super::expression::fences;
use std::collections::BTreeMap;

/// Most values that are kept; a matrix of GitHub has at most 256 jobs.
const MAX_VALUES: usize = 4_096;

/// A scalar with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Text.
    pub text: String,
    /// Line, from 1.
    pub line: u32,
}

/// Values by path (`os`, `target.arch`), in lower case.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    values: BTreeMap<String, Vec<Place>>,
    dynamic: bool,
    /// True when the job has a matrix.
    pub stated: bool,
}

impl Matrix {
    /// Reads `strategy.matrix` of a job.
    #[must_use]
    pub fn read(job: &Node) -> Self {
        let mut out = Self::default();
        let Some(node) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else { return out };
        out.stated = true;
        out.dynamic = node.text().is_some_and(|text| !fences(text).is_empty());
        for (key, value) in node.entries() {
            match key.text() {
                Some("exclude") | None => {}
                Some("include") => {
                    out.dynamic |= value.text().is_some();
                    for item in value.items() {
                        out.add("", item);
                    }
                }
                Some(name) => match value.items() {
                    [] => out.add(&name.to_lowercase(), value),
                    items => items.iter().for_each(|item| out.add(&name.to_lowercase(), item)),
                },
            }
        }
        out.exclude(node);
        out
    }

    fn add(&mut self, path: &str, node: &Node) {
        match &node.value {
            Value::Scalar { text, .. } => {
                let values = self.values.entry(path.to_owned()).or_default();
                if values.len() < MAX_VALUES {
                    values.push(Place { text: text.clone(), line: node.line });
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| self.add(path, item)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    let key = key.text().unwrap_or("*").to_lowercase();
                    let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.add(&path, value);
                }
            }
        }
    }

    /// An `exclude` entry of one key takes that value out altogether; entries of several keys take out combinations only.
    fn exclude(&mut self, node: &Node) {
        for item in node.get("exclude").map(Node::items).unwrap_or_default() {
            if let [(key, value)] = item.entries()
                && let (Some(key), Some(value)) = (key.text(), value.text())
                && let Some(values) = self.values.get_mut(&key.to_lowercase())
            {
                values.retain(|place| place.text != value);
            }
        }
    }

    /// Values of a path below `matrix`, and whether others may be added when the workflow runs.
    #[must_use]
    pub fn of(&self, path: &str) -> (Vec<&Place>, bool) {
        let below = |key: &str| {
            path.is_empty() || key == path || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
        };
        let values: Vec<&Place> =
            self.values.iter().filter(|(key, _)| below(key)).flat_map(|(_, values)| values).collect();
        (values, self.dynamic)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::yaml::parse;
    use super::*;

    fn of(text: &str, path: &str) -> (Vec<String>, bool) {
        let node = parse(text.as_bytes()).unwrap();
        let matrix = Matrix::read(&node);
        let (values, dynamic) = matrix.of(path);
        (values.into_iter().map(|place| place.text.clone()).collect(), dynamic)
    }

    #[test]
    fn lists_inclusions_and_exclusions() {
        let text = "strategy:\n  matrix:\n    OS: [a, b, c]\n    n: [1]\n    include:\n      - os: d\n        x: {y: 2}\n    exclude:\n      - os: b\n      - {os: a, n: 1}\n";
        assert_eq!(of(text, "os"), (vec!["a".into(), "c".into(), "d".into()], false));
        assert_eq!(of(text, "x.y").0, ["2"]);
        assert_eq!(of(text, "x").0, ["2"]);
        assert!(of(text, "missing").0.is_empty());
    }

    #[test]
    fn values_that_are_not_known_yet() {
        assert!(of("strategy:\n  matrix: ${{ fromJSON(vars.X) }}\n", "os").1);
        assert!(of("strategy:\n  matrix:\n    os: [a]\n    include: ${{ fromJSON(vars.X) }}\n", "os").1);
        assert!(!of("strategy:\n  matrix:\n    os: [a]\n", "os").1);
        assert!(!of("runs-on: x\n", "os").1);
    }
}
