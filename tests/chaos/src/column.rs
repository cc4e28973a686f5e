//! The columns of each kind of source, and how their values are drawn.

use crate::draw::*;
use crate::random::Random;
use crate::value::Value;

/// How a value is drawn.
pub(crate) type Draw = fn(&mut Random) -> Value;

/// One column beside those that every stream has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// The type in the source: as SQL; in a file, what the option `types` says.
    pub(crate) declared: &'static str,
    /// What the option `types` of a tap for a database says; empty: nothing.
    pub(crate) read_as: &'static str,
    /// Always in quotes, in a file.
    pub(crate) is_quoted: bool,
    draw: Draw,
}

impl Column {
    /// A value of it; one in eight is none.
    pub(crate) fn draw(&self, random: &mut Random) -> Value {
        match random.below(8) {
            0 => Value::Null,
            _ => (self.draw)(random),
        }
    }
}

const fn column(name: &'static str, declared: &'static str, draw: Draw) -> Column {
    Column { name, declared, read_as: "", is_quoted: false, draw }
}

const fn read_as(column: Column, read_as: &'static str) -> Column {
    Column { read_as, ..column }
}

/// Of files. The last two have more digits than PostgreSQL keeps.
pub(crate) const CSV: [Column; 16] = [
    column("flag", "", flag),
    column("tiny", "int8", |random| Value::Integer(random.between(-128, 127))),
    column("number", "", |random| Value::Integer(random.next() as i64)),
    column("wide", "uint64", |random| Value::Number(random.next().to_string())),
    column("huge", "", huge),
    column("price", "decimal(12,2)", price),
    column("ratio", "", ratio),
    column("single", "float32", single),
    column("day", "", day),
    column("moment", "", |random| moment(random, false)),
    column("instant", "", |random| moment(random, true)),
    column("code", "", |random| Value::Text(format!("{:05}", random.below(20_000)))),
    Column { is_quoted: true, ..column("note", "", note) },
    column("word", "", word),
    column("fine_moment", "", |random| fine_moment(random, false)),
    column("fine_instant", "", |random| fine_moment(random, true)),
];

/// Of tables of PostgreSQL. Those from `tags` on are of types that it alone has.
pub(crate) const POSTGRES: [Column; 21] = [
    column("flag", "bool", flag),
    column("small", "int2", |random| Value::Integer(random.between(-32_768, 32_767))),
    column("middle", "int4", |random| Value::Integer((random.next() as i32).into())),
    column("number", "int8", |random| Value::Integer(random.next() as i64)),
    column("price", "numeric(12,2)", price),
    column("amount", "numeric", amount),
    column("ratio", "float8", |random| edge(random).unwrap_or_else(|| ratio(random))),
    column("single", "float4", single),
    column("day", "date", day),
    column("moment", "timestamp", |random| moment(random, false)),
    column("instant", "timestamptz", |random| moment(random, true)),
    column("code", "uuid", |random| {
        Value::Uuid(u128::from(random.next()) << 64 | u128::from(random.next()))
    }),
    column("note", "text", note),
    column("body", "bytea", body),
    column("tree", "jsonb", tree),
    column("numbers", "int4[]", |random| {
        let item = |random: &mut Random| (random.below(4) > 0).then(|| random.between(-99_999, 99_999));
        Value::Integers((0..random.below(6)).map(|_| item(random)).collect())
    }),
    column("tags", "text[]", tags),
    column("grid", "float8[][]", grid),
    column("mood", "mood", |random| Value::Server(random.choose(&["sad", "ok", "it's \"great\""]).to_owned())),
    column("span", "int4range", span),
    column("address", "inet", address),
];

/// How many columns of [`POSTGRES`] other systems can hold.
pub(crate) const POSTGRES_COMMON: usize = 16;

/// Of tables of SQLite.
pub(crate) const SQLITE: [Column; 10] = [
    column("flag", "BOOLEAN", flag),
    column("number", "INTEGER", |random| Value::Integer(random.next() as i64)),
    read_as(column("price", "TEXT", price), "decimal(12,2)"),
    column("ratio", "REAL", ratio),
    read_as(column("day", "TEXT", day), "date"),
    read_as(column("moment", "TEXT", |random| moment(random, false)), "timestamp"),
    read_as(column("instant", "TEXT", |random| moment(random, true)), "timestamp_utc"),
    column("note", "TEXT", note),
    column("body", "BLOB", body),
    column("tree", "JSON", tree),
];
