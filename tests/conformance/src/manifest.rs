//! What a library says of itself, and what its options are.

use dstream_abi::{ConnectorConfig, ConnectorManifest, ErrorKind, Result};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use crate::subject::{Role, Subject};
use crate::verdict::{Step, Stop, ensure, fail, skip};

/// A key that no connector has.
const UNKNOWN: &str = "dstreams_no_such_option";
/// Words in the names of options that hold secrets.
const SECRET_WORDS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "credentials", "apikey"];

/// The manifest says who made what: that it fits the tables, the host sees whenever it loads the library.
pub(crate) fn the_manifest_is_well_formed(subject: &Subject<'_>) -> Step<String> {
    let manifest = subject.plugin.manifest();
    ensure(!manifest.id.is_empty() && !manifest.version.is_empty(), || "it has no id or version".to_owned())?;
    let ConnectorManifest { type_name, target, .. } = subject.connector;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure(!type_name.is_empty() && type_name.chars().all(is_plain), || {
        format!("the type `{type_name}` is not made of lower-case letters, digits and `-`")
    })?;
    if let Some(target) = target {
        ensure(!target.write_modes.is_empty(), || "it names no write mode".to_owned())?;
    }
    Ok(String::new())
}

fn validator(subject: &Subject<'_>) -> Step<Validator> {
    jsonschema::options()
        .should_validate_formats(false)
        .build(subject.options_schema())
        .map_err(|error| Stop::Failed(format!("it is no JSON Schema: {error}")))
}

/// The JSON Schema of the options is one, and its defaults fit it.
pub(crate) fn the_schema_of_options_is_valid(subject: &Subject<'_>) -> Step<String> {
    let schema = subject.options_schema();
    ensure(schema.is_object(), || format!("the options are described by `{schema}`"))?;
    jsonschema::meta::validate(schema)
        .map_err(|error| Stop::Failed(format!("it is no JSON Schema: {error}")))?;
    validator(subject)?;
    for (name, property) in properties(schema) {
        let Some(default) = property.get("default") else { continue };
        let fits = jsonschema::options().should_validate_formats(false).build(property);
        let fits = fits.map_err(|error| Stop::Failed(format!("`{name}` is no JSON Schema: {error}")))?;
        ensure(fits.is_valid(default), || format!("the default of `{name}` does not fit it: `{default}`"))?;
    }
    Ok(format!("{} options", properties(schema).count()))
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// An option that does not exist is refused before the library sees it.
pub(crate) fn unknown_options_are_refused(subject: &Subject<'_>) -> Step<String> {
    let validator = validator(subject)?;
    let options = json!({ UNKNOWN: 1 });
    let is_about_it = |error: jsonschema::ValidationError<'_>| match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().any(|key| key == UNKNOWN)
        }
        _ => false,
    };
    ensure(validator.iter_errors(&options).any(is_about_it), || {
        "the JSON Schema takes an unknown option: say `\"additionalProperties\": false`".to_owned()
    })?;
    Ok(String::new())
}

/// Every option has a description: it is the user's documentation.
pub(crate) fn options_are_explained(subject: &Subject<'_>) -> Step<String> {
    let is_explained =
        |property: &Value| property["description"].as_str().is_some_and(|text| !text.is_empty());
    match properties(subject.options_schema()).find(|(_, property)| !is_explained(property)) {
        Some((name, _)) => fail(format!("`{name}` has no description")),
        None => Ok(format!("{} options", properties(subject.options_schema()).count())),
    }
}

