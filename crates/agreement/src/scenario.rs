//! The scenario files of `scenarios/`: complete terms to start from.

use crate::template::{Template, quoted, toml_time};
use crate::terms::Agreement;
use crate::{known, read};
use standstill_statement::PublicKey;

const SCENARIOS: [(&str, &str); 7] = [
    ("full-pause", include_str!("../../../scenarios/full-pause.toml")),
    ("halve-baseline", include_str!("../../../scenarios/halve-baseline.toml")),
    ("rl-only-pause", include_str!("../../../scenarios/rl-only-pause.toml")),
    ("per-run-cap", include_str!("../../../scenarios/per-run-cap.toml")),
    ("capability-gate", include_str!("../../../scenarios/capability-gate.toml")),
    ("unaccounted-share", include_str!("../../../scenarios/unaccounted-share.toml")),
    ("staged-resumption", include_str!("../../../scenarios/staged-resumption.toml")),
];

/// Names in a template that no holder of the scenario has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// No scenario of that name.
    #[error("no scenario is called '{name}'; {remedy}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        remedy: String,
    },
    /// A key for somebody whom the scenario does not name.
    #[error(
        "scenario '{scenario}' has no '{holder}'; it names {known}: give the role one of these names, or edit the file"
    )]
    Holder {
        /// The scenario.
        scenario: String,
        /// Whose key was given.
        holder: String,
        /// Whom it names.
        known: String,
    },
}

impl Agreement {
    /// The scenarios: name and file. The files are valid terms, with keys of nobody.
    #[must_use]
    pub const fn scenarios() -> &'static [(&'static str, &'static str)] {
        &SCENARIOS
    }

    /// A scenario with the keys of a template, its comments kept. Keys that the template does not have become `<…>` marks. The dates move
    /// with the start; title and term stay those of the scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] for an unknown scenario, or for a key of somebody whom it does not name.
    pub fn scenario(name: &str, keys: &Template) -> Result<String, ScenarioError> {
        let names = || SCENARIOS.map(|(name, _)| name).join(", ");
        let unknown = || {
            let remedy = match read::nearest(name, &SCENARIOS.iter().map(|(name, _)| *name).collect()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("there are {}", names()),
            };
            ScenarioError::Unknown { name: name.chars().filter(|c| !c.is_control()).take(60).collect(), remedy }
        };
        let (_, text) = SCENARIOS.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let mut writer =
            Writer { keys, holder: String::new(), seen: Vec::new(), shift: shift(text, keys.start_unix_seconds) };
        let out: String = text.lines().map(|line| writer.line(line) + "\n").collect();
        for holder in keys.holders() {
            if !writer.seen.contains(&holder) {
                let known = writer.seen.join(", ");
                return Err(ScenarioError::Holder { scenario: name.to_owned(), holder, known });
            }
        }
        Ok(out)
    }
}

/// From the scenario's start to the template's, in seconds; negative when it is earlier.
fn shift(text: &str, start: u64) -> i128 {
    let old = Agreement::parse(text).map_or(start, |agreement| agreement.start_unix_seconds);
    i128::from(start) - i128::from(old)
}

impl Template {
    fn holders(&self) -> Vec<String> {
        let parties = self.parties.iter().map(|(id, ..)| id.to_string());
        let roles = self.roles.iter().map(|(_, id, ..)| id.to_string());
        parties.chain(roles).chain(self.witnesses.iter().map(|(id, _)| id.to_string())).collect()
    }

    fn keys_of(&self, id: &str) -> (Option<&str>, Option<&PublicKey>) {
        let parties = self.parties.iter().map(|(name, log, key)| (name, log, key));
        let roles = self.roles.iter().map(|(_, name, log, key)| (name, log, key));
        let found = parties.chain(roles).find(|(name, ..)| name.as_str() == id);
        found.map_or((None, None), |(_, log, key)| (log.as_deref(), key.as_ref()))
    }
}

