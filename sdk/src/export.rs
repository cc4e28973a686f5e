//! The one line that makes a library out of connectors.

/// Exports the connectors of a library: the manifest's section and the one symbol of `dstream.h`. Once per library.
///
/// `manifest` is a path relative to the source file. Each type has at most one `tap`, which implements
/// [`OpenTap`](crate::OpenTap), and one `target`, which implements [`OpenTarget`](crate::OpenTarget). The library's
/// runtime and log come with it.
///
/// ```ignore
/// dstream_sdk::export! {
///     manifest: "../manifest.json",
///     connectors: {
///         "csv" => tap: tap::CsvTap;
///         "sqlite" => tap: tap::SqliteTap, target: target::SqliteTarget;
///     }
/// }
/// ```
#[macro_export]
macro_rules! export {
    (manifest: $manifest:literal, connectors: { $($connectors:tt)* } $(,)?) => {
        const _: () = {
            fn start() {
                $crate::hooks::start(::core::env!("CARGO_PKG_NAME"));
            }
            $crate::__abi::export! {
                manifest: $manifest,
                start: start,
                stop: $crate::hooks::stop,
                connectors: { $($connectors)* }
            }
        };
    };
}
