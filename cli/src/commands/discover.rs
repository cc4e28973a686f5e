//! `discover`: what a tap can read, as a catalog file.

use std::path::{Path, PathBuf};

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, ExitCode, Phase};
use crate::output;
use crate::session::Session;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Output catalog file; `-` is stdout
    #[arg(short, long, value_name = "FILE", default_value = "catalog.json")]
    output: PathBuf,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let catalog = session.open_tap(&args.config, false)?.catalog(None)?;
    if args.output == Path::new("-") {
        output::line(catalog.to_json().during(Phase::Config)?)?;
        return Ok(ExitCode::Ok);
    }
    catalog.save(&args.output).during(Phase::Output)?;
    let views = catalog.view().during(Phase::Config)?;
    let selected = views.iter().filter(|stream| stream.is_selected).count();
    let (all, file) = (views.len(), args.output.display());
    output::note(format!(
        "{selected} of {all} streams selected, written to {file}\nnext: `dstreams catalog view {file}`"
    ));
    Ok(ExitCode::Ok)
}
