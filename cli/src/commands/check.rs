//! `check`: a config, then the connection it names. Writes nothing.

use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{ExitCode, Phase};
use crate::output;
use crate::session::{Session, checked};
use dstream_core::plugin::Role;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to the configuration of a tap or target
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let name = match session.role_of(&args.config)? {
        Role::Tap => {
            let opened = session.open_tap(&args.config, false)?;
            checked(opened.tap.check(), Phase::Source)?;
            opened.resolved.config.name
        }
        Role::Target => {
            let opened = session.open_target(&args.config)?;
            checked(opened.target.check(), Phase::Target)?;
            opened.resolved.config.name
        }
    };
    output::note(format!("`{name}`: config and connection are fine"));
    Ok(ExitCode::Ok)
}
