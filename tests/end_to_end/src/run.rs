//! A run that goes on, and one that has ended.

use rustix::process::{Pid, Signal, kill_process};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(300);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(2);

/// A run that goes on. Dropped, it is killed.
#[derive(Debug)]
pub struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    line: String,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code as a shell shows it: 128 and its number where a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    line: String,
}

impl Started {
    pub(crate) fn new(mut command: Command, stdout: PathBuf, stderr: PathBuf) -> Started {
        let line = format!("{command:?}");
        let child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        Started { child, stdout, stderr, line }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a child has a number");
        // One that has ended meanwhile is still there until it is waited for.
        kill_process(pid, signal).expect("a child can be sent a signal");
    }

    /// What it has said on stderr up to now.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// How much it has printed on stdout up to now.
    pub fn stdout_bytes(&self) -> u64 {
        std::fs::metadata(&self.stdout).map_or(0, |file| file.len())
    }

    /// Waits until `seen` gives something.
    ///
    /// # Panics
    /// The run ended before, or took too long.
    pub fn wait_for<T>(&mut self, what: &str, mut seen: impl FnMut(&Started) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = seen(self) {
                return found;
            }
            let ended = self.child.try_wait().expect("a child can be asked for its end");
            assert!(ended.is_none(), "{}: ended ({ended:?}) before {what}: {}", self.line, self.stderr());
            assert!(start.elapsed() < DEADLINE, "{}: {what} did not happen: {}", self.line, self.stderr());
            std::thread::sleep(LOOK);
        }
    }

    /// Whether it ends by itself within `patience`.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.child.try_wait().expect("a child can be asked for its end").is_some() {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It took too long.
    pub fn finish(self) -> Run {
        self.finish_watched(|_| {})
    }

    /// The same; `watch` is called again and again while it runs.
    ///
    /// # Panics
    /// It took too long.
    pub fn finish_watched(mut self, mut watch: impl FnMut(&Started)) -> Run {
        let start = Instant::now();
        let status = loop {
            watch(&self);
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status,
                None => assert!(start.elapsed() < DEADLINE, "{}: does not end: {}", self.line, self.stderr()),
            }
            std::thread::sleep(LOOK);
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        let code = status.code().or(signal.map(|signal| 128 + signal)).expect("ended by code or signal");
        let text = |path| String::from_utf8_lossy(&std::fs::read(path).expect("it was made")).into_owned();
        let run = Run {
            code,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
            line: std::mem::take(&mut self.line),
        };
        run.check_is_for_people();
        run
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Of one that has been waited for there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// No output of any run shows the inside of the program.
    fn check_is_for_people(&self) {
        // What the libraries of others log, at `-vv` alone, is in their words.
        let is_theirs = |line: &&str| line.contains(" module=\"") || line.contains(",\"module\":\"");
        let said: Vec<&str> = self.stderr.lines().filter(|line| !is_theirs(line)).collect();
        let said = said.join("\n");
        for inside in
            ["panicked at", "RUST_BACKTRACE", "stack backtrace", "internal error", "Some(", "Err(", "Error {"]
        {
            assert!(!said.contains(inside), "`{inside}` in what was said: {self}");
        }
        assert!(!self.stderr.contains('\u{1b}'), "colours without a terminal: {self}");
    }

    /// It did what it was asked to.
    #[track_caller]
    pub fn ok(self) -> Run {
        assert_eq!(self.code, 0, "{self}");
        assert!(!self.stderr.contains("error:"), "{self}");
        self
    }

    /// It failed with this code, and said so once, in the one form: what failed and why on the line after `error:`, and
    /// what to do next after `hint:`. Gives both.
    #[track_caller]
    pub fn fails(&self, code: i32) -> String {
        let (error, hint) = self.fails_without_hint(code);
        assert!(!hint.is_empty(), "nothing to do next: {self}");
        format!("{error}\n{hint}")
    }

    /// The same, where there is nothing that could be done: the error, and the hint if there is one.
    #[track_caller]
    pub fn fails_without_hint(&self, code: i32) -> (String, String) {
        assert_eq!(self.code, code, "{self}");
        let errors: Vec<&str> = self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        let hints: Vec<&str> = self.stderr.lines().filter_map(|line| line.strip_prefix("  hint: ")).collect();
        let [error] = errors[..] else { panic!("{} errors instead of one: {self}", errors.len()) };
        assert!(hints.len() < 2, "several hints: {self}");
        let hint = hints.first().copied().unwrap_or_default();
        for sentence in [error, hint] {
            assert!(!sentence.ends_with('.'), "a full stop: {self}");
            assert!(sentence.matches('`').count() % 2 == 0, "a backtick without its other half: {self}");
        }
        (error.to_owned(), hint.to_owned())
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\ncode {}\nstdout:\n{}\nstderr:\n{}", self.line, self.code, self.stdout, self.stderr)
    }
}
