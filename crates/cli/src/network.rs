//! Between a role's folder and its log on the network.

use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::reading;
use crate::{folder, secret_file};
use standstill_agreement::Agreement;
use standstill_node::client::follow::verified_lines;
use standstill_node::client::http::join;
use standstill_node::client::refresh::witnesses_of;
use standstill_node::client::{ClientError, Http, HttpLimits, Submitter};
use standstill_statement::{SigningKey, decode_unverified};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::{MAX_NOTE_BYTES, VerifierKey};
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::{self, LogContents};
use standstill_tlog::witness::AddCheckpoint;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pause between two looks for cosignatures.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a witness that is busy, or behind, is asked to cosign a head again.
const REFRESH_ROUNDS: usize = 4;

/// What publishing did.
#[derive(Debug, Default)]
pub(crate) struct Submitted {
    /// Statements that the log did not hold before.
    pub(crate) new: u64,
    /// Statements in the folder, all of them in the log now.
    pub(crate) size: u64,
    /// Time of the full quorum on a checkpoint that covers them; `None` when it was not waited for.
    pub(crate) quorum_time: Option<u64>,
    /// Verified witness lines, for the folder's own checkpoint of that size.
    pub(crate) lines: String,
}

/// A role's way to its log.
pub(crate) struct Publisher {
    http: Http,
    submitter: Submitter,
    base: String,
    home: PathBuf,
    agreement: Agreement,
    log: VerifierKey,
    key: SigningKey,
    policy: Policy,
}

impl Publisher {
    /// Opens what is needed of a role's folder; its log may be in use.
    pub(crate) fn open(home: &Path, url: &str) -> CliResult<Self> {
        let public = PublicHalf::read(home)?;
        let agreement = reading::agreement_file(&home.join("agreement.toml"))?;
        let key = SigningKey::from_file_text(&secret_file::read(&home.join("keys/statement.key"))?);
        let http = Http::new(HttpLimits::default()).map_err(client_error)?;
        Ok(Self {
            submitter: Submitter::new(http.clone(), url),
            http,
            base: url.to_owned(),
            home: home.to_owned(),
            log: public.vkey.parse().map_err(|error| CliError::about("public.toml", error))?,
            policy: Policy::parse(&agreement.witnesses).map_err(CliError::unreadable)?,
            agreement,
            key: key.map_err(|error| CliError::about("keys/statement.key", error))?,
        })
    }

    /// Submits every statement that the log does not hold, with its blobs first, and waits for the witnesses.
    pub(crate) async fn publish(&self, wait: Duration) -> CliResult<Submitted> {
        let contents = reader::read_log(&self.home.join("log"), &self.log, &reader::Limits::default())
            .map_err(|error| CliError::about(self.home.display(), error))?;
        let held = self.held(&contents).await?;
        let size = contents.entries.len() as u64;
        let mut submitted = Submitted { size, ..Submitted::default() };
        for (index, entry) in (0..).zip(&contents.entries).skip_while(|(index, _)| *index < held) {
            self.blobs(entry).await?;
            let accepted = self.submitter.statement(entry).await.map_err(client_error)?;
            if accepted.index != index {
                return Err(CliError::unreadable(format!(
                    "{} put statement {index} at {}; it holds another history than {}",
                    self.base,
                    accepted.index,
                    self.home.display()
                )));
            }
            submitted.new += u64::from(!accepted.duplicate);
        }
        if size > 0 && !wait.is_zero() {
            let (lines, time) = self.cosigned(&contents, size, wait).await?;
            (submitted.lines, submitted.quorum_time) = (lines, Some(time));
        }
        Ok(submitted)
    }

    /// Statements that the log holds already, by its newest signed head, which must be of this history.
    async fn held(&self, contents: &LogContents) -> CliResult<u64> {
        let url = join(&self.base, "uncosigned-checkpoint");
        let Some(bytes) = self.http.get(&url, MAX_NOTE_BYTES as u64).await.map_err(client_error)? else { return Ok(0) };
        let signed = SignedCheckpoint::parse(&bytes, &self.log).map_err(|error| CliError::about(url, error))?;
        let checkpoint = signed.checkpoint();
        match contents.root_at(checkpoint.size) {
            Some(root) if root == checkpoint.root => Ok(checkpoint.size),
            Some(_) => {
                let message = format!(
                    "{} signed other statements than {} holds. Submit nothing more; find out which of the two is right",
                    self.base,
                    self.home.display()
                );
                Err(CliError { message, exit: Exit::Fork })
            }
            None => Err(CliError::unreadable(format!(
                "{} holds {} statements and {} only {}: the folder is an older copy. Restore the newer one",
                self.base,
                checkpoint.size,
                self.home.display(),
                contents.entries.len()
            ))),
        }
    }

    async fn blobs(&self, entry: &[u8]) -> CliResult<()> {
        let statement = decode_unverified(entry).map_err(CliError::unreadable)?;
        for blob in statement.body.blobs() {
            let bytes = reading::blob(&self.home, &blob)?;
            self.submitter.blob(&self.key, &self.agreement.id(), &bytes).await.map_err(client_error)?;
        }
        Ok(())
    }

