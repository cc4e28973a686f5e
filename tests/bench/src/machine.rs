//! The machine: what it is, and whether it has time for us.

use anyhow::{Context, Result};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_secs(1);
/// Cores that others may use.
const QUIET: f64 = 0.25;
/// Linux counts in hundredths of a second for programs, whatever its kernel does.
const TICKS: f64 = 100.0;

/// Waits until the machine has been quiet for a second, no longer than `patience`; says whether it has become so.
pub(crate) fn wait_until_quiet(patience: Duration) -> Result<bool> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        let (before, started) = (busy_seconds()?, Instant::now());
        thread::sleep(LOOK);
        if (busy_seconds()? - before) / started.elapsed().as_secs_f64() < QUIET {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Seconds that all cores together have worked since the machine started, the time taken by its host included.
pub(crate) fn busy_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat").context("the load of the machine is only known on Linux")?;
    let first = stat.lines().next().context("`/proc/stat` is empty")?;
    let ticks: Vec<f64> = first.split_whitespace().skip(1).filter_map(|tick| tick.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guests are counted in user.
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&index| ticks.get(index)).sum::<f64>();
    Ok(busy / TICKS)
}

/// Processor, cores, memory, kernel.
pub(crate) fn described() -> String {
    let cpu = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = line_of("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").trim().parse::<f64>().ok())
        .map_or_else(String::new, |kib| format!(", {:.0} GiB", kib / 1024.0 / 1024.0));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpu}, {cores} cores{memory}, Linux {}", kernel.trim())
}

fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}
