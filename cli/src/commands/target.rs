//! `target`: from a file or stdin to a target.

use std::path::PathBuf;

use super::Outcome;
use crate::args::{DataFormat, Globals};
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to target configuration
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Input file (default: stdin)
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Path to state file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// What is read (default: singer, or arrow for a file ending in .arrows)
    #[arg(long, value_enum)]
    format: Option<DataFormat>,
}

pub(crate) fn run(args: &Args, _globals: &Globals) -> Outcome {
    let _format = DataFormat::of(args.format, args.input.as_deref());
    let _ = (&args.config, &args.state);
    Err(Error::unsupported("`target` has no engine yet")).during(Phase::Config)
}
