//! The root of a library that was loaded: entered, looked at, and asked for its connectors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::host::{ErrorSink, HOST};
use super::{Validation, promises, tap, target};
use crate::raw::{Buf, ConnectorV1, EntryV1, PluginV1, Str, TapV1, TargetV1};
use crate::{ABI_DRAFT, ConnectorConfig, Context, Error, Manifest, Result, Tap, Target};

/// More connectors than this are refused.
const MAX_CONNECTORS: usize = 1024;

/// What every object of a library shares.
pub(crate) struct Library {
    pub(crate) name: String,
    full_validation: AtomicBool,
}

impl Library {
    pub(crate) fn validation(&self) -> Validation {
        match self.full_validation.load(Ordering::Relaxed) {
            true => Validation::Full,
            false => Validation::Structural,
        }
    }
}

/// A library that was entered: its tables can be asked for connectors. It stays until the process ends.
pub struct Plugin {
    root: &'static PluginV1,
    library: Arc<Library>,
    manifest_json: String,
    manifest: Manifest,
    connectors: Vec<Connector>,
}

/// One connector, as the tables have it.
pub(crate) struct Connector {
    pub(crate) type_name: String,
    pub(crate) tap: Option<&'static TapV1>,
    pub(crate) target: Option<&'static TargetV1>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.library.name).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Calls the entry and looks at the tables it answers with. `name` stands in errors: the library's file name.
    ///
    /// Arrays of a library that was not written with a Rust SDK are looked at value by value; see
    /// [`Plugin::set_validation`].
    ///
    /// # Errors
    /// `Bug` or `Unsupported`: the tables are not those of this ABI.
    ///
    /// # Safety
    /// `entry` is the function `dstream_plugin_v1` of dstream.h, in a library that stays mapped until the process ends.
    pub unsafe fn enter(entry: EntryV1, name: &str) -> Result<Plugin> {
        let (mut root, mut sink) = (std::ptr::null::<PluginV1>(), ErrorSink::default());
        // SAFETY: the caller's promise; HOST is static.
        let status = unsafe { entry(&HOST, &mut root, sink.as_ptr()) };
        sink.done(status, name, "dstream_plugin_v1")?;
        // SAFETY: dstream.h, "root": *out is static and immutable.
        let root = unsafe { table(root, |root| std::ptr::addr_of!((*root).struct_size), name, "root") }?;
        if root.abi_draft != ABI_DRAFT {
            let what = format!(
                "plugin `{name}` was built for draft {} of the ABI, this host has {ABI_DRAFT}",
                root.abi_draft
            );
            return Err(Error::unsupported(what).hint("rebuild the plugin with the SDK of this release"));
        }
        // SAFETY: dstream.h, "manifest_json": static text.
        let manifest_json = unsafe { root.manifest_json.bytes() }.unwrap_or_default();
        let manifest: Manifest = serde_json::from_slice(manifest_json).map_err(|error| {
            Error::bug(format!("the manifest of plugin `{name}` cannot be read: {error}"))
        })?;
        let manifest_json = String::from_utf8_lossy(manifest_json).into_owned();
        let by_rust_sdk = manifest.sdk.as_deref().is_some_and(|sdk| sdk.starts_with("rust/"));
        let library =
            Arc::new(Library { name: name.to_owned(), full_validation: AtomicBool::new(!by_rust_sdk) });
        let connectors = connectors(root, name)?;
        promises::check(&manifest, &connectors, name)?;
        #[cfg(feature = "layout")]
        check_layout(root, name)?;
        Ok(Plugin { root, library, manifest_json, manifest, connectors })
    }

