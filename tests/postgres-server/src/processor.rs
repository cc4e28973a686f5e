//! The processor time of a server: its postmaster and all that it has started.

use anyhow::{Context, Result, bail};
use std::fs;

/// Linux counts in hundredths of a second for programs, whatever its kernel does.
const TICKS: f64 = 100.0;

/// Seconds of user and system time of `postmaster` and its children, those that have ended included.
pub(crate) fn seconds(postmaster: u32) -> Result<f64> {
    for _ in 0..100 {
        let before = read(postmaster)?;
        let children: u64 = children(postmaster)?;
        let after = read(postmaster)?;
        // One that ended meanwhile would be counted twice or not at all.
        if before.ended == after.ended {
            return Ok((after.own + after.ended + children) as f64 / TICKS);
        }
    }
    bail!("the processes of the server end too quickly to be counted")
}

struct Times {
    parent: u32,
    own: u64,
    ended: u64,
}

fn children(postmaster: u32) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir("/proc").context("the processor time of a server is only known on Linux")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse() else { continue };
        // Any other process may end while it is looked at.
        let Ok(times) = read(id) else { continue };
        if times.parent == postmaster {
            sum += times.own + times.ended;
        }
    }
    Ok(sum)
}

fn read(id: u32) -> Result<Times> {
    let path = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))?;
    // The name, in parentheses, may contain anything.
    let (_, rest) = stat.rsplit_once(')').context("no name in a `stat`")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |index: usize| -> Result<u64> { Ok(fields.get(index).context("a short `stat`")?.parse()?) };
    Ok(Times {
        parent: u32::try_from(field(1)?)?,
        own: field(11)? + field(12)?,
        ended: field(13)? + field(14)?,
    })
}
