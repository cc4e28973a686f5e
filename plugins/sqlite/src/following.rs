//! Following a replication key: where a run begins, and what its values must be like for that to be right.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit, i256};
use dstream_sdk::{Bookmark, Boundary, Error, KeyValue, Result, SelectedStream, text};
use rusqlite::types::Value;

use crate::parse;
use crate::remade::Remade;

/// How SQLite compares the values of a column in the order of their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As numbers.
    Number,
    /// As text that this connector wrote: dates and times whose digits have their places.
    Text,
    /// As text of the digits of a number.
    Digits,
    /// As text that a program wrote: dates and times that must all be written alike.
    Alike,
}

/// How a column can be followed that this connector wrote.
pub(crate) fn order_of_noted(theirs: &DataType) -> Option<Order> {
    use DataType as A;
    match theirs {
        A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 => Some(Order::Number),
        A::Float32 | A::Float64 => Some(Order::Number),
        A::UInt64 | A::Decimal128(..) | A::Decimal256(..) => Some(Order::Digits),
        A::Date32 | A::Date64 | A::Timestamp(..) => Some(Order::Text),
        _ => None,
    }
}

/// How a column can be followed whose values are as it declares.
pub(crate) fn order_of_declared(theirs: &DataType, is_date: bool) -> Option<Order> {
    use DataType as A;
    match theirs {
        A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 => Some(Order::Number),
        A::Float32 | A::Float64 | A::Decimal128(..) | A::Decimal256(..) => Some(Order::Number),
        A::Utf8 if is_date => Some(Order::Alike),
        _ => None,
    }
}

/// Whether rows with such a column can be known again.
pub(crate) fn is_hashable(theirs: &DataType) -> bool {
    use DataType as A;
    match theirs {
        A::Union(..) | A::RunEndEncoded(..) | A::ListView(_) | A::LargeListView(_) => false,
        A::List(item) | A::LargeList(item) | A::FixedSizeList(item, _) | A::Map(item, _) => {
            is_hashable(item.data_type())
        }
        A::Struct(fields) => fields.iter().all(|field| is_hashable(field.data_type())),
        A::Dictionary(_, values) => is_hashable(values),
        _ => true,
    }
}

/// One stream being followed.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) key: String,
    order: Order,
    theirs: DataType,
    boundary: Boundary,
    /// Where the run begins instead of at the bookmark.
    earlier: Option<KeyValue>,
    remade: Remade,
    /// Rows without a value were read in an earlier run, or in this one.
    has_begun: bool,
    /// What the values are written like, for [`Order::Alike`].
    form: Option<Vec<u8>>,
    /// Rows without a value.
    pub(crate) nulls: u64,
}

impl Following {
    /// # Errors
    /// `Config`: the column cannot be followed. `BookmarkLost`: the bookmark belongs to another column.
    pub(crate) fn new(
        stream: &SelectedStream,
        order: impl Fn(&str) -> Option<Order>,
        bookmark: Option<&Bookmark>,
        lookback: Option<u32>,
        remade: Remade,
    ) -> Result<Following> {
        let key = stream.replication_key.clone().unwrap_or_default();
        // A run that found no value leaves a bookmark without one.
        let is_empty = bookmark.and_then(|bookmark| bookmark.get(&key)).is_some_and(|value| value.is_null());
        let boundary = Boundary::of_stream(stream, bookmark.filter(|_| !is_empty))?;
        let order = order(&key).ok_or_else(|| {
            Error::config(format!("the column `{key}` has no order that a run could follow")).hint(
                "follow a number or a column that is declared as a date or a time, or read the stream as `FULL_TABLE`",
            )
        })?;
        let theirs = stream.schema.field_with_name(&key)?.data_type().clone();
        let has_begun = bookmark.is_some();
        let mut following = Following {
            key,
            order,
            theirs,
            boundary,
            earlier: None,
            remade,
            has_begun,
            form: None,
            nulls: 0,
        };
        if let Some(lookback) = lookback {
            following.look_back(stream, lookback)?;
        }
        if let (Order::Alike, Some(KeyValue::Text(bound))) = (order, following.boundary.lower_bound()) {
            following.form = Some(form(bound).ok_or_else(|| not_alike(&following.key, bound))?);
        }
        Ok(following)
    }

