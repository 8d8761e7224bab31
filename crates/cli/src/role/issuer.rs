//! A role that makes statements: its keys, its log, its blobs.

use crate::exit::{CliError, CliResult};
use crate::role::reading::{self, Entry};
use crate::{folder, secret_file};
use standstill_agreement::Agreement;
use standstill_statement::{BlobRef, Body, Hash32, Header, Keyring, LogHead, Name, SigningKey, Statement};
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner, VerifierKey};
use std::path::{Path, PathBuf};

/// A role with a log of its own.
pub struct Issuer {
    /// Name in the agreement.
    pub id: Name,
    /// Folder of the role.
    pub home: PathBuf,
    /// The terms it is bound to.
    pub agreement: Agreement,
    /// Id of the terms.
    pub agreement_id: Hash32,
    key: SigningKey,
    signer: NoteSigner,
    log: FileLog,
    entries: Vec<Entry>,
}

/// The public half of a role, as `public.toml` holds it and the agreement takes it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicHalf {
    /// `party`, `auditor` or `witness`.
    pub role: String,
    /// Name in the agreement.
    pub id: Name,
    /// Log or witness key (vkey).
    pub vkey: String,
    /// Statement key, for parties and auditors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_key: Option<String>,
}

impl PublicHalf {
    /// Reads `public.toml` of a role's folder.
    ///
    /// # Errors
    /// When the file is missing or malformed.
    pub fn read(home: &Path) -> CliResult<Self> {
        let path = home.join("public.toml");
        toml::from_str(&folder::read_text(&path)?).map_err(|error| CliError::about(path.display(), error))
    }

    /// Writes `public.toml`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, home: &Path) -> CliResult<()> {
        let text = toml::to_string(self).map_err(CliError::bug)?;
        folder::write_new(&home.join("public.toml"), text.as_bytes())
    }
}

impl Issuer {
    /// Makes the folder, keys and empty log of a new role. `origin` names its log.
    ///
    /// # Errors
    /// When the folder holds a role already, or cannot be written.
    pub fn create(home: &Path, role: &str, id: &Name) -> CliResult<PublicHalf> {
        if home.join("public.toml").exists() {
            return Err(CliError::usage(format!("{} holds a role already; choose another folder", home.display())));
        }
        let key = SigningKey::generate().map_err(CliError::unreadable)?;
        let signer = NoteSigner::generate(&log_origin(id), KeyType::Ed25519).map_err(CliError::unreadable)?;
        secret_file::create(&home.join("keys/statement.key"), &key.to_file_text())?;
        secret_file::create(&home.join("keys/log.key"), &signer.to_file_text())?;
        FileLog::create(&home.join("log"), &signer).map_err(CliError::unreadable)?;
        folder::make(&home.join("blobs"))?;
        let public = PublicHalf {
            role: role.to_owned(),
            id: id.clone(),
            vkey: signer.verifier().to_string(),
            statement_key: Some(key.public().to_string()),
        };
        public.write(home)?;
        Ok(public)
    }

    /// Binds the role to an agreement that names its keys.
    ///
    /// # Errors
    /// When the agreement is refused, names other keys, or the role is bound to another one.
    pub fn join(home: &Path, terms: &str) -> CliResult<()> {
        let public = PublicHalf::read(home)?;
        let agreement = reading::parse_agreement("the agreement", terms)?;
        let Some((vkey, keys)) = agreement.issuer(&public.id) else {
            return Err(CliError::usage(format!(
                "the agreement does not name '{}'; ask for the terms that do",
                public.id
            )));
        };
        let named = keys.iter().any(|key| Some(key.to_string()) == public.statement_key);
        if vkey != public.vkey || !named {
            let message = format!(
                "the agreement names '{}' with other keys than {}/public.toml. Ask for terms with these keys, or join from the folder whose keys they name",
                public.id,
                home.display()
            );
            return Err(CliError::usage(message));
        }
        let path = home.join("agreement.toml");
        if path.exists() && folder::read_text(&path)? != terms {
            return Err(CliError::usage(format!(
                "{} is bound to another agreement; one folder serves one agreement. Use a new folder",
                home.display()
            )));
        }
        folder::write(&path, terms.as_bytes())
    }

