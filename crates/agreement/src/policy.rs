//! Witness policies (C2SP tlog-policy): normal form, and whether two quorums always share an honest-by-count witness.

use crate::vkey::{self, Vkey};
use std::collections::{BTreeMap, BTreeSet};

/// Most witnesses and groups together.
const MAX_NAMES: usize = 256;

/// A policy that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Lines without comments, blank lines and doubled spaces.
    pub(crate) text: String,
    /// Witnesses in the order of the file, with the line of each (counted from 0 within the policy).
    pub(crate) witnesses: Vec<(usize, String, Vkey)>,
    /// What the quorum line needs.
    pub(crate) quorum: Quorum,
}

/// Shape of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quorum {
    /// Two sets of witnesses that each satisfy it always share a witness: `shared` is not 0.
    pub(crate) safe: bool,
    /// Least number of witnesses that two such sets share: so many must be corrupt before a log can show two histories.
    pub(crate) shared: usize,
    /// Least number of witnesses whose silence leaves no such set.
    pub(crate) breaking: usize,
    /// For people: `2 of 3`, `all of labs, regulators`.
    pub(crate) words: String,
    /// Line of the group, counted from 0 within the policy.
    pub(crate) line: usize,
}

/// A problem with its line, counted from 0 within the policy.
pub(crate) struct PolicyProblem {
    pub(crate) line: usize,
    pub(crate) problem: String,
}

#[derive(Default)]
struct Reader {
    lines: Vec<String>,
    witnesses: Vec<(usize, String, Vkey)>,
    groups: BTreeMap<String, Quorum>,
    used: BTreeSet<String>,
    /// Names whose own line has a problem, so that lines that use them are not blamed too.
    broken: BTreeSet<String>,
    quorum: Option<Quorum>,
}

/// Reads a policy; every line with a problem is reported.
///
/// # Errors
/// The problems, in the order of lines.
pub(crate) fn read(text: &str) -> Result<Policy, Vec<PolicyProblem>> {
    let mut reader = Reader::default();
    let mut problems = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let words: Vec<&str> = content.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect();
        if words.first().is_none_or(|word| word.starts_with('#')) {
            continue;
        }
        if let Err(problem) = reader.line(line, &words) {
            problems.push(PolicyProblem { line, problem });
            reader.broken.extend(words.get(1).map(ToString::to_string));
        }
        reader.lines.push(words.join(" "));
    }
    match reader.quorum {
        None if problems.is_empty() => {
            problems.push(PolicyProblem { line: 0, problem: "has no line 'quorum <group>'".to_owned() });
            Err(problems)
        }
        Some(quorum) if problems.is_empty() => {
            let text = reader.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            finish(Policy { text, witnesses: reader.witnesses, quorum })
        }
        _ => Err(problems),
    }
}

/// The verifier will read the normal form with the log crate's reader, so that one must accept it too.
fn finish(policy: Policy) -> Result<Policy, Vec<PolicyProblem>> {
    match standstill_tlog::policy::Policy::parse(&policy.text) {
        Ok(_) => Ok(policy),
        Err(error) => Err(vec![PolicyProblem { line: 0, problem: format!("is refused: {error}") }]),
    }
}

impl Reader {
    fn line(&mut self, line: usize, words: &[&str]) -> Result<(), String> {
        if self.witnesses.len() + self.groups.len() >= MAX_NAMES {
            return Err(format!("has more than {MAX_NAMES} witnesses and groups"));
        }
        match words {
            ["witness", name, key] | ["witness", name, key, _] => self.witness(line, name, key),
            ["group", name, threshold, members @ ..] => self.group(line, name, threshold, members),
            ["quorum", "none"] => Err("has 'quorum none', so nothing would need a witness".to_owned()),
            ["quorum", name] => self.set_quorum(line, name),
            ["log", ..] => {
                Err("has a 'log' line; the logs are those of the parties and roles, so remove it".to_owned())
            }
            [word, ..] => Err(format!("has an unreadable '{}' line", shorten(word))),
            [] => Ok(()),
        }
    }

    fn free_name(&self, name: &str) -> Result<(), String> {
        let taken = self.groups.contains_key(name) || self.witnesses.iter().any(|(_, known, _)| known == name);
        if taken || name == "none" { Err(format!("names '{}' twice or reserves it", shorten(name))) } else { Ok(()) }
    }

