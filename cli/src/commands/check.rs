//! `check`: a config, then the connection it names. Writes nothing.

use std::path::PathBuf;

use dstream_core::Error;
use dstream_core::config::{self, Written};
use dstream_core::plugin::{Registry, Role};

use super::Outcome;
use super::discover::told_to_stop;
use crate::args::Globals;
use crate::connector;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::{output, plugins};

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
    let written = connector::load(&args.config)?;
    let registry = plugins::scan(globals)?;
    let side = match args.role {
        Some(side) => side,
        None => meant(&written, &registry)?,
    };
    let stop = told_to_stop()?;
    let (role, name) = match side {
        Side::Tap => {
            let opened = connector::open_tap(&written, &registry, stop)?;
            output::note("config: fine");
            opened.tap.check().during(Phase::Source)?;
            (Role::Tap, opened.resolved.config.name.clone())
        }
        Side::Target => {
            let opened = connector::open_target(&written, &registry, stop)?;
            output::note("config: fine");
            opened.target.check().during(Phase::Target)?;
            (Role::Target, opened.resolved.config.name.clone())
        }
    };
    output::line(format!("the {role} `{name}` can be reached"))?;
    Ok(ExitCode::Ok)
}

/// The side that the config fits: its type may be both, and then what is written decides.
fn meant(written: &Written, registry: &Registry) -> Result<Side, Failure> {
    let (tap, target) =
        match (connector::tap_manifest(written, registry), connector::target_manifest(written, registry)) {
            (Ok(tap), Ok(target)) => (tap, target),
            (Ok(_), Err(_)) => return Ok(Side::Tap),
            (Err(_), Ok(_)) => return Ok(Side::Target),
            (Err(failure), Err(_)) => return Err(failure),
        };
    let as_tap = connector::fits(written, config::Role::Tap(&tap));
    let as_target = connector::fits(written, config::Role::Target(&target));
    match (as_tap, as_target) {
        (Ok(()), Err(_)) => Ok(Side::Tap),
        (Err(_), Ok(())) => Ok(Side::Target),
        (Err(error), Err(_)) => Err(error).during(Phase::Config),
        (Ok(()), Ok(())) => {
            let error = Error::config(format!("`{}` is both a tap and a target", written.type_name));
            Err(error.hint("say which one to check: `--as tap` or `--as target`")).during(Phase::Config)
        }
    }
}
