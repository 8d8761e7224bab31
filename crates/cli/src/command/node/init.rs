//! `standstill node init`: a configuration file with a comment for each line.

mod gate;

use crate::args::{NodeInitArgs, NodeRole};
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::role::issuer::PublicHalf;
use crate::role::reading;
use crate::secret_file;
use standstill_agreement::Agreement;
use standstill_tlog::note::{KeyType, NoteSigner};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn run(args: &NodeInitArgs) -> CliResult {
    let name = match args.role {
        NodeRole::Log => "log",
        NodeRole::Witness => "witness",
        NodeRole::Mirror => "mirror",
        NodeRole::Monitor => "monitor",
        NodeRole::Gate => return gate::run(args),
    };
    let out = args.out.clone().unwrap_or_else(|| args.home.join(format!("{name}.toml")));
    let agreement_path = args.agreement.clone().unwrap_or_else(|| args.home.join("agreement.toml"));
    let agreement = reading::agreement_file(&agreement_path)?;
    let places = Places { file: absolute(&out)?, home: absolute(&args.home)?, agreement: absolute(&agreement_path)? };
    let text = match args.role {
        NodeRole::Log => log(args, &places)?,
        NodeRole::Witness => cosigner(args, &places, &agreement, name)?,
        NodeRole::Mirror => cosigner(args, &places, &agreement, name)?,
        NodeRole::Monitor => monitor(args, &places, &agreement)?,
        NodeRole::Gate => return gate::run(args),
    };
    folder::write_new(&out, text.as_bytes())?;
    println!("Wrote {}. Look at it, then run: standstill node --role {name} --config {}", out.display(), out.display());
    Ok(Exit::Ok)
}

/// Where things are; the configuration says it relative to its own folder where it can.
struct Places {
    file: PathBuf,
    home: PathBuf,
    agreement: PathBuf,
}

impl Places {
    fn relative(&self, path: &Path) -> String {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let shown = path.strip_prefix(folder).unwrap_or(path);
        toml::Value::from(shown.display().to_string()).to_string()
    }

    fn at_home(&self, name: &str) -> String {
        self.relative(&self.home.join(name))
    }
}

fn absolute(path: &Path) -> CliResult<PathBuf> {
    std::path::absolute(path).map_err(|error| CliError::file("find", path, &error))
}

fn log(args: &NodeInitArgs, places: &Places) -> CliResult<String> {
    let public = PublicHalf::read(&args.home)?;
    if public.role == "witness" {
        return Err(CliError::usage(format!(
            "{} is a witness's folder; a log belongs to a party or an auditor",
            args.home.display()
        )));
    }
    Ok(format!(
        "# Configuration of `standstill node --role log`. Paths are relative to this file.

# Whose log it is, as the agreement names it. Only statements by its keys are taken.
party = \"{}\"
# The terms. They name the log's key, the statement keys and the witnesses.
agreement = {}
# Folder of the log. One process at a time.
directory = {}
# Key that signs checkpoints; readable by its owner only.
log_key = {}
# Address and port. Put a reverse proxy with TLS in front where readers should not be seen.
listen = \"{}\"

# Last signed checkpoint on other storage, so that a restored backup of the folder above cannot sign:
# [store]
# kind = \"files\"
# head_directory = \"/other/disk/head\"

# Witnesses whose address the policy in the terms does not give:
# [[witness]]
# name = \"w1\"
# vkey = \"...\"
# url = \"https://w1.example\"
",
        public.id,
        places.relative(&places.agreement),
        places.at_home("node"),
        places.at_home("keys/log.key"),
        args.listen
    ))
}

