//! Which values the server's own types take as they are. The table, read the other way round.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::read::{known_base, numeric_modifier};
use super::{Form, TYPE_KEY};

/// What a type answers to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// Every value, in this form.
    As(Form),
    /// Every value, once the column has this wider type.
    Wider(String),
    /// By a text that is cast.
    ByText,
    /// Not without loss; what would take them.
    No(String),
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The forms of one type as SQL say the same, whatever the schema of a type of the user's.
pub(super) fn same_type(a: &str, b: &str) -> bool {
    fn bare(sql: &str) -> &str {
        // A schema is in quotes, or it is the server's own.
        sql.strip_prefix("pg_catalog.").unwrap_or_else(|| sql.split_once("\".").map_or(sql, |(_, name)| name))
    }
    bare(a) == bare(b)
}

/// Types whose text is what is sent, so that no cast is needed.
pub(super) fn is_sent_as_text(name: &str) -> bool {
    ["text", "varchar", "bpchar", "name", "json"].contains(&name)
}

/// Whether the values can still be those of the type in the source: a transform may have made others of them.
pub(super) fn is_still_of(field: &Field, sql: &str) -> bool {
    let mut sql = sql.strip_prefix("pg_catalog.").unwrap_or(sql);
    let mut data_type = field.data_type();
    let is_array = sql.ends_with("[]");
    while let (DataType::List(item), true) = (data_type, is_array) {
        data_type = item.data_type();
    }
    sql = sql.trim_end_matches("[]");
    // Read as text, it is of any type.
    if is_text(data_type) {
        return true;
    }
    let (name, modifier) = sql.split_once('(').map_or((sql, None), |(name, rest)| (name, Some(rest)));
    let packed = modifier.and_then(|rest| {
        let mut numbers =
            rest.trim_end_matches(')').split(',').map(|number| number.trim().parse::<i32>().ok());
        let (precision, scale) = (numbers.next()??, numbers.next().flatten().unwrap_or(0));
        Some(((precision << 16) | (scale & 0x7ff)) + 4)
    });
    let name = name.split(' ').next().unwrap_or(name);
    let decimal = |known: &DataType| match (known, data_type) {
        // The user's choice for numbers of any size.
        (DataType::Utf8, found) => name == "numeric" && found.is_decimal(),
        (known, found) => known == found,
    };
    known_base(name, packed.filter(|_| name == "numeric").unwrap_or(-1))
        .is_some_and(|known| decimal(&known.data_type))
}

/// Digits of the largest value.
fn integer_digits(data_type: &DataType) -> Option<(u8, i32)> {
    use DataType as A;
    // The second number is the size of the smallest type of the server that takes all of them, in bytes.
    Some(match data_type {
        A::Int8 | A::UInt8 => (3, 2),
        A::Int16 => (5, 2),
        A::UInt16 => (5, 4),
        A::Int32 => (10, 4),
        A::UInt32 => (10, 8),
        A::Int64 => (19, 8),
        A::UInt64 => (20, 16),
        _ => return None,
    })
}

/// The server's types by their names in its catalog.
pub(super) fn base(field: &Field, name: &str, modifier: i32) -> Accepted {
    use DataType as A;
    let no = |wanted: &str| Accepted::No(format!("`{wanted}`"));
    let source = field.metadata().get(TYPE_KEY).map(String::as_str);
    let extension = field.metadata().get("ARROW:extension:name").map(String::as_str);
    match field.data_type() {
        A::Boolean if name == "bool" => Accepted::As(Form::Bool),
        A::Boolean => no("boolean"),
        integer if integer_digits(integer).is_some() => integer_into(integer, name, modifier),
        A::Float16 | A::Float32 => match name {
            "float4" => Accepted::As(Form::Float4),
            "float8" => Accepted::As(Form::Float8),
            _ => no("real"),
        },
        A::Float64 => match name {
            "float8" => Accepted::As(Form::Float8),
            "float4" => Accepted::Wider("double precision".into()),
            _ => no("double precision"),
        },
        A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) | A::Decimal256(p, s) => {
            let is_same = numeric_modifier(modifier).is_some_and(|(precision, scale)| {
                let sql = format!("numeric({precision},{scale})");
                name == "numeric" && source.is_some_and(|source| same_type(source, &sql))
            });
            match is_same {
                // Its decimal has more digits where the scale is negative, or larger than the precision.
                true => Accepted::As(Form::Decimal { precision: *p, scale: *s }),
                false => decimal_into(i32::from(*p), i32::from(*s), name, modifier),
            }
        }
        text if is_text(text) => text_into(name, modifier, source, extension),
        A::FixedSizeBinary(16) if name == "uuid" => Accepted::As(Form::Uuid),
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => match name {
            "bytea" => Accepted::As(Form::Bytes),
            _ => no("bytea"),
        },
        A::Date32 | A::Date64 => match name {
            "date" => Accepted::As(Form::Date),
            _ => no("date"),
        },
        A::Time32(unit) | A::Time64(unit) => match name {
            "time" => clock(*unit, modifier, source, Form::Time, "time"),
            _ => no("time"),
        },
        A::Timestamp(unit, None) => match name {
            "timestamp" => clock(*unit, modifier, source, Form::Timestamp, "timestamp"),
            _ => no("timestamp"),
        },
        A::Timestamp(unit, Some(_)) => match name {
            "timestamptz" => clock(*unit, modifier, source, Form::Timestamp, "timestamp with time zone"),
            _ => no("timestamp with time zone"),
        },
        A::Duration(_) | A::Interval(_) => match name {
            "interval" if modifier < 0 || source.is_some_and(|sql| sql.starts_with("interval")) => {
                Accepted::As(Form::Interval)
            }
            "interval" => Accepted::Wider("interval".into()),
            _ => no("interval"),
        },
        _ => match name {
            "jsonb" => Accepted::As(Form::Jsonb),
            "json" => Accepted::As(Form::Text),
            _ => no("jsonb"),
        },
    }
}