    /// The manifest as the library hands it out; the same bytes stand in its file.
    pub fn manifest_json(&self) -> &str {
        &self.manifest_json
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Overrides how far the host looks into the arrays of this library.
    pub fn set_validation(&self, validation: Validation) {
        self.library.full_validation.store(validation == Validation::Full, Ordering::Relaxed);
    }

    /// Opens the tap `type_name`.
    ///
    /// # Errors
    /// `NotFound`: no such tap in the library. `Config`: the config cannot be meant.
    pub fn tap(&self, type_name: &str, context: Context, config: &ConnectorConfig) -> Result<Box<dyn Tap>> {
        let table = self
            .find(type_name)
            .and_then(|connector| connector.tap)
            .ok_or_else(|| self.missing(type_name, "tap"))?;
        tap::open(&self.library, table, context, config)
    }

    /// Opens the target `type_name`.
    ///
    /// # Errors
    /// As [`Plugin::tap`].
    pub fn target(
        &self,
        type_name: &str,
        context: Context,
        config: &ConnectorConfig,
    ) -> Result<Box<dyn Target>> {
        let table = self
            .find(type_name)
            .and_then(|connector| connector.target)
            .ok_or_else(|| self.missing(type_name, "target"))?;
        target::open(&self.library, table, context, config)
    }

    /// Stops every thread that the library started; after everything of it is closed.
    pub fn shutdown(&self, deadline: Duration) {
        if let Some(shutdown) = self.root.shutdown {
            // SAFETY: dstream.h, "shutdown": once, after everything is closed; the caller's part.
            let _ = unsafe { shutdown(i64::try_from(deadline.as_millis()).unwrap_or(i64::MAX)) };
        }
    }

    fn find(&self, type_name: &str) -> Option<&Connector> {
        self.connectors.iter().find(|connector| connector.type_name == type_name)
    }

    fn missing(&self, type_name: &str, role: &str) -> Error {
        Error::not_found(format!("plugin `{}` has no {role} `{type_name}`", self.library.name))
    }
}

/// The second check, where both sides are Rust.
#[cfg(feature = "layout")]
fn check_layout(root: &'static PluginV1, name: &str) -> Result<()> {
    use crate::raw::layout;
    let Some(get_extension) = root.get_extension else { return Ok(()) };
    // SAFETY: dstream.h, "get_extension": the id is borrowed for the call.
    let theirs = unsafe { get_extension(&Str::new(layout::EXTENSION)) };
    if theirs.is_null() {
        return Ok(());
    }
    // SAFETY: what the library answered for this id.
    if !unsafe { layout::check(theirs.cast(), name) }? {
        tracing::debug!(
            plugin = name,
            "the library's layout was described by another abi_stable: not compared"
        );
    }
    Ok(())
}

/// Borrows a table after its size is looked at.
///
/// # Safety
/// `pointer` is null or points to a static table that begins with its size.
unsafe fn table<T>(
    pointer: *const T,
    size: impl FnOnce(*const T) -> *const u32,
    plugin: &str,
    what: &str,
) -> Result<&'static T> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Error::bug(format!("plugin `{plugin}` gave no {what} table")));
    }
    // SAFETY: the caller's promise.
    let actual = unsafe { size(pointer).read() } as usize;
    if actual < size_of::<T>() {
        let what = format!(
            "the {what} table of plugin `{plugin}` has {actual} bytes, ABI 1.0 has {}",
            size_of::<T>()
        );
        return Err(Error::unsupported(what).hint("rebuild the plugin with the header of ABI 1.0 or later"));
    }
    // SAFETY: the caller's promise, and it is large enough.
    Ok(unsafe { &*pointer })
}

fn connectors(root: &'static PluginV1, name: &str) -> Result<Vec<Connector>> {
    if root.connectors.is_null() || root.n_connectors > MAX_CONNECTORS {
        return Err(Error::bug(format!("plugin `{name}` lists {} connectors", root.n_connectors)));
    }
    let mut found: Vec<Connector> = Vec::with_capacity(root.n_connectors);
    for at in 0..root.n_connectors {
        // SAFETY: dstream.h, "root": n_connectors pointers to static tables.
        let pointer: *const ConnectorV1 = unsafe { root.connectors.add(at).read() };
        // SAFETY: as above.
        let connector =
            unsafe { table(pointer, |c| std::ptr::addr_of!((*c).struct_size), name, "connector") }?;
        // SAFETY: dstream.h, "ds_connector_v1": static text.
        let type_name = unsafe { connector.type_name.bytes() }.unwrap_or_default();
        let Ok(type_name) = std::str::from_utf8(type_name).map(str::to_owned) else {
            return Err(Error::bug(format!("plugin `{name}` lists a type that is not UTF-8")));
        };
        if type_name.is_empty() {
            return Err(Error::bug(format!("plugin `{name}` lists a connector without a type")));
        }
        if found.iter().any(|other| other.type_name == type_name) {
            return Err(Error::bug(format!("plugin `{name}` lists the type `{type_name}` twice")));
        }
        // SAFETY: dstream.h, "ds_connector_v1": null, or a static table.
        let tap = (!connector.tap.is_null())
            .then(|| unsafe { table(connector.tap, |t| std::ptr::addr_of!((*t).struct_size), name, "tap") })
            .transpose()?;
        // SAFETY: as above.
        let target = (!connector.target.is_null())
            .then(|| unsafe {
                table(connector.target, |t| std::ptr::addr_of!((*t).struct_size), name, "target")
            })
            .transpose()?;
        found.push(Connector { type_name, tap, target });
    }
    Ok(found)
}

/// A function of a table; null is "not implemented".
pub(crate) fn call<F>(function: Option<F>, library: &Library, name: &str) -> Result<F> {
    function
        .ok_or_else(|| Error::unsupported(format!("plugin `{}` does not implement `{name}`", library.name)))
}

pub(crate) fn to_json(document: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(document)
        .map_err(|error| Error::bug(format!("a document cannot be written: {error}")))
}

/// Reads a JSON answer of a library.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    buf: &Buf,
    library: &Library,
    what: &str,
) -> Result<T> {
    // SAFETY: dstream.h, "ds_buf": len bytes at ptr, valid until released.
    let text = unsafe { Str { ptr: buf.ptr, len: buf.len }.bytes() }
        .ok_or_else(|| Error::bug(format!("plugin `{}` gave no {what}", library.name)))?;
    serde_json::from_slice(text).map_err(|error| {
        Error::bug(format!("the {what} of plugin `{}` cannot be read: {error}", library.name))
    })
}
