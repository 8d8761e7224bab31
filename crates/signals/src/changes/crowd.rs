//! All who act in a history, each once, under public names.

use super::identity::{Identities, Identity, Nature};
use super::table::Person;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Domain of hashes of display names.
const DOMAIN: &[u8] = b"standstill/1/changes-display-name\0";

/// Someone, as a place in the crowd.
pub type Place = u32;

/// All who act.
#[derive(Debug, Default)]
pub struct Crowd {
    people: Vec<Person>,
    by_person: HashMap<Person, Place>,
    seen: HashMap<(String, String), (Place, Nature, bool)>,
}

/// Who somebody is, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Place.
    pub place: Place,
    /// What it is.
    pub nature: Nature,
    /// A commit by it is a change by it.
    pub committer_counts: bool,
}

/// A hash of a display name in lower case, by which names are compared without keeping them.
#[must_use]
pub fn name_hash(name: &str) -> u64 {
    let digest = Sha256::new_with_prefix(DOMAIN).chain_update(name.trim().to_lowercase()).finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

impl Crowd {
    /// Resolves a name and an address.
    pub fn find(&mut self, identities: &Identities, name: &str, email: &str) -> Found {
        let key = (name.to_owned(), email.to_owned());
        if let Some((place, nature, committer_counts)) = self.seen.get(&key) {
            return Found { place: *place, nature: *nature, committer_counts: *committer_counts };
        }
        let found = self.add(identities, &identities.resolve(name, email));
        self.seen.insert(key, (found.place, found.nature, found.committer_counts));
        found
    }

    /// Adds an identity.
    pub fn add(&mut self, identities: &Identities, identity: &Identity) -> Found {
        let person = Person { id: identities.public_id(identity), nature: identity.nature };
        Found { place: self.place(person), nature: identity.nature, committer_counts: identity.committer_counts }
    }

    /// The place of somebody under a public name.
    pub fn place(&mut self, person: Person) -> Place {
        if let Some(place) = self.by_person.get(&person) {
            return *place;
        }
        let place = Place::try_from(self.people.len()).unwrap_or(Place::MAX);
        self.by_person.insert(person.clone(), place);
        self.people.push(person);
        place
    }

    /// The members.
    #[must_use]
    pub fn members(&self) -> &[Person] {
        &self.people
    }

    /// All persons sorted, and for each place where it went.
    #[must_use]
    pub fn sorted(&self) -> (Vec<Person>, Vec<Place>) {
        let mut order: Vec<usize> = (0..self.people.len()).collect();
        order.sort_by(|a, b| self.people[*a].cmp(&self.people[*b]));
        let mut to = vec![0; order.len()];
        for (place, from) in order.iter().enumerate() {
            to[*from] = Place::try_from(place).unwrap_or(Place::MAX);
        }
        (order.iter().map(|at| self.people[*at].clone()).collect(), to)
    }
}

/// Groups of persons who used the same display name: pairs of the name's hash and the person, in any order.
#[must_use]
pub fn namesakes(used: impl IntoIterator<Item = (u64, Place)>) -> Vec<Vec<Place>> {
    let mut groups: BTreeMap<u64, BTreeSet<Place>> = BTreeMap::new();
    for (name, place) in used {
        groups.entry(name).or_default().insert(place);
    }
    let many = groups.into_values().filter(|group| group.len() > 1);
    let mut out: Vec<Vec<Place>> = many.map(|group| group.into_iter().collect()).collect();
    out.sort();
    out.dedup();
    out
}
