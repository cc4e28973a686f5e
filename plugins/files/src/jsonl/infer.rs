//! The types of the columns, from every record.

use arrow::datatypes::{Field, Schema};
use std::path::PathBuf;

use dstream_sdk::{Context, Error, Result};

use super::cut::{Cease, Cut};
use super::decoder::{no_record, skip_mark};
use super::lines::find_line;
use super::parse::{Fault, parse};
use super::shape::Members;
use super::tape::{Kind, Tape, Value};
use crate::csv::Nulls;
use crate::options::{Infer, Settings};
use crate::shown::shown;
use crate::tap::{
    Found, LineEnd, Pieces, Position, Stop, Walk, Way, Window, check_cancelled, more, too_long,
};
use crate::types;

/// More keys than this in one file are values that were written as keys.
const MAX_COLUMNS: usize = 10_000;

/// The keys of files, in the order in which they came, with what all values have in common.
#[derive(Debug)]
pub(crate) struct Columns {
    members: Members,
    records: u64,
    /// The last file, and how many there are before it.
    file: PathBuf,
    files: u32,
}

impl Columns {
    /// Looks at the records in some pieces of a file.
    pub(crate) fn look(
        settings: &Settings,
        context: &Context,
        file: &Found,
        pieces: Pieces,
    ) -> Result<Columns> {
        let mut window = Window::open(file, settings.opening)?;
        skip_mark(&mut window);
        let mut columns =
            Columns { members: Members::default(), records: 0, file: file.path.clone(), files: 0 };
        columns.scan(settings, context, &mut window, pieces)?;
        Ok(columns)
    }

    /// Those of both. The other one is of another piece of the last file, or of the next one.
    pub(crate) fn join(mut self, mut other: Columns) -> Columns {
        if self.file != other.file {
            (self.file, self.files) = (other.file, self.files + 1);
        }
        other.members.number(self.files);
        self.members.join(other.members);
        self.records += other.records;
        self
    }

    /// The schema and the number of records.
    ///
    /// # Errors
    /// `Data`: there are no columns, or one has a name that Arrow has not.
    pub(crate) fn schema(&self, settings: &Settings, files: &[Found]) -> Result<(Schema, Option<u64>)> {
        let Columns { members, records, .. } = self;
        let place = files.first().map_or(String::new(), |file| shown(&file.path));
        if members.names.is_empty() {
            let what = if *records == 0 { "is empty" } else { "has no key in any record" };
            return Err(Error::data(format!("`{place}` {what}: nothing says which columns there are"))
                .hint("remove the file, or write a record into it"));
        }
        if let Some(name) = members.names.iter().find(|name| name.contains('\0')) {
            let name = name.escape_debug();
            return Err(Error::data(format!("`{place}` has the key `{name}`, which holds NUL"))
                .hint("rename the key"));
        }
        check_columns(members, &place)?;
        let fields =
            members.in_order().map(|(name, shape)| match (settings.types.get(name), settings.infer) {
                (Some(declared), _) => Field::new(name, declared.clone(), true),
                (None, Infer::Full) => shape.field(name),
                (None, Infer::None) => types::json_field(name),
            });
        Ok((Schema::new(fields.collect::<Vec<_>>()), Some(*records)))
    }

    fn scan(
        &mut self,
        settings: &Settings,
        context: &Context,
        window: &mut Window,
        pieces: Pieces,
    ) -> Result<()> {
        let mut position = Position::default();
        let mut tape = Tape::default();
        let nulls = Nulls::new(&settings.null_values);
        let place = shown(window.path());
        let cut = Cut::of(window, settings.max_record_bytes)?;
        let mut walk = Walk::new(pieces);
        let starts = |bytes: &[u8], wanted, _| find_line(bytes, wanted);
        loop {
            let until = match walk.go_on(
                window,
                &mut position,
                settings.max_record_bytes,
                cut == Cut::Lines,
                &starts,
            )? {
                Way::Read { until } => until,
                Way::Passed => continue,
                Way::End => return Ok(()),
            };
            let mut at = 0;
            let stop = loop {
                let bytes = window.bytes();
                let line = match cut.next(bytes, window.is_last(), at, self.records == 0) {
                    Ok(line) if line.start >= until => break Stop::Until,
                    Ok(line) => line,
                    Err(Cease::Stop(stop)) => break stop,
                    Err(Cease::Fault(fault)) => return Err(no_record(window, 0, fault)),
                };
                if line.end - line.start > settings.max_record_bytes {
                    return Err(too_long(window, line.start, settings.max_record_bytes));
                }
                let record = read(&bytes[line.start..line.end], &mut tape)
                    .map_err(|fault| no_record(window, line.start, fault))?;
                self.members.observe(record, &nulls, 0, window.offset() + line.start as u64);
                self.records += 1;
                check_columns(&self.members, &place)?;
                at = line.next;
            };
            position.pass(0, LineEnd::Complete);
            window.consume(at);
            match stop {
                Stop::End => return Ok(()),
                Stop::Until => walk.leave(),
                _ => {
                    check_cancelled(context)?;
                    more(window, settings.max_record_bytes)?;
                }
            }
        }
    }
}

fn check_columns(members: &Members, place: &str) -> Result<()> {
    match members.names.len() > MAX_COLUMNS {
        true => Err(Error::data(format!("the records of `{place}` have more than {MAX_COLUMNS} keys"))
            .hint("write values that vary from record to record as values, not as keys")),
        false => Ok(()),
    }
}

/// The object of a line.
pub(super) fn read<'a>(line: &'a [u8], tape: &'a mut Tape) -> std::result::Result<Value<'a>, Fault> {
    if let Err(error) = std::str::from_utf8(line) {
        let at = error.valid_up_to();
        return Err(Fault { at, message: format!("the byte 0x{:02x} is not UTF-8", line[at]) });
    }
    let value = parse(line, tape)?;
    match value.kind() {
        Kind::Object => Ok(value),
        Kind::List => Err(Fault { at: 0, message: "an object was expected, a list was found".to_owned() }),
        _ => Err(Fault { at: 0, message: "an object was expected, another value was found".to_owned() }),
    }
}
