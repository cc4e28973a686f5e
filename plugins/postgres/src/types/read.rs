//! Theirs → Arrow: the table.

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use dstream_sdk::{Error, Result};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

use super::server::{Kind, Types};
use super::write::Definition;
use super::{DEFINITIONS_KEY, Form, TYPE_KEY};
use crate::quote::quote;

/// A column of a relation or of a query, as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceColumn {
    pub(crate) name: String,
    pub(crate) oid: u32,
    /// -1: none.
    pub(crate) modifier: i32,
    /// Dimensions with which an array was declared; the server checks no value against it.
    pub(crate) dimensions: u8,
    pub(crate) is_nullable: bool,
    pub(crate) comment: Option<String>,
    /// What the user wants to have it read as (option `types`): `text` or `decimal(p,s)`.
    pub(crate) wanted: Option<String>,
}

/// A column as it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadColumn {
    /// Name, Arrow type, metadata ([`super::TYPE_KEY`], [`super::DEFINITIONS_KEY`], Arrow's extension types).
    pub(crate) field: Field,
    /// What stands for it in a SELECT: the quoted name, or a cast of it.
    pub(crate) expression: String,
    /// How its values lie.
    pub(crate) form: Form,
    /// Set: no exact form of the type is known here, and its values are read as the server's text of them.
    pub(crate) is_text_of_unknown: bool,
}

/// A type whose values are read as they lie.
pub(super) struct Known {
    pub(super) data_type: DataType,
    pub(super) form: Form,
    /// Arrow's name for what the type alone does not say.
    pub(super) extension: Option<&'static str>,
}

fn plain(data_type: DataType, form: Form) -> Known {
    Known { data_type, form, extension: None }
}

/// The table, for the types of the server's own.
pub(super) fn known_base(name: &str, modifier: i32) -> Option<Known> {
    let known = match name {
        "bool" => plain(DataType::Boolean, Form::Bool),
        "int2" => plain(DataType::Int16, Form::Int2),
        "int4" => plain(DataType::Int32, Form::Int4),
        "int8" => plain(DataType::Int64, Form::Int8),
        "oid" => plain(DataType::UInt32, Form::Oid),
        "float4" => plain(DataType::Float32, Form::Float4),
        "float8" => plain(DataType::Float64, Form::Float8),
        "numeric" => numeric(modifier),
        "text" | "varchar" | "bpchar" | "name" => plain(DataType::Utf8, Form::Text),
        "json" => Known { extension: Some("arrow.json"), ..plain(DataType::Utf8, Form::Text) },
        "jsonb" => Known { extension: Some("arrow.json"), ..plain(DataType::Utf8, Form::Jsonb) },
        "bytea" => plain(DataType::Binary, Form::Bytes),
        "date" => plain(DataType::Date32, Form::Date),
        "time" => plain(DataType::Time64(TimeUnit::Microsecond), Form::Time),
        "timestamp" => plain(DataType::Timestamp(TimeUnit::Microsecond, None), Form::Timestamp),
        "timestamptz" => {
            plain(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Form::Timestamp)
        }
        "interval" => plain(DataType::Interval(IntervalUnit::MonthDayNano), Form::Interval),
        "uuid" => Known { extension: Some("arrow.uuid"), ..plain(DataType::FixedSizeBinary(16), Form::Uuid) },
        // By the server's text of it: "char", bit, inet, cidr, macaddr, money, timetz, xml, ranges, geometry, …
        _ => return None,
    };
    Some(known)
}

