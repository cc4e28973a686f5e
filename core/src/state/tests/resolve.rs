use std::collections::BTreeMap;
use std::sync::Arc;

use dstream_abi::ReplicationMethod::{self, FullTable, Incremental};
use dstream_abi::{CommitRecord, Partition, SelectedStream};
use serde_json::json;

use crate::commit::Protocol;
use crate::state::{
    Authority, Edit, Entry, PartitionState, Question, Start, Starts, State, StateError, StateFile, resolve,
};

/// What is asked, with the usual answers filled in.
struct Case {
    file: Option<State>,
    records: Vec<CommitRecord>,
    transactional: bool,
    full_refresh: bool,
    method: ReplicationMethod,
    key: Option<&'static str>,
    fingerprint: &'static str,
    plan: Vec<Partition>,
}

impl Default for Case {
    fn default() -> Case {
        Case {
            file: Some(State::default()),
            records: vec![],
            transactional: true,
            full_refresh: false,
            method: Incremental,
            key: Some("at"),
            fingerprint: "db1",
            plan: vec![Partition::whole("s")],
        }
    }
}

impl Case {
    fn starts(&self) -> Result<Starts, StateError> {
        let fingerprint = BTreeMap::from([("source".to_string(), self.fingerprint.to_string())]);
        let streams = [SelectedStream {
            upserted: false,
            name: "s".into(),
            schema: Arc::new(arrow::datatypes::Schema::empty()),
            key_properties: vec![],
            replication_method: self.method,
            replication_key: self.key.map(str::to_string),
        }];
        let question = Question {
            pipeline: "p",
            state: self.file.as_ref(),
            records: &self.records,
            transactional: self.transactional,
            full_refresh: self.full_refresh,
            streams: &streams,
            fingerprint: &fingerprint,
            protocol: Protocol::default(),
        };
        let resolution = resolve(&question)?;
        let (bookmarks, complete) = (resolution.bookmarks.clone(), resolution.complete.clone());
        let starts = resolution.starts(&self.plan)?;
        for start in &starts.lanes {
            let given = if start.complete { &complete } else { &bookmarks };
            assert_eq!(given.get(&start.partition), start.state.bookmark.as_ref(), "the plan's bookmark");
        }
        Ok(starts)
    }

    /// `at 7, generation 1, after commit 3`, with what is special of it.
    fn told(&self) -> String {
        let starts = match self.starts() {
            Ok(starts) => starts,
            Err(StateError::Unusable(_)) => return "stop 8".into(),
            Err(error) => return format!("error: {error}"),
        };
        starts.lanes.iter().map(tell).collect::<Vec<_>>().join("; ")
    }
}

fn tell(start: &Start) -> String {
    let place = start.state.bookmark.as_ref().map_or("start".to_string(), |at| format!("at {at}"));
    let mut told = format!("{place}, generation {}, after {}", start.state.generation, start.sequence);
    if !start.resumed.is_empty() {
        told.push_str(", resumed");
    }
    if start.complete {
        told.push_str(", complete");
    }
    if let Some(edit) = &start.state.edit {
        told.push_str(&format!(", edit {edit}"));
    }
    told
}

fn entry(sequence: u64, at: u64) -> Entry {
    let state = PartitionState {
        streams: vec!["s".into()],
        method: Incremental,
        replication_key: Some("at".into()),
        bookmark: Some(json!(at)),
        generation: 1,
        complete: true,
        rows_total: at,
        edit: None,
        fingerprint: BTreeMap::from([("source".into(), "db1".into())]),
    };
    Entry { sequence, state }
}

fn full(sequence: u64, at: u64, generation: u64, complete: bool) -> Entry {
    let mut entry = entry(sequence, at);
    entry.state.method = FullTable;
    entry.state.replication_key = None;
    entry.state.generation = generation;
    entry.state.complete = complete;
    entry
}

fn file(entries: &[(&str, Entry)]) -> State {
    State {
        pipeline: "p".into(),
        bookmarks: entries.iter().map(|(id, entry)| (id.to_string(), entry.clone())).collect(),
        ..State::default()
    }
}

fn edited(mut state: State, id: &str, stream: Option<&str>, bookmark: Option<u64>) -> State {
    state.edits.push(Edit {
        id: id.into(),
        stream: stream.map(str::to_string),
        bookmark: bookmark.map(|at| json!(at)),
        made_at: String::new(),
    });
    state
}

