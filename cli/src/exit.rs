//! Who failed, as an exit code.

use dstream_core::{Error, ErrorKind};

use crate::signals;

/// The exit codes, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
    0  everything that was asked for is done
    1  internal error
    2  wrong usage
    3  config or catalog
    4  a plugin: not found, not loaded, not trusted, or broken
    5  the source
    6  the target
    7  some streams are done, others failed
    8  state: unreadable, or not that of this source
    9  locked: another run of the same pipeline
   10  data contract: a record, a count or a schema that does not fit
   11  resources: disk, memory, quota
  130  stopped by SIGINT (143: SIGTERM, 129: SIGHUP); what is committed is safe
  141  whoever read the output is gone";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    Ok,
    Internal,
    Usage,
    Config,
    Plugin,
    Source,
    Target,
    /// Some streams are done, others failed.
    Partial,
    State,
    Locked,
    Contract,
    Resources,
    /// By the signal of this number.
    Stopped(u8),
}

impl ExitCode {
    /// The number the shell sees.
    pub(crate) fn number(self) -> u8 {
        match self {
            ExitCode::Ok => 0,
            ExitCode::Internal => 1,
            ExitCode::Usage => 2,
            ExitCode::Config => 3,
            ExitCode::Plugin => 4,
            ExitCode::Source => 5,
            ExitCode::Target => 6,
            ExitCode::Partial => 7,
            ExitCode::State => 8,
            ExitCode::Locked => 9,
            ExitCode::Contract => 10,
            ExitCode::Resources => 11,
            ExitCode::Stopped(signal) => 128 + signal,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> std::process::ExitCode {
        std::process::ExitCode::from(code.number())
    }
}

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Reading what the user wrote: config, catalog, selection.
    Config,
    /// Finding and opening a library.
    Plugin,
    /// Opening, checking, discovering, planning a tap.
    Source,
    /// Records coming from the tap.
    Reading,
    /// Opening, checking, beginning a target.
    Target,
    /// Records going to the target.
    Writing,
    /// Reading or writing the state file.
    State,
    /// Taking the lock of the pipeline.
    Lock,
    /// Writing what the user asked to see.
    Output,
}

/// An error together with what was being done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) phase: Phase,
    pub(crate) error: Error,
}

impl Failure {
    /// The code that says who must act.
    pub(crate) fn code(&self) -> ExitCode {
        code_of(self.phase, self.error.kind(), signals::received())
    }

    /// What to do where the error itself does not say it.
    pub(crate) fn usual_hint(&self) -> Option<&'static str> {
        match (self.error.kind(), self.code()) {
            (ErrorKind::Bug, ExitCode::Plugin) => {
                Some("this is a defect of the plugin: report it to its maker")
            }
            (ErrorKind::Bug, _) => Some("this is a defect of dstreams: please report it"),
            _ => None,
        }
    }
}

fn code_of(phase: Phase, kind: ErrorKind, signal: Option<u8>) -> ExitCode {
    match (kind, phase) {
        (ErrorKind::Cancelled, _) => ExitCode::Stopped(signal.unwrap_or(signals::INTERRUPT)),
        (ErrorKind::Fenced, _) => ExitCode::Locked,
        (ErrorKind::Resource, _) => ExitCode::Resources,
        (ErrorKind::BookmarkLost, _) => ExitCode::State,
        // Whichever step meets the record: without a catalog it is discovery.
        (ErrorKind::Data | ErrorKind::Schema, Phase::Source | Phase::Reading | Phase::Writing) => {
            ExitCode::Contract
        }
        // What reports a defect here is the library, and a caught panic of it is one.
        (ErrorKind::Bug, Phase::Source | Phase::Reading | Phase::Target | Phase::Writing) => ExitCode::Plugin,
        (ErrorKind::Bug, Phase::Config | Phase::State | Phase::Lock | Phase::Output) => ExitCode::Internal,
        (ErrorKind::Config, Phase::Source | Phase::Reading | Phase::Target | Phase::Writing) => {
            ExitCode::Config
        }
        (_, Phase::Config | Phase::Output) => ExitCode::Config,
        (_, Phase::Plugin) => ExitCode::Plugin,
        (_, Phase::Source | Phase::Reading) => ExitCode::Source,
        (_, Phase::Target | Phase::Writing) => ExitCode::Target,
        (_, Phase::State) => ExitCode::State,
        (_, Phase::Lock) => ExitCode::Locked,
    }
}

/// Says what was being done when a result is an error.
pub(crate) trait During<T> {
    /// The error becomes a failure of `phase`.
    fn during(self, phase: Phase) -> Result<T, Failure>;
}

impl<T> During<T> for Result<T, Error> {
    fn during(self, phase: Phase) -> Result<T, Failure> {
        self.map_err(|error| Failure { phase, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_who_must_act() {
        for (phase, kind, code) in [
            (Phase::Config, ErrorKind::NotFound, 3),
            (Phase::Source, ErrorKind::Config, 3),
            (Phase::Plugin, ErrorKind::Config, 4),
            (Phase::Reading, ErrorKind::Bug, 4),
            (Phase::Source, ErrorKind::Unavailable, 5),
            (Phase::Source, ErrorKind::Data, 10),
            (Phase::Target, ErrorKind::Denied, 6),
            (Phase::State, ErrorKind::Data, 8),
            (Phase::Reading, ErrorKind::BookmarkLost, 8),
            (Phase::Lock, ErrorKind::Unavailable, 9),
            (Phase::Writing, ErrorKind::Fenced, 9),
            (Phase::Reading, ErrorKind::Data, 10),
            (Phase::Writing, ErrorKind::Schema, 10),
            (Phase::Writing, ErrorKind::Resource, 11),
            (Phase::State, ErrorKind::Bug, 1),
        ] {
            assert_eq!(code_of(phase, kind, None).number(), code, "{phase:?} {kind:?}");
        }
    }

    #[test]
    fn a_stopped_run_never_ends_with_zero() {
        assert_eq!(code_of(Phase::Reading, ErrorKind::Cancelled, None).number(), 130);
        assert_eq!(code_of(Phase::Writing, ErrorKind::Cancelled, Some(15)).number(), 143);
        assert_eq!(code_of(Phase::Source, ErrorKind::Cancelled, Some(1)).number(), 129);
    }

    #[test]
    fn every_code_is_listed_in_the_help() {
        for code in 0..=11 {
            let line = format!("\n{code:>5}  ");
            assert!(HELP.contains(&line), "{code}");
        }
    }
}
