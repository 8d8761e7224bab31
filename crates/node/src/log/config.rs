//! The configuration file of a log.

use super::setup::{Setup, Tuning, WitnessAddress};
use crate::error::NodeError;
use crate::store::{FileStore, FileStoreOptions, Store};
use crate::terms::{read_terms, read_text};
use serde::{Deserialize, Serialize};
use standstill_agreement::Agreement;
use standstill_statement::Name;
use standstill_tlog::note::{KeyType, NoteSigner, VerifierKey};
use standstill_tlog::policy::{MAX_POLICY_BYTES, Policy};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest configuration file that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Configuration of `standstill node --role log` (TOML). Paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the party (or role) in the agreement whose log this is.
    pub party: Name,
    /// Terms file.
    pub agreement: PathBuf,
    /// Folder of the log.
    pub directory: PathBuf,
    /// Address and port.
    pub listen: SocketAddr,
    /// Key file of the log (signed-note text form); must be readable by its owner only.
    pub log_key: PathBuf,
    /// Key file of a second, post-quantum key (ML-DSA-44), which then signs every checkpoint too. Made at the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_log_key: Option<PathBuf>,
    /// Witness policy (C2SP tlog-policy), when it is not the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// The policy that is to take its place, during a change of witnesses: a checkpoint is public only with both quorums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_policy: Option<PathBuf>,
    /// Signed checkpoints of this log that others hold; the log refuses to start unless it extends them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<PathBuf>,
    /// Where the bytes live.
    #[serde(default)]
    pub store: StoreConfig,
    /// Intervals and limits.
    #[serde(default)]
    pub tuning: Tuning,
    /// Where the witnesses are. Those with a URL in the policy need no entry.
    #[serde(default, rename = "witness", skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessConfig>,
}

/// A witness and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Name, for messages.
    pub name: String,
    /// Its key (vkey text).
    pub vkey: String,
    /// Submission prefix.
    pub url: String,
    /// Whether it is a mirror, which cosigns only what it holds: entries are uploaded to it.
    #[serde(default)]
    pub mirror: bool,
}