fn with_edit(mut entry: Entry, id: &str) -> Entry {
    entry.state.edit = Some(id.into());
    entry
}

fn parts() -> Vec<Partition> {
    let part = |id: &str| Partition { id: id.into(), streams: vec!["s".into()], data: json!(null) };
    vec![part("s/1"), part("s/2")]
}

/// File against record, incremental: who wins.
#[test]
fn the_hand_wins_over_the_target_and_the_target_over_the_file() {
    let at = |sequence, at| Some(entry(sequence, at));
    let file_of = |entry: &Option<Entry>| match entry {
        Some(entry) => file(&[("s", entry.clone())]),
        None => State::default(),
    };
    let cleared = |entry| edited(file_of(&entry), "e", None, None);
    let cleared_stream = |entry| edited(file_of(&entry), "e", Some("s"), None);
    let set = |entry| edited(file_of(&entry), "e", Some("s"), Some(2));
    let (same, lags, ahead) = (at(3, 7), at(2, 5), at(4, 9));
    #[rustfmt::skip]
    let table = [
        // file                       no record                              record: commit 3, at 7                   no records kept by the target
        (None,                        "start, generation 1, after 0",        "start, generation 2, after 3",          "start, generation 1, after 0"),
        (Some(file_of(&None)),        "start, generation 1, after 0",        "at 7, generation 1, after 3, resumed",  "start, generation 1, after 0"),
        (Some(file_of(&same)),        "stop 8",                              "at 7, generation 1, after 3, resumed",  "at 7, generation 1, after 3, resumed"),
        (Some(file_of(&lags)),        "stop 8",                              "at 7, generation 1, after 3, resumed",  "at 5, generation 1, after 2, resumed"),
        (Some(file_of(&ahead)),       "stop 8",                              "stop 8",                                "at 9, generation 1, after 4, resumed"),
        (Some(cleared(None)),         "start, generation 1, after 0, edit e","start, generation 2, after 3, edit e",  "start, generation 1, after 0, edit e"),
        (Some(cleared_stream(None)),  "start, generation 1, after 0, edit e","start, generation 2, after 3, edit e",  "start, generation 1, after 0, edit e"),
        (Some(set(None)),             "at 2, generation 1, after 0, edit e", "at 2, generation 1, after 3, resumed, edit e", "at 2, generation 1, after 0, edit e"),
        (Some(set(same.clone())),     "at 2, generation 1, after 0, edit e", "at 2, generation 1, after 3, resumed, edit e", "at 2, generation 1, after 3, resumed, edit e"),
        (Some(set(ahead.clone())),    "at 2, generation 1, after 0, edit e", "at 2, generation 1, after 3, resumed, edit e", "at 2, generation 1, after 4, resumed, edit e"),
    ];
    for (state, no_record, record, no_target) in table {
        let records = vec![entry(3, 7).to_record("s")];
        let told = |records: Vec<CommitRecord>, transactional, full_refresh| {
            Case { file: state.clone(), records, transactional, full_refresh, ..Case::default() }.told()
        };
        assert_eq!(told(vec![], true, false), no_record, "no record, file {state:?}");
        assert_eq!(told(records.clone(), true, false), record, "a record, file {state:?}");
        assert_eq!(told(vec![], false, false), no_target, "no records kept, file {state:?}");
        let fresh = told(records, true, true);
        assert!(fresh.starts_with("start, generation 2, after 3"), "full refresh, file {state:?}: {fresh}");
    }
}

#[test]
fn a_hand_edit_is_applied_once_wherever_its_mark_was_saved() {
    let state = |entry: Entry| Some(edited(file(&[("s", entry)]), "e", Some("s"), Some(2)));
    let in_record = vec![with_edit(entry(4, 9), "e").to_record("s")];
    // The run died after the commit and before the file was saved.
    let case = Case { file: state(entry(3, 7)), records: in_record, ..Case::default() };
    assert_eq!(case.told(), "at 9, generation 1, after 4, resumed, edit e");
    // The target was emptied after the edit had been applied.
    let case = Case { file: state(with_edit(entry(4, 9), "e")), ..Case::default() };
    assert_eq!(case.told(), "stop 8");
    let case = Case { file: state(with_edit(entry(4, 9), "e")), transactional: false, ..Case::default() };
    assert_eq!(case.told(), "at 9, generation 1, after 4, resumed, edit e");
    // A newer edit is another one.
    let newer = edited(state(entry(3, 7)).unwrap(), "f", Some("s"), Some(1));
    let records = vec![with_edit(entry(4, 9), "e").to_record("s")];
    let case = Case { file: Some(newer), records, ..Case::default() };
    assert_eq!(case.told(), "at 1, generation 1, after 4, resumed, edit f");
}

