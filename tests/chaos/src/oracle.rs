//! What is in the target after a completed sync, against what has to be there.

use anyhow::{Context, Result};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::pair::System;
use crate::source::STAMP;
use crate::stream::{Kind, Stream};
use crate::verdict::Verdict;
use crate::world::World;

const STATE_FILES: [&str; 3] = ["state.json", "state.json.lock", "state.json.prev"];

/// Looks at every row, table and file. Gives the number of rows as well.
///
/// # Errors
/// The target cannot be read at all.
pub(crate) fn judge(world: &World<'_>) -> Result<(Verdict, u64)> {
    let mut verdict = Verdict::default();
    judge_files(world, &mut verdict)?;
    if let Some(damage) = world.destination.damage()? {
        verdict.altered += 1;
        verdict.tell(|| format!("the database is damaged: {damage}"));
    }
    judge_names(world, &mut verdict)?;
    judge_state(world, &mut verdict)?;
    let rows = judge_all_rows(world, &mut verdict)?;
    Ok((verdict, rows))
}

/// Looks at every row alone.
///
/// # Errors
/// The target cannot be read at all.
pub(crate) fn judge_all_rows(world: &World<'_>, verdict: &mut Verdict) -> Result<u64> {
    let tables = world.destination.tables()?;
    let mut rows = 0;
    for stream in &world.streams {
        if tables.iter().all(|table| table != stream.name) {
            verdict.lost += stream.versions.len() as u64;
            verdict.tell(|| format!("there is no table `{}`", stream.name));
            continue;
        }
        rows += judge_rows(world, stream, verdict).with_context(|| format!("table `{}`", stream.name))?;
    }
    Ok(rows)
}

fn judge_rows(world: &World<'_>, stream: &Stream, verdict: &mut Verdict) -> Result<u64> {
    let name = stream.name;
    let columns = world.source.columns();
    let stamps = world.source.stamps(stream)?;
    let stamp = stamps.as_ref().map(|_| STAMP);
    let names = columns.iter().map(|column| column.name);
    let names: Vec<&str> = ["id"].into_iter().chain(stamp).chain(["version"]).chain(names).collect();
    let version_at = 1 + usize::from(stamp.is_some());
    // Where nothing is replaced, each version of a record is a row of its own.
    let keeps_all = stream.kind == Kind::Keyed && !world.destination.upserts();
    let (mut rows, mut seen) = (0, BTreeSet::new());
    world.destination.rows(name, &names, &mut |found| {
        rows += 1;
        let id = found[0].number().unwrap_or(-1);
        let version = found[version_at].number().unwrap_or(-1);
        let origin = match keeps_all {
            true => stream.past_origin(id, version),
            false => stream.origin(id),
        };
        let Some(origin) = origin else {
            verdict.altered += 1;
            verdict.tell(|| {
                format!("`{name}` has a row of id {id}, version {version}, which is not in the source")
            });
            return;
        };
        if !seen.insert((id, origin.version)) {
            verdict.doubled += 1;
            verdict.tell(|| format!("`{name}` has another row of id {id}"));
        }
        let mut rest = &found[1..];
        let mut difference = None;
        if let Some(stamps) = &stamps {
            let wanted = stamps.get(&id);
            if wanted.is_none_or(|wanted| !wanted.is_held_as(&rest[0])) {
                difference = Some(format!("`{STAMP}` is {:?} and has to be {wanted:?}", rest[0]));
            }
            rest = &rest[1..];
        }
        let difference = origin.find_difference(columns, rest).or(difference);
        if let Some(difference) = difference {
            verdict.altered += 1;
            verdict.tell(|| format!("`{name}`, id {id}: {difference}"));
        }
    })?;
    let newest = stream.versions.iter().map(|(id, version)| (*id, *version));
    let wanted: BTreeSet<_> = if keeps_all { stream.history().collect() } else { newest.collect() };
    for (id, version) in wanted.difference(&seen) {
        verdict.lost += 1;
        verdict.tell(|| format!("`{name}` has no row of id {id}, version {version}"));
    }
    Ok(rows)
}

/// No table that is built aside is left, nor anything else.
fn judge_names(world: &World<'_>, verdict: &mut Verdict) -> Result<()> {
    let tables = world.destination.tables()?;
    let control = world.destination.control();
    for table in &tables {
        if !control.contains(&table.as_str()) && world.streams.iter().all(|stream| stream.name != table) {
            verdict.leftovers += 1;
            verdict.tell(|| format!("the table `{table}` is left over"));
        }
    }
    Ok(())
}

