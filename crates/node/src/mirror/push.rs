//! The client side of add-entries: what a log (or anyone who has its entries) uploads to a mirror.

use super::error::MirrorError;
use crate::client::{Answer, Http};
use standstill_tlog::TlogError;
use standstill_tlog::mirror::{AddEntries, MirrorInfo, PACKAGES_PER_REQUEST, Package, PackageRange};

/// Requests for one upload; a mirror that asks for more is not getting anywhere.
const MAX_ROUNDS: usize = 100_000;

/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 256 * 1024;

/// Where the packages of an upload come from.
pub trait Packages {
    /// The package of a range, proved under the tree of `size` entries (`standstill_tlog::mirror::build_package`).
    ///
    /// # Errors
    /// When the entries are not here.
    fn package(&self, range: &PackageRange, size: u64) -> impl Future<Output = Result<Package, MirrorError>> + Send;
}

/// Uploads entries up to a size that the mirror holds as pending, and gives its cosignature lines.
///
/// # Errors
/// [`MirrorError::Tlog`] when the mirror refuses or its answer cannot be used, [`MirrorError::Fetch`] when it does not answer.
pub async fn upload(
    http: &Http,
    url: &str,
    origin: &str,
    size: u64,
    packages: &impl Packages,
) -> Result<String, MirrorError> {
    let url = format!("{}/add-entries", url.trim_end_matches('/'));
    // Asking with nothing is how a client learns where the mirror is; it does not know a size of 0 as pending, so it says.
    let (mut start, mut ticket) = (0, Vec::new());
    for round in 0..MAX_ROUNDS {
        let end = if round == 0 { 0 } else { size };
        let request = AddEntries { origin: origin.to_owned(), start: start.min(end), end, ticket: ticket.clone() };
        let mut body = request.to_bytes()?;
        for range in request.packages().take(PACKAGES_PER_REQUEST) {
            body.extend(packages.package(&range, size).await?.to_bytes()?);
        }
        let answer = http.post(&url, &body, MAX_ANSWER_BYTES).await?;
        match answer.status {
            200 if end == size => return text(answer),
            // It holds the empty tree as pending, and has just signed that.
            200 => {}
            202 | 409 => {
                let info = MirrorInfo::parse(&text(answer)?)?;
                if round > 0 && info.pending_size != size {
                    return Err(TlogError::Request(
                        "the mirror does not hold this size as pending; submit the checkpoint first",
                    )
                    .into());
                }
                (start, ticket) = (info.next_entry, info.ticket);
            }
            _ => return Err(answer.refusal(&url).into()),
        }
    }
    Err(TlogError::Request("the mirror asks for entries without end").into())
}

fn text(answer: Answer) -> Result<String, MirrorError> {
    String::from_utf8(answer.body).map_err(|_| TlogError::Request("the mirror's answer is not UTF-8").into())
}
