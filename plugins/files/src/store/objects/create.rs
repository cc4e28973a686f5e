//! An object where there is none yet.

use bytes::Bytes;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path as Key;
use object_store::{Error as Fault, ObjectStore, PutMode, PutOptions, PutPayload};
use std::time::{Duration, Instant};

/// A put whose outcome nobody knows is made again so often; the client itself does so only where nothing was sent.
const ATTEMPTS: u32 = 6;
/// Nor is it made again after this time.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// What a put that failed says of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is one already. It may be what an earlier attempt made.
    Exists,
    /// Nobody knows whether there is one now.
    Unclear,
    /// There is something else to be mended.
    Failed,
}

/// Makes an object of these bytes; `false` where there is one already, be it of an earlier attempt whose answer was lost.
pub(super) async fn create(client: &dyn ObjectStore, key: &Key, bytes: &[u8]) -> object_store::Result<bool> {
    let payload = PutPayload::from_bytes(Bytes::copy_from_slice(bytes));
    let start = Instant::now();
    let mut wait = FIRST_WAIT;
    for attempt in 1.. {
        let options = PutOptions::from(PutMode::Create);
        let Err(fault) = client.put_opts(key, payload.clone(), options).await else { return Ok(true) };
        match outcome_of(&fault) {
            Outcome::Exists => return Ok(false),
            Outcome::Unclear if attempt < ATTEMPTS && start.elapsed() < PATIENCE => {
                tokio::time::sleep(wait).await;
            }
            Outcome::Unclear | Outcome::Failed => return Err(fault),
        }
        wait *= 2;
    }
    Ok(false)
}

fn outcome_of(fault: &Fault) -> Outcome {
    let is_conflict = || {
        // S3 answers so where another put of the same key is on its way, and makes neither known. Azure says so of an object
        // that is there, and names it; of a container that is being removed it says so too.
        let text = fault.to_string();
        text.contains("status code: 409") && !text.contains("BlobAlreadyExists")
    };
    match fault {
        Fault::AlreadyExists { .. } if is_conflict() => Outcome::Unclear,
        Fault::AlreadyExists { .. } | Fault::Precondition { .. } | Fault::NotModified { .. } => {
            Outcome::Exists
        }
        _ if is_answer_lost(fault) => Outcome::Unclear,
        _ => Outcome::Failed,
    }
}

/// The connection ended behind the request.
fn is_answer_lost(fault: &Fault) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(fault);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return matches!(error.kind(), HttpErrorKind::Interrupted | HttpErrorKind::Timeout);
        }
        source = error.source();
    }
    false
}
