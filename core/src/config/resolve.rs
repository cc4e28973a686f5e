//! From what was written to what it means: references looked up, forms checked against the manifest, secrets noted.

use dstream_abi::{ConnectorConfig, Error, Result, TapManifest, TargetManifest};
use serde_json::{Map, Value, json};

use super::lookup::LookedUp;
use super::references::SecretSource;
use super::written::{BatchSize, in_file, parse_batch_size};
use super::{Redactor, Secrets, TargetOptions, Written, auth, connection, options};

/// The side that a config is meant for, with what the plugin says of it.
#[derive(Clone, Copy, Debug)]
pub enum Role<'a> {
    /// It reads.
    Tap(&'a TapManifest),
    /// It writes.
    Target(&'a TargetManifest),
}

/// A config that a connector can be opened with.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// For the plugin: secrets in clear, without the options that are the engine's.
    pub config: ConnectorConfig,
    /// Which streams to read, without a catalog; empty: all.
    pub streams: Vec<String>,
    /// The engine's options of a target.
    pub target_options: TargetOptions,
    /// Less than exactly once is an error.
    pub require_exactly_once: bool,
    /// What no output may show.
    pub secrets: Secrets,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}

impl Role<'_> {
    fn options(&self) -> &Value {
        match self {
            Role::Tap(tap) => &tap.options,
            Role::Target(target) => &target.options,
        }
    }
    fn connection(&self) -> &[String] {
        match self {
            Role::Tap(tap) => &tap.connection,
            Role::Target(target) => &target.connection,
        }
    }
    fn auth(&self) -> &[String] {
        match self {
            Role::Tap(tap) => &tap.auth,
            Role::Target(target) => &target.auth,
        }
    }
}

impl Written {
    /// What it means for a connector of this manifest.
    ///
    /// # Errors
    /// `Config`: a reference to nothing, a form of connection or auth that the connector does not take, an option it
    /// does not know. No error shows a secret.
    pub fn resolve(&self, role: Role<'_>, source: &dyn SecretSource) -> Result<Resolved> {
        let mut looked_up = LookedUp { source, secrets: Secrets::default(), warnings: Vec::new() };
        self.resolve_with(role, &mut looked_up).map_err(|error| {
            let error = redacted(&error, &Redactor::new(&looked_up.secrets));
            in_file(error, &self.file)
        })
    }

    fn resolve_with(&self, role: Role<'_>, looked_up: &mut LookedUp<'_>) -> Result<Resolved> {
        if matches!(role, Role::Target(_)) && self.streams.is_some() {
            return Err(Error::config("`streams` is for a tap: a target writes what the tap reads")
                .hint("take `streams` out, or move it to the config of the tap"));
        }
        let name = match &self.name {
            Some(name) => looked_up.plain(name, "name")?,
            None => self.type_name.clone(),
        };
        let connection = self.resolve_connection(role, looked_up)?;
        let auth = match &self.auth {
            Some(written) => {
                let (auth, brought) = looked_up.object(written, "auth")?;
                brought.values().for_each(|values| looked_up.add_secrets(values));
                auth::add_secrets(&auth, &mut looked_up.secrets);
                Some(auth)
            }
            None => None,
        };
        let auth = auth::check(auth, role.auth(), &self.type_name)?;
        let (options, target_options) = self.resolve_options(role, looked_up)?;
        let batch_size = match &self.batch_size {
            Some(BatchSize::Number(size)) => Some(*size),
            Some(BatchSize::Reference(text)) => {
                let text = looked_up.plain(text, "batch_size")?;
                let number = serde_json::from_str(text.trim()).unwrap_or(Value::String(text));
                Some(parse_batch_size(&number)?)
            }
            None => None,
        };
        let mut streams = Vec::new();
        for (at, pattern) in self.streams.iter().flatten().enumerate() {
            streams.push(looked_up.plain(pattern, &format!("streams[{at}]"))?);
        }
        Ok(Resolved {
            config: ConnectorConfig {
                name,
                type_name: self.type_name.clone(),
                connection,
                auth,
                options: Value::Object(options),
                batch_size,
            },
            streams,
            target_options,
            require_exactly_once: self.require_exactly_once,
            secrets: std::mem::take(&mut looked_up.secrets),
            warnings: std::mem::take(&mut looked_up.warnings),
        })
    }

    fn resolve_connection(&self, role: Role<'_>, looked_up: &mut LookedUp<'_>) -> Result<Value> {
        let written = match &self.connection {
            Some(written) => {
                let (connection, brought) = looked_up.object(written, "connection")?;
                // A host, a database or a path is no secret; to hide it would make every message unreadable.
                looked_up.add_secrets(brought.get("url").map(Vec::as_slice).unwrap_or_default());
                Some(connection)
            }
            None => None,
        };
        if let Some(url) =
            written.as_ref().and_then(|connection| connection.get("url")).and_then(Value::as_str)
        {
            connection::add_url_secrets(url, &mut looked_up.secrets);
        }
        connection::check(written, role.connection(), &self.type_name)
    }

    fn resolve_options(
        &self,
        role: Role<'_>,
        looked_up: &mut LookedUp<'_>,
    ) -> Result<(Map<String, Value>, TargetOptions)> {
        let mut written = self.options.clone();
        let mut target_options = TargetOptions::default();
        if let Role::Target(_) = role {
            let mut of_engine = Map::new();
            for key in ["write_mode", "table"] {
                of_engine.extend(written.shift_remove_entry(key));
            }
            let mut of_engine = looked_up.object(&of_engine, "options")?.0;
            target_options = TargetOptions::take(&mut of_engine)?;
        }
        let schema = role.options();
        let (mut resolved, brought) = looked_up.object(&written, "options")?;
        options::read_referenced(&mut resolved, brought.keys(), schema);
        for (key, values) in &brought {
            // A manifest may forget to mark a secret, so that a text that came by reference counts as one.
            if !matches!(resolved.get(key), Some(Value::Number(_) | Value::Bool(_))) {
                looked_up.add_secrets(values);
            }
        }
        options::add_secrets(&resolved, schema, &mut looked_up.secrets);
        options::check(&resolved, schema)?;
        Ok((resolved, target_options))
    }
}

impl Resolved {
    /// What no output may show.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(&self.secrets)
    }

    /// Stable text of which system under which name is meant: the same for the same config wherever it is started
    /// from, and without secrets.
    pub fn identity(&self) -> String {
        let identity = json!({
            "type": self.config.type_name,
            "name": self.config.name,
            "connection": connection::identity(&self.config.connection),
        });
        identity.to_string()
    }
}

fn redacted(error: &Error, redactor: &Redactor) -> Error {
    let clean = Error::new(error.kind(), redactor.redact(&error.message()));
    match error.hint_text() {
        Some(hint) => clean.hint(redactor.redact(hint)),
        None => clean,
    }
}
