//! `sync`: from a tap to a target.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::session::{OpenedTap, OpenedTarget, Session};
use crate::{output, redact, signals, size};
use dstream_core::catalog::{filter_streams, to_selection};
use dstream_core::commit::{Protocol, SeededBug};
use dstream_core::pipeline::{self, Limits, Side, WindowLimits};
use dstream_core::sync::{NotStarted, Report, Request, StateSource, Step, StreamStatus};
use dstream_core::tables::{self, Explanation};
use dstream_core::{Error, ErrorKind};

pub(super) mod progress; // what is shown while a run goes on, and at its end

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration
    #[arg(long, value_name = "FILE")]
    tap_config: PathBuf,
    /// Path to target configuration
    #[arg(long, value_name = "FILE")]
    target_config: PathBuf,
    /// Path to catalog file; without one the tap is asked, and `streams` of its config selects
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Path to state file; without one every run starts from the beginning
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Move these streams only, of those that are selected; globs, repeatable
    #[arg(long, value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<String>,
    /// Read every stream from the start again
    #[arg(long)]
    full_refresh: bool,
    /// Stop every stream after this many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Streams or partitions moved at once
    #[arg(long, value_name = "N", default_value = "4")]
    parallel: NonZeroUsize,
    /// Bytes of records held in memory at once, for the whole run
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "128MiB")]
    memory: u64,
    /// Print what is promised for this tap and target, and move nothing
    #[arg(long)]
    explain: bool,
    /// Write what was done as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Look at every value that crosses, of every plugin
    #[arg(long)]
    validate: bool,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    if let Some(report) = &args.report {
        output::check_place(report)?;
    }
    let session = Session::start(globals)?;
    let tap = session.open_tap(&args.tap_config, args.validate)?;
    let target = session.open_target(&args.target_config)?;
    let request = request(args, &session, &tap, &target)?;
    let promises: Vec<Explanation> = request
        .streams
        .iter()
        .zip(&request.tables)
        .map(|(stream, table)| tables::explain(stream, table, &tap.manifest, &target.manifest))
        .collect();
    if args.explain {
        return explain(&request, &promises);
    }
    if tap.resolved.require_exactly_once || target.resolved.require_exactly_once {
        tables::check_exactly_once(&promises).during(Phase::Config)?;
    }
    let prepared = dstream_core::sync::prepare(request).map_err(not_started)?;
    prepared.notices.iter().for_each(|notice| output::note(format!("note: {notice}")));
    let display = progress::start(prepared.progress());
    let (outcome, report) = prepared.run();
    display.finish();
    let code = end(&outcome, &report);
    progress::summary(&report);
    if let Some(path) = &args.report {
        write_report(path, &report)?;
    }
    if outcome.abandoned {
        // Threads of a plugin still run: its destructors would race them.
        output::exit_now(code);
    }
    Ok(code)
}

fn request(
    args: &Args,
    session: &Session,
    tap: &OpenedTap,
    target: &OpenedTarget,
) -> Result<Request, Failure> {
    let catalog = tap.catalog(args.catalog.as_deref())?;
    let selected = to_selection(&catalog).during(Phase::Config)?;
    let streams = filter_streams(selected, &args.streams).during(Phase::Config)?;
    if streams.is_empty() {
        let error = Error::config("no stream is selected").hint("`dstreams catalog select` selects streams");
        return Err(error).during(Phase::Config);
    }
    let tables =
        tables::plan(&streams, &target.resolved.target_options, &target.manifest).during(Phase::Config)?;
    let (tap_config, target_config) = (&tap.resolved.config, &target.resolved.config);
    Ok(Request {
        tap: tap.tap.clone(),
        target: target.target.clone(),
        transactional: target.manifest.transactional,
        pipeline: format!("{}/{}", tap_config.name, target_config.name),
        lock_identity: Some(format!("{} {}", tap.resolved.identity(), target.resolved.identity())),
        fingerprint: [("tap".to_owned(), tap_config.type_name.clone())].into(),
        streams,
        tables,
        state: args.state.clone().map_or(StateSource::None, StateSource::File),
        full_refresh: args.full_refresh,
        limits: limits(args, tap, target),
        interrupt: session.interrupt.clone(),
        protocol: protocol(),
    })
}

