//! Who is behind a name and an address: a person, an AI system or a service; and under which name the ledger counts them.
//!
//! The built-in table knows AI systems and services. A repository's identity map goes first: it joins the aliases of a person, names the
//! keys that sign for them, and holds the salt of the pseudonyms. Whoever is unknown counts as an account of a person under the address.

pub use super::nature::Nature;

use super::ChangesError;
use super::signature::{Checked, Keyring, Refused, Signed, Signer};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const BUILTIN: &str = include_str!("../../data/changes-people.toml");
/// Domain of the hash of the tables in force.
const DOMAIN: &[u8] = b"standstill/1/changes-identities\0";
/// Domain of pseudonyms.
const PSEUDONYM: &[u8] = b"standstill/1/changes-person\0";
/// Longest table, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// An identity after mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Name under which the ledger counts; private for persons.
    pub id: String,
    /// What it is.
    pub nature: Nature,
    /// The AI system marks its work by the committer, so that a commit by it is a change by it.
    pub committer_counts: bool,
}

/// Keys of trailers by what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrailerKeys {
    /// Took part in the change.
    pub authors: BTreeSet<String>,
    /// Approved it.
    pub reviewers: BTreeSet<String>,
    /// Merged it.
    pub mergers: BTreeSet<String>,
    /// Vouches for it.
    pub signers: BTreeSet<String>,
    /// Keys whose value is a tool, whatever its name.
    pub tools: BTreeSet<String>,
}

impl TrailerKeys {
    /// Whether any list has the key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        [&self.authors, &self.reviewers, &self.mergers, &self.signers, &self.tools]
            .iter()
            .any(|keys| keys.contains(key))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    version: u32,
    markers: Vec<String>,
    mentions: Vec<String>,
    trailers: TrailerKeys,
    ai: Vec<Entry>,
    service: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    emails: Vec<String>,
    #[serde(default)]
    committer: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Map {
    version: u32,
    /// Secret; without it pseudonyms can be guessed from addresses.
    #[serde(default)]
    salt: String,
    /// Who issues certificates for persons by their addresses: `spki-sha256:…` or a certificate in PEM.
    #[serde(default)]
    issuers: Vec<String>,
    #[serde(default)]
    person: Vec<Person>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    id: String,
    #[serde(default = "person")]
    nature: Nature,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    emails: Vec<String>,
    #[serde(default)]
    logins: Vec<String>,
    #[serde(default)]
    keys: Vec<String>,
    /// Files with one key each, beside the map.
    #[serde(default, rename = "key-files")]
    key_files: Vec<String>,
}

/// Reads a file that a map names.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

fn no_file(path: &str) -> Result<String, String> {
    Err(format!("the file '{path}' cannot be read here; write the key into the map"))
}

/// The files of keys, by the path that the map gives.
fn key_files(name: &str, map: &Map, read: ReadFile<'_>) -> Result<BTreeMap<String, String>, ChangesError> {
    let mut out = BTreeMap::new();
    for path in map.person.iter().flat_map(|person| &person.key_files) {
        let text = read(path).map_err(|reason| ChangesError::table(name, reason))?;
        if text.len() > MAX_BYTES {
            return Err(ChangesError::table(name, format!("'{path}' is longer than {MAX_BYTES} bytes")));
        }
        out.insert(path.clone(), text);
    }
    Ok(out)
}

const fn person() -> Nature {
    Nature::Person
}

/// Globs with the entry that each belongs to.
#[derive(Debug)]
struct Globs {
    set: GlobSet,
    entry: Vec<usize>,
}

impl Globs {
    fn new<'a>(file: &str, lists: impl Iterator<Item = &'a [String]>) -> Result<Self, ChangesError> {
        let (mut builder, mut entry) = (GlobSetBuilder::new(), Vec::new());
        for (index, list) in lists.enumerate() {
            for glob in list {
                let built = GlobBuilder::new(glob).case_insensitive(true).build();
                builder.add(built.map_err(|error| ChangesError::table(file, error))?);
                entry.push(index);
            }
        }
        Ok(Self { set: builder.build().map_err(|error| ChangesError::table(file, error))?, entry })
    }

    fn first(&self, text: &str) -> Option<usize> {
        self.set.matches(text).into_iter().map(|at| self.entry[at]).min()
    }
}

/// The tables in force.
#[derive(Debug)]
pub struct Identities {
    markers: aho_corasick::AhoCorasick,
    mentions: aho_corasick::AhoCorasick,
    trailers: TrailerKeys,
    marks: Vec<(String, Nature, bool)>,
    names: Globs,
    emails: Globs,
    people: Vec<(String, Nature)>,
    by_email: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    by_login: HashMap<String, usize>,
    keys: Keyring,
    salt: String,
    hash: [u8; 32],
}

/// The address of an account of GitHub without its number, so that old and new forms are one.
fn normal_email(email: &str) -> String {
    let email = email.to_lowercase();
    match email.strip_suffix("@users.noreply.github.com").and_then(|user| user.split_once('+')) {
        Some((number, user)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{user}@users.noreply.github.com")
        }
        _ => email,
    }
}

