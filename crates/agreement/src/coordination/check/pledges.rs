//! Rules of conditions: who is named, what a share is of, that staying is no stricter than entering, and that somebody can be bound.

use super::super::parse::PledgeDraft;
use crate::condition::{Comparison, Condition, Formula, MAX_STEPS, PartySet, Shares, compare, greatest_fixed_point};
use crate::parse::Draft;
use crate::problem::Rule;
use crate::read::Report;
use standstill_statement::Name;
use std::collections::BTreeMap;

/// Most steps that comparing all pairs of one file may take together; one pair may take [`MAX_STEPS`].
const MAX_STEPS_OF_FILE: u32 = 4 * MAX_STEPS;

pub(super) fn check(draft: &Draft, report: &mut Report) {
    if !draft.parties_known || !draft.roles_known {
        return;
    }
    let names_fit = names(draft, report);
    stay_is_there(draft, report);
    let shares_fit = shares(draft, report);
    // A condition that could not be read, a doubled name or a missing weight is reported by now, and would make nonsense of what follows.
    let mut parties: Vec<(Name, &str, &PledgeDraft)> =
        draft.parties.iter().map(|party| (party.value.0.id.clone(), party.path.as_str(), &party.value.2)).collect();
    parties.sort_by(|a, b| a.0.cmp(&b.0));
    let distinct = parties.windows(2).all(|pair| pair[0].0 != pair[1].0);
    let read =
        |path: &str, field: &str, value: Option<&Condition>| value.is_some() || !report.has(&format!("{path}.{field}"));
    let all_read = parties.iter().all(|(_, path, pledge)| {
        read(path, "condition", pledge.condition.as_ref()) && read(path, "stay", pledge.stay.as_ref())
    });
    if !distinct || !all_read || !shares_fit || !names_fit || parties.is_empty() || parties.len() > 64 {
        return;
    }
    let conditions = Conditions::new(&parties, draft);
    conditions.staying(report);
    conditions.reachable(report);
}

/// Every name in a condition is another party. False when one is not.
fn names(draft: &Draft, report: &mut Report) -> bool {
    let mut fit = true;
    let known: BTreeMap<&Name, &str> =
        draft.parties.iter().map(|party| (&party.value.0.id, party.path.as_str())).collect();
    let roles: Vec<&Name> = draft.roles.iter().map(|role| &role.value.0.id).collect();
    for (path, offset, name) in std::mem::take(&mut report.mentioned_parties) {
        let problem = match known.get(&name) {
            Some(own) if path.starts_with(&format!("{own}.")) => {
                format!("'{path}' names '{name}' itself; a condition is about the others")
            }
            Some(_) => continue,
            None if roles.contains(&&name) => {
                format!("'{path}' names '{name}', which is a role and binds itself to nothing")
            }
            None => format!("'{path}' names '{name}', which is no party of this agreement"),
        };
        let others: Vec<&str> = known
            .iter()
            .filter(|(_, own)| !path.starts_with(&format!("{own}.")))
            .map(|(name, _)| name.as_str())
            .collect();
        report.add(offset, Rule::UnknownParty, problem, format!("name one of {}", others.join(", ")));
        fit = false;
    }
    fit
}

fn stay_is_there(draft: &Draft, report: &mut Report) {
    for party in &draft.parties {
        let (condition, stay) = (format!("{}.condition", party.path), format!("{}.stay", party.path));
        if report.has(&condition) && !report.has(&stay) {
            let problem = format!("party '{}' says when it enters, and not while what it stays", party.value.0.id);
            let remedy = "add stay = { at_least = 2 }, no stricter than condition";
            report.at(&condition, Rule::MissingField, problem, remedy);
        }
    }
}

/// Shares need a total and a weight of each party. False when something is missing.
fn shares(draft: &Draft, report: &mut Report) -> bool {
    let has_share = |condition: &Option<Condition>| condition.as_ref().is_some_and(Condition::has_share);
    let user = draft.parties.iter().find(|party| has_share(&party.value.2.condition) || has_share(&party.value.2.stay));
    if !report.has("shares") {
        if let Some(user) = user {
            let problem = format!("party '{}' asks for a share, and [shares] does not say of what", user.value.0.id);
            let remedy = "add [shares] with total and source, and weight to each [[party]]; the total is fixed, never 'of those who joined'";
            report.at(&format!("{}.condition", user.path), Rule::MissingField, problem, remedy);
        }
        return user.is_none();
    }
    let mut sum = 0u64;
    for party in &draft.parties {
        match party.value.2.weight {
            Some(weight) => sum = sum.saturating_add(weight),
            None if report.has(&format!("{}.weight", party.path)) => return false,
            None => {
                let problem = format!("party '{}' has no weight, and [shares] needs one of each", party.value.0.id);
                report.at(&party.path, Rule::MissingField, problem, "add, for example, weight = 400000");
                return false;
            }
        }
    }
    let Some((total, _)) = draft.coordination.shares else { return false };
    if sum > total {
        let problem = format!("the parties weigh {sum} together, and 'shares.total' is {total}");
        report.at(
            "shares.total",
            Rule::OutOfRange,
            problem,
            format!("write at least {sum}, more when others are counted in"),
        );
    }
    sum <= total
}

