//! `target`: from a file or stdin to a target.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Outcome;
use crate::args::{DataFormat, Globals};
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::output::{self, Table};
use crate::session::{OpenedTarget, Session};
use dstream_core::arrows::ArrowsReader;
use dstream_core::singer::{
    BatchLimits, IngestOptions, Ingested, SingerReader, Source, StreamSchema, ingest,
};
use dstream_core::{
    Error, ErrorKind, Pipeline, ReplicationMethod, Result as CoreResult, SelectedStream, StreamPlan, tables,
};
use serde_json::Value;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to target configuration
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Input file (default: stdin)
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Path to state file: the last STATE value that is durable is written there, as well as to stdout
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// What is read (default: singer, or arrow for a file ending in .arrows)
    #[arg(long, value_enum)]
    format: Option<DataFormat>,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Outcome {
    let session = Session::start(globals)?;
    let target = session.open_target(&args.config)?;
    let mut source = open(args)?;
    let mut planned: Vec<(StreamSchema, StreamPlan)> = Vec::new();
    let mut plan_stream = |shape: &StreamSchema| plan(shape, &target, &mut planned);
    let mut on_state = |value: &Value| keep_state(value, args.state.as_deref());
    let (stop, _) = session.interrupt.flags();
    let options = options(&target);
    let ingested =
        ingest(source.as_mut(), target.target.as_ref(), &options, &mut plan_stream, &mut on_state, &stop);
    let ingested = ingested.map_err(|error| {
        // A record that does not fit is the input's, whoever noticed.
        let phase = match error.kind() {
            ErrorKind::Data | ErrorKind::Schema => Phase::Writing,
            _ => Phase::Target,
        };
        Failure { phase, error }
    })?;
    summary(&ingested);
    Ok(ExitCode::Ok)
}

fn options(target: &OpenedTarget) -> IngestOptions {
    // The taps of other makers have no name that would tell one pipeline from another.
    let pipeline = Pipeline {
        pipeline: format!("messages/{}", target.resolved.config.name),
        run: std::process::id().to_string(),
    };
    let mut options = IngestOptions::new(pipeline);
    if let Some(rows) = target.resolved.config.batch_size {
        options.commit_rows = rows.get() as u64;
    }
    options
}

fn open(args: &Args) -> Result<Box<dyn Source>, Failure> {
    let input: Box<dyn Read + Send> = match &args.input {
        Some(path) => Box::new(
            File::open(path)
                .map_err(|error| {
                    let shown = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                    Error::not_found(format!("input `{}` cannot be opened: {error}", shown.display()))
                        .hint("check the path on the command line")
                })
                .during(Phase::Config)?,
        ),
        None => Box::new(std::io::stdin()),
    };
    Ok(match DataFormat::of(args.format, args.input.as_deref()) {
        DataFormat::Singer => {
            Box::new(SingerReader::new(input, BatchLimits::default()).during(Phase::Source)?)
        }
        DataFormat::Arrow => Box::new(ArrowsReader::new(input).during(Phase::Source)?),
    })
}

/// Where a stream goes: upsert where it has a key; else its records are added, for messages do not say which of them
/// were sent before.
fn plan(
    shape: &StreamSchema,
    target: &OpenedTarget,
    planned: &mut Vec<(StreamSchema, StreamPlan)>,
) -> CoreResult<StreamPlan> {
    let mut shapes: Vec<&StreamSchema> = planned.iter().map(|(shape, _)| shape).collect();
    shapes.push(shape);
    let streams: Vec<SelectedStream> = shapes.into_iter().map(selected).collect();
    // All of them once more: two streams in one table are an error before the second writes.
    let tables = tables::plan(&streams, &target.resolved.target_options, &target.manifest)?;
    let Some(table) = tables.last() else { return Err(Error::bug("a stream has no table plan")) };
    let plan = StreamPlan {
        stream: shape.stream.clone(),
        table: table.table.clone(),
        write_mode: table.write_mode(false),
        write_mode_is_explicit: table.is_explicit,
        key_properties: shape.key_properties.clone(),
        replication_method: ReplicationMethod::Incremental,
        generation: 1,
        resumed: false,
    };
    planned.push((shape.clone(), plan.clone()));
    Ok(plan)
}

fn selected(shape: &StreamSchema) -> SelectedStream {
    SelectedStream {
        upserted: false,
        name: shape.stream.clone(),
        schema: shape.schema.clone(),
        key_properties: shape.key_properties.clone(),
        replication_method: ReplicationMethod::Incremental,
        replication_key: shape.bookmark_properties.first().cloned(),
    }
}

/// Singer's way: the value of a STATE, one line on stdout, once everything before it is durable.
fn keep_state(value: &Value, file: Option<&Path>) -> CoreResult<()> {
    if let Some(path) = file {
        dstream_core::state::replace_file(path, format!("{value}\n").as_bytes())?;
    }
    output::line(value.to_string()).map_err(|failure| failure.error)
}

fn summary(ingested: &Ingested) {
    let mut table = Table::new(["stream", "committed"]);
    for (stream, rows) in &ingested.streams {
        table.row([stream.clone(), rows.to_string()]);
    }
    let rows: u64 = ingested.streams.iter().map(|(_, rows)| rows).sum();
    output::note(format!("{table}\n{rows} rows committed in {} commits", ingested.commits));
}
