//! A set of witnesses on this machine, and what passes between a log and each of them.

use crate::exit::{CliError, CliResult};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::{folder, secret_file};
use standstill_statement::Name;
use standstill_tlog::TlogError;
use standstill_tlog::file_log::FileLog;
use standstill_tlog::note::{KeyType, NoteSigner, VerifierKey};
use standstill_tlog::witness::FileWitness;
use standstill_tlog::{file_log, reader};
use std::path::Path;

/// Witnesses with their folders.
pub struct Witnesses(pub Vec<FileWitness>);

/// What came of asking witnesses to cosign.
#[derive(Debug, Default)]
pub struct Asked {
    /// Number of witnesses that cosigned.
    pub cosigned: usize,
    /// Two contradictory checkpoints of one log, as a witness recorded them.
    pub forks: Vec<Vec<u8>>,
    /// Other refusals, one sentence each.
    pub refused: Vec<String>,
}

/// Makes a witness's folder and key.
///
/// # Errors
/// When the folder holds a role already, or cannot be written.
pub fn create(home: &Path, id: &Name) -> CliResult<PublicHalf> {
    if home.join("public.toml").exists() {
        return Err(CliError::usage(format!("{} holds a role already; choose another folder", home.display())));
    }
    let signer = NoteSigner::generate(id.as_str(), KeyType::CosignatureV1).map_err(CliError::unreadable)?;
    secret_file::create(&home.join("keys/witness.key"), &signer.to_file_text())?;
    let public = PublicHalf {
        role: "witness".to_owned(),
        id: id.clone(),
        vkey: signer.verifier().to_string(),
        statement_key: None,
    };
    FileWitness::create(&home.join("state"), &signer).map_err(CliError::unreadable)?;
    public.write(home)?;
    Ok(public)
}

/// Opens a witness.
///
/// # Errors
/// When its key or state cannot be read.
pub fn open(home: &Path) -> CliResult<FileWitness> {
    let signer = NoteSigner::from_file_text(&secret_file::read(&home.join("keys/witness.key"))?);
    let signer = signer.map_err(|error| CliError::about("keys/witness.key", error))?;
    FileWitness::open(&home.join("state"), &signer).map_err(CliError::unreadable)
}

/// Asks one witness to cosign a log's head.
///
/// # Errors
/// The witness's refusal.
pub fn ask(
    witness: &mut FileWitness,
    log: &mut FileLog,
    key: &VerifierKey,
    now_unix_seconds: u64,
) -> Result<(), TlogError> {
    let head = log.head().clone();
    let size = head.checkpoint().size;
    let old = witness.known_size(key)?;
    let proof = if old > 0 && old < size { log.consistency_proof(old, size)? } else { Vec::new() };
    let line = witness.cosign(now_unix_seconds, old, &proof, &head.to_bytes(), key)?;
    log.add_cosignatures(size, &line, std::slice::from_ref(witness.verifier()))
}

/// As [`ask`], for a log whose signing key is elsewhere: reads the published log, and adds the cosignature to its files.
///
/// # Errors
/// The witness's refusal, or what is wrong with the log.
pub fn ask_folder(
    witness: &mut FileWitness,
    log: &Path,
    key: &VerifierKey,
    now_unix_seconds: u64,
) -> Result<u64, TlogError> {
    let contents = reader::read_log(log, key, &reader::Limits::default())?;
    let size = contents.checkpoint.checkpoint().size;
    let old = witness.known_size(key)?;
    let proof = if old > 0 && old < size { contents.tree().consistency_proof(old, size)? } else { Vec::new() };
    let line = witness.cosign(now_unix_seconds, old, &proof, &contents.checkpoint.to_bytes(), key)?;
    file_log::add_cosignatures(log, key, size, &line, std::slice::from_ref(witness.verifier()))?;
    Ok(size)
}

impl Witnesses {
    /// Asks every witness to cosign an issuer's head.
    ///
    /// # Errors
    /// When a file operation fails; refusals are in the result.
    pub fn cosign(&mut self, issuer: &mut Issuer, now_unix_seconds: u64) -> CliResult<Asked> {
        let key = issuer.log_key().clone();
        let mut asked = Asked::default();
        for witness in &mut self.0 {
            match ask(witness, issuer.log(), &key, now_unix_seconds) {
                Ok(()) => asked.cosigned += 1,
                Err(TlogError::Fork(evidence)) => asked.forks.push(evidence.to_bytes()),
                Err(error) => asked.refused.push(format!("{}: {error}", witness.verifier().name())),
            }
        }
        Ok(asked)
    }
}

/// Copies the evidence of forks that a witness holds into a bundle's `alarms` folder.
///
/// # Errors
/// When a file cannot be copied.
pub fn copy_evidence(home: &Path, alarms: &Path) -> CliResult<usize> {
    let state = home.join("state");
    let mut found = 0;
    let Ok(origins) = std::fs::read_dir(&state) else { return Ok(0) };
    for origin in origins.flatten() {
        let Ok(conflicts) = std::fs::read_dir(origin.path().join("conflicts")) else { continue };
        for conflict in conflicts.flatten() {
            let name = format!("{}-{}", &origin.file_name().to_string_lossy(), conflict.file_name().to_string_lossy());
            folder::write(&alarms.join(name), &folder::read(&conflict.path(), 1 << 20)?)?;
            found += 1;
        }
    }
    Ok(found)
}