fn cosigner(args: &NodeInitArgs, places: &Places, agreement: &Agreement, name: &str) -> CliResult<String> {
    let public = PublicHalf::read(&args.home)?;
    if public.role != "witness" {
        return Err(CliError::usage(format!(
            "{} is no witness's folder; make one with: standstill witness init",
            args.home.display()
        )));
    }
    let mut text = format!(
        "# Configuration of `standstill node --role {name}`. Paths are relative to this file.

# Folder of the record: what this {name} cosigned and must never contradict. If it is lost, take a new key.
directory = {}
# Address and port.
listen = \"{}\"
# Key files: one of type 0x04, and one of type 0x06 (ML-DSA-44) if you have it.
keys = [{}]

# Cosigned checkpoints kept per log; the oldest go first.
# retained_checkpoints_per_log = 1000000

# The logs of this agreement.
",
        places.at_home(&format!("node-{name}")),
        args.listen,
        places.at_home(if args.role == NodeRole::Mirror { mirror_key(args, &public)? } else { "keys/witness.key" })
    );
    if args.role == NodeRole::Mirror {
        let (from, to) = (RETAINED, "# Seconds between two looks at a log that has a url.\ninterval_seconds = 10\n");
        text = text.replace(from, to);
    }
    let parties = agreement.parties.iter().map(|party| (&party.id, &party.log));
    for (id, vkey) in parties.chain(agreement.roles.iter().map(|role| (&role.id, &role.log))) {
        let _ = writeln!(text, "# {id}\n[[log]]\nvkey = \"{vkey}\"");
        if args.role == NodeRole::Mirror {
            match given(args, id.as_str()) {
                Some(url) => drop(writeln!(text, "url = {}", toml::Value::from(url))),
                None => text.push_str("# url = \"https://...\"\n"),
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// A mirror has a key and a name of its own: its signature says more than a witness's. Made when it is missing.
fn mirror_key(args: &NodeInitArgs, public: &PublicHalf) -> CliResult<&'static str> {
    let name = "keys/mirror.key";
    let path = args.home.join(name);
    if !path.exists() {
        let signer = NoteSigner::generate(&format!("{}-mirror", public.id), KeyType::CosignatureV1);
        let signer = signer.map_err(CliError::unreadable)?;
        secret_file::create(&path, &signer.to_file_text())?;
        println!("Made {}. Its public half, for policies: {}", path.display(), signer.verifier());
    }
    Ok(name)
}

/// What a mirror does not have.
const RETAINED: &str =
    "# Cosigned checkpoints kept per log; the oldest go first.\n# retained_checkpoints_per_log = 1000000\n";

/// Where a party's log is, as the command line says.
fn given<'a>(args: &'a NodeInitArgs, party: &str) -> Option<&'a str> {
    args.logs.iter().filter_map(|log| log.split_once('=')).find(|(name, _)| *name == party).map(|(_, url)| url)
}

fn monitor(args: &NodeInitArgs, places: &Places, agreement: &Agreement) -> CliResult<String> {
    let mut text = format!(
        "# Configuration of `standstill node --role monitor`. Paths are relative to this file.

# The terms.
agreement = {}
# Folder of copies, blobs and evidence.
directory = {}
# Address and port of /health, /metrics, /alarms and /index.
listen = \"{}\"
# Bundle folder, written anew when something changed: standstill verify reads it.
bundle = {}
# Folder with beacon rounds (<round>.json) for the bundle.
# beacon = \"beacon\"
# Pause between two rounds, in seconds.
poll_seconds = 10
# How long a log may stay behind what others show before that is a finding, in seconds.
lag_seconds = 60
# An unchanged log is handed to the witnesses again after so long, so that its silence can be proved, in seconds; 0 never.
refresh_seconds = 3600

",
        places.relative(&places.agreement),
        places.at_home("monitor"),
        args.listen,
        places.at_home("bundle")
    );
    let ids = agreement.parties.iter().map(|party| &party.id).chain(agreement.roles.iter().map(|role| &role.id));
    for id in ids {
        match given(args, id.as_str()) {
            Some(url) => drop(writeln!(text, "[[log]]\nissuer = \"{id}\"\nurl = {}\n", toml::Value::from(url))),
            None => drop(writeln!(
                text,
                "# [[log]]\n# issuer = \"{id}\"\n# url = \"https://...\"\n# also = [\"https://mirror.example/<sha256 hex of the log's origin>\"]\n"
            )),
        }
    }
    Ok(text)
}
