//! Cuts what is selected into partitions, as it was cut before where a copy is being made.

use dstream_sdk::{
    Bookmark, Error, ErrorKind, Partition, ReplicationMethod, Result, SelectedStream, Selection, tracing,
};
use std::collections::BTreeMap;

use super::cut::{Cut, File, FullBookmark, cut_into, id_of, is_id_of};
use super::options::Wishes;
use super::relations::{Relation, RelationKind};
use super::snapshot::{begin, export, place, what_changed};
use super::source::Source;
use crate::client::Client;

/// Below this, one reader is done before a second one has logged in.
const BYTES_PER_PART: u64 = 64 << 20;
const BLOCK_BYTES: u64 = 8192;
const MAX_PARTS: u64 = 4;
/// A plan is in every bookmark, and these have 64 KiB at most.
const MAX_FILES: usize = 400;

/// A plan, and the session that keeps its snapshot.
pub(crate) struct Plan {
    pub(crate) partitions: Vec<Partition>,
    pub(crate) keeper: Option<Client>,
}

struct Planner<'a> {
    client: Client,
    wishes: &'a Wishes,
    place: String,
    bookmarks: &'a BTreeMap<String, Bookmark>,
    complete: &'a BTreeMap<String, Bookmark>,
    snapshot: Option<String>,
}

/// Cuts the selection.
///
/// # Errors
/// As [`Client::query`]. What is wrong with one stream is said by its reader: the others go on.
pub(crate) fn plan(client: Client, wishes: &Wishes, selection: &Selection) -> Result<Plan> {
    let place = String::new();
    let (bookmarks, complete) = (&selection.bookmarks, &selection.complete);
    let mut planner = Planner { client, wishes, place, bookmarks, complete, snapshot: None };
    let mut partitions = Vec::new();
    for stream in &selection.streams {
        match stream.replication_method {
            ReplicationMethod::FullTable => partitions.extend(planner.full(stream)?),
            _ => partitions.push(Partition::whole(&stream.name)),
        }
    }
    let keeper = planner.snapshot.is_some().then_some(planner.client);
    Ok(Plan { partitions, keeper })
}

