//! What went wrong with an object store, by who must act.

use object_store::Error as Fault;

use dstream_sdk::Error;

use crate::shown::printable;

/// The longest text of a service in a message.
const LONGEST: usize = 300;

/// A client that cannot be made.
pub(super) fn setup(error: &Fault, secrets: &[String]) -> Error {
    Error::config(format!("the object store cannot be spoken to: {}", text_of(error, secrets)))
        .hint("look at `connection` and `auth`")
}

/// A request that failed. `place` is what it was about, as it is shown.
pub(super) fn request(doing: &str, place: &str, error: &Fault, secrets: &[String]) -> Error {
    let text = text_of(error, secrets);
    let message = format!("{doing} `{place}`: {text}");
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["NoSuchBucket", "ContainerNotFound", "bucket does not exist"]) {
        return Error::config(format!("{doing} `{place}`: there is no such bucket"))
            .hint("look at `connection.url`, or make the bucket");
    }
    if says(&["non-partial response"]) {
        return Error::unsupported(format!(
            "{doing} `{place}`: the server does not give out parts of a file"
        ))
        .hint("copy the file to this machine, or choose a server that answers requests for ranges");
    }
    if says(&["invalid peer certificate"]) {
        return Error::config(message).hint("set `connection.ca` to the certificate of its authority");
    }
    if says(&["PermanentRedirect", "AuthorizationHeaderMalformed", "redirect without LOCATION"]) {
        return Error::config(message).hint("set `connection.region` to that of the bucket");
    }
    if says(&[
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    ]) {
        return Error::denied(message).hint("set `auth` to keys that are valid now");
    }
    match error {
        _ if matches!(status_of(&text), Some(401 | 403)) => denied(message),
        Fault::NotFound { .. } => Error::not_found(message).hint("look at `connection.url`"),
        Fault::PermissionDenied { .. } | Fault::Unauthenticated { .. } => denied(message),
        Fault::Precondition { .. } | Fault::NotModified { .. } => changed(place),
        Fault::NotSupported { .. } | Fault::NotImplemented { .. } => {
            Error::unsupported(message).hint("the server has to answer requests for a part of a file")
        }
        Fault::InvalidPath { .. } => {
            Error::unsupported(message).hint("rename it: parts of names are not empty, `.` or `..`")
        }
        Fault::UnknownConfigurationKey { .. } => {
            Error::config(message).hint("look at `connection` and `auth`")
        }
        _ => Error::unavailable(message).hint("look whether the service can be reached, then run again"),
    }
}

fn denied(message: String) -> Error {
    Error::denied(message)
        .hint("give the keys of `auth` the right to read, list and, for a target, write and remove there")
}

/// The service does not do it for who asks so.
pub(super) fn is_refused(error: &Fault) -> bool {
    matches!(status_of(&error.to_string()), Some(400 | 401 | 403))
}

/// What the service answered, which the library does not always make a kind of error.
fn status_of(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// An object that is not what it was when it was found.
pub(super) fn changed(place: &str) -> Error {
    Error::data(format!("`{place}` was written anew while it was read"))
        .hint("run again once nobody writes to it")
}

/// What the library says, without secrets and queries, on one line.
fn text_of(error: &Fault, secrets: &[String]) -> String {
    let mut text = error.to_string();
    // What is at the bottom is often the only thing that helps: a refused connection, a name that nobody has.
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let root = root.to_string();
    if !text.contains(&root) {
        text = format!("{text}: {root}");
    }
    for secret in secrets {
        text = text.replace(secret.as_str(), "***");
    }
    // A signature may stand in a query.
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?***"),
        _ => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let cut = if text.chars().count() > LONGEST { " …" } else { "" };
    printable(text.chars().take(LONGEST)) + cut
}
