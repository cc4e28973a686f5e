//! `tap`: from a tap to a file or stdout.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Outcome;
use super::sync::{end, not_started, progress};
use crate::args::{DataFormat, Globals};
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::output;
use crate::session::{OpenedTap, Session};
use dstream_core::arrows::ArrowsTarget;
use dstream_core::catalog::to_selection;
use dstream_core::config::TargetOptions;
use dstream_core::pipeline::Limits;
use dstream_core::singer::SingerTarget;
use dstream_core::state::{State, StateFile};
use dstream_core::sync::{Request, StateSource};
use dstream_core::{Error, TargetManifest, WriteMode, tables};
use serde_json::{Map, Value, json};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Path to catalog file; without one the tap is asked, and `streams` of its config selects
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Path to state file: of `sync`, or the value of a STATE message; it is read, never written
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Output file (default: stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is written (default: singer, or arrow for a file ending in .arrows)
    #[arg(long, value_enum)]
    format: Option<DataFormat>,
}

/// Where messages go.
type Output = Box<dyn Write + Send>;

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let tap = session.open_tap(&args.config, false)?;
    let state = args.state.as_deref().map(read_state).transpose()?;
    let bookmarks = state.as_ref().map(bookmarks).unwrap_or_default();
    let mut request = request(args, &session, &tap, state)?;
    let output = open(args.output.as_deref())?;
    let keys = replication_keys(&request);
    let arrows = match DataFormat::of(args.format, args.output.as_deref()) {
        DataFormat::Singer => {
            let target = SingerTarget::new(output).with_state(bookmarks).with_replication_keys(keys);
            request.target = Arc::new(target);
            None
        }
        DataFormat::Arrow => {
            let target =
                Arc::new(ArrowsTarget::new(output).with_state(bookmarks).with_replication_keys(keys));
            request.target = target.clone();
            Some(target)
        }
    };
    let prepared = dstream_core::sync::prepare(request).map_err(not_started)?;
    prepared.notices.iter().for_each(|notice| output::note(format!("note: {notice}")));
    let display = progress::start(prepared.progress());
    let (outcome, report) = prepared.run();
    display.finish();
    let code = end(&outcome, &report);
    if let (Some(arrows), ExitCode::Ok) = (arrows, code) {
        arrows.finish().during(Phase::Output)?;
    }
    if args.output.is_some() {
        progress::summary(&report);
    }
    if outcome.abandoned {
        output::exit_now(code);
    }
    Ok(code)
}

fn request(
    args: &Args,
    session: &Session,
    tap: &OpenedTap,
    state: Option<State>,
) -> Result<Request, Failure> {
    let catalog = tap.catalog(args.catalog.as_deref())?;
    let streams = to_selection(&catalog).during(Phase::Config)?;
    if streams.is_empty() {
        let error = Error::config("no stream is selected").hint("`dstreams catalog select` selects streams");
        return Err(error).during(Phase::Config);
    }
    // Messages can only be added to what is out already.
    let manifest = TargetManifest { write_modes: vec![WriteMode::Append], ..TargetManifest::default() };
    let options = TargetOptions { table: Some(whole_names()), ..TargetOptions::default() };
    let tables = tables::plan(&streams, &options, &manifest).during(Phase::Config)?;
    let name = &tap.resolved.config.name;
    let pipeline = match &state {
        Some(state) if !state.pipeline.is_empty() => state.pipeline.clone(),
        _ => format!("{name}/messages"),
    };
    let defaults = Limits::default();
    Ok(Request {
        tap: tap.tap.clone(),
        target: Arc::new(SingerTarget::new(std::io::sink())),
        transactional: false,
        pipeline,
        lock_identity: None,
        fingerprint: [("tap".to_owned(), tap.resolved.config.type_name.clone())].into(),
        streams,
        tables,
        state: state.map_or(StateSource::None, |state| StateSource::Given(Box::new(state))),
        full_refresh: false,
        limits: Limits {
            batch_rows: tap.resolved.config.batch_size.unwrap_or(defaults.batch_rows),
            ..defaults
        },
        interrupt: session.interrupt.clone(),
        protocol: dstream_core::commit::Protocol::default(),
    })
}

/// The messages name streams, not tables: every stream keeps its whole name.
fn whole_names() -> tables::Template {
    tables::Template::parse("{stream}").unwrap_or_default()
}

fn replication_keys(request: &Request) -> BTreeMap<String, String> {
    let keyed = request
        .streams
        .iter()
        .filter_map(|stream| Some((stream.name.clone(), stream.replication_key.clone()?)));
    keyed.collect()
}

/// A state file of `sync`, or the value of a STATE message as `tail -n 1` leaves it.
fn read_state(path: &Path) -> Result<State, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::not_found(format!("state file `{shown}` cannot be read: {error}")))
        .during(Phase::State)?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| {
            Error::config(format!("state file `{shown}` is not JSON, it may be cut: {error}")).hint(
                "take the last STATE value that the target printed, or leave `--state` out to start over",
            )
        })
        .during(Phase::State)?;
    if value.get("format").is_some() {
        let file = StateFile::open(path).map_err(Error::from).during(Phase::State)?;
        return Ok(file.state().clone());
    }
    State::from_bookmarks(&value)
        .map_err(|error| Error::from(error).context(format!("state file `{shown}`")))
        .during(Phase::State)
}

/// What a STATE message begins with: the bookmarks of all partitions, also of those that this run does not reach.
fn bookmarks(state: &State) -> Map<String, Value> {
    let entries = state.bookmarks.iter().map(|(id, entry)| (id.clone(), entry.to_record(id).value));
    let mut value = Map::new();
    value.insert("bookmarks".to_owned(), json!(entries.collect::<Map<String, Value>>()));
    value
}

fn open(path: Option<&Path>) -> Result<Output, Failure> {
    let Some(path) = path else { return Ok(Box::new(output::unlocked_data())) };
    let file =
        File::create(path).map_err(|error| output::unwritable(&error, &format!("`{}`", path.display())))?;
    Ok(Box::new(output::data(file)))
}
