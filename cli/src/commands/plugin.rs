//! `plugin`: the installed plugins.

use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the plugins that are found, and those that are not taken and why; runs none of their code
    List,
    /// Show a connector: its options with types and defaults, what it can do, its file
    Info {
        /// The type, as in a config
        #[arg(value_name = "TYPE")]
        type_name: String,
    },
    /// Find out whether a file can be loaded, in a process of its own
    Verify {
        /// The library
        file: PathBuf,
    },
}

pub(crate) fn run(command: Command, _globals: &Globals) -> Outcome {
    match command {
        Command::List => {}
        Command::Info { type_name } => drop(type_name),
        Command::Verify { file } => drop(file),
    }
    Err(Error::unsupported("`plugin` has no engine yet")).during(Phase::Plugin)
}
