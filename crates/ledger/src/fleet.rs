//! Registered accelerators: which, where, of what model, in whose hands, and the groups in which they are sealed.

mod parse;

use crate::chips::{ChipModel, ChipTable};
use crate::error::LedgerError;
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name};
use std::fmt::Write as _;

/// Most devices that a fleet file may list.
pub const MAX_DEVICES: usize = 4_000_000;
/// Longest device key, bytes.
pub const MAX_KEY_BYTES: usize = 96;
/// Most devices in one group of the seal.
pub const MAX_GROUP_DEVICES: usize = 128;
/// Most custody changes of one device.
pub const MAX_CUSTODY_CHANGES: usize = 1024;

/// A fleet file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// A line of the file cannot be read.
    #[error("fleet file, line {line}: {what}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong and what to write instead.
        what: String,
    },
    /// The file as a whole is refused.
    #[error("fleet file: {0}")]
    File(String),
    /// A device breaks a rule of the fleet.
    #[error("device {device}: {what}")]
    Device {
        /// Device key.
        device: String,
        /// The rule and the remedy.
        what: String,
    },
}

/// In whose hands a device is. Every change is a statement signed by both sides (DESIGN.md section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// Installed and able to work.
    InService,
    /// Installed or stored as a spare; powered or not.
    Spare,
    /// Broken; cannot work.
    Broken,
    /// Between sites.
    InTransit,
    /// Out of the fleet for good; stays listed so that its key is never used again.
    Decommissioned,
}

impl Custody {
    /// All states.
    pub const ALL: [Self; 5] = [Self::InService, Self::Spare, Self::Broken, Self::InTransit, Self::Decommissioned];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InService => "in_service",
            Self::Spare => "spare",
            Self::Broken => "broken",
            Self::InTransit => "in_transit",
            Self::Decommissioned => "decommissioned",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// True when a device in this state may do anything but `down` (or `unaccounted`).
    #[must_use]
    pub const fn can_run(self) -> bool {
        matches!(self, Self::InService | Self::Spare)
    }
}

/// From a window on, a device is in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyChange {
    /// First window with the state.
    pub from_window: u64,
    /// The state.
    pub state: Custody,
}

/// A registered accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Vendor UUID (`GPU-...`), else `host/index`. 1 to 96 printable ASCII characters without space, comma or quote.
    pub key: String,
    /// Chip model: an id of the chip table.
    pub model: Name,
    /// Site (building or campus).
    pub site: Name,
    /// Balance area: rack row or pod over which outside readings (power, cooling) are compared.
    pub area: Name,
    /// Interconnect domain within which devices can train together.
    pub domain: Name,
    /// Custody over time, sorted, strictly increasing; empty means in service from window 0.
    pub custody: Vec<CustodyChange>,
}

impl Device {
    /// State in a window: the last change at or before it; in service before the first change.
    #[must_use]
    pub fn custody_at(&self, window: u64) -> Custody {
        let after = self.custody.partition_point(|change| change.from_window <= window);
        after.checked_sub(1).map_or(Custody::InService, |index| self.custody[index].state)
    }
}

/// SHA-256("standstill/1/device\0" ‖ key): the name of a device in leaves of the seal.
#[must_use]
pub fn key_hash(key: &str) -> Hash32 {
    Hash32::of(&[b"standstill/1/device\0", key.as_bytes()].concat())
}

/// Devices of one model in one balance area: the unit of commitment and of audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Number of the group, from 0, in the order of (site, area, model).
    pub index: u32,
    /// Site of all its devices.
    pub site: Name,
    /// Balance area of all its devices.
    pub area: Name,
    /// Chip model of all its devices.
    pub model: Name,
    /// Positions in [`Fleet::devices`], in the order of (domain, key).
    pub device_indices: Vec<u32>,
}

/// A set of registered devices, sorted by key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fleet {
    devices: Vec<Device>,
}

impl Fleet {
    /// Checks and sorts devices.
    ///
    /// # Errors
    /// A repeated or illegal key, custody changes out of order, or too many devices.
    pub fn new(mut devices: Vec<Device>) -> Result<Self, FleetError> {
        if devices.len() > MAX_DEVICES {
            return Err(FleetError::File(format!("more than {MAX_DEVICES} devices; split the party's fleet by site")));
        }
        devices.sort_by(|a, b| a.key.cmp(&b.key));
        for pair in devices.windows(2) {
            if pair[0].key == pair[1].key {
                return Err(refuse(&pair[0].key, "is listed twice; a device has one row with its custody over time"));
            }
        }
        devices.iter().try_for_each(check)?;
        Ok(Self { devices })
    }

    /// Reads `[[device]]` tables (`docs/formats/ledger.md`, "Fleet file").
    ///
    /// # Errors
    /// [`FleetError::Line`] with the line and the remedy.
    pub fn parse_toml(text: &str) -> Result<Self, FleetError> {
        parse::toml(text)
    }

