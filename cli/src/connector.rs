//! From a config file to an open tap or target.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dstream_core::config::{self, Resolved, SystemSecrets, Written};
use dstream_core::plugin::{Library, Registry, Role};
use dstream_core::{ConnectorManifest, Context, Error, Tap, TapManifest, Target, TargetManifest};

use crate::exit::{During, Failure, Phase};
use crate::redact;

/// A tap with everything that is known of it.
pub(crate) struct OpenedTap {
    pub(crate) tap: Box<dyn Tap>,
    pub(crate) resolved: Resolved,
}

/// A target with everything that is known of it.
pub(crate) struct OpenedTarget {
    pub(crate) target: Box<dyn Target>,
    #[allow(dead_code, reason = "`sync` runs on it")]
    pub(crate) resolved: Resolved,
    #[allow(dead_code, reason = "`sync` runs on it")]
    pub(crate) manifest: TargetManifest,
    #[allow(dead_code, reason = "`sync` runs on it")]
    pub(crate) library: Arc<Library>,
}

/// Reads a config file: what was written.
///
/// # Errors
/// What the user wrote is no config.
pub(crate) fn load(file: &Path) -> Result<Written, Failure> {
    config::load(file).during(Phase::Config)
}

/// Opens the tap that a config names. Stops waiting once `cancelled` turns true.
///
/// # Errors
/// No such plugin, or what is written cannot be meant.
pub(crate) fn open_tap(
    written: &Written,
    registry: &Registry,
    cancelled: Arc<AtomicBool>,
) -> Result<OpenedTap, Failure> {
    let manifest = tap_manifest(written, registry)?;
    let resolved = resolve(written, config::Role::Tap(&manifest))?;
    let library = registry.open(&written.type_name, Role::Tap).during(Phase::Plugin)?;
    let context = Context::new(cancelled, tracing::info_span!("tap", name = resolved.config.name));
    let tap = library.tap(&written.type_name, context, &resolved.config).during(Phase::Source)?;
    Ok(OpenedTap { tap, resolved })
}

/// Opens the target that a config names. Stops waiting once `cancelled` turns true.
///
/// # Errors
/// As [`open_tap`].
pub(crate) fn open_target(
    written: &Written,
    registry: &Registry,
    cancelled: Arc<AtomicBool>,
) -> Result<OpenedTarget, Failure> {
    let manifest = target_manifest(written, registry)?;
    let resolved = resolve(written, config::Role::Target(&manifest))?;
    let library = registry.open(&written.type_name, Role::Target).during(Phase::Plugin)?;
    let context = Context::new(cancelled, tracing::info_span!("target", name = resolved.config.name));
    let target = library.target(&written.type_name, context, &resolved.config).during(Phase::Target)?;
    Ok(OpenedTarget { target, resolved, manifest, library })
}

/// What the plugin says of the tap that a config names; runs none of its code.
///
/// # Errors
/// No plugin offers it, or more than one does.
pub(crate) fn tap_manifest(written: &Written, registry: &Registry) -> Result<TapManifest, Failure> {
    offered(written, registry, Role::Tap, |connector| connector.tap.clone())
}

/// What the plugin says of the target that a config names; runs none of its code.
///
/// # Errors
/// As [`tap_manifest`].
pub(crate) fn target_manifest(written: &Written, registry: &Registry) -> Result<TargetManifest, Failure> {
    offered(written, registry, Role::Target, |connector| connector.target.clone())
}

fn offered<M>(
    written: &Written,
    registry: &Registry,
    role: Role,
    side: impl Fn(&ConnectorManifest) -> Option<M>,
) -> Result<M, Failure> {
    let found = registry.find(&written.type_name, role).during(Phase::Plugin)?;
    let connector = found.connectors(role).find(|connector| connector.type_name == written.type_name);
    connector
        .and_then(side)
        .ok_or_else(|| Error::bug(format!("the plugin that offers `{}` does not list it", written.type_name)))
        .during(Phase::Plugin)
}

/// What the config means; from here on no output shows its secrets.
fn resolve(written: &Written, role: config::Role<'_>) -> Result<Resolved, Failure> {
    let resolved = written.resolve(role, &SystemSecrets).during(Phase::Config)?;
    redact::hide(&resolved.secrets);
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    Ok(resolved)
}

/// Whether the config can be meant for this side.
pub(crate) fn fits(written: &Written, role: config::Role<'_>) -> Result<(), Error> {
    written.resolve(role, &SystemSecrets).map(drop)
}
