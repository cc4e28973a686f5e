//! The types of the columns, from every record of the file.

use arrow::datatypes::{DataType, Field, Schema};
use std::path::Path;

use dstream_sdk::Result;

use super::cells::Nulls;
use super::split::{Chunk, split};
use super::{Dialect, fault, header};
use crate::decode::{Room, Stop, more};
use crate::inference::Candidates;
use crate::options::{CsvSettings, Infer};
use crate::position::Position;
use crate::window::Window;

const CHUNK_FIELDS: usize = 16 << 10;

/// The columns of a file and the number of its records. `on_block` is asked now and then whether to go on.
pub(crate) fn discover(
    settings: &CsvSettings,
    path: &Path,
    on_block: &dyn Fn() -> Result<()>,
) -> Result<(Schema, Option<u64>)> {
    let mut window = Window::open(path)?;
    let mut position = Position::default();
    let dialect = header::dialect_of(settings, &window);
    let names = header::read(&mut window, &mut position, &dialect, settings)?;
    let mut columns = vec![Candidates::ALL; names.len()];
    let full = settings.common.infer == Infer::Full;
    if full {
        scan(settings, &dialect, &names, &mut window, &mut position, &mut columns, on_block)?;
    }
    let field = |(name, candidates): (&String, &Candidates)| {
        let found = if full { candidates.narrowest() } else { DataType::Utf8 };
        let data_type = settings.common.types.get(name).cloned().unwrap_or(found);
        Field::new(name, data_type, true)
    };
    let fields: Vec<Field> = names.iter().zip(&columns).map(field).collect();
    Ok((Schema::new(fields), full.then_some(position.records)))
}

fn scan(
    settings: &CsvSettings,
    dialect: &Dialect,
    names: &[String],
    window: &mut Window,
    position: &mut Position,
    columns: &mut [Candidates],
    on_block: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let nulls = Nulls::new(&settings.common.null_values);
    let record_bytes = settings.common.max_record_bytes;
    let room = Room { rows: (CHUNK_FIELDS / names.len()).max(1), ..Room::endless(record_bytes) };
    let mut chunk = Chunk::default();
    loop {
        let stop = split(dialect, names.len(), window.bytes(), window.is_last(), room, &mut chunk)
            .map_err(|fault| fault::error(window, position, fault, names.len(), record_bytes))?;
        fault::check_utf8(window, position, &chunk, names)?;
        for (index, candidates) in columns.iter_mut().enumerate() {
            narrow(dialect, &nulls, &chunk, window.bytes(), index, names.len(), candidates);
        }
        position.pass(&window.bytes()[..chunk.length], chunk.starts.len(), chunk.line_end);
        window.consume(chunk.length);
        match stop {
            Stop::Full => {}
            Stop::End => return Ok(()),
            Stop::Incomplete => {
                on_block()?;
                more(window, position, record_bytes)?;
            }
        }
    }
}

fn narrow(
    dialect: &Dialect,
    nulls: &Nulls,
    chunk: &Chunk,
    bytes: &[u8],
    index: usize,
    stride: usize,
    candidates: &mut Candidates,
) {
    let mut unescaped = Vec::new();
    for field in chunk.fields.iter().skip(index).step_by(stride) {
        if *candidates == Candidates::TEXT {
            return;
        }
        let text = field.text(bytes);
        if !field.is_quoted() && nulls.has(text) {
            continue;
        }
        let of = match field.is_escaped() {
            false => Candidates::of(text),
            true => {
                unescaped.clear();
                dialect.unescape(text, &mut unescaped);
                Candidates::of(&unescaped)
            }
        };
        *candidates = candidates.and(of);
    }
}