fn judge_files(world: &World<'_>, verdict: &mut Verdict) -> Result<()> {
    let mut left = world.destination.leftovers()?;
    for entry in fs::read_dir(world.path("state"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !STATE_FILES.contains(&name.as_str()) {
            left.push(format!("the file `{name}` beside the state"));
        }
    }
    for entry in fs::read_dir(world.path("out"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if world.pair.destination() != System::Sqlite {
            left.push(format!("the temporary file `{name}`"));
        }
    }
    for left in left {
        verdict.leftovers += 1;
        verdict.tell(|| format!("{left} is left over"));
    }
    Ok(())
}

/// The state file is whole, says what the records of the target say, and both fit the streams that were read.
fn judge_state(world: &World<'_>, verdict: &mut Verdict) -> Result<()> {
    if let Err(error) = world.dstreams(&["state", "view", "state/state.json"]) {
        verdict.state += 1;
        verdict.tell(|| format!("{error:#}"));
        return Ok(());
    }
    let file: Json = serde_json::from_slice(&fs::read(world.path("state/state.json"))?)?;
    let mut entries: BTreeMap<String, Json> =
        serde_json::from_value(file["bookmarks"].clone()).context("the state file has no `bookmarks`")?;
    let records = world.destination.records()?;
    let generation = |value: &Json| value["generation"].as_u64().unwrap_or(0);
    let stream_of = |key: &str| key.split('#').next().unwrap_or_default().to_owned();
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for record in &records {
        let known = newest.entry(stream_of(&record.key)).or_default();
        *known = generation(&record.value).max(*known);
    }
    for record in records {
        let (key, mut value) = (record.key, record.value);
        value["sequence"] = record.sequence.into();
        let entry = entries.remove(&key).unwrap_or_default();
        // A copy that was given up for another, or of a table that is cut into other parts now, leaves the records of its
        // parts: no run asks for them again, and the file has what it last knew of them.
        let is_history = newest.get(&stream_of(&key)).is_some_and(|newest| generation(&value) < *newest);
        if entry != value && !is_history {
            verdict.state += 1;
            verdict.tell(|| format!("the state file has `{key}` as {entry}, the target as {value}"));
        }
        // A stream that is read in parts has a record for each of them.
        let of = key.split('#').next().unwrap_or_default();
        let Some(stream) = world.streams.iter().find(|stream| world.source.stream_name(stream) == of) else {
            verdict.state += 1;
            verdict.tell(|| format!("the target has a record of `{key}`, which is no stream"));
            continue;
        };
        if is_history {
            continue;
        }
        if let Some(problem) = find_problem(world, stream, &value) {
            verdict.state += 1;
            verdict.tell(|| format!("the target's record of `{key}`: {problem}: {value}"));
        }
    }
    for (key, entry) in entries {
        verdict.state += 1;
        verdict.tell(|| format!("the state file alone has `{key}`: {entry}"));
    }
    Ok(())
}

/// The records that a bookmark says were read of the one file of a stream.
fn records_read(bookmark: &Json) -> Option<u64> {
    let mut files = bookmark["files"].as_object()?.values();
    files.next().filter(|_| files.next().is_none())?["place"]["records"].as_u64()
}

/// What a record says of a stream that was read to its end.
fn find_problem(world: &World<'_>, stream: &Stream, record: &Json) -> Option<String> {
    if record["complete"] != true {
        return Some("it is not complete".to_owned());
    }
    let total = record["rows_total"].as_u64();
    match (world.pair.source(), stream.kind) {
        // A file that was replaced since its last copy is read from the start: all of its records count, as always.
        (source, _) if source.is_files() => {
            let records = match source {
                System::Csv => records_read(&record["bookmark"]),
                // A bookmark knows row groups there.
                _ => total,
            };
            for (what, counted) in [("rows_total", total), ("records", records)] {
                if counted != Some(stream.written) {
                    return Some(format!("`{what}` is not {}, the records of its files", stream.written));
                }
            }
        }
        // No record comes twice, not even one of the value at which a run ended.
        (_, Kind::Appended) if total != Some(stream.versions.len() as u64) => {
            return Some(format!("`rows_total` is not {}, the rows of the table", stream.versions.len()));
        }
        _ => {}
    }
    match stream.kind {
        Kind::Appended | Kind::Keyed if record["generation"] != 1 => {
            Some("it was read from the start more than once".to_owned())
        }
        _ => None,
    }
}