/// Kind and place of the storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StoreConfig {
    /// A write-ahead file and SQLite, in the log's folder.
    Files {
        /// Folder of the head cell, when it is not kept beside the log. Put it on storage that is not restored together with the log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head_directory: Option<PathBuf>,
        /// Size of one write-ahead file, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wal_bytes: Option<u64>,
    },
    /// An S3-compatible object store with conditional writes. Needs the feature `object-store`.
    ObjectStore {
        /// `s3://<bucket>/<prefix>`.
        url: String,
        /// Address of the service, when it is not Amazon's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// Region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// PostgreSQL. Needs the feature `postgres`.
    Postgres {
        /// Connection string (libpq key=value form or URL).
        connection: String,
    },
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self::Files { head_directory: None, wal_bytes: None }
    }
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
        for place in [&mut config.agreement, &mut config.directory, &mut config.log_key] {
            *place = folder.join(&*place);
        }
        config
            .policy
            .iter_mut()
            .chain(&mut config.next_policy)
            .chain(&mut config.second_log_key)
            .chain(&mut config.seen)
            .for_each(|place| *place = folder.join(&*place));
        if let StoreConfig::Files { head_directory: Some(place), .. } = &mut config.store {
            *place = folder.join(&*place);
        }
        Ok(config)
    }

    /// Reads everything that the configuration names, checks that it fits together, and takes hold of the store.
    ///
    /// # Errors
    /// What is wrong, with the file and what would be right.
    pub async fn setup(&self) -> Result<Setup, NodeError> {
        let (_, agreement) = read_terms(&self.agreement)?;
        let unnamed = || NodeError::config(&self.agreement, format!("the agreement does not name '{}'", self.party));
        let (vkey, keys) = agreement.issuer(&self.party).ok_or_else(unnamed)?;
        let (vkey, statement_keys) = (vkey.to_owned(), keys.to_vec());
        let signer = read_key(&self.log_key)?;
        if signer.verifier().to_string() != vkey {
            let problem = format!(
                "this key is {}, but the agreement says that the log of '{}' has {vkey}; give that key's file",
                signer.verifier(),
                self.party
            );
            return Err(NodeError::config(&self.log_key, problem));
        }
        let policy = self.policy(&agreement)?;
        let next_policy = self.next_policy.as_ref().map(|path| read_policy(path)).transpose()?;
        let witnesses = self.addresses(&policy, next_policy.as_ref())?;
        let seen = self
            .seen
            .iter()
            .map(|path| Ok(read_text(path, 1 << 18)?.into_bytes()))
            .collect::<Result<_, NodeError>>()?;
        let (store, upload_directory) = self.open_store(signer.verifier().name()).await?;
        let second_signer =
            self.second_log_key.as_ref().map(|path| second_key(path, signer.verifier().name())).transpose()?;
        Ok(Setup {
            second_signer,
            agreement: agreement.id(),
            issuer: self.party.clone(),
            statement_keys,
            policy,
            next_policy,
            witnesses,
            store,
            upload_directory,
            listen: self.listen,
            seen,
            clock: Setup::system_clock(),
            tuning: self.tuning.clone(),
            signer,
        })
    }

    fn policy(&self, agreement: &Agreement) -> Result<Policy, NodeError> {
        match &self.policy {
            Some(path) => read_policy(path),
            None => parse_policy(&self.agreement, &agreement.witnesses),
        }
    }

    /// Witnesses of the policies that have a URL, there or in the configuration; the configuration's wins.
    fn addresses(&self, policy: &Policy, next: Option<&Policy>) -> Result<Vec<WitnessAddress>, NodeError> {
        let place = self.policy.as_ref().unwrap_or(&self.agreement);
        let known: Vec<_> = policy.witnesses().iter().chain(next.map_or(&[][..], Policy::witnesses)).collect();
        let mut addresses: Vec<WitnessAddress> = Vec::new();
        for WitnessConfig { name, vkey, url, mirror } in &self.witnesses {
            let refused = |problem: String| NodeError::config(place, format!("witness {name}: {problem}"));
            let key = VerifierKey::parse(vkey).map_err(|error| refused(error.to_string()))?;
            if !known.iter().any(|witness| witness.key == key) {
                return Err(refused(format!(
                    "the policy does not name {vkey}; its cosignatures would not count: remove it or correct its vkey"
                )));
            }
            check_url(url).map_err(refused)?;
            addresses.push(WitnessAddress { name: name.clone(), key, url: url.clone(), mirror: *mirror });
        }
        for witness in known {
            let absent = !addresses.iter().any(|address| address.key == witness.key);
            if let (true, Some(url)) = (absent, &witness.url) {
                let name = String::from_utf8_lossy(&witness.name).into_owned();
                addresses.push(WitnessAddress { name, key: witness.key.clone(), url: url.clone(), mirror: false });
            }
        }
        Ok(addresses)
    }

    async fn open_store(&self, origin: &str) -> Result<(Arc<dyn Store>, PathBuf), NodeError> {
        match &self.store {
            StoreConfig::Files { head_directory, wal_bytes } => {
                let default = FileStoreOptions::default();
                let options = FileStoreOptions {
                    head_directory: head_directory.clone(),
                    wal_bytes: wal_bytes.unwrap_or(default.wal_bytes),
                };
                let store = FileStore::open(&self.directory, origin, &options)?;
                let uploads = store.upload_directory();
                Ok((Arc::new(store), uploads))
            }
            other => self.open_remote_store(other, origin).await,
        }
    }

    /// Where uploads lie when the store is not on this machine.
    #[cfg(any(feature = "object-store", feature = "postgres"))]
    fn local_uploads(&self) -> Result<PathBuf, NodeError> {
        let place = self.directory.join("incoming");
        standstill_tlog::durable::create_directory(&place)?;
        Ok(place)
    }

    #[allow(clippy::unused_async, unused_variables, reason = "what is used depends on the features")]
    async fn open_remote_store(
        &self,
        store: &StoreConfig,
        origin: &str,
    ) -> Result<(Arc<dyn Store>, PathBuf), NodeError> {
        match store {
            #[cfg(feature = "object-store")]
            StoreConfig::ObjectStore { url, endpoint, region } => {
                let rest = url.strip_prefix("s3://").ok_or_else(|| {
                    NodeError::config(
                        &self.directory,
                        format!("'{url}' is not an object store; write s3://<bucket>/<prefix>"),
                    )
                })?;
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let options = crate::store::ObjectLogOptions {
                    bucket: bucket.to_owned(),
                    prefix: prefix.trim_matches('/').to_owned(),
                    endpoint: endpoint.clone(),
                    region: region.clone(),
                    keys: None,
                };
                Ok((Arc::new(crate::store::ObjectLog::open(&options)?), self.local_uploads()?))
            }
            #[cfg(feature = "postgres")]
            StoreConfig::Postgres { connection } => {
                let opened = crate::store::PostgresStore::open(connection, origin).await?;
                Ok((Arc::new(opened), self.local_uploads()?))
            }
            #[allow(unreachable_patterns, reason = "reached when a feature is off")]
            other => {
                let name = if matches!(other, StoreConfig::Postgres { .. }) { "postgres" } else { "object-store" };
                let problem =
                    format!("this program was built without the store '{name}'; build it with --features {name}");
                Err(NodeError::config(&self.directory, problem))
            }
        }
    }
}

fn read_policy(path: &Path) -> Result<Policy, NodeError> {
    parse_policy(path, &read_text(path, MAX_POLICY_BYTES as u64)?)
}

fn parse_policy(path: &Path, text: &str) -> Result<Policy, NodeError> {
    Policy::parse(text).map_err(|error| NodeError::config(path, format!("the witness policy is refused: {error}")))
}

fn check_url(url: &str) -> Result<(), String> {
    if url.starts_with("http://") || url.starts_with("https://") {
        Ok(())
    } else {
        Err(format!("'{url}' is not a URL; it must start with http:// or https://"))
    }
}

/// Reads the post-quantum key file, or makes it, readable by its owner only.
fn second_key(path: &Path, origin: &str) -> Result<NoteSigner, NodeError> {
    if !path.exists() {
        let made = NoteSigner::generate(origin, KeyType::MlDsa44)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(made.to_file_text().as_bytes())?;
            file.sync_all()
        });
        written.map_err(NodeError::io("make the post-quantum key", path.display()))?;
        standstill_tlog::durable::sync_parent(path)?;
    }
    let signer = read_key(path)?;
    let key = signer.verifier();
    if key.key_type() != KeyType::MlDsa44 || key.name() != origin {
        let problem = format!(
            "this is not an ML-DSA-44 key of the name {origin}; give that key's file, or another path and one is made"
        );
        return Err(NodeError::config(path, problem));
    }
    tracing::info!(vkey = %key, "checkpoints have a second, post-quantum signature");
    Ok(signer)
}

/// Reads the log's key file; refuses one that others can read.
fn read_key(path: &Path) -> Result<NoteSigner, NodeError> {
    let text = Zeroizing::new(read_text(path, 4096)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(NodeError::io("look at", path.display()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(NodeError::config(
                path,
                format!("this secret can be read by others (mode {:o}); run chmod 600 on it", mode & 0o777),
            ));
        }
    }
    NoteSigner::from_file_text(&text).map_err(|error| NodeError::config(path, error))
}