#[test]
fn a_run_from_the_beginning_does_not_bring_an_edit_back() {
    let records = vec![with_edit(entry(3, 7), "e").to_record("s")];
    assert_eq!(
        Case { file: None, records, ..Case::default() }.told(),
        "start, generation 2, after 3, edit e"
    );
}

#[test]
fn a_full_table_starts_over_when_it_is_complete_and_goes_on_when_it_is_not() {
    let told = |entry: Entry, file: Option<State>| {
        let records = vec![entry.to_record("s")];
        Case { file, records, method: FullTable, key: None, ..Case::default() }.told()
    };
    let given = || Some(State::default());
    assert_eq!(told(full(3, 7, 4, true), given()), "start, generation 5, after 3");
    assert_eq!(told(full(3, 7, 4, false), given()), "at 7, generation 4, after 3, resumed");
    assert_eq!(told(full(3, 7, 4, false), None), "start, generation 5, after 3");
}

#[test]
fn partitions_of_a_full_table_share_a_generation() {
    let told = |entries: &[(&str, Entry)]| {
        let records = entries.iter().map(|(id, entry)| entry.to_record(id)).collect();
        Case { records, method: FullTable, key: None, plan: parts(), ..Case::default() }.told()
    };
    assert_eq!(
        told(&[("s/1", full(2, 5, 1, true))]),
        "at 5, generation 1, after 2, resumed, complete; start, generation 1, after 0, resumed"
    );
    assert_eq!(
        told(&[("s/1", full(4, 3, 2, false)), ("s/2", full(2, 5, 1, true))]),
        "at 3, generation 2, after 4, resumed; start, generation 2, after 2, resumed"
    );
    assert_eq!(
        told(&[("s/1", full(4, 5, 2, true)), ("s/2", full(4, 5, 2, true))]),
        "start, generation 3, after 4; start, generation 3, after 4"
    );
    // The tap cuts the table in another way now.
    assert_eq!(
        told(&[("s/1", full(4, 5, 2, true)), ("s/3", full(4, 5, 2, true))]),
        "start, generation 3, after 4; start, generation 3, after 0"
    );
    // A partition that is not cut any more does not keep the others from starting over.
    assert_eq!(
        told(&[("s/1", full(4, 5, 2, true)), ("s/2", full(4, 5, 2, true)), ("s/3", full(2, 5, 1, true))]),
        "start, generation 3, after 4; start, generation 3, after 4"
    );
}

#[test]
fn an_interrupted_start_over_goes_on_with_those_that_have_not_started_over() {
    // Cleared by hand; one partition has committed since, the other has not.
    let state = edited(file(&[]), "e", None, None);
    let mut first = with_edit(entry(4, 3), "e");
    first.state.generation = 2;
    let records = vec![first.to_record("s/1"), entry(2, 5).to_record("s/2")];
    let case = Case { file: Some(state), records, plan: parts(), ..Case::default() };
    assert_eq!(
        case.told(),
        "at 3, generation 2, after 4, resumed, edit e; start, generation 2, after 2, resumed, edit e"
    );
}

#[test]
fn a_new_partition_of_an_incremental_stream_joins_its_generation() {
    let records = vec![entry(4, 3).to_record("s/1")];
    let case = Case { records, plan: parts(), ..Case::default() };
    assert_eq!(case.told(), "at 3, generation 1, after 4, resumed; start, generation 1, after 0, resumed");
}

#[test]
fn streams_that_share_a_partition_share_a_generation() {
    let log = Partition { id: "log".into(), streams: vec!["s".into(), "t".into()], data: json!(null) };
    let mut records = vec![entry(4, 3).to_record("log")];
    let mut other = entry(2, 2);
    other.state.streams = vec!["t".into(), "s".into()];
    other.state.generation = 3;
    records.push(other.to_record("t"));
    let case = Case { records, plan: vec![log], ..Case::default() };
    assert_eq!(case.told(), "start, generation 3, after 4, resumed");
}

