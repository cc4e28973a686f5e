//! One column being built: typed append, exact, errors that name the column.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::number::{Decimal, Number};
use super::store::Store;
use super::time;
use crate::{Error, Result};

/// One column being built. Every append takes what the column holds exactly, or fails; nothing is rounded, cut or
/// guessed.
#[derive(Debug)]
pub struct ColumnBuilder {
    name: String,
    data_type: DataType,
    nullable: bool,
    len: usize,
    bytes: usize,
    pub(super) store: Store,
}

impl ColumnBuilder {
    /// A column of the type of `field`.
    ///
    /// # Errors
    /// `Unsupported`: this type cannot be built row by row.
    pub fn new(field: &Field) -> Result<ColumnBuilder> {
        let store = Store::new(field.data_type()).map_err(|error| match error.kind() {
            crate::ErrorKind::Unsupported => Error::unsupported(format!(
                "column `{}` has the type {}, which cannot be built row by row",
                field.name(),
                field.data_type()
            )),
            _ => error,
        })?;
        Ok(ColumnBuilder {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            nullable: field.is_nullable(),
            len: 0,
            bytes: 0,
            store,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Values since the last batch.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no value since the last batch.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes since the last batch, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a null.
    ///
    /// # Errors
    /// `Data`: the column cannot be null.
    pub fn append_null(&mut self) -> Result<()> {
        if !self.nullable {
            return Err(Error::data(format!("column `{}` is null in a record and cannot be", self.name)));
        }
        self.append_default()
    }

    /// Appends a null where nobody can see it: under a null of the parent.
    pub(super) fn append_default(&mut self) -> Result<()> {
        self.store.append_null()?;
        self.grown(0);
        Ok(())
    }

    /// Appends a boolean.
    ///
    /// # Errors
    /// `Data`: the column has another type.
    pub fn append_bool(&mut self, value: bool) -> Result<()> {
        match &mut self.store {
            Store::Bool(builder) => builder.append_value(value),
            _ => return Err(self.misfit(&value, "a boolean")),
        }
        self.grown(0);
        Ok(())
    }

    /// Appends an integer; a column of integers, floats or decimals takes it where it fits exactly.
    ///
    /// # Errors
    /// `Data`: it does not fit.
    pub fn append_i64(&mut self, value: i64) -> Result<()> {
        self.append_number(&Number::Int(value.into()), &value)
    }

    /// Appends an integer; a column of integers, floats or decimals takes it where it fits exactly.
    ///
    /// # Errors
    /// `Data`: it does not fit.
    pub fn append_u64(&mut self, value: u64) -> Result<()> {
        self.append_number(&Number::Int(value.into()), &value)
    }

    /// Appends a float; a column of floats takes it, one of integers where it is whole and at most 2^53.
    ///
    /// # Errors
    /// `Data`: it does not fit.
    pub fn append_f64(&mut self, value: f64) -> Result<()> {
        self.append_number(&Number::Float(value), &value)
    }

    /// Appends a decimal written as text, such as `-12.50`.
    ///
    /// # Errors
    /// `Data`: it is no decimal, or has more digits than the column.
    pub fn append_decimal(&mut self, text: &str) -> Result<()> {
        let Some(decimal) = Decimal::parse(text) else { return Err(self.misfit(&text, "a decimal")) };
        self.append_number(&Number::Decimal(decimal), &text)
    }

    /// Appends text.
    ///
    /// # Errors
    /// `Data`: the column has another type. `Resource`: more than 2 GiB of text in a batch of a `utf8` column.
    pub fn append_str(&mut self, value: &str) -> Result<()> {
        match self.store.append_str(value) {
            Some(outcome) => outcome.map_err(|error| error.context(format!("column `{}`", self.name)))?,
            None => return Err(self.misfit(&value, "text")),
        }
        self.grown(value.len());
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `Data`: the column has another type, or another fixed size. `Resource`: more than 2 GiB in a batch.
    pub fn append_bytes(&mut self, value: &[u8]) -> Result<()> {
        match self.store.append_bytes(value) {
            Some(outcome) => outcome.map_err(|error| error.context(format!("column `{}`", self.name)))?,
            None => return Err(self.misfit(&format_args!("{} bytes", value.len()), "binary")),
        }
        self.grown(value.len());
        Ok(())
    }

    /// Appends a point in time as a count of `unit` since 1970, UTC where the column has a zone.
    ///
    /// # Errors
    /// `Data`: the column has another type, or a unit in which it cannot be said exactly.
    pub fn append_timestamp(&mut self, value: i64, unit: TimeUnit) -> Result<()> {
        let DataType::Timestamp(to, _) = self.data_type else {
            return Err(self.misfit(&value, "a timestamp"));
        };
        let nanos = i128::from(value) * time::nanos_in(unit);
        self.append_nanos(nanos, to, &value)
    }

    /// Appends a point in time written as RFC 3339 (`2024-02-29T12:00:00.5+01:00`), a day (`2024-02-29`) or a time of
    /// day (`12:00:00`), as the column wants it.
    ///
    /// # Errors
    /// `Data`: it cannot be read, or has more digits than the column.
    pub fn append_time_text(&mut self, text: &str) -> Result<()> {
        match self.data_type.clone() {
            DataType::Timestamp(unit, zone) => match time::timestamp(text, zone.is_some()) {
                Ok(nanos) => self.append_nanos(nanos, unit, &text),
                Err(wanted) => Err(self.misfit(&text, wanted)),
            },
            DataType::Date32 | DataType::Date64 => match time::days(text) {
                Some(days) => self.append_days(days),
                None => Err(self.misfit(&text, "a day such as `2024-02-29`")),
            },
            DataType::Time32(unit) | DataType::Time64(unit) => match time::time_of_day(text) {
                Some(nanos) => self.append_nanos(nanos, unit, &text),
                None => Err(self.misfit(&text, "a time of day such as `12:00:00`")),
            },
            _ => Err(self.misfit(&text, "a point in time")),
        }
    }

    /// Appends a day as a count since 1970-01-01.
    ///
    /// # Errors
    /// `Data`: the column has another type.
    pub fn append_days(&mut self, days: i32) -> Result<()> {
        match &mut self.store {
            Store::Date32(builder) => builder.append_value(days),
            Store::Date64(builder) => builder.append_value(i64::from(days) * 86_400_000),
            _ => return Err(self.misfit(&days, "a day")),
        }
        self.grown(0);
        Ok(())
    }

    pub(super) fn append_number(&mut self, number: &Number, shown: &dyn std::fmt::Display) -> Result<()> {
        if !self.store.append_number(number) {
            return Err(self.misfit(shown, number.kind()));
        }
        self.grown(0);
        Ok(())
    }

    fn append_nanos(&mut self, nanos: i128, unit: TimeUnit, shown: &dyn std::fmt::Display) -> Result<()> {
        let size = time::nanos_in(unit);
        let count = i64::try_from(nanos / size).ok().filter(|_| nanos % size == 0);
        if !count.is_some_and(|count| self.store.append_count(count)) {
            return Err(self.misfit(shown, "a point in time"));
        }
        self.grown(0);
        Ok(())
    }

    /// The error for a value that the column does not hold.
    pub(super) fn misfit(&self, shown: &dyn std::fmt::Display, what: &str) -> Error {
        let mut shown = shown.to_string();
        if let Some((end, _)) = shown.char_indices().nth(60) {
            shown.truncate(end);
            shown.push('…');
        }
        Error::data(format!(
            "column `{}` is {}, the value `{shown}` ({what}) does not fit",
            self.name, self.data_type
        ))
        .hint("discover again, or give the column a wider type in the catalog")
        .with_row_data()
    }

    /// Counts one value with `variable` bytes beside those that every value has.
    pub(super) fn grown(&mut self, variable: usize) {
        self.len += 1;
        self.bytes += self.store.fixed_bytes() + variable;
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        (self.len, self.bytes) = (0, 0);
        self.store.finish(&self.data_type)
    }
}
