//! What is wrong with a line.

use std::borrow::Cow;

/// What is wrong with a line, and where: the byte from 0.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: Cow<'static, str>,
    /// Column of the record it is about.
    pub(crate) column: Option<String>,
    /// It is JSON, but not a value that the column can hold.
    pub(crate) is_value: bool,
}

/// What was read, or why it could not be.
pub(crate) type Parsed<T> = Result<T, Box<Fault>>;

impl Fault {
    /// It is no JSON.
    pub(crate) fn syntax<T>(at: usize, what: &'static str) -> Parsed<T> {
        Err(Box::new(Fault { at, what: Cow::Borrowed(what), column: None, is_value: false }))
    }

    /// It is JSON, but not a value that fits.
    pub(crate) fn value(at: usize, what: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Box::new(Fault { at, what: what.into(), column: None, is_value: true })
    }

    /// Says that it happened within this field.
    pub(crate) fn enter(&mut self, field: &str) {
        self.column = Some(match self.column.take() {
            Some(inner) => format!("{field}.{inner}"),
            None => field.to_owned(),
        });
    }
}
