//! What the options say of streams and columns that there are not: a slip of the user.

use dstream_sdk::{Error, Result};

use crate::client::Listed;
use crate::describe::Stream;
use crate::tap_options::TapSettings;

/// Checks that every stream which the options name is there.
///
/// # Errors
/// `Config`: one is not, or a query has the name of a table.
pub(crate) fn check_streams(settings: &TapSettings, listed: &[Listed]) -> Result<()> {
    let is_known =
        |name: &String| listed.iter().any(|table| table.name == *name) || settings.queries.contains_key(name);
    let unknown = |option: &str, name: &str| {
        Err(Error::config(format!("`{option}` names the stream `{name}`, which there is not"))
            .hint("run `dstreams discover` without it to see the streams"))
    };
    if let Some(name) = settings.filters.keys().find(|name| !is_known(name)) {
        return unknown("filters", name);
    }
    if let Some(name) = settings.lookback.keys().find(|name| !is_known(name)) {
        return unknown("lookback", name);
    }
    let mut queries = settings.queries.keys();
    match queries.find(|query| listed.iter().any(|table| table.name.eq_ignore_ascii_case(query))) {
        Some(query) => {
            Err(Error::config(format!("`queries` has the name `{query}`, which is that of a table"))
                .hint("give the query another name"))
        }
        None => Ok(()),
    }
}

/// Checks that every column which the option `types` names is there.
///
/// # Errors
/// `Config`: one is not.
pub(crate) fn check_types(settings: &TapSettings, streams: &[Stream]) -> Result<()> {
    let has = |name: &String| {
        let of = |stream: &Stream| {
            let column = name.strip_prefix(&stream.name).and_then(|rest| rest.strip_prefix('.'));
            column.is_some_and(|column| stream.find(column).is_some())
        };
        streams.iter().any(of)
    };
    match settings.types.keys().find(|name| !has(name)) {
        Some(name) => Err(Error::config(format!("`types` names the column `{name}`, which there is not"))
            .hint("write `table.column`; run `dstreams discover` without it to see the columns")),
        None => Ok(()),
    }
}
