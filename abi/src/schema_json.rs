//! Arrow schema as JSON: the type is the format string of the Arrow C Data Interface, so authors in any language can
//! write it and nothing is lost.
//!
//! A field is `{"name": "id", "format": "l", "nullable": false}`; `children`, `dictionary`, `metadata` and `flags`
//! (ordered dictionary, sorted map keys) appear where they mean something.

use arrow::datatypes::{Field, Schema};
use arrow::ffi::FFI_ArrowSchema;
use arrow_schema::ffi::Flags;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use crate::{Error, Result};

/// Nesting deeper than this is refused: it is a mistake or an attack.
pub const MAX_DEPTH: usize = 64;

/// One field in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldJson {
    /// Column name; may be empty inside of lists.
    #[serde(default)]
    pub name: String,
    /// Format string of the Arrow C Data Interface, such as `l`, `u`, `tsu:UTC`, `d:12,2`, `+l`.
    pub format: String,
    /// Whether a value may be null.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub nullable: bool,
    /// Fields of a nested type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<FieldJson>,
    /// The values of a dictionary; `format` is then the type of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<Box<FieldJson>>,
    /// The keys of a dictionary are ordered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dictionary_ordered: bool,
    /// The keys of a map are sorted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keys_sorted: bool,
    /// Metadata of the field: extension types, the type in the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}
fn is_true(value: &bool) -> bool {
    *value
}
fn is_false(value: &bool) -> bool {
    !*value
}

impl FieldJson {
    /// The JSON form of `field`.
    ///
    /// # Errors
    /// `Unsupported`: the C Data Interface has no format for its type.
    pub fn from_field(field: &Field) -> Result<FieldJson> {
        let ffi = FFI_ArrowSchema::try_from(field)
            .map_err(|error| Error::unsupported(format!("column `{}`: {error}", field.name())))?;
        from_ffi(&ffi, 0)
    }

    /// The Arrow field.
    ///
    /// # Errors
    /// `Schema`: the format string is unknown, or nested deeper than [`MAX_DEPTH`].
    pub fn to_field(&self) -> Result<Field> {
        let ffi = self.to_ffi(0)?;
        let wrong = |error: &dyn std::fmt::Display| {
            Error::schema(format!("column `{}`: no Arrow type `{}`: {error}", self.name, self.format))
        };
        // arrow-rs asserts on some malformed types; a panic over a user's file would be ours.
        match crate::panics::catch(|| Field::try_from(&ffi)) {
            Ok(Ok(field)) => Ok(field),
            Ok(Err(error)) => Err(wrong(&error)),
            Err(panic) => Err(wrong(&panic)),
        }
    }

    fn to_ffi(&self, depth: usize) -> Result<FFI_ArrowSchema> {
        if depth > MAX_DEPTH {
            return Err(Error::schema(format!("column `{}` is nested deeper than {MAX_DEPTH}", self.name)));
        }
        let wrong =
            |error: arrow::error::ArrowError| Error::schema(format!("column `{}`: {error}", self.name));
        if self.format.contains('\0') || self.name.contains('\0') {
            return Err(Error::schema(format!(
                "column `{}`: a name or type holds NUL",
                self.name.escape_debug()
            )));
        }
        let children =
            self.children.iter().map(|child| child.to_ffi(depth + 1)).collect::<Result<Vec<_>>>()?;
        let dictionary = self.dictionary.as_ref().map(|values| values.to_ffi(depth + 1)).transpose()?;
        let mut flags = Flags::empty();
        flags.set(Flags::NULLABLE, self.nullable);
        flags.set(Flags::DICTIONARY_ORDERED, self.dictionary_ordered);
        flags.set(Flags::MAP_KEYS_SORTED, self.keys_sorted);
        FFI_ArrowSchema::try_new(&self.format, children, dictionary)
            .and_then(|ffi| ffi.with_name(&self.name))
            .and_then(|ffi| ffi.with_flags(flags))
            .and_then(|ffi| ffi.with_metadata(&self.metadata))
            .map_err(wrong)
    }
}

fn from_ffi(ffi: &FFI_ArrowSchema, depth: usize) -> Result<FieldJson> {
    if depth > MAX_DEPTH {
        return Err(Error::schema(format!("a column is nested deeper than {MAX_DEPTH}")));
    }
    let metadata: HashMap<String, String> = ffi.metadata()?;
    Ok(FieldJson {
        name: ffi.name().unwrap_or_default().to_owned(),
        format: ffi.format().to_owned(),
        nullable: ffi.nullable(),
        children: ffi.children().map(|child| from_ffi(child, depth + 1)).collect::<Result<_>>()?,
        dictionary: ffi.dictionary().map(|values| from_ffi(values, depth + 1).map(Box::new)).transpose()?,
        dictionary_ordered: ffi.dictionary_ordered(),
        keys_sorted: ffi.map_keys_sorted(),
        metadata: metadata.into_iter().collect(),
    })
}

/// The JSON form of a whole schema: one entry a column. For `#[serde(with = "dstream_abi::schema_json")]`.
///
/// # Errors
/// As [`FieldJson::from_field`].
pub fn serialize<S: serde::Serializer>(
    schema: &arrow::datatypes::SchemaRef,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let fields = schema
        .fields()
        .iter()
        .map(|field| FieldJson::from_field(field))
        .collect::<Result<Vec<_>>>()
        .map_err(serde::ser::Error::custom)?;
    SchemaJson { fields, metadata: schema.metadata().clone().into_iter().collect() }.serialize(serializer)
}

/// The schema that [`serialize`] wrote.
///
/// # Errors
/// As [`FieldJson::to_field`].
pub fn deserialize<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<arrow::datatypes::SchemaRef, D::Error> {
    let json = SchemaJson::deserialize(deserializer)?;
    let fields = json
        .fields
        .iter()
        .map(FieldJson::to_field)
        .collect::<Result<Vec<_>>>()
        .map_err(serde::de::Error::custom)?;
    Ok(Schema::new_with_metadata(fields, json.metadata.into_iter().collect()).into())
}

#[derive(Serialize, Deserialize)]
struct SchemaJson {
    fields: Vec<FieldJson>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}