fn automaton(words: &[String]) -> Result<aho_corasick::AhoCorasick, ChangesError> {
    aho_corasick::AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words)
        .map_err(|error| ChangesError::table("changes-people.toml", error))
}

impl Identities {
    /// The built-in tables without a map.
    ///
    /// # Errors
    /// Never for the shipped table; a test reads it.
    pub fn builtin() -> Result<Self, ChangesError> {
        Self::build(BUILTIN, ("", ""), &no_file)
    }

    /// The built-in tables with a repository's identity map.
    ///
    /// # Errors
    /// [`ChangesError::Table`] with the reason.
    pub fn with_map(name: &str, text: &str) -> Result<Self, ChangesError> {
        Self::build(BUILTIN, (name, text), &no_file)
    }

    /// An own table of marks in place of the built-in one, with or without a map.
    ///
    /// # Errors
    /// [`ChangesError::Table`] with the reason.
    pub fn with_marks(marks: &str, map: Option<(&str, &str)>) -> Result<Self, ChangesError> {
        Self::build(marks, map.unwrap_or(("", "")), &no_file)
    }

    /// As [`Self::with_marks`], with a way to read the files of keys that the map names.
    ///
    /// # Errors
    /// [`ChangesError::Table`] with the reason.
    pub fn with_files(marks: &str, map: Option<(&str, &str)>, read: ReadFile<'_>) -> Result<Self, ChangesError> {
        Self::build(marks, map.unwrap_or(("", "")), read)
    }

