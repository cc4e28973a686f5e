//! Manifest and entry.

use dstream_abi::export::{ConnectorList, EntryErr, EntryHost, EntryOut, connector, plugin, tap_table};
use dstream_abi::raw::{ConnectorV1, PluginV1, Status, TapV1, manifest_len};

use crate::sliced;
use crate::tap::Layouts;

const MANIFEST: &str = include_str!("../manifest.json");

#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__dstream"))]
#[cfg_attr(windows, unsafe(link_section = ".dstream"))]
#[cfg_attr(not(any(target_os = "macos", windows)), unsafe(link_section = ".dstream_manifest"))]
static SECTION: [u8; manifest_len(MANIFEST)] = dstream_abi::manifest_section(MANIFEST);

static TAP: TapV1 = tap_table::<Layouts>();
static LAYOUTS: ConnectorV1 = connector("layouts", Some(&TAP), None);
static SLICED: ConnectorV1 = connector("sliced-layouts", Some(&sliced::TABLE), None);

static CONNECTORS: &[&ConnectorV1] = &[&LAYOUTS, &SLICED];
static LIST: ConnectorList = ConnectorList::new(CONNECTORS);
static PLUGIN: PluginV1 = plugin(MANIFEST, &LIST);

/// The entry of dstream.h.
#[unsafe(no_mangle)]
extern "C" fn dstream_plugin_v1(host: EntryHost, out: EntryOut, err: EntryErr) -> Status {
    dstream_abi::export::enter(&PLUGIN, None, None, host, out, err)
}
