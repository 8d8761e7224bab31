//! Request bodies, piece by piece.

use axum::body::{Body, Bytes, HttpBody};
use std::pin::Pin;
use std::time::Duration;

/// Most bytes of a refused body that are still read.
const DISCARDED_BYTES: u64 = 64 << 20;
/// Longest time for that.
const DISCARDED_FOR: Duration = Duration::from_secs(5);

/// The next bytes of a body; `None` at its end. Trailers are left out.
pub(crate) async fn next_part(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Reads on after a refusal, within limits. A server that closes while the client still sends makes the client's system throw the answer
/// away unread (RFC 9112, section 9.6), and the party would see "broken pipe" in place of what is wrong.
pub(crate) async fn discard(body: &mut Body) {
    let rest = async {
        let mut read = 0_u64;
        while read < DISCARDED_BYTES {
            match next_part(body).await {
                Some(Ok(part)) => read += part.len() as u64,
                Some(Err(_)) | None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARDED_FOR, rest).await;
}
