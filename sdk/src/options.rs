//! What the user wrote, as the types of the connector; every error names the key.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{ConnectorConfig, Error, Result};

/// Reads the `options` of a config. Mark the type with `#[serde(deny_unknown_fields)]`: an option that is misspelt is
/// then an error that names the nearest known one, and not a setting that silently does nothing.
///
/// ```
/// use dstream_sdk::{parse_options, serde::Deserialize, serde_json::json};
///
/// #[derive(Deserialize, Debug)]
/// #[serde(crate = "dstream_sdk::serde", deny_unknown_fields)]
/// struct Options {
///     folder: std::path::PathBuf,
///     #[serde(default)]
///     recursive: bool,
/// }
///
/// # let config = |options| dstream_sdk::serde_json::from_value(json!({"name": "n", "type": "t", "options": options})).unwrap();
/// let options: Options = parse_options(&config(json!({"folder": "/data"}))).unwrap();
/// assert!(!options.recursive);
///
/// let error = parse_options::<Options>(&config(json!({"foldr": "/data"}))).unwrap_err();
/// assert_eq!(error.to_string(), "`options.foldr` is not known here, the nearest known key is `folder`");
/// ```
///
/// # Errors
/// `Config`: an unknown key, a missing one, a value of the wrong type.
pub fn parse_options<T: DeserializeOwned>(config: &ConnectorConfig) -> Result<T> {
    parse_section("options", &config.options).map_err(|error| {
        with_hint(error, || format!("`dstreams plugin info {}` lists every option", config.type_name))
    })
}

/// Reads one section of a config; null is an empty object.
pub(crate) fn parse_section<T: DeserializeOwned>(section: &str, value: &Value) -> Result<T> {
    let outcome = match value {
        Value::Null => serde_path_to_error::deserialize(Value::Object(Map::new())),
        value => serde_path_to_error::deserialize(value),
    };
    outcome.map_err(|error| explain(section, &error.path().to_string(), &error.into_inner().to_string()))
}

fn with_hint(error: Error, hint: impl FnOnce() -> String) -> Error {
    match error.hint_text() {
        Some(_) => error,
        None => error.hint(hint()),
    }
}

/// Turns the words of serde into a sentence that names the key by its whole path.
fn explain(section: &str, path: &str, message: &str) -> Error {
    let at = |key: &str| match key {
        "" | "." => format!("`{section}`"),
        key => format!("`{section}.{key}`"),
    };
    let names = quoted(message);
    if message.starts_with("unknown field") {
        let (wrong, known) = names.split_first().unwrap_or((&"", &[]));
        let parent = path.strip_suffix(wrong).unwrap_or(path).trim_end_matches('.');
        let key = if parent.is_empty() { (*wrong).to_owned() } else { format!("{parent}.{wrong}") };
        let nearest = nearest(wrong, known)
            .map_or_else(String::new, |nearest| format!(", the nearest known key is `{nearest}`"));
        let error = Error::config(format!("{} is not known here{nearest}", at(&key)));
        return match known {
            [] => error.hint("take it out: no key is known here"),
            known => error.hint(format!("known here: {}", list(known))),
        };
    }
    if message.starts_with("unknown variant") {
        let (wrong, known) = names.split_first().unwrap_or((&"", &[]));
        let nearest =
            nearest(wrong, known).map_or_else(String::new, |nearest| format!(", the nearest is `{nearest}`"));
        return Error::config(format!("{} does not take `{wrong}`{nearest}", at(path)))
            .hint(format!("it takes {}", list(known)));
    }
    if let (true, Some(name)) = (message.starts_with("missing field"), names.first()) {
        let key = if path == "." { (*name).to_owned() } else { format!("{path}.{name}") };
        return Error::config(format!("{} is missing", at(&key))).hint(format!("add {}", at(&key)));
    }
    Error::config(format!("{}: {message}", at(path)))
}

fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The one of `known` that `wrong` was probably meant to be.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|known| (strsim::jaro_winkler(&wrong.to_lowercase(), known), *known))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Options {
        folder: String,
        #[serde(default)]
        quote: Quote,
        #[serde(default)]
        columns: Vec<Column>,
        token: Option<Secret<String>>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Quote {
        #[default]
        Always,
        Never,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Column {
        name: String,
        width: u8,
    }

    fn error(options: Value) -> Error {
        parse_section::<Options>("options", &options).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_path_and_the_nearest_known_one() {
        assert_eq!(
            error(json!({"folder": "a", "qoute": "never"})).to_string(),
            "`options.qoute` is not known here, the nearest known key is `quote`"
        );
        assert_eq!(
            error(json!({"folder": "a", "columns": [{"name": "a", "width": 1}, {"nam": "b"}]})).to_string(),
            "`options.columns[1].nam` is not known here, the nearest known key is `name`"
        );
        let far = error(json!({"folder": "a", "zzz": 1}));
        assert_eq!(far.to_string(), "`options.zzz` is not known here");
        assert_eq!(far.hint_text(), Some("known here: `folder`, `quote`, `columns`, `token`"));
    }

    #[test]
    fn a_missing_key_is_named_with_its_path() {
        assert_eq!(error(Value::Null).to_string(), "`options.folder` is missing");
        assert_eq!(
            error(json!({"folder": "a", "columns": [{"name": "a"}]})).to_string(),
            "`options.columns[0].width` is missing"
        );
    }

    #[test]
    fn a_wrong_value_is_named_with_its_path() {
        assert!(error(json!({"folder": 3})).to_string().starts_with("`options.folder`: invalid type"));
        assert!(error(json!([])).to_string().starts_with("`options`: invalid"));
        let variant = error(json!({"folder": "a", "quote": "nevr"}));
        assert_eq!(variant.to_string(), "`options.quote` does not take `nevr`, the nearest is `never`");
        assert_eq!(variant.hint_text(), Some("it takes `always`, `never`"));
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_shown() {
        let shown = format!("{:?}", error(json!({"folder": "a", "token": 123_456})));
        assert!(shown.contains("options.token") && !shown.contains("123456"), "{shown}");
    }
}
