//! Arrow → theirs: which type a column is made with.

use arrow::datatypes::{DataType, Field};
use dstream_sdk::Result;
use serde::{Deserialize, Serialize};

use super::accept::{self, Accepted};
use super::read::TEXT_OID;
use super::server::{Kind, Types};
use super::{DEFINITIONS_KEY, Form, TYPE_KEY};
use crate::quote::quote;

/// A type of the user's that a column needs: enum, domain or composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// Its name in the source, without schema.
    pub(crate) name: String,
    /// Its schema in the source.
    pub(crate) schema: String,
    /// What comes behind `CREATE keyword name`.
    pub(crate) body: String,
    /// `DOMAIN` or `TYPE`.
    pub(crate) keyword: String,
}

/// The type with which a column is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// As SQL; types of the user's are in the schema of the target.
    pub(crate) sql: String,
    /// Types that have to be there first, in this order; their bodies name the schema of the target.
    pub(crate) definitions: Vec<Definition>,
}

/// What [`DEFINITIONS_KEY`] holds.
#[derive(Deserialize)]
struct Portable {
    #[serde(rename = "type")]
    sql: String,
    definitions: Vec<Definition>,
}

/// The type for a column that is not there yet, in a target whose tables are in `schema`.
///
/// # Errors
/// `Unsupported`: the server has no type that keeps these values.
pub(crate) fn declared_type(field: &Field, schema: &str, version: u32) -> Result<Declared> {
    if let Some(text) = field.metadata().get(DEFINITIONS_KEY)
        && let Ok(portable) = serde_json::from_str::<Portable>(text)
        && is_of_user(field.data_type())
    {
        let schema = quote(schema)?;
        let placed = |sql: &str| sql.replace('\0', &schema);
        let definitions = portable.definitions.into_iter();
        let definitions = definitions.map(|made| Definition { body: placed(&made.body), ..made }).collect();
        return Ok(Declared { sql: placed(&portable.sql), definitions });
    }
    let plain = |sql: String| Ok(Declared { sql, definitions: Vec::new() });
    match field.metadata().get(TYPE_KEY) {
        Some(sql) if accept::is_still_of(field, sql) => plain(sql.clone()),
        _ => plain(natural(field, version)?),
    }
}

/// Whether the values can still be those of a type of the user's: a transform may have made others of them.
fn is_of_user(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => is_of_user(item.data_type()),
        // A domain may be over any type.
        _ => true,
    }
}

/// The type that says most of what the Arrow type says. The table.
fn natural(field: &Field, version: u32) -> Result<String> {
    use DataType as A;
    let extension = field.metadata().get("ARROW:extension:name").map(String::as_str);
    Ok(match field.data_type() {
        A::Boolean => "boolean".into(),
        A::Int8 | A::UInt8 | A::Int16 => "smallint".into(),
        A::UInt16 | A::Int32 => "integer".into(),
        A::UInt32 | A::Int64 => "bigint".into(),
        A::UInt64 => "numeric(20,0)".into(),
        A::Float16 | A::Float32 => "real".into(),
        A::Float64 => "double precision".into(),
        A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) | A::Decimal256(p, s) => match s {
            ..=-1 if version < 150_000 => format!("numeric({},0)", i32::from(*p) - i32::from(*s)),
            _ => format!("numeric({p},{s})"),
        },
        A::Utf8 | A::LargeUtf8 | A::Utf8View if extension == Some("arrow.json") => "json".into(),
        A::Utf8 | A::LargeUtf8 | A::Utf8View | A::Null => "text".into(),
        A::FixedSizeBinary(16) if extension == Some("arrow.uuid") => "uuid".into(),
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => "bytea".into(),
        A::Date32 | A::Date64 => "date".into(),
        A::Time32(_) | A::Time64(_) => "time".into(),
        A::Timestamp(_, None) => "timestamp".into(),
        A::Timestamp(_, Some(_)) => "timestamp with time zone".into(),
        A::Duration(_) | A::Interval(_) => "interval".into(),
        A::List(item) | A::LargeList(item) if !is_nested(item.data_type()) => {
            format!("{}[]", natural(item, version)?)
        }
        A::Dictionary(_, values) => natural(&Field::new(field.name(), (**values).clone(), true), version)?,
        A::RunEndEncoded(_, values) => natural(values, version)?,
        _ => "jsonb".into(),
    })
}

/// Lists of these are kept as JSON: the lists in a list may have any lengths, the arrays in an array may not.
pub(super) fn is_nested(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_nested(values),
        other => other.is_nested(),
    }
}

/// How the values of a field reach a column that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteColumn {
    pub(crate) name: String,
    /// The type of the column in a table aside, as SQL, where one is needed.
    pub(crate) stage_type: String,
    /// Set: the values cannot be sent in the column's own type; in the statement that moves them from the table aside
    /// this stands for `{}`, such as `{}::pg_catalog.inet`.
    pub(crate) cast: Option<String>,
    /// How the values are sent.
    pub(crate) form: Form,
}

/// Whether a column that is there takes the values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All of them, as they are.
    Fits(WriteColumn),
    /// Once it has this wider type (SQL), which keeps every value that is there.
    Widen(String),
    /// Not without loss; what the column is and what it would have to be, for the error.
    Refused(String),
}

