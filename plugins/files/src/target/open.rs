//! From a plan to the files that it writes: who owns the table, where its rows go, what is left over.

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

use dstream_sdk::{Error, Result, StreamPlan, TableClaim, TableOwner, WriteMode};

use super::names;
use super::options::Layout;
use super::state::{Copy, DataFile, State, Table};
use crate::store::Store;

/// What staged files end in: readers that look for all files of a kind do not find them.
pub(crate) const STAGED: &str = ".staged";

/// Where the rows of a stream go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Into a copy that is not complete.
    pub(crate) is_aside: bool,
    /// The copy has files already.
    pub(crate) has_files: bool,
    /// The columns that they have.
    pub(crate) schema: Option<SchemaRef>,
}

/// Who writes a table: the one line of its file.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    pipeline: String,
}

/// How files of a target are made, as far as what is there must fit to it.
pub(crate) struct Wanted<'a> {
    pub(crate) layout: Layout,
    pub(crate) ending: &'a str,
    pub(crate) dialect: &'a str,
}

/// Claims the table for its pipeline and looks at what is there.
///
/// # Errors
/// `Unsupported`: it is to be upserted. `Config`: it belongs to somebody else. `Schema`: files of it are gone, or not what was committed.
pub(crate) fn claim(
    store: &dyn Store,
    state: &State,
    claim: TableClaim<'_>,
    wanted: &Wanted<'_>,
) -> Result<Place> {
    let TableClaim { pipeline, plan, .. } = claim;
    if plan.write_mode == WriteMode::Upsert {
        return Err(Error::unsupported("a file cannot replace single records: `upsert` is not offered")
            .hint("choose `append` or `overwrite`, or a target that is a database"));
    }
    let table = state.tables.get(&plan.table);
    let live = table.and_then(|table| table.live.as_ref());
    check_owner(store, plan, pipeline, live, wanted)?;
    let owner = live.map(|copy| State::owner(copy, pipeline));
    let is_aside = claim.is_built_aside(owner.as_ref());
    let copy = match is_aside {
        true => aside_of(table, claim),
        false => live,
    };
    if plan.resumed && copy.is_none() {
        return Err(claim.gone());
    }
    if let Some(copy) = copy {
        check_same(copy, is_aside, &plan.table, wanted)?;
        check_files(store, copy)?;
    }
    let has_files = copy.is_some_and(|copy| !copy.files.is_empty());
    Ok(Place { is_aside, has_files, schema: copy.map(|copy| copy.schema.clone()) })
}

/// The copy aside, if it is the one that this run goes on with.
fn aside_of<'a>(table: Option<&'a Table>, claim: TableClaim<'_>) -> Option<&'a Copy> {
    let copy = table?.aside.as_ref()?;
    claim.is_of_this_copy(&State::owner(copy, claim.pipeline)).then_some(copy)
}

/// Files of one copy are made in one way: readers read them as one.
fn check_same(copy: &Copy, is_aside: bool, table: &str, wanted: &Wanted<'_>) -> Result<()> {
    let mut differs = None;
    if !copy.dialect.is_empty() && copy.dialect != wanted.dialect {
        differs = Some("other options");
    }
    let fits = |file: &DataFile| match (wanted.layout, is_aside) {
        (Layout::Folder, true) => true,
        (Layout::Folder, false) => file.name.contains('/'),
        (Layout::File, true) => file.name.ends_with(&format!(".{}{STAGED}", wanted.ending)),
        (Layout::File, false) => file.name == file_name(table, wanted.ending),
    };
    let is_one = wanted.layout == Layout::Folder || copy.files.len() <= 1;
    if !is_one || !copy.files.iter().all(fits) {
        differs = Some("another `layout` or `compression`");
    }
    match differs {
        None => Ok(()),
        Some(how) => Err(Error::config(format!("the table `{table}` was written with {how}"))
            .hint("set the options as they were, or run with `--full-refresh` to write the stream anew")),
    }
}

