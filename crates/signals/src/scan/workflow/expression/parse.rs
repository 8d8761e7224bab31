//! The reader of expressions.

use super::{Expression, Literal, MAX_BYTES, MAX_DEPTH, Operator, Part};

/// Most operators of one expression: a chain nests as deep as it is long.
const MAX_OPERATORS: u32 = 400;

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
    operators: u32,
}

/// Reads one expression without its fence. `None` when it is no expression, too long or too deep.
#[must_use]
pub fn parse(text: &str) -> Option<Expression> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut reader = Reader { rest: text, depth: 0, operators: 0 };
    let expression = reader.or()?;
    reader.space();
    reader.rest.is_empty().then_some(expression)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, mark: &str) -> bool {
        self.space();
        self.rest.strip_prefix(mark).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    fn binary(&mut self, marks: &[(&str, Operator)], next: fn(&mut Self) -> Option<Expression>) -> Option<Expression> {
        let mut left = next(self)?;
        'more: loop {
            for (mark, operator) in marks {
                if self.take(mark) {
                    self.operators += 1;
                    if self.operators > MAX_OPERATORS {
                        return None;
                    }
                    left = Expression::Binary(*operator, Box::new(left), Box::new(next(self)?));
                    continue 'more;
                }
            }
            return Some(left);
        }
    }

    fn or(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let expression = self.binary(&[("||", Operator::Or)], Self::and);
        self.depth -= 1;
        expression
    }

    fn and(&mut self) -> Option<Expression> {
        self.binary(&[("&&", Operator::And)], Self::equality)
    }

    fn equality(&mut self) -> Option<Expression> {
        self.binary(&[("==", Operator::Equal), ("!=", Operator::Unequal)], Self::order)
    }

    fn order(&mut self) -> Option<Expression> {
        let marks = [("<=", Operator::Order), (">=", Operator::Order), ("<", Operator::Order), (">", Operator::Order)];
        self.binary(&marks, Self::not)
    }

    fn not(&mut self) -> Option<Expression> {
        self.space();
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.rest = &self.rest[1..];
            self.depth += 1;
            let inner = if self.depth > MAX_DEPTH { None } else { self.not() };
            self.depth -= 1;
            return Some(Expression::Not(Box::new(inner?)));
        }
        let first = self.first()?;
        let parts = self.parts()?;
        Some(match (first, parts.is_empty()) {
            (Expression::Context(mut path), _) => {
                path.extend(parts);
                Expression::Context(path)
            }
            (first, true) => first,
            (first, false) => Expression::Path(Box::new(first), parts),
        })
    }

    /// `.name`, `.*`, `[…]`, as many as there are.
    fn parts(&mut self) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        loop {
            if self.take(".") {
                if self.take("*") {
                    parts.push(Part::Any);
                } else {
                    parts.push(Part::Name(self.name()?));
                }
            } else if self.take("[") {
                if self.take("*") {
                    parts.push(Part::Any);
                } else {
                    parts.push(match self.or()? {
                        Expression::Literal(Literal::Text(name)) => Part::Name(name.to_lowercase()),
                        Expression::Literal(_) => Part::Any,
                        other => Part::Computed(Box::new(other)),
                    });
                }
                if !self.take("]") {
                    return None;
                }
            } else {
                return Some(parts);
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        self.space();
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_lowercase())
    }

    fn first(&mut self) -> Option<Expression> {
        if self.take("(") {
            let inner = self.or()?;
            return self.take(")").then_some(inner);
        }
        self.space();
        let next = self.rest.chars().next()?;
        if next == '\'' {
            return self.text();
        }
        if next.is_ascii_digit() || matches!(next, '-' | '+' | '.') {
            return self.number();
        }
        let name = self.name()?;
        if self.take("(") {
            return self.arguments(name);
        }
        Some(match name.as_str() {
            "true" => Expression::Literal(Literal::Bool(true)),
            "false" => Expression::Literal(Literal::Bool(false)),
            "null" => Expression::Literal(Literal::Null),
            _ => Expression::Context(vec![Part::Name(name)]),
        })
    }

    fn arguments(&mut self, name: String) -> Option<Expression> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Some(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.or()?);
            if self.take(")") {
                return Some(Expression::Call(name, arguments));
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    /// Text in single quotes; two quotes stand for one.
    fn text(&mut self) -> Option<Expression> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                out.push(c);
            } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
                out.push('\'');
            } else {
                self.rest = &self.rest[at + 1..];
                return Some(Expression::Literal(Literal::Text(out)));
            }
        }
        None
    }

    fn number(&mut self) -> Option<Expression> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let value = match digits.strip_prefix("0x") {
            Some(hex) => f64::from(u32::from_str_radix(hex, 16).ok()?),
            None => digits.parse().ok()?,
        };
        self.rest = rest;
        Some(Expression::Literal(Literal::Number(value)))
    }
}
