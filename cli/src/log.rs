//! The log: `tracing` on stderr.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{Globals, LogFormat};
use crate::output;

/// Starts the log.
pub(crate) fn start(globals: &Globals) {
    let form = tracing_subscriber::fmt::layer().with_writer(output::LogWriter::default);
    let layer = match globals.log_format {
        LogFormat::Text => {
            form.with_ansi(output::stderr_takes_colour()).with_target(globals.verbose > 0).boxed()
        }
        LogFormat::Json => form.with_ansi(false).json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(levels(globals))).init();
}

/// `warn` for all; the first `-v` opens our own crates, the second everything.
fn levels(globals: &Globals) -> Targets {
    let (ours, others) = match (globals.quiet, globals.verbose) {
        (true, _) => (LevelFilter::ERROR, LevelFilter::ERROR),
        (false, 0) => (LevelFilter::WARN, LevelFilter::WARN),
        (false, 1) => (LevelFilter::DEBUG, LevelFilter::INFO),
        (false, _) => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    // A target is matched by its beginning: this is `dstreams` and every `dstream_*`.
    Targets::new().with_default(others).with_target("dstream", ours)
}