    /// Text of the built-in table, to start an own one from.
    #[must_use]
    pub const fn builtin_text() -> &'static str {
        BUILTIN
    }

    fn build(marks_text: &str, (name, map_text): (&str, &str), read: ReadFile<'_>) -> Result<Self, ChangesError> {
        let file = "changes-people.toml";
        if marks_text.len() > MAX_BYTES || map_text.len() > MAX_BYTES {
            return Err(ChangesError::table(name, format!("longer than {MAX_BYTES} bytes")));
        }
        let marks: Marks = toml::from_str(marks_text).map_err(|error| ChangesError::table(file, error))?;
        let map: Map = if map_text.is_empty() {
            Map { version: 1, ..Map::default() }
        } else {
            toml::from_str(map_text).map_err(|error| ChangesError::table(name, error))?
        };
        if marks.version != 1 || map.version != 1 {
            return Err(ChangesError::table(name, "this program reads version 1; write 'version = 1'"));
        }
        let entries =
            || marks.ai.iter().map(|e| (e, Nature::Ai)).chain(marks.service.iter().map(|e| (e, Nature::Service)));
        let mut hasher = Sha256::new_with_prefix(DOMAIN);
        for text in [marks_text, map_text] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let files = key_files(name, &map, read)?;
        for text in files.values() {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        let mut out = Self {
            markers: automaton(&marks.markers)?,
            mentions: automaton(&marks.mentions)?,
            names: Globs::new(file, entries().map(|(entry, _)| entry.names.as_slice()))?,
            emails: Globs::new(file, entries().map(|(entry, _)| entry.emails.as_slice()))?,
            marks: entries().map(|(entry, nature)| (entry.id.clone(), nature, entry.committer)).collect(),
            trailers: marks.trailers.clone(),
            people: Vec::new(),
            by_email: HashMap::new(),
            by_name: HashMap::new(),
            by_login: HashMap::new(),
            keys: Keyring::default(),
            salt: map.salt.clone(),
            hash: hasher.finalize().into(),
        };
        for person in &map.person {
            out.add(name, person, &files)?;
        }
        for issuer in &map.issuers {
            out.keys.add_issuer(issuer).map_err(|error| ChangesError::table(name, format!("an issuer: {error}")))?;
        }
        Ok(out)
    }

    fn add(&mut self, file: &str, person: &Person, files: &BTreeMap<String, String>) -> Result<(), ChangesError> {
        let at = self.people.len();
        let twice = |what: &str| ChangesError::table(file, format!("'{what}' belongs to two persons; give it to one"));
        if self.people.iter().any(|(id, _)| *id == person.id) {
            return Err(twice(&person.id));
        }
        self.people.push((person.id.clone(), person.nature));
        for (texts, index) in [(&person.names, &mut self.by_name), (&person.logins, &mut self.by_login)] {
            for text in texts {
                if index.insert(text.to_lowercase(), at).is_some_and(|before| before != at) {
                    return Err(twice(text));
                }
            }
        }
        for email in &person.emails {
            if self.by_email.insert(normal_email(email), at).is_some_and(|before| before != at) {
                return Err(twice(email));
            }
        }
        let of_files = person.key_files.iter().filter_map(|path| files.get(path));
        for text in person.keys.iter().chain(of_files) {
            let wrong = |error: Refused| {
                ChangesError::table(
                    file,
                    format!(
                        "a key of '{}': {error}; write the line of a .pub file, an OpenPGP certificate, PEM, or spki-sha256: and 64 digits",
                        person.id
                    ),
                )
            };
            if self.keys.add(text, at).map_err(wrong)? {
                return Err(twice("a key"));
            }
        }
        Ok(())
    }

    /// Hash of the tables in force, for the method. The map itself, with names and salt, stays with the party.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Whether pseudonyms are salted.
    #[must_use]
    pub fn is_salted(&self) -> bool {
        !self.salt.is_empty()
    }

    /// Keys of trailers.
    #[must_use]
    pub const fn trailer_keys(&self) -> &TrailerKeys {
        &self.trailers
    }

    /// A phrase in the message says that a tool wrote the change.
    #[must_use]
    pub fn has_marker(&self, message: &str) -> bool {
        self.markers.is_match(message)
    }

    /// The message names a tool.
    #[must_use]
    pub fn mentions_ai(&self, message: &str) -> bool {
        self.mentions.is_match(message)
    }

    /// What an armoured signature over some bytes proves with the keys of the map, and who signed. `time` is that of the commit, for
    /// signatures that name none.
    #[must_use]
    pub fn check(&self, armour: &[u8], signed: &[u8], time: i64) -> (Signed, Option<Identity>) {
        let (mut result, signer) = self.keys.check(armour, signed, time);
        let owner = match &signer {
            Some(Signer::Owner(at)) => Some(*at),
            Some(Signer::Addresses(all)) => {
                all.iter().find_map(|email| self.by_email.get(&normal_email(email)).copied())
            }
            None => None,
        };
        if owner.is_none() && result.checked == Checked::Good {
            result.checked = Checked::UnknownKey;
        }
        (result, owner.map(|at| self.mapped(at)))
    }

    /// Who made a signature of a DSSE envelope over some bytes, if the map has the key.
    #[must_use]
    pub fn envelope_signer(&self, signature: &[u8], signed: &[u8]) -> Option<Identity> {
        self.keys.bare_signer(signature, signed).map(|at| self.mapped(at))
    }

    /// Who has a login of a forge or an SSH key (in the form of the wire), by the map alone.
    #[must_use]
    pub fn mapped_account(&self, login: &str, key: Option<&[u8]>) -> Option<Identity> {
        let by_login = || self.by_login.get(&login.to_lowercase()).copied();
        key.and_then(|blob| self.keys.wire_owner(blob)).or_else(by_login).map(|at| self.mapped(at))
    }

    /// Who a login of a forge is.
    #[must_use]
    pub fn login(&self, login: &str) -> Identity {
        match self.by_login.get(&login.to_lowercase()) {
            Some(at) => self.mapped(*at),
            None => self.resolve(login, &format!("{login}@users.noreply.github.com")),
        }
    }

    fn mapped(&self, at: usize) -> Identity {
        let (id, nature) = &self.people[at];
        Identity { id: format!("map:{id}"), nature: *nature, committer_counts: *nature == Nature::Ai }
    }

    /// Who is behind a name and an address. The map decides first (address, then name), then the table of marks.
    #[must_use]
    pub fn resolve(&self, name: &str, email: &str) -> Identity {
        let (lower, address) = (name.trim().to_lowercase(), normal_email(email.trim()));
        let mapped = self.by_email.get(&address).filter(|_| !address.is_empty()).or_else(|| self.by_name.get(&lower));
        // A tool's mark in the name outweighs the address: aider and others write under the person's own address.
        let by_name = self.names.first(&lower);
        if let (Some(at), None) = (mapped, by_name) {
            return self.mapped(*at);
        }
        if let Some(at) = self.by_name.get(&lower) {
            return self.mapped(*at);
        }
        let by_email = if address.is_empty() { None } else { self.emails.first(&email.trim().to_lowercase()) };
        let mark = match (by_name, by_email) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if let Some((id, nature, committer)) = mark.map(|at| &self.marks[at]) {
            return Identity { id: format!("tool:{id}"), nature: *nature, committer_counts: *committer };
        }
        let id = if address.is_empty() { format!("name:{lower}") } else { format!("mail:{address}") };
        Identity { id, nature: Nature::Person, committer_counts: false }
    }

    /// The public name: tools keep theirs, persons get 16 hexadecimal digits of a salted hash.
    #[must_use]
    pub fn public_id(&self, identity: &Identity) -> String {
        if identity.nature != Nature::Person {
            return identity.id.split_once(':').map_or(identity.id.as_str(), |(_, id)| id).to_owned();
        }
        let mut hasher = Sha256::new_with_prefix(PSEUDONYM);
        hasher.update((self.salt.len() as u64).to_be_bytes());
        hasher.update(self.salt.as_bytes());
        hasher.update(identity.id.as_bytes());
        hex::encode(&hasher.finalize()[..8])
    }
}

#[cfg(test)]
mod tests;