    fn witness(&mut self, line: usize, name: &str, key: &str) -> Result<(), String> {
        self.free_name(name)?;
        let key = vkey::read(key, vkey::Purpose::Witness)
            .map_err(|problem| format!("witness '{}' {problem}", shorten(name)))?;
        if let Some((_, other, _)) = self.witnesses.iter().find(|(_, _, known)| known.key == key.key) {
            return Err(format!("gives witnesses '{other}' and '{}' the same key", shorten(name)));
        }
        self.witnesses.push((line, name.to_owned(), key));
        Ok(())
    }

    fn group(&mut self, line: usize, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        self.free_name(name)?;
        let count = members.len();
        let needed = match threshold {
            "all" => count,
            "any" => 1,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().unwrap_or(0),
            _ => 0,
        };
        if needed == 0 || needed > count {
            return Err(format!(
                "group '{}' needs 'all', 'any' or 1 to {count}, not '{}'",
                shorten(name),
                shorten(threshold)
            ));
        }
        if members.iter().any(|member| self.broken.contains(*member)) {
            self.broken.insert(name.to_owned());
            return Ok(());
        }
        let (mut shared, mut breaking) = (Vec::new(), Vec::new());
        for member in members {
            let is_witness = self.witnesses.iter().any(|(_, known, _)| known == member);
            let group = self.groups.get(*member);
            if !is_witness && group.is_none() {
                return Err(format!("group '{}' has the unknown member '{}'", shorten(name), shorten(member)));
            }
            shared.push(group.map_or(1, |group| group.shared));
            breaking.push(group.map_or(1, |group| group.breaking));
            if !self.used.insert((*member).to_owned()) {
                return Err(format!("has '{}' in two groups", shorten(member)));
            }
        }
        // Two sets of `needed` members share at least 2·needed − count of them, in the worst case those that share least within.
        let shared = sum_of_smallest(shared, (2 * needed).saturating_sub(count));
        // Without count − needed + 1 members no set is left, in the worst case those that break soonest.
        let breaking = sum_of_smallest(breaking, count - needed + 1);
        let words = format!("{needed} of {count} ({})", members.join(", "));
        self.groups.insert(name.to_owned(), Quorum { safe: shared > 0, shared, breaking, words, line });
        Ok(())
    }

    fn set_quorum(&mut self, line: usize, name: &str) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("has two quorum lines".to_owned());
        }
        if self.broken.contains(name) {
            return Ok(());
        }
        let witness = self.witnesses.iter().find(|(_, known, _)| known == name);
        let words = format!("1 of 1 ({name})");
        let single = witness.map(|_| Quorum { safe: true, shared: 1, breaking: 1, words, line });
        let quorum = self.groups.get(name).cloned().or(single);
        self.quorum = Some(quorum.ok_or_else(|| format!("quorum names the unknown group '{}'", shorten(name)))?);
        Ok(())
    }
}

