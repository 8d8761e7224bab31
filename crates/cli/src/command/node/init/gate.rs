//! `standstill node init --role gate`: a configuration, and terms to fill in.

use crate::args::NodeInitArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::role::issuer::PublicHalf;
use crate::role::reading;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn run(args: &NodeInitArgs) -> CliResult {
    let public = PublicHalf::read(&args.home)?;
    if public.role != "gate" {
        let message = format!("{} is no gate's folder; make one with: standstill gate init", args.home.display());
        return Err(CliError::usage(message));
    }
    let out = args.out.clone().unwrap_or_else(|| args.home.join("gate.toml"));
    let terms = out.with_file_name("gate-terms.toml");
    let text = config(args, &public, &out);
    folder::write_new(&terms, terms_text(args)?.as_bytes())?;
    folder::write_new(&out, text.as_bytes())?;
    println!(
        "Wrote {} and {}. Fill in the terms, then run: standstill node --role gate --config {}",
        out.display(),
        terms.display(),
        out.display()
    );
    Ok(Exit::Ok)
}

fn config(args: &NodeInitArgs, public: &PublicHalf, out: &Path) -> String {
    let folder = out.parent().unwrap_or(Path::new(""));
    let home = args.home.strip_prefix(folder).map_or_else(|_| args.home.clone(), Path::to_path_buf);
    let home = if home.as_os_str().is_empty() { ".".to_owned() } else { home.display().to_string() };
    format!(
        "# Configuration of `standstill node --role gate`. Paths are relative to this file.

# Thresholds, exempt work, chip peaks, partitions.
terms = \"gate-terms.toml\"
# Folder of the journal. One process at a time.
home = {}
# Issuer of the decisions.
issuer = \"{}\"
# Name of the cluster.
cluster = \"cluster\"
# Address and port of /health and /metrics.
listen = \"{}\"
# Where Slurm's plugin and start hook ask. Remove it without Slurm.
socket = \"/run/standstill/gate.sock\"
socket_mode = \"660\"
# Log that takes the decisions; without it: standstill log submit.
# log_url = \"https://log.example/gate\"

# Where the agreement's situation comes from: a file, or an address of the party's node.
[situation]
file = \"situation.json\"
poll_seconds = 5

# Kubernetes. Certificate and key need a build with the feature tls; without them the webhook listens on this machine only.
# [webhook]
# listen = \"0.0.0.0:8443\"
# certificate = \"webhook.crt\"
# key = \"webhook.key\"
",
        toml::Value::from(home),
        public.id,
        args.listen
    )
}

/// Terms with the agreement's id and, when there is one party only, its name.
fn terms_text(args: &NodeInitArgs) -> CliResult<String> {
    let path = args.agreement.clone().unwrap_or_else(|| args.home.join("agreement.toml"));
    let agreement = reading::agreement_file(&path)
        .map_err(|error| CliError { message: format!("{error} (give the agreement with --agreement)"), ..error })?;
    let mut text = format!(
        "# What a gate goes by, in every phase. Its hash is in every decision; tell the auditors when you change it.

agreement = \"{}\"
# The party for whose machines the gate decides.
party = \"{}\"
# How long the last known phase counts after the node was lost, in seconds. Then covered work is refused.
hold_seconds = 3600
# How long an allowed job may wait for its start, in seconds.
decision_seconds = 604800
# Classes that do not start while paused; left out: all. Keep what only a label tells (inference, evaluation, other) in it.
# stop_when_paused = [\"pretraining\", \"posttraining\", \"experiment\", \"inference\", \"evaluation\", \"other\"]
# Generic or extended resources that are no accelerators.
# harmless_resources = [\"nic\"]

# A job is covered from this size on.
[cover]
accelerators = 1

# Dense peak in the lowest precision that the site allows, in 1e9 operations a second. A model that is not here counts with the highest.
[[chip]]
model = \"h100\"
gigaops_per_second = 3958000

# Every partition. One that is not here makes a job's size unknown.
# [[place]]
# name = \"train\"
# accelerators_per_node = 8
# nodes = 128
# constrained = true     # ConstrainDevices=yes in cgroup.conf
# longest_seconds = 604800

# Work that goes on in every phase, by who may do it.
# [[exempt]]
# id = \"serving\"
# purpose = \"inference\"     # safety, inference, evaluation, wind-down
# accounts = [\"serving\"]
# accelerators = 64
# accelerators_together = 1024
",
        agreement.id(),
        agreement.parties.first().map_or("party", |party| party.id.as_str())
    );
    if agreement.parties.len() > 1 {
        let names: Vec<&str> = agreement.parties.iter().map(|party| party.id.as_str()).collect();
        let _ = write!(
            text,
            "\n# Parties of the agreement: {}. The first stands above; change it if you are another.\n",
            names.join(", ")
        );
    }
    Ok(text)
}
