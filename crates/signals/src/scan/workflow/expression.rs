//! Expressions of GitHub workflows (`${{ … }}`): a reader under limits, what can flow into the result, and what is known before a run.
//!
//! Source: GitHub documentation, "Evaluate expressions in workflows and actions". Names compare without case.

mod parse;

pub use parse::parse;

/// Longest expression that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 10;
/// Deepest nesting of an expression.
pub const MAX_DEPTH: u32 = 48;

/// A value that stands in the expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text in single quotes.
    Text(String),
}

/// One step of a path into a context.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// `.name` or `['name']`, in lower case.
    Name(String),
    /// `.*`, `[*]` or a number.
    Any,
    /// `[expression]`.
    Computed(Box<Expression>),
}

/// Operators between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`, `<=`, `>`, `>=`
    Order,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A value.
    Literal(Literal),
    /// A path into a context, as `github.event.issue.title`.
    Context(Vec<Part>),
    /// A function, name in lower case.
    Call(String, Vec<Expression>),
    /// A path into another expression, as `fromJSON(x).y`.
    Path(Box<Expression>, Vec<Part>),
    /// `!x`
    Not(Box<Expression>),
    /// Two values.
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// Path of a context as text with `*` for what is not a fixed name; the context's own name is the first part.
#[must_use]
pub fn path(parts: &[Part]) -> String {
    let names: Vec<&str> = parts
        .iter()
        .map(|part| match part {
            Part::Name(name) => name.as_str(),
            Part::Any | Part::Computed(_) => "*",
        })
        .collect();
    names.join(".")
}

fn computed(parts: &[Part]) -> impl Iterator<Item = &Expression> {
    parts.iter().filter_map(|part| match part {
        Part::Computed(inner) => Some(&**inner),
        _ => None,
    })
}

impl Expression {
    /// Direct parts.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Context(parts) => computed(parts).collect(),
            Self::Call(_, arguments) => arguments.iter().collect(),
            Self::Path(inner, parts) => std::iter::once(&**inner).chain(computed(parts)).collect(),
            Self::Not(inner) => vec![inner],
            Self::Binary(_, left, right) => vec![left, right],
        }
    }

    /// True when this or a part of it fulfils the condition.
    pub fn any(&self, is: &mut dyn FnMut(&Self) -> bool) -> bool {
        is(self) || self.children().into_iter().any(|child| child.any(is))
    }

    /// Paths of the contexts whose text can become part of the result: what a comparison looks at cannot, and the left side of `&&` only when
    /// it is empty.
    pub fn flows(&self, out: &mut Vec<String>) {
        match self {
            Self::Context(parts) => out.push(path(parts)),
            Self::Path(inner, parts) => {
                let from = out.len();
                inner.flows(out);
                // What a function made of a context has other parts than the context had.
                if !inner.any(&mut |part| matches!(part, Self::Call(..))) {
                    out[from..].iter_mut().for_each(|context| *context = format!("{context}.{}", path(parts)));
                }
            }
            Self::Binary(Operator::Or, left, right) => {
                left.flows(out);
                right.flows(out);
            }
            Self::Binary(Operator::And, _, right) => right.flows(out),
            Self::Literal(_) | Self::Not(_) | Self::Binary(..) => {}
            Self::Call(name, arguments) => match name.as_str() {
                "contains" | "startswith" | "endswith" | "hashfiles" | "success" | "failure" | "always"
                | "cancelled" => {}
                // case(condition, value, …, otherwise): conditions stand at even places, but for a last one alone.
                "case" => {
                    for (at, argument) in arguments.iter().enumerate() {
                        if at % 2 == 1 || at + 1 == arguments.len() {
                            argument.flows(out);
                        }
                    }
                }
                _ => arguments.iter().for_each(|argument| argument.flows(out)),
            },
        }
    }

    /// The values that the whole expression can take, through `&&` and `||`.
    pub fn leaves<'a>(&'a self, out: &mut Vec<&'a Self>) {
        match self {
            Self::Binary(Operator::Or, left, right) => {
                left.leaves(out);
                right.leaves(out);
            }
            Self::Binary(Operator::And, _, right) => right.leaves(out),
            other => out.push(other),
        }
    }

    /// The truth of an expression, as far as it follows from what is written and from `known` truths of contexts and comparisons.
    pub fn truth(&self, known: &dyn Fn(&Self) -> Option<bool>) -> Option<bool> {
        if let Some(truth) = known(self) {
            return Some(truth);
        }
        match self {
            Self::Literal(Literal::Null) => Some(false),
            Self::Literal(Literal::Bool(value)) => Some(*value),
            Self::Literal(Literal::Number(value)) => Some(*value != 0.0),
            Self::Literal(Literal::Text(text)) => Some(!text.is_empty()),
            Self::Not(inner) => inner.truth(known).map(|truth| !truth),
            Self::Binary(Operator::Or, left, right) => match (left.truth(known), right.truth(known)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Binary(Operator::And, left, right) => match (left.truth(known), right.truth(known)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Binary(Operator::Equal, left, right) => equal(left, right),
            Self::Binary(Operator::Unequal, left, right) => equal(left, right).map(|same| !same),
            _ => None,
        }
    }

    /// True when no context and no status function is read, so that the result could have been written down.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Context(_) => false,
            Self::Call(name, arguments) => {
                // `fromJSON` of a text is the usual way to write a list; hashes and status depend on the run.
                matches!(name.as_str(), "format" | "startswith" | "endswith" | "contains" | "join" | "tojson")
                    && arguments.iter().all(Self::is_constant)
            }
            Self::Path(..) => false,
            Self::Not(inner) => inner.is_constant(),
            Self::Binary(_, left, right) => left.is_constant() && right.is_constant(),
        }
    }
}

fn equal(left: &Expression, right: &Expression) -> Option<bool> {
    match (left, right) {
        (Expression::Literal(Literal::Text(a)), Expression::Literal(Literal::Text(b))) => {
            Some(a.eq_ignore_ascii_case(b))
        }
        (Expression::Literal(a), Expression::Literal(b)) => Some(a == b),
        _ => None,
    }
}

/// One `${{ … }}` of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// Where the fence opens, in bytes.
    pub at: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// What stands inside.
    pub inside: &'a str,
}

/// All fences of a text. Quoted text inside may hold `}}`; a fence that is not closed ends the list.
#[must_use]
pub fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("${{").map(|at| from + at) {
        let start = at + 3;
        let mut quoted = false;
        let bytes = text.as_bytes();
        let close = (start..bytes.len().saturating_sub(1)).find(|place| {
            if bytes[*place] == b'\'' {
                quoted = !quoted;
            }
            !quoted && bytes[*place] == b'}' && bytes[*place + 1] == b'}'
        });
        let Some(close) = close else { break };
        out.push(Fence { at, end: close + 2, inside: &text[start..close] });
        from = close + 2;
    }
    out
}

/// A text that is one expression and nothing else: inside of its fence.
#[must_use]
pub fn whole(text: &str) -> Option<&str> {
    let text = text.trim();
    match fences(text).as_slice() {
        [fence] if fence.at == 0 && fence.end == text.len() => Some(fence.inside),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