/// An option whose name says that it is a secret is marked as one.
pub(crate) fn secrets_are_marked(subject: &Subject<'_>) -> Step<String> {
    let mut secrets = 0;
    for (name, property) in properties(subject.options_schema()) {
        if !sounds_secret(name) || !takes_text(property) {
            continue;
        }
        secrets += 1;
        let is_marked = ["x-secret", "writeOnly"].iter().any(|mark| property[*mark] == json!(true));
        ensure(is_marked, || {
            format!("`{name}` sounds like a secret and is not marked with `writeOnly` or `x-secret`")
        })?;
    }
    Ok(format!("{secrets} options sound like secrets"))
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    let mut words = name.split('_');
    words.any(|word| SECRET_WORDS.contains(&word))
        || ["api_key", "private_key", "access_key"].iter().any(|key| name.contains(key))
}

fn takes_text(property: &Value) -> bool {
    match &property["type"] {
        Value::String(name) => name == "string",
        Value::Array(names) => names.iter().any(|name| name == "string"),
        _ => true,
    }
}

/// A config that cannot be meant is an error of kind `config`, told by `open`.
pub(crate) fn bad_options_are_refused(subject: &Subject<'_>) -> Step<String> {
    let config = subject.config()?;
    let options = config.options.as_object().cloned().unwrap_or_default();
    let mut refused = 0;
    for (name, property) in properties(subject.options_schema()) {
        let Some(wrong) = wrong_value(property) else { continue };
        refused += 1;
        let with = [(name.clone(), wrong)].into_iter().collect::<Map<_, _>>();
        let outcome = open_with(subject, config, &options, with.clone());
        let shown = Value::Object(with);
        match outcome.map_err(|error| (error.kind(), error)) {
            Err((ErrorKind::Config, error)) => {
                let text = error.to_string();
                ensure(!text.is_empty() && !text.contains('\n'), || {
                    format!("{shown}: no sentence: `{text}`")
                })?;
            }
            Err((kind, error)) => {
                return fail(format!("{shown}: `{}` in place of `config`: {error}", kind.name()));
            }
            Ok(()) => return fail(format!("{shown}: `open` takes it")),
        }
    }
    // The host refuses it by the schema; a library that looks too must say the same.
    let unknown = [(UNKNOWN.to_owned(), json!(1))].into_iter().collect::<Map<_, _>>();
    if let Err(error) = open_with(subject, config, &options, unknown) {
        ensure(error.kind() == ErrorKind::Config, || {
            format!("an unknown option: `{}` in place of `config`: {error}", error.kind().name())
        })?;
    }
    match refused {
        0 => skip("there is no option that could be wrong"),
        _ => Ok(format!("{refused} wrong values")),
    }
}

fn open_with(
    subject: &Subject<'_>,
    config: &ConnectorConfig,
    options: &Map<String, Value>,
    with: Map<String, Value>,
) -> Result<()> {
    let mut options = options.clone();
    options.extend(with);
    let config = ConnectorConfig { options: Value::Object(options), ..config.clone() };
    match subject.role {
        Role::Tap => subject.open_tap_with(&config).map(drop),
        Role::Target => subject.open_target_with(&config).map(drop),
    }
}

/// A value that the schema of the option refuses.
fn wrong_value(property: &Value) -> Option<Value> {
    let validator = jsonschema::options().should_validate_formats(false).build(property).ok()?;
    let candidates = [json!({ "dstreams": ["wrong"] }), json!("dstreams: wrong"), json!(-1.5), json!([[[]]])];
    candidates.into_iter().find(|candidate| !validator.is_valid(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for secret in ["password", "db-password", "API_TOKEN", "api_key", "client_secret"] {
            assert!(sounds_secret(secret), "{secret}");
        }
        for plain in ["key_properties", "tokens", "partition_key", "keep_records"] {
            assert!(!sounds_secret(plain), "{plain}");
        }
    }

    #[test]
    fn a_wrong_value_is_one_that_the_schema_refuses() {
        assert_eq!(wrong_value(&json!({ "type": "integer" })), Some(json!({ "dstreams": ["wrong"] })));
        assert_eq!(wrong_value(&json!({ "type": "object" })), Some(json!("dstreams: wrong")));
        assert_eq!(wrong_value(&json!(true)), None);
    }
}
