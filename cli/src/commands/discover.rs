//! `discover`: what a tap can read, as a catalog file.

use std::path::{Path, PathBuf};

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::output;
use crate::session::{OpenedTap, Session};
use dstream_core::catalog::{CatalogFile, Kept};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Output catalog file; `-` is stdout. What was selected and set in one that is there already is kept
    #[arg(short, long, value_name = "FILE", default_value = "catalog.json")]
    output: PathBuf,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let tap = session.open_tap(&args.config, false)?;
    if args.output == Path::new("-") {
        output::line(tap.catalog(None)?.to_json().during(Phase::Config)?)?;
        return Ok(ExitCode::Ok);
    }
    let earlier = earlier(&args.output, &tap)?;
    let mut catalog = tap.catalog(None)?;
    let kept = earlier.map(|earlier| catalog.keep_decisions(&earlier));
    catalog.save(&args.output).during(Phase::Output)?;
    let views = catalog.view().during(Phase::Config)?;
    let selected = views.iter().filter(|stream| stream.is_selected).count();
    let (all, file) = (views.len(), args.output.display());
    if let Some(kept) = &kept {
        tell(kept);
    }
    output::note(format!(
        "{selected} of {all} streams selected, written to {file}\nnext: `dstreams catalog view {file}`"
    ));
    Ok(ExitCode::Ok)
}

/// The catalog that stands where the new one is to go: it holds what the user decided. Anything else that stands there is
/// not overwritten.
fn earlier(path: &Path, tap: &OpenedTap) -> Result<Option<CatalogFile>, Failure> {
    // A pipe has nothing to keep, and an empty file was made for this.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
        return Ok(None);
    }
    let config = &tap.resolved.config;
    let earlier = CatalogFile::load(path)
        .map_err(|error| {
            error.hint("only a catalog is replaced: name another file with `--output`, or remove this one")
        })
        .during(Phase::Config)?;
    earlier
        .check_tap(&config.type_name, &config.name)
        .map_err(|error| {
            error
                .context(format!("`{}` is not replaced", path.display()))
                .hint("name another file with `--output`, or remove this one")
        })
        .during(Phase::Config)?;
    Ok(Some(earlier))
}

fn tell(kept: &Kept) {
    let list = |names: &[String]| format!("`{}`", names.join("`, `"));
    let mut text = format!("kept what was selected and set for {} streams", kept.streams);
    if !kept.new.is_empty() {
        text.push_str(&format!("; new and selected: {}", list(&kept.new)));
    }
    if !kept.gone.is_empty() {
        text.push_str(&format!("; gone: {}", list(&kept.gone)));
    }
    output::note(text);
    kept.lost.iter().for_each(|lost| output::note(format!("warning: {lost}")));
}
