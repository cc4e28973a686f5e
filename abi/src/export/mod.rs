//! From `impl Tap` and `impl Target` to the tables of C functions.
//!
//! A library lists its connectors once:
//!
//! ```ignore
//! dstream_abi::export! {
//!     manifest: "../manifest.json",
//!     connectors: { "csv" => tap: CsvTap, "sqlite" => target: SqliteTarget }
//! }
//! ```

mod gate; // the one way in: panics and errors become a status
mod plugin; // root, entry
mod tap;
mod target;

#[doc(hidden)]
pub use plugin::{ConnectorList, EntryErr, EntryHost, EntryOut, connector, enter, plugin};
pub use tap::tap_table;
pub use target::target_table;

/// Exports the connectors of a library: the manifest's section and the one symbol.
///
/// `manifest` is a path relative to the source file; each connector has a type and at most one `tap` and one `target`
/// that implement [`OpenTap`](crate::OpenTap) and [`OpenTarget`](crate::OpenTarget). Optional: `start: path` is called at
/// every open, `stop: path` with a deadline when the host shuts the library down.
#[macro_export]
macro_rules! export {
    (
        manifest: $manifest:literal,
        $(start: $start:path,)?
        $(stop: $stop:path,)?
        connectors: { $($type:literal => $($role:ident : $connector:ty),+);+ $(;)? }
    ) => {
        const _: () = {
            const JSON: &str = include_str!($manifest);
            const LEN: usize = $crate::raw::manifest_len(JSON);

            #[used]
            #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__dstream"))]
            #[cfg_attr(windows, unsafe(link_section = ".dstream"))]
            #[cfg_attr(not(any(target_os = "macos", windows)), unsafe(link_section = ".dstream_manifest"))]
            static SECTION: [u8; LEN] = $crate::manifest_section::<LEN>(JSON);

            static CONNECTORS: &[&$crate::raw::ConnectorV1] = &[$({
                static CONNECTOR: $crate::raw::ConnectorV1 = {
                    #[allow(unused_mut, unused_assignments)]
                    let (mut tap, mut target) = (None, None);
                    $($crate::export!(@role $role, tap, target, $connector);)+
                    $crate::export::connector($type, tap, target)
                };
                &CONNECTOR
            }),+];
            static LIST: $crate::export::ConnectorList = $crate::export::ConnectorList::new(CONNECTORS);
            static PLUGIN: $crate::raw::PluginV1 = $crate::export::plugin(JSON, &LIST);

            /// The entry of dstream.h.
            #[unsafe(no_mangle)]
            pub extern "C" fn dstream_plugin_v1(
                host: $crate::export::EntryHost,
                out: $crate::export::EntryOut,
                err: $crate::export::EntryErr,
            ) -> $crate::raw::Status {
                #[allow(unused_mut, unused_assignments)]
                let (mut start, mut stop): (Option<fn()>, Option<fn(std::time::Duration)>) = (None, None);
                $(start = Some($start);)?
                $(stop = Some($stop);)?
                $crate::export::enter(&PLUGIN, start, stop, host, out, err)
            }
        };
    };
    (@role tap, $tap:ident, $target:ident, $connector:ty) => {
        $tap = Some({
            static TABLE: $crate::raw::TapV1 = $crate::export::tap_table::<$connector>();
            &TABLE
        });
    };
    (@role target, $tap:ident, $target:ident, $connector:ty) => {
        $target = Some({
            static TABLE: $crate::raw::TargetV1 = $crate::export::target_table::<$connector>();
            &TABLE
        });
    };
}
