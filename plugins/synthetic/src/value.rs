//! One value, for a test that checks what arrived.

use crate::{ColumnSpec, ColumnType, draw};

/// One value of a made-up column, as plain Rust.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// `int64`, `int32`.
    Int(i64),
    /// `float64`.
    Float(f64),
    /// `bool`.
    Bool(bool),
    /// `utf8`, `text`, `hard_text`, `dictionary`.
    Text(String),
    /// `decimal`: ten-thousandths.
    Decimal(i128),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `timestamp`: microseconds since 1970.
    Timestamp(i64),
    /// `binary`.
    Binary(Vec<u8>),
    /// `list`.
    List(Vec<i64>),
    /// `struct`: its `a` and its `b`.
    Struct(i64, String),
}

impl Value {
    pub(crate) fn draw(column: &ColumnSpec, row: u64) -> Value {
        if column.is_key {
            return Value::Int(row as i64);
        }
        let bits = draw::at(column.base, row);
        if draw::is_null(bits, column.null_share()) {
            return Value::Null;
        }
        let bytes = |draw: fn(u64, &mut Vec<u8>)| {
            let mut out = Vec::new();
            draw(bits, &mut out);
            out
        };
        let text = |draw| String::from_utf8_lossy(&bytes(draw)).into_owned();
        match column.column_type {
            ColumnType::Int64 => Value::Int(bits as i64),
            ColumnType::Int32 => Value::Int(draw::int32(bits).into()),
            ColumnType::Float64 => Value::Float(draw::float64(bits)),
            ColumnType::Bool => Value::Bool(bits >> 63 == 1),
            ColumnType::Utf8 => Value::Text(text(draw::utf8)),
            ColumnType::Text => Value::Text(text(draw::text)),
            ColumnType::HardText => Value::Text(text(draw::hard_text)),
            ColumnType::Decimal => Value::Decimal(draw::decimal(bits)),
            ColumnType::Date => Value::Date(draw::date(bits)),
            ColumnType::Timestamp => Value::Timestamp(draw::timestamp(bits)),
            ColumnType::Binary => Value::Binary(bytes(draw::binary)),
            ColumnType::Dictionary => Value::Text(format!("category-{}", draw::category(bits))),
            ColumnType::List => {
                Value::List((0..draw::list_len(bits)).map(|index| draw::list_item(bits, index)).collect())
            }
            ColumnType::Struct => Value::Struct(bits as i64, text(draw::utf8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamSpec;
    use arrow::array::*;
    use arrow::datatypes::*;

    fn read(array: &dyn Array, row: usize) -> Value {
        if array.is_null(row) {
            return Value::Null;
        }
        match array.data_type() {
            DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
            DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
            DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::LargeUtf8 => Value::Text(array.as_string::<i64>().value(row).to_owned()),
            DataType::Decimal128(18, 4) => Value::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
            DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(..) => {
                Value::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            DataType::Binary => Value::Binary(array.as_binary::<i32>().value(row).to_vec()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let key = dictionary.keys().value(row) as usize;
                Value::Text(dictionary.values().as_string::<i32>().value(key).to_owned())
            }
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                Value::List(items.as_primitive::<Int64Type>().values().to_vec())
            }
            DataType::Struct(_) => {
                let fields = array.as_struct();
                let first = fields.column(0).as_primitive::<Int64Type>().value(row);
                Value::Struct(first, fields.column(1).as_string::<i32>().value(row).to_owned())
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_value_made_on_its_own_is_that_of_the_column() {
        let mut stream = StreamSpec::new("all", 10_000, 3, &[]);
        for column_type in ColumnType::ALL {
            stream.add_column(&format!("{column_type:?}"), column_type, 0.0);
            stream.add_column(&format!("{column_type:?} or null"), column_type, 0.3);
        }
        let from = 5_000;
        let records = stream.records(from..from + 500).unwrap();
        for (index, column) in records.columns().iter().enumerate() {
            for row in 0..records.num_rows() {
                let wanted = stream.value(from + row as u64, index);
                assert_eq!(read(column, row), wanted, "{} {row}", stream.columns[index].name);
            }
            let share = column.null_count() as f64 / 500.0;
            assert!((share - stream.columns[index].nulls).abs() < 0.1, "{share}");
        }
    }

    #[test]
    fn a_batch_is_the_same_however_it_is_cut() {
        let stream = StreamSpec::new("s", 100, 1, &[("a", ColumnType::Utf8), ("b", ColumnType::List)]);
        let whole = stream.records(0..100).unwrap();
        for from in [0, 1, 33, 99] {
            assert_eq!(stream.records(from..100).unwrap(), whole.slice(from as usize, 100 - from as usize));
        }
        assert_eq!(stream.records(7..7).unwrap().num_rows(), 0);
    }
}