fn check_owner(
    store: &dyn Store,
    plan: &StreamPlan,
    pipeline: &str,
    live: Option<&Copy>,
    wanted: &Wanted<'_>,
) -> Result<()> {
    let name = format!("_dstreams/tables/{}.json", names::encoded(&plan.table));
    let owner = |bytes: &[u8]| -> Result<TableOwner> {
        let owner: Owner = serde_json::from_slice(bytes).map_err(|_| {
            Error::bookmark_lost(format!("`{}` does not say who owns a table", store.shown(&name)))
                .hint("remove it where no other pipeline writes to the table")
        })?;
        Ok(TableOwner { pipeline: owner.pipeline, generation: 0, epoch: 0 })
    };
    let found = store.read(&name)?;
    if let Some(found) = &found {
        return TableOwner::check(Some(&owner(found)?), plan, pipeline);
    }
    let is_there = || match wanted.layout {
        Layout::Folder => Ok(!store.list(&names::encoded(&plan.table))?.is_empty()),
        Layout::File => Ok::<_, Error>(store.bytes(&file_name(&plan.table, wanted.ending))?.is_some()),
    };
    if live.is_none() && is_there()? {
        TableOwner::check(None, plan, pipeline)?;
    }
    let owned = serde_json::to_vec(&Owner { pipeline: pipeline.to_owned() })
        .map_err(|error| Error::bug(format!("the owner of a table is no JSON: {error}")))?;
    match store.create_new(&name, &owned, &stage_folder(&names::notes_of(pipeline)))? {
        true => Ok(()),
        // Somebody was quicker.
        false => match store.read(&name)? {
            Some(found) => TableOwner::check(Some(&owner(&found)?), plan, pipeline),
            None => Ok(()),
        },
    }
}

/// The files of a copy are there, and as long as they were when they were committed.
fn check_files(store: &dyn Store, copy: &Copy) -> Result<()> {
    // A folder with the files of many tables is not listed for each of them.
    if let [file] = &copy.files[..] {
        return check_file(store, file, store.bytes(&file.name)?);
    }
    let mut folders: Vec<&str> = copy.files.iter().map(|file| folder_of(&file.name)).collect();
    folders.sort_unstable();
    folders.dedup();
    let mut there = std::collections::HashMap::new();
    for folder in folders {
        for file in store.list(folder)? {
            there.insert(format!("{folder}/{}", file.name), file.bytes);
        }
    }
    copy.files.iter().try_for_each(|file| check_file(store, file, there.get(&file.name).copied()))
}

/// A file is as long as it was when it was committed.
pub(crate) fn check_file(store: &dyn Store, file: &DataFile, there: Option<u64>) -> Result<()> {
    let found = match there {
        Some(bytes) if bytes == file.bytes => return Ok(()),
        Some(bytes) => format!("has {bytes} bytes, and {} were committed", file.bytes),
        None => "is gone, and with it rows that are not read again".to_owned(),
    };
    Err(Error::schema(format!("the file `{}` {found}", store.shown(&file.name)))
        .hint("put it back, or run with `--full-refresh` to read the stream from its start"))
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder of files that are not committed.
pub(crate) fn stage_folder(notes: &str) -> String {
    format!("{notes}/stage")
}

/// The name of a file that readers see: never given twice.
pub(crate) fn part_name(pipeline: &str, number: u64, at: usize, ending: &str) -> String {
    format!("part-{}-{number:08}-{at:04}.{ending}", names::hash(pipeline, 3))
}

/// The name of a table's one file.
pub(crate) fn file_name(table: &str, ending: &str) -> String {
    format!("{}.{ending}", names::encoded(table))
}

/// Removes what older runs staged and never committed.
pub(crate) fn remove_leftovers(store: &dyn Store, notes: &str, state: &State) -> Result<()> {
    let folder = stage_folder(notes);
    let kept: HashSet<&str> = state.files_aside().collect();
    for file in store.list(&folder)? {
        let name = format!("{folder}/{}", file.name);
        if !kept.contains(name.as_str()) {
            store.remove(&name)?;
        }
    }
    Ok(())
}