    /// Waits for a public checkpoint that covers everything; gives its witness lines when it is of exactly this size.
    async fn cosigned(&self, contents: &LogContents, size: u64, wait: Duration) -> CliResult<(String, u64)> {
        let (started, url) = (Instant::now(), join(&self.base, "checkpoint"));
        loop {
            if let Some(bytes) = self.http.get(&url, MAX_NOTE_BYTES as u64).await.map_err(client_error)? {
                let signed =
                    SignedCheckpoint::parse(&bytes, &self.log).map_err(|error| CliError::about(&url, error))?;
                let (lines, _) = verified_lines(signed.note(), self.policy.witness_keys());
                let time = self.policy.quorum_time(signed.note());
                if let Some(time) = time.filter(|_| signed.checkpoint().size >= size) {
                    let same = contents.root_at(signed.checkpoint().size) == Some(signed.checkpoint().root);
                    return Ok((if same { lines } else { String::new() }, time));
                }
            }
            if started.elapsed() >= wait {
                let message = format!(
                    "{} holds all {size} statements, but no quorum of witnesses has cosigned them within {} s; they are safe, and the log goes on asking. See {}",
                    self.base,
                    wait.as_secs(),
                    join(&self.base, "health")
                );
                return Err(CliError { message, exit: Exit::Network });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Hands a role's last head to the witnesses again and keeps what they say; gives how many did. Takes no help from the log on the network, and
/// bounds from below when the next statement became public.
pub(crate) async fn refresh(issuer: &mut Issuer, http: &Http) -> CliResult<usize> {
    let head = issuer.log().head().clone();
    let size = head.checkpoint().size;
    if size == 0 {
        return Ok(0);
    }
    let policy = Policy::parse(&issuer.agreement.witnesses).map_err(CliError::unreadable)?;
    let (mut waiting, mut cosigned) = (witnesses_of(&policy).into_iter().map(|at| (at, size)).collect::<Vec<_>>(), 0);
    // A witness that stands at a smaller size, or that is busy with this very log, is asked again; one that does not answer is away.
    for round in 0..REFRESH_ROUNDS {
        if round > 0 && !waiting.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        let mut asked = tokio::task::JoinSet::new();
        for (witness, known) in std::mem::take(&mut waiting) {
            let proof =
                if known > 0 && known < size { issuer.log().consistency_proof(known, size) } else { Ok(Vec::new()) };
            let Ok(proof) = proof else { continue };
            let request = AddCheckpoint { old_size: known, proof, checkpoint: head.to_bytes() }.to_bytes();
            let http = http.with_attempts(1);
            asked.spawn(async move {
                let url = join(&witness.url, "add-checkpoint");
                let ask = async || http.post(&url, &request, MAX_NOTE_BYTES as u64).await.ok();
                // Once more at once: a connection that was kept may have been closed on the other side.
                let answer = match ask().await {
                    None => ask().await?,
                    Some(answer) => answer,
                };
                Some((witness, known, answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
            });
        }
        for (witness, known, status, text) in asked.join_all().await.into_iter().flatten() {
            match status {
                200 => {
                    // A witness whose line does not verify is as good as one that did not answer.
                    let kept = issuer.log().add_cosignatures(size, &text, std::slice::from_ref(&witness.key));
                    cosigned += usize::from(kept.is_ok());
                }
                409 => {
                    let stands = text.trim().parse().unwrap_or(known);
                    waiting.extend((stands <= size).then_some((witness, stands)));
                }
                _ => waiting.push((witness, known)),
            }
        }
    }
    Ok(cosigned)
}

/// The exit code of network trouble is 5, that of a fork 6, everything else that cannot be used 4.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn client_error(error: ClientError) -> CliError {
    let exit = match &error {
        ClientError::Alarm(alarm) if alarm.kind == standstill_node::client::AlarmKind::Fork => Exit::Fork,
        ClientError::Alarm(_) => Exit::Network,
        ClientError::Question { .. } => Exit::Usage,
        ClientError::Tlog(standstill_tlog::TlogError::NotProved { .. }) => Exit::CannotConclude,
        other if other.is_network() => Exit::Network,
        _ => Exit::Unreadable,
    };
    CliError { message: error.to_string(), exit }
}

/// An async runtime for one command.
pub(crate) fn runtime() -> CliResult<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| CliError::unreadable(format!("cannot start the network part: {error}")))
}

/// Where a log's copy is kept unless the caller says otherwise: by key, in the user's cache folder.
pub(crate) fn copy_folder(log: &VerifierKey) -> CliResult<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let cache = cache.ok_or_else(|| CliError::usage("there is no home folder for the copy; say where with --copy"))?;
    let name = hex::encode(standstill_tlog::merkle::leaf_hash(log.to_string().as_bytes()));
    let path = cache.join("standstill/logs").join(&name[..32]);
    folder::make(&path)?;
    Ok(path)
}
