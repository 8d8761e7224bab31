//! YAML as a tree with places, under limits.
//!
//! Anchors are expanded and every expanded node counts, so a file that multiplies itself is refused. Merge keys (`<<`) are not applied:
//! GitHub does not either.

use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// Longest document, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
pub const MAX_DEPTH: usize = 64;
/// Most nodes, expanded anchors included.
pub const MAX_NODES: usize = 100_000;
/// Most text that aliases may add, in bytes: one long scalar behind an anchor can be named often.
pub const MAX_ALIASED_BYTES: usize = 8 << 20;

/// A YAML document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    /// Line, from 1; 0 for the whole file.
    pub line: u32,
    /// What is wrong.
    pub reason: String,
}

/// A node with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Contents of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A scalar; `plain` when it stands without quotes, so that words such as `true` keep their meaning.
    Scalar {
        /// Text after unescaping.
        text: String,
        /// Without quotes.
        plain: bool,
        /// Written as a block (`|` or `>`).
        block: bool,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping in order of the file. Keys are kept as nodes for their places.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// Text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// True for the plain words that YAML 1.2 and GitHub read as true.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true, .. } if text.eq_ignore_ascii_case("true"))
    }

    /// Entries of a mapping; none for other nodes.
    #[must_use]
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Items of a sequence; none for other nodes.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Value of a key; the last one when it is repeated, as most readers do.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// Scalar text of a key.
    #[must_use]
    pub fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Text below the node, in bytes.
    fn bytes(&self) -> usize {
        match &self.value {
            Value::Scalar { text, .. } => text.len(),
            Value::Sequence(items) => items.iter().map(Self::bytes).sum(),
            Value::Mapping(entries) => entries.iter().map(|(key, value)| key.bytes() + value.bytes()).sum(),
        }
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::Scalar { .. } => 1,
            Value::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Mapping(entries) => 1 + entries.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>(),
        }
    }
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    documents: Vec<Node>,
    nodes: usize,
    aliased_bytes: usize,
}

impl Builder {
    fn add(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open { node: Node { value: Value::Sequence(items), .. }, .. }) => items.push(node),
            Some(Open { node: Node { value: Value::Mapping(entries), .. }, key, .. }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => *key = Some(node),
            },
            Some(_) => {}
        }
    }

    fn start(&mut self, value: Value, anchor: usize, line: u32, column: u32) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(Open { node: Node { value, line, column }, anchor, key: None });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(open) = self.open.pop() {
            self.add(open.node, open.anchor);
        }
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            Err(format!("more than {MAX_NODES} nodes; anchors are counted expanded"))
        } else {
            Ok(())
        }
    }

    fn event(&mut self, event: Event<'_>, line: u32, column: u32) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.count(1)?;
                let plain = style == ScalarStyle::Plain;
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.add(Node { value: Value::Scalar { text: text.into_owned(), plain, block }, line, column }, anchor);
            }
            Event::SequenceStart(anchor, _) => {
                self.count(1)?;
                self.start(Value::Sequence(Vec::new()), anchor, line, column)?;
            }
            Event::MappingStart(anchor, _) => {
                self.count(1)?;
                self.start(Value::Mapping(Vec::new()), anchor, line, column)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err("an alias names an anchor that is not closed before it".to_owned());
                };
                let (size, bytes) = (node.size(), node.bytes());
                self.aliased_bytes += bytes;
                if self.aliased_bytes > MAX_ALIASED_BYTES {
                    return Err(format!("aliases add more than {MAX_ALIASED_BYTES} bytes of text"));
                }
                let node = node.clone();
                self.count(size)?;
                self.add(node, 0);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Reads all documents of a file.
///
/// # Errors
/// [`YamlError`] with the line: not UTF-8, not YAML, or past a limit.
pub fn parse_all(bytes: &[u8]) -> Result<Vec<Node>, YamlError> {
    let whole = |reason: &str| YamlError { line: 0, reason: reason.to_owned() };
    if bytes.len() > MAX_BYTES {
        return Err(whole("longer than 1 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The reader is stricter than forges are; what they run must not pass unread.
    documents(text).or_else(|error| closers_indented(text).and_then(|text| documents(&text).ok()).ok_or(error))
}

fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut builder = Builder::default();
    for next in Parser::new_from_str(text) {
        let (event, span) =
            next.map_err(|error| YamlError { line: number(error.marker().line()), reason: error.info().to_owned() })?;
        let (line, column) = (number(span.start.line()), number(span.start.col() + 1));
        builder.event(event, line, column).map_err(|reason| YamlError { line, reason })?;
    }
    Ok(builder.documents)
}

/// The text with closing brackets pushed in: YAML 1.2 (section 7.4) wants them deeper than the key above, libyaml does not. Lines keep their numbers.
/// `None` when there is nothing to push.
fn closers_indented(text: &str) -> Option<String> {
    const DEEP: &str = "                                ";
    let closes = |line: &str| matches!(line.trim().trim_end_matches(','), "]" | "}" | "}]" | "]}");
    text.lines().any(closes).then(|| {
        let line = |line: &str| if closes(line) { format!("{DEEP}{line}\n") } else { format!("{line}\n") };
        text.lines().map(line).collect()
    })
}

/// Reads the first document of a file; an empty file is an error.
///
/// # Errors
/// As [`parse_all`].
pub fn parse(bytes: &[u8]) -> Result<Node, YamlError> {
    let first = parse_all(bytes)?.into_iter().next();
    first.ok_or_else(|| YamlError { line: 0, reason: "the file is empty".to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_anchors_and_words() {
        let node = parse(b"on: push\na: &x {b: [1, 'true']}\nc: *x\n").unwrap();
        assert_eq!(node.get("on").unwrap().line, 1);
        assert_eq!(node.get("a").unwrap().value, node.get("c").unwrap().value);
        let list = node.get("c").unwrap().get("b").unwrap();
        assert!(!list.items()[1].is_true(), "a quoted word is not true");
    }

    #[test]
    fn a_file_that_multiplies_itself_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(parse(text.as_bytes()).unwrap_err().reason.contains("nodes"));
    }

    #[test]
    fn a_long_text_that_is_named_often_is_refused() {
        let text = |times: usize| format!("a: &a '{}'\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; times].join(", "));
        assert!(parse(text(200).as_bytes()).unwrap_err().reason.contains("bytes of text"));
        assert!(parse(text(20).as_bytes()).is_ok());
    }

    #[test]
    fn a_closing_bracket_under_its_key_is_read_as_forges_do() {
        let text = "a:\n  list: [\n    {x: 1},\n    2\n  ]\n  b: c\n";
        let node = parse(text.as_bytes()).unwrap();
        let list = node.get("a").unwrap().get("list").unwrap();
        assert_eq!((list.items().len(), node.get("a").unwrap().get("b").unwrap().line), (2, 6));
        let open = "a:\n  list: [\n    1\n  b: c\n";
        assert!(parse(open.as_bytes()).is_err(), "a bracket that is never closed");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "[".repeat(200);
        assert!(parse(text.as_bytes()).is_err());
        let text = format!("{}{}", "[".repeat(80), "]".repeat(80));
        assert!(parse(text.as_bytes()).unwrap_err().reason.contains("deeper"));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(b"-:[]{}&*!|>#'\"%@ \n\tab".to_vec())], 0..300)) {
            let _ = parse(&bytes);
        }
    }
}
