//! Bytes of a window ledger (`docs/formats/ledger.md`): a magic line, then length-prefixed canonical CBOR records, one per
//! device, so that a reader needs memory for one device at a time and no record limit bounds the fleet.

use super::{DeviceWindow, MAX_ALARMS, MAX_SLOT_ENTRIES, MAX_SLOTS, SlotEntry, WindowLedger, WindowSpec};
use crate::alarm::Alarm;
use crate::error::LedgerError;
use crate::fleet::MAX_DEVICES;
use crate::interval::{Evidence, OpsInterval};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use standstill_statement::canonical::{self, Limits};
use standstill_statement::{Class, Hash32, Name, NumericFormat};

/// Largest encoded ledger that is read: 2 GiB.
pub const MAX_LEDGER_BYTES: usize = 2 << 30;
/// Largest single record: 64 MiB.
const MAX_RECORD_BYTES: usize = 64 << 20;
/// First bytes of every ledger file.
const MAGIC: &[u8] = b"standstill-ledger/1\n";
/// A record's length prefix, bytes.
const PREFIX_BYTES: usize = 4;
const EVIDENCE: [Evidence; 5] = [
    Evidence::HardwareCounters,
    Evidence::DeclaredModelOperations,
    Evidence::EnergyPerOperation,
    Evidence::AllocationAtPeak,
    Evidence::None,
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderRecord {
    alarms: u64,
    devices: u64,
    spec: WindowSpec,
}

#[derive(Serialize, Deserialize)]
struct Wide(#[serde(with = "canonical::wide")] u128);

/// (class, run, format, milliseconds, active, lower, best, upper, evidence, energy); an array, for size.
#[derive(Serialize, Deserialize)]
struct EntryRecord(u8, Option<Name>, Option<u8>, u32, u32, Wide, Wide, Wide, u8, u64);

/// (device, counter start, counter end, evidence hash, slots).
#[derive(Serialize, Deserialize)]
struct DeviceRecord(String, Option<u64>, Option<u64>, Hash32, Vec<Vec<EntryRecord>>);

impl From<&SlotEntry> for EntryRecord {
    fn from(entry: &SlotEntry) -> Self {
        let ops = &entry.operations;
        Self(
            entry.class as u8,
            entry.run.clone(),
            entry.format.map(|format| format as u8),
            entry.milliseconds,
            entry.active_milliseconds,
            Wide(ops.lower_ops),
            Wide(ops.best_ops),
            Wide(ops.upper_ops),
            ops.evidence as u8,
            entry.energy_millijoules,
        )
    }
}

impl EntryRecord {
    fn entry(self) -> Result<SlotEntry, &'static str> {
        let Self(class, run, format, milliseconds, active_milliseconds, lower, best, upper, evidence, energy) = self;
        let class = *Class::ALL.get(usize::from(class)).ok_or("class number above 8")?;
        let format = match format {
            Some(format) => Some(*NumericFormat::ALL.get(usize::from(format)).ok_or("format number above 7")?),
            None => None,
        };
        let evidence = *EVIDENCE.get(usize::from(evidence)).ok_or("evidence number above 4")?;
        let operations = OpsInterval { lower_ops: lower.0, best_ops: best.0, upper_ops: upper.0, evidence };
        Ok(SlotEntry { class, run, format, milliseconds, active_milliseconds, operations, energy_millijoules: energy })
    }
}

impl DeviceWindow {
    /// Canonical bytes of one row: the record of the ledger file without its length prefix.
    ///
    /// # Errors
    /// [`LedgerError::Encoding`] when the row has no encoding.
    pub fn encode(&self) -> Result<Vec<u8>, LedgerError> {
        let slots = self.slots.iter().map(|entries| entries.iter().map(EntryRecord::from).collect()).collect();
        let (start, end) = (self.counter_start_millijoules, self.counter_end_millijoules);
        record(&DeviceRecord(self.device.clone(), start, end, self.evidence_hash, slots))
    }

    /// Reads [`DeviceWindow::encode`]'s bytes.
    ///
    /// # Errors
    /// [`LedgerError::Encoding`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        read_row(bytes).map_err(|what| LedgerError::Encoding { offset: 0, what })
    }
}

