//! When enough witnesses have cosigned: under the policy in force, and during a change of witnesses under the next one as well.
//!
//! A new set of witnesses must not be able to replace the old one on its own, nor the old one to go on behind the new one's back. So
//! between the two, a checkpoint counts only with both quorums ("joint quorum"), until every reader has the new policy.

use super::setup::Setup;
use standstill_tlog::TlogError;
use standstill_tlog::note::{Note, VerifierKey};
use standstill_tlog::policy::Policy;

/// One or two policies, all of which must be satisfied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorum<'a> {
    now: &'a Policy,
    next: Option<&'a Policy>,
}

impl Setup {
    /// The quorum that a public checkpoint needs.
    pub(super) fn quorum(&self) -> Quorum<'_> {
        Quorum { now: &self.policy, next: self.next_policy.as_ref() }
    }
}

impl<'a> Quorum<'a> {
    fn policies(self) -> impl Iterator<Item = &'a Policy> {
        std::iter::once(self.now).chain(self.next)
    }

    /// Keys that count in one of the policies, each once.
    pub(super) fn keys(self) -> Vec<VerifierKey> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for key in self.policies().flat_map(Policy::witness_keys) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Whether no cosignature is asked for.
    pub(super) fn is_none(self) -> bool {
        self.policies().all(Policy::is_quorum_none)
    }

    /// Whether the note's cosignatures are enough.
    pub(super) fn is_reached(self, note: &Note) -> Result<bool, TlogError> {
        for policy in self.policies() {
            if policy.evaluate(note)?.quorum_time.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether something may have had a quorum without any of these witnesses knowing of it.
    pub(super) fn could_be_without(self, known: &[VerifierKey]) -> bool {
        self.policies().any(|policy| {
            let silent: Vec<bool> = policy.witness_keys().iter().map(|key| !known.contains(key)).collect();
            policy.is_quorum_among(&silent)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use standstill_tlog::checkpoint::Checkpoint;
    use standstill_tlog::cosignature;
    use standstill_tlog::note::{KeyType, NoteSigner};

    fn witness(number: u8) -> NoteSigner {
        NoteSigner::from_seed(&format!("w{number}"), KeyType::CosignatureV1, &[number; 32]).unwrap()
    }

    fn policy(threshold: usize, numbers: &[u8]) -> Policy {
        let lines: String = numbers.iter().map(|n| format!("witness w{n} {}\n", witness(*n).verifier())).collect();
        let names: Vec<String> = numbers.iter().map(|n| format!("w{n}")).collect();
        Policy::parse(&format!("{lines}group g {threshold} {}\nquorum g\n", names.join(" "))).unwrap()
    }

    fn cosigned(numbers: &[u8]) -> Note {
        let log = NoteSigner::from_seed("log", KeyType::Ed25519, &[100; 32]).unwrap();
        let mut note = Checkpoint::new("log", 1, [1; 32]).sign(&log).unwrap().note().clone();
        for number in numbers {
            note.add(cosignature::sign(&witness(*number), 7, note.text()).unwrap());
        }
        note
    }

    #[test]
    fn during_a_change_both_sets_must_agree() {
        let (old, new) = (policy(2, &[1, 2, 3]), policy(2, &[3, 4, 5]));
        let joint = Quorum { now: &old, next: Some(&new) };
        let alone = Quorum { now: &old, next: None };
        assert_eq!(joint.keys().len(), 5);
        for (signers, by_old, by_both) in
            [(&[1, 2][..], true, false), (&[4, 5], false, false), (&[1, 3, 4], true, true), (&[3], false, false)]
        {
            assert_eq!(alone.is_reached(&cosigned(signers)).unwrap(), by_old, "{signers:?}");
            assert_eq!(joint.is_reached(&cosigned(signers)).unwrap(), by_both, "{signers:?}");
        }
    }

    #[test]
    fn what_the_silent_ones_could_have_cosigned() {
        let (old, new) = (policy(2, &[1, 2, 3]), policy(2, &[3, 4, 5]));
        let joint = Quorum { now: &old, next: Some(&new) };
        let keys = |numbers: &[u8]| numbers.iter().map(|n| witness(*n).verifier().clone()).collect::<Vec<_>>();
        for (known, open) in
            [(&[][..], true), (&[1, 2], true), (&[1, 2, 4, 5], false), (&[1, 3], true), (&[1, 3, 5], false)]
        {
            assert_eq!(joint.could_be_without(&keys(known)), open, "{known:?}");
        }
        let none = Policy::parse("quorum none\n").unwrap();
        let none = Quorum { now: &none, next: None };
        assert!(none.is_none() && !none.could_be_without(&[]) && none.is_reached(&cosigned(&[])).unwrap());
    }
}
