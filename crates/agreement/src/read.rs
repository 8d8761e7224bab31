//! Walks the TOML document tree by hand, because serde stops at the first problem, forgets line numbers and turns `1e24` into a float.

use crate::amount;
use crate::fraction::Fraction;
use crate::problem::{Rule, TermsError};
use standstill_ledger::Rulebook;
use standstill_statement::Name;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects problems and where each field stands.
pub(crate) struct Report {
    line_starts: Vec<usize>,
    problems: Vec<TermsError>,
    places: BTreeMap<String, usize>,
    /// Named amounts of the rulebook of the agreement.
    thresholds: BTreeMap<String, u128>,
    /// Rulebooks that limits name, with their paths.
    pub(crate) repeated_rulebooks: Vec<(String, String)>,
    /// Readings of predicates, each with its path and place; the order in a predicate is canonical and not that of the file.
    pub(crate) readings: Vec<(String, usize, crate::coordination::Reading)>,
    /// Parties that conditions name, each with the path of its list and its own place.
    pub(crate) mentioned_parties: Vec<(String, usize, Name)>,
}

impl Report {
    pub(crate) fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        Self {
            line_starts: std::iter::once(0).chain(newlines).collect(),
            problems: Vec::new(),
            places: BTreeMap::new(),
            thresholds: BTreeMap::new(),
            repeated_rulebooks: Vec::new(),
            readings: Vec::new(),
            mentioned_parties: Vec::new(),
        }
    }

    /// Amounts may from here on be written by the name of a threshold of this rulebook. One that is not known adds none.
    pub(crate) fn name_thresholds(&mut self, rulebook: &Name) {
        if let Ok(book) = Rulebook::builtin(rulebook.as_str()) {
            self.thresholds = book.thresholds.iter().map(|known| (known.name.as_str().to_owned(), known.ops)).collect();
        }
    }

    /// Operations of the threshold of that name.
    pub(crate) fn threshold(&self, name: &str) -> Option<u128> {
        self.thresholds.get(name).copied()
    }

    /// Adds a problem at a byte offset.
    pub(crate) fn add(&mut self, offset: usize, rule: Rule, problem: impl Into<String>, remedy: impl Into<String>) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        self.problems.push(TermsError { line, rule, problem: problem.into(), remedy: remedy.into() });
    }

    /// Adds a problem at a field that was read before, for example `window.slot`.
    pub(crate) fn at(&mut self, path: &str, rule: Rule, problem: impl Into<String>, remedy: impl Into<String>) {
        self.add(self.place(path), rule, problem, remedy);
    }

    /// True when the field or section occurs in the file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Byte offset of a field, or of the nearest table around it.
    pub(crate) fn place(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(offset) = self.places.get(path) {
                return *offset;
            }
            match path.rfind('.') {
                Some(dot) => path = &path[..dot],
                None => return 0,
            }
        }
    }

    /// All problems in the order of lines.
    pub(crate) fn into_problems(mut self) -> Vec<TermsError> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }
}

/// A table whose fields are taken one by one; what is left over at the end is unknown.
pub(crate) struct Table<'t> {
    /// Where it is, as in `window` or `limit[2]`.
    pub(crate) path: String,
    fields: Option<&'t DeTable<'t>>,
    asked: BTreeSet<&'static str>,
    offset: usize,
}

/// A value with its place.
#[derive(Clone, Copy)]
pub(crate) struct Field<'t> {
    pub(crate) offset: usize,
    pub(crate) value: &'t DeValue<'t>,
}

impl<'t> Table<'t> {
    pub(crate) fn new(path: impl Into<String>, offset: usize, fields: &'t DeTable<'t>, report: &mut Report) -> Self {
        let path = path.into();
        report.places.insert(path.clone(), offset);
        Self { path, fields: Some(fields), asked: BTreeSet::new(), offset }
    }

    /// Stands for a table that is missing or not a table; the problem is already reported.
    fn absent(path: String, offset: usize) -> Self {
        Self { path, fields: None, asked: BTreeSet::new(), offset }
    }

