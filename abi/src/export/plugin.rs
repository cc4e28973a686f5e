//! The root of a library and its entry.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::time::Duration;

use super::gate::guard;
use crate::raw::{ConnectorV1, Err, HostV1, PluginV1, Status, Str, TapV1, TargetV1};
use crate::{ABI_DRAFT, ABI_MINOR, context, panics};

/// The connectors of a library as the pointers of the header.
#[doc(hidden)]
#[derive(Debug)]
pub struct ConnectorList(&'static [&'static ConnectorV1]);

impl ConnectorList {
    #[doc(hidden)]
    pub const fn new(connectors: &'static [&'static ConnectorV1]) -> ConnectorList {
        ConnectorList(connectors)
    }
}

#[doc(hidden)]
pub const fn connector(
    type_name: &'static str,
    tap: Option<&'static TapV1>,
    target: Option<&'static TargetV1>,
) -> ConnectorV1 {
    ConnectorV1 {
        struct_size: size_of::<ConnectorV1>() as u32,
        reserved: 0,
        type_name: Str::new(type_name),
        tap: match tap {
            Some(tap) => tap,
            None => std::ptr::null(),
        },
        target: match target {
            Some(target) => target,
            None => std::ptr::null(),
        },
    }
}

#[doc(hidden)]
pub const fn plugin(manifest: &'static str, connectors: &'static ConnectorList) -> PluginV1 {
    PluginV1 {
        struct_size: size_of::<PluginV1>() as u32,
        abi_minor: ABI_MINOR,
        abi_draft: ABI_DRAFT,
        reserved: 0,
        manifest_json: Str::new(manifest),
        // A reference and a pointer to the same type have one representation.
        connectors: connectors.0.as_ptr().cast(),
        n_connectors: connectors.0.len(),
        shutdown: Some(shutdown),
        get_extension: Some(get_extension),
    }
}

/// The host's table as the entry receives it. Only the C side can make one.
#[doc(hidden)]
#[repr(transparent)]
#[derive(Debug)]
pub struct EntryHost(*const HostV1);
/// Where the entry puts the root. Only the C side can make one.
#[doc(hidden)]
#[repr(transparent)]
#[derive(Debug)]
pub struct EntryOut(*mut *const PluginV1);
/// The error sink of the entry. Only the C side can make one.
#[doc(hidden)]
#[repr(transparent)]
#[derive(Debug)]
pub struct EntryErr(*mut Err);

#[derive(Debug)]
struct Hooks {
    start: Option<fn()>,
    stop: Option<fn(Duration)>,
}

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// Enters the library: idempotent, no thread, no I/O.
#[doc(hidden)]
pub fn enter(
    plugin: &'static PluginV1,
    start: Option<fn()>,
    stop: Option<fn(Duration)>,
    host: EntryHost,
    out: EntryOut,
    err: EntryErr,
) -> Status {
    panics::install_hook();
    HOOKS.get_or_init(|| Hooks { start, stop });
    // Whoever has no table, or a shorter one, has no sink for errors that could be called.
    if host.0.is_null() {
        return Status::BUG;
    }
    // SAFETY: dstream.h, "Ground rules": a table begins with its size.
    let size = unsafe { std::ptr::addr_of!((*host.0).struct_size).read() } as usize;
    if size < size_of::<HostV1>() {
        return Status::BUG;
    }
    // SAFETY: dstream.h, "ds_host_v1": valid until the process ends; it is large enough.
    let host: &'static HostV1 = unsafe { &*host.0 };
    context::set_host(host);
    guard(None, &Cell::new(false), err.0, || {
        // SAFETY: dstream.h, "dstream_plugin_v1": out points to one writable pointer.
        unsafe { out.0.write(plugin) };
        Ok(Status::OK)
    })
}

/// Runs the library's `start` hook; at every open.
pub(crate) fn started() {
    if let Some(start) = HOOKS.get().and_then(|hooks| hooks.start) {
        start();
    }
}

unsafe extern "C" fn shutdown(deadline_ms: i64) -> Status {
    guard(None, &Cell::new(false), std::ptr::null_mut(), || {
        if let Some(stop) = HOOKS.get().and_then(|hooks| hooks.stop) {
            stop(Duration::from_millis(deadline_ms.max(0) as u64));
        }
        Ok(Status::OK)
    })
}

unsafe extern "C" fn get_extension(id: *const Str) -> *const c_void {
    // SAFETY: dstream.h, "Borrowed inputs".
    let id = unsafe { id.as_ref().and_then(|id| id.bytes()) };
    match id {
        #[cfg(feature = "layout")]
        Some(id) if id == crate::raw::layout::EXTENSION.as_bytes() => {
            std::ptr::from_ref(&crate::raw::layout::LAYOUT).cast()
        }
        _ => std::ptr::null(),
    }
}
