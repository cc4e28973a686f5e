//! Manifest and entry.

use std::sync::OnceLock;

use dstream_abi::export::{
    ConnectorList, EntryErr, EntryHost, EntryOut, connector, plugin, tap_table, target_table,
};
use dstream_abi::raw::{ConnectorV1, Err, HostV1, PluginV1, Status, TapV1, TargetV1, manifest_len};

use crate::astray::{AstrayTap, AstrayTarget};
use crate::panicky::{PanickyTap, PanickyTarget};
use crate::{hollow, tap, target, witness};

const MANIFEST: &str = include_str!("../manifest.json");

#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__dstream"))]
#[cfg_attr(windows, unsafe(link_section = ".dstream"))]
#[cfg_attr(not(any(target_os = "macos", windows)), unsafe(link_section = ".dstream_manifest"))]
static SECTION: [u8; manifest_len(MANIFEST)] = dstream_abi::manifest_section(MANIFEST);

static PANICKY_TAP: TapV1 = tap_table::<PanickyTap>();
static PANICKY_TARGET: TargetV1 = target_table::<PanickyTarget>();
static FAULTY: ConnectorV1 = connector("faulty", Some(&tap::TABLE), Some(&target::TABLE));
static PANICKY: ConnectorV1 = connector("panicky", Some(&PANICKY_TAP), Some(&PANICKY_TARGET));
static HOLLOW: ConnectorV1 = connector("hollow", Some(&hollow::TAP), Some(&hollow::TARGET));
static WITNESS: ConnectorV1 = connector("witness", None, Some(&witness::TABLE));

static ASTRAY_TAP: TapV1 = tap_table::<AstrayTap>();
static ASTRAY_TARGET: TargetV1 = target_table::<AstrayTarget>();
static ASTRAY: ConnectorV1 = connector("astray", Some(&ASTRAY_TAP), Some(&ASTRAY_TARGET));
static ASTRAY_APPEND: ConnectorV1 = connector("astray-append", None, Some(&ASTRAY_TARGET));
static MISDECLARED: ConnectorV1 = connector("Misdeclared", Some(&ASTRAY_TAP), None);

static CONNECTORS: &[&ConnectorV1] =
    &[&FAULTY, &PANICKY, &HOLLOW, &WITNESS, &ASTRAY, &ASTRAY_APPEND, &MISDECLARED];
static LIST: ConnectorList = ConnectorList::new(CONNECTORS);
static PLUGIN: PluginV1 = plugin(MANIFEST, &LIST);
static HOST: OnceLock<&'static HostV1> = OnceLock::new();

/// The host that entered the library.
pub(crate) fn host() -> Option<&'static HostV1> {
    HOST.get().copied()
}

/// The entry of dstream.h.
#[unsafe(no_mangle)]
extern "C" fn dstream_plugin_v1(host: *const HostV1, out: *mut *const PluginV1, err: *mut Err) -> Status {
    // SAFETY: dstream.h, "ds_host_v1": valid until the process ends.
    if let Some(host) = unsafe { host.as_ref() } {
        HOST.get_or_init(|| host);
    }
    // SAFETY: a transparent wrapper of this very pointer; it is the host's.
    let host = unsafe { std::mem::transmute::<*const HostV1, EntryHost>(host) };
    // SAFETY: as above.
    let out = unsafe { std::mem::transmute::<*mut *const PluginV1, EntryOut>(out) };
    // SAFETY: as above.
    let err = unsafe { std::mem::transmute::<*mut Err, EntryErr>(err) };
    dstream_abi::export::enter(&PLUGIN, None, None, host, out, err)
}