impl Planner<'_> {
    fn full(&mut self, stream: &SelectedStream) -> Result<Vec<Partition>> {
        let name = stream.name.as_str();
        let of_stream = self.bookmarks.iter().chain(self.complete).filter(|(id, _)| is_id_of(id, name));
        let last: Result<Vec<FullBookmark>> =
            of_stream.map(|(_, bookmark)| FullBookmark::parse(bookmark)).collect();
        // A bookmark that is no longer understood is one that cannot be gone on with.
        let (last, is_strange) = last.map_or((Vec::new(), true), |last| (last, false));
        let complete = self.complete.keys().filter(|id| is_id_of(id, name)).count();
        let is_under_way = last.first().is_some_and(|first| complete < first.cut.parts.len());
        let other_round = u8::from(last.first().map_or(is_strange, |last| last.cut.round == 0));
        let round = if is_under_way || is_strange { other_round } else { 0 };
        let Some((source, files)) = self.files(name)? else {
            if is_under_way {
                warn_over(name, "it cannot be read in ranges any more");
            }
            return Ok(vec![Partition { id: id_of(name, round, 0, 1), ..Partition::whole(name) }]);
        };
        if is_under_way {
            match self.why_not(&source, &files, &last)? {
                None => {
                    tracing::info!(stream = name, "what is read of it has not changed: it is gone on with");
                    let snapshot = self.share()?;
                    return last[0].cut.partitions(name, Some(&snapshot));
                }
                Some(why) => warn_over(name, &why),
            }
        }
        let blocks: u64 = files.iter().map(|file| u64::from(file.blocks)).sum();
        let by_size = (blocks * BLOCK_BYTES / BYTES_PER_PART).clamp(1, MAX_PARTS);
        let wanted = self.wishes.partitions.map_or(by_size, |wanted| u64::from(wanted.get()));
        let cut = Cut {
            place: self.place()?,
            oid: source.relation.as_ref().map_or(0, |relation| relation.oid),
            filter: source.filter.clone(),
            round,
            parts: cut_into(&files, wanted.clamp(1, blocks.max(1)) as usize),
        };
        let snapshot = if cut.parts.len() > 1 { Some(self.share()?) } else { None };
        cut.partitions(name, snapshot.as_ref())
    }

    /// The files of a stream that lies in blocks; `None`: it is read as a whole, or not at all.
    fn files(&mut self, stream: &str) -> Result<Option<(Source, Vec<File>)>> {
        // Before version 14, a range of blocks is found by reading all of them.
        if self.client.version() < 140_000 || self.wishes.queries.contains_key(stream) {
            return Ok(None);
        }
        let source = match Source::find(&mut self.client, self.wishes, stream) {
            Ok(source) => source,
            Err(error) if is_of_stream(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(relation) = &source.relation else { return Ok(None) };
        let files = files_of(&mut self.client, relation)?;
        Ok(files.map(|files| (source, files)))
    }

    fn why_not(&mut self, source: &Source, files: &[File], last: &[FullBookmark]) -> Result<Option<String>> {
        let cut = &last[0].cut;
        if last.iter().any(|bookmark| bookmark.cut != *cut) {
            return Ok(Some("its bookmarks are not of one copy".to_owned()));
        }
        if self.place()? != cut.place
            || source.relation.as_ref().map(|relation| relation.oid) != Some(cut.oid)
        {
            return Ok(Some("it is another table, or another server".to_owned()));
        }
        if source.filter != cut.filter {
            return Ok(Some("its filter is another one".to_owned()));
        }
        let mut before: Vec<(u32, u32)> =
            cut.parts.iter().flatten().map(|piece| (piece.oid, piece.filenode)).collect();
        before.dedup();
        if before != files.iter().map(|file| (file.oid, file.filenode)).collect::<Vec<_>>() {
            return Ok(Some("it was rewritten or truncated, or has other partitions".to_owned()));
        }
        self.begin()?;
        // What fails for one stream must not take the snapshot with it.
        self.client.run("SAVEPOINT look")?;
        let look = |client: &mut Client| {
            for bookmark in last {
                let changed = what_changed(client, source, &bookmark.read(), &bookmark.xmin)?;
                if changed.is_some() {
                    return Ok(changed);
                }
            }
            Ok(None)
        };
        match look(&mut self.client) {
            Err(error) if is_of_stream(&error) => {
                self.client.run("ROLLBACK TO look; RELEASE look")?;
                Ok(Some(error.message()))
            }
            found => found.and_then(|found| self.client.run("RELEASE look").map(|()| found)),
        }
    }

    fn place(&mut self) -> Result<String> {
        if self.place.is_empty() {
            self.place = place(&mut self.client)?;
        }
        Ok(self.place.clone())
    }

    fn begin(&mut self) -> Result<()> {
        if self.client.is_in_transaction() { Ok(()) } else { begin(&mut self.client) }
    }

    /// The snapshot of this plan.
    fn share(&mut self) -> Result<String> {
        if self.snapshot.is_none() {
            self.begin()?;
            self.snapshot = Some(export(&mut self.client)?);
        }
        Ok(self.snapshot.clone().unwrap_or_default())
    }
}

/// What the reader of that stream will say again.
fn is_of_stream(error: &Error) -> bool {
    error.stream_name().is_some() || matches!(error.kind(), ErrorKind::Schema | ErrorKind::Denied)
}

fn warn_over(stream: &str, why: &str) {
    tracing::warn!(stream, "what was read before cannot be gone on with, and it starts over: {why}");
}

/// Number, file and blocks of everything that a relation consists of; `None`: not all of it lies in blocks that may be
/// read.
fn files_of(client: &mut Client, relation: &Relation) -> Result<Option<Vec<File>>> {
    let sql = match relation.kind {
        // Views as tables of a foreign server have no blocks.
        RelationKind::View | RelationKind::Foreign => return Ok(None),
        RelationKind::Partitioned if relation.hides_rows => return Ok(None),
        RelationKind::Partitioned => {
            "SELECT c.oid FROM pg_catalog.pg_partition_tree($1::oid) t JOIN pg_catalog.pg_class c ON c.oid = t.relid WHERE t.isleaf"
        }
        RelationKind::Table | RelationKind::MaterializedView => "SELECT $1::oid",
    };
    // The place of a row is shown to those alone who may read all of it.
    let sql = format!(
        "SELECT c.oid, pg_catalog.pg_relation_filenode(c.oid), pg_catalog.pg_relation_size(c.oid) / $2::bigint, \
         am.amname = 'heap' AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND \
         (c.oid = $1::oid OR NOT pg_catalog.row_security_active(c.oid)) \
         FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.oid IN ({sql}) ORDER BY c.oid"
    );
    let block_bytes = block_bytes(client)?.to_string();
    let rows = client.query(&sql, &[&relation.oid.to_string(), &block_bytes])?;
    if rows.is_empty() || rows.len() > MAX_FILES || !rows.iter().all(|row| row.is_true(3)) {
        return Ok(None);
    }
    let file = |row: &crate::client::Row| {
        Ok(File { oid: row.number(0)?, filenode: row.number(1)?, blocks: row.number(2)? })
    };
    rows.iter().map(file).collect::<Result<_>>().map(Some)
}

/// A server can be built with others than 8 KiB.
pub(crate) fn block_bytes(client: &mut Client) -> Result<u64> {
    let rows = client.query("SELECT pg_catalog.current_setting('block_size')", &[])?;
    rows.first().map_or(Ok(BLOCK_BYTES), |row| row.number(0))
}
