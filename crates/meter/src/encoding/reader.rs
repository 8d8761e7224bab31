//! Reading. Never trusts a count: every list grows only as its items are read.

use super::MAGIC;
use crate::contract::{ActivityUnit, EnergyUnit, PowerUnit, SourceContract};
use crate::sample::{ACTIVITY_ONE, MISSING, NO_JOB};
use crate::unit::{Cells, CyclePoint, EnergyPoint, GAP_JOB, Reading, Sums, Tally, Unit};
use crate::{Dictionary, Grid, Partials};

type Read<T> = Result<T, &'static str>;

/// Reads everything but the closing hash.
pub(super) fn body(bytes: &[u8]) -> Read<Partials> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not start with 'standstill/1/partials'")?;
    let mut input = Input { rest, start_ms: 0, slot_ms: 1, labels: Vec::new() };
    let contract = input.contract()?;
    let grid = Grid { origin_ms: input.signed()?, slot_ms: input.number()? };
    if !(1..=Grid::MAX_SLOT_MS).contains(&grid.slot_ms) {
        return Err("its slot length is outside 1 ms to 24 h");
    }
    input.slot_ms = grid.slot_length();
    let mut partials = Partials::new(contract, grid);
    partials.jobs = input.jobs()?;
    for _ in 0..input.number()? {
        let device = input.text()?.to_owned();
        let mut units: Vec<(i64, Unit)> = Vec::new();
        for _ in 0..input.number()? {
            let slot = input.signed()?;
            if units.last().is_some_and(|last| last.0 >= slot) {
                return Err("its slots are not in order");
            }
            input.start_ms = grid.start_of(slot);
            units.push((slot, input.unit()?));
        }
        if partials.devices.insert(device, units).is_some() {
            return Err("it names a device twice");
        }
    }
    if input.rest.is_empty() { Ok(partials) } else { Err("it has bytes after its end") }
}

struct Input<'a> {
    rest: &'a [u8],
    start_ms: i64,
    slot_ms: i64,
    /// In-memory job index of each written job number.
    labels: Vec<u32>,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it is truncated")?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Read<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err("it has a number over 64 bits");
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("it has a number over 64 bits")
    }

    fn narrow(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| "it has a number over 32 bits where none may be")
    }

    fn signed(&mut self) -> Read<i64> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    fn text(&mut self) -> Read<&'a str> {
        let length = usize::try_from(self.number()?).map_err(|_| "it is truncated")?;
        if length > Dictionary::MAX_NAME_BYTES {
            return Err("it has a name over 256 bytes");
        }
        std::str::from_utf8(self.take(length)?).map_err(|_| "it has a name that is not UTF-8")
    }

    fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("it has a flag that is neither 0 nor 1"),
        }
    }

    fn contract(&mut self) -> Read<SourceContract> {
        Ok(SourceContract {
            name: self.text()?.to_owned(),
            period_ms: self.number()?,
            max_gap_ms: self.number()?,
            max_bridge_ms: self.number()?,
            max_disorder_ms: self.number()?,
            max_watts: self.number()?,
            activity_unit: if self.flag()? { ActivityUnit::Percent } else { ActivityUnit::Ratio },
            power_unit: if self.flag()? { PowerUnit::Milliwatt } else { PowerUnit::Watt },
            energy_unit: if self.flag()? { EnergyUnit::Joule } else { EnergyUnit::Millijoule },
            silence_is_idle: self.flag()?,
        })
    }

    fn jobs(&mut self) -> Read<Dictionary> {
        let mut jobs = Dictionary::jobs();
        self.labels.push(GAP_JOB);
        for _ in 0..self.number()? {
            let name = self.text()?;
            let index = jobs.intern(name).map_err(|_| "it names too many jobs")?;
            self.labels.push(if name.is_empty() { NO_JOB } else { index });
        }
        Ok(jobs)
    }

    fn job(&mut self) -> Read<u32> {
        let number = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        self.labels.get(number).copied().ok_or("it refers to a job that it does not name")
    }

    fn time(&mut self) -> Read<i64> {
        let offset = self.signed()?;
        if !(0..self.slot_ms).contains(&offset) {
            return Err("it has a reading outside its slot");
        }
        self.start_ms.checked_add(offset).ok_or("it has a time out of range")
    }

    fn gauge(&mut self, most: u32) -> Read<u32> {
        match self.narrow()? {
            0 => Ok(MISSING),
            value if value - 1 <= most => Ok(value - 1),
            _ => Err("it has an activity over 1"),
        }
    }

    fn reading(&mut self) -> Read<Reading> {
        Ok(Reading {
            time_ms: self.time()?,
            job: self.job()?,
            tensor: self.gauge(ACTIVITY_ONE)?,
            dram: self.gauge(ACTIVITY_ONE)?,
            power: self.gauge(MISSING - 1)?,
        })
    }

    fn energy(&mut self) -> Read<EnergyPoint> {
        Ok(EnergyPoint { time_ms: self.time()?, job: self.job()?, millijoules: self.number()? })
    }

    fn cycles(&mut self) -> Read<CyclePoint> {
        Ok(CyclePoint { time_ms: self.time()?, job: self.job()?, active: self.number()?, elapsed: self.number()? })
    }

    fn unit(&mut self) -> Read<Unit> {
        let flags = self.byte()?;
        if flags > 7 {
            return Err("it has unknown flags");
        }
        let (first, last) = (self.reading()?, self.reading()?);
        let energy = if flags & 1 != 0 { Some((self.energy()?, self.energy()?)) } else { None };
        let cycles = if flags & 2 != 0 { Some(Box::new((self.cycles()?, self.cycles()?))) } else { None };
        let tally = self.tally()?;
        let mut cells = Cells::new();
        for _ in 0..self.number()? {
            cells.push((self.job()?, self.sums()?));
        }
        let covered: u64 = cells.iter().map(|cell| u64::from(cell.1.covered_ms)).sum();
        if covered > self.slot_ms.unsigned_abs() || first.time_ms > last.time_ms {
            return Err("it has more time in a slot than the slot has");
        }
        cells.sort_unstable_by_key(|cell| cell.0);
        Ok(Unit { first, last, energy, cycles, broken: flags & 4 != 0, cells, tally })
    }

    fn tally(&mut self) -> Read<Tally> {
        Ok(Tally {
            rows: self.narrow()?,
            duplicates: self.narrow()?,
            conflicts: self.narrow()?,
            disordered: self.narrow()?,
            refused: self.narrow()?,
            energy_resets: self.narrow()?,
            cycle_resets: self.narrow()?,
            blanks: self.narrow()?,
        })
    }

    fn sums(&mut self) -> Read<Sums> {
        let sums = Sums {
            covered_ms: self.narrow()?,
            active_ms: self.narrow()?,
            tensor_ms: self.narrow()?,
            dram_ms: self.narrow()?,
            power_ms: self.narrow()?,
            energy_ms: self.narrow()?,
            cycles_ms: self.narrow()?,
            reset_ms: self.narrow()?,
            tensor_micro_ms: self.number()?,
            dram_micro_ms: self.number()?,
            power_microjoules: self.number()?,
            energy_millijoules: self.number()?,
            cycles_active: self.number()?,
            cycles_elapsed: self.number()?,
        };
        let most = u64::from(ACTIVITY_ONE);
        let impossible = sums.tensor_micro_ms > most * u64::from(sums.tensor_ms)
            || sums.dram_micro_ms > most * u64::from(sums.dram_ms)
            || sums.active_ms > sums.covered_ms;
        if impossible { Err("it has more activity than time") } else { Ok(sums) }
    }
}
