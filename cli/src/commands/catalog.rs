//! `catalog`: catalog files.

use std::path::PathBuf;

use super::Outcome;
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show streams and columns
    View {
        /// The catalog file
        #[arg(value_name = "CATALOG_FILE")]
        file: PathBuf,
    },
    /// Select streams or columns
    Select(Pick),
    /// Deselect streams or columns
    Deselect(Pick),
    /// Change how a stream is kept up to date, and what identifies a record
    Set(Set),
}

#[derive(clap::Args)]
pub(crate) struct Pick {
    /// The catalog file
    #[arg(value_name = "CATALOG_FILE")]
    file: PathBuf,
    /// Streams, or columns as `stream.column`; globs such as `orders.*_at`
    #[arg(value_name = "STREAM", required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
#[group(id = "change", required = true, multiple = true, args = ["replication_method", "replication_key", "key"])]
pub(crate) struct Set {
    /// The catalog file
    #[arg(value_name = "CATALOG_FILE")]
    file: PathBuf,
    /// The stream
    stream: String,
    /// FULL_TABLE, INCREMENTAL or LOG_BASED
    #[arg(long, value_name = "METHOD")]
    replication_method: Option<String>,
    /// The column that an incremental stream follows
    #[arg(long, value_name = "COLUMN")]
    replication_key: Option<String>,
    /// A column that identifies a record; several, or repeat it
    #[arg(long, value_name = "COLUMN", num_args = 1..)]
    key: Vec<String>,
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::View { file } => drop(file),
        Command::Select(pick) | Command::Deselect(pick) => drop((pick.file, pick.names)),
        Command::Set(set) => {
            drop((set.file, set.stream, set.replication_method, set.replication_key, set.key))
        }
    }
    Err(Error::unsupported("`catalog` has no engine yet")).during(Phase::Config)
}