    /// The dotted path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// An optional field.
    pub(crate) fn get(&mut self, name: &'static str, report: &mut Report) -> Option<Field<'t>> {
        self.asked.insert(name);
        let value = self.fields?.get(name)?;
        let field = Field { offset: value.span().start, value: value.get_ref() };
        report.places.insert(self.path_of(name), field.offset);
        Some(field)
    }

    /// A field that must be there.
    pub(crate) fn need(&mut self, name: &'static str, example: &str, report: &mut Report) -> Option<Field<'t>> {
        let field = self.get(name, report);
        if field.is_none() && self.fields.is_some() {
            let problem = format!("'{}' is missing", self.path_of(name));
            report.add(self.offset, Rule::MissingField, problem, format!("add, for example, {name} = {example}"));
        }
        field
    }

    /// A table that must be there.
    pub(crate) fn table(&mut self, name: &'static str, report: &mut Report) -> Table<'t> {
        let path = self.path_of(name);
        let Some(field) = self.get(name, report) else {
            if self.fields.is_some() {
                let remedy = format!("add a [{path}] section; 'standstill agreement new' prints a complete file");
                report.add(self.offset, Rule::MissingField, format!("the section [{path}] is missing"), remedy);
            }
            return Self::absent(path, self.offset);
        };
        field.into_table(path, report)
    }

    /// The tables of `[[name]]`, none when it does not occur.
    pub(crate) fn tables(&mut self, name: &'static str, limit: usize, report: &mut Report) -> Vec<Table<'t>> {
        let path = self.path_of(name);
        let Some(field) = self.get(name, report) else { return Vec::new() };
        let DeValue::Array(items) = field.value else {
            report.add(field.offset, Rule::BadValue, format!("'{path}' must be a list"), format!("write [[{path}]]"));
            return Vec::new();
        };
        if items.len() > limit {
            let problem = format!("{} [[{path}]] sections, at most {limit} are allowed", items.len());
            report.add(field.offset, Rule::TooMany, problem, "remove the rest");
        }
        let item = |(index, item): (usize, &'t Spanned<DeValue<'t>>)| {
            let field = Field { offset: item.span().start, value: item.get_ref() };
            field.into_table(format!("{path}[{index}]"), report)
        };
        items.iter().take(limit).enumerate().map(item).collect()
    }

    /// Names of the fields that are there, with their places.
    pub(crate) fn keys(&self) -> Vec<(&'t str, usize)> {
        let keys = self.fields.into_iter().flat_map(DeTable::keys);
        keys.map(|key| (key.get_ref().as_ref(), key.span().start)).collect()
    }

    /// The tables of `[name.<id>]`, in the order of the file, each with its id and the id's place; none when there are none.
    pub(crate) fn named_tables(
        &mut self,
        name: &'static str,
        limit: usize,
        report: &mut Report,
    ) -> Vec<(&'t str, usize, Table<'t>)> {
        let path = self.path_of(name);
        let Some(field) = self.get(name, report) else { return Vec::new() };
        let DeValue::Table(tables) = field.value else {
            let remedy = format!("write [{path}.<id>] with fields below it");
            report.add(field.offset, Rule::BadValue, format!("'{path}' must be sections with a name each"), remedy);
            return Vec::new();
        };
        if tables.len() > limit {
            let problem = format!("{} [{path}.<id>] sections, at most {limit} are allowed", tables.len());
            report.add(field.offset, Rule::TooMany, problem, "remove the rest");
        }
        let mut found: Vec<_> = tables.iter().collect();
        found.sort_by_key(|(key, _)| key.span().start);
        let table = |(key, value): (&'t Spanned<_>, &'t Spanned<DeValue<'t>>)| {
            let (id, offset): (&'t std::borrow::Cow<'t, str>, usize) = (key.get_ref(), key.span().start);
            let field = Field { offset, value: value.get_ref() };
            let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
            (id.as_ref(), offset, field.into_table(format!("{path}.{shown}"), report))
        };
        found.into_iter().take(limit).map(table).collect()
    }

    /// Reports every field that nobody asked for, with the nearest name that exists.
    pub(crate) fn finish(self, report: &mut Report) {
        for key in self.fields.into_iter().flat_map(DeTable::keys) {
            let name = key.get_ref().as_ref();
            if self.asked.contains(name) {
                continue;
            }
            let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            let place = if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
            let remedy = match nearest(name, &self.asked) {
                Some(known) => format!("did you mean '{known}'?"),
                None => format!("remove it; known here: {}", join(&self.asked)),
            };
            report.add(key.span().start, Rule::UnknownField, format!("unknown field '{shown}'{place}"), remedy);
        }
    }
}

fn join(names: &BTreeSet<&'static str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

/// The known name at the smallest edit distance, when that is at most a third of the word.
pub(crate) fn nearest(word: &str, known: &BTreeSet<&'static str>) -> Option<&'static str> {
    if word.len() > 64 {
        return None;
    }
    let best = known.iter().map(|name| (distance(word, name), *name)).min()?;
    (best.0 <= word.chars().count().div_ceil(3)).then_some(best.1)
}

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

impl<'t> Field<'t> {
    pub(crate) fn into_table(self, path: String, report: &mut Report) -> Table<'t> {
        if let DeValue::Table(fields) = self.value {
            return Table::new(path, self.offset, fields, report);
        }
        let problem = format!("'{path}' must be a section, not a {}", self.value.type_str());
        report.add(self.offset, Rule::BadValue, problem, "write it as [section] with fields below it");
        Table::absent(path, self.offset)
    }

    /// Reports that the value has another form than expected.
    pub(crate) fn refuse<T>(self, path: &str, wanted: &str, report: &mut Report) -> Option<T> {
        let problem = format!("'{path}' is {}", describe(self.value));
        report.add(self.offset, Rule::BadValue, problem, format!("write {wanted}"));
        None
    }

    /// A text.
    pub(crate) fn text(self, path: &str, wanted: &str, report: &mut Report) -> Option<&'t str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.refuse(path, wanted, report),
        }
    }

    /// The entries of a list.
    pub(crate) fn entries(self, path: &str, limit: usize, wanted: &str, report: &mut Report) -> Option<Vec<Field<'t>>> {
        let DeValue::Array(items) = self.value else { return self.refuse(path, wanted, report) };
        if items.len() > limit {
            let problem = format!("'{path}' has {} entries, at most {limit} are allowed", items.len());
            report.add(self.offset, Rule::TooMany, problem, "remove the rest");
            return None;
        }
        Some(items.iter().map(|item| Field { offset: item.span().start, value: item.get_ref() }).collect())
    }

    /// A fraction from 0 to 1 such as `"2/3"`, `"66.7%"` or `0.95`.
    pub(crate) fn fraction(self, path: &str, report: &mut Report) -> Option<Fraction> {
        let text = match self.value {
            DeValue::String(text) => text.as_ref(),
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            _ => "",
        };
        let wanted = "a fraction from 0 to 1 with at most six decimals, for example \"2/3\", \"60%\" or 0.95";
        Fraction::parse(text).or_else(|| self.refuse(path, wanted, report))
    }

    /// A list of texts with their places.
    pub(crate) fn texts(
        self,
        path: &str,
        limit: usize,
        wanted: &str,
        report: &mut Report,
    ) -> Option<Vec<(usize, &'t str)>> {
        let entries = self.entries(path, limit, wanted, report)?;
        let text = |field: Field<'t>| field.text(path, wanted, report).map(|text| (field.offset, text));
        entries.into_iter().map(text).collect()
    }

    /// A whole number, exactly: an integer, or a decimal like `1e24`, bare or quoted.
    pub(crate) fn whole(self, path: &str, report: &mut Report) -> Option<u128> {
        let text = match self.value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            DeValue::String(text) => text.as_ref(),
            _ => "",
        };
        match amount::whole(text).or_else(|| report.threshold(text)) {
            Some(value) => Some(value),
            None => self.refuse(path, "a whole number that is not negative, for example 16 or 1e24", report),
        }
    }

    /// A whole number within a range.
    pub(crate) fn within(self, path: &str, range: std::ops::RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
        let value = self.whole(path, report)?;
        let fits = u64::try_from(value).ok().filter(|value| range.contains(value));
        if fits.is_none() {
            let remedy = format!("write a number from {} to {}", range.start(), range.end());
            report.add(self.offset, Rule::OutOfRange, format!("'{path}' is {value}"), remedy);
        }
        fits
    }

    /// A duration such as `12h`, in seconds.
    pub(crate) fn seconds(self, path: &str, range: std::ops::RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
        let wanted = "a length with its unit: s, m, h or d, for example \"12h\"";
        let text = self.text(path, wanted, report)?;
        let Some(seconds) = amount::seconds(text) else { return self.refuse(path, wanted, report) };
        if range.contains(&seconds) {
            return Some(seconds);
        }
        let remedy = format!("write {} to {}", amount::duration(*range.start()), amount::duration(*range.end()));
        report.add(self.offset, Rule::OutOfRange, format!("'{path}' is {}", amount::duration(seconds)), remedy);
        None
    }
}

/// A value in a message; foreign text is shortened.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("'{}'", text.chars().filter(|c| !c.is_control()).take(60).collect::<String>()),
        DeValue::Integer(number) => number.to_string().chars().take(60).collect(),
        DeValue::Float(number) => number.to_string().chars().take(60).collect(),
        other => format!("of type {}", other.type_str()),
    }
}
