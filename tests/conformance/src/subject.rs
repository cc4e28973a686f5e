//! What is tested: one connector of a library in one role, opened with one config.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dstream_abi::import::{Plugin, Validation};
use dstream_abi::{
    ConnectorConfig, ConnectorManifest, Context, Error, Result, Tap, TapManifest, Target, TargetManifest,
};

use crate::rows::Row;

/// A connector's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It reads.
    Tap,
    /// It writes.
    Target,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Tap => "tap",
            Role::Target => "target",
        })
    }
}

/// Looks at the tables that a target has written.
pub trait ReadBack {
    /// The columns `id` and `word` of every row that anybody can see; `None`: there is no such table.
    ///
    /// # Errors
    /// The tables cannot be read.
    fn rows(&self, table: &str) -> Result<Option<Vec<Row>>>;
}

impl<F: Fn(&str) -> Result<Option<Vec<Row>>>> ReadBack for F {
    fn rows(&self, table: &str) -> Result<Option<Vec<Row>>> {
        self(table)
    }
}

/// One connector of a library in one role, with the config it is opened with.
pub struct Subject<'a> {
    pub(crate) plugin: &'a Plugin,
    pub(crate) connector: &'a ConnectorManifest,
    pub(crate) role: Role,
    pub(crate) config: Option<ConnectorConfig>,
    pub(crate) seed: u64,
    pub(crate) read_back: Option<Box<dyn ReadBack + 'a>>,
    /// A case wanted to look at rows and could not.
    pub(crate) rows_unseen: AtomicBool,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("type", &self.connector.type_name)
            .field("role", &self.role)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl<'a> Subject<'a> {
    /// The connector `type_name` of the library. From now on the host looks at every value of the library's batches.
    ///
    /// # Errors
    /// `NotFound`: the manifest has no such connector in this role.
    pub fn new(plugin: &'a Plugin, type_name: &str, role: Role) -> Result<Subject<'a>> {
        let has_role = |connector: &&ConnectorManifest| match role {
            Role::Tap => connector.tap.is_some(),
            Role::Target => connector.target.is_some(),
        };
        let mut connectors = plugin.manifest().connectors.iter().filter(has_role);
        let connector = connectors.find(|connector| connector.type_name == type_name).ok_or_else(|| {
            Error::not_found(format!("the manifest of the plugin has no {role} `{type_name}`"))
        })?;
        plugin.set_validation(Validation::Full);
        let rows_unseen = AtomicBool::new(false);
        Ok(Subject { plugin, connector, role, config: None, seed: 0, read_back: None, rows_unseen })
    }

    /// With a config; without one, only what needs no open connector is tested.
    pub fn with_config(mut self, config: ConnectorConfig) -> Subject<'a> {
        self.config = Some(config);
        self
    }

    /// With another seed: what is drawn at random, and the names of tables and pipelines, follow from it.
    pub fn with_seed(mut self, seed: u64) -> Subject<'a> {
        self.seed = seed;
        self
    }

    /// With a way to look at what the target wrote.
    pub fn with_read_back(mut self, read_back: impl ReadBack + 'a) -> Subject<'a> {
        self.read_back = Some(Box::new(read_back));
        self
    }

    pub(crate) fn tap_manifest(&self) -> Option<&TapManifest> {
        self.connector.tap.as_ref().filter(|_| self.role == Role::Tap)
    }

    pub(crate) fn target_manifest(&self) -> Option<&TargetManifest> {
        self.connector.target.as_ref().filter(|_| self.role == Role::Target)
    }

    /// The JSON Schema of its options.
    pub(crate) fn options_schema(&self) -> &serde_json::Value {
        match (self.tap_manifest(), self.target_manifest()) {
            (Some(tap), _) => &tap.options,
            (None, Some(target)) => &target.options,
            (None, None) => &serde_json::Value::Null,
        }
    }

    /// Opens the tap with another config than its own.
    pub(crate) fn open_tap_with(&self, config: &ConnectorConfig) -> Result<Box<dyn Tap>> {
        self.plugin.tap(&self.connector.type_name, context(), config)
    }

    /// Opens the target with another config than its own.
    pub(crate) fn open_target_with(&self, config: &ConnectorConfig) -> Result<Box<dyn Target>> {
        self.plugin.target(&self.connector.type_name, context(), config)
    }

    /// The config; every case that asks for it is selected by there being one.
    pub(crate) fn config(&self) -> Result<&ConnectorConfig> {
        self.config.as_ref().ok_or_else(|| Error::config("no config was given"))
    }

    pub(crate) fn open_tap(&self) -> Result<Box<dyn Tap>> {
        self.open_tap_with(self.config()?)
    }

    pub(crate) fn open_target(&self) -> Result<Box<dyn Target>> {
        self.open_target_with(self.config()?)
    }
}

/// A context of a run that nobody stops.
pub(crate) fn context() -> Context {
    Context::detached(Arc::new(AtomicBool::new(false)))
}
