//! What one command costs: its wall time, the processor time of all its processes, the memory of the largest one.

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Seconds from its start to its end.
    pub(crate) wall: f64,
    /// Seconds of user and system time, the server's not among them.
    pub(crate) processor: f64,
    /// MiB resident in its largest process, at its highest.
    pub(crate) peak: f64,
}

/// Runs `command` in a shell in `folder`; what it says goes to `log`.
///
/// A process between this one and the shell waits for it: the figures of children that it is told when they have
/// ended are those of this command alone.
pub(crate) fn run(command: &str, folder: &Path, env: &[(String, OsString)], log: &Path) -> Result<Cost> {
    let figures = folder.join("figures.json");
    let log_file = File::create(log).with_context(|| format!("`{}` cannot be written", log.display()))?;
    let status = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg(&figures)
        .arg(command)
        .current_dir(folder)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log_file.try_clone()?)
        .stderr(log_file)
        .status()?;
    ensure!(
        status.success(),
        "`{command}` failed, {status}; it said:\n{}",
        String::from_utf8_lossy(&fs::read(log)?)
    );
    let text = fs::read_to_string(&figures)?;
    let figures: Value = serde_json::from_str(&text)?;
    let figure = |name: &str| figures[name].as_f64().with_context(|| format!("no `{name}` in `{text}`"));
    Ok(Cost { wall: figure("wall")?, processor: figure("processor")?, peak: figure("peak")? })
}

/// The process between: runs `command`, writes its figures and ends as it does.
pub(crate) fn between(figures: &Path, command: &str) -> Result<i32> {
    let started = Instant::now();
    let status = Command::new("sh").arg("-c").arg(command).status().context("`sh` cannot be started")?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cost = json!({
        "wall": wall,
        "processor": seconds(usage.user_time()) + seconds(usage.system_time()),
        // Linux counts in KiB.
        "peak": usage.max_rss() as f64 / 1024.0,
    });
    fs::write(figures, cost.to_string())?;
    Ok(status.code().unwrap_or(1))
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
