//! How a table is cut into partitions: ranges of the blocks of its files.

use dstream_sdk::{Bookmark, Error, Partition, Result};
use serde::{Deserialize, Serialize};

/// A file with rows: that of a table, or of one partition of a partitioned table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) oid: u32,
    pub(crate) filenode: u32,
    pub(crate) blocks: u32,
}

/// A range of blocks of one file: that of a table, or of one partition of a partitioned table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) oid: u32,
    /// Another one where the table was rewritten.
    pub(crate) filenode: u32,
    pub(crate) from: u32,
    /// `None`: to the end, wherever that is.
    pub(crate) to: Option<u32>,
}

/// All partitions of a table. It is in the data of each of them and in each bookmark, so that a run that goes on cuts as
/// the first one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// Which server, history and database: numbers of rows and transactions mean nothing anywhere else.
    pub(crate) place: String,
    pub(crate) oid: u32,
    /// The user's condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    /// 0, or 1 where what was read by a cut 0 could not be gone on with, or 0 again. Two cuts have no id in common, and
    /// so the engine starts over.
    pub(crate) round: u8,
    /// The pieces of every partition.
    pub(crate) parts: Vec<Vec<Piece>>,
}

/// What a partition is planned with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) cut: Cut,
    /// Which of its partitions.
    pub(crate) part: usize,
    /// The snapshot of the plan, which the tap keeps. `None`: the reader takes its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
}

/// How far a partition is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FullBookmark {
    pub(crate) cut: Cut,
    pub(crate) part: usize,
    /// All transactions below this number had ended when the rows were read. As text: JSON keeps 53 bits.
    pub(crate) xmin: String,
    /// Rows of the pieces that are read, in their order; the last number is of that which is being read.
    pub(crate) rows: Vec<u64>,
    /// The next block of that piece; `None`: nothing of it is left, nor of the partition.
    pub(crate) block: Option<u32>,
}

/// A range that was read, with the rows that were in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) piece: Piece,
    pub(crate) rows: u64,
}

impl FullBookmark {
    /// Reads it.
    ///
    /// # Errors
    /// `BookmarkLost`: it is not one of a full table of this tap.
    pub(crate) fn parse(bookmark: &Bookmark) -> Result<FullBookmark> {
        let lost = || {
            Error::bookmark_lost("the bookmark is not one of a table that is read whole by this tap")
                .hint("run once with `--full-refresh`")
        };
        let bookmark: FullBookmark = serde_json::from_value(bookmark.clone()).map_err(|_| lost())?;
        let pieces = bookmark.cut.parts.get(bookmark.part).ok_or_else(lost)?;
        let is_whole =
            (1..=pieces.len()).contains(&bookmark.rows.len()) && bookmark.xmin.parse::<u64>().is_ok();
        if is_whole { Ok(bookmark) } else { Err(lost()) }
    }

    /// The ranges that are read.
    pub(crate) fn read(&self) -> Vec<Read> {
        let pieces = &self.cut.parts[self.part];
        let last = self.rows.len() - 1;
        let range = |(at, rows): (usize, &u64)| {
            let piece = pieces[at];
            let to = if at == last && self.block.is_some() { self.block } else { piece.to };
            Read { piece: Piece { to, ..piece }, rows: *rows }
        };
        self.rows.iter().enumerate().map(range).collect()
    }
}

impl Cut {
    /// The partitions of the engine.
    ///
    /// # Errors
    /// `Bug`: the plan cannot be written.
    pub(crate) fn partitions(&self, stream: &str, snapshot: Option<&String>) -> Result<Vec<Partition>> {
        let partition = |part| {
            let data = Part { cut: self.clone(), part, snapshot: snapshot.cloned() };
            Ok(Partition {
                id: id_of(stream, self.round, part, self.parts.len()),
                streams: vec![stream.to_owned()],
                data: serde_json::to_value(data).map_err(|error| Error::bug(error.to_string()))?,
            })
        };
        (0..self.parts.len()).map(partition).collect()
    }
}

/// The number of parts is in the id: the first of two is not the first of three.
pub(crate) fn id_of(stream: &str, round: u8, part: usize, of: usize) -> String {
    match (round, of) {
        (0, 1) => stream.to_owned(),
        (_, 1) => format!("{stream}#again"),
        (0, _) => format!("{stream}#{}-of-{of}", part + 1),
        (..) => format!("{stream}#again-{}-of-{of}", part + 1),
    }
}

/// Whether an id is that of a partition of this stream.
pub(crate) fn is_id_of(id: &str, stream: &str) -> bool {
    id.strip_prefix(stream).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// The files of a table, with their blocks, in as many parts of about the same size.
pub(crate) fn cut_into(files: &[File], parts: usize) -> Vec<Vec<Piece>> {
    let total: u64 = files.iter().map(|file| u64::from(file.blocks)).sum();
    let per_part = total.div_ceil(parts.max(1) as u64).max(1);
    let (mut all, mut part, mut room) = (Vec::new(), Vec::new(), per_part);
    for &File { oid, filenode, blocks } in files {
        let mut from = 0;
        loop {
            let left = u64::from(blocks - from);
            // A handful of blocks is not worth a range of its own.
            if left <= room + room / 8 || all.len() + 1 == parts {
                part.push(Piece { oid, filenode, from, to: None });
                room = room.saturating_sub(left);
                break;
            }
            if room > 0 {
                let to = from + u32::try_from(room).unwrap_or(u32::MAX);
                part.push(Piece { oid, filenode, from, to: Some(to) });
                from = to;
            }
            all.push(std::mem::take(&mut part));
            room = per_part;
        }
    }
    if !part.is_empty() {
        all.push(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_in_one_piece_and_every_file_is_open_at_its_end() {
        for parts in 1..6 {
            for sizes in [vec![0], vec![1], vec![100], vec![7, 0, 93, 1], vec![3; 40], vec![50_000, 1]] {
                let file =
                    |(at, blocks): (usize, &u32)| File { oid: at as u32, filenode: 9, blocks: *blocks };
                let files: Vec<File> = sizes.iter().enumerate().map(file).collect();
                let cut = cut_into(&files, parts);
                assert!(cut.len() <= parts && cut.iter().all(|part| !part.is_empty()), "{sizes:?} {parts}");
                let pieces: Vec<Piece> = cut.into_iter().flatten().collect();
                let mut next = 0;
                for (at, piece) in pieces.iter().enumerate() {
                    assert_eq!(piece.from, next, "{sizes:?} {parts}");
                    let is_last = pieces.get(at + 1).is_none_or(|after| after.oid != piece.oid);
                    assert_eq!(piece.to.is_none(), is_last, "{sizes:?} {parts}");
                    next = piece.to.unwrap_or(0);
                }
                assert_eq!(pieces.iter().filter(|piece| piece.to.is_none()).count(), sizes.len());
            }
        }
    }

    #[test]
    fn cuts_have_no_id_in_common() {
        let mut seen = std::collections::HashSet::new();
        for round in 0..2 {
            for of in 1..5 {
                for part in 0..of {
                    let id = id_of("a.b", round, part, of);
                    assert!(is_id_of(&id, "a.b") && !is_id_of(&id, "a"), "{id}");
                    assert!(seen.insert(id));
                }
            }
        }
    }
}