fn integer_into(data_type: &DataType, name: &str, modifier: i32) -> Accepted {
    let (digits, bytes) = integer_digits(data_type).unwrap_or((20, 16));
    let wider = |name: &str| Accepted::Wider(name.to_owned());
    let form = match (name, bytes) {
        ("int2", 2) => Form::Int2,
        ("int4", ..=4) => Form::Int4,
        ("int8", ..=8) => Form::Int8,
        ("oid", _) if *data_type == DataType::UInt32 => Form::Oid,
        ("int2", 4) => return wider("integer"),
        ("int2" | "int4", 8) => return wider("bigint"),
        ("int2" | "int4" | "int8", _) => return wider("numeric(20,0)"),
        ("numeric", _) => return decimal_into(i32::from(digits), 0, name, modifier),
        (_, 2) => return Accepted::No("`smallint`".into()),
        (_, 4) => return Accepted::No("`integer`".into()),
        (_, 8) => return Accepted::No("`bigint`".into()),
        _ => return Accepted::No("`numeric(20,0)`".into()),
    };
    Accepted::As(form)
}

fn decimal_into(precision: i32, scale: i32, name: &str, modifier: i32) -> Accepted {
    let form = Form::Decimal { precision: precision as u8, scale: scale as i8 };
    let before_point = precision - scale;
    let wider = |(p, s): (i32, i32)| {
        let scale = s.max(scale);
        Accepted::Wider(format!("numeric({},{scale})", (p - s).max(before_point) + scale))
    };
    match (name, numeric_modifier(modifier)) {
        ("numeric", None) => Accepted::As(form),
        ("numeric", Some((p, s))) if p - s >= before_point && s >= scale => Accepted::As(form),
        ("numeric", Some(have)) => wider(have),
        ("int2", _) => wider((5, 0)),
        ("int4", _) => wider((10, 0)),
        ("int8", _) => wider((19, 0)),
        _ => Accepted::No(format!("`numeric({precision},{scale})`")),
    }
}

fn text_into(name: &str, modifier: i32, source: Option<&str>, extension: Option<&str>) -> Accepted {
    let is_of =
        |name: &str| source.is_some_and(|sql| sql.trim_start_matches("pg_catalog.").starts_with(name));
    match name {
        "text" => Accepted::As(Form::Text),
        "varchar" if modifier < 0 => Accepted::As(Form::Text),
        "varchar" => Accepted::As(Form::Varchar((modifier - 4).max(0) as u32)),
        // Shorter texts would be filled up with spaces.
        "bpchar" if modifier < 0 || is_of("bpchar") => Accepted::As(Form::Text),
        "name" if is_of("name") => Accepted::As(Form::Text),
        "json" => Accepted::As(Form::Text),
        // It keeps no text, and one of two equal names: that the text is JSON must be known.
        "jsonb" if extension == Some("arrow.json") => Accepted::As(Form::Jsonb),
        "numeric" if is_of("numeric") => Accepted::As(Form::NumericText),
        // Any text that is one says the same value.
        "uuid" => Accepted::ByText,
        "bpchar" | "name" => Accepted::Wider("text".into()),
        _ => Accepted::No("`text`".into()),
    }
}

/// A column of fewer digits would round.
fn clock(unit: TimeUnit, modifier: i32, source: Option<&str>, form: Form, wide: &str) -> Accepted {
    let needed = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        // What is finer than the server's is refused value by value.
        TimeUnit::Microsecond | TimeUnit::Nanosecond => 6,
    };
    let is_same = source.is_some_and(|sql| sql.ends_with(&format!("({modifier})")));
    match modifier < 0 || modifier >= needed || is_same {
        true => Accepted::As(form),
        false => Accepted::Wider(wide.to_owned()),
    }
}
