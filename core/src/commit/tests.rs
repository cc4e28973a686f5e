//! What the exploration does not look at: words to those who wait.

use dstream_abi::{Error, ErrorKind, ReplicationMethod, StreamPlan, WriteMode};
use std::collections::BTreeSet;

use super::{Action, Event, Lane, Machine, Protocol, Run};
use crate::state::{PartitionState, Start};

fn lane(name: &str) -> Lane {
    let state = PartitionState {
        streams: vec![name.into()],
        method: ReplicationMethod::Incremental,
        replication_key: None,
        bookmark: None,
        generation: 1,
        complete: false,
        rows_total: 0,
        edit: None,
        fingerprint: Default::default(),
    };
    let start = Start {
        partition: name.into(),
        stored: None,
        sequence: 0,
        state,
        resumed: BTreeSet::new(),
        complete: false,
    };
    let plan = StreamPlan {
        stream: name.into(),
        table: name.into(),
        write_mode: WriteMode::Append,
        write_mode_is_explicit: false,
        key_properties: vec![],
        replication_method: ReplicationMethod::Incremental,
        generation: 1,
        resumed: false,
    };
    Lane { start, streams: vec![plan] }
}

#[test]
fn a_writer_that_is_fenced_ends_the_whole_run() {
    let run = Run { pipeline: "p".into(), run: "r".into(), epoch: 1, transactional: true };
    let mut machine = Machine::new(Protocol::default(), run, vec![lane("a"), lane("b")]);
    for partition in ["a", "b"] {
        let opened = machine.handle(Event::LaneReady { partition: partition.into() });
        assert!(matches!(opened[..], [Action::OpenLane(_)]), "{opened:?}");
    }
    let error = Error::fenced("the run `x` took over the pipeline `p`");
    let told = machine.handle(Event::LaneFailed { partition: "a".into(), round: 1, error });
    assert!(matches!(told[..], [Action::Fail { partition: None, .. }, Action::Fail { partition: Some(_), .. }]));
    assert_eq!(machine.failure().map(Error::kind), Some(ErrorKind::Fenced));
}
