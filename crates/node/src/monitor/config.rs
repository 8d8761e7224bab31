//! What a monitor is told: the agreement, where the logs are, and where to keep what it sees.

use crate::error::NodeError;
use crate::terms::{read_terms, read_text};
use serde::{Deserialize, Serialize};
use standstill_agreement::Agreement;
use standstill_statement::Name;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Longest configuration file that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Configuration of `standstill node --role monitor` (TOML). Paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Terms file: it names the parties, roles, log keys and witnesses.
    pub agreement: PathBuf,
    /// Folder for copies, blobs and alarms.
    pub directory: PathBuf,
    /// Address and port of `/health`, `/metrics`, `/index` and `/alarms`.
    pub listen: SocketAddr,
    /// Bundle folder, written anew when something changed. None is written without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// Folder with beacon rounds (`<round>.json`) that go into the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<PathBuf>,
    /// Pause between two rounds, in seconds.
    #[serde(default = "default_poll")]
    pub poll_seconds: u64,
    /// How long a log may stay behind what others show, or without a quorum, before it is a finding, in seconds.
    #[serde(default = "default_lag")]
    pub lag_seconds: u64,
    /// A log whose last quorum is older than this is handed to the witnesses again, in seconds; 0 never. It is how silence becomes
    /// provable without the log's help.
    #[serde(default = "default_refresh")]
    pub refresh_seconds: u64,
    /// How far in the future a cosignature may lie, in seconds.
    #[serde(default = "default_clock")]
    pub clock_tolerance_seconds: u64,
    /// Largest blob that is fetched, in bytes.
    #[serde(default = "default_blob")]
    pub blob_bytes: u64,
    /// Where the logs are.
    #[serde(default, rename = "log")]
    pub logs: Vec<LogSource>,
    /// Where witnesses are, when the policy does not say.
    #[serde(default, rename = "witness", skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessSource>,
}

const fn default_poll() -> u64 {
    10
}

const fn default_lag() -> u64 {
    60
}

const fn default_refresh() -> u64 {
    3600
}

const fn default_clock() -> u64 {
    120
}

const fn default_blob() -> u64 {
    64 << 20
}

/// One log and its addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSource {
    /// Party or role whose log it is.
    pub issuer: Name,
    /// Prefix of the log.
    pub url: String,
    /// Prefixes of other views: mirrors (`<mirror>/<sha256 hex of origin>`) or other front ends. They must show the same history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// A witness and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSource {
    /// Name in the policy.
    pub name: String,
    /// Prefix.
    pub url: String,
}

impl Config {
    /// Reads a configuration file; paths become relative to its folder.
    ///
    /// # Errors
    /// [`NodeError::Config`] with the line, [`NodeError::Tlog`] when the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, NodeError> {
        let text = read_text(path, MAX_CONFIG_BYTES)?;
        let mut config: Self = toml::from_str(&text).map_err(|error| NodeError::config(path, error))?;
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        for place in [&mut config.agreement, &mut config.directory] {
            *place = folder.join(&*place);
        }
        config.bundle.iter_mut().chain(&mut config.beacon).for_each(|place| *place = folder.join(&*place));
        if config.logs.is_empty() {
            return Err(NodeError::config(path, "there is no [[log]]; name each party's log with issuer and url"));
        }
        Ok(config)
    }

    /// Reads and checks the terms; gives their exact text too.
    ///
    /// # Errors
    /// [`NodeError::Config`] when they are refused.
    pub fn terms(&self) -> Result<(String, Agreement), NodeError> {
        read_terms(&self.agreement)
    }
}
