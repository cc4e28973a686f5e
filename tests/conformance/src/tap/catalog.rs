//! What the tap says it has.

use dstream_abi::{Catalog, StreamInfo};
use std::collections::HashSet;

use super::source::Source;
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure};

/// Discovering twice gives the same catalog.
pub(crate) fn discovering_twice_gives_the_same(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let again = source.tap.discover().during(|| "discovering a second time".to_owned())?;
    check_equal(&source.catalog, &again)?;
    let other = Source::open(subject)?;
    check_equal(&source.catalog, &other.catalog).during(|| "through another tap".to_owned())?;
    Ok(format!("{} streams", source.catalog.streams.len()))
}

fn check_equal(first: &Catalog, second: &Catalog) -> Step {
    let names = |catalog: &Catalog| -> Vec<String> {
        catalog.streams.iter().map(|stream| stream.name.clone()).collect()
    };
    ensure(names(first) == names(second), || {
        format!("the streams are {:?}, before they were {:?}", names(second), names(first))
    })?;
    let differs = first.streams.iter().zip(&second.streams).find(|(first, second)| first != second);
    ensure(differs.is_none(), || {
        format!("stream `{}` is described otherwise", differs.map_or("", |(first, _)| &first.name))
    })
}

/// Names are unique, and what a stream says of its columns is about columns that it has.
pub(crate) fn the_catalog_holds_together(subject: &Subject<'_>) -> Step<String> {
    let catalog = Source::open(subject)?.catalog;
    ensure(!catalog.streams.is_empty(), || "there is no stream: name a source that has one".to_owned())?;
    check_unique("stream", catalog.streams.iter().map(|stream| stream.name.as_str()))?;
    for stream in &catalog.streams {
        check_stream(stream).during(|| format!("stream `{}`", stream.name))?;
    }
    Ok(format!("{} streams", catalog.streams.len()))
}

fn check_stream(stream: &StreamInfo) -> Step {
    let columns = || stream.schema.fields().iter().map(|field| field.name().as_str());
    ensure(columns().count() > 0, || "it has no column".to_owned())?;
    check_unique("column", columns())?;
    for (what, names) in
        [("key_properties", &stream.key_properties), ("replication_keys", &stream.replication_keys)]
    {
        check_unique(what, names.iter().map(String::as_str))?;
        let stranger = names.iter().find(|name| columns().all(|column| column != name.as_str()));
        ensure(stranger.is_none(), || {
            format!("`{what}` names `{}`, which is no column", stranger.map_or("", String::as_str))
        })?;
    }
    let methods: HashSet<_> = stream.replication_methods.iter().collect();
    ensure(!methods.is_empty(), || "it offers no replication method".to_owned())?;
    ensure(methods.len() == stream.replication_methods.len(), || {
        "it lists a replication method twice".to_owned()
    })
}

pub(crate) fn check_unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Step {
    let mut seen = HashSet::new();
    for name in names {
        ensure(!name.is_empty(), || format!("a {what} has no name"))?;
        ensure(seen.insert(name), || format!("the {what} `{name}` is there twice"))?;
    }
    Ok(())
}

/// A catalog that was written to a file and read again is the same.
pub(crate) fn the_catalog_survives_a_file(subject: &Subject<'_>) -> Step<String> {
    let catalog = Source::open(subject)?.catalog;
    let cannot = |error: serde_json::Error| dstream_abi::Error::bug(error.to_string());
    let text = serde_json::to_string(&catalog).map_err(cannot)?;
    let again: Catalog = serde_json::from_str(&text).map_err(cannot)?;
    check_equal(&catalog, &again)?;
    Ok(format!("{} bytes", text.len()))
}
