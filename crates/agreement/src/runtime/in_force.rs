//! Which bounds a window has: from the phases of a timeline back to a schedule that limits are judged by.
//!
//! A window has the bounds of the mildest phase that was in force for its party at any moment from the winding-down time before its start
//! up to its end. So running work has its time to end before a severer phase counts, a lift counts at once, and nobody is held to a bound
//! that was not announced for the whole of that time.

use super::phase::RunPhase;
use super::replay::{Timeline, is_phase};
use super::transition::{Subject, Transition};
use crate::terms::{Agreement, Phase, PhaseStep};
use standstill_statement::Name;

impl Timeline {
    /// Phase of the terms whose bounds hold for a party at a moment up to `as_of`. A suspended party keeps the bounds of the agreement.
    #[must_use]
    pub fn bounds_at(&self, party: &Name, unix_seconds: u64) -> Phase {
        let own = self.last(&Subject::Party(party.clone()), unix_seconds);
        let suspended = own.is_some_and(|transition| transition.to == RunPhase::Suspended.word());
        let told = if suspended { self.last(&Subject::Agreement, unix_seconds) } else { own };
        told.and_then(|transition| transition.bounds).unwrap_or(Phase::Normal)
    }

    fn last(&self, subject: &Subject, unix_seconds: u64) -> Option<&Transition> {
        let phase = |transition: &&Transition| {
            transition.subject == *subject && is_phase(&transition.to) && transition.at_unix_seconds <= unix_seconds
        };
        self.transitions.iter().rev().find(phase)
    }

    /// Whether a party owes a report on a window: its duties held from the window's first to its last second.
    #[must_use]
    pub fn owes_report(&self, terms: &Agreement, party: &Name, window: u64) -> bool {
        let (start, end) = terms.window_bounds(window);
        let dutiful = |at: u64| {
            let told = self.last(&Subject::Party(party.clone()), at);
            told.is_some_and(|phase| phase.bounds.is_some() || phase.to == RunPhase::Suspended.word())
        };
        let within = self.transitions.iter().map(|transition| transition.at_unix_seconds);
        within.filter(|at| *at > start && *at < end).chain([start]).all(dutiful)
    }

    /// Phase whose bounds a window of a party has.
    #[must_use]
    pub fn window_phase(&self, terms: &Agreement, party: &Name, window: u64) -> Phase {
        let winding_down = terms.conduct().map_or(0, |conduct| conduct.clocks.winding_down_seconds);
        let (start, end) = terms.window_bounds(window);
        let from = start.saturating_sub(winding_down);
        let within = self.transitions.iter().map(|transition| transition.at_unix_seconds);
        let moments = within.filter(|at| *at > from && *at < end).chain([from]);
        moments.map(|at| self.bounds_at(party, at)).min().unwrap_or(Phase::Normal)
    }

    /// The terms with the phases that this timeline gave to a party's windows in place of the schedule. Everything else is as it was; the
    /// id of the agreement is still that of the terms themselves.
    #[must_use]
    pub fn terms_for(&self, terms: &Agreement, party: &Name) -> Agreement {
        let windows = 0..terms.window_of(self.as_of_unix_seconds).map_or(terms.term_windows, |window| window + 1);
        let mut phases = vec![PhaseStep { phase: Phase::Normal, from_window: 0 }];
        for window in windows {
            let phase = self.window_phase(terms, party, window);
            match phases.last_mut() {
                Some(last) if last.phase == phase => {}
                Some(last) if last.from_window == window => last.phase = phase,
                _ => phases.push(PhaseStep { phase, from_window: window }),
            }
        }
        Agreement { phases, ..terms.clone() }
    }
}