/// Digits, and how many of them are behind the point; `None`: any number of them.
pub(super) fn numeric_modifier(modifier: i32) -> Option<(i32, i32)> {
    // The scale has 11 bits with a sign, since version 15.
    let packed = modifier - 4;
    (modifier >= 4).then_some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

fn numeric(modifier: i32) -> Known {
    let as_text = plain(DataType::Utf8, Form::NumericText);
    let Some((precision, scale)) = numeric_modifier(modifier) else { return as_text };
    // Zeros before the point that the type implies are written out; a point before the first digit needs zeros behind it.
    let (precision, scale) = match scale {
        scale if scale < 0 => (precision - scale, 0),
        scale => (precision.max(scale), scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) => {
            plain(DataType::Decimal128(precision, scale), Form::Decimal { precision, scale })
        }
        (Ok(precision @ 39..=76), Ok(scale)) => {
            plain(DataType::Decimal256(precision, scale), Form::Decimal { precision, scale })
        }
        _ => as_text,
    }
}

/// A type whose values are read as they lie; `None`: by its text.
fn known(types: &Types, oid: u32, modifier: i32, dimensions: u8) -> Result<Option<Known>> {
    let found = types.get(oid)?;
    Ok(match &found.kind {
        Kind::Base if found.schema == "pg_catalog" => known_base(&found.name, modifier),
        Kind::Base | Kind::Range => None,
        Kind::Domain { base, modifier, .. } => known(types, *base, *modifier, dimensions)?,
        Kind::Enum { labels } => {
            let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Some(plain(data_type, Form::Enum(labels.clone())))
        }
        Kind::Array { element } => {
            let Some(item) = known(types, *element, modifier, 0)? else { return Ok(None) };
            Some(array(*element, item, dimensions))
        }
        Kind::Composite { attributes } => {
            let mut fields = Vec::with_capacity(attributes.len());
            let mut forms = Vec::with_capacity(attributes.len());
            for part in attributes {
                let Some(item) = known(types, part.oid, part.modifier, 0)? else { return Ok(None) };
                fields.push(with_extension(Field::new(&part.name, item.data_type, true), item.extension));
                forms.push((part.oid, item.form));
            }
            match fields.is_empty() {
                true => None,
                false => Some(plain(DataType::Struct(fields.into()), Form::Composite(forms))),
            }
        }
    })
}

fn array(element: u32, item: Known, dimensions: u8) -> Known {
    let dimensions = dimensions.max(1);
    let field = with_extension(Field::new("item", item.data_type, true), item.extension);
    let mut data_type = DataType::List(Arc::new(field));
    for _ in 1..dimensions {
        data_type = DataType::List(Arc::new(Field::new("item", data_type, true)));
    }
    plain(data_type, Form::Array { element, form: Box::new(item.form), dimensions })
}

fn with_extension(field: Field, extension: Option<&str>) -> Field {
    match extension {
        Some(name) => {
            field.with_metadata(HashMap::from([("ARROW:extension:name".to_owned(), name.to_owned())]))
        }
        None => field,
    }
}

/// How a column is read.
///
/// # Errors
/// `Config`: what the user wants cannot be had of this type.
pub(crate) fn read_column(types: &Types, column: &SourceColumn) -> Result<ReadColumn> {
    let name = quote_column(&column.name)?;
    let found = known(types, column.oid, column.modifier, column.dimensions)?;
    let is_unknown = found.is_none() && column.wanted.is_none();
    let (found, expression) = match (wanted(types, column)?, found) {
        (Some(Wanted::Decimal(found)), _) | (None, Some(found)) => (found, name),
        (Some(Wanted::Text), _) | (None, None) => by_text(types, column, &name)?,
    };
    let mut metadata = HashMap::from([(TYPE_KEY.to_owned(), types.sql(column.oid, column.modifier)?)]);
    if let Some(extension) = found.extension {
        metadata.insert("ARROW:extension:name".to_owned(), extension.to_owned());
    }
    if let Some(definitions) = definitions(types, column)? {
        metadata.insert(DEFINITIONS_KEY.to_owned(), definitions);
    }
    if let Some(comment) = &column.comment {
        metadata.insert("comment".to_owned(), comment.clone());
    }
    let field = Field::new(&column.name, found.data_type, column.is_nullable).with_metadata(metadata);
    Ok(ReadColumn { field, expression, form: found.form, is_text_of_unknown: is_unknown })
}

/// A name that the source has: longer than a target would take it is one all the same.
fn quote_column(name: &str) -> Result<String> {
    quote(name)
}

enum Wanted {
    Text,
    Decimal(Known),
}

fn wanted(types: &Types, column: &SourceColumn) -> Result<Option<Wanted>> {
    let Some(wanted) = column.wanted.as_deref().map(str::trim) else { return Ok(None) };
    let refused = |why: &str| {
        Err(Error::config(format!("the column `{}` cannot be read as `{wanted}`: {why}", column.name))
            .hint("the option `types` takes `text` and, for `numeric`, `decimal(precision, scale)`"))
    };
    if wanted == "text" {
        return Ok(Some(Wanted::Text));
    }
    let inner = wanted.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
    let Some((precision, scale)) = inner.and_then(|inner| inner.split_once(',')) else {
        return refused("it is no type that is known here");
    };
    match (precision.trim().parse::<u8>(), scale.trim().parse::<i8>()) {
        (Ok(precision @ 1..=76), Ok(scale)) if (0..=precision as i8).contains(&scale) => {
            let base = base_of(types, column.oid)?;
            if base != "numeric" {
                return refused("it is no `numeric`");
            }
            let data_type = match precision {
                ..=38 => DataType::Decimal128(precision, scale),
                _ => DataType::Decimal256(precision, scale),
            };
            Ok(Some(Wanted::Decimal(plain(data_type, Form::Decimal { precision, scale }))))
        }
        _ => refused("a decimal has 1 to 76 digits, and from none to all of them behind the point"),
    }
}

/// The name of the type under all domains.
pub(super) fn base_of(types: &Types, oid: u32) -> Result<&str> {
    let found = types.get(oid)?;
    match &found.kind {
        Kind::Domain { base, .. } => base_of(types, *base),
        _ => Ok(&found.name),
    }
}

/// By the server's text of the value; that of money without the signs that a locale adds.
fn by_text(types: &Types, column: &SourceColumn, name: &str) -> Result<(Known, String)> {
    let found = types.get(column.oid)?;
    let is_money = |oid| base_of(types, oid).map(|base| base == "money");
    let cast = |through: &str, to: &str| match through {
        "" => format!("{name}::pg_catalog.{to}"),
        through => format!("{name}::pg_catalog.{through}::pg_catalog.{to}"),
    };
    let through = match &found.kind {
        Kind::Array { element } if is_money(*element)? => "numeric[]",
        _ if is_money(column.oid)? => "numeric",
        _ => "",
    };
    let text = plain(DataType::Utf8, Form::Text);
    Ok(match &found.kind {
        Kind::Array { .. } if column.wanted.is_none() => {
            (array(TEXT_OID, text, column.dimensions), cast(through, "text[]"))
        }
        _ => (text, cast(through, "text")),
    })
}

/// The number of `text`, the same in every server.
pub(super) const TEXT_OID: u32 = 25;

/// How types of the user's are made anew, as JSON: `{"type": …, "definitions": […]}`; in both, NUL stands for the schema
/// of the target, for no name and no text of the server can hold it.
fn definitions(types: &Types, column: &SourceColumn) -> Result<Option<String>> {
    let mut all = Vec::new();
    let sql = portable_sql(types, column.oid, column.modifier, &mut all)?;
    let text = json!({ "type": sql, "definitions": all }).to_string();
    Ok((!all.is_empty()).then_some(text))
}

/// The type as SQL for another database; what it needs is added in the order in which it has to be made.
fn portable_sql(types: &Types, oid: u32, modifier: i32, all: &mut Vec<Definition>) -> Result<String> {
    let found = types.get(oid)?;
    let (keyword, body) = match &found.kind {
        Kind::Array { element } => return Ok(format!("{}[]", portable_sql(types, *element, modifier, all)?)),
        Kind::Base | Kind::Range => return types.sql(oid, modifier),
        // Such as those of information_schema: they are everywhere.
        _ if ["pg_catalog", "information_schema"].contains(&found.schema.as_str()) => {
            return types.sql(oid, modifier);
        }
        Kind::Enum { labels } => {
            let labels =
                labels.iter().map(|label| crate::quote::literal(label)).collect::<Result<Vec<_>>>()?;
            ("TYPE", format!("AS ENUM ({})", labels.join(", ")))
        }
        Kind::Domain { base, modifier, not_null, checks } => {
            let base = portable_sql(types, *base, *modifier, all)?;
            let not_null = if *not_null { " NOT NULL" } else { "" };
            let checks: String = checks.iter().map(|check| format!(" {check}")).collect();
            ("DOMAIN", format!("AS {base}{not_null}{checks}"))
        }
        Kind::Composite { attributes } => {
            let mut parts = Vec::with_capacity(attributes.len());
            for part in attributes {
                parts.push(format!(
                    "{} {}",
                    quote(&part.name)?,
                    portable_sql(types, part.oid, part.modifier, all)?
                ));
            }
            ("TYPE", format!("AS ({})", parts.join(", ")))
        }
    };
    let (name, schema) = (found.name.clone(), found.schema.clone());
    let definition = Definition { name, schema, body, keyword: keyword.to_owned() };
    if !all.contains(&definition) {
        all.push(definition);
    }
    Ok(format!("\0.{}", quote(&found.name)?))
}
