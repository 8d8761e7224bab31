//! What a witness is told: where its state is, its keys, and which logs it watches.

use super::WitnessError;
use serde::Deserialize;
use standstill_statement::{Hash32, Name, SigningKey};
use standstill_tlog::note::{KeyType, NoteSigner, VerifierKey};
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest configuration or key file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Cosigned checkpoints that are kept per log before the oldest go.
pub const DEFAULT_RETAINED_CHECKPOINTS: u64 = 1_000_000;

/// The configuration file of a witness. Relative paths are relative to the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the record (`witness.sqlite`), its lock, and `alarms/`.
    pub directory: PathBuf,
    /// Address to listen on, such as `0.0.0.0:7380`.
    pub listen: SocketAddr,
    /// Key files (`PRIVATE+KEY+…`): one of type 0x04 (Ed25519), and at most one of type 0x06 (ML-DSA-44).
    pub keys: Vec<PathBuf>,
    /// The logs whose checkpoints are cosigned.
    #[serde(rename = "log", default)]
    pub logs: Vec<LogConfig>,
    /// Cosigned checkpoints kept per log; the oldest go first. Default 1,000,000.
    #[serde(default = "default_retained")]
    pub retained_checkpoints_per_log: u64,
    /// Who signs `Alarm` statements; without it alarms are served as evidence only.
    pub statement: Option<StatementConfig>,
}

const fn default_retained() -> u64 {
    DEFAULT_RETAINED_CHECKPOINTS
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The log's verifier key.
    pub vkey: String,
    /// Further keys of the same log: its post-quantum key, or the next one during a change.
    #[serde(default)]
    pub also: Vec<String>,
    /// Origin line, when it is not the key's name.
    pub origin: Option<String>,
}

/// Under which name, key and agreement alarms are stated.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementConfig {
    /// Agreement id, 64 hex digits.
    pub agreement: String,
    /// Name of the role in the agreement.
    pub issuer: String,
    /// Statement key file (`standstill-secret-key-1:…`).
    pub key: PathBuf,
}

/// A log as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedLog {
    /// Origin line.
    pub origin: String,
    /// Keys that may sign its checkpoints; at least one.
    pub keys: Vec<VerifierKey>,
}

impl WatchedLog {
    /// A log with one key, whose name is the origin.
    #[must_use]
    pub fn new(key: VerifierKey) -> Self {
        Self { origin: key.name().to_owned(), keys: vec![key] }
    }
}

/// Who states alarms.
#[derive(Clone)]
pub struct AlarmIssuer {
    /// Agreement under which the statement is made.
    pub agreement: Hash32,
    /// Role's name.
    pub issuer: Name,
    /// Statement key.
    pub key: Arc<SigningKey>,
}

impl fmt::Debug for AlarmIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlarmIssuer({}, secret not shown)", self.issuer)
    }
}

/// A configuration whose keys were read and whose names were checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the state.
    pub directory: PathBuf,
    /// Cosigning keys; their types are distinct.
    pub signers: Vec<NoteSigner>,
    /// Logs, each origin once.
    pub logs: Vec<WatchedLog>,
    /// Cosigned checkpoints kept per log.
    pub retained_checkpoints_per_log: u64,
    /// Who states alarms, if anyone.
    pub alarm_issuer: Option<AlarmIssuer>,
    /// Key files, so that a key which was used before is known although its record is gone.
    pub key_files: Vec<PathBuf>,
}

