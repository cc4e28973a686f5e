//! How the selection is cut into partitions.

use dstream_abi::{ReplicationMethod, Selection};
use std::collections::{HashMap, HashSet};

use super::catalog::check_unique;
use super::source::{Job, Source, WIDE};
use crate::records::{shown, texts};
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure, skip};

/// Every selected stream is in the plan, nothing else is, and ids are as promised.
pub(crate) fn the_plan_has_every_stream(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut partitions = 0;
    for selection in source.selections() {
        let jobs = source.plan(&selection)?;
        check_plan(&selection, &jobs)?;
        partitions += jobs.len();
        // The host asks for one stream too.
        for stream in &selection.streams {
            let alone = Selection { streams: vec![stream.clone()], ..Selection::default() };
            check_plan(&alone, &source.plan(&alone)?)
                .during(|| format!("where `{}` alone is selected", stream.name))?;
        }
    }
    let none = source.plan(&Selection::default()).during(|| "a selection of nothing".to_owned())?;
    ensure(none.is_empty(), || format!("{} partitions of a selection of nothing", none.len()))?;
    Ok(format!("{partitions} partitions"))
}

fn check_plan(selection: &Selection, jobs: &[Job]) -> Step {
    check_unique("partition", jobs.iter().map(|job| job.partition.id.as_str()))?;
    for stream in &selection.streams {
        let of_stream = || jobs.iter().filter(|job| job.partition.streams.contains(&stream.name));
        ensure(of_stream().next().is_some(), || {
            format!("stream `{}` was selected and is in no partition", stream.name)
        })?;
        let mut whole = of_stream();
        if let (Some(only), None) = (whole.next(), whole.next())
            && only.partition.streams.len() == 1
        {
            let id = &only.partition.id;
            ensure(*id == stream.name, || {
                format!("stream `{}` is read as a whole, and its partition is called `{id}`", stream.name)
            })?;
        }
    }
    for job in jobs {
        ensure(!job.partition.streams.is_empty(), || format!("partition `{}` is empty", job.partition.id))?;
        check_unique("stream of a partition", job.partition.streams.iter().map(String::as_str))?;
    }
    Ok(())
}

/// Bookmarks are kept by partition: another run has to find the same ones.
pub(crate) fn the_plan_is_the_same_in_every_run(subject: &Subject<'_>) -> Step<String> {
    let (source, other) = (Source::open(subject)?, Source::open(subject)?);
    let ids = |source: &Source| -> Step<Vec<HashSet<String>>> {
        let ids = |selection| -> Step<HashSet<String>> {
            Ok(source.plan(selection)?.into_iter().map(|job| job.partition.id).collect())
        };
        source.selections().iter().map(ids).collect()
    };
    let (first, second, third) = (ids(&source)?, ids(&source)?, ids(&other)?);
    for again in [second, third] {
        ensure(again == first, || format!("the partitions are {again:?}, before they were {first:?}"))?;
    }
    Ok(format!("{} partitions", first.iter().map(HashSet::len).sum::<usize>()))
}

/// A key identifies one record, in whichever partition it is.
pub(crate) fn a_key_is_read_once(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut keys = 0;
    for selection in source.selections() {
        // A log of changes has a record of every change.
        let is_log = |method| method == ReplicationMethod::LogBased;
        if selection.streams.iter().any(|stream| is_log(stream.replication_method)) {
            continue;
        }
        let mut seen: HashMap<(String, String), String> = HashMap::new();
        for job in source.plan(&selection)? {
            let reading = source.read(&job, None, WIDE)?;
            for (at, stream) in job.streams.iter().enumerate() {
                let columns: Vec<usize> =
                    stream.key_properties.iter().filter_map(|key| stream.schema.index_of(key).ok()).collect();
                if columns.is_empty() {
                    continue;
                }
                for batch in reading.batches(at as u32, 0) {
                    for key in texts(&[batch.project(&columns).map_err(dstream_abi::Error::from)?])? {
                        keys += 1;
                        let place = (stream.name.clone(), key);
                        let key = shown(&place.1);
                        if let Some(before) = seen.insert(place, job.partition.id.clone()) {
                            return crate::verdict::fail(format!(
                                "stream `{}`: the key {key} is read twice, from partition `{before}` and from `{}`",
                                stream.name, job.partition.id
                            ));
                        }
                    }
                }
            }
        }
    }
    match keys {
        0 => skip("no stream with records has a key"),
        _ => Ok(format!("{keys} records")),
    }
}
