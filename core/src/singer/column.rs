//! One Arrow column, resolved to its exact type once per batch, that writes its values as JSON.

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;

use super::bind;
use super::compound;
use super::number::write_decimal;
use super::text::{write_base64, write_float, write_integer, write_string, write_uuid};
use crate::catalog::json_schema::{EXTENSION_NAME, JSON_EXTENSION, UUID_EXTENSION};

/// Why a value cannot stand in JSON.
pub(crate) type Refusal = String;

/// A column of a batch.
pub(crate) struct Column<'a> {
    pub(crate) nulls: Option<&'a NullBuffer>,
    pub(crate) values: Values<'a>,
}

/// The values of a column.
pub(crate) enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64]),
    Float16(&'a Float16Array),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal32(&'a [i32], i8),
    Decimal64(&'a [i64], i8),
    Decimal128(&'a [i128], i8),
    Decimal256(&'a [i256], i8),
    Date32(&'a [i32]),
    Date64(&'a [i64]),
    Time32(&'a [i32], TimeUnit),
    Time64(&'a [i64], TimeUnit),
    /// The text stands for a point in time with a zone.
    Timestamp(&'a [i64], TimeUnit, bool),
    Duration(&'a [i64], TimeUnit),
    YearMonth(&'a [i32]),
    DayTime(&'a IntervalDayTimeArray),
    MonthDayNano(&'a IntervalMonthDayNanoArray),
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
    /// Text that is JSON already.
    Json(Box<Column<'a>>),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    FixedSizeBinary(&'a FixedSizeBinaryArray),
    Uuid(&'a FixedSizeBinaryArray),
    List(&'a [i32], Box<Column<'a>>),
    LargeList(&'a [i64], Box<Column<'a>>),
    ListView(&'a [i32], &'a [i32], Box<Column<'a>>),
    LargeListView(&'a [i64], &'a [i64], Box<Column<'a>>),
    FixedSizeList(usize, Box<Column<'a>>),
    /// Every name with its separator before and its colon after.
    Struct(Vec<(Vec<u8>, Column<'a>)>),
    Map(&'a [i32], Box<Column<'a>>, Box<Column<'a>>),
    /// Dictionary and run-end encoding: which value a row has.
    Chosen(Vec<usize>, Box<Column<'a>>),
    Union(&'a UnionArray, Vec<Option<Column<'a>>>),
}

impl<'a> Column<'a> {
    /// Resolves an array once; the types that cannot be written were refused with the schema.
    pub(crate) fn new(field: &Field, array: &'a dyn Array) -> Result<Column<'a>, Refusal> {
        let values = bind::values(array)?;
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let values = match field.metadata().get(EXTENSION_NAME).map(String::as_str) {
            Some(JSON_EXTENSION) => values.embedded(),
            Some(UUID_EXTENSION) => values.uuids(),
            _ => values,
        };
        Ok(Column { nulls, values })
    }

    /// Writes the value of a row.
    #[inline]
    pub(crate) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        self.values.write(row, out)
    }

    pub(super) fn write_list(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        out.push(b'[');
        let start = range.start;
        for element in range {
            if element > start {
                out.push(b',');
            }
            self.write(element, out)?;
        }
        out.push(b']');
        Ok(())
    }

    /// The text of a row of a text column.
    pub(super) fn text(&self, row: usize) -> &'a str {
        match &self.values {
            Values::Utf8(values) => values.value(row),
            Values::LargeUtf8(values) => values.value(row),
            Values::Utf8View(values) => values.value(row),
            Values::Chosen(indices, values) => values.text(indices[row]),
            _ => "",
        }
    }

    pub(super) fn is_text(&self) -> bool {
        match &self.values {
            Values::Utf8(_) | Values::LargeUtf8(_) | Values::Utf8View(_) => true,
            Values::Chosen(_, values) => values.is_text(),
            _ => false,
        }
    }
}

impl Values<'_> {
    /// The same, where text is JSON.
    fn embedded(self) -> Self {
        match self {
            Values::Utf8(_) | Values::LargeUtf8(_) | Values::Utf8View(_) => {
                Values::Json(Box::new(Column { nulls: None, values: self }))
            }
            Values::Chosen(indices, column) => {
                let Column { nulls, values } = *column;
                Values::Chosen(indices, Box::new(Column { nulls, values: values.embedded() }))
            }
            other => other,
        }
    }

    /// The same, where 16 bytes are a UUID.
    fn uuids(self) -> Self {
        match self {
            Values::FixedSizeBinary(values) if values.value_length() == 16 => Values::Uuid(values),
            other => other,
        }
    }

    #[inline]
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match self {
            Values::Null => out.extend_from_slice(b"null"),
            Values::Boolean(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Values::Int8(values) => write_integer(values[row], out),
            Values::Int16(values) => write_integer(values[row], out),
            Values::Int32(values) => write_integer(values[row], out),
            Values::Int64(values) => write_integer(values[row], out),
            Values::UInt8(values) => write_integer(values[row], out),
            Values::UInt16(values) => write_integer(values[row], out),
            Values::UInt32(values) => write_integer(values[row], out),
            Values::UInt64(values) => write_integer(values[row], out),
            Values::Float16(values) => {
                return float(f64::from(values.value(row).to_f32()), || values.value(row).to_f32(), out);
            }
            Values::Float32(values) => return float(f64::from(values[row]), || values[row], out),
            Values::Float64(values) => return float(values[row], || values[row], out),
            Values::Utf8(values) => write_string(values.value(row), out),
            Values::LargeUtf8(values) => write_string(values.value(row), out),
            Values::Utf8View(values) => write_string(values.value(row), out),
            Values::Binary(values) => write_base64(values.value(row), out),
            Values::LargeBinary(values) => write_base64(values.value(row), out),
            Values::BinaryView(values) => write_base64(values.value(row), out),
            Values::FixedSizeBinary(values) => write_base64(values.value(row), out),
            Values::Uuid(values) => write_uuid(values.value(row), out),
            Values::Json(text) => return compound::write_json(text.text(row), out),
            Values::Decimal32(values, scale) => decimal(values[row], *scale, out),
            Values::Decimal64(values, scale) => decimal(values[row], *scale, out),
            Values::Decimal128(values, scale) => decimal(values[row], *scale, out),
            Values::Decimal256(values, scale) => {
                out.push(b'"');
                write_decimal(&values[row].to_string(), *scale, out);
                out.push(b'"');
            }
            Values::Chosen(indices, values) => return values.write(indices[row], out),
            temporal_or_nested => return temporal_or_nested.write_more(row, out),
        }
        Ok(())
    }
}

fn float<F: zmij::Float>(value: f64, exact: impl Fn() -> F, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if !value.is_finite() {
        return Err(format!("JSON has no number for {}", if value.is_nan() { "NaN" } else { "infinity" }));
    }
    write_float(exact(), out);
    Ok(())
}

fn decimal(value: impl itoa::Integer, scale: i8, out: &mut Vec<u8>) {
    out.push(b'"');
    write_decimal(itoa::Buffer::new().format(value), scale, out);
    out.push(b'"');
}
