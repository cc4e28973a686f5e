//! What must hold in every state.

use std::collections::BTreeMap;

use dstream_core::state::{Entry, State};

use super::target::{Row, Table};
use super::world::{Scenario, World};

/// Rows that can be seen are exactly the rows that the stored records cover. With a target that keeps no records: what
/// the state file covers is there.
pub(crate) fn check(scenario: &Scenario, world: &World) -> Result<(), String> {
    if !scenario.rules.transactional {
        return check_nothing_lost(scenario, world);
    }
    let empty = Table::default();
    for stream in streams(scenario) {
        let table = world.target.tables.get(stream).unwrap_or(&empty);
        let entries: Vec<(usize, Option<&Entry>)> =
            parts(scenario, stream).map(|(index, id)| (index, world.target.records.get(id))).collect();
        if scenario.overwrite {
            check_published(scenario, stream, table, &entries)?;
        } else {
            let covered = entries.iter().flat_map(|(index, entry)| covered(*index, *entry));
            equal(&format!("`{stream}`"), &table.visible, &covered.collect())?;
        }
    }
    Ok(())
}

fn check_published(
    scenario: &Scenario,
    stream: &str,
    table: &Table,
    entries: &[(usize, Option<&Entry>)],
) -> Result<(), String> {
    let newest =
        entries.iter().filter_map(|(_, entry)| entry.map(|entry| entry.state.generation)).max().unwrap_or(0);
    let of_newest = |entry: &&Entry| entry.state.generation == newest;
    let is_complete = entries.iter().all(|(_, entry)| {
        entry.as_ref().filter(|entry| of_newest(entry)).is_some_and(|entry| entry.state.complete)
    });
    let all = |generation| -> BTreeMap<Row, u8> {
        let rows = parts(scenario, stream).filter(|_| generation > 0);
        rows.flat_map(|(index, _)| {
            (0..scenario.partitions[index].rows).map(move |row| ((generation, index, row), 1))
        })
        .collect()
    };
    equal(&format!("`{stream}` as published"), &table.visible, &all(table.published))?;
    if is_complete != (newest > 0 && table.published == newest) {
        return Err(format!(
            "`{stream}` generation {newest}: complete {is_complete}, published {}",
            table.published
        ));
    }
    if !is_complete {
        let entries = entries.iter().map(|(index, entry)| (*index, entry.filter(|entry| of_newest(entry))));
        let covered = entries.flat_map(|(index, entry)| covered(index, entry)).collect();
        let aside = table.aside.as_ref().filter(|(generation, _)| *generation == newest);
        equal(&format!("`{stream}` aside"), aside.map_or(&BTreeMap::new(), |(_, rows)| rows), &covered)?;
    }
    Ok(())
}

fn check_nothing_lost(scenario: &Scenario, world: &World) -> Result<(), String> {
    let empty = (State::default(), Table::default());
    let state = world.file.as_deref().unwrap_or(&empty.0);
    for (index, part) in scenario.partitions.iter().enumerate() {
        let table = world.target.tables.get(part.stream).unwrap_or(&empty.1);
        for (row, _) in covered(index, state.bookmarks.get(part.id)) {
            if !table.visible.contains_key(&row) {
                return Err(format!("the state file covers row {row:?}, and it is not there"));
            }
        }
    }
    Ok(())
}

/// After an undisturbed run: everything is there, once.
pub(crate) fn check_complete(scenario: &Scenario, world: &World) -> Result<(), String> {
    check(scenario, world)?;
    let empty = Table::default();
    for stream in streams(scenario) {
        let table = world.target.tables.get(stream).unwrap_or(&empty);
        for (index, _) in parts(scenario, stream) {
            for row in 0..scenario.partitions[index].rows {
                let count: u8 = table
                    .visible
                    .iter()
                    .filter(|((_, p, r), _)| (*p, *r) == (index, row))
                    .map(|(_, n)| n)
                    .sum();
                if count == 0 || (count > 1 && scenario.rules.transactional) {
                    return Err(format!(
                        "row {row} of partition {index} is there {count} times after the last run"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn covered(index: usize, entry: Option<&Entry>) -> impl Iterator<Item = (Row, u8)> {
    let generation = entry.map_or(0, |entry| entry.state.generation);
    let rows = entry.and_then(|entry| entry.state.bookmark.as_ref()?.as_u64()).unwrap_or(0);
    (0..rows).map(move |row| ((generation, index, row), 1))
}

fn equal(what: &str, found: &BTreeMap<Row, u8>, expected: &BTreeMap<Row, u8>) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} has {found:?}, and the records cover {expected:?}"))
}

fn streams(scenario: &Scenario) -> Vec<&'static str> {
    let mut names: Vec<_> = scenario.partitions.iter().map(|part| part.stream).collect();
    names.dedup();
    names
}

fn parts<'a>(scenario: &'a Scenario, stream: &'a str) -> impl Iterator<Item = (usize, &'static str)> + 'a {
    let parts = scenario.partitions.iter().enumerate();
    parts.filter(move |(_, part)| part.stream == stream).map(|(index, part)| (index, part.id))
}