    /// Reads CSV with the header `key,model,site,area,domain[,custody]`; custody as `0:in_service;12:broken`.
    ///
    /// # Errors
    /// [`FleetError::Line`] with the line and the remedy.
    pub fn parse_csv(text: &str) -> Result<Self, FleetError> {
        parse::csv(text)
    }

    /// The fleet as CSV, sorted by key; [`Fleet::parse_csv`] gives the same fleet back.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("key,model,site,area,domain,custody\n");
        for device in &self.devices {
            let custody: Vec<_> =
                device.custody.iter().map(|c| format!("{}:{}", c.from_window, c.state.name())).collect();
            let Device { key, model, site, area, domain, .. } = device;
            let _ = writeln!(text, "{key},{model},{site},{area},{domain},{}", custody.join(";"));
        }
        text
    }

    /// All devices, sorted by key.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Number of devices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// True when nothing is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Position of a key in [`Fleet::devices`].
    #[must_use]
    pub fn position(&self, key: &str) -> Option<usize> {
        self.devices.binary_search_by(|device| device.key.as_str().cmp(key)).ok()
    }

    /// The device of that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Device> {
        self.position(key).map(|index| &self.devices[index])
    }

    /// The chip model of every device, in the order of [`Fleet::devices`].
    ///
    /// # Errors
    /// [`LedgerError::ModelUnknown`] for the first device whose model the table does not have.
    pub fn models<'t>(&self, table: &'t ChipTable) -> Result<Vec<&'t ChipModel>, LedgerError> {
        let find = |device: &Device| {
            table.get(&device.model).ok_or_else(|| LedgerError::ModelUnknown {
                device: device.key.clone(),
                model: device.model.to_string(),
            })
        };
        self.devices.iter().map(find).collect()
    }

    /// Registered capacity in millionths of an H100 by dense 16-bit and by dense 8-bit peak, decommissioned devices left out.
    ///
    /// # Errors
    /// [`LedgerError::ModelUnknown`].
    pub fn h100e_millionths(&self, table: &ChipTable, window: u64) -> Result<(u128, u128), LedgerError> {
        let models = self.models(table)?;
        let held = self.devices.iter().zip(models).filter(|(d, _)| d.custody_at(window) != Custody::Decommissioned);
        Ok(held.fold((0, 0), |(sixteen, eight), (_, chip)| {
            (sixteen + u128::from(chip.h100e_16_millionths()), eight + u128::from(chip.h100e_8_millionths()))
        }))
    }

    /// Splits the fleet into groups of one site, area and model, each of at most `max` devices (1 to 128, clamped).
    /// Deterministic: sorted by site, area, model, then filled by (domain, key); groups of one (site, area, model) differ by
    /// at most one device, so that the last one is not a small tell-tale rest.
    #[must_use]
    pub fn groups(&self, max: usize) -> Vec<Group> {
        let max = max.clamp(1, MAX_GROUP_DEVICES);
        let place = |d: &&Device| (d.site.clone(), d.area.clone(), d.model.clone());
        let mut order: Vec<&Device> = self.devices.iter().collect();
        order.sort_by(|a, b| {
            (&a.site, &a.area, &a.model, &a.domain, &a.key).cmp(&(&b.site, &b.area, &b.model, &b.domain, &b.key))
        });
        let mut groups = Vec::new();
        for like in order.chunk_by(|a, b| place(a) == place(b)) {
            let parts = like.len().div_ceil(max);
            for part in 0..parts {
                let members = &like[part * like.len() / parts..(part + 1) * like.len() / parts];
                groups.push(self.group(groups.len(), members));
            }
        }
        groups
    }

    fn group(&self, index: usize, members: &[&Device]) -> Group {
        let position = |d: &&Device| self.position(&d.key).and_then(|index| u32::try_from(index).ok());
        Group {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            site: members[0].site.clone(),
            area: members[0].area.clone(),
            model: members[0].model.clone(),
            device_indices: members.iter().filter_map(position).collect(),
        }
    }
}

fn check(device: &Device) -> Result<(), FleetError> {
    let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\'' | b';');
    if device.key.is_empty() || device.key.len() > MAX_KEY_BYTES || !device.key.bytes().all(legal) {
        let what = format!(
            "key must be 1 to {MAX_KEY_BYTES} printable ASCII characters without space, comma, semicolon or quote"
        );
        return Err(refuse(&device.key.chars().take(120).collect::<String>(), what));
    }
    if device.custody.len() > MAX_CUSTODY_CHANGES {
        return Err(refuse(&device.key, format!("more than {MAX_CUSTODY_CHANGES} custody changes")));
    }
    for pair in device.custody.windows(2) {
        if pair[0].from_window >= pair[1].from_window {
            return Err(refuse(&device.key, "custody changes must be in order of their windows, one per window"));
        }
        if pair[0].state == Custody::Decommissioned {
            return Err(refuse(&device.key, "a decommissioned device never comes back; register it under a new key"));
        }
    }
    Ok(())
}

fn refuse(device: &str, what: impl Into<String>) -> FleetError {
    FleetError::Device { device: device.to_owned(), what: what.into() }
}
