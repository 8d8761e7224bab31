//! The agreement's clock: wall time of the witnesses, which stands still while nobody can publish.
//!
//! An outage is the time after which *no issuer at all* has published a statement for longer than the terms let a report take: a window and
//! the time to report on it. That is decidable from certificates: silence of every log is proved by absence, and one publication disproves
//! it. One party alone cannot bring it about, because the others' reports go on. The clock of duties stands still from then on until the
//! next publication, at most as long as the terms say; then it runs on. Expiry does not use this clock: it is always in wall time.

/// Wall time against the time that counts for duties. All in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    /// Last publication by anybody.
    last_publication: u64,
    /// Sum of the outages that are over.
    frozen_seconds: u64,
    /// Whether outages are counted: somebody is bound, so somebody should publish.
    counting: bool,
    /// Since when they are, or are not.
    since: u64,
    /// Silence from which on the clock stands still.
    silence_seconds: u64,
    /// Longest time for which one outage stops the clock.
    most_seconds: u64,
}

impl Clock {
    /// A clock before anything happened.
    #[must_use]
    pub(crate) const fn new(silence_seconds: u64, most_seconds: u64) -> Self {
        Self { last_publication: 0, frozen_seconds: 0, counting: false, since: 0, silence_seconds, most_seconds }
    }

    /// When the clock stops unless somebody publishes; `None` while outages are not counted.
    #[must_use]
    pub(crate) const fn stops_at(&self) -> Option<u64> {
        if self.counting { Some(self.last_publication.saturating_add(self.silence_seconds)) } else { None }
    }

    /// When it runs on although nobody published.
    #[must_use]
    pub(crate) fn runs_on_at(&self) -> Option<u64> {
        self.stops_at().map(|stop| stop.saturating_add(self.most_seconds))
    }

    /// Whether an outage has ever stopped it.
    #[must_use]
    pub(crate) const fn has_stopped(&self) -> bool {
        self.frozen_seconds > 0
    }

    /// When it would have stopped before `now` if nobody had published since `last`; `None` while outages are not counted.
    #[must_use]
    pub(crate) fn would_have_stopped(&self, last: u64, now: u64) -> Option<u64> {
        let stop = last.max(self.since).saturating_add(self.silence_seconds);
        (self.counting && stop < now).then_some(stop)
    }

    fn outage(&self, now: u64) -> u64 {
        self.stops_at().map_or(0, |stop| now.saturating_sub(stop).min(self.most_seconds))
    }

    /// Time that counts for duties at a moment at or after the last publication.
    #[must_use]
    pub(crate) fn running(&self, now: u64) -> u64 {
        now.saturating_sub(self.frozen_seconds).saturating_sub(self.outage(now))
    }

    /// The first wall time at which [`Clock::running`] reaches a deadline when nobody publishes any more.
    #[must_use]
    pub(crate) fn wall_of(&self, running_deadline: u64) -> u64 {
        let plain = running_deadline.saturating_add(self.frozen_seconds);
        match self.stops_at() {
            Some(stop) if plain > stop => plain.saturating_add(self.most_seconds),
            _ => plain,
        }
    }

    /// Somebody published. Gives the seconds of the outage that this ends.
    pub(crate) fn publication(&mut self, now: u64) -> u64 {
        let outage = self.outage(now);
        self.frozen_seconds = self.frozen_seconds.saturating_add(outage);
        self.last_publication = self.last_publication.max(now);
        outage
    }

    /// Begins or stops to count outages.
    pub(crate) fn count(&mut self, counting: bool, now: u64) {
        if self.counting != counting {
            self.publication(now);
            self.counting = counting;
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn started() -> Clock {
        let mut clock = Clock::new(100, 50);
        clock.count(true, 1_000);
        clock
    }

    #[test]
    fn it_stands_still_in_an_outage_and_no_longer_than_agreed() {
        let clock = started();
        assert_eq!(
            [1_000, 1_100, 1_101, 1_150, 1_151].map(|now| clock.running(now)),
            [1_000, 1_100, 1_100, 1_100, 1_101]
        );
        assert_eq!((clock.stops_at(), clock.runs_on_at()), (Some(1_100), Some(1_150)));
        assert_eq!(clock.wall_of(1_100), 1_100);
        assert_eq!(clock.wall_of(1_101), 1_151);
    }

    #[test]
    fn a_publication_ends_it() {
        let mut clock = started();
        assert_eq!(clock.publication(1_120), 20);
        assert_eq!(clock.running(1_130), 1_110);
        assert_eq!(clock.publication(1_125), 0);
        let mut still = Clock::new(100, 50);
        assert_eq!(
            (still.publication(5_000), still.running(9_000)),
            (0, 9_000),
            "nobody is bound, nobody need publish"
        );
    }

    proptest! {
        /// Running time never goes back, never gains on wall time, and `wall_of` is its inverse.
        #[test]
        fn running_time(steps in prop::collection::vec(0u64..400, 1..20), ahead in 0u64..400) {
            let mut clock = started();
            let (mut now, mut running) = (1_000, 1_000);
            for step in steps {
                now += step;
                clock.publication(now);
                prop_assert!(clock.running(now) >= running && clock.running(now) <= running + step);
                running = clock.running(now);
                let deadline = running + ahead;
                let wall = clock.wall_of(deadline);
                prop_assert_eq!(clock.running(wall), deadline);
                prop_assert!(wall == now || clock.running(wall - 1) < deadline);
            }
        }
    }
}
