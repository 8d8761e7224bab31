//! What a gate is told: its terms, its journal, where the situation comes from, where schedulers ask.

use crate::error::NodeError;
use crate::terms::read_text;
use serde::{Deserialize, Serialize};
use standstill_gate::Terms;
use standstill_gate::journal::Owner;
use standstill_statement::{Name, SigningKey};
use standstill_tlog::note::NoteSigner;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest configuration file that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Configuration of `standstill node --role gate` (TOML). Paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The gate's terms.
    pub terms: PathBuf,
    /// Folder of the journal, made by `standstill gate init`: keys, log, openings.
    pub home: PathBuf,
    /// Issuer of the decisions, as in `public.toml` of that folder.
    pub issuer: Name,
    /// Instance of the gate, when the issuer runs several; default: the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Name>,
    /// The cluster's name.
    pub cluster: Name,
    /// Socket for Slurm's plugin and start hook; none without Slurm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Mode of the socket, in octal digits. Whoever may write to it can ask about jobs, and so fill caps; it is Slurm's user and its group.
    #[serde(default = "default_mode")]
    pub socket_mode: String,
    /// Address and port of `/health` and `/metrics`.
    pub listen: SocketAddr,
    /// Where the situation comes from.
    pub situation: Source,
    /// Pause between two signed checkpoints over the journal, in seconds.
    #[serde(default = "default_publish")]
    pub publish_seconds: u64,
    /// Address of the log that takes the decisions; without it they stay in the journal, for `standstill log submit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
    /// Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// Where the situation comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A file that something else writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// An address of the party's node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pause between two looks, in seconds.
    #[serde(default = "default_poll")]
    pub poll_seconds: u64,
}

/// The admission webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Address and port.
    pub listen: SocketAddr,
    /// Certificate chain (PEM). Without certificate and key the webhook speaks plain HTTP, for a proxy on the same machine only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

fn default_mode() -> String {
    "660".to_owned()
}

const fn default_publish() -> u64 {
    60
}

const fn default_poll() -> u64 {
    5
}

impl Config {
    /// Reads a configuration file; paths become relative to its folder.
    ///
    /// # Errors
    /// [`NodeError::Config`] with the line, or with what does not fit together.
    pub fn load(path: &Path) -> Result<Self, NodeError> {
        let text = read_text(path, MAX_CONFIG_BYTES)?;
        let mut config: Self = toml::from_str(&text).map_err(|error| NodeError::config(path, error))?;
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let certificate = config.webhook.iter_mut().flat_map(|hook| [&mut hook.certificate, &mut hook.key]).flatten();
        let optional = config.socket.iter_mut().chain(&mut config.situation.file).chain(certificate);
        for place in [&mut config.terms, &mut config.home].into_iter().chain(optional) {
            *place = folder.join(&*place);
        }
        config.check().map_err(|problem| NodeError::config(path, problem))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.situation.file.is_some() == self.situation.url.is_some() {
            return Err("[situation] needs either file or url".to_owned());
        }
        self.mode()?;
        let Some(webhook) = &self.webhook else {
            return match self.socket {
                Some(_) => Ok(()),
                None => {
                    Err("there is neither socket (Slurm) nor [webhook] (Kubernetes), so nobody could ask".to_owned())
                }
            };
        };
        match (&webhook.certificate, &webhook.key) {
            (Some(_), Some(_)) if cfg!(feature = "tls") => Ok(()),
            (Some(_), Some(_)) => {
                Err("this build has no TLS; build with the feature 'tls', or put a proxy in front and leave out certificate and key".to_owned())
            }
            (None, None) if webhook.listen.ip().is_loopback() => Ok(()),
            (None, None) => Err("a webhook without certificate and key must listen on this machine only (127.0.0.1)".to_owned()),
            _ => Err("[webhook] needs both certificate and key".to_owned()),
        }
    }

    /// Mode of the socket as a number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn mode(&self) -> Result<u32, String> {
        let mode = u32::from_str_radix(&self.socket_mode, 8).ok().filter(|mode| *mode <= 0o777);
        let mode =
            mode.ok_or_else(|| format!("socket_mode is '{}'; write octal digits such as 660", self.socket_mode))?;
        if mode & 0o007 != 0 {
            return Err("socket_mode lets everybody on the machine ask; keep the last digit 0".to_owned());
        }
        Ok(mode)
    }

    /// Reads the gate's terms.
    ///
    /// # Errors
    /// [`NodeError::Config`] when they are refused.
    pub fn read_terms(&self) -> Result<Terms, NodeError> {
        let text = read_text(&self.terms, standstill_gate::terms::MAX_TERMS_BYTES as u64)?;
        Terms::from_toml(&text).map_err(|error| NodeError::config(&self.terms, error))
    }

    /// Who the journal belongs to.
    #[must_use]
    pub fn owner(&self, terms: &Terms) -> Owner {
        let gate = self.gate.clone().unwrap_or_else(|| self.issuer.clone());
        Owner { issuer: self.issuer.clone(), gate, agreement: terms.agreement }
    }

    /// Reads the journal's keys.
    ///
    /// # Errors
    /// [`NodeError::Config`] when one is missing, readable by others, or damaged.
    pub fn keys(&self) -> Result<(SigningKey, NoteSigner), NodeError> {
        let (statement, log) = (self.home.join("keys/statement.key"), self.home.join("keys/log.key"));
        let key =
            SigningKey::from_file_text(&secret(&statement)?).map_err(|error| NodeError::config(&statement, error))?;
        let signer = NoteSigner::from_file_text(&secret(&log)?).map_err(|error| NodeError::config(&log, error))?;
        Ok((key, signer))
    }
}

/// Reads a key file that nobody else may read.
fn secret(path: &Path) -> Result<Zeroizing<String>, NodeError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(path).map_err(NodeError::io("read", path.display()))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(NodeError::config(path, "it is a secret that others can read; run chmod 600 on it"));
        }
    }
    Ok(Zeroizing::new(read_text(path, 4096)?))
}
