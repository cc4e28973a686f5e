//! The word in the options ↔ Arrow type.

use arrow::datatypes::{DataType, Field, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The type of a made-up column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ColumnType {
    /// Every 64-bit integer.
    Int64,
    /// Every 32-bit integer.
    Int32,
    /// Finite floats.
    Float64,
    /// Booleans.
    Bool,
    /// 4 to 20 letters.
    Utf8,
    /// 200 to 2000 letters.
    Text,
    /// Quotes, commas, line breaks, other alphabets, numbers with leading zeros, the empty text.
    HardText,
    /// 18 digits, 4 of them after the point.
    Decimal,
    /// Days from 1870 to 2069.
    Date,
    /// Microseconds in UTC, from 1900 to 2099.
    Timestamp,
    /// 0 to 32 bytes.
    Binary,
    /// One of 64 texts, as a dictionary.
    Dictionary,
    /// 0 to 4 integers.
    List,
    /// An integer and a text.
    Struct,
}

impl ColumnType {
    /// Every type.
    pub const ALL: [ColumnType; 14] = [
        ColumnType::Int64,
        ColumnType::Int32,
        ColumnType::Float64,
        ColumnType::Bool,
        ColumnType::Utf8,
        ColumnType::Text,
        ColumnType::HardText,
        ColumnType::Decimal,
        ColumnType::Date,
        ColumnType::Timestamp,
        ColumnType::Binary,
        ColumnType::Dictionary,
        ColumnType::List,
        ColumnType::Struct,
    ];

    /// Its Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Utf8 | ColumnType::HardText => DataType::Utf8,
            ColumnType::Text => DataType::LargeUtf8,
            ColumnType::Decimal => DataType::Decimal128(18, 4),
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnType::Binary => DataType::Binary,
            ColumnType::Dictionary => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            ColumnType::List => DataType::List(item()),
            ColumnType::Struct => DataType::Struct(vec![a(), b()].into()),
        }
    }

    /// Bytes of one value, about.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            ColumnType::Bool => 1,
            ColumnType::Int32 | ColumnType::Date | ColumnType::Dictionary => 4,
            ColumnType::Int64 | ColumnType::Float64 | ColumnType::Timestamp => 8,
            ColumnType::Utf8 | ColumnType::Decimal | ColumnType::HardText => 16,
            ColumnType::Binary | ColumnType::List => 20,
            ColumnType::Struct => 24,
            ColumnType::Text => 1108,
        }
    }
}

/// The items of a list.
pub(crate) fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Int64, false))
}

/// The first field of a struct.
pub(crate) fn a() -> Arc<Field> {
    Arc::new(Field::new("a", DataType::Int64, false))
}

/// The second field of a struct.
pub(crate) fn b() -> Arc<Field> {
    Arc::new(Field::new("b", DataType::Utf8, false))
}