/// Rewrites the lines that hold keys and dates.
struct Writer<'a> {
    keys: &'a Template,
    /// Whose section the line is in.
    holder: String,
    seen: Vec<String>,
    shift: i128,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) -> String {
        let (field, value) = line.split_once(" = ").unwrap_or((line, ""));
        match field {
            "id" => {
                value.trim_matches('"').clone_into(&mut self.holder);
                line.to_owned()
            }
            "log" => {
                self.seen.push(self.holder.clone());
                let mark = || format!("<verifier key of the log of {}>", self.holder);
                format!("log = {}", quoted(&self.keys.keys_of(&self.holder).0.map_or_else(mark, str::to_owned)))
            }
            "statement_keys" => {
                let key = self.keys.keys_of(&self.holder).1.map(ToString::to_string);
                format!(
                    "statement_keys = [\"{}\"]",
                    key.unwrap_or_else(|| format!("<statement key of {}>", self.holder))
                )
            }
            "chip_table" => {
                known::chip_tables().first().map_or_else(|| line.to_owned(), |id| format!("chip_table = \"{id}\""))
            }
            "start" | "valid_until" => self.moment(line, field, value),
            _ if line.starts_with("witness ") => self.witness(line),
            _ => line.to_owned(),
        }
    }

    fn witness(&mut self, line: &str) -> String {
        let name = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let known = self.keys.witnesses.iter().find(|(id, _)| id.as_str() == name);
        let key = known.and_then(|(_, key)| key.clone()).unwrap_or_else(|| format!("<verifier-key-of-{name}>"));
        self.seen.push(name.clone());
        format!("witness {name} {key}")
    }

    fn moment(&self, line: &str, field: &str, value: &str) -> String {
        let (moment, rest) = value.split_at_checked(20).unwrap_or((value, ""));
        let number = |range: std::ops::Range<usize>| moment.get(range).and_then(|digits| digits.parse::<u64>().ok());
        let days = || standstill_statement::time::days_from_civil(number(0..4)?, number(5..7)?, number(8..10)?);
        let Some(old) = days().map(|days| i128::from(days) * 86_400) else { return line.to_owned() };
        let moved = u64::try_from(old + self.shift).unwrap_or(0);
        format!("{field} = {}{rest}", toml_time(moved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(start_unix_seconds: u64) -> Template {
        Template {
            title: String::new(),
            start_unix_seconds,
            term_windows: 1,
            parties: Vec::new(),
            roles: Vec::new(),
            witnesses: Vec::new(),
        }
    }

    #[test]
    fn a_scenario_without_keys_has_marks_and_no_other_problem() {
        for (name, _) in Agreement::scenarios() {
            let text = Agreement::scenario(name, &empty(1_800_000_000 - 1_800_000_000 % 86_400)).unwrap();
            let problems = Agreement::parse(&text).unwrap_err();
            for problem in problems {
                let line = text.lines().nth(problem.line - 1).unwrap();
                assert!(line.contains('<'), "{name}: {problem} at {line}");
            }
            assert!(text.contains("start = 2027-01-15T00:00:00Z"), "{name}");
            assert!(
                !text.contains("valid_until") || text.contains("valid_until = 2027-02-15T00:00:00Z     #"),
                "{name}"
            );
        }
    }

    #[test]
    fn keys_go_to_the_holders_that_the_scenario_names() {
        let original = Agreement::parse(SCENARIOS[0].1).unwrap();
        let mut keys = empty(original.start_unix_seconds);
        keys.parties =
            original.parties.iter().map(|p| (p.id.clone(), Some(p.log.clone()), Some(p.statement_keys[0]))).collect();
        keys.roles = original
            .roles
            .iter()
            .map(|r| (r.kind, r.id.clone(), Some(r.log.clone()), Some(r.statement_keys[0])))
            .collect();
        let witness = |line: &str| {
            let mut words = line.split(' ').skip(1);
            Some((standstill_statement::Name::new(words.next()?).ok()?, words.next().map(str::to_owned)))
        };
        keys.witnesses =
            original.witnesses.lines().filter(|line| line.starts_with("witness")).filter_map(witness).collect();
        let text = Agreement::scenario("full-pause", &keys).unwrap();
        assert_eq!(Agreement::parse(&text).unwrap(), original);
        assert!(matches!(Agreement::scenario("per-run-cap", &keys), Ok(text) if Agreement::parse(&text).is_ok()));
        keys.parties.push((standstill_statement::Name::new("stranger").unwrap(), None, None));
        let error = Agreement::scenario("full-pause", &keys).unwrap_err().to_string();
        assert!(error.contains("no 'stranger'") && error.contains("north"), "{error}");
        let error = Agreement::scenario("full-paus", &keys).unwrap_err().to_string();
        assert!(error.contains("did you mean 'full-pause'?"), "{error}");
    }
}