    /// Begins earlier; what comes again then is for the key of the target to sort out.
    fn look_back(&mut self, stream: &SelectedStream, lookback: u32) -> Result<()> {
        if !stream.upserted {
            return Err(Error::config(
                "`lookback` reads rows again, and they would stand twice: the stream is not upserted",
            )
            .hint(
                "name key columns with `dstreams catalog set … --key` and upsert it, or take `lookback` out",
            ));
        }
        let Some(bound) = self.boundary.lower_bound() else { return Ok(()) };
        let earlier = earlier(bound, lookback).ok_or_else(|| {
            Error::config(format!("`lookback` cannot count back in the column `{}`", self.key))
                .hint("follow a number, or a date or time that is no text in the catalog")
        })?;
        self.earlier = Some(earlier);
        self.boundary = self.boundary.clone().looking_back();
        Ok(())
    }

    /// Whether rows without a value are read: in the first run alone.
    pub(crate) fn is_first(&self) -> bool {
        !self.has_begun
    }

    /// Where the run begins, as SQLite compares it. Of a run that found no value before: before all values.
    pub(crate) fn lower_bound(&self) -> Result<Option<Value>> {
        let Some(bound) = self.earlier.as_ref().or(self.boundary.lower_bound()) else { return Ok(None) };
        stored(bound, &self.theirs).map(Some).ok_or_else(|| {
            Error::config(format!("the bookmark of the column `{}` is none of its values", self.key))
                .hint("set one of its values with `dstreams state set`, or start over with `--full-refresh`")
        })
    }

    /// A pattern for `GLOB` that every value must fit, where they must be alike.
    pub(crate) fn pattern(&self) -> Option<String> {
        let form = self.form.as_ref()?;
        let part = |byte: &u8| match byte {
            b'0' => "[0-9]".to_owned(),
            other => char::from(*other).to_string(),
        };
        Some(form.iter().map(part).collect())
    }

    /// Takes the next rows, and gives those that no earlier run had.
    ///
    /// # Errors
    /// `Data`: a value that is not compared as it means.
    pub(crate) fn take(&mut self, records: RecordBatch) -> Result<RecordBatch> {
        let column = records.column_by_name(&self.key).cloned();
        let column = column.ok_or_else(|| Error::bug(format!("no column `{}` was read", self.key)))?;
        self.nulls += column.logical_null_count() as u64;
        self.check(&column)?;
        let rows = records.num_rows();
        let records = self.boundary.take(records)?;
        if self.remade.is_open() {
            let is_known = records.num_rows() < rows;
            let is_past = KeyValue::at(&column, rows - 1)?.as_ref() != self.boundary.lower_bound();
            self.remade.see(is_known, is_past)?;
        }
        Ok(records)
    }

    fn check(&mut self, column: &ArrayRef) -> Result<()> {
        let is_minus_zero = match column.data_type() {
            DataType::Float64 => column
                .as_primitive::<Float64Type>()
                .iter()
                .flatten()
                .any(|n| n == 0.0 && n.is_sign_negative()),
            DataType::Float32 => column
                .as_primitive::<Float32Type>()
                .iter()
                .flatten()
                .any(|n| n == 0.0 && n.is_sign_negative()),
            _ => false,
        };
        if is_minus_zero {
            return Err(Error::data(format!(
                "the replication key `{}` is -0.0, which has no place of its own",
                self.key
            ))
            .hint("make it 0.0 in the file, or read the stream as `FULL_TABLE`"));
        }
        if self.order != Order::Alike {
            return Ok(());
        }
        for text in column.as_string::<i32>().iter().flatten() {
            let found = form(text).ok_or_else(|| not_alike(&self.key, text))?;
            if *self.form.get_or_insert_with(|| found.clone()) != found {
                return Err(not_alike(&self.key, text));
            }
        }
        Ok(())
    }

    /// Where a run could begin that has every row up to here.
    pub(crate) fn bookmark(&self) -> Option<Bookmark> {
        let bookmark = self.boundary.bookmark().filter(|_| !self.remade.is_open())?;
        Some(self.remade.mark(bookmark))
    }

