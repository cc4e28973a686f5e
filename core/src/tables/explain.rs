//! What is promised: how often a record of the source stands in the target after any number of crashes.

use dstream_abi::{Error, ReplicationMethod, Result, SelectedStream, TapManifest, TargetManifest, WriteMode};
use serde::Serialize;

use super::TablePlan;
use crate::config::list;

/// How often a record stands in the target, strongest first. There is no "at most once".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Once.
    ExactlyOnce,
    /// Once for each key: a record that is read twice replaces itself, in the transaction of its bookmark.
    ExactlyOncePerKey,
    /// Once for each key when the run is over; between two attempts older values may be seen.
    EffectivelyOncePerKey,
    /// Once or more.
    AtLeastOnce,
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Promise::ExactlyOnce => "exactly once",
            Promise::ExactlyOncePerKey => "exactly once per key",
            Promise::EffectivelyOncePerKey => "effectively once per key",
            Promise::AtLeastOnce => "at least once",
        })
    }
}

/// The promise for one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The stream.
    pub stream: String,
    /// What is promised.
    pub promise: Promise,
    /// Why, in one sentence.
    pub reason: String,
    /// What no run brings, whatever is promised for what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// What would make it stronger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

const NAME_KEYS: &str =
    "name the columns that identify a record: `dstreams catalog set FILE STREAM --key COLUMN`";
const CHOOSE_TARGET: &str = "choose a target that commits rows and bookmarks in one transaction";
const UPSERT: &str = "leave `write_mode` out: a stream with a key is then upserted";

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.promise, self.reason)?;
        if let Some(unseen) = &self.unseen {
            write!(f, "\n  not seen: {unseen}")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "\n  for more: {advice}"),
            None => Ok(()),
        }
    }
}

/// The promise for a stream that is read by `tap` and written by `target` as `plan` says, run after run.
pub fn explain(
    stream: &SelectedStream,
    plan: &TablePlan,
    tap: &TapManifest,
    target: &TargetManifest,
) -> Explanation {
    let (promise, reason, advice) = judge(stream, plan, tap, target);
    Explanation {
        stream: stream.name.clone(),
        promise,
        reason: reason.to_owned(),
        unseen: unseen(stream, plan),
        advice: advice.map(str::to_owned),
    }
}

/// Changes of the source that the target does not follow.
fn unseen(stream: &SelectedStream, plan: &TablePlan) -> Option<String> {
    let is_copy = stream.replication_method == ReplicationMethod::FullTable;
    match (is_copy, plan.write_mode(is_copy), &stream.replication_key) {
        (true, WriteMode::Overwrite, _) => None,
        (true, WriteMode::Upsert, _) => Some("records that are deleted: their rows stay".to_owned()),
        (true, WriteMode::Append, _) => {
            Some("records that are changed or deleted: their rows stay".to_owned())
        }
        (false, WriteMode::Upsert, Some(key)) => {
            Some(format!("records that are deleted, or changed without a new `{key}`"))
        }
        (false, _, Some(key)) => Some(format!(
            "records that are deleted, or changed without a new `{key}`; one with a new value is another row"
        )),
        (false, _, None) => Some("records that are changed or deleted after they were read".to_owned()),
    }
}

/// Refuses what promises less than exactly once: `"require": "exactly_once"`.
///
/// # Errors
/// `Config`: names the streams, and the promise of the first.
pub fn check_exactly_once(explanations: &[Explanation]) -> Result<()> {
    let is_weaker = |explained: &&Explanation| explained.promise > Promise::ExactlyOncePerKey;
    let weaker: Vec<&Explanation> = explanations.iter().filter(is_weaker).collect();
    let Some(first) = weaker.first() else { return Ok(()) };
    let streams = list(weaker.iter().map(|explained| explained.stream.as_str()));
    let error = Error::config(format!(
        "exactly once is required, but {} is all that can be promised for {streams}: {}",
        first.promise, first.reason
    ));
    Err(match &first.advice {
        Some(advice) => error.hint(advice.clone()),
        None => error.hint("take `\"require\": \"exactly_once\"` out of the config to run all the same"),
    })
}

fn judge(
    stream: &SelectedStream,
    plan: &TablePlan,
    tap: &TapManifest,
    target: &TargetManifest,
) -> (Promise, &'static str, Option<&'static str>) {
    let has_key = !stream.key_properties.is_empty();
    let is_copy = stream.replication_method == ReplicationMethod::FullTable;
    // The first copy is the easier part: what comes after it decides.
    match (plan.write_mode(is_copy), target.transactional) {
        (WriteMode::Upsert, true) if tap.exact => (
            Promise::ExactlyOnce,
            "the tap reads on exactly, and rows and bookmark are committed in one transaction",
            None,
        ),
        (WriteMode::Upsert, true) => (
            Promise::ExactlyOncePerKey,
            "the tap may read a record again, and the row with its key is then replaced in the transaction of the \
             bookmark",
            None,
        ),
        (WriteMode::Upsert, false) => (
            Promise::EffectivelyOncePerKey,
            "after a crash rows are written again and replace themselves by their key, but the target has no \
             transaction",
            Some(CHOOSE_TARGET),
        ),
        (WriteMode::Overwrite, true) => (
            Promise::ExactlyOnce,
            "each copy is built aside and takes the table's place in one transaction",
            None,
        ),
        (_, false) => (
            Promise::AtLeastOnce,
            "after a crash rows are written again, and the target has no transaction that could tell",
            Some(CHOOSE_TARGET),
        ),
        (_, true) if tap.exact && is_copy => (
            Promise::ExactlyOnce,
            "each run adds every record once: the tap reads on exactly, and rows and bookmark are committed in one \
             transaction",
            None,
        ),
        (_, true) if tap.exact => (
            Promise::ExactlyOnce,
            "the tap reads on exactly, and rows and bookmark are committed in one transaction",
            None,
        ),
        (_, true) => (
            Promise::AtLeastOnce,
            "the tap may read a record again where it reads on, and without upsert that is another row",
            Some(if has_key { UPSERT } else { NAME_KEYS }),
        ),
    }
}