/// Whether the column `oid`, `modifier` takes the values of `field`.
///
/// # Errors
/// `Schema`: the type is gone.
pub(crate) fn fit(types: &Types, field: &Field, oid: u32, modifier: i32) -> Result<Fit> {
    let sql = types.sql(oid, modifier)?;
    let column = |form, cast: Option<String>, stage_type: Option<&str>| {
        Fit::Fits(WriteColumn {
            name: field.name().clone(),
            stage_type: stage_type.map_or_else(|| sql.clone(), str::to_owned),
            cast,
            form,
        })
    };
    Ok(match accepted(types, field, oid, modifier)? {
        Accepted::As(form) => column(form, None, None),
        Accepted::Wider(sql) => Fit::Widen(sql),
        Accepted::ByText if is_list(field.data_type()) => {
            let form =
                Form::Array { element: TEXT_OID, form: Box::new(Form::Text), dimensions: depth(field) };
            column(form, Some(cast_of(types, oid, &sql)?), Some("pg_catalog.text[]"))
        }
        Accepted::ByText => column(Form::Text, Some(cast_of(types, oid, &sql)?), Some("pg_catalog.text")),
        Accepted::No(wanted) => Fit::Refused(format!("is `{sql}`, and would have to be {wanted}")),
    })
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_))
}

fn depth(field: &Field) -> u8 {
    match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) => 1 + depth(item),
        _ => 0,
    }
}

/// Money by way of a number: its text depends on the session.
fn cast_of(types: &Types, oid: u32, sql: &str) -> Result<String> {
    let found = types.get(oid)?;
    let is_money = |oid| super::read::base_of(types, oid).map(|base| base == "money");
    Ok(match &found.kind {
        Kind::Array { element } if is_money(*element)? => format!("{{}}::pg_catalog.numeric[]::{sql}"),
        _ if is_money(oid)? => format!("{{}}::pg_catalog.numeric::{sql}"),
        _ => format!("{{}}::{sql}"),
    })
}

/// The answer for a type, with those that it is made of.
fn accepted(types: &Types, field: &Field, oid: u32, modifier: i32) -> Result<Accepted> {
    use DataType as A;
    let found = types.get(oid)?;
    let source = field.metadata().get(TYPE_KEY).map(String::as_str);
    let by_same_text = |sql: &str| source.is_some_and(|source| accept::same_type(source, sql));
    if let A::Dictionary(_, values) = field.data_type()
        && !matches!(found.kind, Kind::Enum { .. })
    {
        let values = field.clone().with_data_type((**values).clone());
        return accepted(types, &values, oid, modifier);
    }
    if let A::RunEndEncoded(_, values) = field.data_type() {
        return accepted(types, &field.clone().with_data_type(values.data_type().clone()), oid, modifier);
    }
    let is_text = accept::is_text(field.data_type());
    Ok(match (&found.kind, field.data_type()) {
        (_, A::Null) => Accepted::As(Form::Text),
        (Kind::Domain { base, modifier, .. }, _) => {
            // A text that was made of this very domain goes back the same way.
            match accepted(types, field, *base, *modifier)? {
                Accepted::No(_) | Accepted::Wider(_) if is_text && by_same_text(&types.sql(oid, -1)?) => {
                    Accepted::ByText
                }
                // The type under a domain is not changed from here.
                Accepted::Wider(wanted) => Accepted::No(format!("`{wanted}`")),
                other => other,
            }
        }
        (Kind::Enum { labels }, A::Dictionary(_, values)) if accept::is_text(values) => {
            Accepted::As(Form::Enum(labels.clone()))
        }
        (Kind::Enum { labels }, _) if is_text => Accepted::As(Form::Enum(labels.clone())),
        (Kind::Array { element }, A::List(item) | A::LargeList(item)) => {
            let mut item = item;
            while let A::List(inner) | A::LargeList(inner) = item.data_type() {
                item = inner;
            }
            // What the field says of the source is said of its items.
            let source = source.map(|sql| sql.trim_end_matches("[]").to_owned());
            let mut metadata = item.metadata().clone();
            metadata.extend(source.map(|sql| (TYPE_KEY.to_owned(), sql)));
            let item = Field::new(field.name(), item.data_type().clone(), true).with_metadata(metadata);
            match accepted(types, &item, *element, modifier)? {
                Accepted::As(form) => {
                    let dimensions = depth(field);
                    Accepted::As(Form::Array { element: *element, form: Box::new(form), dimensions })
                }
                Accepted::Wider(sql) => Accepted::Wider(format!("{sql}[]")),
                Accepted::No(wanted) => Accepted::No(format!("an array of {wanted}")),
                Accepted::ByText => Accepted::ByText,
            }
        }
        (Kind::Composite { attributes }, A::Struct(fields)) if attributes.len() == fields.len() => {
            let mut forms = Vec::with_capacity(fields.len());
            for (part, field) in attributes.iter().zip(fields) {
                match accepted(types, field, part.oid, part.modifier)? {
                    Accepted::As(form) if part.name == *field.name() => forms.push((part.oid, form)),
                    _ => return Ok(Accepted::No(format!("a composite whose part `{}` fits", field.name()))),
                }
            }
            Accepted::As(Form::Composite(forms))
        }
        _ if is_text && by_same_text(&types.sql(oid, modifier)?) && !accept::is_sent_as_text(&found.name) => {
            match accept::base(field, &found.name, modifier) {
                Accepted::As(form) => Accepted::As(form),
                _ => Accepted::ByText,
            }
        }
        (Kind::Base, _) if found.schema == "pg_catalog" => accept::base(field, &found.name, modifier),
        _ => Accepted::No(format!("`{}`", natural(field, 150_000)?)),
    })
}