    /// Opens a role that has joined an agreement.
    ///
    /// # Errors
    /// When something is missing, damaged, or another process has the log open.
    pub fn open(home: &Path) -> CliResult<Self> {
        let public = PublicHalf::read(home)?;
        let path = home.join("agreement.toml");
        if !path.exists() {
            let command = match public.role.as_str() {
                "party" => "lab join",
                "auditor" => "audit join",
                _ => "act join",
            };
            let message = format!(
                "{} is not bound to an agreement yet. Run: standstill {command} {} --agreement FILE",
                home.display(),
                home.display()
            );
            return Err(CliError::usage(message));
        }
        let agreement = reading::parse_agreement(&path.display().to_string(), &folder::read_text(&path)?)?;
        let key = SigningKey::from_file_text(&secret_file::read(&home.join("keys/statement.key"))?);
        let signer = NoteSigner::from_file_text(&secret_file::read(&home.join("keys/log.key"))?);
        let signer = signer.map_err(|error| CliError::about("keys/log.key", error))?;
        let log = FileLog::open(&home.join("log"), &signer).map_err(CliError::unreadable)?;
        let entries = reading::entries(&home.join("log"), signer.verifier())?;
        Ok(Self {
            id: public.id,
            home: home.to_owned(),
            agreement_id: agreement.id(),
            agreement,
            key: key.map_err(|error| CliError::about("keys/statement.key", error))?,
            signer,
            log,
            entries,
        })
    }

    /// Signs a statement, makes it durable in the log and publishes a checkpoint that covers it. Gives the statement hash.
    ///
    /// # Errors
    /// When the statement is not well formed, or the log cannot be written.
    pub fn state(&mut self, body: Body, now_unix_seconds: u64, heads: Vec<LogHead>) -> CliResult<Hash32> {
        self.state_with(now_unix_seconds, heads, |_| body)
    }

    /// As [`Issuer::state`], for a body that depends on its place in the chain.
    ///
    /// # Errors
    /// As there, and when the role's key was retired.
    pub fn state_with(
        &mut self,
        now_unix_seconds: u64,
        heads: Vec<LogHead>,
        body: impl FnOnce(&Header) -> Body,
    ) -> CliResult<Hash32> {
        self.refuse_retired_key()?;
        let header = Header {
            agreement: self.agreement_id,
            issuer: self.id.clone(),
            sequence: self.log.size(),
            previous: self.entries.last().map(|entry| entry.hash),
            issued_unix_seconds: now_unix_seconds,
            heads,
        };
        let body = body(&header);
        let statement = Statement { header, body };
        let bytes =
            statement.sign(&self.key).map_err(|error| CliError::about(format!("{}'s statement", self.id), error))?;
        let hash = Hash32::of(&bytes);
        self.log.append(&[bytes]).map_err(CliError::unreadable)?;
        self.log.publish().map_err(CliError::unreadable)?;
        self.entries.push(Entry { index: self.log.size() - 1, hash, statement });
        Ok(hash)
    }

    /// A statement under a retired key would be a breach that nobody can take back.
    fn refuse_retired_key(&self) -> CliResult<()> {
        let named = self.agreement.issuer(&self.id).map_or(&[][..], |(_, keys)| keys);
        let mut keyring = Keyring::new(named);
        for entry in &self.entries {
            keyring.apply(&entry.statement).map_err(|error| CliError::about(self.home.display(), error))?;
        }
        keyring.check(&self.key.public()).map_err(|error| {
            let home = self.home.display();
            CliError::usage(format!(
                "{home}/keys/statement.key: {error}. If a rotation was interrupted: standstill log rotate {home}"
            ))
        })
    }

    /// Stores bytes under their hash, for a statement to refer to.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_blob(&self, bytes: &[u8]) -> CliResult<BlobRef> {
        let blob = BlobRef::of(bytes);
        folder::write(&self.home.join("blobs").join(blob.sha256.to_string()), bytes)?;
        Ok(blob)
    }

    /// Reads one of the role's own blobs.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn blob(&self, blob: &BlobRef) -> CliResult<Vec<u8>> {
        reading::blob(&self.home, blob)
    }

    /// Everything the role has stated, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The statement that the next one will name as its predecessor.
    #[must_use]
    pub fn previous(&self) -> Option<Hash32> {
        self.entries.last().map(|entry| entry.hash)
    }

    /// Verifier key of the role's log.
    #[must_use]
    pub fn log_key(&self) -> &VerifierKey {
        self.signer.verifier()
    }

    /// The role's log.
    pub fn log(&mut self) -> &mut FileLog {
        &mut self.log
    }

    /// The signer of the role's log, for showing a second history in a demonstration of a fork.
    pub(crate) fn log_signer(&self) -> &NoteSigner {
        &self.signer
    }
}

/// Log origins are short, unique per role, and say whose log it is.
fn log_origin(id: &Name) -> String {
    format!("standstill/{id}")
}
