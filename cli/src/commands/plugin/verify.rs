//! `plugin verify FILE`: loading runs code of the file, and a library can end the process that loads it. That step
//! happens in a process of its own, so that its death is a result.

use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use dstream_core::plugin::{self, Outcome as Found};
use dstream_core::{Error, plugin::Check};

use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::{output, plugins};

/// A library that takes longer to be entered does something else than that.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before the result on stdout, where the library may have printed too.
const MARK: &str = "dstreams-verify-load: ";

pub(super) fn run(file: &Path, globals: &Globals) -> Outcome {
    let checks = plugin::verify_static(file, plugins::trust(globals));
    let mut passed = true;
    for check in &checks {
        passed &= check.passed();
        show(check)?;
    }
    if passed {
        let loaded = load_elsewhere(file, globals)?;
        passed = loaded.passed();
        show(&loaded)?;
    } else {
        output::line("skip  can be loaded")?;
    }
    Ok(if passed { ExitCode::Ok } else { ExitCode::Plugin })
}

/// What the other process does: loads, and says what came of it.
pub(super) fn run_load(file: &Path, globals: &Globals) -> Outcome {
    let check = plugin::verify_load(file, plugins::trust(globals));
    let said = match &check.outcome {
        Found::Passed(seen) => json!({ "passed": seen }),
        Found::Failed(error) => json!({ "failed": error.message(), "hint": error.hint_text() }),
        Found::Skipped => json!({ "failed": "the check was left out" }),
    };
    output::line(format!("{MARK}{said}"))?;
    Ok(ExitCode::Ok)
}

fn show(check: &Check) -> Result<(), Failure> {
    output::line(check.to_string())?;
    match &check.outcome {
        Found::Failed(error) => match error.hint_text() {
            Some(hint) => output::line(format!("      hint: {hint}")),
            None => Ok(()),
        },
        Found::Passed(_) | Found::Skipped => Ok(()),
    }
}

fn load_elsewhere(file: &Path, globals: &Globals) -> Result<Check, Failure> {
    let started = std::env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        command.args(["plugin", "verify-load"]);
        if globals.allow_insecure_plugins {
            command.arg("--allow-insecure-plugins");
        }
        command.arg("--").arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    });
    let child = started
        .map_err(|error| {
            Error::resource(format!("no process to load the library in can be started: {error}"))
        })
        .during(Phase::Plugin)?;
    let outcome = match watch(child) {
        Ok((status, said)) => judge(status, &said),
        Err(error) => Found::Failed(error),
    };
    Ok(Check { name: "can be loaded", outcome })
}

/// Waits for the end of the process, but not for ever.
fn watch(mut child: Child) -> Result<(ExitStatus, String), Error> {
    let lost =
        |error: std::io::Error| Error::bug(format!("the process that loads the library is lost: {error}"));
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stdout.read_to_end(&mut said);
            let _ = sender.send(said);
        });
    }
    let said = receiver.recv_timeout(PATIENCE);
    if said.is_err() {
        child.kill().map_err(lost)?;
    }
    let status = child.wait().map_err(lost)?;
    match said {
        Ok(said) => Ok((status, String::from_utf8_lossy(&said).into_owned())),
        Err(_) => Err(Error::bug(format!("the library was not entered within {} s", PATIENCE.as_secs()))
            .hint("it does work when it is loaded, which the contract forbids: ask who made it")),
    }
}

fn judge(status: ExitStatus, said: &str) -> Found {
    let said = said.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let said: Value = said.and_then(|said| serde_json::from_str(said).ok()).unwrap_or_default();
    if let (Some(seen), true) = (said["passed"].as_str(), status.success()) {
        return Found::Passed(seen.to_owned());
    }
    if let Some(why) = said["failed"].as_str() {
        let error = Error::bug(why);
        return Found::Failed(match said["hint"].as_str() {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    Found::Failed(
        Error::bug(format!("the process that loaded it ended with {status}"))
            .hint("the library crashes when it is loaded: ask who made it"),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_crash_is_a_result() {
        let Found::Failed(error) = judge(ExitStatus::from_raw(11), "noise\n") else { panic!("passed") };
        assert!(error.message().contains("signal: 11"), "{error}");
        let crash_after = format!("{MARK}{{\"passed\": \"\"}}\n");
        assert!(matches!(judge(ExitStatus::from_raw(6), &crash_after), Found::Failed(_)));
    }

    #[test]
    fn what_the_library_prints_is_not_the_result() {
        let said = format!("{{\"passed\": \"me\"}}\n{MARK}{{\"failed\": \"cut\", \"hint\": \"again\"}}\n");
        let Found::Failed(error) = judge(ExitStatus::from_raw(0), &said) else { panic!("passed") };
        assert_eq!((error.message().as_str(), error.hint_text()), ("cut", Some("again")));
    }
}
