//! What a plugin says of itself: made from its types, kept in a file.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::path::Path;

use crate::{
    ABI_DRAFT, ABI_MAJOR, ABI_MINOR, AbiVersion, ConnectorManifest, Error, Manifest, Result, TapManifest,
    TargetManifest,
};

/// The manifest of a plugin without connectors: `name` and `version` are those of the crate.
///
/// ```
/// use dstream_sdk::{ManifestBuilder, TapManifest, schemars, tap_manifest};
///
/// /// What the user may set.
/// #[derive(schemars::JsonSchema)]
/// #[schemars(crate = "dstream_sdk::schemars")]
/// struct Options {
///     /// Separates the columns.
///     delimiter: char,
/// }
///
/// let manifest = ManifestBuilder::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
///     .description("Files of records")
///     .tap("csv", "Comma-separated files", TapManifest {
///         connection: vec!["path".into()],
///         exact: true,
///         ..tap_manifest::<Options>()
///     })
///     .build();
/// assert_eq!(manifest.connectors[0].tap.as_ref().unwrap().options["properties"]["delimiter"]["description"],
///     "Separates the columns.");
/// ```
#[derive(Clone, Debug)]
pub struct ManifestBuilder(Manifest);

impl ManifestBuilder {
    /// A manifest for this version of the contract and of the SDK.
    pub fn new(name: &str, version: &str) -> ManifestBuilder {
        ManifestBuilder(Manifest {
            id: name.to_owned(),
            version: version.to_owned(),
            description: String::new(),
            abi: AbiVersion { major: ABI_MAJOR, minor: ABI_MINOR, draft: ABI_DRAFT },
            license: None,
            homepage: None,
            sdk: Some(format!("rust/{}", env!("CARGO_PKG_VERSION"))),
            connectors: Vec::new(),
        })
    }

    /// One sentence about the plugin.
    pub fn description(mut self, description: &str) -> ManifestBuilder {
        self.0.description = description.to_owned();
        self
    }

    /// SPDX expression.
    pub fn license(mut self, license: &str) -> ManifestBuilder {
        self.0.license = Some(license.to_owned());
        self
    }

    /// Where to read more.
    pub fn homepage(mut self, homepage: &str) -> ManifestBuilder {
        self.0.homepage = Some(homepage.to_owned());
        self
    }

    /// Adds the type `type_name` in the role of a tap.
    pub fn tap(mut self, type_name: &str, description: &str, tap: TapManifest) -> ManifestBuilder {
        self.connector(type_name, description).tap = Some(tap);
        self
    }

    /// Adds the type `type_name` in the role of a target.
    pub fn target(mut self, type_name: &str, description: &str, target: TargetManifest) -> ManifestBuilder {
        self.connector(type_name, description).target = Some(target);
        self
    }

    /// The finished manifest.
    pub fn build(self) -> Manifest {
        self.0
    }

    fn connector(&mut self, type_name: &str, description: &str) -> &mut ConnectorManifest {
        let connectors = &mut self.0.connectors;
        let at =
            connectors.iter().position(|connector| connector.type_name == type_name).unwrap_or_else(|| {
                connectors.push(ConnectorManifest {
                    type_name: type_name.to_owned(),
                    description: description.to_owned(),
                    tap: None,
                    target: None,
                });
                connectors.len() - 1
            });
        &mut connectors[at]
    }
}

/// A tap with the options `T` that claims nothing; set what it can do with `TapManifest { …, ..tap_manifest::<T>() }`.
pub fn tap_manifest<T: JsonSchema>() -> TapManifest {
    TapManifest { options: options_schema::<T>(), ..TapManifest::default() }
}

/// A target with the options `T` that claims nothing; set what it can do with
/// `TargetManifest { …, ..target_manifest::<T>() }`.
pub fn target_manifest<T: JsonSchema>() -> TargetManifest {
    TargetManifest { options: options_schema::<T>(), ..TargetManifest::default() }
}

