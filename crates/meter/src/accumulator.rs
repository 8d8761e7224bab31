//! Joining the pieces of one stream in their own order.

use crate::contract::{Grid, SourceContract};
use crate::partials::{relabel, relabelling};
use crate::sample::Dictionary;
use crate::unit::Unit;
use crate::{MeterError, Partials};

/// Result of one piece of a stream: closed units with dictionaries of their own.
#[derive(Clone, Debug)]
pub struct Piece {
    pub(crate) devices: Dictionary,
    pub(crate) jobs: Dictionary,
    /// Device, slot, unit; slots of a device ascend.
    pub(crate) units: Vec<(u32, i64, Unit)>,
}

impl Piece {
    /// Rows read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.units.iter().map(|(_, _, unit)| u64::from(unit.tally.rows)).sum()
    }
}

/// Sums so far. Devices are found by hash here; a finished result has them in order.
pub(crate) struct Accumulator {
    contract: SourceContract,
    grid: Grid,
    jobs: Dictionary,
    names: Dictionary,
    units: Vec<Vec<(i64, Unit)>>,
    /// Where the next device probably is.
    guess: usize,
}

impl Accumulator {
    pub(crate) fn new(contract: SourceContract, grid: Grid) -> Self {
        Self { contract, grid, jobs: Dictionary::jobs(), names: Dictionary::devices(), units: Vec::new(), guess: 0 }
    }

    /// Adds the next piece. A unit that goes on inside a slot joins the one before it; order matters.
    pub(crate) fn add(&mut self, piece: Piece) -> Result<(), MeterError> {
        let labels = relabelling(&mut self.jobs, &piece.jobs)?;
        let mut places: Vec<Option<usize>> = vec![None; piece.devices.len()];
        for (device, slot, mut unit) in piece.units {
            relabel(&mut unit, &labels);
            let place = match places[device as usize] {
                Some(place) => place,
                None => *places[device as usize].insert(self.place(piece.devices.name(device))?),
            };
            let own = &mut self.units[place];
            if own.last().is_none_or(|last| last.0 < slot) {
                own.push((slot, unit));
                continue;
            }
            match own.binary_search_by_key(&slot, |known| known.0) {
                Err(at) => own.insert(at, (slot, unit)),
                Ok(at) if unit.last.time_ms < own[at].1.first.time_ms => {
                    unit.append(&own[at].1, &self.contract);
                    own[at].1 = unit;
                }
                Ok(at) => own[at].1.append(&unit, &self.contract),
            }
        }
        Ok(())
    }

    fn place(&mut self, device: &str) -> Result<usize, MeterError> {
        // Pieces name the devices in the same order again and again: look at the neighbour of the last one first.
        if self.guess < self.units.len()
            && u32::try_from(self.guess).is_ok_and(|guess| self.names.name(guess) == device)
        {
            self.guess += 1;
            return Ok(self.guess - 1);
        }
        let place = self.names.intern(device)? as usize;
        self.guess = place + 1;
        if place >= self.units.len() {
            self.units.push(Vec::new());
        }
        Ok(place)
    }

    pub(crate) fn into_partials(self) -> Partials {
        let Self { contract, grid, jobs, names, units, .. } = self;
        let named = names.names().map(str::to_owned).zip(units);
        Partials { contract, grid, jobs, devices: named.filter(|(_, list)| !list.is_empty()).collect() }
    }
}

impl Accumulator {
    /// Goes on from an earlier result.
    pub(crate) fn resume(partials: Partials) -> Result<Self, MeterError> {
        let Partials { contract, grid, jobs, devices } = partials;
        let mut sum = Self { jobs, ..Self::new(contract, grid) };
        for (device, units) in devices {
            let place = sum.place(&device)?;
            sum.units[place] = units;
        }
        Ok(sum)
    }
}
