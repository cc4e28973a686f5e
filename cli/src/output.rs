//! The one place that prints: results on stdout, everything else on stderr. No line leaves without [`clean`].

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{ExitCode, Failure, Phase};
use crate::redact::clean;
use dstream_core::Error;

mod table;
pub(crate) use table::Table;

/// Says 128 + SIGPIPE, as a process ends that the signal kills.
const READER_IS_GONE: ExitCode = ExitCode::Stopped(13);

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on notes are not printed.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Prints a result, with its line feed.
///
/// # Errors
/// stdout cannot take it; a reader that is gone ends the process instead.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", clean(text.as_ref()))
        .and_then(|()| out.flush())
        .map_err(|error| unwritable(&error, "stdout"))
}

/// Prints a remark on stderr, unless the user wants quiet.
pub(crate) fn note(text: impl AsRef<str>) {
    if !QUIET.load(Ordering::Relaxed) {
        complain(text.as_ref());
    }
}

/// Prints a failure: what failed, then what to do next.
pub(crate) fn failure(failure: &Failure) {
    let error = &failure.error;
    let mut text = format!("error: {error}");
    if let Some(hint) = error.hint_text().or_else(|| failure.usual_hint()) {
        text.push_str("\n  hint: ");
        text.push_str(hint);
    }
    complain(&text);
}

/// Prints what clap has to say: help and version on stdout, a refusal on stderr.
pub(crate) fn usage(said: &clap::Error) -> ExitCode {
    let text = said.render();
    let (colour, code) = if said.use_stderr() {
        (stderr_takes_colour(), ExitCode::Usage)
    } else {
        (stdout_takes_colour(), ExitCode::Ok)
    };
    let text = if colour { text.ansi().to_string() } else { clean(&text.to_string()).into_owned() };
    let written = if said.use_stderr() {
        write!(io::stderr().lock(), "{text}")
    } else {
        let mut out = io::stdout().lock();
        write!(out, "{text}").and_then(|()| out.flush())
    };
    match written {
        Err(error) if !said.use_stderr() => {
            let unwritten = unwritable(&error, "stdout");
            failure(&unwritten);
            unwritten.code()
        }
        _ => code,
    }
}

/// Prints what a panic of our own said.
pub(crate) fn internal_error(sentence: &str) {
    complain(&format!("internal error: {sentence}\n  hint: this is a defect of dstreams, please report it"));
}

/// Data for whoever reads it: as it is, not lines of text, and for threads.
pub(crate) struct DataWriter<W>(W);

/// stdout for data.
pub(crate) fn unlocked_data() -> io::BufWriter<DataWriter<io::Stdout>> {
    data(io::stdout())
}

/// `inner` for data.
pub(crate) fn data<W: Write>(inner: W) -> io::BufWriter<DataWriter<W>> {
    io::BufWriter::with_capacity(1 << 18, DataWriter(inner))
}

impl<W: Write> Write for DataWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(end_without_reader)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(end_without_reader)
    }
}

/// Ends the process where nobody is left to read: `dstreams tap | head` is done when `head` is. Threads of plugins may be
/// at work, so that no destructor runs.
fn end_without_reader(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        signal_hook::low_level::exit(i32::from(READER_IS_GONE.number()));
    }
}

/// What a failed write of `place` means. The process ends here when whoever read stdout is gone: there is nobody left to
/// tell.
pub(crate) fn unwritable(error: &io::Error, place: &str) -> Failure {
    end_without_reader(error);
    let error = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::resource(format!("writing {place}: {error}")).hint("free some space and run again")
        }
        io::ErrorKind::PermissionDenied => Error::denied(format!("writing {place}: {error}"))
            .hint("choose another place, or ask for the right to write there"),
        _ => Error::unavailable(format!("writing {place}: {error}"))
            .hint("see that its folder is there and may be written to"),
    };
    Failure { phase: Phase::Output, error }
}

/// Whether colours reach somebody.
pub(crate) fn stderr_takes_colour() -> bool {
    takes_colour(io::stderr().is_terminal())
}

/// Whether progress reaches somebody.
pub(crate) fn shows_progress() -> bool {
    !QUIET.load(Ordering::Relaxed) && io::stderr().is_terminal()
}

fn stdout_takes_colour() -> bool {
    takes_colour(io::stdout().is_terminal())
}

fn takes_colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A stderr that is closed leaves nothing to be done.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", clean(text));
}

/// Draws `lines` over the `drawn` lines before them, on a terminal. Returns how many there are now.
pub(crate) fn redraw(drawn: usize, lines: &[String]) -> usize {
    // Up to the first line, and clear to the end of the screen.
    let mut text = if drawn > 0 { format!("\x1b[{drawn}A\x1b[J") } else { String::new() };
    for line in lines {
        text.push_str(&clean(line));
        text.push('\n');
    }
    let _ = io::stderr().lock().write_all(text.as_bytes());
    lines.len()
}

/// Whether a file may come to stand at `path`: said before there is anything to write.
///
/// # Errors
/// There is no folder for it, or a folder stands there.
pub(crate) fn check_place(path: &std::path::Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match folder {
        _ if path.is_dir() => "it is a folder",
        Some(folder) if !folder.is_dir() => "its folder is not there",
        _ => return Ok(()),
    };
    let error = Error::config(format!("`{}` cannot be written: {why}", path.display()));
    Err(Failure { phase: Phase::Output, error: error.hint("make the folder first, or name another file") })
}

/// Writes a document that the user asked for, and that has no secrets any more: in the text a secret of digits would be
/// found in numbers.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_file(path: &std::path::Path, document: &serde_json::Value) -> Result<(), Failure> {
    std::fs::write(path, format!("{document:#}\n"))
        .map_err(|error| unwritable(&error, &format!("`{}`", path.display())))
}

/// Ends the process without destructors.
pub(crate) fn exit_now(code: ExitCode) -> ! {
    let _ = io::stdout().lock().flush();
    signal_hook::low_level::exit(i32::from(code.number()))
}

/// Takes the bytes of one log record and prints them as clean lines.
#[derive(Default)]
pub(crate) struct LogWriter(Vec<u8>);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        // Colours are control characters of our own making, and the formatter escapes those of others.
        let text = crate::redact::without_secrets(&text);
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
