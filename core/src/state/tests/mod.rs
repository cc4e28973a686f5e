//! Tests of state.

mod edit;
mod file;
mod lock;
mod resolve;

use std::collections::BTreeMap;

use dstream_abi::ReplicationMethod;
use serde_json::json;

use super::{Authority, Entry, PartitionState, State};

/// An entry of a stream with one partition.
fn entry(id: &str, sequence: u64, position: u64) -> (String, Entry) {
    let state = PartitionState {
        streams: vec![id.to_string()],
        method: ReplicationMethod::Incremental,
        replication_key: Some("updated_at".into()),
        bookmark: Some(json!({ "updated_at": format!("2024-01-{position:02}"), "id": position })),
        generation: 1,
        complete: true,
        rows_total: position * 10,
        edit: None,
        fingerprint: BTreeMap::new(),
    };
    (id.to_string(), Entry { sequence, state })
}

fn state() -> State {
    State {
        pipeline: "shop/warehouse".into(),
        run: "run-1".into(),
        written_at: "2024-01-02T03:04:05Z".into(),
        authority: Authority::Target,
        bookmarks: BTreeMap::from([entry("orders", 3, 7), entry("users", 1, 2)]),
        edits: vec![],
    }
}
