//! One value of a record, and how each system holds it.

use rusqlite::types::Value as Sqlite;

/// One value of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// All of its digits: a decimal, or an integer of any size.
    Number(String),
    Double(f64),
    Single(f32),
    Text(String),
    Bytes(Vec<u8>),
    /// `2024-02-29`.
    Day(String),
    /// `2024-02-29T23:59:59.123456`, with all digits of its unit.
    Moment {
        text: String,
        is_utc: bool,
    },
    Uuid(u128),
    Json(String),
    Integers(Vec<Option<i64>>),
    /// As PostgreSQL writes it, whatever it is.
    Server(String),
}

/// A value of a table, as its database gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Sqlite(Sqlite),
    /// The server's text.
    Postgres(Option<String>),
    /// A number or a truth value of a file, as text.
    Bare(String),
    /// Anything else of a file, or nothing.
    Text(Option<String>),
}

impl Value {
    /// What SQLite has to hold.
    pub(crate) fn in_sqlite(&self) -> Sqlite {
        match self {
            Value::Null => Sqlite::Null,
            Value::Bool(value) => Sqlite::Integer((*value).into()),
            Value::Integer(value) => Sqlite::Integer(*value),
            Value::Double(value) => Sqlite::Real(*value),
            Value::Single(value) => Sqlite::Real((*value).into()),
            Value::Bytes(bytes) => Sqlite::Blob(bytes.clone()),
            Value::Uuid(number) => Sqlite::Blob(number.to_be_bytes().to_vec()),
            Value::Moment { text, is_utc: true } => Sqlite::Text(format!("{text}Z")),
            Value::Moment { text, is_utc: false } => Sqlite::Text(text.clone()),
            Value::Integers(items) => Sqlite::Text(format!("[{}]", joined(items, "null"))),
            Value::Number(text)
            | Value::Text(text)
            | Value::Day(text)
            | Value::Json(text)
            | Value::Server(text) => Sqlite::Text(text.clone()),
        }
    }

    /// The text of PostgreSQL: what it takes, and what it gives where no number of binary digits is meant.
    pub(crate) fn in_postgres(&self) -> Option<String> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
            Value::Integer(value) => value.to_string(),
            Value::Double(value) => value.to_string(),
            Value::Single(value) => value.to_string(),
            Value::Bytes(bytes) => {
                bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
            }
            Value::Uuid(number) => {
                let digits = format!("{number:032x}");
                let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
                parts.join("-")
            }
            Value::Moment { text, is_utc } => {
                let (day, clock) = text.split_once('T').unwrap_or((text, ""));
                format!("{day} {}{}", without_zeros(clock), if *is_utc { "+00" } else { "" })
            }
            Value::Integers(items) => format!("{{{}}}", joined(items, "NULL")),
            Value::Number(text)
            | Value::Text(text)
            | Value::Day(text)
            | Value::Json(text)
            | Value::Server(text) => text.clone(),
        })
    }

    /// The value is held to the bit.
    pub(crate) fn is_held_as(&self, found: &Found) -> bool {
        match found {
            Found::Sqlite(found) => match (self.in_sqlite(), found) {
                (Sqlite::Real(wanted), Sqlite::Real(found)) => wanted.to_bits() == found.to_bits(),
                (wanted, found) => wanted == *found,
            },
            // Its digits are the shortest that give the number again; ours need not be the same.
            Found::Postgres(Some(found)) if let Value::Double(wanted) = self => {
                found.parse().is_ok_and(|found: f64| found.to_bits() == wanted.to_bits())
            }
            Found::Postgres(Some(found)) if let Value::Single(wanted) = self => {
                found.parse().is_ok_and(|found: f32| found.to_bits() == wanted.to_bits())
            }
            Found::Postgres(found) => self.in_postgres() == *found,
            Found::Bare(found) => match self {
                Value::Bool(wanted) => found == if *wanted { "true" } else { "false" },
                Value::Integer(_) | Value::Number(_) => self.in_postgres().as_ref() == Some(found),
                Value::Double(wanted) => {
                    found.parse().is_ok_and(|found: f64| found.to_bits() == wanted.to_bits())
                }
                Value::Single(wanted) => {
                    found.parse().is_ok_and(|found: f32| found.to_bits() == wanted.to_bits())
                }
                _ => false,
            },
            Found::Text(None) => *self == Value::Null,
            Found::Text(Some(found)) => match self {
                Value::Moment { text, is_utc } => {
                    let zone = if *is_utc { "Z" } else { "" };
                    let clock = found.strip_suffix(zone).filter(|clock| !clock.ends_with('Z'));
                    clock.is_some_and(|clock| without_zeros(clock) == without_zeros(text))
                }
                Value::Number(wanted) | Value::Text(wanted) | Value::Day(wanted) => wanted == found,
                _ => false,
            },
        }
    }
}

impl Found {
    /// As the number of a record.
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Found::Sqlite(Sqlite::Integer(number)) => Some(*number),
            Found::Postgres(Some(text)) => text.parse().ok(),
            Found::Bare(text) => text.parse().ok(),
            Found::Sqlite(_) | Found::Postgres(None) | Found::Text(_) => None,
        }
    }
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(clock: &str) -> &str {
    match clock.contains('.') {
        true => clock.trim_end_matches('0').trim_end_matches('.'),
        false => clock,
    }
}

fn joined(items: &[Option<i64>], null: &str) -> String {
    let texts = items.iter().map(|item| item.map_or_else(|| null.to_owned(), |item| item.to_string()));
    texts.collect::<Vec<_>>().join(",")
}
