//! The types of the columns, from every record.

use arrow::datatypes::{DataType, Field, Schema};
use std::collections::HashMap;

use dstream_sdk::{Context, Result};

use super::cells::Nulls;
use super::split::{Chunk, split};
use super::starts::find_start;
use super::{Dialect, fault, header};
use crate::inference::Candidates;
use crate::options::{CsvSettings, Infer};
use crate::tap::{Found, Pieces, Position, Room, Stop, Walk, Way, Window, check_cancelled, more};

const CHUNK_FIELDS: usize = 16 << 10;

/// The columns of files, in the order in which they came, with the types that hold every value.
#[derive(Debug)]
pub(crate) struct Columns {
    names: Vec<String>,
    candidates: Vec<Candidates>,
    records: u64,
}

impl Columns {
    /// Looks at the records in some pieces of a file.
    pub(crate) fn look(
        settings: &CsvSettings,
        context: &Context,
        file: &Found,
        pieces: Pieces,
    ) -> Result<Columns> {
        let mut window = Window::open(file, settings.common.opening)?;
        let mut position = Position::default();
        let dialect = header::dialect_of(settings, &window);
        let names = header::read(&mut window, &mut position, &dialect, settings)?;
        let candidates = vec![Candidates::ALL; names.len()];
        let mut columns = Columns { names, candidates, records: 0 };
        if settings.common.infer == Infer::Full {
            columns.scan(settings, context, &dialect, &mut window, &mut position, pieces)?;
            columns.records = position.records;
        }
        Ok(columns)
    }

    /// Those of both, which may have different ones.
    pub(crate) fn join(mut self, other: Columns) -> Columns {
        let places: HashMap<String, usize> =
            self.names.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        for (name, candidates) in other.names.into_iter().zip(other.candidates) {
            match places.get(&name) {
                Some(at) => self.candidates[*at] = self.candidates[*at].and(candidates),
                None => {
                    self.names.push(name);
                    self.candidates.push(candidates);
                }
            }
        }
        self.records += other.records;
        self
    }

    /// The schema and, if they were counted, the number of records.
    pub(crate) fn schema(&self, settings: &CsvSettings) -> (Schema, Option<u64>) {
        let full = settings.common.infer == Infer::Full;
        let field = |(name, candidates): (&String, &Candidates)| {
            let found = if full { candidates.narrowest() } else { DataType::Utf8 };
            let data_type = settings.common.types.get(name).cloned().unwrap_or(found);
            Field::new(name, data_type, true)
        };
        let fields: Vec<Field> = self.names.iter().zip(&self.candidates).map(field).collect();
        (Schema::new(fields), full.then_some(self.records))
    }

    fn scan(
        &mut self,
        settings: &CsvSettings,
        context: &Context,
        dialect: &Dialect,
        window: &mut Window,
        position: &mut Position,
        pieces: Pieces,
    ) -> Result<()> {
        let nulls = Nulls::new(&settings.common.null_values);
        let record_bytes = settings.common.max_record_bytes;
        let columns = self.names.len();
        let room = Room { rows: (CHUNK_FIELDS / columns).max(1), ..Room::endless(record_bytes) };
        let mut chunk = Chunk::default();
        let mut walk = Walk::new(pieces);
        let starts = |bytes: &[u8], wanted, is_last| find_start(dialect, bytes, wanted, is_last);
        loop {
            let until =
                match walk.go_on(window, position, record_bytes, dialect.has_local_starts(), &starts)? {
                    Way::Read { until } => until,
                    Way::Passed => continue,
                    Way::End => return Ok(()),
                };
            let room = Room { until, ..room };
            let stop = split(dialect, columns, window.bytes(), window.is_last(), room, &mut chunk)
                .map_err(|fault| fault::error(window, fault, columns, record_bytes))?;
            fault::check_utf8(window, &chunk, &self.names)?;
            for (index, candidates) in self.candidates.iter_mut().enumerate() {
                narrow(dialect, &nulls, &chunk, window.bytes(), index, columns, candidates);
            }
            position.pass(chunk.starts.len(), chunk.line_end);
            window.consume(chunk.length);
            match stop {
                Stop::Full => {}
                Stop::Until => walk.leave(),
                Stop::End => return Ok(()),
                Stop::Incomplete => {
                    check_cancelled(context)?;
                    more(window, record_bytes)?;
                }
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
