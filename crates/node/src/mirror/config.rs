//! What a mirror is told.

use crate::witness::config::{read_file, read_signer, watched};
use crate::witness::{LogConfig, WatchedLog, WitnessError};
use serde::Deserialize;
use standstill_tlog::note::NoteSigner;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The configuration file of a mirror. Relative paths are relative to the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the copies and of the record of pending checkpoints.
    pub directory: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Key files of the mirror, types 0x04 and 0x06; not those of a witness.
    pub keys: Vec<PathBuf>,
    /// Seconds between two looks at a log that has a `url`. Default 10.
    #[serde(default = "default_interval")]
    pub interval_seconds: u64,
    /// Longest blob that is fetched, in bytes. Default 1 GiB.
    #[serde(default = "default_max_blob")]
    pub max_blob_bytes: u64,
    /// The logs.
    #[serde(rename = "log", default)]
    pub logs: Vec<SourceConfig>,
}

const fn default_interval() -> u64 {
    10
}

const fn default_max_blob() -> u64 {
    1 << 30
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The log's verifier key.
    pub vkey: String,
    /// Further keys of the same log.
    #[serde(default)]
    pub also: Vec<String>,
    /// Origin line, when it is not the key's name.
    pub origin: Option<String>,
    /// Where the log is read from; without it entries must be uploaded, and blobs cannot be fetched.
    pub url: Option<String>,
}

/// A log as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredLog {
    /// Origin and keys.
    pub log: WatchedLog,
    /// Address without a final slash.
    pub url: Option<String>,
}

/// A configuration whose keys were read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the state.
    pub directory: PathBuf,
    /// Cosigning keys.
    pub signers: Vec<NoteSigner>,
    /// Logs.
    pub logs: Vec<MirroredLog>,
    /// Seconds between two looks at a log.
    pub interval_seconds: u64,
    /// Longest blob, in bytes.
    pub max_blob_bytes: u64,
    /// Key files, so that a key which was used before is known although its state is gone.
    pub key_files: Vec<PathBuf>,
}

impl Settings {
    /// A mirror with one key and default limits.
    #[must_use]
    pub fn new(directory: &Path, signer: NoteSigner, logs: Vec<MirroredLog>) -> Self {
        Self {
            directory: directory.to_owned(),
            signers: vec![signer],
            logs,
            interval_seconds: default_interval(),
            max_blob_bytes: default_max_blob(),
            key_files: Vec::new(),
        }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`WitnessError::Config`] with the place.
    pub fn read(path: &Path) -> Result<Self, WitnessError> {
        let mut config: Self = toml::from_str(&read_file(path)?)
            .map_err(|error| WitnessError::Config { path: path.to_owned(), what: error.to_string() })?;
        let base = path.parent().unwrap_or(Path::new(""));
        config.directory = base.join(&config.directory);
        for key in &mut config.keys {
            *key = base.join(&*key);
        }
        Ok(config)
    }

    /// Reads the key files and checks everything.
    ///
    /// # Errors
    /// [`WitnessError::Config`] naming the file or value that is wrong.
    pub fn settings(&self) -> Result<Settings, WitnessError> {
        let refused = |what: String| WitnessError::Config { path: self.directory.clone(), what };
        let signers = self.keys.iter().map(|path| read_signer(path)).collect::<Result<Vec<_>, _>>()?;
        if signers.is_empty() {
            return Err(refused("no key; a mirror without one cannot say what it holds".to_owned()));
        }
        let plain = |log: &SourceConfig| LogConfig {
            vkey: log.vkey.clone(),
            also: log.also.clone(),
            origin: log.origin.clone(),
        };
        let logs = watched(&self.logs.iter().map(plain).collect::<Vec<_>>(), &self.directory)?;
        let urls = self.logs.iter().map(|log| log.url.as_ref().map(|url| url.trim_end_matches('/').to_owned()));
        let logs = logs.into_iter().zip(urls).map(|(log, url)| MirroredLog { log, url }).collect();
        let (interval_seconds, max_blob_bytes) = (self.interval_seconds.max(1), self.max_blob_bytes);
        let (directory, key_files) = (self.directory.clone(), self.keys.clone());
        Ok(Settings { directory, signers, logs, interval_seconds, max_blob_bytes, key_files })
    }
}
