//! A panic of our own becomes one sentence and exit code 1.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use crate::exit::ExitCode;
use crate::output;

static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Runs `body`; a panic in it is reported instead of printed as it is.
///
/// A panic on another thread is kept for the log: whoever joins that thread turns it into an error.
pub(crate) fn guard(body: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("a panic without text").replace('\n', " ");
        let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        let sentence = format!("{text}{place}");
        tracing::debug!(panic = sentence, "a thread panicked");
        *LAST.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(sentence);
    }));
    // Before ours: a panic that is caught at the border of a plugin is an error, and is reported as one.
    dstream_core::install_panic_hook();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let sentence = LAST.lock().unwrap_or_else(|poison| poison.into_inner()).take();
        output::internal_error(&sentence.unwrap_or_default());
        ExitCode::Internal
    })
}
