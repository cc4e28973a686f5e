//! The types of columns: their names in options and messages, and the Arrow type of each.

use arrow::datatypes::{DataType, Field, TimeUnit};
use dstream_sdk::{Error, Result};

const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// Every name that `types` takes, for messages.
const NAMES: &str = "`text`, `bool`, `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64`, `decimal(P,S)`, `date`, \
                     `timestamp`, `timestamp_utc`, `timestamp_ns`, `timestamp_ns_utc`";

/// The Arrow type of a name in `types`.
pub(crate) fn from_name(name: &str) -> Result<DataType> {
    Ok(match name {
        "text" => DataType::Utf8,
        "bool" => DataType::Boolean,
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamp_utc" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp_ns" => DataType::Timestamp(TimeUnit::Nanosecond, None),
        "timestamp_ns_utc" => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        other => decimal(other).ok_or_else(|| {
            Error::config(format!("`types` names the type `{other}`, which there is not"))
                .hint(format!("use one of {NAMES}"))
        })?,
    })
}

fn decimal(name: &str) -> Option<DataType> {
    let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale): (u8, i8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale >= 0 && scale as u8 <= precision)
        .then_some(DataType::Decimal128(precision, scale))
}

/// The name of a type in messages.
pub(crate) fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => "text".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(unit, zone) => {
            let ns = if *unit == TimeUnit::Nanosecond { "_ns" } else { "" };
            format!("timestamp{ns}{}", if zone.is_some() { "_utc" } else { "" })
        }
        DataType::List(_) => "list".to_owned(),
        DataType::Struct(_) => "object".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// Bytes that one value takes in a batch, besides the text it may have.
pub(crate) fn width(data_type: &DataType) -> u64 {
    match data_type {
        DataType::Boolean | DataType::Int8 | DataType::UInt8 => 1,
        DataType::Int16 | DataType::UInt16 => 2,
        DataType::Int32 | DataType::UInt32 | DataType::Float32 | DataType::Date32 | DataType::Utf8 => 4,
        DataType::Decimal128(..) => 16,
        DataType::List(_) => 4,
        DataType::Struct(fields) => fields.iter().map(|field| width(field.data_type())).sum::<u64>() + 1,
        _ => 8,
    }
}

/// A column whose text is JSON.
pub(crate) fn json_field(name: &str) -> Field {
    let metadata = [(EXTENSION.to_owned(), JSON.to_owned())];
    Field::new(name, DataType::Utf8, true).with_metadata(metadata.into())
}

/// Whether the text of the column is JSON.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION).is_some_and(|name| name == JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_options_is_called_by_its_name() {
        for written in [
            "text",
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float32",
            "float64",
            "date",
            "timestamp",
            "timestamp_utc",
            "timestamp_ns",
            "timestamp_ns_utc",
            "decimal(12,2)",
        ] {
            assert_eq!(name(&from_name(written).unwrap()), written);
        }
    }

    #[test]
    fn a_type_that_does_not_exist_is_refused_with_those_that_do() {
        for written in ["string", "decimal(39,0)", "decimal(5,6)", "decimal(0,0)", "decimal", ""] {
            let error = from_name(written).unwrap_err();
            assert!(error.hint_text().unwrap().contains("`int64`"), "{written}");
        }
    }
}
