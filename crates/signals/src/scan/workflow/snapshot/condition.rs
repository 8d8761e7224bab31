//! Conditions and expressions that say something else than they seem to.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self, Expression, Literal, Operator, Part, fences};
use super::super::matrix::Place;

/// Numbers of well-known bots; `actor_id` is as easy to come by as the name.
const BOT_IDS: [&str; 4] = ["29110", "49699333", "27856297", "29139614"];
/// Contexts that a person who opens a pull request or starts a workflow can choose.
const CHOSEN: [&str; 9] = [
    "env",
    "inputs",
    "github.actor",
    "github.base_ref",
    "github.head_ref",
    "github.ref",
    "github.ref_name",
    "github.sha",
    "github.triggering_actor",
];

pub(super) fn check(condition: Option<&(String, bool)>, line: u32, found: &mut Vec<Finding>) {
    let Some((text, _)) = condition else { return };
    let mut push = |rule| found.push(Finding::new(rule, line, 0, format!("if: {}", text.trim())));
    // A fenced expression with text around it, be it one line end, is a text that is not empty, which is true.
    let fenced = fences(text);
    let alone = matches!(fenced.as_slice(), [fence] if fence.at == 0 && fence.end == text.len());
    if !fenced.is_empty() && !alone && !text.trim_start().starts_with('!') {
        push(id::CI_ALWAYS_TRUE);
    }
    let bare = if fenced.is_empty() { vec![text.as_str()] } else { fenced.iter().map(|fence| fence.inside).collect() };
    let read: Vec<Expression> = bare.into_iter().filter_map(expression::parse).collect();
    if read.iter().any(trusts_a_name) {
        push(id::CI_ACTOR_CONDITION);
    }
    if read.iter().any(|read| read.any(&mut looks_into_text)) {
        push(id::CI_UNSOUND_CONTAINS);
    }
}

fn literal(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Literal(Literal::Text(text)) => Some(text.clone()),
        Expression::Literal(Literal::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

fn context(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Context(parts) => Some(expression::path(parts)),
        _ => None,
    }
}

/// A comparison of the last actor with the name or number of a bot.
fn trusts_a_name(read: &Expression) -> bool {
    let compares = |name: &str, value: &str| match name {
        "github.actor" | "github.triggering_actor" | "github.event.sender.login" | "github.event.pusher.name" => {
            value.contains("[bot]")
        }
        "github.actor_id" | "github.event.sender.id" => BOT_IDS.contains(&value),
        _ => false,
    };
    read.any(&mut |part| {
        match part {
        Expression::Binary(Operator::Equal | Operator::Unequal, left, right) => {
            [(left, right), (right, left)].into_iter().any(|(name, value)| {
                matches!((context(name), literal(value)), (Some(name), Some(value)) if compares(&name, &value))
            })
        }
        Expression::Call(name, arguments) if matches!(name.as_str(), "contains" | "endswith" | "startswith") => {
            let names = arguments.iter().filter_map(context).collect::<Vec<_>>();
            let values = arguments.iter().filter_map(literal).collect::<Vec<_>>();
            names.iter().any(|name| values.iter().any(|value| compares(name, value)))
        }
        _ => false,
    }
    })
}

/// `contains('a b', chosen)`: a part of the text passes too.
fn looks_into_text(read: &Expression) -> bool {
    let Expression::Call(name, arguments) = read else { return false };
    let [Expression::Literal(Literal::Text(_)), given] = arguments.as_slice() else { return false };
    let chosen = |path: &str| {
        CHOSEN.iter().any(|field| path == *field || path.strip_prefix(field).is_some_and(|rest| rest.starts_with('.')))
    };
    name == "contains" && context(given).is_some_and(|path| chosen(&path))
}

/// Expressions anywhere in a job or workflow.
pub(super) fn texts(texts: &[Place], found: &mut Vec<Finding>) {
    for place in texts {
        let (mut line, mut counted) = (place.line, 0);
        for fence in fences(&place.text) {
            let between = &place.text.as_bytes()[counted..fence.at];
            line += u32::try_from(between.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
            counted = fence.at;
            let Some(read) = expression::parse(fence.inside) else { continue };
            let mut push = |rule, message: &str| {
                found.push(Finding::new(rule, line, 0, message).showing(fence.inside.trim()));
            };
            if hides(&read) {
                push(id::CI_OBFUSCATED_EXPRESSION, "an expression hides what is known before the run");
            } else if read.any(&mut |part| matches!(part, Expression::Context(parts) if parts.iter().any(|part| matches!(part, Part::Computed(_))))) {
                push(id::CI_OBFUSCATED_EXPRESSION, "a name is computed, so that nobody can read which it is");
            }
            if read.any(&mut never_the_first) {
                push(id::CI_UNSOUND_TERNARY, "the first of the two values is never taken");
            }
        }
    }
}

/// A constant, but for the ways to write `${{` itself.
fn hides(read: &Expression) -> bool {
    let braces = |part: &Expression| matches!(part, Expression::Literal(Literal::Text(text)) if text.contains("{{"));
    !read.any(&mut |part| braces(part))
        && read.any(&mut |part| !matches!(part, Expression::Literal(_)) && part.is_constant())
        || (matches!(read, Expression::Literal(_)) && !braces(read))
}

/// `a && '' || b` is always `b`.
fn never_the_first(read: &Expression) -> bool {
    let Expression::Binary(Operator::Or, left, _) = read else { return false };
    let Expression::Binary(Operator::And, asked, first) = &**left else { return false };
    first.truth(&|_| None) == Some(false) && !asked.is_constant()
}
