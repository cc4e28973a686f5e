//! What is shown while a run goes on, and at its end. Progress appears on a terminal only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::output::{self, Table};
use dstream_core::pipeline::Progress;
use dstream_core::sync::Report;

/// How often the lines are drawn.
const INTERVAL: Duration = Duration::from_millis(250);
/// More streams than this are added up.
const MAX_LINES: usize = 12;

/// The thread that draws, if there is a terminal.
pub(super) struct Display {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts drawing.
pub(super) fn start(progress: Arc<Progress>) -> Display {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    let draw = move || {
        let started = Instant::now();
        let mut drawn = 0;
        while !flag.load(Ordering::Relaxed) {
            std::thread::park_timeout(INTERVAL);
            drawn = output::redraw(drawn, &lines(&progress, started.elapsed()));
        }
        output::redraw(drawn, &[]);
    };
    let thread = output::shows_progress()
        .then(|| std::thread::Builder::new().name("progress".into()).spawn(draw).ok());
    Display { ended, thread: thread.flatten() }
}

impl Display {
    /// Takes the lines away.
    pub(super) fn finish(self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn lines(progress: &Progress, elapsed: Duration) -> Vec<String> {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let line = |name: &str, read: u64, bytes: u64, committed: u64| {
        format!(
            "{name}: {read} rows, {:.0} rows/s, {:.1} MB/s, {committed} committed",
            read as f64 / seconds,
            bytes as f64 / seconds / 1e6
        )
    };
    let active: Vec<_> = progress.streams().filter(|(_, counters)| counters.read_rows() > 0).collect();
    if active.len() <= MAX_LINES {
        return active
            .iter()
            .map(|(name, counters)| {
                line(name, counters.read_rows(), counters.read_bytes(), counters.committed_rows())
            })
            .collect();
    }
    let sum = |count: fn(&dstream_core::pipeline::StreamProgress) -> u64| {
        active.iter().map(|(_, c)| count(c)).sum()
    };
    let (read, bytes, committed) =
        (sum(|c| c.read_rows()), sum(|c| c.read_bytes()), sum(|c| c.committed_rows()));
    vec![line(&format!("{} streams", active.len()), read, bytes, committed)]
}

/// Prints what was done.
pub(super) fn summary(report: &Report) {
    let mut table = Table::new(["stream", "table", "mode", "rows", "rows/s", "MB/s", "committed", "status"]);
    let seconds = report.seconds.max(0.001);
    for stream in &report.streams {
        table.row([
            stream.stream.clone(),
            stream.table.clone(),
            stream.write_mode.to_string(),
            stream.read_rows.to_string(),
            format!("{:.0}", stream.read_rows as f64 / seconds),
            format!("{:.1}", stream.read_bytes as f64 / seconds / 1e6),
            stream.committed_rows.to_string(),
            stream.status.to_string(),
        ]);
    }
    let committed: u64 = report.streams.iter().map(|stream| stream.committed_rows).sum();
    output::note(format!("{table}\n{committed} rows committed in {:.2} s", report.seconds));
}