fn read_row(bytes: &[u8]) -> Result<DeviceWindow, String> {
    let DeviceRecord(device, counter_start_millijoules, counter_end_millijoules, evidence_hash, slots) = read(bytes)?;
    if slots.len() > MAX_SLOTS || slots.iter().any(|entries| entries.len() > MAX_SLOT_ENTRIES) {
        return Err("more than 1,024 slots, or more than 256 entries in one".to_owned());
    }
    let entries = |slot: Vec<EntryRecord>| slot.into_iter().map(EntryRecord::entry).collect::<Result<Vec<_>, _>>();
    let slots = slots.into_iter().map(entries).collect::<Result<_, _>>()?;
    Ok(DeviceWindow { device, slots, counter_start_millijoules, counter_end_millijoules, evidence_hash })
}

fn record<T: Serialize>(value: &T) -> Result<Vec<u8>, LedgerError> {
    let bytes = canonical::to_vec(value).map_err(|error| refuse(0, error))?;
    if bytes.len() > MAX_RECORD_BYTES { Err(refuse(0, "record above 64 MiB")) } else { Ok(bytes) }
}

fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, String> {
    canonical::from_slice_limited(bytes, Limits::with_max_bytes(MAX_RECORD_BYTES)).map_err(|error| error.to_string())
}

fn refuse(offset: usize, what: impl ToString) -> LedgerError {
    LedgerError::Encoding { offset, what: what.to_string() }
}

impl WindowLedger {
    /// Canonical bytes: one ledger has one encoding.
    ///
    /// # Errors
    /// [`LedgerError::Encoding`] when a record is too large.
    pub fn encode(&self) -> Result<Vec<u8>, LedgerError> {
        let mut out = MAGIC.to_vec();
        let header =
            HeaderRecord { alarms: self.alarms.len() as u64, devices: self.devices.len() as u64, spec: self.spec };
        append(&mut out, &record(&header)?);
        for device in &self.devices {
            append(&mut out, &device.encode()?);
        }
        for alarm in &self.alarms {
            append(&mut out, &record(alarm)?);
        }
        Ok(out)
    }

    /// Reads [`WindowLedger::encode`]'s bytes and nothing else. Does not check invariants; call [`WindowLedger::check`].
    ///
    /// # Errors
    /// [`LedgerError::Encoding`] with the offset of the record.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        if bytes.len() > MAX_LEDGER_BYTES {
            return Err(refuse(0, "larger than 2 GiB"));
        }
        let mut reader = Records { bytes, offset: MAGIC.len() };
        if !bytes.starts_with(MAGIC) {
            return Err(refuse(
                0,
                "does not start with 'standstill-ledger/1'; this is another kind of file or version",
            ));
        }
        let header: HeaderRecord = reader.next(read)?;
        let devices = reader.many(header.devices, MAX_DEVICES, read_row)?;
        let alarms: Vec<Alarm> = reader.many(header.alarms, MAX_ALARMS, read)?;
        if reader.offset != bytes.len() {
            return Err(refuse(reader.offset, "bytes after the last record"));
        }
        Ok(Self { spec: header.spec, devices, alarms })
    }

    /// SHA-256("standstill/1/ledger\0" ‖ canonical bytes).
    ///
    /// # Errors
    /// As [`WindowLedger::encode`].
    pub fn hash(&self) -> Result<Hash32, LedgerError> {
        Ok(Hash32::of(&[b"standstill/1/ledger\0", self.encode()?.as_slice()].concat()))
    }
}

fn append(out: &mut Vec<u8>, record: &[u8]) {
    // `record` refuses more than 64 MiB, so the length always fits.
    out.extend(u32::try_from(record.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(record);
}

struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Records<'_> {
    fn next<T>(&mut self, read: impl Fn(&[u8]) -> Result<T, String>) -> Result<T, LedgerError> {
        let start = self.offset;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let (prefix, rest) =
            rest.split_first_chunk::<PREFIX_BYTES>().ok_or_else(|| refuse(start, "file ends early"))?;
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        let record = rest.get(..length).ok_or_else(|| refuse(start, "record is longer than the file"))?;
        self.offset = start + PREFIX_BYTES + length;
        read(record).map_err(|what| refuse(start, what))
    }

    fn many<T>(
        &mut self,
        count: u64,
        most: usize,
        read: impl Fn(&[u8]) -> Result<T, String> + Copy,
    ) -> Result<Vec<T>, LedgerError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > most {
            return Err(refuse(self.offset, format!("{count} records announced, at most {most} are read")));
        }
        // Every record has a prefix, so the file itself bounds what is reserved.
        let mut out = Vec::with_capacity(count.min(self.bytes.len() / PREFIX_BYTES / 16));
        for _ in 0..count {
            out.push(self.next(read)?);
        }
        Ok(out)
    }
}
