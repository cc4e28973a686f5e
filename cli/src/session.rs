//! From a config file to an opened connector: config, plugin, config once more with the plugin's word, connector.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dstream_core::catalog::{CatalogFile, TapIdentity, keep_streams};
use dstream_core::config::{self, Resolved, SystemSecrets};
use dstream_core::pipeline::Interrupt;
use dstream_core::plugin::{Library, Registry, Role};
use dstream_core::{
    ConnectorManifest, Context, Error, ErrorKind, Result as CoreResult, Tap, TapManifest, Target,
    TargetManifest,
};

use crate::args::Globals;
use crate::exit::{During, Failure, Phase};
use crate::{output, plugins, redact, signals};

/// How long the threads of a library may take to end, at the end of the process.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(2);

/// What the commands that open connectors share.
pub(crate) struct Session {
    registry: Registry,
    /// The switch that signals set.
    pub(crate) interrupt: Interrupt,
}

/// A tap, with what its plugin and its user say of it.
pub(crate) struct OpenedTap {
    pub(crate) tap: Arc<dyn Tap>,
    pub(crate) manifest: TapManifest,
    pub(crate) resolved: Resolved,
}

/// A target, with what its plugin and its user say of it.
pub(crate) struct OpenedTarget {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) manifest: TargetManifest,
    pub(crate) resolved: Resolved,
}

impl Session {
    /// Looks for plugins and listens to signals.
    ///
    /// # Errors
    /// A plugin folder cannot be named, or the system refuses a signal handler.
    pub(crate) fn start(globals: &Globals) -> Result<Session, Failure> {
        let interrupt = Interrupt::default();
        let (stop, abort) = interrupt.flags();
        signals::listen(stop, abort)
            .map_err(|error| Error::resource(format!("no signal handler can be set: {error}")))
            .during(Phase::Config)?;
        Ok(Session { registry: plugins::scan(globals)?, interrupt })
    }

    /// Opens the tap that a config describes.
    ///
    /// # Errors
    /// The config cannot be meant, or the plugin cannot be used.
    pub(crate) fn open_tap(&self, path: &Path, validate: bool) -> Result<OpenedTap, Failure> {
        let written = config::load(path).during(Phase::Config)?;
        let (library, connector) = self.library(&written.type_name, Role::Tap, validate)?;
        let manifest = connector.tap.unwrap_or_default();
        let resolved = resolve(&written, config::Role::Tap(&manifest))?;
        let (stop, _) = self.interrupt.flags();
        let context = Context::new(stop, tracing::info_span!("tap", name = resolved.config.name));
        let tap = library.tap(&written.type_name, context, &resolved.config).during(Phase::Source)?;
        Ok(OpenedTap { tap: tap.into(), manifest, resolved })
    }

    /// Opens the target that a config describes.
    ///
    /// # Errors
    /// As [`Session::open_tap`].
    pub(crate) fn open_target(&self, path: &Path) -> Result<OpenedTarget, Failure> {
        let written = config::load(path).during(Phase::Config)?;
        let (library, connector) = self.library(&written.type_name, Role::Target, false)?;
        let manifest = connector.target.unwrap_or_default();
        let resolved = resolve(&written, config::Role::Target(&manifest))?;
        let (_, abort) = self.interrupt.flags();
        let context = Context::new(abort, tracing::info_span!("target", name = resolved.config.name));
        let target = library.target(&written.type_name, context, &resolved.config).during(Phase::Target)?;
        Ok(OpenedTarget { target: target.into(), manifest, resolved })
    }

