//! Arrow type → how SQLite stores its values: one table, repeated in the README.

use arrow::datatypes::{DataType, Field};
use dstream_sdk::{Error, Result};

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// A 64-bit number.
    Integer,
    /// A double.
    Real,
    /// Text as it is, or a text that says the value exactly.
    Text,
    /// Bytes.
    Blob,
    /// Nothing but NULL so far.
    Null,
}

/// The table.
pub(crate) fn storage(theirs: &DataType) -> Storage {
    use DataType as A;
    match theirs {
        A::Null => Storage::Null,
        A::Boolean => Storage::Integer,
        A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 => Storage::Integer,
        A::UInt64 => Storage::Text,
        A::Float16 | A::Float32 | A::Float64 => Storage::Real,
        A::Utf8 | A::LargeUtf8 | A::Utf8View => Storage::Text,
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => Storage::Blob,
        A::Decimal32(..) | A::Decimal64(..) | A::Decimal128(..) | A::Decimal256(..) => Storage::Text,
        A::Date32 | A::Date64 | A::Time32(_) | A::Time64(_) | A::Timestamp(..) => Storage::Text,
        A::Duration(_) | A::Interval(_) => Storage::Text,
        A::List(_) | A::LargeList(_) | A::FixedSizeList(..) => Storage::Text,
        A::ListView(_) | A::LargeListView(_) => Storage::Text,
        A::Struct(_) | A::Map(..) | A::Union(..) => Storage::Text,
        A::Dictionary(_, values) => storage(values),
        A::RunEndEncoded(_, values) => storage(values.data_type()),
    }
}

impl Storage {
    /// The type in CREATE TABLE, with a space before it.
    ///
    /// Its affinity alters no value. `REAL` would: it stores -0.0 as 0, so doubles have a column without a type, as has
    /// a column that was never more than NULL and may take any type later.
    pub(crate) fn declared(self) -> &'static str {
        match self {
            Storage::Integer => " INTEGER",
            Storage::Text => " TEXT",
            Storage::Blob => " BLOB",
            Storage::Real | Storage::Null => "",
        }
    }

    /// Whether a column of this affinity keeps the values as they are. `Real` in `Affinity::Real` does but for -0.0.
    pub(crate) fn is_exact_in(self, affinity: Affinity) -> bool {
        match self {
            Storage::Null | Storage::Blob => true,
            Storage::Integer => matches!(affinity, Affinity::Integer | Affinity::Numeric | Affinity::None),
            Storage::Real => matches!(affinity, Affinity::Real | Affinity::None),
            Storage::Text => matches!(affinity, Affinity::Text | Affinity::None),
        }
    }

    /// The word for an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Storage::Integer => "whole numbers",
            Storage::Real => "doubles",
            Storage::Text => "text",
            Storage::Blob => "bytes",
            Storage::Null => "NULL",
        }
    }

    /// The Arrow type that holds every value stored so; for a column that has had several types.
    pub(crate) fn widest(self) -> DataType {
        match self {
            Storage::Integer => DataType::Int64,
            Storage::Real => DataType::Float64,
            Storage::Text => DataType::Utf8,
            Storage::Blob => DataType::Binary,
            Storage::Null => DataType::Null,
        }
    }
}

/// What SQLite does to a value on its way into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    None,
    Real,
    Numeric,
}

/// SQLite's rule (datatype3.html, 3.1); `ANY` of a STRICT table converts nothing.
pub(crate) fn affinity(declared: &str, strict: bool) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if declared.is_empty() || (strict && declared == "ANY") => Affinity::None,
        () if has(&["INT"]) => Affinity::Integer,
        () if has(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if has(&["BLOB"]) => Affinity::None,
        () if has(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
        () => Affinity::Numeric,
    }
}

/// Checks what the mapping needs of a nested type: names within a struct or union differ.
///
/// # Errors
/// `Schema`: two equal names, which one JSON object cannot hold.
pub(crate) fn check_nested(column: &str, theirs: &DataType) -> Result<()> {
    let check_names = |fields: Vec<&Field>| {
        let mut seen = std::collections::HashSet::new();
        fields.into_iter().try_for_each(|field| match seen.insert(field.name().clone()) {
            true => check_nested(column, field.data_type()),
            false => Err(Error::schema(format!("column `{column}` holds two fields `{}`", field.name()))
                .hint("rename one of them in the source")),
        })
    };
    match theirs {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => check_nested(column, item.data_type()),
        DataType::Struct(fields) => check_names(fields.iter().map(AsRef::as_ref).collect()),
        DataType::Union(fields, _) => check_names(fields.iter().map(|(_, field)| field.as_ref()).collect()),
        DataType::Map(entry, _) => check_nested(column, entry.data_type()),
        DataType::Dictionary(_, values) => check_nested(column, values),
        DataType::RunEndEncoded(_, values) => check_nested(column, values.data_type()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_type_has_an_affinity_that_alters_nothing() {
        for storage in [Storage::Integer, Storage::Real, Storage::Text, Storage::Blob, Storage::Null] {
            let affinity = affinity(storage.declared().trim(), false);
            assert!(storage.is_exact_in(affinity), "{storage:?}");
            assert_ne!(affinity, Affinity::Real);
        }
    }

    #[test]
    fn the_rule_of_affinity_is_that_of_sqlite() {
        for (declared, expected) in [
            ("BIGINT", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("varchar(10)", Affinity::Text),
            ("", Affinity::None),
            ("DOUBLE PRECISION", Affinity::Real),
            ("DECIMAL(12,2)", Affinity::Numeric),
            ("ANY", Affinity::Numeric),
            ("DATETIME", Affinity::Numeric),
        ] {
            assert_eq!(affinity(declared, false), expected, "{declared}");
        }
        assert_eq!(affinity("ANY", true), Affinity::None);
    }

    #[test]
    fn two_fields_of_one_name_are_refused() {
        let field = || Field::new("a", DataType::Int8, true);
        let twice = DataType::Struct(vec![field(), field()].into());
        assert!(check_nested("c", &twice).unwrap_err().to_string().contains("two fields `a`"));
        assert!(check_nested("c", &DataType::Struct(vec![field()].into())).is_ok());
    }
}
