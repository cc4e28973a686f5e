//! `state`: state files.

use std::path::PathBuf;

use dstream_core::Error;
use dstream_core::state::{self, StateError};

use super::Outcome;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show the bookmarks, and the changes by hand that no run has applied yet
    View {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
    },
    /// Forget every bookmark, or that of one stream: the next run starts from the beginning
    Clear {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
        /// The stream (default: all of them)
        #[arg(value_name = "STREAM")]
        stream: Option<String>,
    },
    /// Set the bookmark of a stream: the next run reads on from there
    Set {
        /// The state file
        #[arg(value_name = "STATE_FILE")]
        file: PathBuf,
        /// The stream
        #[arg(value_name = "STREAM")]
        stream: String,
        /// The bookmark, as JSON
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::View { file } => {
            let state = state::view(&file).map_err(failure)?;
            // `{:#}` of a JSON value is its indented form.
            output::line(format!("{state:#}"))?;
        }
        Command::Clear { file, stream } => {
            state::clear(&file, stream.as_deref()).map_err(failure)?;
            let what = stream.map_or_else(|| "every stream".to_owned(), |stream| format!("`{stream}`"));
            output::line(format!("cleared: the next run reads {what} from the beginning"))?;
        }
        Command::Set { file, stream, value } => {
            let bookmark = serde_json::from_str(&value)
                .map_err(|error| not_json(&value, &error))
                .during(Phase::Config)?;
            state::set(&file, &stream, bookmark).map_err(failure)?;
            output::line(format!("set: the next run reads `{stream}` on from {value}"))?;
        }
    }
    Ok(ExitCode::Ok)
}

fn not_json(value: &str, error: &serde_json::Error) -> Error {
    let quoted = serde_json::Value::from(value).to_string();
    Error::config(format!("the bookmark `{value}` is not JSON: {error}"))
        .hint(format!("text needs quotes of its own, as in '{quoted}'"))
}

/// The failure that an error about state stands for.
pub(crate) fn failure(error: StateError) -> Failure {
    let phase = match &error {
        StateError::Unusable(_) => Phase::State,
        StateError::Locked(_) => Phase::Lock,
        StateError::Other(_) => Phase::Config,
    };
    Failure { phase, error: error.into() }
}
