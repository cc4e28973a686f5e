//! Write a DStream tap or target in Rust.

pub use dstream_abi::*;

/// Reads the `options` of a config.
///
/// # Errors
/// `Config`: an unknown key, a missing one, a value of the wrong type.
pub fn parse_options<T: serde::de::DeserializeOwned>(config: &ConnectorConfig) -> Result<T> {
    let options = match &config.options {
        serde_json::Value::Null => serde_json::Value::Object(serde_json::Map::new()),
        options => options.clone(),
    };
    serde_json::from_value(options).map_err(|error| Error::config(format!("options: {error}")))
}
