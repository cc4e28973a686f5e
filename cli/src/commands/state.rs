//! `state`: state files.

use std::path::PathBuf;

use super::Outcome;
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the bookmarks
    View {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
    },
    /// Forget every bookmark: the next run starts from the beginning
    Clear {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
    },
    /// Set the bookmark of a stream: the next run reads on from there
    Set {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
        /// The stream
        stream: String,
        /// The bookmark, as JSON
        value: String,
    },
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::View { file } | Command::Clear { file } => drop(file),
        Command::Set { file, stream, value } => drop((file, stream, value)),
    }
    Err(Error::unsupported("`state` has no engine yet")).during(Phase::State)
}
