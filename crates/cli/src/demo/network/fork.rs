//! A log with two histories: the party signs a second one of the same length and looks for witnesses that do not mind.

use super::{FORKER, LIAR, Play, world};
use crate::exit::{CliError, CliResult};
use crate::network::client_error;
use crate::secret_file;
use standstill_node::client::follow::verified_lines;
use standstill_statement::{Body, Hash32, Header, Heartbeat, SigningKey, Statement, decode_unverified};
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::{self, Limits};
use standstill_tlog::witness::AddCheckpoint;

/// Signs the second history and shows it to every witness; says what came of it.
pub(super) fn second_history(play: &mut Play) -> CliResult<String> {
    let second = sign(play)?;
    let size = second.checkpoint().size;
    let request = AddCheckpoint { old_size: size, proof: Vec::new(), checkpoint: second.to_bytes() }.to_bytes();
    let policy = Policy::parse(&terms(play)?.witnesses).map_err(CliError::bug)?;
    let (mut cosigned, mut refused, mut lines) = (Vec::new(), 0, String::new());
    for name in super::WITNESSES {
        let url = format!("{}/add-checkpoint", play.url(name)?);
        let stage = play.stage.borrow();
        let answer = stage.wait(stage.http().post(&url, &request, 1 << 16)).map_err(client_error)?;
        if answer.status == 200 {
            cosigned.push(name);
            lines += &String::from_utf8_lossy(&answer.body);
        } else {
            refused += 1;
        }
    }
    let note = second.with_lines(&lines).map_err(CliError::bug)?;
    let (_, bad) = verified_lines(note.note(), policy.witness_keys());
    if cosigned != [LIAR] || bad > 0 || policy.quorum_time(note.note()).is_some() {
        return Err(CliError::bug(format!("the second history was cosigned by {}", cosigned.join(", "))));
    }
    Ok(format!(
        "{FORKER} signs a second history of {size} statements and shows it around. {LIAR} cosigns both; {refused} witnesses refuse and keep both notes. 1 of {} cosignatures: no quorum.",
        world::QUORUM
    ))
}

fn terms(play: &Play) -> CliResult<standstill_agreement::Agreement> {
    crate::role::reading::agreement_file(&play.out.join("agreement.toml"))
}

/// The same statements but the last, which is another one.
fn sign(play: &mut Play) -> CliResult<SignedCheckpoint> {
    let lab = play.cast.labs.iter().find(|lab| lab.issuer.id.as_str() == FORKER);
    let issuer = &lab.ok_or_else(|| CliError::bug("the lab that forks is not there"))?.issuer;
    let contents =
        reader::read_log(&issuer.home.join("log"), issuer.log_key(), &Limits::default()).map_err(CliError::bug)?;
    let mut entries = contents.entries;
    let last = entries.pop().ok_or_else(|| CliError::bug("there is nothing to fork"))?;
    let header = decode_unverified(&last).map_err(CliError::bug)?.header;
    let header = Header { heads: Vec::new(), previous: entries.last().map(|entry| Hash32::of(entry)), ..header };
    let key = SigningKey::from_file_text(&secret_file::read(&issuer.home.join("keys/statement.key"))?)
        .map_err(CliError::bug)?;
    let other =
        Statement { header, body: Body::Heartbeat(Heartbeat { window: 2 }) }.sign(&key).map_err(CliError::bug)?;
    entries.push(other);
    let tree = Tree::from_leaves(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>());
    Checkpoint::new(issuer.log_key().name(), tree.size(), tree.root()).sign(issuer.log_signer()).map_err(CliError::bug)
}
