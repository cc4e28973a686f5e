//! The statement that writes rows, and the loop that binds them.

use arrow::array::RecordBatch;
use dstream_sdk::{Cell, Cells, Error, Result, StreamPlan, Why, text};
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::ops::Range;

use super::Client;
use crate::quote::quote_ident;
use crate::table::{Fit, Shape};

/// Rows in one statement: measured with 4 columns, 32 take half the time of one by one, 128 no less.
const STATEMENT_ROWS: usize = 32;
/// Values in one statement, unless one row has more.
const STATEMENT_VALUES: usize = 2_048;

/// How rows of one kind enter their table.
#[derive(Debug)]
pub(super) struct Insert {
    /// The statement up to the values.
    head: String,
    /// What follows them.
    tail: String,
    columns: Vec<String>,
    /// Columns with the affinity REAL.
    real: Vec<usize>,
    /// A row may leave the table as it is: all its columns are keys.
    may_change_nothing: bool,
}

impl Insert {
    pub(super) fn new(table: &str, shape: &Shape, plan: &StreamPlan, fit: &Fit) -> Result<Insert> {
        let all: Vec<usize> = (0..shape.columns.len()).collect();
        // OR FAIL: a rule of the table such as ON CONFLICT REPLACE must not drop rows. What the statement did before it
        // failed goes with the transaction, so SQLite need not keep what would undo it.
        let head = format!("INSERT OR FAIL INTO {} ({}) VALUES ", quote_ident(table)?, names(shape, &all)?);
        let columns = shape.columns.iter().map(|column| column.name.clone()).collect();
        let mut insert =
            Insert { head, tail: String::new(), columns, real: fit.real.clone(), may_change_nothing: false };
        let keys = shape.keys(plan)?;
        if keys.is_empty() {
            return Ok(insert);
        }
        let mut set = Vec::new();
        for at in all.iter().filter(|at| !keys.contains(at)) {
            let column = quote_ident(&shape.columns[*at].name)?;
            set.push(format!("{column} = excluded.{column}"));
        }
        for column in &fit.gone {
            set.push(format!("{} = NULL", quote_ident(column)?));
        }
        insert.may_change_nothing = set.is_empty();
        let action =
            if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
        insert.tail = format!(" ON CONFLICT ({}) DO {action}", names(shape, &keys)?);
        Ok(insert)
    }

    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(","));
        format!("{}{}{}", self.head, vec![row; rows].join(","), self.tail)
    }

    /// The value as it is bound.
    fn value<'v>(
        &self,
        at: usize,
        row: usize,
        cells: &'v Cells<'_>,
        [scratch, number_text]: &'v mut [String; 2],
    ) -> Result<ValueRef<'v>> {
        let wrong = |why| inexact(&self.columns[at], row as u64, why);
        Ok(match cells.get(row, scratch).map_err(wrong)? {
            Cell::Null => ValueRef::Null,
            Cell::Bool(value) => ValueRef::Integer(value.into()),
            Cell::Integer(number) => ValueRef::Integer(number),
            // A column has one form, and not all of these numbers are integers of SQLite.
            Cell::Unsigned(number) => {
                number_text.clear();
                text::integer(number_text, number);
                ValueRef::Text(number_text.as_bytes())
            }
            Cell::Single(number) => self.real(at, number.into()).map_err(wrong)?,
            Cell::Double(number) => self.real(at, number).map_err(wrong)?,
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        })
    }

    fn real(&self, at: usize, number: f64) -> std::result::Result<ValueRef<'static>, Why> {
        if number == 0.0 && number.is_sign_negative() && self.real.contains(&at) {
            return Err("-0.0, which a column declared REAL would store as 0.0");
        }
        check_real(number).map(|()| ValueRef::Real(number))
    }
}

impl Client {
    /// Writes one batch.
    ///
    /// # Errors
    /// `Data`: a value has no exact form, or the table refuses it. `Resource`: the disk is full.
    pub(super) fn insert(&self, insert: &Insert, records: &RecordBatch) -> Result<()> {
        if records.num_columns() != insert.columns.len() {
            return Err(Error::schema("a batch does not have the columns that were declared"));
        }
        let columns = records.columns().iter().map(|array| Cells::new(array)).collect::<Result<Vec<_>>>()?;
        let rows = records.num_rows();
        let at_once = (STATEMENT_VALUES / columns.len()).clamp(1, STATEMENT_ROWS);
        let whole = rows - rows % at_once;
        self.insert_rows(insert, &columns, 0..whole, at_once)?;
        self.insert_rows(insert, &columns, whole..rows, 1)
    }

    fn insert_rows(
        &self,
        insert: &Insert,
        columns: &[Cells<'_>],
        rows: Range<usize>,
        at_once: usize,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let prepared = self.connection.prepare_cached(&insert.sql(at_once));
        let mut statement = prepared.map_err(|error| self.failed(error))?;
        let mut scratch = [String::new(), String::new()];
        for first in rows.step_by(at_once) {
            let mut place = 0;
            for row in first..first + at_once {
                for (at, cells) in columns.iter().enumerate() {
                    place += 1;
                    let value = insert.value(at, row, cells, &mut scratch)?;
                    statement
                        .raw_bind_parameter(place, ToSqlOutput::Borrowed(value))
                        .map_err(|error| self.failed(error))?;
                }
            }
            let changed = statement.raw_execute().map_err(|error| self.failed(error))?;
            if changed != at_once && !insert.may_change_nothing {
                return Err(
                    Error::data("a trigger of the table kept a row out of it").hint("drop the trigger")
                );
            }
        }
        Ok(())
    }
}

/// SQLite makes NULL of a NaN.
pub(crate) fn check_real(number: f64) -> std::result::Result<(), Why> {
    match number.is_nan() {
        true => Err("NaN, which SQLite would store as NULL"),
        false => Ok(()),
    }
}

/// A value that cannot be stored as it is; `row` counts from 0.
pub(crate) fn inexact(column: &str, row: u64, why: &str) -> Error {
    Error::data(format!("row {} has in the column `{column}` {why}", row + 1))
        .hint("correct it in the source, or deselect the column")
}

/// Columns in a list of SQL.
pub(super) fn names(shape: &Shape, columns: &[usize]) -> Result<String> {
    let names = columns.iter().map(|at| quote_ident(&shape.columns[*at].name)).collect::<Result<Vec<_>>>()?;
    Ok(names.join(", "))
}
