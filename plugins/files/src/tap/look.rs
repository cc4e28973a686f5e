//! What files hold: every file is looked at, large ones by several threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use dstream_sdk::{Context, Error, ReplicationMethod, Result, StreamInfo};

use super::format::Format;
use super::found::{Found, FoundStream};
use super::hive;
use super::share::{Pieces, Share};
use crate::shown::shown;

/// A part of the work: pieces of one file.
struct Task<'a> {
    stream: usize,
    file: &'a Found,
    pieces: Pieces,
}

/// The streams, with columns that hold every record of their files.
///
/// # Errors
/// That of the first file that has one.
pub(crate) fn describe<F: Format>(
    context: &Context,
    format: &F,
    streams: &[FoundStream],
    piece_bytes: u64,
) -> Result<Vec<StreamInfo>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut tasks = VecDeque::new();
    for (stream, found) in streams.iter().enumerate() {
        for file in &found.files {
            let is_large = file.bytes > 2 * piece_bytes && threads > 1;
            let parts = if is_large && format.has_pieces(file) { threads as u64 } else { 1 };
            let pieces = (0..parts).map(|part| Share { part, parts, piece_bytes }.pieces_of(&file.name));
            let mut pieces: Vec<Pieces> = pieces.collect();
            // The first piece of a file names its columns in their order.
            pieces.sort_by_key(|pieces| !pieces.has(0));
            tasks.extend(pieces.into_iter().map(|pieces| Task { stream, file, pieces }));
        }
    }
    let count = tasks.len();
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let shapes = Mutex::new((0..count).map(|_| None).collect::<Vec<_>>());
    let work = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, task)) = next else { return };
            let shape = format.look(context, task.file, task.pieces);
            let failed = shape.is_err();
            let shape = shape.map_err(|error| error.stream(&streams[task.stream].stream));
            shapes.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some((task.stream, shape));
            if failed {
                // Those before it go on: the first error counts.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(work);
        }
        work();
    });
    let shapes = shapes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut joined: Vec<Option<F::Shape>> = streams.iter().map(|_| None).collect();
    for (stream, shape) in shapes.into_iter().flatten() {
        let shape = shape?;
        let named = |error: Error| error.stream(&streams[stream].stream);
        joined[stream] = Some(match joined[stream].take() {
            Some(before) => format.join(before, shape).map_err(named)?,
            None => shape,
        });
    }
    let described = streams.iter().zip(joined).map(|(found, shape)| {
        let shape = shape.ok_or_else(|| Error::bug("a stream without files"));
        shape.and_then(|shape| info(format, found, shape)).map_err(|error| error.stream(&found.stream))
    });
    described.collect()
}

fn info<F: Format>(format: &F, found: &FoundStream, shape: F::Shape) -> Result<StreamInfo> {
    let (schema, row_count) = format.columns(shape, &found.files)?;
    let schema = hive::add_columns(schema, &found.files)?;
    let key_properties = format.keys().of(&found.stream)?;
    if let Some(missing) = key_properties.iter().find(|key| schema.field_with_name(key).is_err()) {
        let file = found.files.first().map_or(String::new(), |file| shown(&file.path));
        return Err(Error::config(format!(
            "`key_properties` names `{missing}`, which is no column of the stream"
        ))
        .hint(format!("its file is `{file}`")));
    }
    Ok(StreamInfo {
        name: found.stream.clone(),
        schema: schema.into(),
        key_properties,
        replication_methods: vec![ReplicationMethod::Incremental, ReplicationMethod::FullTable],
        replication_keys: Vec::new(),
        row_count,
        description: None,
    })
}