/// Conditions of all parties over positions in the sorted list.
struct Conditions<'a> {
    parties: &'a [(Name, &'a str, &'a PledgeDraft)],
    entry: Vec<Formula>,
    stay: Vec<Formula>,
}

impl<'a> Conditions<'a> {
    fn new(parties: &'a [(Name, &'a str, &'a PledgeDraft)], draft: &Draft) -> Self {
        let names: Vec<Name> = parties.iter().map(|(name, _, _)| name.clone()).collect();
        let weights = parties.iter().filter_map(|(name, _, pledge)| Some((name.clone(), pledge.weight?))).collect();
        let total = draft.coordination.shares.as_ref().map_or(0, |(total, _)| *total);
        let shares = Shares { weights, total, source: String::new() };
        let compile =
            |condition: Option<&Condition>| Formula::new(condition.unwrap_or(&Condition::ALWAYS), &names, &shares);
        Self {
            parties,
            entry: parties.iter().map(|(_, _, pledge)| compile(pledge.condition.as_ref())).collect(),
            stay: parties.iter().map(|(_, _, pledge)| compile(pledge.stay.as_ref())).collect(),
        }
    }

    fn names(&self, set: PartySet) -> String {
        let names: Vec<&str> =
            set.iter().filter_map(|position| self.parties.get(position)).map(|party| party.0.as_str()).collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    }

    fn staying(&self, report: &mut Report) {
        let mut left = MAX_STEPS_OF_FILE;
        for (position, (name, path, _)) in self.parties.iter().enumerate() {
            let mut steps = left.min(MAX_STEPS);
            let given = steps;
            let universe = PartySet::first(self.parties.len()).without(position);
            let (problem, remedy) = match compare(&self.entry[position], &self.stay[position], universe, &mut steps) {
                Comparison::NotStricter => {
                    left -= given - steps;
                    continue;
                }
                Comparison::Stricter(set) => (
                    format!("with {} in, party '{name}' enters, and its 'stay' fails at once", self.names(set)),
                    "make 'stay' hold wherever 'condition' does: a smaller number, a smaller share, fewer names",
                ),
                Comparison::TooComplex => (
                    format!(
                        "whether the 'stay' of party '{name}' is stricter than its 'condition' is too much to decide"
                    ),
                    "write both in the same shape, with smaller numbers in 'stay'",
                ),
            };
            left -= given - steps;
            report.at(&format!("{path}.stay"), Rule::StayStricter, problem, remedy);
        }
    }

    /// With every party committed the largest set is bound that ever can be. Who is not in it never is.
    fn reachable(&self, report: &mut Report) {
        let everybody = PartySet::first(self.parties.len());
        let bound = greatest_fixed_point(&self.entry, everybody);
        if bound == everybody {
            return;
        }
        let alone = |position: &usize| !self.entry[*position].holds(everybody.without(*position));
        let outside: Vec<usize> = everybody.iter().filter(|position| !bound.contains(*position)).collect();
        // Those who could never be in whatever the others do are the cause; the rest only waits for them.
        let causes: Vec<usize> = outside.iter().copied().filter(alone).collect();
        let waiting: Vec<&str> = outside
            .iter()
            .filter(|position| !causes.contains(position))
            .map(|position| self.parties[*position].0.as_str())
            .collect();
        let also = if waiting.is_empty() {
            String::new()
        } else {
            format!(", and {} can never be in without it", waiting.join(", "))
        };
        for position in if causes.is_empty() { &outside } else { &causes } {
            let (name, path, _) = &self.parties[*position];
            let problem = if causes.is_empty() {
                format!(
                    "party '{name}' waits for parties that never can be in; only {} can be bound",
                    self.names(bound)
                )
            } else {
                format!(
                    "the condition of party '{name}' fails even when all {} others are in{also}",
                    self.parties.len() - 1
                )
            };
            let remedy = "ask for less: fewer others, a smaller share, or parties whose own conditions can hold";
            report.at(&format!("{path}.condition"), Rule::Unreachable, problem, remedy);
        }
    }
}
