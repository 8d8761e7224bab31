//! The line grammar of tlog-policy.

use super::{Group, KnownLog, KnownWitness, MAX_ITEMS, MAX_POLICY_BYTES, Member, Policy};
use crate::TlogError;
use crate::key::{KeyType, VerifierKey};
use crate::note::{check_limit, parse_decimal};
use std::collections::BTreeMap;

/// What has been read so far.
#[derive(Default)]
struct Builder {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    /// Each defined name, and whether it already is a member of a group.
    names: BTreeMap<Vec<u8>, (Member, bool)>,
    quorum: Option<Option<Member>>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Policy, TlogError> {
    check_limit("policy bytes", bytes.len(), MAX_POLICY_BYTES)?;
    let mut builder = Builder::default();
    let mut count = 0;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        count = index + 1;
        builder.line(line).map_err(|what| TlogError::Policy { line: count, what })?;
    }
    let Some(quorum) = builder.quorum else {
        return Err(TlogError::Policy {
            line: count,
            what: "there is no quorum line; add `quorum <name>` or `quorum none`".into(),
        });
    };
    let keys = builder.witnesses.iter().map(|witness| witness.key.clone()).collect();
    Ok(Policy { logs: builder.logs, witnesses: builder.witnesses, keys, groups: builder.groups, quorum })
}

impl Builder {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err("a control character other than tab and newline".into());
        }
        let items: Vec<&[u8]> = line.split(|b| *b == b' ' || *b == b'\t').filter(|item| !item.is_empty()).collect();
        match items.split_first() {
            None => Ok(()),
            Some((first, _)) if first.starts_with(b"#") => Ok(()),
            Some((&b"log", rest)) => self.log(rest),
            Some((&b"witness", rest)) => self.witness(rest),
            Some((&b"group", rest)) => self.group(rest),
            Some((&b"quorum", rest)) => self.quorum(rest),
            Some((other, _)) => Err(format!("unknown keyword {}; use log, witness, group or quorum", show(other))),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), String> {
        let (key, url) = key_and_url(items).ok_or("write `log <vkey> [<url>]`")?;
        let key = parse_key(key, KeyType::may_sign_logs, KeyType::Ed25519.purpose())?;
        if self.logs.iter().any(|log| log.key.public_bytes() == key.public_bytes()) {
            return Err(format!("the key of log {} is listed already", key.name()));
        }
        full("logs", self.logs.len())?;
        self.logs.push(KnownLog { key, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&[u8]]) -> Result<(), String> {
        let usage = "write `witness <name> <vkey> [<url>]`";
        let (name, rest) = items.split_first().ok_or(usage)?;
        let (key, url) = key_and_url(rest).ok_or(usage)?;
        let key = parse_key(key, KeyType::may_cosign, "a witness key (type 0x04 or 0x06)")?;
        if self.witnesses.iter().any(|witness| witness.key.public_bytes() == key.public_bytes()) {
            return Err(format!("the key of witness {} is listed already", show(name)));
        }
        full("witnesses", self.witnesses.len())?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(KnownWitness { name: name.to_vec(), key, url });
        Ok(())
    }

    fn group(&mut self, items: &[&[u8]]) -> Result<(), String> {
        let [name, rule, members @ ..] = items else {
            return Err("write `group <name> all|any|<k> <member>...`".into());
        };
        full("groups", self.groups.len())?;
        let members = members.iter().map(|member| self.take(member)).collect::<Result<Vec<_>, _>>()?;
        let threshold = threshold(rule, members.len())?;
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name: name.to_vec(), threshold, members });
        Ok(())
    }

    fn quorum(&mut self, items: &[&[u8]]) -> Result<(), String> {
        let [name] = items else {
            return Err("write `quorum <name>` or `quorum none`".into());
        };
        if self.quorum.is_some() {
            return Err("a second quorum line; exactly one is allowed".into());
        }
        self.quorum = Some(if *name == b"none" { None } else { Some(self.lookup(name)?.0) });
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), String> {
        if name == b"none" {
            return Err("the name none is reserved".into());
        }
        if self.names.insert(name.to_vec(), (member, false)).is_some() {
            return Err(format!("the name {} is defined already", show(name)));
        }
        Ok(())
    }

    fn lookup(&mut self, name: &[u8]) -> Result<&mut (Member, bool), String> {
        let unknown = || format!("{} is not defined on a line before this one", show(name));
        self.names.get_mut(name).ok_or_else(unknown)
    }

    /// Makes a name a member of the group being defined.
    fn take(&mut self, name: &[u8]) -> Result<Member, String> {
        let (member, taken) = self.lookup(name)?;
        if *taken {
            return Err(format!("{} is a member of a group already; each name counts once", show(name)));
        }
        *taken = true;
        Ok(*member)
    }
}

fn key_and_url<'a>(items: &[&'a [u8]]) -> Option<(&'a [u8], Option<String>)> {
    match items {
        [key] => Some((key, None)),
        [key, url] => Some((key, Some(show(url)))),
        _ => None,
    }
}

fn parse_key(text: &[u8], fits: fn(KeyType) -> bool, wanted: &str) -> Result<VerifierKey, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the verifier key is not UTF-8".to_owned())?;
    let key = VerifierKey::parse(text).map_err(|error| error.to_string())?;
    if !fits(key.key_type()) {
        return Err(format!(
            "{} has signature type 0x{:02x}, but {} is needed here",
            key.name(),
            key.key_type() as u8,
            wanted
        ));
    }
    Ok(key)
}

fn threshold(rule: &[u8], members: usize) -> Result<usize, String> {
    let wanted = match rule {
        b"any" => Some(1),
        b"all" => Some(members),
        _ => std::str::from_utf8(rule).ok().and_then(parse_decimal).and_then(|k| usize::try_from(k).ok()),
    };
    let in_range = wanted.filter(|k| (1..=members).contains(k));
    in_range.ok_or_else(|| {
        format!("{} of {members} members: write all, any or a number from 1 to the number of members", show(rule))
    })
}

fn full(what: &str, count: usize) -> Result<(), String> {
    if count >= MAX_ITEMS { Err(format!("more than {MAX_ITEMS} {what}")) } else { Ok(()) }
}

fn show(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
