//! How many witnesses must lie before a policy proves nothing.

use super::{Member, Policy};

impl Policy {
    /// The smallest number of faulty witnesses with which two sets of cosignatures can both satisfy the quorum although no honest
    /// witness signed in both. With fewer, any two quorums share an honest witness: no two histories are both cosigned, and "published by
    /// `D`" and "absent by `D`" exclude each other. 0 under `quorum none`, and for policies where two quorums need not meet at all.
    ///
    /// For `k` of `n` witnesses this is `2k − n` (or 0); the same rule applied to groups, which are disjoint, gives the rest: two
    /// choices of `k` members share at least `2k − n` of them, and an attacker takes the cheapest.
    #[must_use]
    pub fn faults_to_split(&self) -> usize {
        let mut group_costs: Vec<usize> = Vec::with_capacity(self.groups.len());
        let cost = |member: Member, group_costs: &[usize]| match member {
            Member::Witness(_) => 1,
            Member::Group(index) => group_costs[index],
        };
        for group in &self.groups {
            let mut costs: Vec<usize> = group.members.iter().map(|member| cost(*member, &group_costs)).collect();
            costs.sort_unstable();
            let shared = (2 * group.threshold).saturating_sub(group.members.len());
            group_costs.push(costs.iter().take(shared).sum());
        }
        self.quorum.map_or(0, |quorum| cost(quorum, &group_costs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{KeyType, NoteSigner};

    fn policy(groups: &str) -> Policy {
        let mut text = String::new();
        for index in 1..=7_u8 {
            let key = NoteSigner::from_seed("w", KeyType::CosignatureV1, &[index; 32]).unwrap();
            text += &format!("witness w{index} {}\n", key.verifier());
        }
        Policy::parse(&(text + groups)).unwrap()
    }

    #[test]
    fn as_many_liars_as_two_quorums_share() {
        for (groups, faults) in [
            ("group q 2 w1 w2 w3\nquorum q\n", 1),
            ("group q 3 w1 w2 w3 w4\nquorum q\n", 2),
            ("group q 5 w1 w2 w3 w4 w5 w6 w7\nquorum q\n", 3),
            ("group q 2 w1 w2 w3 w4\nquorum q\n", 0),
            ("group q any w1 w2\nquorum q\n", 0),
            ("group q all w1 w2\nquorum q\n", 2),
            ("quorum w1\n", 1),
            ("quorum none\n", 0),
            // Every class must be corrupted: 1 of the first and 2 of the second.
            ("group a 2 w1 w2 w3\ngroup b 3 w4 w5 w6 w7\ngroup q all a b\nquorum q\n", 3),
            ("group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q all a b\nquorum q\n", 1),
            ("group a 2 w1 w2 w3\ngroup b 3 w4 w5 w6 w7\ngroup q any a b\nquorum q\n", 0),
            ("group a 2 w1 w2 w3\ngroup q 2 a w4 w5\nquorum q\n", 1),
        ] {
            assert_eq!(policy(groups).faults_to_split(), faults, "{groups}");
        }
    }

    /// The rule against every pair of witness sets.
    #[test]
    fn the_rule_agrees_with_enumeration() {
        for groups in [
            "group a 2 w1 w2 w3\ngroup b any w4 w5\ngroup q all a b\nquorum q\n",
            "group a 2 w1 w2 w3\ngroup b 2 w4 w5\ngroup q 2 a b w6\nquorum q\n",
            "group a 3 w1 w2 w3 w4\ngroup q 2 a w5 w6\nquorum q\n",
            "group q 4 w1 w2 w3 w4 w5\nquorum q\n",
        ] {
            let policy = policy(groups);
            let satisfied = |set: u32| {
                let times: Vec<Option<u64>> = (0..7).map(|index| (set >> index & 1 == 1).then_some(1)).collect();
                policy.smallest_time(&times).is_some()
            };
            let quorums: Vec<u32> = (0..1 << 7).filter(|set| satisfied(*set)).collect();
            let shared = quorums.iter().flat_map(|a| quorums.iter().map(move |b| (a & b).count_ones())).min();
            assert_eq!(policy.faults_to_split(), shared.unwrap() as usize, "{groups}");
        }
    }
}
