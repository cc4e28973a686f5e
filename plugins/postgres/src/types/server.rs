//! What the server says of its types.

use dstream_sdk::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

use crate::client::Client;
use crate::quote::quote;

/// A type of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerType {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It stands for itself.
    Base,
    /// One of these words.
    Enum { labels: Vec<String> },
    /// Another type with conditions, each as SQL: `CHECK (VALUE > 0)`.
    Domain { base: u32, modifier: i32, not_null: bool, checks: Vec<String> },
    /// Any number of these, in any number of dimensions.
    Array { element: u32 },
    /// One of each.
    Composite { attributes: Vec<Attribute> },
    /// A part of an order.
    Range,
}

/// A part of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) oid: u32,
    pub(crate) modifier: i32,
}

/// The types of some columns, and those that they are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types(BTreeMap<u32, ServerType>);

impl Types {
    /// Asks the server for types, and for what they are made of.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(crate) fn load(client: &mut Client, oids: impl IntoIterator<Item = u32>) -> Result<Types> {
        let mut types = Types::default();
        types.add(client, oids)?;
        Ok(types)
    }

    /// As [`load`](Types::load), for types that came on later.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(crate) fn add(&mut self, client: &mut Client, oids: impl IntoIterator<Item = u32>) -> Result<()> {
        let mut wanted: BTreeSet<u32> = oids.into_iter().filter(|oid| !self.0.contains_key(oid)).collect();
        while !wanted.is_empty() {
            let found = ask(client, &wanted)?;
            let asked = std::mem::take(&mut wanted);
            self.0.extend(found.into_iter().map(|found| (found.oid, found)));
            for oid in asked {
                let parts = self.0.get(&oid).map(parts).unwrap_or_default();
                wanted.extend(parts.into_iter().filter(|part| !self.0.contains_key(part)));
            }
        }
        Ok(())
    }

    /// What is known of a type.
    ///
    /// # Errors
    /// `Schema`: it is gone.
    pub(crate) fn get(&self, oid: u32) -> Result<&ServerType> {
        self.0.get(&oid).ok_or_else(|| {
            Error::schema(format!("the server has no type with the number {oid} any more"))
                .hint("run `dstreams discover` again")
        })
    }

    /// The type as SQL, with its modifier: `numeric(12,2)`, `"shop"."mood"[]`.
    ///
    /// # Errors
    /// As [`get`](Types::get).
    pub(crate) fn sql(&self, oid: u32, modifier: i32) -> Result<String> {
        let found = self.get(oid)?;
        Ok(match &found.kind {
            Kind::Array { element } => format!("{}[]", self.sql(*element, modifier)?),
            _ if found.schema == "pg_catalog" => base_sql(&found.name, modifier)?,
            _ => format!("{}.{}", quote(&found.schema)?, quote(&found.name)?),
        })
    }
}

fn parts(of: &ServerType) -> Vec<u32> {
    match &of.kind {
        Kind::Base | Kind::Enum { .. } | Kind::Range => Vec::new(),
        Kind::Domain { base, .. } => vec![*base],
        Kind::Array { element } => vec![*element],
        Kind::Composite { attributes } => attributes.iter().map(|attribute| attribute.oid).collect(),
    }
}

/// The name with its schema, and its modifier.
fn base_sql(name: &str, modifier: i32) -> Result<String> {
    Ok(match name {
        // With a schema, SQL takes no fields of an interval.
        "interval" if modifier >= 0 => format!("interval{}", interval_suffix(modifier)),
        _ => format!("pg_catalog.{}{}", quote_where_needed(name)?, suffix(name, modifier)),
    })
}

/// Readable where it can be.
fn quote_where_needed(name: &str) -> Result<String> {
    match name {
        // A single byte, which SQL knows with quotes alone.
        "char" => quote(name),
        plain
            if plain
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') =>
        {
            Ok(plain.to_owned())
        }
        other => quote(other),
    }
}

/// The modifier as SQL.
fn suffix(name: &str, modifier: i32) -> String {
    match name {
        _ if modifier < 0 => String::new(),
        "numeric" => {
            let packed = modifier - 4;
            // The scale has 11 bits with a sign, since version 15.
            let scale = ((packed & 0x7ff) ^ 1024) - 1024;
            format!("({},{scale})", (packed >> 16) & 0xffff)
        }
        "varchar" | "bpchar" => format!("({})", modifier - 4),
        "bit" | "varbit" | "time" | "timetz" | "timestamp" | "timestamptz" => format!("({modifier})"),
        _ => String::new(),
    }
}

/// Fields and precision of an interval, as `INTERVAL_TYPMOD` packs them.
fn interval_suffix(modifier: i32) -> String {
    let (range, precision) = ((modifier >> 16) & 0x7fff, modifier & 0xffff);
    let (year, month, day) = (1 << 2, 1 << 1, 1 << 3);
    let (hour, minute, second) = (1 << 10, 1 << 11, 1 << 12);
    let fields = match range {
        r if r == year => " year",
        r if r == month => " month",
        r if r == day => " day",
        r if r == hour => " hour",
        r if r == minute => " minute",
        r if r == second => " second",
        r if r == year | month => " year to month",
        r if r == day | hour => " day to hour",
        r if r == day | hour | minute => " day to minute",
        r if r == day | hour | minute | second => " day to second",
        r if r == hour | minute => " hour to minute",
        r if r == hour | minute | second => " hour to second",
        r if r == minute | second => " minute to second",
        _ => "",
    };
    match precision {
        0xffff => fields.to_owned(),
        digits => format!("{fields}({digits})"),
    }
}

const SQL: &str = "
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typbasetype, t.typtypmod, t.typnotnull,
  CASE WHEN t.typlen = -1 AND t.typelem <> 0 AND t.typcategory = 'A' THEN t.typelem ELSE 0 END,
  (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
  (SELECT json_agg(pg_catalog.pg_get_constraintdef(c.oid) ORDER BY c.conname) FROM pg_catalog.pg_constraint c
    WHERE c.contypid = t.oid AND c.contype = 'c'),
  (SELECT json_agg(json_build_array(a.attname, a.atttypid::bigint, a.atttypmod) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ANY ($1::oid[])";

fn ask(client: &mut Client, oids: &BTreeSet<u32>) -> Result<Vec<ServerType>> {
    let list: Vec<String> = oids.iter().map(u32::to_string).collect();
    let rows = client.query(SQL, &[&format!("{{{}}}", list.join(","))])?;
    rows.iter()
        .map(|row| {
            let json = |column| serde_json::from_str(row.get(column).unwrap_or("[]")).unwrap_or_default();
            let texts = |column| serde_json::from_value::<Vec<String>>(json(column)).unwrap_or_default();
            let element = row.number(7)?;
            let kind = match row.text(3) {
                "e" => Kind::Enum { labels: texts(8) },
                "d" => Kind::Domain {
                    base: row.number(4)?,
                    modifier: row.number(5)?,
                    not_null: row.is_true(6),
                    checks: texts(9),
                },
                "c" => Kind::Composite {
                    attributes: serde_json::from_value::<Vec<(String, u32, i32)>>(json(10))
                        .unwrap_or_default()
                        .into_iter()
                        .map(|(name, oid, modifier)| Attribute { name, oid, modifier })
                        .collect(),
                },
                "r" | "m" => Kind::Range,
                _ if element != 0 => Kind::Array { element },
                _ => Kind::Base,
            };
            Ok(ServerType { oid: row.number(0)?, schema: row.text(1).into(), name: row.text(2).into(), kind })
        })
        .collect()
}
