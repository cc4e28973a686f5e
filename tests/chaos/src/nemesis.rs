//! What disturbs a run, and when.

use anyhow::Result;
use std::time::{Duration, Instant};

use crate::process::End;
use crate::random::Random;
use crate::servers::{Crash, crash};
use crate::world::{LIMIT, World};

/// What happens to a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// `kill -9`, this long after its start.
    Kill(Duration),
    /// A server goes down and comes up again; the run may be killed while it does not know what to think of it.
    Crash { after: Duration, server: usize, how: Crash, down: Duration, kill_after: Option<Duration> },
}

impl Fault {
    /// Draws one for a run that usually takes this long.
    pub(crate) fn draw(random: &mut Random, usual: Duration, servers: usize) -> Fault {
        let after = usual.mul_f64(moment(random));
        if servers == 0 || random.percent(80) {
            return Fault::Kill(after);
        }
        let how = if random.percent(50) { Crash::Immediate } else { Crash::Kill };
        let down = Duration::from_millis(random.below(3) * 100);
        let kill_after = random.percent(30).then(|| after + down + Duration::from_millis(random.below(700)));
        Fault::Crash { after, server: random.below(servers as u64) as usize, how, down, kill_after }
    }
}

/// A part of the usual time: any moment of it, and more often than others the first and the last ones.
fn moment(random: &mut Random) -> f64 {
    let part = random.fraction();
    match random.below(10) {
        0 => part * 0.15,
        1 => 0.85 + part * 0.3,
        _ => part * 1.1,
    }
}

/// Runs a sync, with the fault.
///
/// # Errors
/// It cannot be started, or a server does not come up again.
pub(crate) fn sync(world: &World<'_>, fault: Option<Fault>) -> Result<End> {
    let mut running = world.start_sync()?;
    match fault {
        None => {}
        Some(Fault::Kill(after)) if !running.wait(after) => running.kill(),
        Some(Fault::Kill(_)) => {}
        Some(Fault::Crash { after, server, how, down, kill_after }) => {
            let start = Instant::now();
            // One that has ended before is no test of anything, and its server is left alone.
            if !running.wait(after) {
                crash(&world.servers[server], how, down, |down| {
                    running.wait(start.elapsed() + down);
                })?;
                if let Some(after) = kill_after
                    && !running.wait(after)
                {
                    running.kill();
                }
            }
        }
    }
    running.end(LIMIT)
}
