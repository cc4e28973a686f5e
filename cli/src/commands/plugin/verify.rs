//! `plugin verify FILE`: loading runs code of the file, and a library can end the process that loads it. That step
//! happens in a process of its own, so that its death is a result.

use serde_json::json;
use std::path::Path;
use std::time::Duration;

use dstream_core::plugin::{self, Outcome as Found};
use dstream_core::{Error, plugin::Check};

use super::elsewhere::{self, Ended, Said};
use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::{output, plugins};

/// A library that takes longer to be entered does something else than that.
const PATIENCE: Duration = Duration::from_secs(30);

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
    elsewhere::answer(&said)?;
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
    let mut command = elsewhere::command("verify-load", globals).during(Phase::Plugin)?;
    command.arg("--").arg(file);
    let outcome = match elsewhere::run(command, PATIENCE).during(Phase::Plugin)? {
        Ended::ByItself(said) => judge(&said),
        Ended::NotInTime => {
            let what = format!("the library was not entered within {} s", PATIENCE.as_secs());
            let hint = "it does work when it is loaded, which the contract forbids: ask who made it";
            Found::Failed(Error::bug(what).hint(hint))
        }
    };
    Ok(Check { name: "can be loaded", outcome })
}

fn judge(said: &Said) -> Found {
    if let (Some(seen), true) = (said.result["passed"].as_str(), said.status.success()) {
        return Found::Passed(seen.to_owned());
    }
    if let Some(why) = said.result["failed"].as_str() {
        let error = Error::bug(why);
        return Found::Failed(match said.result["hint"].as_str() {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    Found::Failed(
        Error::bug(format!("the process that loaded it ended with {}", said.status))
            .hint("the library crashes when it is loaded: ask who made it"),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn judged(status: i32, result: Value) -> Found {
        judge(&Said { status: ExitStatus::from_raw(status), result, last_words: String::new() })
    }

    #[test]
    fn a_crash_is_a_result() {
        let Found::Failed(error) = judged(11, Value::Null) else { panic!("passed") };
        assert!(error.message().contains("signal: 11"), "{error}");
        assert!(matches!(judged(6, json!({ "passed": "" })), Found::Failed(_)));
    }

    #[test]
    fn what_the_other_process_says_is_the_result() {
        let Found::Failed(error) = judged(0, json!({ "failed": "cut", "hint": "again" })) else {
            panic!("passed")
        };
        assert_eq!((error.message().as_str(), error.hint_text()), ("cut", Some("again")));
    }
}
