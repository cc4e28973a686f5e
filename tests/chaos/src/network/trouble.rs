//! The faults of a network, and where they strike.

use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
use std::time::Duration;

use super::{NETWORK_MS, Usual};
use crate::process::Running;
use crate::random::Random;
use crate::world::LIMIT;

/// The bytes after which a connection can break are a multiple of this.
const STEP: u64 = 64 << 10;
/// How often it is looked whether a connection has broken.
const POLL: Duration = Duration::from_millis(10);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Tap,
    Target,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

/// What happens to a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trouble {
    /// Connections break after so many bytes: those that are open when the first of them does, or all that there are.
    Break { side: Side, way: Way, bytes: u64, how: Break, lasts: bool },
    /// The reply to a COMMIT never comes.
    Unanswered { nth: u64, how: Break },
    /// Bytes come one by one.
    Slices,
    /// The end of a connection comes late.
    SlowClose,
    /// Nobody takes new connections, and those that are open are reset.
    Down { side: Side, after: Duration, pause: Duration },
    /// Nothing passes for a while.
    Frozen { side: Side, after: Duration, pause: Duration },
}

impl Trouble {
    /// From the source, to the target.
    pub(super) const WHERE_ROWS_GO: [(Side, Way); 2] =
        [(Side::Tap, Way::ToClient), (Side::Target, Way::ToServer)];

    /// A reset after so many times 64 KiB.
    pub(super) fn reset_after((side, way): (Side, Way), steps: u64) -> Trouble {
        Trouble::Break { side, way, bytes: steps * STEP, how: Break::Reset, lasts: false }
    }

    pub(super) fn draw(random: &mut Random, usual: &Usual) -> Trouble {
        let side = if random.percent(50) { Side::Tap } else { Side::Target };
        let after = usual.took.mul_f64(random.fraction());
        let hole = random.percent(20);
        let how = match random.below(4) {
            _ if hole => Break::BlackHole,
            0 => Break::Cut,
            _ => Break::Reset,
        };
        match random.below(20) {
            0..9 => Trouble::draw_break(random, usual, side, how),
            9..13 => Trouble::Unanswered { nth: 1 + random.below(6), how },
            13 => Trouble::Slices,
            14 => Trouble::SlowClose,
            15..18 => Trouble::Down { side, after, pause: Duration::from_millis(random.below(2_500)) },
            _ => {
                let pause = Duration::from_millis(NETWORK_MS + random.below(2 * NETWORK_MS));
                Trouble::Frozen { side, after, pause }
            }
        }
    }

    /// Mostly where the rows go: from the source, to the target.
    fn draw_break(random: &mut Random, usual: &Usual, side: Side, how: Break) -> Trouble {
        let (connections, to_server, to_client) = usual.passed[usize::from(side == Side::Target)];
        let way = match (side, random.percent(80)) {
            (Side::Tap, true) | (Side::Target, false) => Way::ToClient,
            _ => Way::ToServer,
        };
        let passed = if way == Way::ToServer { to_server } else { to_client };
        // The rows are on some of the connections.
        let steps = 1 + passed / connections.max(1) * 2 / STEP;
        // Where little passes, a break in the middle of the first words is one as well.
        let bytes = if passed < 4 * STEP { random.below(passed / 4 + 1) } else { STEP * random.below(steps) };
        let lasts = bytes >= 2 * STEP && how != Break::BlackHole && random.percent(10);
        Trouble::Break { side, way, bytes, how, lasts }
    }

    /// For the figures.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Trouble::Break { how: Break::Reset, .. } => "reset",
            Trouble::Break { how: Break::Cut, .. } => "cut",
            Trouble::Break { how: Break::BlackHole, .. } => "black hole",
            Trouble::Unanswered { .. } => "no reply to COMMIT",
            Trouble::Slices => "bytes one by one",
            Trouble::SlowClose => "slow close",
            Trouble::Down { .. } => "down",
            Trouble::Frozen { .. } => "frozen",
        }
    }

    /// How long a run may take: what it usually takes on a machine that has something else to do now, what the fault
    /// takes, and the waits between attempts.
    pub(super) fn limit(&self, usual: &Usual) -> Duration {
        let attempt = Duration::from_millis(NETWORK_MS) + Duration::from_secs(5);
        let fault = match self {
            Trouble::Break { lasts: true, .. } | Trouble::Slices => return LIMIT,
            Trouble::Down { pause, .. } | Trouble::Frozen { pause, .. } => *pause,
            _ => Duration::ZERO,
        };
        // Two attempts may meet the fault: that of a reader, and that of a writer.
        usual.took * 5 + 2 * attempt + fault + Duration::from_secs(5)
    }

    /// What the connections to come are told.
    pub(super) fn prepare(&self, proxies: &[Proxy; 2]) {
        let both = |direction: Direction| {
            proxies.iter().for_each(|proxy| proxy.set_plan(Plan::every(Faults::both(direction.clone()))));
        };
        match *self {
            Trouble::Break { side, way, bytes, how, .. } => {
                let direction = Direction::default().after(bytes, how);
                let faults = match way {
                    Way::ToServer => Faults::to_server(direction),
                    Way::ToClient => Faults::to_client(direction),
                };
                of(side, proxies).for_each(|proxy| proxy.set_plan(Plan::every(faults.clone())));
            }
            Trouble::Unanswered { nth, how } => {
                let direction = Direction::default().before_reply("COMMIT", nth, how);
                proxies[1].set_plan(Plan::every(Faults::to_client(direction)));
            }
            Trouble::Slices => both(Direction::default().slices(1)),
            Trouble::SlowClose => both(Direction::default().slow_close(Duration::from_millis(300))),
            Trouble::Down { .. } | Trouble::Frozen { .. } => {}
        }
    }

    /// What happens while it runs; says whether it did.
    pub(super) fn strike(&self, proxies: &[Proxy; 2], running: &Running) -> bool {
        match *self {
            Trouble::Slices | Trouble::SlowClose => true,
            Trouble::Break { lasts, .. } => wait_for_break(proxies, running, lasts),
            Trouble::Unanswered { .. } => wait_for_break(proxies, running, false),
            Trouble::Down { side, after, pause } => {
                if running.wait(after) {
                    return false;
                }
                of(side, proxies).for_each(|proxy| {
                    proxy.down();
                    proxy.reset_all();
                });
                running.wait(running.age() + pause);
                of(side, proxies).for_each(Proxy::up);
                true
            }
            Trouble::Frozen { side, after, pause } => {
                if running.wait(after) {
                    return false;
                }
                of(side, proxies).for_each(Proxy::freeze);
                running.wait(running.age() + pause);
                of(side, proxies).for_each(Proxy::thaw);
                true
            }
        }
    }
}

/// Waits until a connection breaks; those that come after it do not, unless the fault `lasts`.
fn wait_for_break(proxies: &[Proxy; 2], running: &Running, lasts: bool) -> bool {
    let breaks = || -> u64 { proxies.iter().map(|proxy| proxy.counters().breaks).sum() };
    // None breaks before the run has connected.
    let before = breaks();
    while !running.wait(running.age() + POLL) && breaks() == before && running.age() < LIMIT {}
    let broken = breaks() > before;
    if broken && !lasts {
        proxies.iter().for_each(|proxy| proxy.set_plan(Plan::pass()));
    }
    broken
}

fn of(side: Side, proxies: &[Proxy; 2]) -> impl Iterator<Item = &Proxy> {
    let chosen = match side {
        Side::Tap => &proxies[..1],
        Side::Target => &proxies[1..],
    };
    chosen.iter()
}