fn sum_of_smallest(mut values: Vec<usize>, count: usize) -> usize {
    values.sort_unstable();
    values.into_iter().take(count).sum()
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use standstill_tlog::note::KeyType;

    fn witness(index: u8) -> String {
        let key = vkey::write(&format!("w{index}.example"), KeyType::CosignatureV1, index);
        format!("witness w{index} {key}\n")
    }

    fn with_groups(groups: &str) -> Result<Policy, Vec<PolicyProblem>> {
        let witnesses: String = (1..=6).map(witness).collect();
        read(&format!("{witnesses}{groups}"))
    }

    #[test]
    fn safety_of_quorums() {
        for (groups, safe) in [
            ("group q 2 w1 w2 w3\nquorum q", true),
            ("group q 2 w1 w2 w3 w4\nquorum q", false),
            ("group q 3 w1 w2 w3 w4\nquorum q", true),
            ("group q any w1 w2\nquorum q", false),
            ("group q all w1 w2\nquorum q", true),
            ("quorum w1", true),
            // All of several classes is safe when one class is.
            ("group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q all a b\nquorum q", true),
            ("group a any w1 w2 w3\ngroup b any w4 w5\ngroup q all a b\nquorum q", false),
            ("group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q any a b\nquorum q", false),
            ("group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q 2 a b w6\nquorum q", false),
        ] {
            let policy = with_groups(groups).ok().unwrap();
            assert_eq!(policy.quorum.safe, safe, "{groups}");
        }
    }

    /// The rule above against every pair of witness sets.
    #[test]
    fn safety_agrees_with_enumeration() {
        for count in 1..=6usize {
            for needed in 1..=count {
                let members: Vec<String> = (1..=count).map(|index| format!("w{index}")).collect();
                let policy = with_groups(&format!("group q {needed} {}\nquorum q", members.join(" "))).ok().unwrap();
                let sets = || (0u32..1 << count).filter(|set| set.count_ones() as usize >= needed);
                let intersect = sets().all(|a| sets().all(|b| a & b != 0));
                assert_eq!(policy.quorum.safe, intersect, "{needed} of {count}");
                let shared = sets().flat_map(|a| sets().map(move |b| (a & b).count_ones())).min().unwrap();
                assert_eq!(policy.quorum.shared, shared as usize, "{needed} of {count}");
                assert_eq!(policy.quorum.breaking, count - needed + 1, "{needed} of {count}");
            }
        }
    }

    /// Corrupt and silent witnesses of nested groups, against every pair of sets.
    #[test]
    fn nested_tolerances_agree_with_enumeration() {
        for (groups, holds) in [
            ("group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q all a b\nquorum q", [2usize, 1, 2]),
            ("group a 2 w1 w2 w3\ngroup b 2 w4 w5 w6\ngroup q all a b\nquorum q", [2, 2, 2]),
            ("group a all w1 w2 w3\ngroup b all w4 w5 w6\ngroup q any a b\nquorum q", [3, 3, 1]),
        ] {
            let quorum = with_groups(groups).ok().unwrap().quorum;
            let [first, second, needed] = holds;
            let sizes: [u32; 2] = if groups.contains("w6") { [3, 3] } else { [3, 2] };
            let satisfied = |set: u32| {
                let first_count = (set & 0b111).count_ones() as usize;
                let second_count = (set >> 3 & ((1 << sizes[1]) - 1)).count_ones() as usize;
                usize::from(first_count >= first) + usize::from(second_count >= second) >= needed
            };
            let sets = || (0u32..1 << (sizes[0] + sizes[1])).filter(|set| satisfied(*set));
            let shared = sets().flat_map(|a| sets().map(move |b| (a & b).count_ones() as usize)).min().unwrap();
            let all = (1u32 << (sizes[0] + sizes[1])) - 1;
            let breaking = (0..=all).filter(|down| !satisfied(all & !down)).map(u32::count_ones).min().unwrap();
            assert_eq!((quorum.shared, quorum.breaking), (shared, breaking as usize), "{groups}");
        }
    }

    #[test]
    fn problems_name_the_line() {
        for (groups, line, part) in [
            ("", 0, "no line 'quorum"),
            ("quorum none", 6, "quorum none"),
            ("quorum q", 6, "unknown group 'q'"),
            ("group q 2 w1 w9\nquorum q", 6, "unknown member 'w9'"),
            ("group q 3 w1 w2\nquorum q", 6, "1 to 2"),
            ("group q 0 w1 w2\nquorum q", 6, "1 to 2"),
            ("group a 1 w1\ngroup b 1 w1\nquorum b", 7, "in two groups"),
            ("group w1 1 w2\nquorum w1", 6, "twice"),
            ("log x\nquorum w1", 6, "remove it"),
            ("hello\nquorum w1", 6, "unreadable"),
            ("quorum w1\nquorum w1", 7, "two quorum lines"),
            ("witness w7 a+b+c\nquorum w1", 6, "witness 'w7'"),
        ] {
            let problem = with_groups(groups).err().unwrap().remove(0);
            assert!(
                problem.line == line && problem.problem.contains(part),
                "{groups}: {} {}",
                problem.line,
                problem.problem
            );
        }
        let twice = format!("{}{}quorum w1", witness(1), witness(1).replacen("w1", "w2", 1));
        assert!(read(&twice).err().unwrap()[0].problem.contains("the same key"));
    }

    #[test]
    fn normal_form_drops_what_does_not_count() {
        let plain = with_groups("group q 2 w1 w2 w3\nquorum q").ok().unwrap();
        let noisy = with_groups("# a comment\n\n  group\tq   2 w1 w2 w3  \r\nquorum q\n").ok().unwrap();
        assert_eq!(plain.text, noisy.text);
        assert_eq!(read(&plain.text).ok().unwrap().text, plain.text);
    }
}
