//! The Arrow form: the same messages as Singer's, with batches that stay in Arrow. The content of `.arrows` files.
//!
//! A file is a row of segments. Each is one whole Arrow IPC stream, which any Arrow library reads; the metadata of its
//! schema says what it is. Every segment has `dstream:arrows` = `1`, and
//!
//! | segment | metadata |
//! | --- | --- |
//! | records of a stream | `dstream:stream`, `dstream:version` (counts its schemas), `dstream:keys` and `dstream:bookmarks` (JSON lists of names) |
//! | state | `dstream:state`: JSON; covers everything before it |
//! | end | `dstream:end`: the number of records in the file |
//!
//! A stream goes on in a new segment after another stream or a state. Without the end segment, which
//! [`ArrowsTarget::finish`] writes, a file counts as cut, wherever it was cut.
//!
//! Every Arrow type is kept. Refused: compressed buffers, and a key property that is null in a record.

mod framing; // bytes -> IPC messages
mod reader; // segments -> batches
mod segment; // what a segment is
mod target; // the target that writes

pub use reader::ArrowsReader;
pub use target::ArrowsTarget;

#[cfg(test)]
mod tests;
