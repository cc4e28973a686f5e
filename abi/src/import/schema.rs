//! The gate for schemas: nothing is read through arrow-rs before its pointers, counts and texts are looked at.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::ffi::{CStr, c_char};
use std::sync::Arc;

use crate::raw::{ArrowSchema, RawSchema};
use crate::schema_json::MAX_DEPTH;
use crate::{Error, Result, panics};

/// More columns than this are refused: no system has them.
const MAX_CHILDREN: i64 = 100_000;

/// More entries of metadata than this are refused, before anybody makes room for them.
const MAX_METADATA: i32 = 10_000;

/// Reads the schema of a stream.
pub(crate) fn import(schema: ArrowSchema) -> Result<SchemaRef> {
    read(schema)
        .map_err(|error| error.hint("the plugin describes its columns wrongly: report it to its maker"))
}

fn read(schema: ArrowSchema) -> Result<SchemaRef> {
    let raw: *const RawSchema = std::ptr::from_ref(&schema).cast();
    // SAFETY: RawSchema mirrors ArrowSchema (asserted in raw/arrow_structs.rs); the struct is borrowed from a value.
    let raw = unsafe { &*raw };
    check(raw, 0)?;
    let imported = panics::catch(|| Schema::try_from(&schema))
        .map_err(|panic| Error::schema(format!("a schema cannot be read: {panic}")))?
        .map_err(|error| Error::schema(format!("a schema cannot be read: {error}")))?;
    imported.fields().iter().try_for_each(|field| check_type(field.name(), field.data_type()))?;
    for (at, field) in imported.fields().iter().enumerate() {
        if imported.fields()[..at].iter().any(|earlier| earlier.name() == field.name()) {
            return Err(Error::schema(format!("column `{}` stands twice in the schema", field.name())));
        }
    }
    Ok(Arc::new(imported))
}

fn check(schema: &RawSchema, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::schema(format!("a schema is nested deeper than {MAX_DEPTH}")));
    }
    if schema.release.is_none() {
        return Err(Error::schema("a schema is released already"));
    }
    if schema.format.is_null() {
        return Err(Error::schema("a schema has no format"));
    }
    check_text(schema.format, "format")?;
    if !schema.name.is_null() {
        check_text(schema.name, "name")?;
    }
    if !schema.metadata.is_null() {
        // SAFETY: the C Data Interface: metadata begins with the number of its entries.
        let entries = unsafe { schema.metadata.cast::<i32>().read_unaligned() };
        if !(0..=MAX_METADATA).contains(&entries) {
            return Err(Error::schema(format!("a schema claims {entries} entries of metadata")));
        }
    }
    if !(0..=MAX_CHILDREN).contains(&schema.n_children) {
        return Err(Error::schema(format!("a schema claims {} children", schema.n_children)));
    }
    if schema.n_children > 0 && schema.children.is_null() {
        return Err(Error::schema("a schema has no pointer to its children"));
    }
    for at in 0..schema.n_children as usize {
        // SAFETY: the C Data Interface: children points to n_children pointers; null was looked at.
        let child = unsafe { schema.children.add(at).read() };
        // SAFETY: the C Data Interface: each is a schema that lives as long as its parent; null is looked at here.
        let child = unsafe { child.as_ref() }.ok_or_else(|| Error::schema("a schema has a null child"))?;
        check(child, depth + 1)?;
    }
    // SAFETY: as for the children.
    if let Some(dictionary) = unsafe { schema.dictionary.as_ref() } {
        check(dictionary, depth + 1)?;
    }
    Ok(())
}

fn check_text(text: *const c_char, what: &str) -> Result<()> {
    // SAFETY: the C Data Interface: format and name are NUL-terminated and live as long as the schema.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(|_| ()).map_err(|_| Error::schema(format!("the {what} of a schema is not UTF-8")))
}

/// What arrow-rs accepts and no array can be.
fn check_type(name: &str, data_type: &DataType) -> Result<()> {
    let refuse = |why: String| Err(Error::schema(format!("column `{name}` is {data_type}: {why}")));
    let decimal = |precision: u8, scale: i8, max: u8| match precision {
        0 => refuse("a decimal has at least one digit".into()),
        _ if precision > max => refuse(format!("at most {max} digits fit")),
        _ if scale > 0 && scale as u8 > precision => refuse("the scale is larger than the precision".into()),
        _ => Ok(()),
    };
    let nested = |field: &Arc<Field>| check_type(name, field.data_type());
    match data_type {
        DataType::Decimal32(precision, scale) => decimal(*precision, *scale, 9),
        DataType::Decimal64(precision, scale) => decimal(*precision, *scale, 18),
        DataType::Decimal128(precision, scale) => decimal(*precision, *scale, 38),
        DataType::Decimal256(precision, scale) => decimal(*precision, *scale, 76),
        DataType::FixedSizeBinary(width) if *width < 0 => refuse("a width is not negative".into()),
        DataType::FixedSizeList(_, width) if *width < 0 => refuse("a width is not negative".into()),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _) => nested(field),
        DataType::Map(field, _) => match field.data_type() {
            DataType::Struct(entries) if entries.len() == 2 => nested(field),
            _ => refuse("the entries of a map are a struct of key and value".into()),
        },
        DataType::Struct(fields) => fields.iter().try_for_each(nested),
        DataType::Union(fields, _) => fields.iter().try_for_each(|(_, field)| nested(field)),
        DataType::RunEndEncoded(run_ends, values) => match run_ends.data_type() {
            DataType::Int16 | DataType::Int32 | DataType::Int64 => nested(values),
            _ => refuse("run ends are int16, int32 or int64".into()),
        },
        DataType::Dictionary(keys, values) => match keys.is_dictionary_key_type() {
            true => check_type(name, values),
            false => refuse("the keys of a dictionary are integers".into()),
        },
        _ => Ok(()),
    }
}
