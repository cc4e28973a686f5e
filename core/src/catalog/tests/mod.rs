//! What every test of the catalog uses.

mod edit;
mod file;
mod keep;
mod selection;

use super::*;
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use dstream_abi::{Catalog, ErrorKind, ReplicationMethod, SelectedStream, Selection, StreamInfo};
use serde_json::{Value, json};

fn tap() -> TapIdentity {
    TapIdentity { type_name: "sqlite".into(), name: "shop".into() }
}

fn stream(name: &str, columns: &[&str], keys: &[&str], methods: &[ReplicationMethod]) -> StreamInfo {
    let field = |name: &&str| {
        let data_type = match *name {
            at if at.ends_with("_at") => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            "total" => DataType::Decimal128(12, 2),
            _ => DataType::Int64,
        };
        Field::new(*name, data_type, !keys.contains(name))
    };
    StreamInfo {
        name: name.into(),
        schema: Schema::new(columns.iter().map(field).collect::<Vec<_>>()).into(),
        key_properties: keys.iter().map(|key| (*key).to_owned()).collect(),
        replication_methods: methods.to_vec(),
        replication_keys: columns
            .iter()
            .filter(|name| name.ends_with("_at"))
            .map(|name| (*name).to_owned())
            .collect(),
        row_count: Some(3),
        description: Some("what was sold".into()),
    }
}

fn shop() -> Catalog {
    use ReplicationMethod::*;
    Catalog {
        streams: vec![
            stream(
                "public.orders",
                &["id", "total", "created_at", "updated_at"],
                &["id"],
                &[FullTable, Incremental],
            ),
            stream("public.order_lines", &["id", "line", "total"], &["id", "line"], &[FullTable]),
            stream("log", &["n", "at"], &[], &[FullTable]),
        ],
    }
}

fn file() -> CatalogFile {
    CatalogFile::from_discovered(&shop(), tap()).unwrap()
}

fn foreign(value: Value) -> CatalogFile {
    CatalogFile::from_object(value.as_object().unwrap().clone()).unwrap()
}

fn columns(selected: &SelectedStream) -> Vec<&str> {
    selected.schema.fields().iter().map(|field| field.name().as_str()).collect()
}

fn names(file: &CatalogFile) -> Vec<String> {
    to_selection(file).unwrap().into_iter().map(|stream| stream.name).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
