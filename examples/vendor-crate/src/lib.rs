#![forbid(unsafe_code)]
use dstream_sdk::*;
struct T;
impl OpenTap for T { fn open(_: Context, _: ConnectorConfig) -> Result<T> { Ok(T) } }
impl Tap for T {
 fn check(&self) -> Result<()> { Ok(()) }
 fn discover(&self) -> Result<Catalog> { tracing::info!("hello"); Ok(Catalog::default()) }
 fn plan(&self, _: &Selection) -> Result<Vec<Partition>> { Ok(vec![]) }
 fn open_reader(&self, _: Context, _: ReadRequest) -> Result<Box<dyn Reader>> { Err(Error::bug("x")) }
}
dstream_sdk::export! { manifest: "../manifest.json", connectors: { "folder" => tap: T } }
