//! `discover`: what a tap can read, as a catalog file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dstream_core::Error;
use dstream_core::catalog::{CatalogFile, TapIdentity, keep_streams};

use super::Outcome;
use crate::args::Globals;
use crate::connector::{self, OpenedTap};
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::{output, plugins, signals};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Output catalog file; `-` is stdout
    #[arg(short, long, value_name = "FILE", default_value = "catalog.json")]
    output: PathBuf,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let written = connector::load(&args.config)?;
    let registry = plugins::scan(globals)?;
    let opened = connector::open_tap(&written, &registry, told_to_stop()?)?;
    let catalog = discover(&opened)?;
    if args.output == Path::new("-") {
        let text = serde_json::to_string_pretty(&catalog);
        let text = text.map_err(|error| Error::bug(format!("the catalog cannot be written: {error}")));
        output::line(text.during(Phase::Output)?)?;
    } else {
        catalog.save(&args.output).during(Phase::Output)?;
        let streams = catalog.streams.len();
        let noun = if streams == 1 { "stream" } else { "streams" };
        output::note(format!("{streams} {noun} written to {}", args.output.display()));
    }
    Ok(ExitCode::Ok)
}

/// Asks the tap what it can read; `streams` of its config selects.
pub(crate) fn discover(opened: &OpenedTap) -> Result<CatalogFile, Failure> {
    let found = opened.tap.discover().during(Phase::Source)?;
    let config = &opened.resolved.config;
    let tap = TapIdentity { type_name: config.type_name.clone(), name: config.name.clone() };
    let mut catalog = CatalogFile::from_discovered(&found, tap).during(Phase::Source)?;
    if !opened.resolved.streams.is_empty() {
        keep_streams(&mut catalog, &opened.resolved.streams).during(Phase::Config)?;
    }
    Ok(catalog)
}

/// A flag that a signal sets, for a command that has nothing to bring to an end: the second signal is obeyed at once.
///
/// # Errors
/// The system refuses to tell.
pub(crate) fn told_to_stop() -> Result<Arc<AtomicBool>, Failure> {
    let flag: Arc<AtomicBool> = Arc::default();
    signals::listen(flag.clone(), flag.clone())
        .map_err(|error| Error::resource(format!("signals cannot be listened to: {error}")))
        .during(Phase::Config)?;
    Ok(flag)
}