    /// Which role a config is for: that of the connectors of its type. Where a type is both, the one whose options and
    /// connection the config fits.
    ///
    /// # Errors
    /// No plugin offers the type in any role, or the config fits both.
    pub(crate) fn role_of(&self, path: &Path) -> Result<Role, Failure> {
        let written = config::load(path).during(Phase::Config)?;
        let as_tap = self.registry.find(&written.type_name, Role::Tap);
        let as_target = self.registry.find(&written.type_name, Role::Target);
        let (tap, target) = match (as_tap, as_target) {
            (Ok(tap), Ok(target)) => (tap, target),
            (Ok(_), Err(_)) => return Ok(Role::Tap),
            (Err(_), Ok(_)) => return Ok(Role::Target),
            (Err(error), Err(_)) => return Err(error).during(Phase::Plugin),
        };
        let named = |connector: &&ConnectorManifest| connector.type_name == written.type_name;
        let tap = tap.connectors(Role::Tap).find(named).and_then(|connector| connector.tap.as_ref());
        let target =
            target.connectors(Role::Target).find(named).and_then(|connector| connector.target.as_ref());
        let fits = |role: Option<config::Role<'_>>| {
            role.is_some_and(|role| written.resolve(role, &SystemSecrets).is_ok())
        };
        match (fits(tap.map(config::Role::Tap)), fits(target.map(config::Role::Target))) {
            (true, true) => {
                let error = Error::config(format!("`{}` is both a tap and a target", written.type_name));
                Err(error.hint("say which one to check: `--as tap` or `--as target`")).during(Phase::Config)
            }
            (false, true) => Ok(Role::Target),
            // Where it fits neither, opening it says why.
            (_, false) => Ok(Role::Tap),
        }
    }

    fn library(
        &self,
        type_name: &str,
        role: Role,
        validate: bool,
    ) -> Result<(Arc<Library>, ConnectorManifest), Failure> {
        let library = self.registry.open(type_name, role).during(Phase::Plugin)?;
        if validate {
            library.validate_everything();
        }
        let connector =
            library.manifest().connectors.iter().find(|connector| connector.type_name == type_name);
        let connector = connector
            .cloned()
            .ok_or_else(|| Error::bug(format!("the plugin of `{type_name}` lost it from its manifest")))
            .during(Phase::Plugin)?;
        Ok((library, connector))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for library in Library::all() {
            library.shutdown(SHUTDOWN_DEADLINE);
        }
    }
}

impl OpenedTap {
    /// The catalog of a file, or what the tap says, with the `streams` of its config selected.
    ///
    /// # Errors
    /// The catalog is that of another tap; the tap cannot say what it has; a pattern in `streams` matches nothing.
    pub(crate) fn catalog(&self, file: Option<&Path>) -> Result<CatalogFile, Failure> {
        let config = &self.resolved.config;
        let Some(path) = file else {
            let mut catalog = self.discover()?;
            keep_streams(&mut catalog, &self.resolved.streams).during(Phase::Config)?;
            return Ok(catalog);
        };
        let catalog = CatalogFile::load(path).during(Phase::Config)?;
        catalog.check_tap(&config.type_name, &config.name).during(Phase::Config)?;
        Ok(catalog)
    }

    /// What the tap says it has.
    ///
    /// # Errors
    /// The tap cannot say.
    pub(crate) fn discover(&self) -> Result<CatalogFile, Failure> {
        let config = &self.resolved.config;
        let discovered = self.tap.discover().during(Phase::Source)?;
        let identity = TapIdentity { type_name: config.type_name.clone(), name: config.name.clone() };
        CatalogFile::from_discovered(&discovered, identity).during(Phase::Source)
    }
}

fn resolve(written: &config::Written, role: config::Role<'_>) -> Result<Resolved, Failure> {
    let resolved = written.resolve(role, &SystemSecrets).during(Phase::Config)?;
    redact::add_secrets(&resolved.secrets);
    for warning in &resolved.warnings {
        output::note(format!("warning: {warning}"));
    }
    Ok(resolved)
}

/// Says once more what a check found wrong, with the config's name.
pub(crate) fn checked(result: CoreResult<()>, phase: Phase) -> Result<(), Failure> {
    match result {
        // A connector that has nothing to check is as good as its config.
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        other => other.during(phase),
    }
}
