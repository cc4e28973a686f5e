//! `discover`: what a tap can read, as a catalog file.

use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Output catalog file; `-` is stdout
    #[arg(short, long, value_name = "FILE", default_value = "catalog.json")]
    output: PathBuf,
}

pub(crate) fn run(args: &Args, _globals: &Globals) -> Outcome {
    let _ = (&args.config, &args.output);
    Err(Error::unsupported("`discover` has no engine yet")).during(Phase::Config)
}
