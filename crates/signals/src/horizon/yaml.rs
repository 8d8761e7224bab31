//! The part of YAML 1.2 that result files use: mappings, sequences and scalars, as a tree with limits.
//!
//! Events come from `saphyr-parser`. Anchors, aliases and tags are refused: a result file needs none, and aliases are how a small
//! file becomes a large one. A key that appears twice in one mapping is refused, because readers disagree on which one counts.

use super::error::{HorizonError, Place};
use saphyr_parser::{Event, Parser};
use std::collections::HashSet;

/// Largest accepted file, in bytes.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Deepest nesting of mappings and sequences.
const MAX_DEPTH: usize = 16;
/// Most nodes in one file.
const MAX_NODES: usize = 4_000_000;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Text as written; numbers and dates are read by whoever needs them.
    Scalar(String),
    /// Items in order.
    List(Vec<Node>),
    /// Keys and values in order; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Keys and values; empty for anything but a mapping.
    pub(crate) fn entries(&self) -> &[(String, Node)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// Items of a list; empty for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Scalar(text) = self { Some(text) } else { None }
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Option<f64> {
        self.text()?.parse::<f64>().ok().filter(|number| number.is_finite())
    }

    /// A count.
    pub(crate) fn count(&self) -> Option<u32> {
        self.text()?.parse().ok()
    }
}

/// A container that is still open.
enum Open {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, seen: HashSet<String>, key: Option<String> },
}

impl Open {
    fn map() -> Self {
        Self::Map { entries: Vec::new(), seen: HashSet::new(), key: None }
    }

    fn close(self) -> Node {
        match self {
            Self::List(items) => Node::List(items),
            Self::Map { entries, .. } => Node::Map(entries),
        }
    }

    /// Takes a finished node; the error is a reason.
    fn take(&mut self, node: Node) -> Result<(), String> {
        match self {
            Self::List(items) => items.push(node),
            Self::Map { entries, seen, key } => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let Node::Scalar(name) = node else { return Err("a key must be plain text".to_owned()) };
                    if !seen.insert(name.clone()) {
                        return Err(format!("key '{name}' appears twice in one mapping; remove one of them"));
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }
}

/// Reads one document.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Node, HorizonError> {
    if bytes.len() > MAX_BYTES {
        return Err(HorizonError::TooLarge {
            place: Place::path(file, "size in bytes"),
            what: "the file",
            limit: MAX_BYTES,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        HorizonError::malformed(Place::path(file, format!("byte {}", error.valid_up_to())), "not UTF-8")
    })?;
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    let mut nodes = 0usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            HorizonError::malformed(Place::row(file, error.marker().line()), format!("not YAML: {}", error.info()))
        })?;
        let place = || Place::row(file, span.start.line());
        let refuse = |why: &str| Err(HorizonError::malformed(place(), why));
        let finished = match event {
            Event::Scalar(text, _, 0, None) => Some(Node::Scalar(text.into_owned())),
            Event::SequenceStart(0, None) => {
                stack.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(0, None) => {
                stack.push(Open::map());
                None
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(Open::close),
            Event::Alias(_) => return refuse("aliases are not accepted in result files; write the value out"),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return refuse("anchors and tags are not accepted in result files; remove them");
            }
            Event::DocumentStart(_) if root.is_some() => {
                return refuse("a second document; keep one document per file");
            }
            _ => None,
        };
        if stack.len() > MAX_DEPTH {
            return Err(HorizonError::TooLarge { place: place(), what: "the nesting", limit: MAX_DEPTH });
        }
        let Some(node) = finished else { continue };
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(HorizonError::TooLarge { place: place(), what: "the number of values", limit: MAX_NODES });
        }
        match stack.last_mut() {
            Some(open) => open.take(node).map_err(|why| HorizonError::malformed(place(), why))?,
            None => root = Some(node),
        }
    }
    root.ok_or_else(|| HorizonError::malformed(Place::path(file, "document"), "the file is empty"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        read("x.yaml", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn maps_lists_and_scalars() {
        let node = read("x.yaml", b"a:\n  b: 1.5\n  c:\n  - x: 2\n  - 'q: r'\nd: null\n").unwrap();
        assert_eq!(node.get("a").unwrap().get("b").unwrap().number(), Some(1.5));
        assert_eq!(node.get("a").unwrap().get("c").unwrap().items()[1].text(), Some("q: r"));
        assert_eq!(node.get("d").unwrap().number(), None);
    }

    #[test]
    fn what_makes_readers_disagree_is_refused() {
        assert!(refused("a: 1\na: 2\n").contains("x.yaml, row 2: key 'a' appears twice"));
        assert!(refused("a: &b 1\n").contains("anchors"));
        assert!(refused("a: &b 1\nc: *b\n").contains("anchors"));
        assert!(refused("a: !!int 1\n").contains("tags"));
        assert!(refused("a: 1\n---\nb: 1\n").contains("second document"));
        assert!(refused("? [a]\n: 1\n").contains("plain text"));
        assert!(refused("").contains("empty"));
        assert!(refused(&"[".repeat(100)).contains("nesting"));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read("x.yaml", &bytes);
        }

        #[test]
        fn any_yaml_like_text_never_panics(text in "[-a:\\n \\[\\]{}&*!|>'\"#?0-9.,]{0,200}") {
            let _ = read("x.yaml", text.as_bytes());
        }
    }
}