    /// Every row has come.
    ///
    /// # Errors
    /// As [`Boundary::check_end`]. `BookmarkLost`: the table is another one.
    pub(crate) fn check_end(&mut self) -> Result<()> {
        self.boundary.check_end()?;
        self.remade.check_end()
    }

    /// The bookmark of the end; it is there also where no row has a value.
    pub(crate) fn last_bookmark(&self) -> Bookmark {
        match self.boundary.last_bookmark() {
            Some(bookmark) => self.remade.mark(bookmark),
            None => serde_json::json!({ self.key.as_str(): null }),
        }
    }
}

/// Rows that are written otherwise, below the bookmark, would never be seen.
pub(crate) fn not_alike(key: &str, example: &str) -> Error {
    Error::data(format!(
        "the values of the replication key `{key}` are not written alike, such as `{}`",
        example.chars().filter(|c| !c.is_control()).take(40).collect::<String>()
    ))
    .with_row_data()
    .hint("write them all like `2024-02-29 23:59:59`, or read the stream as `FULL_TABLE`")
}

/// A date or time with its digits as 0: texts of one form have the order of what they say.
fn form(text: &str) -> Option<Vec<u8>> {
    let local = text.strip_suffix('Z').unwrap_or(text);
    let is_time = |text: &str| parse::time(text, TimeUnit::Nanosecond).is_some();
    let is_known = match local.split_at_checked(10) {
        Some((day, "")) => local.len() == text.len() && parse::date(day).is_some(),
        Some((day, rest)) if parse::date(day).is_some() => rest.strip_prefix(['T', ' ']).is_some_and(is_time),
        _ => is_time(local),
    };
    let zeros = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    is_known.then(|| zeros.collect())
}

/// A value as SQLite has it.
fn stored(value: &KeyValue, theirs: &DataType) -> Option<Value> {
    let mut out = String::new();
    match (value, theirs) {
        (KeyValue::Int(number), DataType::UInt64) => return Some(Value::Text(number.to_string())),
        // Beyond what SQLite stores there is nothing.
        (KeyValue::Int(number), _) => {
            let limits = i128::from(i64::MIN)..=i128::from(i64::MAX);
            return Some(Value::Integer((*number).clamp(*limits.start(), *limits.end()) as i64));
        }
        (KeyValue::Float(number), _) => return Some(Value::Real(*number)),
        (KeyValue::Decimal { .. }, _) => return Some(Value::Text(value.to_json().as_str()?.to_owned())),
        (KeyValue::Date(day), _) => text::date(&mut out, *day).ok()?,
        (KeyValue::Timestamp { nanos, .. }, DataType::Timestamp(unit, zone)) => {
            let ticks = nanos.div_euclid(1_000_000_000 / i128::from(text::ticks(*unit).0));
            text::timestamp(&mut out, ticks.try_into().ok()?, *unit, zone.is_some()).ok()?;
        }
        (KeyValue::Text(text), _) => out.push_str(text),
        _ => return None,
    }
    Some(Value::Text(out))
}

/// So much before: seconds of a point in time, days rounded up, otherwise the number.
fn earlier(value: &KeyValue, lookback: u32) -> Option<KeyValue> {
    Some(match value {
        KeyValue::Int(number) => KeyValue::Int(number - i128::from(lookback)),
        KeyValue::Float(number) => KeyValue::Float(number - f64::from(lookback)),
        KeyValue::Decimal { unscaled, scale } => {
            let one = i256::from_i128(10).checked_pow(u32::try_from(*scale).ok()?)?;
            let back = one.checked_mul(i256::from_i128(lookback.into()))?;
            KeyValue::Decimal { unscaled: unscaled.checked_sub(back)?, scale: *scale }
        }
        KeyValue::Timestamp { nanos, zoned } => {
            KeyValue::Timestamp { nanos: nanos - i128::from(lookback) * 1_000_000_000, zoned: *zoned }
        }
        KeyValue::Date(day) => KeyValue::Date(day - i64::from(lookback.div_ceil(86_400))),
        _ => return None,
    })
}