/// A key file that is in use says so beside itself: `<key file>.used` holds the role and the folder of its state. A second state under
/// the same key, after a loss or for another role, could contradict the first.
///
/// # Errors
/// [`WitnessError::KeyUsed`] when one of the keys has a mark already, [`WitnessError::Tlog`] when a mark cannot be written.
pub(crate) fn mark_keys(files: &[PathBuf], role: &str, directory: &Path) -> Result<(), WitnessError> {
    let mark = |file: &Path| {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(".used");
        file.with_file_name(name)
    };
    for path in files.iter().map(|file| mark(file)) {
        if let Some(bytes) = standstill_tlog::durable::read_limited(&path, "mark bytes", MAX_FILE_BYTES)? {
            let by = String::from_utf8_lossy(&bytes).trim().to_owned();
            return Err(WitnessError::KeyUsed { path, by });
        }
    }
    for path in files.iter().map(|file| mark(file)) {
        let text = format!("{role} {}\n", directory.display());
        standstill_tlog::durable::write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

impl Settings {
    /// A witness with one key and default limits.
    #[must_use]
    pub fn new(directory: &Path, signer: NoteSigner, logs: Vec<WatchedLog>) -> Self {
        Self {
            directory: directory.to_owned(),
            signers: vec![signer],
            logs,
            retained_checkpoints_per_log: DEFAULT_RETAINED_CHECKPOINTS,
            alarm_issuer: None,
            key_files: Vec::new(),
        }
    }

    pub(crate) fn check(&self, path: &Path) -> Result<(), WitnessError> {
        let refused = |what: String| WitnessError::Config { path: path.to_owned(), what };
        let mut types = BTreeSet::new();
        for signer in &self.signers {
            let key = signer.verifier();
            if !key.key_type().may_cosign() {
                return Err(refused(format!(
                    "key {} is {}; a cosigner needs type 0x04 or 0x06",
                    key.name(),
                    key.key_type().purpose()
                )));
            }
            if !types.insert(key.key_type()) {
                return Err(refused(format!(
                    "two keys of type 0x{:02x}; give one of each type at most",
                    key.key_type() as u8
                )));
            }
        }
        let mut origins = BTreeSet::new();
        for log in &self.logs {
            if log.keys.is_empty() || !origins.insert(&log.origin) {
                return Err(refused(format!("log {} is listed twice or has no key", log.origin)));
            }
        }
        if self.retained_checkpoints_per_log == 0 {
            return Err(refused(
                "retained_checkpoints_per_log is 0; at least the newest checkpoint is kept".to_owned(),
            ));
        }
        Ok(())
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`WitnessError::Config`] with the place, [`WitnessError::Tlog`] when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, WitnessError> {
        let text = read_file(path)?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| WitnessError::Config { path: path.to_owned(), what: error.to_string() })?;
        let base = path.parent().unwrap_or(Path::new(""));
        config.directory = base.join(&config.directory);
        for key in &mut config.keys {
            *key = base.join(&*key);
        }
        if let Some(statement) = &mut config.statement {
            statement.key = base.join(&statement.key);
        }
        Ok(config)
    }

    /// Reads the key files and checks everything.
    ///
    /// # Errors
    /// [`WitnessError::Config`] naming the file or value that is wrong.
    pub fn settings(&self) -> Result<Settings, WitnessError> {
        let signers = self.keys.iter().map(|path| read_signer(path)).collect::<Result<Vec<_>, _>>()?;
        if !signers.iter().any(|signer| signer.verifier().key_type() == KeyType::CosignatureV1) {
            let what =
                "no key of type 0x04 (Ed25519 cosignature); every reader understands it, so one is needed".to_owned();
            return Err(WitnessError::Config { path: self.directory.clone(), what });
        }
        let settings = Settings {
            directory: self.directory.clone(),
            signers,
            logs: watched(&self.logs, &self.directory)?,
            retained_checkpoints_per_log: self.retained_checkpoints_per_log,
            alarm_issuer: self.statement.as_ref().map(read_issuer).transpose()?,
            key_files: self.keys.clone(),
        };
        settings.check(&self.directory)?;
        Ok(settings)
    }
}

/// Checks the logs of a configuration.
pub(crate) fn watched(logs: &[LogConfig], path: &Path) -> Result<Vec<WatchedLog>, WitnessError> {
    let refused = |what: String| WitnessError::Config { path: path.to_owned(), what };
    let mut watched = Vec::new();
    for log in logs {
        let mut keys = Vec::new();
        for text in std::iter::once(&log.vkey).chain(&log.also) {
            let key = VerifierKey::parse(text).map_err(|error| refused(format!("log key {text}: {error}")))?;
            if !key.key_type().may_sign_logs() {
                return Err(refused(format!("log key {} is {}", key.name(), key.key_type().purpose())));
            }
            keys.push(key);
        }
        let origin = log.origin.clone().or_else(|| keys.first().map(|key| key.name().to_owned())).unwrap_or_default();
        watched.push(WatchedLog { origin, keys });
    }
    Ok(watched)
}

/// Reads a text file of at most 1 MiB.
pub(crate) fn read_file(path: &Path) -> Result<String, WitnessError> {
    let refused = |what: &str| WitnessError::Config { path: path.to_owned(), what: what.to_owned() };
    let bytes = standstill_tlog::durable::read_limited(path, "file bytes", MAX_FILE_BYTES)?;
    String::from_utf8(bytes.ok_or_else(|| refused("there is no such file"))?).map_err(|_| refused("it is not UTF-8"))
}

/// Reads one signed-note key file.
///
/// # Errors
/// [`WitnessError::Config`] naming the file.
pub(crate) fn read_signer(path: &Path) -> Result<NoteSigner, WitnessError> {
    NoteSigner::from_file_text(&read_file(path)?)
        .map_err(|error| WitnessError::Config { path: path.to_owned(), what: error.to_string() })
}

fn read_issuer(config: &StatementConfig) -> Result<AlarmIssuer, WitnessError> {
    let refused = |what: String| WitnessError::Config { path: config.key.clone(), what };
    let agreement = hex::decode(&config.agreement).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let agreement = agreement.ok_or_else(|| refused("statement.agreement is not 64 hex digits".to_owned()))?;
    let issuer = Name::new(&config.issuer).map_err(|error| refused(format!("statement.issuer: {error}")))?;
    let key = SigningKey::from_file_text(&read_file(&config.key)?).map_err(|error| refused(error.to_string()))?;
    Ok(AlarmIssuer { agreement: Hash32(agreement), issuer, key: Arc::new(key) })
}
