//! Statements and their rows, as text: for everything but records.

use dstream_sdk::{Error, Result};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Field, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;

use super::Client;

/// One row of an answer, every value in the server's text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row(Vec<Option<String>>);

impl Row {
    /// The value of a column; `None`: NULL, or there is no such column.
    pub(crate) fn get(&self, column: usize) -> Option<&str> {
        self.0.get(column)?.as_deref()
    }

    /// The text of a column that is never NULL.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.get(column).unwrap_or_default()
    }

    /// Whether a column is true.
    pub(crate) fn is_true(&self, column: usize) -> bool {
        self.get(column) == Some("t")
    }

    /// The number of a column.
    ///
    /// # Errors
    /// `Bug`: it is none.
    pub(crate) fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T> {
        let text = self.text(column);
        text.parse()
            .map_err(|_| Error::bug(format!("the server answered `{text}` where a number was asked for")))
    }
}

/// What a statement answered.
#[derive(Debug, Default)]
struct Answer {
    rows: Vec<Row>,
    /// Where they were asked for.
    columns: Vec<(String, u32, i32)>,
    /// Of the last statement.
    affected: u64,
}

impl Client {
    /// Runs statements without parameters, separated by semicolons, and forgets their rows. Outside of a transaction
    /// they are one.
    ///
    /// # Errors
    /// What the server says of the first that fails; the others are not run.
    pub(crate) fn run(&mut self, sql: &str) -> Result<()> {
        frontend::query(sql, &mut self.outbox).map_err(|_| nul())?;
        self.ask().map(drop)
    }

    /// Runs one statement; `$1` and so on are `params`, in the server's text form.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn query(&mut self, sql: &str, params: &[&str]) -> Result<Vec<Row>> {
        self.put_statement(sql, params)?;
        Ok(self.ask()?.rows)
    }

    /// As [`query`](Client::query), for a statement that changes rows: answers how many.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn execute(&mut self, sql: &str, params: &[&str]) -> Result<u64> {
        self.put_statement(sql, params)?;
        Ok(self.ask()?.affected)
    }

    /// Undoes the transaction that is open, where one is.
    ///
    /// # Errors
    /// `Unavailable`: the session was lost, and the transaction with it.
    pub(crate) fn roll_back(&mut self) -> Result<()> {
        match self.is_in_transaction() {
            true => self.run("ROLLBACK"),
            false => Ok(()),
        }
    }

    /// The columns that one query would give: name, number of the type, modifier. It is not run.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn describe(&mut self, sql: &str) -> Result<Vec<(String, u32, i32)>> {
        frontend::parse("", sql, [], &mut self.outbox).map_err(|_| nul())?;
        frontend::describe(b'S', "", &mut self.outbox).map_err(|_| nul())?;
        frontend::sync(&mut self.outbox);
        Ok(self.ask()?.columns)
    }

    fn put_statement(&mut self, sql: &str, params: &[&str]) -> Result<()> {
        let out = &mut self.outbox;
        frontend::parse("", sql, [], out).map_err(|_| nul())?;
        let write = |param: &&str, out: &mut bytes::BytesMut| {
            out.extend_from_slice(param.as_bytes());
            Ok(IsNull::No)
        };
        frontend::bind("", "", [], params, write, [], out)
            .map_err(|_| Error::bug("a statement has more parameters than the protocol carries"))?;
        frontend::execute("", 0, out).map_err(|_| nul())?;
        frontend::sync(out);
        Ok(())
    }

    /// Sends what was put and reads every answer to it.
    fn ask(&mut self) -> Result<Answer> {
        self.begin_statement()?;
        self.send()?;
        let mut answer = Answer::default();
        let mut failed = None;
        loop {
            match self.next_message()? {
                Message::DataRow(row) => answer.rows.push(read_row(&row)?),
                Message::RowDescription(columns) => answer.columns = read_columns(&columns)?,
                Message::CommandComplete(body) => {
                    let tag = body.tag().unwrap_or_default();
                    answer.affected = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Message::ErrorResponse(body) => {
                    failed.get_or_insert_with(|| super::error::of_server(&body, &self.settings));
                }
                Message::ReadyForQuery(body) => {
                    self.end_statement(body.status());
                    return failed.map_or(Ok(answer), Err);
                }
                // A COPY by mistake would wait for rows for ever.
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                    self.is_lost = true;
                    return Err(Error::bug("a COPY was run as a plain statement"));
                }
                _ => {}
            }
        }
    }

    /// # Errors
    /// `Unavailable`: the session was lost before.
    pub(super) fn begin_statement(&mut self) -> Result<()> {
        if self.is_lost || self.is_busy {
            self.is_lost = true;
            return Err(Error::unavailable(format!("the session with {} was lost", self.settings.place())));
        }
        self.is_busy = true;
        Ok(())
    }

    pub(super) fn end_statement(&mut self, status: u8) {
        self.status = status;
        self.is_busy = false;
    }
}

fn nul() -> Error {
    Error::bug("a statement holds NUL")
}

fn read_columns(columns: &RowDescriptionBody) -> Result<Vec<(String, u32, i32)>> {
    let column = |field: Field<'_>| Ok((field.name().to_owned(), field.type_oid(), field.type_modifier()));
    columns.fields().map(column).collect().map_err(|_| Error::bug("the columns of an answer cannot be read"))
}

fn read_row(row: &DataRowBody) -> Result<Row> {
    let mut values = Vec::new();
    let mut ranges = row.ranges();
    let wrong = |_| Error::bug("a row of the server cannot be read");
    while let Some(range) = ranges.next().map_err(wrong)? {
        values.push(range.map(|range| String::from_utf8_lossy(&row.buffer()[range]).into_owned()));
    }
    Ok(Row(values))
}
