//! What is in the target after a completed sync, against what has to be there.

use anyhow::{Context, Result};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::row::columns;
use crate::tables::{Kind, Stream};
use crate::verdict::Verdict;
use crate::world::World;

const CONTROL: [&str; 4] = ["_dstreams_columns", "_dstreams_fence", "_dstreams_state", "_dstreams_tables"];
const STATE_FILES: [&str; 3] = ["state.json", "state.json.lock", "state.json.prev"];

/// Looks at every row, table and file. Gives the number of rows as well.
///
/// # Errors
/// The target cannot be read at all.
pub(crate) fn judge(world: &World<'_>) -> Result<(Verdict, u64)> {
    let mut verdict = Verdict::default();
    // Before the oracle itself opens the database.
    judge_files(world, &mut verdict)?;
    let target = Connection::open(world.path("out/out.db")).context("the target cannot be opened")?;
    let whole: String = target.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if whole != "ok" {
        verdict.altered += 1;
        verdict.tell(|| format!("the database is damaged: {whole}"));
    }
    judge_names(world, &target, &mut verdict)?;
    judge_state(world, &target, &mut verdict)?;
    let mut rows = 0;
    for stream in &world.streams {
        rows +=
            judge_rows(stream, &target, &mut verdict).with_context(|| format!("table `{}`", stream.name))?;
    }
    Ok((verdict, rows))
}

fn judge_rows(stream: &Stream, target: &Connection, verdict: &mut Verdict) -> Result<u64> {
    let name = stream.name;
    let columns: Vec<String> = columns().map(|column| format!("\"{column}\"")).collect();
    let mut select = target.prepare(&format!("SELECT {} FROM \"{name}\"", columns.join(",")))?;
    let mut found = select.query([])?;
    let (mut rows, mut seen) = (0, BTreeSet::new());
    while let Some(row) = found.next()? {
        rows += 1;
        let id: i64 = row.get(0).unwrap_or(-1);
        let Some(origin) = stream.origin(id) else {
            verdict.altered += 1;
            verdict.tell(|| format!("`{name}` has a row of id {id}, which is in no file"));
            continue;
        };
        if !seen.insert(id) {
            verdict.doubled += 1;
            verdict.tell(|| format!("`{name}` has another row of id {id}"));
        }
        if let Some(difference) = origin.find_difference(row)? {
            verdict.altered += 1;
            verdict.tell(|| format!("`{name}`, id {id}: {difference}"));
        }
    }
    for id in stream.versions.keys().filter(|id| !seen.contains(id)) {
        verdict.lost += 1;
        verdict.tell(|| format!("`{name}` has no row of id {id}"));
    }
    Ok(rows)
}

/// No table that is built aside is left, nor anything else.
fn judge_names(world: &World<'_>, target: &Connection, verdict: &mut Verdict) -> Result<()> {
    let mut select =
        target.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let names = select.query_map([], |row| row.get::<_, String>(0))?;
    for name in names {
        let name = name?;
        if !CONTROL.contains(&name.as_str()) && world.streams.iter().all(|stream| stream.name != name) {
            verdict.leftovers += 1;
            verdict.tell(|| format!("the table `{name}` is left over"));
        }
    }
    Ok(())
}

fn judge_files(world: &World<'_>, verdict: &mut Verdict) -> Result<()> {
    for (folder, expected) in [("out", &["out.db"][..]), ("state", &STATE_FILES)] {
        for entry in fs::read_dir(world.path(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !expected.contains(&name.as_str()) {
                verdict.leftovers += 1;
                verdict.tell(|| format!("the file `{folder}/{name}` is left over"));
            }
        }
    }
    Ok(())
}

/// The state file is whole, says what the records of the target say, and both fit the files that were read.
fn judge_state(world: &World<'_>, target: &Connection, verdict: &mut Verdict) -> Result<()> {
    if let Err(error) = world.dstreams(&["state", "view", "state/state.json"]) {
        verdict.state += 1;
        verdict.tell(|| format!("{error:#}"));
        return Ok(());
    }
    let file: Value = serde_json::from_slice(&fs::read(world.path("state/state.json"))?)?;
    let mut entries: BTreeMap<String, Value> =
        serde_json::from_value(file["bookmarks"].clone()).context("the state file has no `bookmarks`")?;
    let mut select = target.prepare("SELECT key, sequence, value FROM _dstreams_state")?;
    let records = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for record in records {
        let (key, sequence, value): (String, i64, String) = record?;
        let mut value: Value = serde_json::from_str(&value)?;
        value["sequence"] = sequence.into();
        let entry = entries.remove(&key).unwrap_or_default();
        if entry != value {
            verdict.state += 1;
            verdict.tell(|| format!("the state file has `{key}` as {entry}, the target as {value}"));
        }
        let Some(stream) = world.streams.iter().find(|stream| stream.name == key) else {
            verdict.state += 1;
            verdict.tell(|| format!("the target has a record of `{key}`, which is no stream"));
            continue;
        };
        if let Some(problem) = find_problem(stream, &value) {
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

/// What a record says of a stream that was read to its end.
fn find_problem(stream: &Stream, record: &Value) -> Option<String> {
    if record["complete"] != true {
        return Some("it is not complete".to_owned());
    }
    // A file that was replaced since its last copy is read from the start: all of its records count, as always.
    for (what, counted) in
        [("rows_total", &record["rows_total"]), ("records", &record["bookmark"]["records"])]
    {
        if *counted != stream.written {
            return Some(format!("`{what}` is {counted}, the file has {} records", stream.written));
        }
    }
    let generations = record["generation"].as_u64();
    match stream.kind {
        Kind::Appended | Kind::Keyed if generations != Some(1) => {
            Some("it was read from the start more than once".to_owned())
        }
        _ => None,
    }
}
