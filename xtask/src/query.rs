//! `query FILE SQL`: a table from a SQLite file, for the demo: nothing needs to be installed to look at the result.

use anyhow::{Context, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::io::{self, Write};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (file, sql) = args.next().zip(args.next()).context("usage: query FILE SQL")?;
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = database.prepare(&sql)?;
    let mut table: Vec<Vec<String>> = vec![statement.column_names().map(str::to_owned).collect()];
    let columns = table[0].len();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        table.push((0..columns).map(|at| Ok(text(row.get_ref(at)?))).collect::<Result<_>>()?);
    }
    let width = |at: usize| table.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = io::stdout().lock();
    for (number, row) in table.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "  {}", cells.join("  ").trim_end())?;
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            writeln!(out, "  {}", rules.join("  "))?;
        }
    }
    Ok(())
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
