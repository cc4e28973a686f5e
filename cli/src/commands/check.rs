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
    /// Which of the two, where the type is both
    #[arg(long = "as", value_enum, value_name = "ROLE")]
    role: Option<Side>,
}

/// What a config is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    Tap,
    Target,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let role = match args.role {
        Some(Side::Tap) => Role::Tap,
        Some(Side::Target) => Role::Target,
        None => session.role_of(&args.config)?,
    };
    let name = match role {
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
    output::line(format!("the {role} `{name}` can be reached"))?;
    Ok(ExitCode::Ok)
}
