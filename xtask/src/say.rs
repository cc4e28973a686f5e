//! The one place that prints.

use std::io::{self, IsTerminal, Write};

/// One line.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A heading above what follows.
pub(crate) fn step(text: &str) {
    let (bold, plain) = if io::stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    line(&format!("\n{bold}== {text}{plain}"));
}

/// What went wrong.
pub(crate) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "error: {text}");
}
