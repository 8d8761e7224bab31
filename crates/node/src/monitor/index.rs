//! Which party said what about which window. A pure function of the logs: whoever doubts it derives it again.

use serde::{Deserialize, Serialize};
use standstill_statement::{Body, Hash32, Kind, Name, Signed};
use std::collections::BTreeMap;

/// One statement of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Whose log.
    pub issuer: Name,
    /// Index of the entry.
    pub index: u64,
    /// Kind of the statement; `None` for an entry that is no valid statement of this issuer under the agreement.
    pub kind: Option<Kind>,
    /// Window that it is about, when it says one.
    pub window: Option<u64>,
    /// Hash of the entry.
    pub statement: Hash32,
    /// Statement that it answers or is about, when it says one (challenge, report).
    pub about: Option<Hash32>,
    /// Party that it is about, when that is another than the issuer.
    pub party: Option<Name>,
}

impl Line {
    /// The line of one entry; `signed` when its signature holds under a key in force.
    #[must_use]
    pub fn of(agreement: &Hash32, issuer: &Name, signed: Option<&Signed>, index: u64, entry: &[u8]) -> Self {
        let valid = signed.filter(|signed| signed.expect(agreement, issuer).is_ok());
        let body = valid.map(|signed| &signed.statement.body);
        let window = body.and_then(|body| match body {
            Body::Report(report) => Some(report.window),
            Body::Heartbeat(heartbeat) => Some(heartbeat.window),
            _ => None,
        });
        let about = body.and_then(|body| match body {
            Body::Challenge(challenge) => Some(challenge.report),
            Body::Response(response) => Some(response.challenge),
            Body::Finding(finding) => Some(finding.challenge),
            _ => None,
        });
        let party = body.and_then(|body| match body {
            Body::Challenge(challenge) => Some(challenge.party.clone()),
            Body::Finding(finding) => Some(finding.party.clone()),
            _ => None,
        });
        let kind = valid.map(|signed| signed.statement.kind());
        Self { issuer: issuer.clone(), index, kind, window, statement: Hash32::of(entry), about, party }
    }
}

/// Lines by issuer and index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(BTreeMap<Name, Vec<Line>>);

impl Index {
    /// Adds the next entry of a log.
    pub fn push(&mut self, line: Line) {
        self.0.entry(line.issuer.clone()).or_default().push(line);
    }

    /// Entries of a log that are in.
    #[must_use]
    pub fn size_of(&self, issuer: &Name) -> u64 {
        self.0.get(issuer).map_or(0, |lines| lines.len() as u64)
    }

    /// Lines that match, in order of issuer and index; `None` matches everything.
    pub fn find<'a>(
        &'a self,
        issuer: Option<&'a str>,
        kind: Option<&'a str>,
        window: Option<u64>,
    ) -> impl Iterator<Item = &'a Line> {
        self.0.values().flatten().filter(move |line| {
            issuer.is_none_or(|issuer| line.issuer.as_str() == issuer)
                && kind.is_none_or(|kind| line.kind.is_some_and(|found| found.name() == kind))
                && window.is_none_or(|window| line.window == Some(window))
        })
    }
}
