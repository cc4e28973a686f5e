//! Code of a plugin in a process of its own: it may crash, hang, or print what it likes.

use serde_json::Value;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use dstream_core::Error;

use crate::args::Globals;
use crate::exit::Failure;
use crate::output;

/// Before the result on stdout, where the library may have printed too.
const MARK: &str = "dstreams-result: ";

/// How the other process ended.
pub(super) enum Ended {
    ByItself(Said),
    /// It was killed.
    NotInTime,
}

/// What the other process left.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    /// What it gave to [`answer`]; null where it did not come so far.
    pub(super) result: Value,
    /// The last line that it wrote to stderr.
    pub(super) last_words: String,
}

/// This program, to do `plugin <name>` with the same global options.
pub(super) fn command(name: &str, globals: &Globals) -> Result<Command, Error> {
    let program = std::env::current_exe()
        .map_err(|error| Error::resource(format!("this program cannot find itself: {error}")))?;
    let mut command = Command::new(program);
    command.args(["plugin", name]);
    if globals.allow_insecure_plugins {
        command.arg("--allow-insecure-plugins");
    }
    for folder in &globals.plugin_dirs {
        command.arg("--plugin-dir").arg(folder);
    }
    if globals.verbose > 0 {
        command.arg(format!("-{}", "v".repeat(globals.verbose.into())));
    }
    Ok(command)
}

/// Hands the result of this process to the one that started it.
pub(super) fn answer(result: &Value) -> Result<(), Failure> {
    output::line(format!("{MARK}{result}"))
}

/// Runs the command and waits for its end, at most for `patience`.
pub(super) fn run(mut command: Command, patience: Duration) -> Result<Ended, Error> {
    let cannot = |error| Error::resource(format!("no process for the plugin can be started: {error}"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    watch(command.spawn().map_err(cannot)?, patience)
}

fn watch(mut child: Child, patience: Duration) -> Result<Ended, Error> {
    let lost = |error: std::io::Error| Error::bug(format!("the process of the plugin is lost: {error}"));
    let until = Instant::now() + patience;
    let (stdout, stderr) = (receive(child.stdout.take()), receive(child.stderr.take()));
    let said = stdout.recv_timeout(patience);
    let complained = stderr.recv_timeout(until.saturating_duration_since(Instant::now()));
    let is_late = said.is_err() || complained.is_err();
    if is_late {
        child.kill().map_err(lost)?;
    }
    let status = child.wait().map_err(lost)?;
    if is_late {
        return Ok(Ended::NotInTime);
    }
    let last_words = complained.unwrap_or_default();
    let last_words = last_words.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last_words = last_words.unwrap_or_default().to_owned();
    Ok(Ended::ByItself(Said { status, result: result(&said.unwrap_or_default()), last_words }))
}

/// Everything that comes out of a pipe, once it is closed.
fn receive(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = pipe.read_to_end(&mut said);
            let _ = sender.send(String::from_utf8_lossy(&said).into_owned());
        });
    }
    receiver
}

fn result(said: &str) -> Value {
    let result = said.lines().rev().find_map(|line| line.strip_prefix(MARK));
    result.and_then(|result| serde_json::from_str(result).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_library_prints_is_not_the_result() {
        let said = format!("{{\"passed\": \"me\"}}\n{MARK}{{\"failed\": \"cut\"}}\nbye\n");
        assert_eq!(result(&said), json!({ "failed": "cut" }));
        assert_eq!(result("nothing\n"), Value::Null);
    }
}
