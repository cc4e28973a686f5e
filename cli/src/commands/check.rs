//! `check`: a config, then the connection it names. Writes nothing.

use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to the configuration of a tap or target
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(args: &Args, _globals: &Globals) -> Outcome {
    let _ = &args.config;
    Err(Error::unsupported("`check` has no engine yet")).during(Phase::Config)
}
