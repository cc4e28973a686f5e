//! Declared type → Arrow type: one table, repeated in the README.

use arrow::datatypes::{DataType, TimeUnit};
use dstream_sdk::{Error, Result};
use std::collections::BTreeSet;

use crate::build::TextForm;
use crate::types::{Affinity, affinity};

/// What the values of a column are read as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadAs {
    pub(crate) theirs: DataType,
    pub(crate) form: TextForm,
    /// A point in time, written as text.
    pub(crate) is_date: bool,
}

/// The table: what a column with this declared type is read as. `None`: nothing is said of its values.
pub(crate) fn declared_type(declared: &str, strict: bool) -> Option<ReadAs> {
    let upper = declared.trim().to_ascii_uppercase();
    let (name, numbers) = match upper.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.split_once(')').map(|(numbers, _)| numbers)),
        None => (upper.as_str(), None),
    };
    let plain = |theirs| Some(ReadAs { theirs, form: TextForm::Strict, is_date: false });
    match name {
        "BOOL" | "BOOLEAN" => plain(DataType::Boolean),
        "DECIMAL" | "NUMERIC" | "DEC" | "NUMBER" => plain(decimal(numbers?)?),
        "DATE"
        | "DATETIME"
        | "SMALLDATETIME"
        | "TIME"
        | "TIMETZ"
        | "TIMESTAMP"
        | "TIMESTAMPTZ"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITHOUT TIME ZONE" => {
            Some(ReadAs { theirs: DataType::Utf8, form: TextForm::Strict, is_date: true })
        }
        "JSON" | "JSONB" => Some(ReadAs { theirs: DataType::Utf8, form: TextForm::Json, is_date: false }),
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" | "INTERVAL" => plain(DataType::Utf8),
        "BINARY" | "VARBINARY" | "BYTEA" => plain(DataType::Binary),
        _ => match affinity(&upper, strict) {
            Affinity::Integer => plain(DataType::Int64),
            Affinity::Text => plain(DataType::Utf8),
            Affinity::Real => plain(DataType::Float64),
            Affinity::None if upper.contains("BLOB") => plain(DataType::Binary),
            Affinity::None | Affinity::Numeric => None,
        },
    }
}

/// What a column without a declared type is read as, by the classes of its first values.
pub(crate) fn guessed_type(classes: &BTreeSet<String>) -> DataType {
    let mut classes = classes.iter().map(String::as_str).filter(|class| *class != "null");
    match (classes.next(), classes.next(), classes.next()) {
        (Some("integer"), None, _) => DataType::Int64,
        (Some("real"), None, _) | (Some("integer"), Some("real"), None) => DataType::Float64,
        (Some("blob"), None, _) => DataType::Binary,
        _ => DataType::Utf8,
    }
}

/// Whether it is one of those.
pub(crate) fn is_guess(theirs: &DataType) -> bool {
    matches!(theirs, DataType::Int64 | DataType::Float64 | DataType::Utf8 | DataType::Binary)
}

/// Every name that `types` takes, for messages.
const NAMES: &str = "`text`, `binary`, `json`, `bool`, `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64`, \
                     `decimal(P,S)`, `date`, `time`, `timestamp`, `timestamp_utc`, `timestamp_ns`, `timestamp_ns_utc`";

