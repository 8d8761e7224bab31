//! What a lab's gate goes by and is asked: files that a user can look at and ask again.

use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::situation;
use serde_json::json;
use standstill_gate::terms::{Chip, Cover, Exemption, Place, Purpose, Terms};
use standstill_statement::{Class, GatePoint, Name};
use standstill_verify::runtime::Replayed;
use standstill_verify::{Bundle, Verdict};
use std::path::{Path, PathBuf};

/// Everything that is public at a moment.
pub(super) struct Desk<'a> {
    pub(super) out: &'a Path,
    pub(super) bundle: &'a Bundle,
    pub(super) replayed: &'a Replayed,
    pub(super) verdict: &'a Verdict,
    pub(super) at: u64,
}

/// Files of one gate at one moment.
pub(super) struct Asked {
    folder: PathBuf,
    situation: PathBuf,
    at: u64,
}

impl Desk<'_> {
    /// Writes terms, situation and two requests of the Slurm plugin.
    pub(super) fn prepare(&self, party: &Name) -> CliResult<Asked> {
        let place = self.out.join("gates").join(party.as_str());
        let situation = situation::of(self.bundle, self.verdict, self.replayed, party)?;
        let run = situation.runs.iter().find(|run| run.class == Class::Pretraining);
        let run = run.ok_or_else(|| CliError::bug(format!("{party} has declared no training run")))?;
        let terms = toml::to_string(&terms(self.bundle, party)?).map_err(CliError::bug)?;
        folder::write(&place.join("terms.toml"), terms.as_bytes())?;
        let train = format!("class=pretraining run={}", run.run);
        folder::write(&place.join("train.json"), request("lab", &train).as_bytes())?;
        folder::write(&place.join("serve.json"), request("serving", "class=inference exempt=serving").as_bytes())?;
        let path = place.join(format!("situation-{}.json", self.at));
        folder::write(&path, format!("{:#}\n", json!(situation)).as_bytes())?;
        Ok(Asked { folder: place, situation: path, at: self.at })
    }
}

impl Asked {
    /// The commands that ask, with the exit codes that are expected.
    pub(super) fn commands(&self, training_stands_still: bool) -> [(Vec<String>, i32); 2] {
        let ask = |job: &str| {
            let path = |name: &str| self.folder.join(name).display().to_string();
            let words = ["gate", "decide", "--slurm", "--cluster", "demo", "--terms"].map(str::to_owned).into_iter();
            let known = [path("terms.toml"), "--situation".to_owned(), self.situation.display().to_string()];
            words.chain(known).chain(["--now".to_owned(), self.at.to_string(), path(job)]).collect()
        };
        [(ask("train.json"), i32::from(training_stands_still)), (ask("serve.json"), 0)]
    }
}

/// Eight accelerators of one node for an hour.
fn request(account: &str, comment: &str) -> String {
    let request = json!({
        "point": GatePoint::Submit, "user_id": 1001, "account": account, "partition": "gpu", "comment": comment, "min_nodes": 1,
        "max_nodes": 1, "tres_per_node": "gres/gpu:8", "time_limit_minutes": 60,
    });
    format!("{request}\n")
}

fn terms(bundle: &Bundle, party: &Name) -> CliResult<Terms> {
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    Ok(Terms {
        agreement: bundle.agreement().id(),
        party: party.clone(),
        hold_seconds: 3_600,
        decision_seconds: 86_400,
        clock_tolerance_seconds: 300,
        stop_when_paused: Class::ALL.into_iter().filter(|class| class.can_operate()).collect(),
        suspended_may_start: false,
        cover: Cover::default(),
        // Peaks in bf16 without sparsity, as in the agreement's chip table; a job that names no model counts with the highest.
        chips: vec![Chip { model: "h100".to_owned(), gigaops_per_second: 989_500 }],
        exemptions: vec![Exemption {
            id: name("serving")?,
            purpose: Purpose::Inference,
            accounts: vec!["serving".to_owned()],
            users: Vec::new(),
            places: Vec::new(),
            accelerators: 8,
            accelerators_together: 64,
            seconds: None,
            system: false,
        }],
        harmless_resources: Vec::new(),
        places: vec![Place {
            name: "gpu".to_owned(),
            accelerators_per_node: 8,
            nodes: 4,
            constrained: true,
            longest_seconds: None,
        }],
    })
}
