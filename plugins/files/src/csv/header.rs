//! The names of the columns.

use std::collections::HashMap;

use dstream_sdk::{Error, Result};

use super::split::{Chunk, split_one};
use super::{Dialect, fault};
use crate::options::CsvSettings;
use crate::shown::shown;
use crate::tap::{Position, Stop, Window, has_ending, more};

/// The dialect of this file: one named `.tsv` has tabs, where the user named no delimiter.
pub(super) fn dialect_of(settings: &CsvSettings, window: &Window) -> Dialect {
    let is_tsv = settings.tab_for_tsv && has_ending(window.path(), &[".tsv"]);
    Dialect { delimiter: if is_tsv { b'\t' } else { settings.dialect.delimiter }, ..settings.dialect }
}

/// Reads the names of the columns at the beginning of the file and moves behind them; without a header it stays before
/// the first record, which says how many there are.
pub(super) fn read(
    window: &mut Window,
    position: &mut Position,
    dialect: &Dialect,
    settings: &CsvSettings,
) -> Result<Vec<String>> {
    let place = shown(window.path());
    if window.bytes().starts_with(b"\xef\xbb\xbf") {
        window.consume(3);
    }
    if window.bytes().is_empty() {
        let what =
            if settings.header { "not even a header" } else { "no record says which columns there are" };
        return Err(Error::data(format!("`{place}` is empty: {what}"))
            .hint("remove the file, or write its header into it"));
    }
    let mut chunk = Chunk::default();
    let record_bytes = settings.common.max_record_bytes;
    loop {
        let (bytes, is_last) = (window.bytes(), window.is_last());
        match split_one(dialect, bytes, is_last, &mut chunk) {
            Ok(Stop::Full) => break,
            Ok(Stop::Incomplete) => more(window, record_bytes)?,
            Ok(Stop::End | Stop::Until) => {
                return Err(Error::data(format!(
                    "`{place}` has no header: it holds empty lines and comments only"
                ))
                .hint("remove the file, or write its header into it"));
            }
            Err(fault) => return Err(fault::error(window, fault, 0, record_bytes)),
        }
    }
    fault::check_utf8(window, &chunk, &[])?;
    let record = &window.bytes()[..chunk.length];
    let mut names = Vec::with_capacity(chunk.fields.len());
    let mut text = Vec::new();
    for (index, field) in chunk.fields.iter().enumerate() {
        text.clear();
        if settings.header {
            dialect.text_of(*field, record, &mut text);
        }
        let name = String::from_utf8_lossy(&text).into_owned();
        names.push(if name.is_empty() { format!("column_{}", index + 1) } else { name });
    }
    check_names(&names, &place)?;
    if settings.header {
        position.pass(0, chunk.line_end);
        window.consume(chunk.length);
    }
    Ok(names)
}

fn check_names(names: &[String], place: &str) -> Result<()> {
    let mut seen = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if name.contains('\0') {
            let name = name.escape_debug();
            return Err(Error::data(format!(
                "the header of `{place}` has the name `{name}`, which holds NUL"
            ))
            .hint("rename the column"));
        }
        if let Some(first) = seen.insert(name, index) {
            let (first, second) = (first + 1, index + 1);
            return Err(Error::data(format!(
                "the header of `{place}` names `{name}` twice: columns {first} and {second}"
            ))
            .hint("rename one of them, or set `header` to false if the file has none"));
        }
    }
    Ok(())
}