fn limits(args: &Args, tap: &OpenedTap, target: &OpenedTarget) -> Limits {
    let defaults = Limits::default();
    let mut window = WindowLimits::default();
    if let Some(rows) = target.resolved.config.batch_size {
        window.rows = rows.get() as u64;
    }
    let mut batch_rows = tap.resolved.config.batch_size.unwrap_or(defaults.batch_rows);
    // A batch is committed whole: one that is larger than a window, or than what is wanted, would miss the mark.
    for bound in [Some(window.rows), args.limit].into_iter().flatten() {
        let bound = usize::try_from(bound).ok().and_then(NonZeroUsize::new);
        batch_rows = batch_rows.min(bound.unwrap_or(batch_rows));
    }
    Limits {
        memory_bytes: args.memory,
        parallel: args.parallel,
        batch_rows,
        window,
        window_is_free: target.resolved.config.batch_size.is_none(),
        rows_per_stream: args.limit,
        ..defaults
    }
}

/// The commit protocol, or a broken one that the kill campaign has to find.
fn protocol() -> Protocol {
    match dstream_core::has_seeded_bug("state-before-data") {
        true => Protocol::seeded(SeededBug::StateBeforeData),
        false => Protocol::default(),
    }
}

fn explain(request: &Request, promises: &[Explanation]) -> Outcome {
    for ((stream, table), promise) in request.streams.iter().zip(&request.tables).zip(promises) {
        let mode = match (table.write_mode(true), table.write_mode(false)) {
            (first, later) if first == later => first.to_string(),
            (first, later) => format!("{first} the first time, then {later}"),
        };
        let method = match &stream.replication_key {
            Some(key) => format!("{} by `{key}`", stream.replication_method),
            None => stream.replication_method.to_string(),
        };
        let (name, table) = (&stream.name, &table.table);
        output::line(format!("{name} → {table} ({method}, {mode})\n  {promise}"))?;
    }
    Ok(ExitCode::Ok)
}

pub(super) fn not_started(failed: NotStarted) -> Failure {
    let phase = match failed.step {
        Step::State => Phase::State,
        Step::Config => Phase::Config,
        Step::Lock => Phase::Lock,
        Step::Target => Phase::Target,
        Step::Tap => Phase::Source,
    };
    Failure { phase, error: failed.error }
}

/// Prints every failure, and says how the process ends.
pub(super) fn end(outcome: &pipeline::Outcome, report: &Report) -> ExitCode {
    let mut first = None;
    let mut tell = |failure: Failure| {
        output::failure(&failure);
        first.get_or_insert(failure.code());
    };
    if let Some(error) = &outcome.failure {
        tell(Failure { phase: Phase::Writing, error: error.clone() });
    }
    let mut failures = outcome.lanes.iter().filter_map(|lane| lane.result.as_ref().err());
    let has_cause = failures.any(|failed| failed.error.kind() != ErrorKind::Cancelled);
    let is_told = |error: &Error| match error.kind() {
        // A lane that was ended by the user or because of another one has nothing to tell.
        ErrorKind::Cancelled => has_cause || outcome.interrupted || outcome.failure.is_some(),
        _ => outcome.failure.as_ref().is_some_and(|failure| failure.message() == error.message()),
    };
    for lane in &outcome.lanes {
        if let Err(failed) = &lane.result
            && !is_told(&failed.error)
        {
            let phase = match failed.side {
                Side::Tap => Phase::Reading,
                Side::Target => Phase::Writing,
            };
            let named = failed.error.stream_name().is_some();
            let error = failed.error.clone();
            tell(Failure { phase, error: if named { error } else { error.stream(lane.streams.join(", ")) } });
        }
    }
    let some_are_done = report
        .streams
        .iter()
        .any(|stream| matches!(stream.status, StreamStatus::Complete | StreamStatus::Limited));
    match first {
        _ if outcome.interrupted => ExitCode::Stopped(signals::received().unwrap_or(signals::INTERRUPT)),
        None => ExitCode::Ok,
        Some(_) if outcome.failure.is_none() && some_are_done => ExitCode::Partial,
        Some(code) => code,
    }
}

fn write_report(path: &std::path::Path, report: &Report) -> Result<(), Failure> {
    let mut report = serde_json::to_value(report)
        .map_err(|error| Error::bug(format!("the report cannot be written as JSON: {error}")))
        .during(Phase::Output)?;
    redact::without_secrets_json(&mut report);
    output::write_file(path, &report)
}