/// The JSON Schema (2020-12) of options, without references.
pub fn options_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// Compares the manifest in the file `path`, which the `export!` macro puts into the library, with what the code says.
/// With `UPDATE_MANIFEST=1` in the environment it rewrites the file instead. Call it in a unit test:
///
/// ```no_run
/// # let manifest: dstream_sdk::Manifest = unimplemented!();
/// dstream_sdk::check_manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"), &manifest).unwrap();
/// ```
///
/// # Errors
/// `Bug`: they differ. `Resource`: the file cannot be read or written.
pub fn check_manifest(path: impl AsRef<Path>, manifest: &Manifest) -> Result<()> {
    let path = path.as_ref();
    let file = |doing: &str, error: std::io::Error| {
        Error::resource(format!("{doing} `{}`: {error}", path.display())).hint("run with `UPDATE_MANIFEST=1`")
    };
    let wanted = serde_json::to_value(manifest).map_err(|error| Error::bug(format!("manifest: {error}")))?;
    if std::env::var_os("UPDATE_MANIFEST").is_some_and(|set| set == "1") {
        let text = format!("{wanted:#}\n");
        return std::fs::write(path, text).map_err(|error| file("writing", error));
    }
    let text = std::fs::read_to_string(path).map_err(|error| file("reading", error))?;
    // Compared as values: the order of keys depends on the features of serde_json in the build at hand.
    let found: Value = serde_json::from_str(&text)
        .map_err(|error| Error::bug(format!("`{}` is not JSON: {error}", path.display())).hint(UPDATE))?;
    match difference("", &found, &wanted) {
        None => Ok(()),
        Some(at) => {
            Err(Error::bug(format!("`{}` is not what the code says: {at}", path.display())).hint(UPDATE))
        }
    }
}

const UPDATE: &str = "run the tests with `UPDATE_MANIFEST=1` and look at the difference";

fn difference(at: &str, found: &Value, wanted: &Value) -> Option<String> {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let extra = found.keys().find(|key| !wanted.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("`{at}/{key}` is only in the file"));
            }
            wanted.iter().find_map(|(key, wanted)| match found.get(key) {
                None => Some(format!("`{at}/{key}` is missing in the file")),
                Some(found) => difference(&format!("{at}/{key}"), found, wanted),
            })
        }
        (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => found
            .iter()
            .zip(wanted)
            .enumerate()
            .find_map(|(index, (found, wanted))| difference(&format!("{at}/{index}"), found, wanted)),
        (found, wanted) if found == wanted => None,
        (found, wanted) => Some(format!("`{at}` is `{found}` in the file and `{wanted}` in the code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use serde_json::json;

    #[derive(JsonSchema, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Options {
        /// How many.
        #[serde(default)]
        rows: u32,
        token: Secret<String>,
    }

    fn manifest() -> Manifest {
        ManifestBuilder::new("x", "1.2.3").tap("x", "An x", tap_manifest::<Options>()).build()
    }

    #[test]
    fn options_become_a_schema_with_docs_defaults_and_marked_secrets() {
        let schema = options_schema::<Options>();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["token"]));
        assert_eq!(schema["properties"]["rows"]["description"], "How many.");
        assert_eq!(schema["properties"]["rows"]["default"], 0);
        assert_eq!(schema["properties"]["token"], json!({"type": "string", "writeOnly": true}));
    }

    #[test]
    fn both_roles_of_a_type_are_one_connector() {
        let manifest = ManifestBuilder::new("x", "1")
            .tap("x", "An x", tap_manifest::<Options>())
            .target("x", "An x", target_manifest::<Options>())
            .build();
        assert_eq!(manifest.connectors.len(), 1);
        assert!(manifest.connectors[0].tap.is_some() && manifest.connectors[0].target.is_some());
    }

    #[test]
    fn a_file_that_differs_is_refused_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let mut json = serde_json::to_value(manifest()).unwrap();
        std::fs::write(&path, json.to_string()).unwrap();
        check_manifest(&path, &manifest()).unwrap();
        json["connectors"][0]["tap"]["exact"] = json!(true);
        std::fs::write(&path, json.to_string()).unwrap();
        let error = check_manifest(&path, &manifest()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("`/connectors/0/tap/exact` is `true` in the file and `false` in the code"),
            "{error}"
        );
    }
}