/// What a name in the option `types` stands for.
pub(crate) fn named_type(name: &str) -> Result<ReadAs> {
    use DataType as A;
    let utc = || Some("UTC".into());
    let (theirs, form) = match name {
        "text" => (A::Utf8, TextForm::Any),
        "json" => (A::Utf8, TextForm::Json),
        "binary" => (A::Binary, TextForm::Strict),
        "bool" => (A::Boolean, TextForm::Strict),
        "int8" => (A::Int8, TextForm::Strict),
        "int16" => (A::Int16, TextForm::Strict),
        "int32" => (A::Int32, TextForm::Strict),
        "int64" => (A::Int64, TextForm::Strict),
        "uint8" => (A::UInt8, TextForm::Strict),
        "uint16" => (A::UInt16, TextForm::Strict),
        "uint32" => (A::UInt32, TextForm::Strict),
        "uint64" => (A::UInt64, TextForm::Strict),
        "float32" => (A::Float32, TextForm::Strict),
        "float64" => (A::Float64, TextForm::Strict),
        "date" => (A::Date32, TextForm::Strict),
        "time" => (A::Time64(TimeUnit::Microsecond), TextForm::Strict),
        "timestamp" => (A::Timestamp(TimeUnit::Microsecond, None), TextForm::Strict),
        "timestamp_utc" => (A::Timestamp(TimeUnit::Microsecond, utc()), TextForm::Strict),
        "timestamp_ns" => (A::Timestamp(TimeUnit::Nanosecond, None), TextForm::Strict),
        "timestamp_ns_utc" => (A::Timestamp(TimeUnit::Nanosecond, utc()), TextForm::Strict),
        other => {
            let numbers = other.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
            let theirs = numbers.and_then(decimal).ok_or_else(|| {
                Error::config(format!("`types` names the type `{other}`, which there is not"))
                    .hint(format!("use one of {NAMES}"))
            })?;
            (theirs, TextForm::Strict)
        }
    };
    Ok(ReadAs { theirs, form, is_date: false })
}

/// `12,2` or `12`, as far as decimals go.
fn decimal(numbers: &str) -> Option<DataType> {
    let (precision, scale) = numbers.split_once(',').unwrap_or((numbers, "0"));
    let (precision, scale): (u8, i8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    match precision {
        _ if scale < 0 || scale as u8 > precision => None,
        1..=38 => Some(DataType::Decimal128(precision, scale)),
        39..=76 => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow_of(declared: &str) -> Option<DataType> {
        declared_type(declared, false).map(|read_as| read_as.theirs)
    }

    #[test]
    fn declared_types_are_read_as_the_table_says() {
        for (declared, theirs) in [
            ("INTEGER", DataType::Int64),
            ("unsigned big int", DataType::Int64),
            ("TINYINT(1)", DataType::Int64),
            ("boolean", DataType::Boolean),
            ("DOUBLE PRECISION", DataType::Float64),
            ("VARCHAR(255)", DataType::Utf8),
            ("DateTime", DataType::Utf8),
            ("TIMESTAMP(6)", DataType::Utf8),
            ("INTERVAL", DataType::Utf8),
            ("uuid", DataType::Utf8),
            ("BLOB", DataType::Binary),
            ("VARBINARY(16)", DataType::Binary),
            ("DECIMAL(12, 2)", DataType::Decimal128(12, 2)),
            ("numeric(50,10)", DataType::Decimal256(50, 10)),
            ("DEC(5)", DataType::Decimal128(5, 0)),
        ] {
            assert_eq!(arrow_of(declared), Some(theirs), "{declared}");
        }
        for declared in ["", "NUMERIC", "DECIMAL(80,2)", "DECIMAL(2,5)", "MONEY", "ANY", "DECIMAL()"] {
            assert_eq!(arrow_of(declared), None, "{declared}");
        }
        assert_eq!(declared_type("JSON", false).unwrap().form, TextForm::Json);
        assert!(declared_type("date", false).unwrap().is_date);
    }

    #[test]
    fn a_type_that_does_not_exist_is_refused_with_those_that_do() {
        for name in ["string", "decimal(5,6)", "decimal", "decimal(77,0)", ""] {
            assert!(named_type(name).unwrap_err().hint_text().unwrap().contains("`int64`"), "{name}");
        }
        assert_eq!(named_type("decimal(12,2)").unwrap().theirs, DataType::Decimal128(12, 2));
    }

    #[test]
    fn values_of_one_kind_say_what_a_column_without_a_type_is() {
        let of = |classes: &[&str]| guessed_type(&classes.iter().map(|class| (*class).to_owned()).collect());
        assert_eq!(of(&["integer", "null"]), DataType::Int64);
        assert_eq!(of(&["integer", "real"]), DataType::Float64);
        assert_eq!(of(&["blob"]), DataType::Binary);
        assert_eq!(of(&["integer", "text"]), DataType::Utf8);
        assert_eq!(of(&[]), DataType::Utf8);
    }
}
