//! `standstill key`.

use crate::args::{KeyCommand, KeyKind};
use crate::exit::{CliError, CliResult, Exit};
use crate::{random, secret_file};
use standstill_audit::confide::InspectorKey;
use standstill_seal::MasterSecret;
use standstill_statement::SigningKey;
use standstill_tlog::note::{KeyType, NoteSigner};
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn run(command: KeyCommand) -> CliResult {
    match command {
        KeyCommand::New { kind, name, out } => {
            secret_file::create(&out, &new(kind, name.as_deref())?)?;
            eprintln!("Wrote the secret to {} (readable by you only). Keep a copy that is as safe.", out.display());
            show(&out)
        }
        KeyCommand::Show { file } => show(&file),
    }
}

fn new(kind: KeyKind, name: Option<&str>) -> CliResult<Zeroizing<String>> {
    let named = || {
        name.ok_or_else(|| {
            CliError::usage("log and witness keys carry a name. Add --name, for example --name standstill/north")
        })
    };
    match kind {
        KeyKind::Statement => Ok(SigningKey::generate().map_err(CliError::unreadable)?.to_file_text()),
        KeyKind::Log => note_key(named()?, KeyType::Ed25519),
        KeyKind::Witness => note_key(named()?, KeyType::CosignatureV1),
        KeyKind::Seal => {
            let mut secret = Zeroizing::new([0u8; 32]);
            getrandom::fill(secret.as_mut_slice()).map_err(CliError::unreadable)?;
            Ok(MasterSecret::from_bytes(*secret).to_file_text())
        }
        KeyKind::Inspector => Ok(InspectorKey::generate(&mut random::generator()?).to_file_text()),
    }
}

fn note_key(name: &str, key_type: KeyType) -> CliResult<Zeroizing<String>> {
    Ok(NoteSigner::generate(name, key_type).map_err(CliError::usage)?.to_file_text())
}

fn show(file: &Path) -> CliResult {
    let text = secret_file::read(file)?;
    if let Ok(key) = SigningKey::from_file_text(&text) {
        println!("statement_keys = [\"{}\"]", key.public());
    } else if let Ok(signer) = NoteSigner::from_file_text(&text) {
        let key = signer.verifier();
        let field = if key.key_type() == KeyType::Ed25519 { "log" } else { "witness" };
        println!("{field} = \"{key}\"");
    } else if let Ok(key) = InspectorKey::from_file_text(&text) {
        println!("inspector_key = \"{}\"", key.public().map_err(CliError::unreadable)?);
    } else if MasterSecret::from_file_text(&text).is_ok() {
        println!("seal secret: it has no public half");
    } else {
        return Err(CliError::unreadable(format!("{} is not a key file of standstill", file.display())));
    }
    Ok(Exit::Ok)
}
