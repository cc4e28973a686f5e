//! `sync`: from a tap to a target.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, Phase};
use crate::size;
use dstream_core::Error;

#[derive(clap::Args)]
#[allow(dead_code, reason = "the engine comes with the next change")]
pub(crate) struct Args {
    /// Path to tap configuration
    #[arg(long, value_name = "FILE")]
    tap_config: PathBuf,
    /// Path to target configuration
    #[arg(long, value_name = "FILE")]
    target_config: PathBuf,
    /// Path to catalog file; without one the tap is asked, and `streams` of its config selects
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Path to state file; without one every run starts from the beginning
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Move these streams only, of those that are selected; globs, repeatable
    #[arg(long, value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<String>,
    /// Read every stream from the start again
    #[arg(long)]
    full_refresh: bool,
    /// Stop every stream after this many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Streams or partitions moved at once
    #[arg(long, value_name = "N")]
    parallel: Option<NonZeroUsize>,
    /// Bytes of records held in memory at once, for the whole run
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "512MiB")]
    memory: u64,
    /// Print what is promised for this tap and target, and move nothing
    #[arg(long)]
    explain: bool,
    /// Write what was done as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Look at every value that crosses, of every plugin
    #[arg(long)]
    validate: bool,
}

pub(crate) fn run(_args: &Args, _globals: &Globals) -> Outcome {
    Err(Error::unsupported("`sync` has no engine yet")).during(Phase::Config)
}