#[test]
fn a_bookmark_that_has_lost_its_meaning_stops_the_run_and_says_why() {
    let stopped = |case: Case| match case.starts() {
        Err(StateError::Unusable(error)) => error.to_string(),
        other => panic!("not stopped: {other:?}"),
    };
    let records = || vec![entry(3, 7).to_record("s")];
    let message = stopped(Case { records: records(), method: FullTable, ..Case::default() });
    assert!(message.contains("replication method was `INCREMENTAL` and is now `FULL_TABLE`"), "{message}");
    let message = stopped(Case { records: records(), key: Some("id"), ..Case::default() });
    assert!(message.contains("replication key was `at` and is now `id`"), "{message}");
    let message = stopped(Case { records: records(), fingerprint: "db2", ..Case::default() });
    assert!(message.contains("source was `db1` and is now `db2`"), "{message}");
    let other = State { pipeline: "q".into(), ..State::default() };
    let message = stopped(Case { file: Some(other), ..Case::default() });
    assert!(message.contains("belongs to pipeline `q`, this is `p`"), "{message}");
    // Whoever starts over or sets a bookmark by hand knows what it means now.
    let case = Case { records: records(), method: FullTable, full_refresh: true, ..Case::default() };
    assert_eq!(case.told(), "start, generation 2, after 3");
    let state = edited(State::default(), "e", Some("s"), Some(2));
    let case = Case { records: records(), key: Some("id"), file: Some(state), ..Case::default() };
    assert_eq!(case.told(), "at 2, generation 1, after 3, resumed, edit e");
}

#[test]
fn a_bookmark_cannot_be_set_for_a_full_table_or_for_several_partitions() {
    let state = || Some(edited(State::default(), "e", Some("s"), Some(2)));
    let told = Case { file: state(), method: FullTable, key: None, ..Case::default() }.told();
    assert!(told.contains("FULL_TABLE reads everything"), "{told}");
    let told = Case { file: state(), plan: parts(), ..Case::default() }.told();
    assert!(told.contains("several partitions") && told.contains("`s/1`, `s/2`"), "{told}");
}

#[test]
fn the_user_is_told_who_won() {
    let notices = |case: Case| case.starts().unwrap().notices.join("\n");
    let records = || vec![entry(3, 7).to_record("s")];
    let state = file(&[("s", entry(2, 5))]);
    let told = notices(Case { file: Some(state), records: records(), ..Case::default() });
    assert!(
        told.contains("the target is ahead of the state file and wins (commit 3, the file has 2)"),
        "{told}"
    );
    let state = edited(State::default(), "e", None, None);
    let told = notices(Case { file: Some(state), records: records(), ..Case::default() });
    assert!(told.contains("cleared by hand"), "{told}");
    let state = edited(State::default(), "e", Some("s"), Some(1));
    let told = notices(Case { file: Some(state), records: records(), ..Case::default() });
    assert!(told.contains("set by hand"), "{told}");
    let told =
        notices(Case { file: Some(file(&[("s", entry(3, 7))])), records: records(), ..Case::default() });
    assert_eq!(told, "", "nothing to tell when they agree");
}

#[test]
fn a_record_that_is_not_ours_stops_the_run() {
    let records = vec![CommitRecord { key: "s".into(), sequence: 1, value: json!({ "offset": 1 }) }];
    assert_eq!(Case { records, ..Case::default() }.told(), "stop 8");
}

#[test]
fn an_emptied_target_does_not_keep_the_file_from_learning_new_commits() {
    let mut state = file(&[("s", entry(9, 9))]);
    let case = Case { file: Some(state.clone()), full_refresh: true, ..Case::default() };
    state.begin_run("p", "r", Authority::Target, &case.starts().unwrap());
    state.absorb([("s".to_string(), entry(1, 1))]);
    assert_eq!(state.bookmarks["s"].sequence, 1);
}

#[test]
fn a_file_that_was_lost_is_behind_the_target_until_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = StateFile::open(&folder.path().join("state.json")).unwrap();
    let nothing = Case::default().starts().unwrap();
    file.begin_run("p", "r", Authority::Target, &nothing);
    assert!(!file.is_behind(), "there is nothing to be written");
    let (id, stored) = super::entry("s", 3, 7);
    let mut case = Case { key: Some("updated_at"), ..Case::default() };
    case.records = vec![stored.to_record(&id)];
    file.begin_run("p", "r", Authority::Target, &case.starts().unwrap());
    assert!(file.is_behind());
    file.save().unwrap();
    assert!(!file.is_behind());
    assert_eq!(StateFile::open(file.path()).unwrap().state().bookmarks["s"], stored);
}
