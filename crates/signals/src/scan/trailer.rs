//! What the text of a commit says about who made it: trailers, marks of tools, squashes. A message is a claim; it can be left out or forged
//! both ways, which is what the rules on provenance look for.

use std::collections::BTreeSet;

/// Longest message that is read, in bytes; the rest says nothing here.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Names under which agents sign, in lower case, whole.
const AGENT_NAMES: [&str; 17] = [
    "claude",
    "claude[bot]",
    "copilot",
    "copilot[bot]",
    "copilot-swe-agent[bot]",
    "github copilot",
    "cursor",
    "cursor agent",
    "codex",
    "openai codex",
    "chatgpt-codex-connector[bot]",
    "gemini",
    "google-labs-jules[bot]",
    "devin-ai-integration[bot]",
    "amp",
    "openhands",
    "aider",
];
/// Beginnings of names with a model or version behind.
const AGENT_PREFIXES: [&str; 10] = [
    "claude code",
    "claude opus",
    "claude sonnet",
    "claude haiku",
    "claude fable",
    "claude-",
    "gpt-",
    "gemini ",
    "gemini-",
    "aider (",
];
/// Addresses that agents use.
const AGENT_ADDRESSES: [&str; 7] = [
    "noreply@anthropic.com",
    "copilot@users.noreply.github.com",
    "cursoragent@cursor.com",
    "codex@openai.com",
    "amp@ampcode.com",
    "openhands@all-hands.dev",
    "noreply@aider.chat",
];
/// Trailers that name who took part.
const PART_KEYS: [&str; 4] = ["co-authored-by", "assisted-by", "generated-by", "co-developed-by"];
/// Trailers that name who looked at it.
const REVIEW_KEYS: [&str; 3] = ["reviewed-by", "approved-by", "acked-by"];

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// A trailer or a mark says that an agent took part.
    pub trailer: bool,
    /// The text names an agent outside trailers.
    pub mentions_ai: bool,
    /// The text looks like several messages in one.
    pub squash: bool,
    /// Agents that signed off.
    pub ai_sign_offs: Vec<String>,
    /// People other than the author in trailers of review, by address.
    pub reviewers: BTreeSet<String>,
}

/// True when a name and address are those of a coding agent. A person called Claude with an address of their own is a person.
#[must_use]
pub fn is_agent(name: &str, address: &str) -> bool {
    let (name, address) = (name.trim().to_lowercase(), address.trim().to_lowercase());
    if AGENT_ADDRESSES.contains(&address.as_str()) || name.ends_with("(aider)") {
        return true;
    }
    if AGENT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return true;
    }
    // A bare first name counts only without an address of a person.
    AGENT_NAMES.contains(&name.as_str())
        && (name.contains('[') || address.is_empty() || address.contains("noreply") || address.contains("bot"))
}

/// `Name <address>` in its two parts.
fn identity(text: &str) -> (&str, &str) {
    match text.split_once('<') {
        Some((name, rest)) => (name.trim(), rest.trim_end().trim_end_matches('>')),
        None => (text.trim(), ""),
    }
}

/// Reads a message. `author` is its author's address.
#[must_use]
pub fn read(message: &str, author: &str) -> Said {
    let end = (0..=message.len().min(MAX_MESSAGE_BYTES)).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    let mut said = Said::default();
    let mut bullets = 0;
    let mut subject = None;
    for line in message[..end].lines() {
        subject.get_or_insert(line);
        bullets += u32::from(line.starts_with("* ") || line.starts_with("commit "));
        if line.contains("Generated with [Claude Code]") || line.contains("Generated with Claude Code") {
            said.trailer = true;
            continue;
        }
        match line.split_once(':').map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim())) {
            Some((key, value)) if PART_KEYS.contains(&key.as_str()) => {
                // `Assisted-by: AGENT:MODEL [TOOLS]` names a tool by definition (Linux, Documentation/process/coding-assistants.rst).
                let (name, address) = identity(value);
                said.trailer |= key == "assisted-by" || key == "generated-by" || is_agent(name, address);
            }
            Some((key, value)) if key == "signed-off-by" => {
                let (name, address) = identity(value);
                if is_agent(name, address) {
                    said.ai_sign_offs.push(value.to_owned());
                }
            }
            Some((key, value)) if REVIEW_KEYS.contains(&key.as_str()) => {
                let (name, address) = identity(value);
                if !is_agent(name, address) && !address.eq_ignore_ascii_case(author) && !address.is_empty() {
                    said.reviewers.insert(address.to_ascii_lowercase());
                }
            }
            _ => said.mentions_ai |= mentions(line),
        }
    }
    let number = subject.is_some_and(|line| line.trim_end().ends_with(')') && line.contains("(#"));
    said.squash = bullets >= 2 && (number || subject.is_some_and(|line| line.to_ascii_lowercase().contains("squash")));
    said
}

/// A line that names an agent as the one who did the work.
fn mentions(line: &str) -> bool {
    let line = line.to_lowercase();
    let named = ["claude", "copilot", "cursor agent", "codex", "gemini", "chatgpt", "aider", "devin"];
    let did = ["by ", "with ", "from ", "using "];
    named.iter().any(|name| did.iter().any(|word| line.contains(&format!("{word}{name}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agents_sign_in_many_ways() {
        for line in [
            "Co-Authored-By: Claude <noreply@anthropic.com>",
            "Co-authored-by: Claude Opus 4.5 <noreply@anthropic.com>",
            "co-authored-by: Copilot <198982749+Copilot@users.noreply.github.com>",
            "Assisted-by: tool:model-1 coccinelle",
            "Generated with [Claude Code](https://claude.com/claude-code)",
        ] {
            assert!(read(&format!("Fix it\n\n{line}\n"), "a@b.example").trailer, "{line}");
        }
        let person = read("Fix it\n\nCo-authored-by: Claude Monet <claude@monet.example>\n", "a@b.example");
        assert!(!person.trailer, "a person of that name");
        assert!(!read("Fix it\n\nCo-authored-by: Claude <claude@monet.example>\n", "").trailer);
        assert!(is_agent("Paul Gauthier (aider)", "paul@x.example"));
    }

    #[test]
    fn sign_offs_reviews_and_squashes() {
        let text = "Add x (#12)\n\n* one, with Claude\n* two\n\nSigned-off-by: Claude <noreply@anthropic.com>\nReviewed-by: B <b@b.example>\nReviewed-by: A <A@b.example>\nAcked-by: Codex <codex@openai.com>\n";
        let said = read(text, "a@b.example");
        assert_eq!(said.ai_sign_offs.len(), 1);
        assert_eq!(said.reviewers.into_iter().collect::<Vec<_>>(), ["b@b.example"], "not the author, not an agent");
        assert!(said.squash && said.mentions_ai && !said.trailer);
        assert!(!read("Add x (#12)\n\nOne thing.\n", "").squash);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,300}", author in ".{0,20}") {
            let _ = read(&text, &author);
        }
    }
}
